//! D6: somebody at a device calls for help, and its panel shows which of the four things became of that.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Browser, Node, Place, Setup, device_address, until};
use reqwest::Method;
use serde_json::{Value, json};

async fn until_call(what: &str, panel: impl AsyncFn() -> Option<Value>) -> Value {
    until(format!("the panel shows {what}"), async || panel().await.filter(|panel| panel["call"] == what)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn d06_a_device_nodes_panel_shows_what_became_of_a_call() {
    let place = Place::new(245);
    let engine = place.printers(1).await;
    let mut manager = Node::start(Setup::joined(&place, 8081)).await;
    manager.install("mfp").await;
    let join = manager.api().get("join").await.unwrap();
    let device = Node::start(Setup::device_with(&place, 1, &engine, &join)).await;
    let made = manager.registered(&[&device_address(&place, 1).to_string()]).await;
    let _ = device.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
    let view = manager.until_read(1).await.remove(0);
    let id = view["device"]["id"].as_str().unwrap().to_owned();

    let base = format!("http://{}:8081", device_address(&place, 1));
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let panel = async || http.get(format!("{base}/panel/state")).send().await.ok()?.json::<Value>().await.ok();
    let press = async |origin: &str| {
        let pressed = http.post(format!("{base}/panel/call")).header("origin", origin);
        let pressed = pressed.header("content-type", "application/x-www-form-urlencoded").body("text=paper+jam+again");
        pressed.send().await.unwrap().status().as_u16()
    };
    assert_eq!(panel().await.unwrap()["call"], "none");
    assert_eq!(press("http://elsewhere.example").await, 403, "another site presses no key");
    assert_eq!(press(&base).await, 303);
    let taken = until_call("taken", panel).await;
    assert!(taken["text"].as_str().unwrap().contains("manager was told"), "{taken}");
    let calls = async |node: &Node| {
        let events = node.events().await.unwrap();
        let calls = events.iter().filter(|event| event["name"] == "device.user-call");
        calls.filter(|event| event["text"].as_str().unwrap().ends_with("paper jam again")).count()
    };
    assert_eq!(calls(&manager).await, 1);

    // In a browser, as somebody who stands there presses it.
    if let Some(browser) = Browser::start(&place).await {
        browser.open(&format!("{base}/panel")).await;
        browser.click("#panel form button").await;
        browser.until_text("#call", "Your call was taken").await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }

    // The manager doesn't answer: the device's own limit, of a few seconds here, and the next call is taken.
    manager.kill();
    assert_eq!(press(&base).await, 303);
    let late = until_call("own-limit", panel).await;
    assert!(late["why"].as_str().unwrap().contains("its time is over"), "{late}");
    manager.start_again().await;
    until("a call is taken again", async || {
        let call = panel().await?["call"].clone();
        if call != "taken" && call != "calling" {
            assert_eq!(press(&base).await, 303);
        }
        (call == "taken").then_some(())
    })
    .await;
    let _ = manager.api().call(Method::DELETE, &format!("devices/{id}"), &Value::Null).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn d06_a_printers_panel_under_two_gateways_shows_the_gateways_limit_and_the_managers_no() {
    let place = Place::new(246);
    let fleet = place.printers(1).await;
    let mut manager = Node::start(Setup::manager(&place)).await;
    manager.install("mfp").await;
    let token = manager.token_for(1).await;
    let middle = Node::start(Setup::gateway(&place, 1, manager.api().base(), &token)).await;
    let token = middle.token_for(2).await;
    let setup = Setup::gateway(&place, 2, middle.api().base(), &token).network("office", &fleet).adopting("mfp");
    let last = Node::start(setup).await;
    let id = manager.until_read(1).await[0]["device"]["id"].as_str().unwrap().to_owned();
    let panel = async || last.api().get(&format!("devices/{id}/panel")).await.ok();
    let lines = panel().await.unwrap()["lines"].as_array().unwrap().len();
    assert!(lines > 0, "its display is shown");

    let _ = last.api().post(&format!("devices/{id}/panel/call"), &json!({ "text": "no toner" })).await.unwrap();
    until_call("taken", panel).await;
    manager.kill();
    let call = json!({ "question": { "ask": "user-call", "device": id }, "within_s": 32 });
    let _ = last.api().post("requests", &call).await.unwrap();
    let late = until_call("gateway-limit", panel).await;
    assert_eq!(late["by"], "gateway-1", "{late}");
    manager.start_again().await;

    // Called in vain at another node, and pressed twice while one is on its way.
    let why = manager.api().get(&format!("devices/{id}/panel")).await.unwrap_err().to_string();
    assert!(why.contains("look at its own gateway"), "{why}");
    let _ = last.api().post(&format!("devices/{id}/panel/call"), &json!({})).await.unwrap();
    let _ = last.api().post(&format!("devices/{id}/panel/call"), &json!({})).await.unwrap();
    until_call("taken", panel).await;
    let calls = manager.events().await.unwrap().iter().filter(|event| event["name"] == "device.user-call").count();
    assert_eq!(calls, 2, "one while another was on its way is none, and neither is one that was late");
}
