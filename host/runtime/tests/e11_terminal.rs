//! E11, P2, P3: what runs at a user's terminal reaches what the user lets it reach and nothing else, within its limits.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::compiled;
use common::component::other;
use hostler_core::plugin::{Grant, Kind, Refusal, inspect};
use hostler_core::{Secret, Timestamp};
use hostler_links::{Lan, LanRules};
use hostler_runtime::{CallError, Compiler, Errand, Exceeded, Parcel, Runtime, RuntimeError, TerminalPlugin, Verdict};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

fn hostile() -> Vec<u8> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("plugins").join("hostile-terminal.wasm");
    std::fs::read(&file).unwrap_or_else(|error| panic!("{} can't be read ({error}); run `./just test`", file.display()))
}

/// A terminal in 127.0.`net`.0/29, and who shouldn't hear of it.
struct Stage {
    runtime: Arc<Runtime>,
    plugin: TerminalPlugin,
    lan: Arc<Lan>,
    net: u8,
    /// Beside the range, with the ports of devices.
    beside: (UdpSocket, TcpListener),
    /// In the range, with other ports.
    other: (UdpSocket, TcpListener),
    web: TcpListener,
}

impl Stage {
    async fn new(net: u8) -> Self {
        let at = |last: u8| IpAddr::from([127, 0, net, last]);
        let other = (
            UdpSocket::bind(SocketAddr::new(at(1), 0)).await.unwrap(),
            TcpListener::bind(SocketAddr::new(at(1), 0)).await.unwrap(),
        );
        let web = TcpListener::bind(SocketAddr::new(at(1), 0)).await.unwrap();
        let http_port = web.local_addr().unwrap().port();
        let beside = (
            UdpSocket::bind(SocketAddr::new(at(9), 0)).await.unwrap(),
            TcpListener::bind(SocketAddr::new(at(9), http_port)).await.unwrap(),
        );
        let snmp_port = beside.0.local_addr().unwrap().port();
        let ranges = vec![format!("127.0.{net}.0/29").parse().unwrap()];
        let lan = Lan::open(LanRules { ranges, snmp_port, http_port, ..LanRules::default() }).await.unwrap();
        let runtime = Runtime::start(compiled(), Compiler::Here).unwrap();
        let bytes = hostile();
        let grant = Grant::all_of(&inspect(&bytes).unwrap().manifest);
        let plugin = runtime.load_terminal(&bytes, &grant).await.unwrap();
        Self { runtime, plugin, lan: Arc::new(lan), net, beside, other, web }
    }

    async fn bring(&self, address: &str, behaviour: &str) -> Result<String, CallError> {
        let errand = Errand { lan: Arc::clone(&self.lan), progress: Arc::new(|_| {}), now: Timestamp(0) };
        let secret = Secret::new(behaviour.to_owned());
        let parcel = Parcel { address: address.to_owned(), secret, is_key: false };
        let visited = self.runtime.deliver(&self.plugin, errand, &[parcel]).await?;
        match visited.answer.unwrap().remove(0).verdict {
            Verdict::Refused(said) => Ok(said),
            other => panic!("{other:?}"),
        }
    }

    fn at(&self, last: u8) -> String {
        format!("127.0.{}.{last}", self.net)
    }

