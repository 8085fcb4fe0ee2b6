//! A node with all behind it is reached another way: what is stored of it before and after.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on shall stop")]

use super::below_tests::node;
use super::moving::calls_no_more;
use super::tests::{id, in_memory};
use super::{Moved, NotMoved, moved};
use crate::access::Access;
use crate::error::ServiceError;
use hostler_core::access::{Child, TokenDigest};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Candidate, Device, Reach};
use hostler_core::enrollment::Vouched;
use hostler_core::message::{CallsNow, Ends, Method, Portion};
use hostler_core::reading::Identity;
use hostler_core::request::Flight;
use hostler_core::routing::{NoRoute, Route};
use hostler_core::{KeyFingerprint, NodeId, Secret, Timestamp};
use hostler_store::Store;
use std::sync::Arc;

const NOW: Timestamp = Timestamp(10);

fn child(name: &str) -> Child {
    let token = TokenDigest::of(name);
    Child { id: node(name), token, created_at: Timestamp(1), called: true, vouched: None }
}

fn ids(names: &[&str]) -> Vec<NodeId> {
    names.iter().map(|name| node(name)).collect()
}

/// A root that two gateways call. Below the first is one with a candidate, and behind that one with a device that is asked for.
struct Root(Arc<dyn Store>);

impl Root {
    async fn new() -> Self {
        let root = Self(in_memory());
        let here = |name: &str| Change::Child { id: node(name), expect: Expect::Absent, value: Some(child(name)) };
        let way = |path: &[&str]| {
            let (next, told) = (node("gateway-1"), ids(path));
            let value = Route::told(&node("root"), &next, &told).unwrap();
            Change::Route { node: told.last().unwrap().clone(), expect: Expect::Absent, value: Some(Box::new(value)) }
        };
        let reach = Reach { address: [192, 0, 2, 1].into(), snmp: None, http: None };
        let candidate = Candidate { reach: reach.clone(), claims: Vec::new(), seen_at: Timestamp(1) };
        let device = Device {
            id: id("x"),
            gateway: node("mfp-1"),
            plugin: "mfp".parse().unwrap(),
            identity: Identity::default(),
            reach,
            certificate: None,
            adopted_at: Timestamp(1),
            commands: Vec::new(),
        };
        let asked = r#"{"id":"0123456789abcdef0123456789abcdef","asker":{"here":null},"to":"mfp-1","question":{"ask":"alive"},
            "since":1,"notice_by":2,"until":100000,"phase":{"phase":"passed","next":"gateway-1"},"delay":null,"notices":0}"#;
        let asked: Flight = serde_json::from_str(asked).unwrap();
        let changes = [
            here("gateway-1"),
            here("gateway-2"),
            way(&["gateway-3"]),
            way(&["gateway-3", "mfp-1"]),
            Change::Candidate {
                gateway: node("gateway-3"),
                address: candidate.reach.address,
                value: Some(Box::new(candidate)),
            },
            Change::Device { id: id("x"), expect: Expect::Absent, value: Some(Box::new(device)) },
            Change::Flight { id: asked.id.clone(), expect: Expect::Absent, value: Some(Box::new(asked)) },
        ];
        root.0.commit(changes.into_iter().collect()).await.unwrap();
        root
    }

    async fn moves(&self, way: &[&str]) -> Moved {
        let near = way.is_empty().then(|| child("gateway-3"));
        let moved =
            moved(&*self.0, (&node("root"), Some(&node("parent")), NOW), &node("gateway-3"), &ids(way), near).unwrap();
        self.0.commit(moved.changes.clone()).await.unwrap();
        moved
    }

    /// How the one with the device is reached, and whether that was told of.
    fn way(&self) -> (Vec<NodeId>, bool) {
        let route = self.0.route(&node("mfp-1")).unwrap().unwrap().value;
        (route.path(), !route.is_awaited())
    }

    fn waits(&self, name: &str) -> Vec<(Ends, Method)> {
        let waits = self.0.outbox(&node(name), Portion::EXCHANGE).unwrap().messages.into_iter();
        waits.map(|envelope| (envelope.message.ends, envelope.message.method)).collect()
    }

    fn has_all(&self) {
        assert_eq!(self.0.device(&id("x")).unwrap().unwrap().value.gateway, node("mfp-1"));
        assert_eq!(self.0.candidates().unwrap().len(), 1);
    }

    fn asks(&self) -> NodeId {
        let flight = self.0.flights().unwrap().remove(0).value;
        flight.waits_for().unwrap().clone()
    }
}

