//! D3 and D4: a child behind a proxy that ends calls over which nothing goes, or that loses answers: it holds its calls for a
//! shorter time by itself, and what is asked is answered once.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_simulator::{Fault, Fleet};
use hostler_tests::{Node, Place, Setup, until};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How a proxy ends a call over which nothing goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// It closes the connection.
    Closing,
    /// It answers by itself.
    Answering,
}

/// Between a gateway and its parent.
struct Proxy {
    address: SocketAddr,
    ends: Ends,
    patience: Duration,
    /// Calls that were ended.
    cut: AtomicUsize,
    /// Calls that were held for at least a second, and answered.
    held: AtomicUsize,
    /// So many answers are lost next.
    lose: AtomicUsize,
}

impl Proxy {
    async fn start(place: &Place, parent: &str, ends: Ends, patience: Duration) -> Arc<Self> {
        let listener = TcpListener::bind((place.address(60, 1), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, held, lose) = Default::default();
        let proxy = Arc::new(Self { address, ends, patience, cut, held, lose });
        let (serving, parent) = (Arc::clone(&proxy), parent.strip_prefix("http://").unwrap().to_owned());
        tokio::spawn(async move {
            while let Ok((child, _)) = listener.accept().await {
                let (serving, parent) = (Arc::clone(&serving), parent.clone());
                tokio::spawn(async move {
                    if let Ok(parent) = TcpStream::connect(parent).await {
                        let _ = serving.carry(child, parent).await;
                    }
                });
            }
        });
        proxy
    }

    /// Carries what is said from one to the other, until either has enough.
    async fn carry(&self, mut child: TcpStream, mut parent: TcpStream) -> std::io::Result<()> {
        let (mut up, mut down, mut asked) = (vec![0; 16 << 10], vec![0; 16 << 10], false);
        loop {
            let silent = tokio::time::Instant::now();
            tokio::select! {
                read = child.read(&mut up) => match read? {
                    0 => return Ok(()),
                    length => {
                        asked = true;
                        parent.write_all(&up[..length]).await?;
                    }
                },
                read = parent.read(&mut down) => {
                    let length = read?;
                    let lost = |left: usize| left.checked_sub(1);
                    if length == 0 || self.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lost).is_ok() {
                        return Ok(());
                    }
                    self.held.fetch_add(usize::from(silent.elapsed() >= Duration::from_secs(1)), Ordering::SeqCst);
                    asked = false;
                    child.write_all(&down[..length]).await?;
                }
                // Between two calls it doesn't matter.
                () = tokio::time::sleep(self.patience), if !asked => return Ok(()),
                () = tokio::time::sleep(self.patience) => {
                    self.cut.fetch_add(1, Ordering::SeqCst);
                    if self.ends == Ends::Answering {
                        let said = "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo late";
                        child.write_all(said.as_bytes()).await?;
                    }
                    return Ok(());
                }
            }
        }
    }

    fn cut(&self) -> usize {
        self.cut.load(Ordering::SeqCst)
    }
}

/// A manager, and a gateway behind a proxy, with a printer.
struct Line {
    manager: Node,
    gateway: Node,
    proxy: Arc<Proxy>,
    fleet: Fleet,
    device: String,
}

impl Line {
    async fn new(place: &Place, ends: Ends, patience: Duration) -> Self {
        let fleet = place.printers(1).await;
        let manager = Node::start(Setup::manager(place)).await;
        manager.install("mfp").await;
        let token = manager.token_for(1).await;
        let proxy = Proxy::start(place, manager.api().base(), ends, patience).await;
        let setup = Setup::gateway(place, 1, &format!("http://{}", proxy.address), &token);
        let gateway = Node::start(setup.network("office", &fleet).adopting("mfp").read_every("1h")).await;
        let view = manager.until_read(1).await.remove(0);
        let device = view["device"]["id"].as_str().unwrap().to_owned();
        Self { manager, gateway, proxy, fleet, device }
    }

