//! The page as a browser in the device's network meets it.

use hostler_services::Member;
use hostler_services::membership::Connection;
use hostler_services::membership::Settings;
use hostler_store::RedbStore;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A device that isn't connected, with its window open.
async fn device(folder: &tempfile::TempDir) -> Arc<Member> {
    let settings = Settings {
        device: "SN-1".parse().unwrap(),
        node: "mfp-1".parse().unwrap(),
        model: None,
        manager: "https://127.0.0.1:9".parse().unwrap(),
        gateway: None,
        fingerprint: "ab".repeat(32).parse().unwrap(),
        window: Duration::from_secs(60),
    };
    Member::open(Arc::new(RedbStore::in_memory().unwrap()), folder.path(), settings).await.unwrap()
}

async fn serve(member: &Arc<Member>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let page = super::router(Arc::clone(member), None);
    tokio::spawn(async move { axum::serve(listener, page).await });
    address
}

/// What is answered, head and all.
async fn ask(address: SocketAddr, line: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{fields}\r\n{body}"
    );
    let asked = tokio::task::spawn_blocking(move || {
        let (mut stream, mut answer) = (TcpStream::connect(address).unwrap(), String::new());
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    asked.await.unwrap()
}

#[tokio::test]
async fn e06_the_own_form_brings_a_pin_and_nobody_elses_does() {
    let folder = tempfile::tempdir().unwrap();
    let member = device(&folder).await;
    let address = serve(&member).await;
    // Under this policy a browser names the origin with the page's form.
    let page = ask(address, "GET /", "accept: text/html\r\n", "").await;
    assert!(page.contains("referrer-policy: same-origin\r\n") && page.contains("action=\"/enroll\""), "{page}");
    let form = async |origin: &str| {
        let fields =
            format!("accept: text/html\r\ncontent-type: application/x-www-form-urlencoded\r\norigin: {origin}\r\n");
        ask(address, "POST /enroll", &fields, "pin=0123ABCD").await
    };
    for foreign in ["null", "http://evil.example"] {
        assert!(form(foreign).await.starts_with("HTTP/1.1 403"), "{foreign}");
    }
    assert_eq!(member.status().state, Connection::NotConnected);
    assert!(form(&format!("http://{address}")).await.contains("location: /\r\n"));
}

#[tokio::test]
async fn e06_an_address_with_a_pin_is_told_to_nobody_and_opened_by_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    let member = device(&folder).await;
    let address = serve(&member).await;
    for (accepts, answered) in [("image/avif,image/webp,*/*;q=0.8", "403"), ("text/html,*/*;q=0.8", "303")] {
        let fields = format!("accept: {accepts}\r\n");
        let brought = ask(address, "GET /enroll?pin=0123ABCD", &fields, "").await;
        assert!(brought.starts_with(&format!("HTTP/1.1 {answered}")), "{brought}");
        assert!(brought.contains("referrer-policy: no-referrer\r\n"), "{brought}");
    }
}

#[tokio::test]
async fn e06_the_page_does_not_load_itself_again_while_somebody_types() {
    let folder = tempfile::tempdir().unwrap();
    let member = device(&folder).await;
    let address = serve(&member).await;
    let page = async || ask(address, "GET /", "", "").await;
    let (form, again) = ("name=\"pin\"", "http-equiv=\"refresh\"");
    let open = page().await;
    assert!(open.contains(form) && !open.contains(again), "{open}");
    member.close_window().await.unwrap();
    let closed = page().await;
    assert!(!closed.contains(form) && closed.contains(again), "{closed}");
    let brought = ask(address, "GET /enroll?pin=0123ABCD", "", "").await;
    assert!(brought.starts_with("HTTP/1.1 409"), "{brought}");
    member.open_window().await.unwrap();
    ask(address, "GET /enroll?pin=0123ABCD", "", "").await;
    assert!(page().await.contains("content=\"1; url=/\""), "it connects, to nobody");
}
