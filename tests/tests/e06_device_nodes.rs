//! E6 to E13 with device nodes of ours: a PIN comes by URL, by SNMP and by hand, a key instead of it, and a stranger stays
//! outside.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use async_snmp::message::CommunityMessage;
use async_snmp::pdu::{PduBody, RequestPdu};
use async_snmp::{DecodeConfig, Oid, Value as SnmpValue, VarBind, Version};
use hostler_tests::{Api, Node, Place, Setup, device_address, peer, until};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// The port of devices' pages.
const PAGE: u16 = 8081;
/// What is asked of their agents.
const ARC: &str = "1.3.6.1.4.1.99999.10";
/// Answers to a SET (RFC 3416 §3).
const TOO_BIG: i32 = 1;
const WRONG_LENGTH: i32 = 8;

fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn join(manager: &Node) -> Value {
    manager.api().get("join").await.unwrap()
}

/// Waits until a node's log has a line with all of this. Such lines are held to a few, so what leads to one is done again.
async fn until_said(node: &Node, parts: &[&str], again: impl Fn()) {
    until(format!("a line says {parts:?}"), async || {
        let found = node.log().lines().any(|line| parts.iter().all(|part| line.contains(part)));
        if !found {
            again();
        }
        found.then_some(())
    })
    .await;
}

async fn until_state(device: &Node, state: &str) -> Value {
    until(format!("the device is {state}"), async || {
        Some(device.membership().await).filter(|now| now["state"] == state)
    })
    .await
}