#[tokio::test]
async fn d01_what_moves_keeps_all_that_is_known_of_it_and_is_asked_when_it_is_told_of() {
    let root = Root::new().await;
    let moved = root.moves(&["gateway-2"]).await;
    assert_eq!((moved.former, moved.nodes.len()), (Some(node("gateway-1")), 2));
    assert_eq!(root.way(), (ids(&["gateway-2", "gateway-3", "mfp-1"]), false));
    root.has_all();
    assert!(root.asks() == node("gateway-2") && root.waits("gateway-2").is_empty(), "nobody there knows whom yet");
    assert!(root.moves(&["gateway-2"]).await.changes.is_empty(), "it is there already");

    // To this node itself: it knows what is behind it.
    let _ = root.moves(&[]).await;
    assert_eq!(root.way(), (ids(&["gateway-3", "mfp-1"]), true));
    root.has_all();
    let waits = root.waits("gateway-3");
    assert!(matches!(waits.as_slice(), [(ends, Method::Request(_))] if ends.to == Some(node("mfp-1"))), "{waits:?}");

    // An order that waited for it is said to be undelivered; the request isn't lost.
    // Above it is told as well; that somebody calls no more isn't for a person to repeat.
    let adopt = Method::Adopt { address: [192, 0, 2, 1].into(), plugin: "mfp".parse().unwrap() };
    let ended = Method::CallsNoMore { node: node("mfp-1"), token: TokenDigest::of("mfp-1"), now: CallsNow::Nobody };
    let orders = [adopt, ended].map(|order| Change::send(&node("gateway-3"), order));
    root.0.commit(orders.into_iter().collect()).await.unwrap();
    let _ = root.moves(&["gateway-1"]).await;
    assert_eq!((root.way().0, root.asks()), (ids(&["gateway-1", "gateway-3", "mfp-1"]), node("gateway-1")));
    root.has_all();
    let events = root.0.events(None, None, 10).unwrap();
    assert!(events.len() == 1 && events[0].1.text.contains("order it again"), "{events:?}");
    assert!(root.waits("gateway-3").is_empty() && root.0.child(&node("gateway-3")).unwrap().is_none());
    let told: Vec<Method> = root.waits("parent").into_iter().map(|(_, method)| method).collect();
    assert!(matches!(&told[..], [Method::AdoptionEnded { .. }, Method::EventHappened(_)]), "{told:?}");
}

#[tokio::test]
async fn d01_nothing_moves_below_itself_and_who_is_not_known_moves_nothing() {
    let root = Root::new().await;
    let here = node("root");
    let below_itself = moved(&*root.0, (&here, None, NOW), &node("gateway-3"), &ids(&["gateway-1", "mfp-1"]), None);
    assert!(
        matches!(below_itself, Err(NotMoved::NoRoute(NoRoute::Loop { .. }))),
        "what is behind it would be above it"
    );
    let stranger = moved(&*root.0, (&here, None, NOW), &node("stranger"), &ids(&["gateway-1"]), None).unwrap();
    assert_eq!(stranger.changes, Changes::none());
}

#[tokio::test]
async fn e08_who_came_in_keeps_its_name_at_a_gateway_until_the_manager_ends_it() {
    let store = in_memory();
    let access = Access::new(Arc::clone(&store), []);
    let (name, token) = (node("mfp-1"), TokenDigest::of("its own"));
    let key = KeyFingerprint::of(b"key");
    let vouched = Vouched { node: name.clone(), device: id("A1"), key, token: token.clone(), gateway: false };
    let value = Some(Child { token: token.clone(), vouched: Some(vouched), ..child("mfp-1") });
    store.commit(Change::Child { id: name.clone(), expect: Expect::Absent, value }.into()).await.unwrap();
    let other = Secret::new("another".to_owned());
    let refused = access.accept_child(name.clone(), &other).await;
    assert!(matches!(&refused, Err(ServiceError::Conflict(why)) if why.contains("at the manager")), "{refused:?}");
    let ended = calls_no_more(&*store, &node("parent"), (&name, &token), CallsNow::Nobody).unwrap();
    store.commit(ended).await.unwrap();
    access.accept_child(name.clone(), &other).await.unwrap();
    assert_eq!(access.child("another"), Some(name));
}
