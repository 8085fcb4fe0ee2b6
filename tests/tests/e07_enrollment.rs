//! E4 to E8 with a device that isn't ours: openssl makes its key, curl speaks for it.

use hostler_tests::{Moments, Node, Place, Setup, peer};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A device that somebody else wrote: two programs and a folder.
struct Foreign {
    curl: PathBuf,
    key: PathBuf,
    request: String,
    fingerprint: String,
}

fn run(program: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program:?} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

impl Foreign {
    fn make(place: &Place, name: &str) -> Option<Self> {
        let (openssl, curl) = (peer("openssl")?, peer("curl")?);
        let key = place.path(&format!("{name}.key"));
        let path = key.to_str().unwrap();
        let _ = run(&openssl, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path]);
        let request = run(&openssl, &["req", "-new", "-key", path, "-subj", "/CN=whatever"]);
        let public = place.path(&format!("{name}.der"));
        let _ = run(&openssl, &["pkey", "-in", path, "-pubout", "-outform", "DER", "-out", public.to_str().unwrap()]);
        let digest = run(&openssl, &["dgst", "-sha256", "-r", public.to_str().unwrap()]);
        let fingerprint = String::from_utf8(digest).unwrap().split(' ').next().unwrap().to_owned();
        Some(Self { curl, key, request: String::from_utf8(request).unwrap(), fingerprint })
    }

    fn knock(&self, device: &str, pin: &str) -> Value {
        json!({
            "connection": {
                "device": device, "node": format!("node-{}", device.to_lowercase()),
                "proof": { "pin": pin }, "key": self.fingerprint,
            },
            "certificate-request": self.request,
        })
    }

    /// What the manager answers: the status and the body.
    fn post(&self, url: &str, body: &str, more: &[&str]) -> (u16, Value) {
        let mut arguments = vec!["-s", "-m", "60", "-w", "\n%{http_code}", "-X", "POST", "-d", body, url];
        arguments.extend(["-H", "content-type: application/json"]);
        arguments.extend(more);
        let text = String::from_utf8(run(&self.curl, &arguments)).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::String(body.to_owned())))
    }
}

async fn registered(manager: &Node, more: &[&str]) -> Value {
    let all: Vec<&str> = ["registration", "add", "--json"].into_iter().chain(more.iter().copied()).collect();
    serde_json::from_str(&manager.run(&all).await.well()).unwrap()
}

