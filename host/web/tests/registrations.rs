//! The registration page (E3 to E5) and the devices that came in, over real HTTP.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod site;

use hostler_core::enrollment::{ConnectionRequest, Credential, Knock};
use hostler_core::viewer::Right;
use site::{Answer, Site};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use url::form_urlencoded::byte_serialize;

const OURS: &str = "sec-fetch-site: same-origin";

async fn register(site: &Site, cookie: &str, addresses: &str, more: &str) -> Answer {
    let addresses: String = byte_serialize(addresses.as_bytes()).collect();
    let form = format!("addresses={addresses}&hours=24&{more}");
    site.post("/registrations", &[cookie, OURS], &form).await
}

/// Registers, and returns where that is.
async fn registered(site: &Site, cookie: &str, addresses: &str, more: &str) -> String {
    let answer = register(site, cookie, addresses, more).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").unwrap().to_owned()
}

/// Lets a device in by a PIN, as the manager's door does.
async fn knock(site: &Site, device: &str, pin: &str) -> bool {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let request = rcgen::CertificateParams::new(vec![]).unwrap().serialize_request(&key).unwrap();
    let connection = ConnectionRequest {
        device: device.parse().unwrap(),
        node: format!("node-{}", device.to_lowercase()).parse().unwrap(),
        proof: Credential::Pin(pin.parse().unwrap()),
        key: hostler_core::KeyFingerprint::of(&rcgen::PublicKeyData::subject_public_key_info(&key)),
        attempt: None,
        user: None,
    };
    let knock = Knock { connection, certificate_request: request.pem().unwrap() };
    let enrollment = site.services.enrollment().unwrap();
    enrollment.connect(knock, [192, 0, 2, 1].into()).await.is_ok()
}

fn pins(page: &str) -> Vec<String> {
    let found = page.split("/enroll?pin=").skip(1).map(|rest| rest.split(['"', '<']).next().unwrap().to_owned());
    let mut pins: Vec<String> = found.collect();
    pins.dedup();
    pins
}

#[tokio::test]
async fn e05_each_address_has_its_url_beside_it_and_what_is_none_is_said_by_its_line() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    let text = "192.168.0.7\n300.1.2.3\n2001:db8::7, printer-3\n192.168.0.7";
    let at = registered(&site, &cookie, text, "sharing=each&places=&means=pin").await;
    let page = site.get(&at, &[&cookie]).await;
    let pins = pins(&page.body);
    assert_eq!(pins.len(), 3, "{}", page.body);
    for (host, pin) in ["192.168.0.7", "[2001:db8::7]", "printer-3"].into_iter().zip(&pins) {
        assert_eq!(pin.len(), 26);
        let link = format!("href=\"http://{host}/enroll?pin={pin}\" target=\"_blank\" rel=\"noopener noreferrer\"");
        assert!(page.body.contains(&link), "{link}: {}", page.body);
    }
    assert!(page.body.contains("Line 2:") && page.body.contains("300.1.2.3") && page.body.contains("Line 4:"));
    assert!(page.body.contains("is in line 1 already"), "{}", page.body);
    assert!(page.body.contains("One address is") && page.body.contains(">public<"), "{}", page.body);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"), "no other site learns where a link was");

    let table = site.get(&format!("/api/v1{at}/table.csv"), &[&cookie]).await;
    assert!(table.header("content-type").unwrap().starts_with("text/csv"));
    assert_eq!(table.header("cache-control"), Some("no-store"));
    let line = format!("192.168.0.7,http://192.168.0.7/enroll?pin={0},{0},waiting,,", pins[0]);
    assert_eq!(table.body.lines().nth(1), Some(line.as_str()), "{}", table.body);
    assert_eq!(table.body.lines().count(), 4);

    let list = site.get("/registrations", &[&cookie]).await;
    assert!(list.body.contains(&format!("href=\"{at}\"")) && list.body.contains("3 addresses"), "{}", list.body);
    assert!(!list.body.contains(&pins[0]));
}