fn display(device: &Node) -> String {
    std::fs::read_to_string(device.data().join("display")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_a_browser_brings_a_pin_and_the_device_says_in_each_state_what_is_true() {
    let place = Place::new(130);
    let Some(curl) = peer("curl") else { return };
    let mut manager = Node::start(Setup::joined(&place, PAGE)).await;
    let mut device = Node::start(Setup::device(&place, 1, &join(&manager).await)).await;
    let address = device_address(&place, 1).to_string();
    let made = manager.registered(&[&address]).await;
    let url = made.pointer("/entries/0/url").unwrap().as_str().unwrap().to_owned();
    let page = format!("http://{address}:{PAGE}/");
    let get = |more: &[&str]| said(&run(&curl, &[&["-s", "-H", "accept: text/html"], more].concat()));

    let before = get(&[&page]);
    assert!(before.contains("Not connected") && before.contains("SN-001") && before.contains("Settings"), "{before}");
    until("the display says so", async || display(&device).starts_with("Not connected").then_some(())).await;

    // What another page loads brings nothing, nor does what a browser fetches beforehand.
    for head in ["sec-fetch-dest: image", "sec-purpose: prefetch"] {
        let refused = get(&["-i", "-H", head, &url]);
        assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    }
    // The manager isn't there for a while: the state is "connecting" for as long as that is true.
    manager.kill();
    let brought = get(&["-i", &url]).to_lowercase();
    assert!(brought.starts_with("http/1.1 303") && brought.contains("location: /\r\n"), "{brought}");
    assert!(
        brought.contains("cache-control: no-store") && brought.contains("referrer-policy: no-referrer"),
        "{brought}"
    );
    assert!(get(&[&page]).contains("Connecting"));
    until("the display says so", async || display(&device).starts_with("Connecting").then_some(())).await;
    assert!(get(&["-i", &url]).contains("location: /?said=connecting"));
    manager.start_again().await;

    let connected = until_state(&device, "connected").await;
    assert_eq!((&connected["manager"], &connected["owner"]), (&json!("manager"), &json!("admin")));
    let after = get(&[&page]);
    assert!(after.contains("Connected to manager") && after.contains("admin") && after.contains("Settings"), "{after}");
    let shown = "Connected to manager\nOwner: admin\n";
    until("the display says so", async || (display(&device) == shown).then_some(())).await;
    let shown = manager.run(&["registration", "show", made["id"].as_str().unwrap()]).await.well();
    assert!(shown.contains("connected") && shown.contains("SN-001"), "{shown}");

    // It has an owner: another PIN isn't taken, and the one that was has no second use.
    let another = manager.registered(&[&address]).await;
    let url = another.pointer("/entries/0/url").unwrap().as_str().unwrap().to_owned();
    assert!(get(&["-i", &url]).contains("location: /?said=connected"));
    assert!(get(&[&format!("{page}?said=connected")]).contains("is connected already"));

    // A restart keeps token and certificate, and the PIN was never written down.
    let nodes = async || manager.api().get("nodes").await.unwrap();
    let connected =
        |nodes: &Value| nodes.as_array().unwrap().iter().any(|node| node["id"] == "mfp-1" && node["connected"] == true);
    until("the manager hears it", async || connected(&nodes().await).then_some(())).await;
    device.start_again().await;
    assert_eq!(device.membership().await["state"], "connected");
    until("the manager hears it again", async || connected(&nodes().await).then_some(())).await;
    let pin = made["secrets"][0].as_str().unwrap();
    let store = std::fs::read(device.data().join("hostler.redb")).unwrap();
    assert!(!store.windows(pin.len()).any(|bytes| bytes == pin.as_bytes()), "the PIN is in the device's store");
    for node in [&device, &manager] {
        assert!(!node.log().contains(pin), "the PIN is in a log");
    }

    // Barred, it is told so at once, and its page stops saying that it is connected.
    let _ = manager.run(&["enrolled", "bar", "SN-001", "--why", "stolen"]).await.well();
    let ended = until_state(&device, "not-connected").await;
    assert!(ended["why"].as_str().unwrap().contains("ended this device's connection"), "{ended}");
    assert_eq!(ended["takes_pin_for_s"], 0, "nobody opened the window");
    assert!(get(&["-i", &url]).contains("location: /?said=no-window"));
    let _ = device.run(&["join", "open"]).await.well();
    let _ = get(&["-i", &url]);
    let refused = until("the manager refuses it", async || {
        Some(device.membership().await).filter(|now| now["why"].as_str().is_some_and(|why| why.contains("barred")))
    });
    assert_eq!(refused.await["state"], "not-connected");
    let line = ["a device was not let in", "device=SN-001 node=mfp-1 ", "code=\"barred\""];
    until_said(&manager, &line, || ()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_no_address_that_brings_a_pin_says_which_manager_it_is_for() {
    let place = Place::new(188);
    let Some(curl) = peer("curl") else { return };
    let manager = Node::start(Setup::joined(&place, PAGE)).await;
    let device = Node::start(Setup::device(&place, 1, &join(&manager).await)).await;
    let elsewhere = std::net::TcpListener::bind((place.address(7, 1), 0)).unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let (other, fingerprint) = (format!("https://{}", elsewhere.local_addr().unwrap()), "0a".repeat(32));
    let made = manager.registered(&[&device_address(&place, 1).to_string()]).await;
    let pin = made["secrets"][0].as_str().unwrap();
    let enroll = format!("http://{}:{PAGE}/enroll", device_address(&place, 1));
    for more in [json!({ "manager": other }), json!({ "url": other }), json!({ "fingerprint": fingerprint })] {
        let mut body = json!({ "pin": pin });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = body.to_string();
        let sent = ["-s", "-w", " %{http_code}", "-H", "content-type: application/json", "-d", &body, &enroll];
        let refused = said(&run(&curl, &sent));
        assert!(refused.ends_with(" 422"), "{body}: {refused}");
    }
    assert_eq!(device.membership().await["state"], "not-connected", "nothing of it was taken");
    let url = format!("{enroll}?pin={pin}&manager={other}&url={other}&fingerprint={fingerprint}");
    let brought = said(&run(&curl, &["-si", "-H", "accept: text/html", &url])).to_lowercase();
    assert!(brought.starts_with("http/1.1 303") && brought.contains("location: /\r\n"), "{brought}");
    let connected = until_state(&device, "connected").await;
    assert_eq!(connected["manager"], "manager", "{connected}");
    assert_eq!(manager.api().get("enrolled").await.unwrap()[0]["device"], "SN-001");
    let called = elsewhere.accept();
    assert!(called.as_ref().is_err_and(|why| why.kind() == std::io::ErrorKind::WouldBlock), "{called:?}");
    // It would have heard somebody.
    let _ = std::net::TcpStream::connect(elsewhere.local_addr().unwrap()).unwrap();
    until("who calls there is heard", async || elsewhere.accept().ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_device_that_its_owner_releases_is_anothers_by_their_pin() {
    let place = Place::new(189);
    let manager = Node::start(Setup::joined(&place, PAGE).line("self-registration = \"anyone\"")).await;
    manager.install("mfp").await;
    let engine = place.printers(1).await;
    let serial = engine.devices()[0].serial.clone();
    let device = Node::start(Setup::device_with(&place, 1, &engine, &join(&manager).await)).await;
    let nobody = manager.api().with_token(None);
    let mut users = Vec::new();
    for user in ["ada", "bo"] {
        let new = json!({ "user": user, "password": "correct horse battery" });
        let session = nobody.post("register", &new).await.unwrap();
        users.push(manager.api().with_token(session["token"].as_str()));
    }
    let [ada, bo] = users.try_into().ok().unwrap();
    let pin = async |user: &Api| {
        let made = user.post("registrations", &json!({ "addresses": device_address(&place, 1) })).await.unwrap();
        made["secrets"][0].as_str().unwrap().to_owned()
    };
    let rows = async |user: &Api| user.get("devices").await.unwrap()["rows"].as_array().unwrap().len();
    let has = async |user: &Api| {
        let enrolled = user.get("enrolled").await.unwrap();
        let standing = enrolled.as_array().unwrap().iter().find(|row| row["device"] == json!(serial));
        standing.map(|row| row["standing"].as_str().unwrap().to_owned())
    };
    let sees = async |what: &str, user: &Api, count: usize| {
        until(what, async || (rows(user).await == count).then_some(())).await;
    };

    let _ = device.run(&["join", "pin", &pin(&ada).await]).await.well();
    assert_eq!(until_state(&device, "connected").await["owner"], "ada");
    sees("she sees what it tells", &ada, 1).await;
    assert_eq!((has(&ada).await.as_deref(), has(&bo).await, rows(&bo).await), (Some("connected"), None, 0));
    let others = bo.post(&format!("enrolled/{serial}/release"), &json!({})).await;
    assert!(others.unwrap_err().to_string().contains("404"), "it isn't his to release");

    let _ = ada.post(&format!("enrolled/{serial}/release"), &json!({})).await.unwrap();
    until_state(&device, "not-connected").await;
    let _ = device.run(&["join", "open"]).await.well();
    let _ = device.run(&["join", "pin", &pin(&bo).await]).await.well();
    assert_eq!(until_state(&device, "connected").await["owner"], "bo");
    assert_eq!((has(&ada).await, has(&bo).await.as_deref()), (None, Some("connected")));
    sees("he sees what it tells", &bo, 1).await;
    sees("she doesn't any more", &ada, 0).await;
    assert_eq!((rows(&bo).await, has(&ada).await), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn e12_a_pin_comes_by_snmp_and_strangers_write_nothing() {
    let place = Place::new(131);
    let (Some(set), Some(get), Some(walk)) = (peer("snmpset"), peer("snmpget"), peer("snmpwalk")) else { return };
    let manager = Node::start(Setup::joined(&place, PAGE)).await;
    let device = Node::start(Setup::device(&place, 1, &join(&manager).await)).await;
    let agent = format!("{}:11161", device_address(&place, 1));
    let made = manager.registered(&[&device_address(&place, 1).to_string()]).await;
    let pin = made["secrets"][0].as_str().unwrap();
    let asked = |object: &str| {
        said(&run(&get, &["-v2c", "-c", "public", "-Oqv", &agent, &format!("{ARC}.{object}.0")])).trim().to_owned()
    };
    let written = |community: &str, object: &str, text: &str| {
        let object = format!("{ARC}.{object}.0");
        // Only who gets no answer shouldn't wait long for it.
        let patience = if community == "wrong" { "1" } else { "20" };
        said(&run(&set, &["-v2c", "-c", community, "-t", patience, "-r", "0", &agent, &object, "s", text]))
    };
    assert_eq!(
        (asked("1"), asked("2"), asked("3")),
        ("\"hostler-enrollment 1\"".into(), "\"SN-001\"".into(), "\"not-connected\"".into())
    );
    let system = said(&run(&walk, &["-v1", "-c", "public", &agent, "1.3.6.1.2.1.1"]));
    assert!(system.contains("Orchid C4500") && system.contains("mfp-1"), "{system}");

    assert!(written("public", "8", pin).contains("noAccess"), "who reads doesn't write");
    assert!(written("wrong", "8", pin).contains("Timeout"), "a stranger gets no answer");
    assert!(written("private", "8", "!").contains("wrongValue"));
    assert!(written("private", "8", &"0".repeat(60_000)).to_lowercase().contains("too"), "net-snmp can't even send it");
    assert!(written("private", "3", "connected").contains("notWritable"));
    let both = ["8", "9"].map(|object| format!("{ARC}.{object}.0"));
    let (own, key) = ("WRONG-PIN", "0a".repeat(32));
    let at_once = ["-v2c", "-c", "private", &agent, &both[0], "s", own, &both[1], "s", &key];
    assert!(said(&run(&set, &at_once)).contains("inconsistentValue"), "a PIN and a key at once");
    assert_eq!(asked("3"), "\"not-connected\"", "neither is tried");
    // Megabytes, in datagrams as large as there are.
    let socket = std::net::UdpSocket::bind((device_address(&place, 9), 0)).unwrap();
    for _ in 0..64 {
        let _ = socket.send_to(&[0x30; 60_000], &agent);
    }
    assert_eq!(asked("3"), "\"not-connected\"", "it answers still");
    // And well-formed, from who may write: what no answer could carry back, and what is merely too long.
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let answered = |object: &str, length: usize, id: i32| {
        let oid: Oid = format!("{ARC}.{object}.0").parse().unwrap();
        let binding = VarBind::new(oid, SnmpValue::OctetString(vec![b'0'; length].into()));
        let request = RequestPdu::set(Version::V2c, id, vec![binding]).unwrap();
        let datagram = CommunityMessage::v2c("private", request).unwrap().encode().unwrap();
        socket.send_to(&datagram, &agent).unwrap();
        let mut answer = [0; 65_535];
        let length = socket.recv(&mut answer).unwrap();
        let answer = CommunityMessage::decode(answer[..length].to_vec().into(), DecodeConfig::DEFAULT).unwrap();
        let (answered, body, _) = answer.value.into_pdu().unwrap().into_raw_parts();
        let PduBody::Standard { error_status, .. } = body else { panic!("{body:?}") };
        assert_eq!(answered, id);
        error_status
    };
    for id in 0..150 {
        for (object, id) in [("8", id), ("9", 1_000 + id)] {
            assert_eq!(answered(object, 50_000, id), TOO_BIG);
            assert_eq!(answered(object, 1_000, id), WRONG_LENGTH);
        }
    }
    until_said(&device, &["not taken device=SN-001", "is no PIN or key"], || _ = answered("8", 1_000, 2_000)).await;
    assert_eq!(asked("3"), "\"not-connected\"", "nothing of it was taken");
    for line in ["invalid community string", "a community that only reads", "is no PIN or key"] {
        assert!(device.log().contains(line), "no line says {line}");
    }

    let _ = device.run(&["join", "close"]).await.well();
    assert!(written("private", "8", pin).contains("inconsistentValue"), "no window");
    let _ = device.run(&["join", "open"]).await.well();
    let taken = written("private", "8", pin);
    assert!(!taken.contains("Error"), "{taken}");
    until_state(&device, "connected").await;
    assert_eq!(
        (asked("3"), asked("4"), asked("5")),
        ("\"connected\"".into(), "\"manager\"".into(), "\"admin\"".into())
    );
    assert_eq!(asked("8"), "\"\"", "nobody reads it back");
    assert!(written("private", "8", pin).contains("inconsistentValue"), "it has an owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn e13_a_key_is_brought_and_proved_and_never_sent() {
    let place = Place::new(132);
    let Some(curl) = peer("curl") else { return };
    let manager = Node::start(Setup::joined(&place, PAGE)).await;
    let device = Node::start(Setup::device(&place, 1, &join(&manager).await)).await;
    let made = manager.registered(&["--keys", &device_address(&place, 1).to_string()]).await;
    let key = made["secrets"][0].as_str().unwrap();
    let enroll = format!("http://{}:{PAGE}/enroll", device_address(&place, 1));
    let post = |body: &str| {
        let arguments = ["-s", "-w", " %{http_code}", "-H", "content-type: application/json", "-d", body, &enroll];
        said(&run(&curl, &arguments))
    };
    for bad in [r#"{"key":"short"}"#, r#"{"pin":"!"}"#, "{}", "", &"[".repeat(3_000)] {
        assert!(post(bad).ends_with(" 422"), "{bad:.20}: {}", post(bad));
    }
    assert!(post(&"x".repeat(100_000)).ends_with(" 413"));
    let taken = post(&json!({ "key": key }).to_string());
    assert!(taken.ends_with(" 202"), "{taken}");
    until_state(&device, "connected").await;
    let again = post(&json!({ "key": key }).to_string());
    assert!(again.contains(r#""code":"connected""#) && again.ends_with(" 409"), "{again}");
    assert!(!device.log().contains(key) && !manager.log().contains(key));
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_the_user_at_the_device_and_the_pins_user_belong_together() {
    let place = Place::new(133);
    let manager = Node::start(Setup::joined(&place, PAGE)).await;
    let device = Node::start(Setup::device(&place, 1, &join(&manager).await)).await;
    let made = manager.registered(&[&device_address(&place, 1).to_string()]).await;
    let pin = made["secrets"][0].as_str().unwrap();
    let _ = device.run(&["join", "user", "ann@example.com"]).await.well();
    let _ = device.run(&["join", "pin", pin]).await.well();
    let why = until("the manager refuses", async || device.membership().await["why"].as_str().map(str::to_owned)).await;
    assert!(why.contains("isn't the one whose PIN"), "{why}");
    let line = ["a device was not let in", "device=SN-001 node=mfp-1 ", "code=\"other-user\""];
    until_said(&manager, &line, || ()).await;
    let _ = device.run(&["join", "user", "admin"]).await.well();
    let _ = device.run(&["join", "pin", pin]).await.well();
    until_state(&device, "connected").await;
    assert!(device.run(&["join", "status"]).await.well().contains("connected to manager"));
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_a_gateway_joins_likewise_and_only_over_tls_with_its_own_certificate() {
    let place = Place::new(134);
    let (Some(openssl), Some(curl)) = (peer("openssl"), peer("curl")) else { return };
    let manager = Node::start(Setup::joined(&place, PAGE)).await;
    manager.install("mfp").await;
    let fleet = place.printers(2).await;
    let join = join(&manager).await;
    let setup = Setup::joining_gateway(&place, 1, &join).network("office", &fleet).adopting("mfp");
    let gateway = Node::start(setup).await;
    let made = manager.registered(&["--shared", "2"]).await;
    let pin = made["secrets"][0].as_str().unwrap();
    let _ = gateway.run(&["join", "pin", pin]).await.well();
    until_state(&gateway, "connected").await;
    // Its ordinary devices come with it; the manager takes them from it alone.
    manager.until_read(2).await;

    let url = join["url"].as_str().unwrap();
    let listen = url.strip_prefix("https://").unwrap();
    let shown = said(&run(&openssl, &["s_client", "-connect", listen, "-tls1_3", "-showcerts"]));
    assert!(shown.contains("TLSv1.3") && shown.contains("Acceptable client certificate CA names"), "{shown}");
    assert_eq!(shown.matches("BEGIN CERTIFICATE").count(), 3, "the root is sent along: it is what nodes know");
    let old = said(&run(&openssl, &["s_client", "-connect", listen, "-tls1_2"]));
    assert!(old.contains("alert protocol version"), "{old}");
    // A certificate of another authority ends the handshake.
    let (key, foreign) = (place.path("f.key"), place.path("f.crt"));
    let (key, foreign) = (key.to_str().unwrap(), foreign.to_str().unwrap());
    let subject = "/CN=gateway-1";
    let name = "subjectAltName=DNS:gateway-1.node.hostler.internal";
    let made = run(
        &openssl,
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            key,
            "-out",
            foreign,
            "-subj",
            subject,
            "-addext",
            name,
            "-days",
            "2",
        ],
    );
    assert!(made.status.success(), "{}", said(&made));
    let exchange = format!("{url}/node/v1/exchange");
    let asked = |more: &[&str]| {
        said(&run(
            &curl,
            &[&["-sk", "-m", "20", "-w", " %{http_code} %{errormsg}", "-X", "POST", "-d", "{}", &exchange], more]
                .concat(),
        ))
    };
    let refused = asked(&["--cert", foreign, "--key", key]);
    assert!(refused.contains("unknown ca") && refused.contains(" 000"), "{refused}");
    let line = ["a certificate was refused", "isn't from this manager", "named=\"gateway-1\""];
    until_said(&manager, &line, || _ = asked(&["--cert", foreign, "--key", key])).await;

    // Another node's token beside one's own certificate, or none, isn't enough: the store of a gateway was copied.
    let row = gateway.papers();
    let gateway_key = place.path("g.key");
    std::fs::copy(gateway.data().join("node.key"), &gateway_key).unwrap();
    let bearer = format!("authorization: Bearer {}", row["token"].as_str().unwrap());
    let device = Node::start(Setup::device(&place, 1, &join)).await;
    let _ = device.run(&["join", "pin", pin]).await.well();
    until_state(&device, "connected").await;
    let papers = device.papers();
    let chain = place.path("d.crt");
    std::fs::write(&chain, papers["certificate"].as_str().unwrap()).unwrap();
    let own = device.data().join("node.key");
    let swap = ["-H", &bearer, "--cert", chain.to_str().unwrap(), "--key", own.to_str().unwrap()];
    let swapped = asked(&swap);
    assert!(swapped.contains(" 403") && swapped.contains("shows its own"), "{swapped}");
    // The first that was refused, so that it's said at once.
    let line = ["a node was refused", "the token is gateway-1's and the certificate is mfp-1's"];
    until_said(&manager, &line, || _ = asked(&swap)).await;

    let bare = asked(&["-H", &bearer]);
    assert!(bare.contains(" 403") && bare.contains("has a certificate"), "{bare}");
    let elsewhere = format!("{}/node/v1/exchange", manager.api().base());
    let outside =
        said(&run(&curl, &["-s", "-w", " %{http_code}", "-X", "POST", "-d", "{}", "-H", &bearer, &elsewhere]));
    assert!(outside.contains(" 403"), "{outside}");
    assert!(asked(&[]).contains(" 401"), "nobody's");

    // Barred while it is connected: what its open connection may do ends with that.
    let _ = manager.run(&["enrolled", "bar", "GW-001"]).await.well();
    until_state(&gateway, "not-connected").await;
    // Its token beside another's certificate is nobody's, and its own certificate ends the handshake.
    assert!(asked(&swap).contains(" 401"), "the token ended");
    let chain = place.path("g.crt");
    std::fs::write(&chain, row["certificate"].as_str().unwrap()).unwrap();
    let revoked = ["-H", &bearer, "--cert", chain.to_str().unwrap(), "--key", gateway_key.to_str().unwrap()];
    let ended = asked(&revoked);
    assert!(ended.contains("certificate revoked") && ended.contains(" 000"), "{ended}");
    let line = ["a certificate was refused", "the certificate was revoked", "named=\"gateway-1\""];
    until_said(&manager, &line, || _ = asked(&revoked)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_who_answers_in_the_managers_place_ends_nothing() {
    let place = Place::new(135);
    let mut manager = Node::start(Setup::joined(&place, PAGE)).await;
    let join = join(&manager).await;
    let device = Node::start(Setup::device(&place, 1, &join)).await;
    let made = manager.registered(&["--shared", "1"]).await;
    let _ = device.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
    until_state(&device, "connected").await;
    manager.kill();
    // An alert that the certificate was revoked, before anybody has shown who they are.
    let listen = join["url"].as_str().unwrap().strip_prefix("https://").unwrap();
    let impostor = until("the manager's address is free", async || std::net::TcpListener::bind(listen).ok()).await;
    let answered = std::thread::spawn(move || {
        for _ in 0..6 {
            let Ok((mut caller, _)) = impostor.accept() else { return };
            let _ = std::io::Read::read(&mut caller, &mut [0; 4096]);
            let _ = std::io::Write::write_all(&mut caller, &[0x15, 3, 3, 0, 2, 2, 0x2c]);
        }
    });
    until("it has called some times", async || answered.is_finished().then_some(())).await;
    assert_eq!(device.membership().await["state"], "connected", "{}", device.log());
    manager.start_again().await;
    let nodes = async || manager.api().get("nodes").await.unwrap();
    let connected =
        |nodes: &Value| nodes.as_array().unwrap().iter().any(|node| node["id"] == "mfp-1" && node["connected"] == true);
    until("the manager hears it again", async || connected(&nodes().await).then_some(())).await;
}
