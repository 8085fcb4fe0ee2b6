//! D20: a printer that sleeps under two gateways is woken for work, and its engine waited for. A slow engine is a delay that is
//! said, one that is never ready a failure that is stated; whatever happens, a page is printed once or not at all.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use async_snmp::{Oid, Value as SnmpValue};
use hostler_simulator::{DeviceControl, Engine, Fleet, FleetConfig, Share, Sleep, Source, profile};
use hostler_tests::{Network, Node, Place, Setup, device_address, until};
use serde_json::{Value, json};
use std::time::Duration;

/// A printer under two gateways and a manager.
struct Chain {
    manager: Node,
    _middle: Node,
    last: Node,
    _fleet: Fleet,
    printer: DeviceControl,
    id: String,
}

impl Chain {
    async fn start(place: &Place) -> Self {
        let mix = vec![Share { source: Source::Profile(profile::orchid_c4500()), weight: 1 }];
        let write_community = Some("private".to_owned());
        let config = FleetConfig { count: 1, mix, pages_per_hour: 0, write_community, ..place.fleet() };
        let fleet = Fleet::start(config).await.unwrap();
        let manager = Node::start(Setup::manager(place)).await;
        manager.install("mfp").await;
        let token = manager.token_for(1).await;
        let middle = Node::start(Setup::gateway(place, 1, manager.api().base(), &token)).await;
        let token = middle.token_for(2).await;
        let network = Network { credentials: vec!["private".to_owned()], ..Network::of("office", &fleet) };
        let setup = Setup::gateway(place, 2, middle.api().base(), &token).networks([network]).adopting("mfp");
        let setup = setup.credential("private", "version = \"2c\"\ncommunity = \"private\"\n");
        let last = Node::start(setup.read_every("1h")).await;
        let id = manager.until_read(1).await[0]["device"]["id"].as_str().unwrap().to_owned();
        let printer = fleet.devices()[0].control.clone();
        Self { manager, _middle: middle, last, _fleet: fleet, printer, id }
    }

    /// Pages that it printed in its life.
    fn pages(&self) -> u32 {
        match self.printer.get(&Oid::from_slice(&[1, 3, 6, 1, 2, 1, 43, 10, 2, 1, 4, 1, 1])) {
            Some(SnmpValue::Counter32(pages)) => pages,
            other => panic!("{other:?}"),
        }
    }

    /// Whether it says that it is waking, by its maker's object.
    fn is_waking(&self) -> bool {
        let mode = self.printer.get(&Oid::from_slice(&[1, 3, 6, 1, 4, 1, 99_999, 2, 1, 0]));
        matches!(mode, Some(SnmpValue::Integer(3)))
    }

    /// Sleeping, with an engine that takes so long.
    fn sleep(&self, warm_up: Duration) {
        self.printer.set_warm_up(warm_up);
        self.printer.sleep(Sleep::Light);
    }

    async fn ask_for_a_page(&self, within: u64) -> String {
        let path = format!("devices/{}/commands/test-page", self.id);
        let asked = self.manager.api().post(&path, &json!({ "arguments": {}, "within_s": within })).await.unwrap();
        asked["id"].as_str().unwrap().to_owned()
    }

    async fn until_state(&self, request: &str, state: &str) -> Value {
        until(format!("the request is {state}"), async || {
            let view = self.manager.api().get(&format!("requests/{request}")).await.ok()?;
            let ended = ["answered", "failed"].iter().any(|ended| view["state"] == *ended);
            assert!(!ended || view["state"] == state, "{view:#}");
            (view["state"] == state).then_some(view)
        })
        .await
    }

