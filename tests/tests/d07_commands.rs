//! D7 and D20: what a plug-in describes is offered at the manager and done at a printer under two gateways, its panel and power
//! among it; what doesn't fit, or isn't allowed, is refused with a sentence.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_simulator::{Fleet, FleetConfig, Share, Source, profile};
use hostler_tests::{Browser, Network, Node, Place, Setup, until};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn d07_what_a_plugin_describes_is_done_under_two_gateways() {
    let place = Place::new(247);
    let mix = vec![Share { source: Source::Profile(profile::orchid_c4500()), weight: 1 }];
    let write_community = Some("private".to_owned());
    let config = FleetConfig { count: 1, mix, pages_per_hour: 0, write_community, ..place.fleet() };
    let fleet = Fleet::start(config).await.unwrap();
    let manager = Node::start(Setup::manager(&place)).await;
    manager.install("mfp").await;
    let token = manager.token_for(1).await;
    let middle = Node::start(Setup::gateway(&place, 1, manager.api().base(), &token)).await;
    let token = middle.token_for(2).await;
    let network = Network { credentials: vec!["private".to_owned()], ..Network::of("office", &fleet) };
    let setup = Setup::gateway(&place, 2, middle.api().base(), &token).networks([network]).adopting("mfp");
    let setup = setup.credential("private", "version = \"2c\"\ncommunity = \"private\"\n");
    let mut last = Node::start(setup.read_every("1h")).await;
    let id = manager.until_read(1).await[0]["device"]["id"].as_str().unwrap().to_owned();

    let commands = manager.run(&["device", "commands", &id]).await.well();
    assert!(commands.contains("identify") && commands.contains("how=power-cycle|to-nvram"), "{commands}");
    let said = manager.run(&["device", "command", &id, "identify", "message=Over here"]).await.well();
    assert!(!said.trim().is_empty());
    let panel = manager.run(&["device", "panel", &id]).await.well();
    assert!(panel.contains("Over here"), "{panel}");
    let _ = manager.run(&["device", "panel", &id, "--show", "Service at noon"]).await.well();
    let panel = manager.run(&["device", "panel", &id, "--json"]).await.well();
    let panel: Value = serde_json::from_str(&panel).unwrap();
    let lines = panel.pointer("/outcome/answered/panel/lines").unwrap().to_string();
    assert!(lines.contains("Service at noon"), "{panel}");
    let power = manager.run(&["device", "power", &id]).await.well();
    assert!(power.contains("power: on") && power.contains("engine: ready"), "{power}");

    // What doesn't fit is refused at once, with what would.
    let refused = async |arguments: &[&str], expected: &str| {
        let ran = manager.run(&[&["device", "command", &id][..], arguments].concat()).await;
        assert!(ran.code != Some(0) && ran.err.contains(expected), "{arguments:?}: {ran:?}");
    };
    refused(&["sing"], "there are reset, factory-reset, identify").await;
    refused(&["reset", "how=twice"], "how can't be \"twice\"").await;
    refused(&["reset", "when=now"], "has no parameter \"when\"").await;
    refused(&["identify", &format!("message={}", "x".repeat(101))], "message can't be").await;
    refused(&["reset", "how"], "NAME=VALUE").await;
    // What takes the right to administer isn't an operator's.
    let made = manager.run(&["token", "add", "operator", "--right", "operate", "--json"]).await.well();
    let token: Value = serde_json::from_str(&made).unwrap();
    let operator = manager.api().with_token(Some(token["token"].as_str().unwrap()));
    let why = operator.post(&format!("devices/{id}/commands/factory-reset"), &json!({})).await.unwrap_err();
    assert!(why.to_string().contains("administer"), "{why}");
    let question = json!({ "ask": "command", "device": id, "name": "factory-reset" });
    let why = operator.post("requests", &json!({ "question": question })).await.unwrap_err().to_string();
    assert!(why.contains("administer"), "nor by the other way: {why}");

    // A command for a gateway that is away is done once when it is back.
    last.kill();
    let path = format!("devices/{id}/commands/identify");
    let asked = manager.api().post(&path, &json!({ "arguments": { "message": "At last" } })).await.unwrap();
    last.start_again().await;
    let request = format!("requests/{}", asked["id"].as_str().unwrap());
    until("it is done", async || (manager.api().get(&request).await.ok()?["state"] == "answered").then_some(())).await;
    let panel = manager.run(&["device", "panel", &id]).await.well();
    assert!(panel.contains("At last"), "{panel}");

    if let Some(browser) = Browser::start(&place).await {
        browser.open(&format!("{}/login", manager.api().base())).await;
        browser.fill("input[name=user]", "admin").await;
        browser.fill("input[name=password]", &manager.first_password().await).await;
        browser.click("button.main").await;
        browser.until("it is logged in", "return location.pathname === '/'").await;
        browser.open(&format!("{}/devices/{id}", manager.api().base())).await;
        browser
            .run("document.querySelectorAll('#commands details').forEach((one) => { one.open = true }); return 1")
            .await;
        browser.fill("#commands form[action$='identify'] input[name=message]", "From the page").await;
        browser.click("#commands form[action$='identify'] button").await;
        browser
            .until("it is answered", "return document.querySelector('#standing')?.innerText.includes('Answered')")
            .await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
        let panel = manager.run(&["device", "panel", &id]).await.well();
        assert!(panel.contains("From the page"), "{panel}");
    }
}
