//! The fleet over real HTTP: found, shown, changed, told live.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod site;

use hostler_core::certificate::Certificate;
use hostler_core::changes::{Change, Expect};
use hostler_core::message::{Method, Portion};
use hostler_core::viewer::Right;
use hostler_core::{DeviceId, Fingerprint, NodeId, Secret};
use hostler_store::{RedbStore, Store};
use site::Site;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

const OURS: &str = "sec-fetch-site: same-origin";

#[tokio::test]
async fn search_and_filter_find_among_thousands() {
    let site = Site::with_devices(5_000).await;
    let cookie = site.cookie().await;
    let begun = Instant::now();
    let page = site.get("/?text=sn004321", &[&cookie]).await;
    let took = begun.elapsed();
    assert!(page.body.contains("/devices/example-sn004321"), "{}", page.body);
    assert_eq!(page.body.matches("data-device=").count(), 1);
    assert!(took < Duration::from_secs(15), "{took:?}");
    let stopped = site.get("/?condition=stopped&text=&device_type=", &[&cookie]).await;
    assert!(stopped.body.contains("1–50 of 500 devices"), "{}", stopped.body);
    let last = site.get("/?condition=stopped&offset=450", &[&cookie]).await;
    assert!(last.body.contains("451–500 of 500 devices") && !last.body.contains("rel=\"next\""), "{}", last.body);
    let none = site.get("/?text=nowhere-to-be-found", &[&cookie]).await;
    assert!(none.body.contains("Nothing matches"));
}

#[tokio::test]
async fn a_form_places_a_device_and_comes_back() {
    let site = Site::with_devices(1).await;
    let cookie = site.cookie().await;
    let form = "owner=&site=hamburg&tags=second-floor%2C+loan";
    let answer = site.post("/devices/example-sn000000/place", &[&cookie, OURS], form).await;
    assert_eq!(answer.header("location"), Some("/devices/example-sn000000?done=placed"), "{answer:?}");
    let page = site.get("/devices/example-sn000000?done=placed", &[&cookie]).await;
    assert!(page.body.contains("hamburg") && page.body.contains("second-floor") && page.body.contains("Saved."));
    let token = site.token(Right::See).await;
    let view = site.get("/api/v1/devices/example-sn000000", &[&token]).await.json();
    assert_eq!(view["placement"]["site"], "hamburg");
    let refused = site.post("/devices/example-sn000000/place", &[&cookie, OURS], "owner=&site=Über&tags=").await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("site ID"), "{}", refused.body);
    for sent in [
        "owner=&site=Berlin+Mitte&tags=Second+Floor%2C+spare",
        "owner=a+b&site=Berlin+Mitte&tags=Second+Floor%2C+spare",
    ] {
        let refused = site.post("/devices/example-sn000000/place", &[&cookie, OURS], sent).await;
        assert_eq!(refused.status, 400);
        let kept =
            ["value=\"Berlin Mitte\"", "value=\"Second Floor, spare\"", "<details open>", "role=\"alert\"", "Read now"];
        assert!(kept.iter().all(|kept| refused.body.contains(kept)), "{}", refused.body);
    }
    let spaced = site.post("/devices/example-sn000000/place", &[&cookie, OURS], "tags=Second+Floor%2C+loan").await;
    assert_eq!(spaced.status, 303, "{spaced:?}");
    let view = site.get("/api/v1/devices/example-sn000000", &[&token]).await.json();
    assert_eq!(view["placement"]["tags"], serde_json::json!(["Second Floor", "loan"]));
}

/// A site with one device, of a gateway that is away. It is known by a certificate and shows this other one.
async fn with_another_certificate(store: &Arc<dyn Store>, id: &DeviceId) -> (Site, Fingerprint) {
    let site = Site::over(Arc::clone(store), 1).await;
    site.services.access.accept_child("branch".parse().unwrap(), &Secret::new("token".into())).await.unwrap();
    let [trusted, shown] = [b"old", b"new"].map(|bytes| Fingerprint::of(bytes));
    let known = store.device(id).unwrap().unwrap();
    let mut device = known.value;
    device.certificate = Some(Certificate { trusted, shown: Some(shown.clone()) });
    let (id, expect) = (id.clone(), Expect::Version(known.version));
    store.commit(Change::Device { id, expect, value: Some(Box::new(device)) }.into()).await.unwrap();
    (site, shown)
}

