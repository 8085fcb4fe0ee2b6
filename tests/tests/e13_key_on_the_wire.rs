//! E13 as who reads what a device sends would see it: the key is proved, and nothing of it is said.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_core::Fingerprint;
use hostler_core::enrollment::{Credential, EnrollmentKey, Knock};
use hostler_tests::{Api, Node, Place, Setup, device_address, until};
use reqwest::Method;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::sync::Arc;

const PAGE: u16 = 8081;

/// Who stands at the manager's address and has the certificate that the device's configuration names: everything that
/// the first caller sends, in clear.
fn stand_in(place: &Place) -> (Value, std::thread::JoinHandle<String>) {
    let listener = std::net::TcpListener::bind((place.address(200, 2), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let own = rcgen::generate_simple_self_signed(vec![address.ip().to_string()]).unwrap();
    let fingerprint = Fingerprint::of(own.cert.der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    // It is its own root, which managers send along.
    let config = config.with_no_client_auth().with_single_cert(vec![own.cert.der().clone(); 2], key).unwrap();
    let heard = std::thread::spawn(move || {
        let (caller, _) = listener.accept().unwrap();
        let mut caller = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), caller);
        let mut heard = Vec::new();
        loop {
            let mut piece = [0; 4_096];
            let length = caller.read(&mut piece).unwrap();
            heard.extend_from_slice(&piece[..length]);
            let text = String::from_utf8_lossy(&heard).into_owned();
            let whole = text.split_once("\r\n\r\n").and_then(|(head, body)| {
                let length = head.to_lowercase().split_once("content-length: ")?.1.lines().next()?.parse().ok()?;
                Some(body.len() >= length)
            });
            if whole == Some(true) || length == 0 {
                let answer = r#"{"error":"Not by this key.","code":"spent"}"#;
                let head = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n", answer.len());
                let head = head + "content-type: application/json\r\nconnection: close\r\n\r\n";
                caller.write_all((head + answer).as_bytes()).unwrap();
                caller.conn.send_close_notify();
                let _ = caller.flush();
                return text;
            }
        }
    });
    (json!({ "url": format!("https://{address}"), "fingerprint": fingerprint.to_string() }), heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn e13_what_a_device_sends_proves_its_key_and_says_nothing_of_it() {
    let place = Place::new(200);
    let (join, heard) = stand_in(&place);
    let device = Node::start(Setup::device(&place, 1, &join)).await;
    let bytes: [u8; 32] = std::array::from_fn(|at| 37_u8.wrapping_mul(u8::try_from(at).unwrap()).wrapping_add(201));
    let key = EnrollmentKey::from_bytes(bytes);
    let page = Api::new(&format!("http://{}:{PAGE}", device_address(&place, 1)), None);
    let body = json!({ "key": key.expose().as_str() }).to_string();
    let taken = page.send(Method::POST, "/enroll", "application/json", body).await.unwrap();
    assert_eq!(taken.status.as_u16(), 202, "{taken:?}");
    until("the manager was asked", async || heard.is_finished().then_some(())).await;
    let heard = heard.join().unwrap();
    assert!(heard.starts_with("POST /node/v1/connect "), "{heard}");
    let knock: Knock = serde_json::from_str(heard.split_once("\r\n\r\n").unwrap().1).unwrap();
    let request = knock.connection;
    assert_eq!(request.device.as_str(), "SN-001");
    let Credential::Key { id, mac } = &request.proof else { panic!("{request:?}") };
    assert!(*id == key.id() && key.proves(&request.claim(), mac), "it has the key");
    // Not even a part of it, as it was brought or as its bytes.
    let secret = key.expose().to_lowercase();
    let heard = heard.to_lowercase();
    for at in 0..=secret.len() - 8 {
        assert!(!heard.contains(&secret[at..at + 8]), "a part of the key was sent: {heard}");
    }
    let why = until("it is refused", async || device.membership().await["why"].as_str().map(str::to_owned)).await;
    assert!(why.contains("by this key") || why.contains("used up"), "{why}");
}
