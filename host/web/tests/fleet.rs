//! The fleet over real HTTP: found, shown, changed, told live.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod site;

use hostler_core::viewer::Right;
use site::Site;
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
    assert!(took < Duration::from_secs(1), "{took:?}");
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
