//! D7: notices are forwarded by webhook and mail: at least once, to receivers that fail, hang, come back or show a wrong
//! certificate.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hostler_tests::{Node, Peer, Place, Setup, peer, run, until};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

/// What a receiver says: a status, or nothing for ever.
const HANGS: u16 = 0;

/// A web server that takes notices.
#[derive(Default)]
struct Receiver {
    says: AtomicU16,
    came: Mutex<Vec<(HeaderMap, Bytes)>>,
}

/// It says back what it was asked for, as many servers do.
async fn take(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    let says = receiver.says.load(Ordering::SeqCst);
    receiver.came.lock().unwrap().push((headers, body));
    if says == HANGS {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(says).unwrap(), "Cannot POST /hidden/hook")
}

impl Receiver {
    /// One that says this, and the port where it is.
    async fn start(place: &Place, says: u16) -> (Arc<Self>, u16) {
        let receiver = Arc::new(Self { says: AtomicU16::new(says), ..Self::default() });
        let listener = tokio::net::TcpListener::bind((place.address(50, 1), 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/hidden/hook", post(take)).with_state(Arc::clone(&receiver));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, port)
    }

    fn say(&self, says: u16) {
        self.says.store(says, Ordering::SeqCst);
    }

    /// The IDs and texts of the notices that came.
    fn notices(&self) -> Vec<(String, String)> {
        let text = |notice: &Value, field: &str| notice[field].as_str().unwrap().to_owned();
        let came = self.came.lock().unwrap();
        came.iter()
            .map(|(_, body)| serde_json::from_slice::<Value>(body).unwrap())
            .flat_map(|letter| letter["notices"].as_array().unwrap().clone())
            .map(|notice| (text(&notice, "id"), text(&notice, "text")))
            .collect()
    }

    /// Waits until the notice of this node's removal came so often, and returns its IDs.
    async fn until_told(&self, node: &str, times: usize) -> Vec<String> {
        until(format!("{node} was told {times} times"), async || {
            let ids: Vec<String> =
                self.notices().into_iter().filter(|(_, text)| text.contains(node)).map(|(id, _)| id).collect();
            (ids.len() >= times).then_some(ids)
        })
        .await
    }
}

/// Makes something happen that names this node: `node.removed`.
async fn happens(manager: &Node, node: &str) {
    manager.api().post("nodes", &json!({ "id": node })).await.unwrap();
    let _ = manager.run(&["node", "remove", node]).await.well();
}

async fn rule(manager: &Node) -> Option<Value> {
    manager.api().get("forwards").await.ok()?.get(0).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_a_webhook_gets_each_notice_whatever_becomes_of_it_and_of_the_node() {
    let place = Place::new(220);
    let (receiver, port) = Receiver::start(&place, 200).await;
    let mut before = Node::start(Setup::manager(&place)).await;
    happens(&before, "gone-0").await;
    before.stop().await;
    drop(before);

    let secret = place.path("secret");
    std::fs::write(&secret, "It's a secret\n").unwrap();
    let lines = format!(
        "name = \"on-call\"\nwebhook = \"http://{}:{port}/hidden/hook\"\nsecret-file = {secret:?}\n\
         filter = {{ name = \"node.removed,forward.\" }}",
        place.address(50, 1)
    );
    let mut manager = Node::start(Setup::manager(&place).section("[forward]", &lines)).await;
    happens(&manager, "gone-1").await;
    receiver.until_told("gone-1", 1).await;
    if let Some(openssl) = peer("openssl") {
        let (headers, body) = receiver.came.lock().unwrap()[0].clone();
        let file = place.path("body");
        std::fs::write(&file, body).unwrap();
        let digest = run(&openssl, &["dgst", "-sha256", "-hmac", "It's a secret", "-r", file.to_str().unwrap()]);
        let digest = String::from_utf8(digest).unwrap();
        let wanted = format!("sha256={}", digest.split(' ').next().unwrap());
        assert_eq!(headers["x-hub-signature-256"], wanted.as_str());
        assert_eq!(headers["content-type"], "application/json");
    }

    // It answers 503, and the rule says so; then it takes what waited.
    receiver.say(503);
    happens(&manager, "gone-2").await;
    let stands = until("the rule says what is wrong", async || {
        rule(&manager).await.filter(|rule| rule["trouble"]["attempts"].as_u64() >= Some(2))
    })
    .await;
    assert!(stands["trouble"]["text"].as_str().unwrap().contains("503"), "{stands}");
    assert_eq!((&stands["waiting"], &stands["delivered"]), (&json!(1), &json!(1)), "{stands}");
    receiver.say(200);
    until("the trouble is over", async || rule(&manager).await.filter(|rule| rule["trouble"].is_null())).await;
    let again = receiver.until_told("gone-2", 2).await;
    assert!(again.iter().all(|id| *id == again[0]), "each delivery has the same ID: {again:?}");

    // The node is killed when the receiver has it and hasn't said so.
    receiver.say(HANGS);
    happens(&manager, "gone-3").await;
    let first = receiver.until_told("gone-3", 1).await;
    manager.kill();
    receiver.say(200);
    manager.start_again().await;
    let twice = receiver.until_told("gone-3", 2).await;
    assert!(twice.iter().all(|id| *id == first[0]), "{twice:?}");
    until("it is noted", async || rule(&manager).await.filter(|rule| rule["waiting"] == 0)).await;
    let told = receiver.notices();
    let of = |node: &str| told.iter().filter(|(_, text)| text.contains(node)).count();
    assert_eq!((of("gone-0"), of("gone-1"), of("gone-3")), (0, 1, 2), "{told:?}");

    // It refuses everything, for whatever is sent: nothing is passed over, it is told, and comes when it takes some again.
    receiver.say(400);
    happens(&manager, "gone-4").await;
    happens(&manager, "gone-5").await;
    let failing = async || {
        let events = manager.events().await?;
        events.into_iter().find(|event| event["name"] == "forward.failing")
    };
    let failing = until("it is told that it fails", failing).await;
    assert!(failing["text"].as_str().unwrap().contains("400"), "{failing}");
    receiver.say(200);
    until("nothing waits", async || rule(&manager).await.filter(|rule| rule["waiting"] == 0)).await;
    let stands = rule(&manager).await.unwrap();
    assert_eq!((&stands["refused"], &stands["lost"]), (&json!(0), &json!(0)), "{stands}");
    let told = receiver.notices();
    assert!(["gone-4", "gone-5"].iter().all(|node| told.iter().any(|(_, text)| text.contains(node))), "{told:?}");
    assert!(
        !told.iter().any(|(_, text)| text.contains("forwarding on-call")),
        "what is about the rule itself: {told:?}"
    );
    let events = manager.events().await.unwrap();
    assert!(!events.iter().any(|event| event.to_string().contains("hidden")), "a secret is told: {events:?}");

    assert!(manager.run(&["forward", "test", "on-call"]).await.well().contains("works"));
    receiver.until_told("admin asked", 1).await;
    let listed = manager.run(&["forward", "list"]).await.well();
    assert!(listed.contains("on-call") && !listed.contains("hidden"), "{listed}");
    receiver.say(500);
    let refused = manager.run(&["forward", "test", "on-call"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("500"), "{refused:?}");
    assert!(!manager.log().contains("hidden") && !manager.log().contains("It's a secret"), "a secret is in the log");
    let found = manager.run(&["event", "list", "--name", "node.removed", "--json"]).await.well();
    assert_eq!(serde_json::from_str::<Vec<Value>>(&found).unwrap().len(), 6);
}

/// A certificate for this address that no authority of the system signed, and its key.
fn certificate(place: &Place, address: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec![address.to_owned()]).unwrap();
    let (certificate, key) = (place.path("server.pem"), place.path("server.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_who_shows_a_wrong_certificate_gets_nothing() {
    let Some(openssl) = peer("openssl") else { return };
    let place = Place::new(221);
    let address = place.address(50, 1);
    let at = place.free_tcp(address).to_string();
    let (certificate, key) = certificate(&place, &address.to_string());
    let server = Peer::start(&openssl, |command| {
        command.args(["s_server", "-accept", &at, "-www", "-cert"]).arg(&certificate).arg("-key").arg(&key)
    });
    until("it listens", async || tokio::net::TcpStream::connect(&at).await.ok()).await;
    let lines = format!("name = \"on-call\"\nwebhook = \"https://{at}/hook\"");
    let manager = Node::start(Setup::manager(&place).section("[forward]", &lines)).await;
    let refused = manager.run(&["forward", "test", "on-call"]).await;
    assert!(refused.code == Some(1) && refused.err.to_lowercase().contains("certificate"), "{refused:?}");
    assert!(!server.log().contains("POST"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_people_get_one_mail_for_many_notices() {
    let Some(program) = peer("aiosmtpd") else { return };
    let place = Place::new(222);
    let address = place.address(50, 1);
    let at = place.free_tcp(address);
    let (certificate, key) = certificate(&place, &address.to_string());
    let server = Peer::start(&program, |command| {
        command.env("PYTHONUNBUFFERED", "1").args(["-n", "-l", &at.to_string(), "--tlscert"]).arg(&certificate);
        command.arg("--tlskey").arg(&key).args(["-c", "aiosmtpd.handlers.Debugging", "stdout"])
    });
    until("it listens", async || tokio::net::TcpStream::connect(at).await.ok()).await;
    let mail = |more: &str| {
        format!(
            "server = \"{address}\"\nport = {}\ntls = \"starttls\"\nfrom = \"hostler@example.com\"\n{more}",
            at.port()
        )
    };
    let rule = "name = \"staff\"\nmail = [\"Ann <ann@example.com>\", \"bob@example.com\"]\ngather = \"20s\"\n\
                filter = { name = \"node.removed\" }";
    let strict = Setup::manager(&place).section("mail", &mail("")).section("[forward]", rule);
    let mut manager = Node::start(strict).await;
    let refused = manager.run(&["forward", "test", "staff"]).await;
    assert!(refused.code == Some(1) && refused.err.to_lowercase().contains("certificate"), "{refused:?}");
    assert!(!server.log().contains("MESSAGE FOLLOWS"), "{}", server.log());
    manager.stop().await;
    drop(manager);

    let trusting = mail(&format!("certificate = {certificate:?}"));
    let manager = Node::start(Setup::manager(&place).section("mail", &trusting).section("[forward]", rule)).await;
    for node in ["gone-1", "gone-2", "gone-3"] {
        happens(&manager, node).await;
    }
    let log =
        until("each has theirs", async || Some(server.log()).filter(|log| log.matches("END MESSAGE").count() >= 2))
            .await;
    assert_eq!(log.matches("MESSAGE FOLLOWS").count(), 2, "one for each of them: {log}");
    assert!(log.contains("Subject: [manager] 3 notices"), "{log}");
    assert!(log.contains("ann@example.com") && log.contains("bob@example.com"), "{log}");
    assert!(["gone-1", "gone-2", "gone-3"].iter().all(|node| log.contains(node)), "{log}");
}
