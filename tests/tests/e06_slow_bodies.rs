//! E6 and E7 against who never finishes: heads and bodies that come a byte at a time, ones that never come, and ones without
//! end are let go in time, wherever a stranger may send something; meanwhile everybody else is served.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Api, Node, Peer, Place, Setup, device_address, program, until};
use reqwest::Method;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PAGE: u16 = 8081;
/// How long somebody waits before the next byte.
const PAUSE: Duration = Duration::from_millis(400);
/// How long nothing needs: servers let go after 20 s, or 10 s more where a handshake comes before.
const FAR_TOO_LONG: Duration = Duration::from_secs(75);

/// A handshake is done within so much, on a machine that is busy.
const SHAKING_HANDS: Duration = Duration::from_secs(15);

/// How somebody never finishes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// Connects, and says nothing.
    Silent,
    /// Says what looks like the beginning of another protocol, and no more.
    Preface,
    /// Sends its head a byte at a time.
    SlowHead,
    /// Sends its body a byte at a time.
    SlowBody,
    /// Promises a body, and sends none of it.
    NoBody,
    /// Sends a head without end, as fast as it is taken.
    EndlessHead,
    /// Sends a body without end, as fast as it is taken.
    EndlessBody,
}

const WAYS: [Way; 7] =
    [Way::Silent, Way::Preface, Way::SlowHead, Way::SlowBody, Way::NoBody, Way::EndlessHead, Way::EndlessBody];

/// Where something is sent to.
#[derive(Clone)]
struct Target {
    at: SocketAddr,
    path: &'static str,
    kind: &'static str,
    more: String,
    /// Whom TLS is spoken with.
    tls: Option<Arc<ClientConfig>>,
}

impl Target {
    fn form(at: SocketAddr, path: &'static str) -> Self {
        Self { at, path, kind: "application/x-www-form-urlencoded", more: String::new(), tls: None }
    }

    fn connect(&self) -> (Box<dyn Stream>, u16) {
        let stream = TcpStream::connect(self.at).unwrap();
        // What bounds each read and write is the pace as well.
        stream.set_read_timeout(Some(PAUSE)).unwrap();
        stream.set_write_timeout(Some(PAUSE)).unwrap();
        let port = stream.local_addr().unwrap().port();
        let Some(config) = &self.tls else { return (Box::new(stream), port) };
        let name = ServerName::from(self.at.ip());
        (Box::new(StreamOwned::new(ClientConnection::new(Arc::clone(config), name).unwrap(), stream)), port)
    }

    /// What is sent first, and what then again and again: at once, or a byte at a time.
    fn says(&self, way: Way) -> (String, Vec<u8>) {
        let Self { at, path, kind, more, .. } = self;
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {at}\r\nOrigin: http://{at}\r\nContent-Type: {kind}\r\n{more}");
        match way {
            Way::Silent => (String::new(), Vec::new()),
            Way::Preface => ("PRI * HT".to_owned(), Vec::new()),
            Way::SlowHead => (head + "X-Slow: ", b"a".to_vec()),
            Way::SlowBody => (head + "Content-Length: 2000\r\n\r\n", b"a".to_vec()),
            Way::NoBody => (head + "Content-Length: 2000\r\n\r\n", Vec::new()),
            Way::EndlessHead => (head + "X-Endless: ", vec![b'a'; 1_024]),
            Way::EndlessBody => {
                (head + "Transfer-Encoding: chunked\r\n\r\n", format!("400\r\n{}\r\n", "a".repeat(1_024)).into_bytes())
            }
        }
    }
}

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// How it ended for somebody who never finishes.
#[derive(Debug)]
#[allow(dead_code, reason = "printed where it is wrong")]
struct Ended {
    way: Way,
    path: &'static str,
    at: SocketAddr,
    port: u16,
    after: Duration,
    answer: String,
}

