//! Gateways below gateways over real connections, each exchange begun by hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on shall stop")]

use super::tests::{Below, Root, client, id, in_memory, reading, serve};
use crate::access::Former;
use crate::inventory::Choice;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Candidate, Reach};
use hostler_core::event::Event;
use hostler_core::message::{Class, Ends, Envelope, Epoch, ExchangeUp, Message, Method};
use hostler_core::plugin::{Grant, Kind, PluginRecord, Release};
use hostler_core::reading::{Severity, Snapshot};
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{NodeId, PluginName, Secret, Timestamp};
use hostler_engine::now;
use hostler_store::Store;
use hostler_transport::Parent;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn admin() -> Viewer {
    Viewer { user: "admin".parse().unwrap(), right: Right::Administer }
}

pub(super) fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

fn candidate() -> Candidate {
    let reach = Reach { address: [192, 0, 2, 7].into(), snmp: None, http: None };
    Candidate { reach, claims: Vec::new(), seen_at: Timestamp(1) }
}

fn events(store: &Arc<dyn Store>, name: &str) -> Vec<String> {
    let events = store.events(None, None, 500).unwrap().into_iter();
    events.filter(|(_, event)| event.name == name).map(|(_, event)| event.text).collect()
}

impl Below {
    /// Where others call it from now on.
    async fn listens(&self) -> SocketAddr {
        serve(Arc::clone(&self.tree)).await
    }

    async fn lets(&self, child: &str) {
        self.access.accept_child(node(child), &Secret::new(child.to_owned())).await.unwrap();
    }

    async fn discovers(&self, name: &str) {
        let value = candidate();
        let address = value.reach.address;
        let seen = Change::Candidate { gateway: node(name), address, value: Some(Box::new(value.clone())) };
        let told = Change::send(&self.child.parent, Method::CandidateSeen(Box::new(value)));
        self.child.store.commit(Changes::from(seen).and(told)).await.unwrap();
    }
}

impl Root {
    fn path(&self, device: &str) -> Vec<String> {
        let Ok(view) = self.inventory.device(&admin(), &id(device)) else { return Vec::new() };
        view.path.iter().map(ToString::to_string).collect()
    }

    fn nodes(&self) -> Vec<String> {
        let nodes = self.inventory.nodes(&admin()).unwrap().into_iter();
        nodes.map(|view| view.path.iter().map(ToString::to_string).collect::<Vec<_>>().join("/")).collect()
    }

    fn sees_candidate_of(&self, gateway: &str) -> bool {
        self.store.candidates().unwrap().iter().any(|(of, _)| of.as_str() == gateway)
    }
}

/// A manager, a gateway below it, and one below that with the device x.
pub(super) struct Line {
    pub(super) root: Root,
    pub(super) middle: Below,
    pub(super) last: Below,
}

impl Line {
    async fn new() -> Self {
        let root = Root::on(in_memory()).await;
        let middle = Below::on(in_memory(), "gateway-1", &root).await;
        middle.lets("gateway-3").await;
        let last = Below::calling(in_memory(), "gateway-3", middle.listens().await).await;
        last.adopt("x").await;
        last.child.inventory.take_snapshot(&id("x"), reading("ready"));
        Self { root, middle, last }
    }

    /// Both speak until something is so.
    pub(super) async fn until(&mut self, what: &str, reached: impl Fn(&Root) -> bool) {
        both(&mut self.last, &mut self.middle, what, || reached(&self.root)).await;
    }

    pub(super) async fn known() -> Self {
        let mut line = Self::new().await;
        line.until("the device is known", |root| root.shows("x").is_some()).await;
        line
    }
}

/// Both speak until something is so: none of them waits for the other, or for news.
async fn both(last: &mut Below, middle: &mut Below, what: &str, reached: impl Fn() -> bool) {
    let moment = std::time::Duration::from_millis(150);
    for _ in 0..60 {
        if reached() {
            return;
        }
        if let Ok(outcome) = tokio::time::timeout(moment, last.exchange()).await {
            outcome.unwrap();
        }
        if let Ok(outcome) = tokio::time::timeout(moment, middle.exchange()).await {
            outcome.unwrap();
        }
    }
    panic!("{what}: not reached");
}