    /// What somebody should know, since there were so many events.
    async fn complaints(&self, before: usize) -> Vec<Value> {
        let events = self.manager.events().await.unwrap();
        let new = events.len() - before;
        events.into_iter().take(new).filter(|event| event["severity"] != "info").collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d20_a_sleeper_under_two_gateways_is_woken_for_what_its_engine_does_and_for_nothing_else() {
    let place = Place::new(44);
    let chain = Chain::start(&place).await;
    let (pages, before) = (chain.pages(), chain.manager.events().await.unwrap().len());
    chain.sleep(Duration::from_secs(1));
    // It counts and tells of itself asleep, and restarts by its controller.
    let _ = chain.manager.run(&["device", "counters", &chain.id]).await.well();
    let power = chain.manager.run(&["device", "power", &chain.id]).await.well();
    assert!(power.contains("power: asleep"), "{power}");
    // Nor for what it is refused anyway.
    let refused = chain.manager.run(&["device", "command", &chain.id, "test-page", "copies=2"]).await;
    assert!(refused.code != Some(0), "{refused:?}");
    assert!(!chain.printer.is_awake());
    let listed = chain.manager.run(&["device", "commands", &chain.id, "--json"]).await.well();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let needs =
        |name: &str| listed.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()["needs"].clone();
    assert_eq!((needs("test-page"), needs("identify"), needs("reset")), (json!("ready"), json!("awake"), json!("any")));

    let printed = chain.manager.run(&["device", "command", &chain.id, "test-page"]).await.well();
    assert!(printed.contains("It prints a test page."), "{printed}");
    assert_eq!(chain.pages(), pages + 1);
    chain.sleep(Duration::from_millis(100));
    let _ = chain.manager.run(&["device", "panel", &chain.id, "--show", "Service at noon"]).await.well();
    assert!(chain.printer.is_awake(), "a text is shown where somebody can read it");
    // So deep that it hears nothing at first.
    let [silent, warm_up, delay] = [2_000, 1_000, 100].map(Duration::from_millis);
    chain.printer.sleep(Sleep::Deep { silent, warm_up, delay });
    let _ = chain.manager.run(&["device", "command", &chain.id, "test-page"]).await.well();
    assert_eq!(chain.pages(), pages + 2);
    let complaints = chain.complaints(before).await;
    assert!(complaints.is_empty(), "nobody is told that something sleeps: {complaints:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d20_a_slow_engine_is_a_delay_that_is_said_and_a_gateway_that_is_killed_meanwhile_does_it_once() {
    let place = Place::new(45);
    let mut chain = Chain::start(&place).await;
    let (pages, before) = (chain.pages(), chain.manager.events().await.unwrap().len());
    chain.sleep(Duration::from_secs(10));
    let request = chain.ask_for_a_page(300).await;
    let delayed = chain.until_state(&request, "delayed").await;
    assert_eq!(delayed["delay"]["by"], "gateway-2", "{delayed:#}");
    let why = delayed["delay"]["why"].as_str().unwrap();
    assert!(why.contains("is being woken: it says that it is waking up"), "{why}");
    assert_eq!(chain.pages(), pages, "nothing is done before it is ready");
    let _ = chain.until_state(&request, "answered").await;
    assert_eq!(chain.pages(), pages + 1);

    chain.sleep(Duration::from_secs(8));
    let request = chain.ask_for_a_page(300).await;
    until("it is waking", async || chain.is_waking().then_some(())).await;
    chain.last.kill();
    assert_eq!(chain.pages(), pages + 1);
    chain.last.start_again().await;
    let _ = chain.until_state(&request, "answered").await;
    assert_eq!(chain.pages(), pages + 2);
    let complaints = chain.complaints(before).await;
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d20_an_engine_that_is_never_ready_is_a_failure_that_says_so_and_prints_nothing() {
    let place = Place::new(46);
    let chain = Chain::start(&place).await;
    let pages = chain.pages();
    chain.sleep(Duration::from_secs(24 * 3600));
    let request = chain.ask_for_a_page(16).await;
    let failed = chain.until_state(&request, "failed").await;
    let failure = &failed["outcome"]["failed"];
    assert_eq!((&failure["by"], &failure["failing"]), (&json!("gateway-2"), &json!("late")), "{failed:#}");
    let why = failure["why"].as_str().unwrap();
    assert!(why.contains("wasn't ready in time: it says that it is waking up; nothing was done"), "{why}");
    assert_eq!(chain.pages(), pages);
}

#[tokio::test(flavor = "multi_thread")]
async fn d20_a_device_node_switches_its_engine_off_when_idle_and_on_for_work_and_waits_until_it_is_ready() {
    let place = Place::new(47);
    let mix = vec![Share { source: Source::Profile(profile::orchid_c4500()), weight: 1 }];
    let write_community = Some("public".to_owned());
    let fleet = FleetConfig { count: 1, mix, pages_per_hour: 0, write_community, ..place.fleet() };
    let fleet = Fleet::start(fleet).await.unwrap();
    let printer = fleet.devices()[0].control.clone();
    let engine = Engine::start(&place.path("hardware"), Duration::from_secs(2), Some(printer.clone())).unwrap();
    let manager = Node::start(Setup::joined(&place, 8081)).await;
    manager.install("mfp").await;
    let join = manager.api().get("join").await.unwrap();
    let lines = format!("power = {:?}\nready = {:?}\noff-after = \"3s\"", engine.power(), engine.ready());
    let setup = Setup::device_with(&place, 1, &fleet, &join).section("device.engine", &lines);
    let device = Node::start(setup).await;
    let made = manager.registered(&[&device_address(&place, 1).to_string()]).await;
    let _ = device.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
    let id = manager.until_read(1).await[0]["device"]["id"].as_str().unwrap().to_owned();
    let before = manager.events().await.unwrap().len();
    let pages = || match printer.get(&Oid::from_slice(&[1, 3, 6, 1, 2, 1, 43, 10, 2, 1, 4, 1, 1])) {
        Some(SnmpValue::Counter32(pages)) => pages,
        other => panic!("{other:?}"),
    };
    let base = format!("http://{}:8081", device_address(&place, 1));
    let fetch = async |path: &str| reqwest::get(format!("{base}{path}")).await.ok()?.text().await.ok();
    let mode = async || {
        let panel: Value = serde_json::from_str(&fetch("/panel/state").await?).ok()?;
        panel.pointer("/power/mode")?.as_str().map(str::to_owned)
    };

    assert_eq!(mode().await.as_deref(), Some("off"), "nothing is to be done yet");
    assert!(fetch("/panel").await.unwrap().contains("The engine is off and is switched on for work."));
    let power = manager.run(&["device", "power", &id]).await.well();
    assert!(power.contains("power: off") && power.contains("engine: not-ready"), "{power}");
    let first = pages();
    let printed = manager.run(&["device", "command", &id, "test-page"]).await.well();
    assert!(printed.contains("It prints a test page."), "{printed}");
    assert_eq!(pages(), first + 1, "the simulated printer prints only with a ready engine");
    until("it is off again by itself", async || (mode().await? == "off").then_some(())).await;
    assert_eq!(std::fs::read_to_string(engine.power()).unwrap(), "0\n");
    let is_off = async || std::fs::read_to_string(engine.ready()).ok().filter(|said| said == "0\n");
    until("it says that it isn't ready any more", is_off).await;

    let _ = manager.run(&["device", "power", &id, "wake"]).await.well();
    until("it warms up", async || (mode().await? == "waking").then_some(())).await;
    until("it is ready", async || (mode().await? == "on").then_some(())).await;
    let _ = manager.run(&["device", "power", &id, "sleep"]).await.well();
    assert_eq!(mode().await.as_deref(), Some("off"));
    // An engine that never says that it is ready, because it broke when it was off.
    until("it says that it isn't ready", is_off).await;
    drop(engine);
    let path = format!("devices/{id}/commands/test-page");
    let asked = manager.api().post(&path, &json!({ "arguments": {}, "within_s": 12 })).await.unwrap();
    let request = format!("requests/{}", asked["id"].as_str().unwrap());
    let failed =
        until("that is said", async || manager.api().get(&request).await.ok().filter(|view| view["state"] == "failed"))
            .await;
    let why = failed["outcome"]["failed"]["why"].as_str().unwrap();
    assert!(why.contains("wasn't ready in time") && why.contains("nothing was done"), "{why}");
    assert_eq!(pages(), first + 1);
    let events = manager.events().await.unwrap();
    let new = events.len() - before;
    let complaints: Vec<_> = events.into_iter().take(new).filter(|event| event["severity"] != "info").collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
