//! What a node that came in by a user's PIN may speak for, and whose that is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that can't go on shall stop")]

use super::{Presence, Tree};
use crate::enrollment::tests::{Office, Thing, viewer};
use crate::enrollment::{NewRegistration, Rules};
use crate::inventory::{Duty, Inventory};
use crate::live::Live;
use hostler_core::access::User;
use hostler_core::changes::{Change, Expect};
use hostler_core::device::{Device, Reach};
use hostler_core::enrollment::{Credential, Pin};
use hostler_core::event::Event;
use hostler_core::message::{Acks, Envelope, ExchangeUp, Method};
use hostler_core::reading::{Identity, Severity};
use hostler_core::viewer::Right;
use hostler_core::{DeviceId, Timestamp};
use hostler_engine::Doorbells;
use hostler_transport::Parent;
use std::sync::Arc;
use std::time::Duration;

/// A manager that devices join and call.
struct Joined {
    office: Office,
    tree: Arc<Tree>,
}

impl Joined {
    async fn new() -> Self {
        let office = Office::new(Rules::default()).with_users().await;
        let store = &office.store;
        let (live, bells, presence) = (Live::at(&**store), Doorbells::at(&**store), Arc::new(Presence::default()));
        let catalogue = super::tests::no_plugins().await;
        let name = "manager".parse().unwrap();
        let known = (Arc::clone(&catalogue), Arc::clone(&presence));
        let inventory =
            Inventory::open(Arc::clone(store), live.clone(), name, known.0, known.1, Duty::KeepHistory).unwrap();
        let requests = super::tests::requests(store, ("manager", None), (&inventory, &presence), &live);
        let services = (Arc::clone(&office.access), inventory, catalogue, requests);
        let door = Some(Arc::clone(&office.enrollment));
        let tree =
            Tree::new(Arc::clone(store), ("manager".parse().unwrap(), None), services, presence, bells, live, door);
        Self { office, tree }
    }

    /// A PIN of this user.
    async fn pin(&self, user: &str, right: Right) -> Pin {
        let new = NewRegistration { addresses: "192.168.0.7".to_owned(), ..NewRegistration::default() };
        let made = self.office.enrollment.register(&viewer(user, right), new).await.unwrap();
        made.secrets.first().unwrap().as_ref().unwrap().parse().unwrap()
    }

    /// The node A1 announces a thing that says this serial number.
    async fn announce(&self, seq: u64, device: &str, serial: &str) {
        let value = Device {
            id: device.parse().unwrap(),
            gateway: "mfp-a1".parse().unwrap(),
            plugin: "mfp".parse().unwrap(),
            identity: Identity { serial: Some(serial.to_owned()), ..Identity::default() },
            reach: Reach { address: [192, 0, 2, 1].into(), snmp: None, http: None },
            certificate: None,
            adopted_at: Timestamp(1),
            commands: Vec::new(),
        };
        let method = Method::DeviceAdopted(Box::new(value));
        let up = ExchangeUp { messages: vec![Envelope::of(seq, method)], ..ExchangeUp::default() };
        Arc::clone(&self.tree).exchange("mfp-a1".parse().unwrap(), up).await.unwrap();
    }

    fn has(&self, device: &str) -> bool {
        self.office.store.device(&device.parse().unwrap()).unwrap().is_some()
    }

    fn owner(&self, device: &str) -> Option<String> {
        let id: DeviceId = device.parse().unwrap();
        Some(self.office.store.placement(&id).unwrap()?.value.owner?.to_string())
    }

    fn set_aside(&self) -> usize {
        let events = self.office.store.events(None, None, 100).unwrap();
        events.iter().filter(|(_, event)| event.name == "message.refused").count()
    }
}

#[tokio::test]
async fn e08_a_device_of_a_user_who_operates_nothing_speaks_for_itself_only() {
    let manager = Joined::new().await;
    let thing = Thing::new("A1", manager.pin("ann@example.com", Right::Own).await);
    let _ = manager.office.knock(&thing).await.unwrap();
    manager.announce(1, "another", "B2").await;
    assert!(!manager.has("another") && manager.set_aside() == 1, "another device is set aside, and said");
    manager.announce(2, "hp-cn12345", "a-1").await;
    assert!(!manager.has("hp-cn12345") && manager.set_aside() == 2, "itself, under the ID of another");
    manager.announce(3, "sn-a-1", "a-1").await;
    assert!(manager.has("sn-a-1") && manager.set_aside() == 2);
    assert_eq!(manager.owner("sn-a-1").as_deref(), Some("ann@example.com"));
    manager.announce(4, "sn-a1", "A1").await;
    assert!(!manager.has("sn-a1") && manager.set_aside() == 3, "it is there once");
}