#[tokio::test]
async fn d01_d03_a_device_behind_two_gateways_is_known_read_and_let_go() {
    let mut line = Line::known().await;
    assert_eq!(line.root.owner("x").as_deref(), Some("gateway-3"));
    assert_eq!(line.root.path("x"), ["gateway-1", "gateway-3"]);
    assert_eq!(line.root.nodes(), ["", "gateway-1", "gateway-1/gateway-3", "gateway-2"]);
    assert_eq!(line.middle.child.store.device(&id("x")).unwrap().unwrap().value.gateway, node("gateway-3"));
    line.last.tell("it rained").await;
    line.until("the event is known", |root| root.heard("it rained") == 1).await;
    line.last.child.inventory.take_snapshot(&id("x"), reading("busy"));
    line.until("it is read anew", |root| root.shows("x").as_deref() == Some("busy")).await;
    line.root.inventory.release(&admin(), &id("x")).await.unwrap();
    line.until("it is let go", |root| root.owner("x").is_none()).await;
    assert!(line.last.child.store.devices().unwrap().is_empty());
    assert!(line.middle.child.store.devices().unwrap().is_empty());
    assert!(events(&line.root.store, "message.refused").is_empty());
    line.until("nothing waits anywhere", |root| root.store.waiting(&node("gateway-1")).unwrap() == 0).await;
    assert_eq!(line.root.heard("it rained"), 1);
}

#[tokio::test]
async fn d01_d03_a_candidate_behind_two_gateways_is_ordered_adopted_where_it_is() {
    let mut line = Line::known().await;
    line.last.discovers("gateway-3").await;
    line.until("it is seen", |root| root.sees_candidate_of("gateway-3")).await;
    let plugin: PluginName = "mfp".parse().unwrap();
    let release = Release { version: "1.0.0".parse().unwrap(), digest: "00".to_owned(), installed_at: Timestamp(1) };
    let record = PluginRecord::new(plugin.clone(), Kind::Device, release, Grant::default());
    let installed = Change::Plugin { name: plugin.clone(), expect: Expect::Absent, value: Some(Box::new(record)) };
    line.root.store.commit(installed.into()).await.unwrap();
    let address = candidate().reach.address;
    let adopt = async |gateway: &str| {
        line.root.inventory.adopt(&admin(), &node(gateway), address, &plugin, Choice::Anyway).await
    };
    assert!(adopt("gateway-1").await.is_err(), "it is in another's network");
    // It went meanwhile: that it isn't adopted comes all the way back, from where it was tried.
    let gone = Change::Candidate { gateway: node("gateway-3"), address, value: None };
    line.last.child.store.commit(gone.into()).await.unwrap();
    adopt("gateway-3").await.unwrap();
    let ended = |root: &Root| events(&root.store, "adoption.ended");
    line.until("the answer comes", |root| !ended(root).is_empty()).await;
    let ended = ended(&line.root);
    assert!(ended.iter().any(|text| text.starts_with("gateway-3 did not adopt")), "{ended:?}");
}

#[tokio::test]
async fn d03_who_lost_its_store_learns_of_all_nodes_and_devices_again() {
    let mut line = Line::known().await;
    line.last.discovers("gateway-3").await;
    line.until("it is seen", |root| root.sees_candidate_of("gateway-3")).await;
    let anew = Root::on(in_memory()).await;
    line.middle.turn_to(&anew, "gateway-1");
    line.root = anew;
    line.until("the new manager knows", |root| root.shows("x").is_some() && root.sees_candidate_of("gateway-3")).await;
    assert_eq!(line.root.path("x"), ["gateway-1", "gateway-3"]);

    let middle = Below::on(in_memory(), "gateway-1", &line.root).await;
    middle.lets("gateway-3").await;
    line.last.client = client(middle.listens().await, "gateway-3");
    line.middle = middle;
    line.last.child.inventory.take_snapshot(&id("x"), reading("again"));
    line.until("it goes on", |root| root.shows("x").as_deref() == Some("again")).await;
    let known = &line.middle.child.store;
    assert!(known.device(&id("x")).unwrap().is_some() && known.candidates().unwrap().len() == 1);
}