#[tokio::test]
async fn e04_a_refused_form_keeps_what_was_typed() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    for (addresses, more, said) in [
        ("192.0.2.1\n192.0.2.2", "sharing=shared&places=1&means=key", "doesn&#39;t do for 2 addresses"),
        ("192.0.2.1 192.0.2.2", "sharing=shared&places=many&means=key", "for how many devices"),
        ("127.0.0.1", "sharing=each&places=7&means=typed", "Line 1"),
        ("", "sharing=each&places=7&means=typed", "No address was given"),
        ("10.0.0.1", "sharing=any&places=7&means=pin", "aren&#39;t allowed here"),
        ("10.0.0.1", "sharing=none&places=7&means=pin", "sharing"),
    ] {
        let refused = register(&site, &cookie, addresses, more).await;
        assert!([400, 422].contains(&refused.status), "{addresses}: {refused:?}");
        assert!(refused.body.contains(said), "{said}: {}", refused.body);
        assert!(refused.body.contains(&format!(">{addresses}</textarea>")), "{}", refused.body);
        let means = more.rsplit('=').next().unwrap();
        assert!(refused.body.contains(&format!("value=\"{means}\" selected")), "{}", refused.body);
        let places = more.split("places=").nth(1).unwrap().split('&').next().unwrap();
        assert!(refused.body.contains(&format!("value=\"{places}\"")), "{}", refused.body);
    }
    assert!(site.get("/api/v1/registrations", &[&cookie]).await.json().as_array().unwrap().is_empty());
    let foreign = site.post("/registrations", &[&cookie, "sec-fetch-site: cross-site"], "addresses=10.0.0.1").await;
    assert_eq!(foreign.status, 403, "another site registers nothing");
}

#[tokio::test]
async fn e04_typed_pins_keys_and_a_shared_pin_are_shown_for_what_they_are() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    let typed = registered(&site, &cookie, "10.0.0.1", "sharing=each&places=&means=typed").await;
    let page = site.get(&typed, &[&cookie]).await.body;
    let pin = &pins(&page)[0];
    assert!(pin.len() < 26 && page.contains(&format!("PIN <b class=\"code\">{pin}</b>")), "{page}");

    let keys = registered(&site, &cookie, "10.0.0.1 10.0.0.2", "sharing=each&places=&means=key").await;
    let page = site.get(&keys, &[&cookie]).await.body;
    assert!(pins(&page).is_empty() && page.matches("class=\"secret\"").count() == 2, "{page}");

    let shared = registered(&site, &cookie, "10.0.0.1 10.0.0.2", "sharing=shared&places=3&means=pin").await;
    let page = site.get(&shared, &[&cookie]).await.body;
    assert!(page.contains("One PIN for 3 devices") && page.contains("3 more may come in"), "{page}");
    let found = pins(&page);
    assert!(found.len() == 1 && page.contains(&format!("value=\"{}\" aria-label=\"PIN\"", found[0])), "{page}");
    assert!(knock(&site, "B1", &found[0]).await);
    let page = site.get(&shared, &[&cookie]).await.body;
    assert!(page.contains("2 more may come in") && page.contains(">B1<"), "{page}");
}

#[tokio::test]
async fn e05_states_are_told_live_to_who_may_know_and_withdrawing_ends_what_waits() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    let at = registered(&site, &cookie, "10.0.0.1 10.0.0.2 10.0.0.3", "sharing=each&places=&means=pin").await;
    let pins = pins(&site.get(&at, &[&cookie]).await.body);
    let mut live = site.open("GET", "/api/v1/live", &[&cookie], "").await;
    let mut heard = String::new();
    let mut hear = async |word: &str| {
        let mut bytes = [0; 4096];
        while !heard.contains(word) {
            let count = tokio::time::timeout(Duration::from_secs(60), live.read(&mut bytes)).await.unwrap().unwrap();
            assert!(count > 0, "{heard}");
            heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        heard.clear();
    };
    hear("200 OK").await;
    let id = at.rsplit('/').next().unwrap();
    assert!(knock(&site, "A1", &pins[0]).await);
    hear(&format!("\"registrations\":[\"{id}\"],\"enrolled\":true")).await;
    assert!(!knock(&site, "A1", &pins[1]).await, "connected with another key");
    hear(&format!("\"registrations\":[\"{id}\"]")).await;

    let page = site.get(&at, &[&cookie]).await.body;
    assert!(page.contains("as A1 (node-a1)") && page.contains("A device with this ID is connected already"), "{page}");
    let refused = site.get(&format!("{at}?state=refused"), &[&cookie]).await.body;
    assert!(refused.contains("10.0.0.2") && !refused.contains("10.0.0.3") && refused.contains("1 of 1"), "{refused}");
    let table = site.get(&format!("/api/v1{at}/table.csv"), &[&cookie]).await.body;
    assert!(table.contains("10.0.0.1,,,connected,A1,node-a1"), "{table}");

    let withdrawn = site.post(&format!("{at}/withdraw"), &[&cookie, OURS], "").await;
    let to = withdrawn.header("location").unwrap().to_owned();
    hear(&format!("\"registrations\":[\"{id}\"]")).await;
    let page = site.get(&to, &[&cookie]).await.body;
    assert!(page.contains("No further device comes in") && page.contains(">Withdrawn<"), "{page}");
    assert!(!page.contains("/enroll?pin=") && !page.contains("/withdraw\""), "{page}");
    assert!(!knock(&site, "A3", &pins[2]).await);
}