#[tokio::test]
async fn e08_a_device_tells_events_of_itself_only() {
    let manager = Joined::new().await;
    let thing = Thing::new("A1", manager.pin("ann@example.com", Right::Own).await);
    let _ = manager.office.knock(&thing).await.unwrap();
    manager.announce(1, "sn-a1", "A1").await;
    let say = async |seq, method: Method| {
        let messages = vec![Envelope::of(seq, method)];
        let up = ExchangeUp { messages, ..ExchangeUp::default() };
        Arc::clone(&manager.tree).exchange("mfp-a1".parse().unwrap(), up).await.unwrap();
    };
    let tell = async |seq, device: Option<&str>, text: &str| {
        let event = Event {
            at: Timestamp(1),
            node: None,
            device: device.map(|device| device.parse().unwrap()),
            name: "device.standing".to_owned(),
            severity: Severity::Critical,
            text: text.to_owned(),
        };
        say(seq, Method::EventHappened(event)).await;
    };
    tell(2, None, "A2 is barred; admin said so").await;
    tell(3, Some("A2"), "A2 is barred").await;
    tell(4, Some("sn-a1"), &format!("its cover\u{7} is open{}", "!".repeat(5_000))).await;
    say(5, Method::AdoptionEnded { address: [192, 0, 2, 1].into(), why: "nobody asked it to adopt".to_owned() }).await;
    let events = manager.office.store.events(None, None, 100).unwrap();
    assert!(!events.iter().any(|(_, event)| event.name == "adoption.ended"));
    let told: Vec<_> = events.iter().filter(|(_, event)| event.name == "device.standing").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.text.starts_with("its cover is open!") && told[0].1.text.len() == 1_000);
}

#[tokio::test]
async fn e08_a_node_of_a_user_who_operates_is_a_gateway() {
    let manager = Joined::new().await;
    let user = User { name: "olga@example.com".parse().unwrap(), password_hash: String::new(), right: Right::Operate };
    let change = Change::User { name: user.name.clone(), expect: Expect::Absent, value: Some(user) };
    manager.office.store.commit(change.into()).await.unwrap();
    let thing = Thing::new("A1", manager.pin("olga@example.com", Right::Operate).await);
    let _ = manager.office.knock(&thing).await.unwrap();
    manager.announce(1, "another", "B2").await;
    assert!(manager.has("another") && manager.set_aside() == 0);
    assert_eq!(manager.owner("another"), None, "what it speaks for isn't its owner's by that");
}

#[tokio::test]
async fn e08_a_device_that_moves_takes_its_own_thing_along() {
    let manager = Joined::new().await;
    let mut thing = Thing::new("A1", manager.pin("ann@example.com", Right::Own).await);
    let _ = manager.office.knock(&thing).await.unwrap();
    manager.announce(1, "sn-a1", "A1").await;
    let ann = viewer("ann@example.com", Right::Own);
    manager.office.enrollment.release(&ann, &"A1".parse().unwrap()).await.unwrap();
    assert_eq!(manager.owner("sn-a1").as_deref(), Some("ann@example.com"), "nobody took it over yet");
    thing.proof = Credential::Pin(manager.pin("bob@example.com", Right::Own).await);
    thing.attempt = 2;
    let _ = manager.office.knock(&thing).await.unwrap();
    assert_eq!(manager.owner("sn-a1").as_deref(), Some("bob@example.com"));
    manager.announce(2, "sn-a1", "A1").await;
    assert_eq!(manager.owner("sn-a1").as_deref(), Some("bob@example.com"), "and it stays so");
}

#[tokio::test]
async fn e08_a_call_that_is_held_ends_with_its_token() {
    let manager = Joined::new().await;
    let thing = Thing::new("A1", manager.pin("ann@example.com", Right::Own).await);
    let _ = manager.office.knock(&thing).await.unwrap();
    let node: hostler_core::NodeId = "mfp-a1".parse().unwrap();
    let down = Arc::clone(&manager.tree).exchange(node.clone(), ExchangeUp::default()).await.unwrap();
    let acks = Acks { epoch: down.epoch, ..Acks::default() };
    let up = ExchangeUp { acks, catalogue: down.catalogue, wait_ms: 25_000, ..ExchangeUp::default() };
    let mut held = tokio::spawn(Arc::clone(&manager.tree).exchange(node, up));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut held).await.is_err(), "it is held");
    let ann = viewer("ann@example.com", Right::Own);
    manager.office.enrollment.release(&ann, &"A1".parse().unwrap()).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(10), held).await.expect("it is held still");
}