    /// Whether anybody heard of it who shouldn't have.
    async fn was_heard(&self) -> bool {
        let soon = std::time::Duration::from_millis(100);
        let mut heard = false;
        for (udp, tcp) in [&self.beside, &self.other] {
            heard |= udp.try_recv(&mut [0; 2_048]).is_ok();
            heard |= tokio::time::timeout(soon, tcp.accept()).await.is_ok();
        }
        heard
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_hostile_plug_in_reaches_no_address_outside_of_the_range() {
    let stage = Stage::new(151).await;
    let beside = stage.at(9);
    for behaviour in
        ["get", "set", "send /", "get-at localhost", "get-at 8.8.8.8", "get-at 255.255.255.255", "get-at ::1"]
    {
        let said = stage.bring(&beside, behaviour).await.unwrap();
        assert!(said.contains("Forbidden"), "{behaviour}: {said}");
    }
    assert!(!stage.was_heard().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_hostile_plug_in_reaches_no_other_port() {
    let stage = Stage::new(152).await;
    let (udp, tcp) = (stage.other.0.local_addr().unwrap(), stage.other.1.local_addr().unwrap());
    for behaviour in [format!("get-at {udp}"), format!("send :{}/", tcp.port()), format!("send @{tcp}/")] {
        let said = stage.bring(&stage.at(1), &behaviour).await.unwrap();
        assert!(said.contains("Forbidden"), "{behaviour}: {said}");
    }
    assert!(stage.bring(&tcp.to_string(), "send /").await.unwrap().contains("Forbidden"));
    assert!(!stage.was_heard().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_redirect_leads_nowhere() {
    let stage = Stage::new(153).await;
    let to = stage.beside.1.local_addr().unwrap();
    let answer = async {
        let (mut stream, _) = stage.web.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4_096]).await.unwrap();
        let head = format!("HTTP/1.1 302 Found\r\nlocation: http://{to}/\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
    };
    let address = stage.at(1);
    let (said, ()) = tokio::join!(stage.bring(&address, "send /"), answer);
    assert_eq!(said.unwrap(), "Ok(302)");
    assert!(!stage.was_heard().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_a_terminal_plug_in_has_limits() {
    let stage = Stage::new(154).await;
    let beside = stage.at(9);
    for (behaviour, limit) in [
        ("loop", Exceeded::Compute(300)),
        ("grow", Exceeded::Memory(4_194_304)),
        ("ask", Exceeded::LinkOperations(500)),
        ("report", Exceeded::HostBytes(1_048_576)),
        ("wait", Exceeded::Wall(20_000)),
    ] {
        match stage.bring(&beside, behaviour).await {
            Err(CallError::Stopped { exceeded, function: "deliver", .. }) => assert_eq!(exceeded, limit, "{behaviour}"),
            other => panic!("{behaviour}: {other:?}"),
        }
    }
}

const MODULE: &str = r#"(module
    (import "hostler:plugin/IMPORT@0.1.0" "f" (func))
    (func (export "hostler:plugin/EXPORT@0.1.0#g")))"#;

fn made(import: &str, exports: &[&str]) -> Result<Kind, Refusal> {
    let interfaces: String = exports.iter().map(|name| format!("interface {name} {{ g: func(); }}\n")).collect();
    let world: String = exports.iter().map(|name| format!("export {name};")).collect();
    let wit = format!(
        "package hostler:plugin@0.1.0;\ninterface {import} {{ f: func(); }}\n{interfaces}\
         world w {{ import {import}; {world} }}"
    );
    let more: String =
        exports[1..].iter().map(|name| format!("(func (export \"hostler:plugin/{name}@0.1.0#g\"))")).collect();
    let module =
        MODULE.replace("IMPORT", import).replace("EXPORT", exports[0]).replace("#g\")))", &format!("#g\")) {more})"));
    inspect(&other(&wit, &module)).map(|component| component.kind)
}

#[test]
fn p02_each_kind_imports_what_it_is_lent_and_nothing_else() {
    assert_eq!(made("log", &["driver"]), Ok(Kind::Device));
    assert_eq!(made("progress", &["discovery"]), Ok(Kind::Terminal));
    assert_eq!(made("clock", &["discovery", "delivery"]), Ok(Kind::Terminal));
    for (import, export) in [("lan", "driver"), ("progress", "driver"), ("snmp", "discovery"), ("state", "delivery")] {
        let refused = made(import, &[export]);
        assert!(matches!(refused, Err(Refusal::WrongKind { .. })), "{import} {export}: {refused:?}");
    }
    // What its manifest doesn't ask for, it doesn't get either.
    assert!(matches!(made("lan", &["discovery"]), Err(Refusal::Undeclared { .. })));
    assert!(matches!(made("log", &["driver", "delivery"]), Err(Refusal::TwoKinds { .. })));
}

#[tokio::test]
async fn p02_a_plug_in_of_one_kind_is_not_run_as_the_other() {
    let runtime = Runtime::start(compiled(), Compiler::Here).unwrap();
    let (terminal, device) = (hostile(), common::hostile());
    let grant = |bytes: &[u8]| Grant::all_of(&inspect(bytes).unwrap().manifest);
    assert!(matches!(runtime.load(&terminal, &grant(&terminal)).await.err(), Some(RuntimeError::Unfit { .. })));
    assert!(matches!(runtime.load_terminal(&device, &grant(&device)).await.err(), Some(RuntimeError::Unfit { .. })));
    let lacking = runtime.load_terminal(&terminal, &Grant::default()).await.err().unwrap();
    assert!(lacking.to_string().contains("hostler plugin grant hostile-terminal lan"), "{lacking}");
}
