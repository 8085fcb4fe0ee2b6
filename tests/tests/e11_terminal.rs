//! E11: a user at a terminal, whose devices are found; and what runs there is what the manager has.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod terminal;

use axum::routing::get;
use hostler_tests::plugin;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use terminal::device::Faults;
use terminal::{Office, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test(flavor = "multi_thread")]
async fn e11_two_devices_are_found_and_come_in_without_an_address_being_typed() {
    let office = Office::open(110, &["lan-discovery", "pin-delivery"]).await;
    let (Some(first), Some(_)) =
        (office.device(2, "A1", Faults::default()).await, office.device(5, "B2", Faults::default()).await)
    else {
        return;
    };
    let said: Value = serde_json::from_str(&office.enroll(&["--json"]).await.well()).unwrap();
    let outcomes = said["outcomes"].as_array().unwrap();
    assert_eq!(outcomes.len(), 2, "{said}");
    for outcome in outcomes {
        assert_eq!(
            (text(outcome, "verdict"), text(outcome, "by")),
            ("connected".to_owned(), "snmp".to_owned()),
            "{said}"
        );
    }
    assert_eq!(office.enrolled().await, ["A1", "B2"]);
    assert_eq!(first.brought(), 1);
    // They are told as what they are from then on.
    let again = office.enroll(&[]).await;
    assert!(again.err.contains("connected already, to manager"), "{again:?}");
    assert!(again.well().contains("nothing to do"));
    assert_eq!(first.brought(), 1);
    // What is for terminals isn't among what recognises devices, and isn't sent to gateways.
    assert!(office.manager.run(&["plugin", "list"]).await.well().contains("lan-discovery"));
    let log = office.manager.log();
    assert!(!log.contains("isn't called"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_two_that_claim_one_device_are_shown_and_get_nothing_unasked() {
    let office = Office::open(177, &["lan-discovery", "pin-delivery"]).await;
    let none = Faults::default();
    let (Some(real), Some(other)) = (office.device(2, "A1", none).await, office.device(4, "B2", none).await) else {
        return;
    };
    let Some(impostor) = office.device(5, "A1", none).await else { return };
    let ran = office.enroll(&["--json"]).await;
    assert!(ran.err.contains("doubtful: so says") && ran.err.contains("nothing is brought to"), "{ran:?}");
    let said: Value = serde_json::from_str(&ran.well()).unwrap();
    assert_eq!(said["found"].as_array().unwrap().len(), 3, "{said}");
    assert_eq!((real.brought(), impostor.brought(), other.brought()), (0, 0, 1));
    assert_eq!(office.enrolled().await, ["B2"]);
    // Who knows which is the right one names it.
    let _ = office.enroll(&["--range", &format!("{}/32", office.at(2))]).await.well();
    assert_eq!((real.brought(), impostor.brought()), (1, 0));
    assert_eq!(office.enrolled().await, ["A1", "B2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_server_s_list_that_is_empty_leads_to_no_search() {
    let office = Office::open(178, &["lan-discovery", "pin-delivery"]).await;
    let Some(device) = office.device(3, "A1", Faults::default()).await else { return };
    let listener = tokio::net::TcpListener::bind((office.at(200), 0)).await.unwrap();
    let server = format!("http://{}/devices.json", listener.local_addr().unwrap());
    let pages = axum::Router::new().route("/devices.json", get(async || "[]"));
    tokio::spawn(async { axum::serve(listener, pages).await });
    let ran = office.enroll(&["--server-list", &server]).await;
    assert!(ran.code == Some(1) && ran.err.contains("Does the server list them"), "{ran:?}");
    assert_eq!(device.brought(), 0);
    assert!(office.enrolled().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_server_s_list_leads_to_devices_beyond_the_range_only_where_they_are_private() {
    let office = Office::open(111, &["lan-enrollment"]).await;
    let Some(_) = office.device(3, "A1", Faults::default()).await else { return };
    let list = json!([office.at(3).to_string(), { "address": office.at(77).to_string() }, "8.8.8.8"]).to_string();
    let listener = tokio::net::TcpListener::bind((office.at(200), 0)).await.unwrap();
    let server = format!("http://{}/devices.json", listener.local_addr().unwrap());
    let pages = axum::Router::new().route("/devices.json", get(async || list));
    tokio::spawn(async { axum::serve(listener, pages).await });
    let said = office.enroll(&["--combined", "--server-list", &server, "--json"]).await.well();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["outcomes"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(office.enrolled().await, ["A1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_plug_in_that_was_changed_in_the_cache_is_fetched_anew() {
    let office = Office::open(112, &["lan-discovery", "pin-delivery"]).await;
    let Some(_) = office.device(2, "A1", Faults::default()).await else { return };
    let _ = office.enroll(&[]).await.well();
    let kept = office.kept();
    assert_eq!(kept.len(), 2, "{kept:?}");
    let before: Vec<Vec<u8>> = kept.iter().map(|file| std::fs::read(file).unwrap()).collect();
    for file in &kept {
        let mut bytes = std::fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(file, bytes).unwrap();
    }
    let again = office.enroll(&[]).await;
    assert!(again.err.contains("lan-discovery was changed since it was fetched"), "{again:?}");
    assert!(again.err.contains("pin-delivery was changed"), "{again:?}");
    let _ = again.well();
    let after: Vec<Vec<u8>> = kept.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert_eq!(before, after);
}

/// Somebody on the way who lets everything through; what terminals sent, as it came.
async fn listening(office: &Office) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind((office.at(200), 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let manager = office.manager.api().base().strip_prefix("http://").unwrap().to_owned();
    let heard = Arc::<Mutex<Vec<u8>>>::default();
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((terminal, _)) = listener.accept().await {
            let onwards = TcpStream::connect(&manager).await.unwrap();
            let ((mut from, mut back), (mut answers, mut to)) = (terminal.into_split(), onwards.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            let hears = Arc::clone(&hears);
            tokio::spawn(async move {
                let mut piece = vec![0; 65_536];
                while let Ok(length @ 1..) = from.read(&mut piece).await {
                    hears.lock().unwrap().extend_from_slice(&piece[..length]);
                    to.write_all(&piece[..length]).await.unwrap();
                }
            });
        }
    });
    (url, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_plug_ins_are_fetched_once() {
    let office = Office::open(201, &["lan-discovery", "pin-delivery"]).await;
    let Some(first) = office.device(2, "A1", Faults::default()).await else { return };
    let (url, heard) = listening(&office).await;
    let token = std::fs::read_to_string(office.manager.data().join("local.token")).unwrap();
    let enroll = async || office.enroll(&["--url", &url, "--token", token.trim()]).await;
    let asked = |path: &str| String::from_utf8_lossy(&heard.lock().unwrap()).matches(path).count();
    let ran = enroll().await;
    assert_eq!(ran.err.matches("fetching ").count(), 2, "{ran:?}");
    let _ = ran.well();
    assert_eq!((asked("GET /api/v1/terminal/"), asked("GET /api/v1/terminal ")), (2, 1));
    assert_eq!((office.enrolled().await, first.brought()), (vec!["A1".to_owned()], 1));

    // It asks what they should be, and has them.
    let Some(_) = office.device(5, "B2", Faults::default()).await else { return };
    let again = enroll().await;
    assert!(!again.err.contains("fetching") && again.err.contains("looking for devices"), "{again:?}");
    let _ = again.well();
    assert_eq!(office.enrolled().await, ["A1", "B2"], "both were run again");
    assert_eq!((asked("GET /api/v1/terminal/"), asked("GET /api/v1/terminal ")), (2, 2));
}

/// A manager, or somebody on the way, that says one digest and sends something else.
#[tokio::test(flavor = "multi_thread")]
async fn e11_a_plug_in_that_was_swapped_on_the_way_is_not_run() {
    let office = Office::open(113, &["lan-discovery", "pin-delivery"]).await;
    let said = office.manager.api().get("terminal").await.unwrap();
    assert_eq!(said.as_array().unwrap().len(), 2, "{said}");
    let other = std::fs::read(plugin("lan-enrollment")).unwrap();
    let listener = tokio::net::TcpListener::bind((office.at(200), 0)).await.unwrap();
    let liar = format!("http://{}", listener.local_addr().unwrap());
    let pages = axum::Router::new()
        .route("/api/v1/terminal", get(async move || axum::Json(said)))
        .route("/api/v1/terminal/{name}", get(async move || other));
    tokio::spawn(async { axum::serve(listener, pages).await });
    let refused = office.enroll(&["--url", &liar, "--token", "t"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("lan-discovery was swapped on the way"), "{refused:?}");
    assert!(office.kept().is_empty());
    assert!(office.enrolled().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_link_leads_to_no_manager_that_the_user_does_not_know() {
    let office = Office::open(114, &["lan-discovery", "pin-delivery"]).await;
    let url = office.manager.api().base().to_owned();
    let link = format!("hostler://enroll?manager={url}");
    let refused = office.run(&["enroll", "--yes", "--range", "127.0.0.0/30", "--token", "t", &link]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("the link leads to") && refused.err.contains("nothing was sent"), "{refused:?}");
    for bad in ["hostler://enroll?manager=file:///etc/passwd", "https://manager.example"] {
        let refused = office.run(&["enroll", bad]).await;
        assert!(refused.code == Some(2) && refused.err.contains("no link of a registration page"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_the_desktop_is_told_who_opens_links() {
    let office = Office::open(115, &[]).await;
    let said = office.run(&["enroll", "--register-link"]).await.well();
    let entry = office.home().join("data/applications/hostler.desktop");
    let text = std::fs::read_to_string(&entry).unwrap();
    assert!(text.contains("MimeType=x-scheme-handler/hostler;") && text.contains(" enroll --wait %u"), "{text}");
    assert!(said.contains("hostler.desktop"), "{said}");
    let none = office.enroll(&[]).await;
    assert!(none.err.contains("hostler plugin install --approve"), "{none:?}");
}