#[tokio::test]
async fn e08_owners_bar_release_and_let_return_on_the_page_and_only_their_own() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    let at = registered(&site, &cookie, "10.0.0.1", "sharing=each&places=&means=pin").await;
    let pins = pins(&site.get(&at, &[&cookie]).await.body);
    assert!(knock(&site, "A1", &pins[0]).await);
    let page = async |path: &str| site.get(path, &[&cookie]).await.body;
    assert!(page("/enrolled").await.contains(">Connected<"));
    assert!(
        page("/enrolled?text=A1").await.contains("node-a1")
            && page("/enrolled?text=B2").await.contains("Nothing matches")
    );
    for (act, form, badge) in [
        ("return", "", ">May return<"),
        ("bar", "why=stolen+%3Cb%3E", ">Barred<"),
        ("unbar", "", ">May return<"),
        ("release", "", ">Released<"),
    ] {
        let done = site.post(&format!("/enrolled/A1/{act}"), &[&cookie, OURS], form).await;
        assert_eq!(done.status, 303, "{act}: {done:?}");
        let shown = page(done.header("location").unwrap()).await;
        assert!(shown.contains(badge) && shown.contains("role=\"status\""), "{act}: {shown}");
        assert_eq!(shown.contains("stolen &#60;b&#62;"), act == "bar", "{shown}");
    }
    assert!(page(&at).await.contains("A1 came in, and isn&#39;t let in any more"));
    let own = site.token(Right::Own).await;
    assert_eq!(site.get(&at, &[&own]).await.status, 404, "others' registrations aren't there");
    assert!(site.get("/enrolled", &[&own]).await.body.contains("No devices yet"));
    assert_eq!(site.post("/enrolled/A1/bar", &[&own], "why=x").await.status, 404);
}

#[tokio::test]
async fn e03_ten_thousand_addresses_are_registered_shown_and_saved_in_little_time() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    let names: Vec<String> = (0..10_000).map(|n| format!("printer-{n}.{}.example", "a".repeat(60))).collect();
    let begun = Instant::now();
    let at = registered(&site, &cookie, &names.join("\r\n"), "sharing=each&places=&means=pin").await;
    let made = begun.elapsed();
    let begun = Instant::now();
    let page = site.get(&format!("{at}?offset=9900"), &[&cookie]).await;
    let shown = begun.elapsed();
    assert!(page.body.contains("9,901–10,000 of 10,000") && page.body.contains("printer-9999."), "{}", page.body.len());
    assert_eq!(pins(&page.body).len(), 100);
    let begun = Instant::now();
    assert_eq!(site.get(&format!("/api/v1{at}/table.csv"), &[&cookie]).await.body.lines().count(), 10_001);
    let saved = begun.elapsed();
    let begun = Instant::now();
    assert!(site.get("/registrations", &[&cookie]).await.body.contains("10,000 addresses"));
    let listed = begun.elapsed();
    println!("made in {made:?}, a page in {shown:?}, the table in {saved:?}, the list in {listed:?}");
    assert!(made < Duration::from_secs(90) && shown.max(saved).max(listed) < Duration::from_secs(30));
    let larger = register(&site, &cookie, &"x ".repeat(2 << 20), "sharing=each&places=&means=pin").await;
    assert_eq!(larger.status, 413, "{}", larger.status);
}