#[tokio::test]
async fn p02_another_certificate_is_trusted_by_who_operates_and_the_order_waits_for_the_gateway() {
    let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
    let (branch, id): (NodeId, DeviceId) = ("branch".parse().unwrap(), "example-sn000000".parse().unwrap());
    let (site, shown) = with_another_certificate(&store, &id).await;
    let waiting = || {
        let outbox = store.outbox(&branch, Portion::EXCHANGE).unwrap();
        outbox.messages.into_iter().map(|message| message.message.method).collect::<Vec<_>>()
    };
    let (page, form) = (format!("/devices/{id}"), format!("certificate={shown}"));
    let (endpoint, json) = (format!("/api/v1{page}/trust"), format!("{{\"certificate\":\"{shown}\"}}"));
    let (action, kind) = (format!("{page}/trust"), "content-type: application/json");

    site.add("grace", Right::See).await;
    let sees = site.post("/login", &[OURS], "user=grace&password=correct+horse+battery").await;
    let sees = format!("cookie: {}", sees.cookie());
    let shows = site.get(&page, &[&sees]).await.body;
    assert!(shows.contains("another certificate") && shows.contains(shown.as_str()), "{shows}");
    assert!(!shows.contains(&action), "what is refused isn't offered: {shows}");
    let refused = site.post(&action, &[&sees, OURS], &form).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let only_sees = site.token(Right::See).await;
    let refused = site.ask("POST", &endpoint, &[&only_sees, kind], &json).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.json()["what_to_do"].is_string());

    let (cookie, operates) = (site.cookie().await, site.token(Right::Operate).await);
    let other = Fingerprint::of(b"third");
    for (text, status) in [(other.as_str(), 409), ("made-up", 422), ("", 422)] {
        let refused = site.post(&action, &[&cookie, OURS], &format!("certificate={text}")).await;
        assert_eq!(refused.status, status, "{text}: {refused:?}");
        let refused = site.ask("POST", &endpoint, &[&operates, kind], &format!("{{\"certificate\":\"{text}\"}}")).await;
        assert_eq!(refused.status, status, "{text}: {refused:?}");
    }
    assert_eq!(waiting(), [], "nothing is ordered by who may not, nor about what nobody asked");

    let offered = site.get(&page, &[&cookie]).await.body;
    assert!(offered.contains(&format!("action=\"{action}\"")), "{offered}");
    let answer = site.post(&action, &[&cookie, OURS], &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(format!("{page}?done=waits").as_str())));
    let order = Method::Trust { device: id.clone(), certificate: shown };
    assert_eq!(waiting(), std::slice::from_ref(&order));
    let answer = site.ask("POST", &endpoint, &[&operates, kind], &json).await;
    assert_eq!((answer.status, &answer.json()["away"]["gateway"]), (202, &"branch".into()), "{answer:?}");
    assert_eq!(waiting(), [order.clone(), order]);
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_but_for_passwords() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    let long = "correct+horse+battery";
    for (path, form, status, kept) in [
        ("/account/users", "name=grace&password=short7&right=operate".to_owned(), 400, "value=\"grace\""),
        ("/account/users", format!("name=grace+h&password={long}&right=operate"), 422, "value=\"grace h\""),
        ("/account/users", format!("name=admin&password={long}&right=operate"), 409, "value=\"operate\" selected"),
        ("/account/users", "name=grace&password=&right=operate".to_owned(), 400, "value=\"grace\""),
        ("/account/tokens", "label=Backups&right=see&days=9999".to_owned(), 400, "value=\"9999\""),
        ("/account/tokens", "label=Backups&right=see&days=".to_owned(), 422, "a whole number"),
        ("/account/password", "old=wrong-one&new=correct+horse".to_owned(), 403, "The old password is wrong"),
    ] {
        let refused = site.post(path, &[&cookie, OURS], &form).await;
        assert_eq!(refused.status, status, "{path} {form}: {refused:?}");
        assert!(refused.body.contains(kept) && refused.body.contains("role=\"alert\""), "{form}: {}", refused.body);
        assert!(refused.body.contains("Tokens and sessions"), "on the form's own page: {form}");
        for never in ["short7", "correct horse", "wrong-one", "deserialize"] {
            assert!(!refused.body.contains(never), "{form}: {never}");
        }
    }
    let parts = "--x\r\ncontent-disposition: form-data; name=\"approve\"\r\n\r\ntrue\r\n--x\r\ncontent-disposition: form-data; \
                 name=\"component\"; filename=\"a.wasm\"\r\n\r\nno plug-in\r\n--x--\r\n";
    let kind = "content-type: multipart/form-data; boundary=x";
    let refused = site.ask("POST", "/plugins/install", &[&cookie, OURS, kind], parts).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains("role=\"alert\"") && refused.body.contains(" checked"), "{}", refused.body);
}