#[tokio::test]
async fn d03_a_parent_that_knows_nothing_of_a_node_asks_for_it() {
    let mut line = Line::known().await;
    // Put back to before the node was told, in the same epoch.
    let route = line.root.store.route(&node("gateway-3")).unwrap().unwrap();
    let gone = Change::Device { id: id("x"), expect: Expect::Anything, value: None };
    let expect = Expect::Version(route.version);
    let gone = Changes::from(gone).and(Change::Route { node: node("gateway-3"), expect, value: None });
    line.root.store.commit(gone).await.unwrap();
    line.last.tell("not to be lost").await;
    line.last.discovers("gateway-3").await;
    line.until("all of it is known", |root| root.shows("x").is_some() && root.sees_candidate_of("gateway-3")).await;
    assert_eq!(line.root.heard("not to be lost"), 1);
    assert_eq!(line.root.path("x"), ["gateway-1", "gateway-3"]);
    assert!(events(&line.root.store, "message.refused").is_empty());
}

#[tokio::test]
async fn d01_what_a_clock_that_is_ahead_tells_again_after_a_move_is_known() {
    let root = Root::on(in_memory()).await;
    root.tree.remembered.moved(&node("gateway-1"));
    let clock = || now().plus(Duration::from_secs(60));
    let (name, severity) = ("test".to_owned(), Severity::Info);
    let event = Event { at: clock(), node: None, device: None, name, severity, text: "it rained".to_owned() };
    let other = Event { text: "it snowed".to_owned(), ..event.clone() };
    for (epoch, event) in [(1, &event), (2, &event), (3, &other)] {
        let messages = vec![Envelope::of(1, Method::EventHappened(event.clone()))];
        let up = ExchangeUp { epoch: Epoch(epoch), messages, clock: clock(), ..ExchangeUp::default() };
        Arc::clone(&root.tree).exchange(node("gateway-1"), up).await.unwrap();
    }
    assert_eq!((root.heard("it rained"), root.heard("it snowed")), (1, 1));
}

#[tokio::test]
async fn d01_with_a_node_goes_what_is_below_it_and_it_may_come_again() {
    let mut line = Line::known().await;
    line.last.discovers("gateway-3").await;
    line.until("it is seen", |root| root.sees_candidate_of("gateway-3")).await;
    line.middle.access.remove_child(&admin(), &node("gateway-3")).await.unwrap();
    let root = &line.root;
    line.middle.until("it is gone above", || root.owner("x").is_none()).await;
    assert_eq!(root.nodes(), ["", "gateway-1", "gateway-2"]);
    assert!(!root.sees_candidate_of("gateway-3"));
    line.middle.lets("gateway-3").await;
    line.last.child.inventory.take_snapshot(&id("x"), reading("back"));
    line.until("it came again", |root| root.shows("x").is_some()).await;
    assert_eq!(line.root.path("x"), ["gateway-1", "gateway-3"]);

    line.root.access.remove_child(&admin(), &node("gateway-1")).await.unwrap();
    assert!(line.root.owner("x").is_none());
    assert_eq!(line.root.nodes(), ["", "gateway-2"]);
    let mut refused = false;
    for _ in 0..5 {
        refused |= line.middle.exchange().await.is_err();
    }
    assert!(refused);
    let removed = events(&line.root.store, "node.removed");
    assert!(removed.first().unwrap().contains("1 devices"), "{removed:?}");
}