/// Never finishes, until it is let go.
fn never_finish(target: &Target, way: Way) -> Ended {
    let began = Instant::now();
    let (mut stream, port) = target.connect();
    let (first, again) = target.says(way);
    let fast = matches!(way, Way::EndlessHead | Way::EndlessBody);
    let mut answer = Vec::new();
    let mut gone = !says_first(&mut *stream, first.as_bytes());
    while !gone {
        let (path, so_far) = (target.path, String::from_utf8_lossy(&answer));
        assert!(began.elapsed() < FAR_TOO_LONG, "{way:?} at {path} of {} is held: {so_far}", target.at);
        // It is taken as far as it is: what isn't read here yet is the answer, and the end.
        for _ in 0..if fast { 200 } else { 1 } {
            gone = gone || !again.is_empty() && stream.write_all(&again).is_err_and(|error| !waits(&error));
        }
        let mut piece = [0; 4_096];
        match stream.read(&mut piece) {
            Ok(0) => gone = true,
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            Err(error) => gone = gone || !waits(&error),
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Ended { way, path: target.path, at: target.at, port, after: began.elapsed(), answer }
}

/// Says what comes first; whether somebody took it. Over TLS it waits for the handshake, before which nothing of it is taken.
fn says_first(stream: &mut dyn Stream, first: &[u8]) -> bool {
    let began = Instant::now();
    loop {
        match stream.write_all(first) {
            Ok(()) => return true,
            Err(error) if waits(&error) && began.elapsed() < SHAKING_HANDS => {}
            Err(_) => return false,
        }
    }
}

fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The connections of this machine that a process still holds: the ports of both ends.
fn held() -> Vec<(u16, u16)> {
    let text = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = |end: &str| u16::from_str_radix(end.rsplit_once(':').unwrap().1, 16).unwrap();
    let rows = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Without an inode it is the kernel's alone.
    rows.filter(|row| row[9] != "0").map(|row| (port(row[1]), port(row[2]))).collect()
}

/// Somebody who trusts this root, and would rather speak HTTP/2.
fn trusting(root: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// A manager whose pages are at an address with TLS.
async fn secured(place: &Place) -> (Peer, Target) {
    let (certificate, key) = (place.path("pages.crt"), place.path("pages.key"));
    let own = rcgen::generate_simple_self_signed(vec![place.address(200, 1).to_string()]).unwrap();
    std::fs::write(&certificate, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let file =
        Setup::manager(place).section("listen.tls", &format!("certificate = {certificate:?}\nkey = {key:?}")).write();
    let peer = Peer::start(&program(), |command| command.arg("serve").arg(file));
    let at = until("it listens", async || {
        let log = peer.log();
        log.split_once("hostler listens on https://")?.1.lines().next()?.trim().parse().ok()
    })
    .await;
    (peer, Target { tls: Some(trusting(&certificate)), ..Target::form(at, "/login") })
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_who_never_finishes_is_let_go_and_keeps_nobody_else_waiting() {
    let place = Place::new(180);
    let nodes = place.free_tcp(place.address(200, 2));
    let setup = Setup::joined_at(&place, nodes, PAGE).line("self-registration = \"anyone\"");
    let manager = Node::start(setup).await;
    let join = manager.api().get("join").await.unwrap();
    let device = Node::start(Setup::device(&place, 1, &join)).await;
    let made = manager.registered(&["--shared", "1"]).await;
    let own = SocketAddr::from((device_address(&place, 1), PAGE));
    let pages: SocketAddr = manager.api().base().strip_prefix("http://").unwrap().parse().unwrap();
    let other = Place::new(186);
    let (other_manager, secured) = secured(&other).await;
    let token = std::fs::read_to_string(manager.data().join("local.token")).unwrap();
    let bearer = format!("Authorization: Bearer {}\r\n", token.trim());
    let (secure, json) = (Some(trusting(&manager.data().join("authority/root.crt"))), "application/json");
    let targets = [
        Target { kind: json, tls: secure, ..Target::form(nodes, "/node/v1/connect") },
        Target::form(pages, "/login"),
        Target::form(pages, "/register"),
        Target { more: bearer.clone(), ..Target::form(pages, "/registrations") },
        Target { more: bearer, kind: json, ..Target::form(pages, "/api/v1/registrations") },
        Target { kind: json, ..Target::form(pages, "/api/v1/session") },
        Target::form(own, "/enroll"),
        // Who doesn't even begin with TLS where it is spoken.
        Target::form(nodes, "/"),
        secured,
    ];
    let all: Vec<_> = targets.iter().flat_map(|target| WAYS.map(|way| (target.clone(), way))).collect();
    let threads: Vec<_> =
        all.into_iter().map(|(target, way)| std::thread::spawn(move || never_finish(&target, way))).collect();

    // Everybody else is served meanwhile.
    let page = Api::new(&format!("http://{own}"), None);
    let nobody = manager.api().with_token(None);
    for (api, path) in [(&nobody, "/login"), (&page, "/")] {
        let answer = api.send(Method::GET, path, "text/plain", "").await.unwrap();
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    }
    let new = json!({ "user": "ada@example.org", "password": "correct horse battery" });
    let _ = nobody.post("register", &new).await.unwrap();
    let pin = json!({ "pin": made["secrets"][0] }).to_string();
    let taken = page.send(Method::POST, "/enroll", "application/json", pin).await.unwrap();
    assert_eq!(taken.status.as_u16(), 202, "{taken:?}");
    until("the device is connected", async || (device.membership().await["state"] == "connected").then_some(())).await;
    let waiting = threads.iter().filter(|thread| !thread.is_finished()).count();
    assert!(waiting > targets.len(), "only {waiting} are still there: nobody was kept waiting by them");

    let ended: Vec<Ended> = tokio::task::spawn_blocking(move || {
        let each: Vec<_> = threads.into_iter().map(std::thread::JoinHandle::join).collect();
        each.into_iter().map(|ended| ended.unwrap_or_else(|why| std::panic::resume_unwind(why))).collect()
    })
    .await
    .unwrap();
    for one in &ended {
        println!("{:?} at {} of {}: {:?} {:?}", one.way, one.path, one.at, one.after, one.answer.lines().next());
    }
    // Who began a body is told why.
    for one in ended.iter().filter(|one| one.path != "/" && matches!(one.way, Way::SlowBody | Way::NoBody)) {
        assert!(one.answer.starts_with("HTTP/1.1 408"), "{one:?}");
    }
    until("no node holds one of these connections", async || {
        let held = held();
        let left: Vec<_> = ended.iter().filter(|one| held.contains(&(one.at.port(), one.port))).collect();
        left.is_empty().then_some(())
    })
    .await;
    for log in [manager.log(), device.log(), other_manager.log()] {
        assert!(!log.contains("panicked"), "{log}");
    }
}