#[tokio::test]
async fn the_account_tells_this_session_from_others() {
    let site = Site::with_devices(0).await;
    let (_other, cookie) = (site.cookie().await, site.cookie().await);
    let page = site.get("/account", &[&cookie]).await;
    assert_eq!(page.body.matches("This session").count(), 1, "{}", page.body);
}

#[tokio::test]
async fn a_token_is_shown_once() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    let made = site.post("/account/tokens", &[&cookie, OURS], "label=Prometheus&right=see&days=30").await;
    let token = made.body.split("readonly value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let metrics = site.get("/metrics", &[&format!("authorization: Bearer {token}")]).await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(metrics.body.contains("hostler_devices{condition=\"fine\"} 0"), "{}", metrics.body);
    let account = site.get("/account", &[&cookie]).await;
    assert!(account.body.contains("Prometheus") && !account.body.contains(token));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_as_json() {
    let site = Site::with_devices(0).await;
    let token = site.token(Right::Administer).await;
    let answer = site.get("/api/v1/devices?condition=broken", &[&token]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["error"].as_str().unwrap().contains("broken"));
    let json = "content-type: application/json";
    let answer = site.ask("POST", "/api/v1/tokens", &[&token, json], "{\"label\":1}").await;
    assert_eq!(answer.status, 422);
    assert!(answer.json()["what_to_do"].is_string());
    assert_eq!(site.get("/api/v1/devices/a%2Fb", &[&token]).await.json()["error"], "there is no device \"a/b\"");
    assert_eq!(site.get("/plugins/Big", &[&site.cookie().await]).await.status, 404);
    assert_eq!(site.get("/api/v1/nothing", &[&token]).await.json()["error"], "there is no such endpoint");
    let nameless = site.ask("DELETE", "/api/v1/tokens/", &[&token], "").await;
    assert_eq!(
        (nameless.status, &nameless.json()["error"]),
        (404, &"the address ends where a name is expected".into())
    );
}

#[tokio::test]
async fn changes_are_told_live_until_the_token_ends() {
    let site = Site::with_devices(1).await;
    let token = site.token(Right::Administer).await;
    let mut stream = site.open("GET", "/api/v1/live", &[&token], "").await;
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.contains("text/event-stream"), "{head}");
    let place = "{\"owner\":null,\"site\":\"berlin\",\"tags\":[]}";
    let json = "content-type: application/json";
    let answer = site.ask("PUT", "/api/v1/devices/example-sn000000/placement", &[&token, json], place).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let told = read_until(&mut stream, "\n\n").await;
    assert!(told.contains("event: changed") && told.contains(r#""devices":["example-sn000000"]"#), "{told}");
    let answer = site.ask("PUT", "/api/v1/devices/example-sn000000/placement", &[&token, json], place).await;
    assert_eq!(answer.status, 204);
    assert_eq!(site.ask("DELETE", "/api/v1/session", &[&token], "").await.status, 204);
    let rest = read_until(&mut stream, "never").await;
    assert!(!rest.contains("changed"), "who isn't logged in any more hears nothing: {rest}");
}

/// Reads until it comes, or the stream ends.
async fn read_until(stream: &mut tokio::net::TcpStream, end: &str) -> String {
    let mut text = String::new();
    let reading = async {
        let mut buffer = [0; 1024];
        while !text.contains(end) {
            match stream.read(&mut buffer).await.unwrap() {
                0 => break,
                count => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap();
    text
}