#[tokio::test]
async fn d03_an_order_for_a_node_that_is_gone_is_answered() {
    let mut line = Line::known().await;
    // The manager orders before it hears that the node is gone.
    line.root.inventory.read_now(&admin(), &id("x")).await.unwrap();
    line.root.inventory.discover_now(&admin(), Some(&node("gateway-3"))).await.unwrap();
    let address = candidate().reach.address;
    let adopt = Method::Adopt { address, plugin: "mfp".parse().unwrap() };
    let far = Ends::to(&node("gateway-3"), &node("gateway-1"));
    line.root.store.commit(Change::send_between(&node("gateway-1"), far, adopt).into()).await.unwrap();
    line.middle.access.remove_child(&admin(), &node("gateway-3")).await.unwrap();
    let (root, store) = (&line.root, Arc::clone(&line.root.store));
    let said = || events(&store, "order.undelivered");
    line.middle.until("each is answered", || said().len() == 3).await;
    assert!(said().iter().all(|text| text.contains("gateway-3 isn't below gateway-1 any more")), "{:?}", said());
    line.middle.until("nothing waits", || root.store.waiting(&node("gateway-1")).unwrap() == 0).await;
    assert_eq!(events(&store, "adoption.ended").len(), 1);
    assert!(root.owner("x").is_none());
    let why = root.inventory.read_now(&admin(), &id("x")).await.unwrap_err().to_string();
    assert!(why.contains("no device x"), "{why}");
}

#[tokio::test]
async fn d03_a_full_outbox_on_the_way_is_said_and_holds_up_nobody_else() {
    let mut line = Line::known().await;
    let full = (0..Class::Result.capacity()).map(|_| Change::send(&node("gateway-3"), Method::DiscoverNow));
    line.middle.child.store.commit(full.collect()).await.unwrap();
    line.root.inventory.release(&admin(), &id("x")).await.unwrap();
    line.root.order("gateway-1", Method::ReadNow(id("unknown"))).await;
    let root = &line.root;
    line.middle.until("both are taken", || root.store.waiting(&node("gateway-1")).unwrap() == 0).await;
    let said = events(&root.store, "order.undelivered");
    assert!(said.len() == 1 && said.iter().all(|text| text.contains("100000 messages wait for gateway-3")), "{said:?}");
    assert_eq!(root.owner("x").as_deref(), Some("gateway-3"), "it is as it was");
    let why = line.middle.child.inventory.release(&admin(), &id("x")).await.unwrap_err().to_string();
    assert!(why.contains("must be fetched"), "{why}");
}

#[tokio::test]
async fn d01_a_name_that_there_is_already_is_refused_once_until_it_is_free() {
    let mut line = Line::new().await;
    line.middle.lets("gateway-2").await;
    let mut other = Below::calling(in_memory(), "gateway-2", line.middle.listens().await).await;
    other.adopt("y").await;
    other.child.inventory.take_snapshot(&id("y"), reading("ready"));
    both(&mut other, &mut line.middle, "it is said", || events(&line.root.store, "message.refused").len() == 1).await;
    for round in 0..5 {
        other.tell(&format!("round {round}")).await;
        other.child.inventory.take_snapshot(&id("y"), reading("busy"));
        other.exchange().await.unwrap();
        line.middle.exchange().await.unwrap();
    }
    let refused = events(&line.root.store, "message.refused");
    assert!(refused.len() == 1 && refused.iter().all(|text| text.contains("two nodes gateway-2")), "{refused:?}");
    assert!(line.root.owner("y").is_none() && line.root.heard("round 0") == 0);
    let taken = line.root.access.add_child(&admin(), node("gateway-3"), Former::Stays).await;
    assert!(taken.is_ok(), "nobody told of gateway-3 yet");
    line.root.access.remove_child(&admin(), &node("gateway-3")).await.unwrap();

    line.root.access.remove_child(&admin(), &node("gateway-2")).await.unwrap();
    other.child.inventory.take_snapshot(&id("y"), reading("at last"));
    both(&mut other, &mut line.middle, "it is known", || line.root.shows("y").is_some()).await;
    assert_eq!(line.root.path("y"), ["gateway-1", "gateway-2"]);
    let why = line.root.access.add_child(&admin(), node("gateway-2"), Former::Stays).await.unwrap_err().to_string();
    assert!(why.contains("gateway-1 › gateway-2"), "{why}");
}

