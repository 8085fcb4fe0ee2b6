//! D3, D4 and D5: a manager, two gateways and a printer of another maker, each in a network of its own, with firewalls that let
//! calls go outwards only. Whatever is cut on the way of a request, in whatever way, it is answered once.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Cut, Level, Levels, Network, Peer, Place, Setup, peer, plugin, printer, program, until};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::path::PathBuf;

const PRINTER: &str = r#"
rocommunity public
sysDescr Example Fern 300
sysObjectID .1.3.6.1.4.1.32473.1.300
override 1.3.6.1.2.1.25.3.2.1.2.1 object_id 1.3.6.1.2.1.25.3.1.5
override 1.3.6.1.2.1.25.3.2.1.3.1 octet_str "Example Fern 300"
override 1.3.6.1.2.1.25.3.2.1.5.1 integer 2
override 1.3.6.1.2.1.25.3.5.1.1.1 integer 3
override 1.3.6.1.2.1.25.3.5.1.2.1 octet_str ""
override 1.3.6.1.2.1.43.5.1.1.1.1 counter 7
override 1.3.6.1.2.1.43.5.1.1.17.1 octet_str "FX-4711-0816"
override 1.3.6.1.2.1.43.10.2.1.3.1.1 integer 7
"#;

/// What the printer says that has printed so often.
fn printed(count: u64) -> String {
    format!("{PRINTER}override 1.3.6.1.2.1.43.10.2.1.4.1.1 counter {count}\n")
}

/// The nodes, from the top: the first two meet over mutual TLS, the second and the third by a token over TLS.
const NODES: [Level; 3] = [Level::Manager, Level::First, Level::Second];

struct Line<'a> {
    levels: Levels,
    place: &'a Place,
    setups: [Setup; 3],
    peers: Vec<Peer>,
    printer: RefCell<Option<Peer>>,
    curl: PathBuf,
    snmpget: PathBuf,
    authority: PathBuf,
    device: String,
    asked: Cell<usize>,
}

fn at(level: Level) -> std::net::SocketAddr {
    (Levels::address(level), Levels::NODES).into()
}

impl<'a> Line<'a> {
    async fn new(place: &'a Place) -> Option<Self> {
        let (curl, snmpget) = (peer("curl")?, peer("snmpget")?);
        let levels = Levels::start().await?;
        let printer = RefCell::new(Some(printer(&levels, place, &printed(1_000))?));
        let [authority, key] = ["gateway.crt", "gateway.key"].map(|name| place.path(name));
        let own = rcgen::generate_simple_self_signed(vec![Levels::address(Level::First).to_string()]).unwrap();
        std::fs::write(&authority, own.cert.pem()).unwrap();
        std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
        let manager = Setup::joined_at(place, at(Level::Manager), 8_081);
        let unknown = Setup::gateway(place, 2, &format!("https://{}", at(Level::First)), "").trusting(&authority);
        let mut line = Self {
            levels,
            place,
            setups: [manager.clone(), manager, unknown],
            peers: Vec::new(),
            printer,
            curl,
            snmpget,
            authority,
            device: String::new(),
            asked: Cell::new(0),
        };
        let join = line.start("join").await;
        let data = line.setups[0].data();
        let install = ["plugin", "install", "--approve", plugin("mfp").to_str().unwrap(), "--data"].map(str::to_owned);
        let installed = line.levels.run(
            Level::Manager,
            &program(),
            &install.iter().map(String::as_str).chain([data.to_str().unwrap()]).collect::<Vec<_>>(),
        );
        assert!(installed.status.success(), "{installed:?}");

        let tls = format!("certificate = {:?}\nkey = {key:?}", line.authority);
        let first = Setup::joining_gateway(place, 1, &join).listening(at(Level::First)).section("listen.tls", &tls);
        line.setups[1] = first;
        line.start("node").await;
        let made = line.api(0, "registrations", Some(json!({ "addresses": "gateway-1.example" }))).unwrap();
        let pin = made["secrets"][0].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        line.api(1, "membership", Some(json!({ "pin": pin }))).unwrap();
        until("the first gateway is connected", async || {
            line.api(1, "membership", None).filter(|now| now["state"] == "connected")
        })
        .await;

        let made = line.api(1, "nodes", Some(json!({ "id": "gateway-2" }))).unwrap();
        let address = format!("https://{}", at(Level::First));
        let office = Network::of_one("office", (Levels::address(Level::Printer), 161).into(), "public");
        let second = Setup::gateway(place, 2, &address, made["token"].as_str().unwrap()).trusting(&line.authority);
        line.setups[2] = second.networks([office]).adopting("mfp").read_every("1h");
        line.start("node").await;
        line.device = until("the manager knows the printer", async || {
            let page = line.api(0, "devices?limit=10", None)?;
            Some(page["rows"].get(0)?["id"].as_str()?.to_owned())
        })
        .await;
        Some(line)
    }