    async fn ask(&self) -> String {
        let question = json!({ "question": { "ask": "counters", "device": self.device }, "within_s": 600 });
        let asked = self.manager.api().post("requests", &question).await.unwrap();
        asked["id"].as_str().unwrap().to_owned()
    }

    async fn until_state(&self, id: &str, states: &[&str]) -> Value {
        until(format!("request {id} is {states:?}"), async || {
            let request = self.manager.api().get(&format!("requests/{id}")).await.ok()?;
            states.contains(&request["state"].as_str()?).then_some(request)
        })
        .await
    }

    async fn until_answered(&self) {
        let request = self.until_state(&self.ask().await, &["answered", "failed"]).await;
        assert_eq!(request["state"], "answered", "{request}");
    }

    async fn is_connected(&self) -> bool {
        let nodes = self.manager.api().get("nodes").await.unwrap();
        nodes.as_array().unwrap().iter().any(|node| node["id"] == "gateway-1" && node["connected"] == true)
    }

    /// Calls are cut until they are held shortly enough, and never again then.
    async fn settles(&self) {
        self.until_answered().await;
        until("a call was held and answered", async || (self.proxy.held.load(Ordering::SeqCst) > 1).then_some(()))
            .await;
        let cuts = self.proxy.cut();
        assert!(cuts >= 3, "25 s, and half of it each time: {cuts}");
        for _ in 0..3 {
            self.until_answered().await;
        }
        assert!(self.proxy.cut() == cuts && self.is_connected().await);
        let log = self.gateway.log();
        assert_eq!(log.matches("ends calls that nobody answers").count(), cuts, "{log}");
        assert!(!log.contains("can't be spoken to"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_a_child_behind_a_proxy_that_closes_silent_calls_holds_them_for_a_shorter_time() {
    let place = Place::new(108);
    Line::new(&place, Ends::Closing, Duration::from_secs(5)).await.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_a_proxy_that_answers_silent_calls_itself_is_no_parent_that_refuses() {
    let place = Place::new(109);
    Line::new(&place, Ends::Answering, Duration::from_secs(5)).await.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_where_no_call_can_be_held_the_child_asks_now_and_then() {
    let place = Place::new(110);
    let line = Line::new(&place, Ends::Closing, Duration::from_millis(1_500)).await;
    until("calls aren't held any more", async || line.gateway.log().contains("none is held any more").then_some(()))
        .await;
    let cuts = line.proxy.cut();
    for _ in 0..3 {
        line.until_answered().await;
    }
    assert!(line.proxy.cut() <= cuts + 1 && line.is_connected().await, "{} cuts", line.proxy.cut());
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_answers_that_are_lost_on_their_way_are_said_again_and_heard_once() {
    let place = Place::new(111);
    let line = Line::new(&place, Ends::Closing, Duration::from_secs(60)).await;
    for way in ["the request down", "what says that the answer came"] {
        let printer = &line.fleet.devices()[0].control;
        printer.set_fault(Fault::Silent);
        if way == "the request down" {
            line.proxy.lose.store(2, Ordering::SeqCst);
        }
        let id = line.ask().await;
        until("the gateway was asked", async || line.gateway.api().get(&format!("requests/{id}")).await.ok()).await;
        if way != "the request down" {
            line.proxy.lose.store(2, Ordering::SeqCst);
        }
        printer.clear_fault();
        let request = line.until_state(&id, &["answered", "failed"]).await;
        assert_eq!(request["state"], "answered", "{way}: {request}");
        until("both were lost", async || (line.proxy.lose.load(Ordering::SeqCst) == 0).then_some(())).await;
        // What comes after it came shows that nothing is stuck, and that what ended stays as it ended.
        line.until_answered().await;
        let again = line.manager.api().get(&format!("requests/{id}")).await.unwrap();
        assert_eq!(again["outcome"], request["outcome"], "{way}");
    }
    let list = line.manager.api().get("requests?limit=100").await.unwrap();
    assert_eq!(list.as_array().unwrap().len(), 4, "each once");
}