fn pin(registration: &Value) -> &str {
    registration["secrets"][0].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_device_of_another_maker_comes_in_by_a_pin_once() {
    let place = Place::new(95);
    let manager = Node::start(Setup::manager(&place)).await;
    let (Some(first), Some(second)) = (Foreign::make(&place, "first"), Foreign::make(&place, "second")) else { return };
    let made = registered(&manager, &["192.168.0.7", "printer-3.example"]).await;
    let id = made["id"].as_str().unwrap();
    let url = made.pointer("/entries/0/url").unwrap().as_str().unwrap();
    assert_eq!(url, format!("http://192.168.0.7/enroll?pin={}", pin(&made)));

    let connect = format!("{}/node/v1/connect", manager.api().base());
    let exchange = format!("{}/node/v1/exchange", manager.api().base());
    let (status, welcome) = first.post(&connect, &first.knock("A1", pin(&made)).to_string(), &[]);
    assert_eq!(status, 200, "{welcome}");
    assert_eq!((&welcome["manager"], &welcome["owner"]), (&json!("manager"), &json!("admin")));
    let bearer = format!("authorization: Bearer {}", welcome["token"].as_str().unwrap());
    let up = serde_json::to_string(&hostler_core::message::ExchangeUp::default()).unwrap();
    let call = |device: &Foreign| device.post(&exchange, &up, &["-H", &bearer]).0;
    assert_eq!(call(&first), 200, "everything that it sends carries the token");
    // The certificate is its own, signed by the manager's authority.
    let openssl = peer("openssl").unwrap();
    let chain = place.path("chain.pem");
    std::fs::write(&chain, welcome["certificate"].as_str().unwrap()).unwrap();
    let root = manager.data().join("authority/root.crt");
    let (chain, root) = (chain.to_str().unwrap(), root.to_str().unwrap());
    let _ = run(&openssl, &["verify", "-CAfile", root, "-untrusted", chain, chain]);
    let own = run(&openssl, &["pkey", "-in", first.key.to_str().unwrap(), "-pubout"]);
    assert_eq!(run(&openssl, &["x509", "-in", chain, "-noout", "-pubkey"]), own);

    let (status, refused) = second.post(&connect, &second.knock("B2", pin(&made)).to_string(), &[]);
    assert_eq!((status, refused["code"].as_str()), (403, Some("spent")), "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("Ask whoever registers devices"), "{refused}");
    let shown = manager.run(&["registration", "show", id]).await.well();
    assert!(shown.contains("connected") && shown.contains("waiting"), "{shown}");

    assert!(manager.run(&["enrolled", "list"]).await.well().contains("node-a1"));
    let _ = manager.run(&["enrolled", "bar", "A1", "--why", "stolen"]).await.well();
    assert_eq!(call(&first), 401, "it ends at once");
    assert!(manager.run(&["enrolled", "list"]).await.well().contains("barred: stolen"));
    let again = registered(&manager, &["192.168.0.7"]).await;
    let (status, refused) = first.post(&connect, &first.knock("A1", pin(&again)).to_string(), &[]);
    assert_eq!((status, refused["code"].as_str()), (403, Some("barred")), "{refused}");
    let _ = manager.run(&["registration", "withdraw", again["id"].as_str().unwrap()]).await.well();
    let (_, refused) = second.post(&connect, &second.knock("B2", pin(&again)).to_string(), &[]);
    assert_eq!(refused["code"], "withdrawn", "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_what_is_no_connection_request_is_refused_with_what_is_wrong() {
    let place = Place::new(96);
    let manager = Node::start(Setup::manager(&place)).await;
    let Some(device) = Foreign::make(&place, "device") else { return };
    let connect = format!("{}/node/v1/connect", manager.api().base());
    let good = device.knock("A1", "0123ABCD0123ABCD0123ABCD01");
    let with = |at: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(at).unwrap() = value;
        changed.to_string()
    };
    let long = "x".repeat(64 << 10);
    for (body, status, said) in [
        (good.to_string(), 403, "doesn't know this PIN"),
        (String::new(), 400, "can't be understood"),
        ("[".repeat(5_000), 400, "can't be understood"),
        (with("/connection/device", json!("../etc")), 400, "device ID"),
        (with("/connection/proof", json!({ "pin": "!" })), 400, "PIN"),
        (with("/connection/key", json!("short")), 400, "fingerprint"),
        (with("/certificate-request", json!("none")), 400, "isn't PEM"),
        (with("/certificate-request", json!(long)), 413, "at most"),
    ] {
        let (found, answer) = device.post(&connect, &body, &[]);
        let start: String = body.chars().take(80).collect();
        assert_eq!(found, status, "{start}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(said), "{start}: {answer}");
    }
    assert_eq!(manager.api().get("enrolled").await.unwrap(), json!([]));
    assert!(!manager.log().contains("0123ABCD"), "a PIN was logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_manager_killed_while_devices_come_in_lets_each_in_once() {
    let place = Place::new(97);
    let mut manager = Node::start(Setup::manager(&place)).await;
    let Some(device) = Foreign::make(&place, "device") else { return };
    let made = registered(&manager, &["--shared", "20"]).await;
    let mut moments = Moments::new();
    for round in 0..10 {
        let connect = format!("{}/node/v1/connect", manager.api().base());
        let knock = device.knock(&format!("D{round}"), pin(&made)).to_string();
        let mut asking = Command::new(&device.curl);
        asking.args(["-s", "-m", "5", "-X", "POST", "-d", &knock, &connect]).args(["-o", "/dev/null"]);
        let mut asking = asking.spawn().unwrap();
        tokio::time::sleep(moments.next(Duration::from_millis(12))).await;
        manager.kill();
        let _ = asking.wait();
        manager.start_again().await;
        // It asks again with the same key, as one that got no answer does.
        let connect = format!("{}/node/v1/connect", manager.api().base());
        let (status, welcome) = device.post(&connect, &knock, &[]);
        assert_eq!(status, 200, "{welcome}");
    }
    let shown: Value = serde_json::from_str(
        &manager.run(&["registration", "show", made["id"].as_str().unwrap(), "--json"]).await.well(),
    )
    .unwrap();
    assert_eq!((&shown["shared"]["taken"], &shown["shared"]["left"]), (&json!(10), &json!(10)), "{shown}");
    assert_eq!(manager.api().get("enrolled").await.unwrap().as_array().unwrap().len(), 10);
}