    /// Starts the next node, and returns what is at this path of it.
    async fn start(&mut self, path: &str) -> Value {
        let number = self.peers.len();
        let file = self.setups[number].write();
        self.peers.push(self.levels.peer(NODES[number], &program(), &["serve".as_ref(), file.as_path()]));
        until(format!("{:?} answers", NODES[number]), async || self.api(number, path, None)).await
    }

    /// How curl ends at a level, and what it says.
    fn curl(&self, level: Level, more: &[&str]) -> (i32, String) {
        let authority = self.authority.to_str().unwrap();
        let arguments = [&["-s", "-S", "-m", "20", "--noproxy", "*", "--cacert", authority], more].concat();
        let output = self.levels.run(level, &self.curl, &arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), said)
    }

    /// What a node's API answers, asked where the node is; `None` while it doesn't.
    fn api(&self, number: usize, path: &str, body: Option<Value>) -> Option<Value> {
        let read = |name: &str| std::fs::read_to_string(self.setups[number].data().join(name)).ok();
        let (address, token) = (read("local.address")?, read("local.token")?);
        let url = format!("{}/api/v1/{path}", address.trim());
        let (bearer, body) = (format!("authorization: Bearer {}", token.trim()), body.map(|body| body.to_string()));
        let mut arguments = vec!["-f", "-H", &bearer, &url];
        arguments.extend(body.iter().flat_map(|body| ["-H", "content-type: application/json", "-d", body]));
        let (ended, said) = self.curl(NODES[number], &arguments);
        serde_json::from_str(&said).ok().filter(|_| ended == 0)
    }

    /// The printer has printed so often from now on: it was off and is on again.
    fn prints(&self, count: u64) {
        self.printer.take();
        self.printer.replace(printer(&self.levels, self.place, &printed(count)));
    }

    /// Asks at the manager for the counters.
    fn ask(&self) -> String {
        self.asked.set(self.asked.get() + 1);
        let question = json!({ "question": { "ask": "counters", "device": self.device }, "within_s": 600 });
        self.api(0, "requests", Some(question)).unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the request is in one of these states at this node.
    async fn until_state(&self, number: usize, id: &str, states: &[&str]) -> Value {
        until(format!("request {id} is {states:?} at {:?}", NODES[number]), async || {
            let request = self.api(number, &format!("requests/{id}"), None)?;
            states.contains(&request["state"].as_str()?).then_some(request)
        })
        .await
    }

    /// Waits for the answer, which tells of so many prints.
    async fn until_answered(&self, id: &str, count: u64, what: &str) {
        let request = self.until_state(0, id, &["answered", "failed"]).await;
        let counters = request.pointer("/outcome/answered/counters").and_then(Value::as_array);
        let found = counters.and_then(|all| all.iter().find(|one| one["name"] == "pages.printed"));
        let printed = found.and_then(|one| one.pointer("/value/counter")?.as_u64());
        assert_eq!(printed, Some(count), "{what}: {request}");
    }

    /// Each request is there once, and ended as it did when it was first seen to have.
    fn each_is_answered_once(&self) {
        let list = self.api(0, "requests?limit=1000", None).unwrap();
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), self.asked.get());
        assert!(list.iter().all(|request| request["state"] == "answered"), "{list:?}");
        for log in self.peers.iter().map(Peer::log) {
            assert!(!log.contains("panicked"), "{log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_d05_counters_come_through_firewalls_that_let_nothing_in() {
    let place = Place::new(105);
    let Some(line) = Line::new(&place).await else { return };
    // Whoever is above, or two levels below, reaches nobody.
    for (from, to) in [(0, 1), (0, 2), (1, 2), (2, 0)] {
        let (ended, said) = line.curl(NODES[from], &["-k", &format!("https://{}/", at(NODES[to]))]);
        assert_eq!(ended, 7, "{from} couldn't connect to {to}: {said}");
    }
    for (from, to) in [(1, 0), (2, 1)] {
        let (ended, said) = line.curl(NODES[from], &["-k", &format!("https://{}/", at(NODES[to]))]);
        assert_eq!(ended, 0, "{from} calls {to}: {said}");
    }
    let printer = Levels::address(Level::Printer).to_string();
    let get = ["-v2c", "-c", "public", "-t", "1", "-r", "3", &printer, "1.3.6.1.2.1.1.2.0"];
    let gets = [Level::First, Level::Second].map(|from| line.levels.run(from, &line.snmpget, &get).status.success());
    assert_eq!(gets, [false, true], "only its own gateway speaks to the printer");

    line.prints(1_001);
    line.until_answered(&line.ask(), 1_001, "nothing is cut").await;
    line.each_is_answered_once();
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_d04_a_way_that_is_cut_at_any_step_delays_an_answer_and_loses_none() {
    let place = Place::new(106);
    let Some(line) = Line::new(&place).await else { return };
    let mut count = 2_000;
    let mut next = || {
        count += 1;
        line.prints(count);
        count
    };
    let cuts = [Cut::Silent, Cut::Refused, Cut::Down];
    for (number, level) in [(1, Level::First), (2, Level::Second)] {
        for cut in cuts {
            // In the middle of a long poll and before the request is fetched.
            let printed = next();
            line.levels.cut(level, cut);
            let id = line.ask();
            line.until_state(0, &id, &["delayed"]).await;
            line.levels.mend(level);
            line.until_answered(&id, printed, &format!("{cut:?} at {level:?}, before it is fetched")).await;
        }
        for cut in cuts {
            // After it was fetched and before there is an answer; and when there is one that can't go on.
            let printed = next();
            line.levels.cut(Level::Printer, Cut::Silent);
            let id = line.ask();
            line.until_state(2, &id, &["waiting", "delayed"]).await;
            line.levels.cut(level, cut);
            line.levels.mend(Level::Printer);
            line.until_state(number, &id, &["answered"]).await;
            let above = line.api(0, &format!("requests/{id}"), None).unwrap();
            assert!(above["outcome"].is_null(), "{cut:?} at {level:?}: nothing can have come: {above}");
            line.levels.mend(level);
            line.until_answered(&id, printed, &format!("{cut:?} at {level:?}, on its way")).await;
        }
    }
    line.each_is_answered_once();
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_a_long_poll_whose_packets_vanish_for_ever_ends_by_itself() {
    let place = Place::new(107);
    let Some(line) = Line::new(&place).await else { return };
    for (printed, level) in [(3_001, Level::First), (3_002, Level::Second)] {
        line.prints(printed);
        // The firewall has forgotten the call that is held: neither side hears of that.
        line.levels.cut(level, Cut::Forgotten);
        let id = line.ask();
        line.until_state(0, &id, &["delayed"]).await;
        line.until_answered(&id, printed, &format!("forgotten at {level:?}")).await;
        line.levels.mend(level);
    }
    line.each_is_answered_once();
}