#[tokio::test]
async fn d01_two_gateways_that_call_each_other_say_so_and_go_on() {
    let mut one = Below::calling(in_memory(), "gateway-1", ([127, 0, 0, 1], 9).into()).await;
    let mut other = Below::calling(in_memory(), "gateway-2", one.listens().await).await;
    one.client = client(other.listens().await, "gateway-1");
    one.lets("gateway-2").await;
    other.lets("gateway-1").await;
    one.adopt("x").await;
    one.child.inventory.take_snapshot(&id("x"), reading("ready"));
    let stores = [Arc::clone(&one.child.store), Arc::clone(&other.child.store)];
    let circle = |store: &Arc<dyn Store>| {
        let refused = events(store, "message.refused");
        refused.iter().filter(|text| text.contains("in a circle")).count()
    };
    both(&mut one, &mut other, "both say it", || stores.iter().all(|store| circle(store) > 0)).await;
    for _ in 0..10 {
        one.child.inventory.take_snapshot(&id("x"), reading("ready"));
        let moment = std::time::Duration::from_millis(150);
        let _ = tokio::time::timeout(moment, one.exchange()).await;
        let _ = tokio::time::timeout(moment, other.exchange()).await;
    }
    for store in &stores {
        let refused = events(store, "message.refused");
        assert!(refused.len() <= 2, "it is said, not again and again: {refused:#?}");
        assert_eq!(store.waiting(&one.child.parent).unwrap(), 0, "nothing goes round for ever");
    }
    let known = one.child.store.device(&id("x")).unwrap().unwrap();
    assert_eq!(known.value.gateway, node("gateway-1"), "it is still the one's that reads it");
}

#[tokio::test]
async fn e08_d01_a_gateway_speaks_only_for_nodes_that_are_below_it() {
    let mut line = Line::known().await;
    let say = async |messages: Vec<(u64, Message)>| {
        let messages = messages
            .into_iter()
            .map(|(seq, message)| Envelope { message: message.clone(), ..Envelope::of(seq, message.method) });
        let snapshots = [(id("x"), Snapshot::default())].into();
        let up = ExchangeUp { messages: messages.collect(), snapshots, ..ExchangeUp::default() };
        Arc::clone(&line.root.tree).exchange(node("gateway-2"), up).await.unwrap()
    };
    let released = |from: &str| Message { ends: Ends::from(node(from)), method: Method::DeviceReleased(id("x")) };
    let below = |path: &[&str]| Method::NodeBelow { path: path.iter().map(|name| node(name)).collect() }.into();
    say(vec![
        (1, released("gateway-3")),
        (2, Method::DeviceReleased(id("x")).into()),
        (3, Method::NodeGone(node("gateway-3")).into()),
        (4, below(&["gateway-3"])),
        (5, below(&["gateway-1"])),
        (6, below(&["root"])),
        (7, below(&["a", "b", "c", "d", "e", "f", "g", "h", "i"])),
        (8, below(&[])),
    ])
    .await;
    assert_eq!(line.root.owner("x").as_deref(), Some("gateway-3"));
    assert_eq!(line.root.shows("x").as_deref(), Some("ready"));
    assert_eq!(line.root.nodes(), ["", "gateway-1", "gateway-1/gateway-3", "gateway-2"]);
    let refused = events(&line.root.store, "message.refused");
    assert!(refused.len() >= 6, "{refused:#?}");
    line.last.tell("unharmed").await;
    line.until("the neighbour goes on", |root| root.heard("unharmed") == 1).await;
}
