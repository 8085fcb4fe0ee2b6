//! What every engine must hold, written once. An engine's own tests call [`conformance!`](crate::conformance!) with a
//! way to make an empty store.

use crate::{Kept, Store, StoreError};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Device, Placement, Reach};
use hostler_core::event::Event;
use hostler_core::history::{Point, Series};
use hostler_core::message::{Acks, Class, Epoch, Method};
use hostler_core::reading::{Identity, Report, Severity, Snapshot};
use hostler_core::{DeviceId, NodeId, Timestamp};
use std::sync::{Arc, Mutex};

/// Generates a test for each thing that an engine must hold.
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance!($make;
            changes_apply_whole_or_not_at_all,
            a_conflict_leaves_the_rest_of_its_group_alone,
            an_outbox_keeps_order_and_forgets_what_was_acknowledged,
            a_full_outbox_refuses_what_matters_and_drops_the_oldest_rest,
            a_message_is_taken_once_in_each_epoch,
            a_device_that_goes_leaves_nothing_behind,
            what_was_let_go_is_remembered_until_it_is_wanted_back,
            events_are_found_newest_first_by_device_and_together,
            plugin_state_is_apart_for_each_device_and_plugin,
            empty_changes_do_not_write,
            observers_see_commits_before_the_caller_is_told,
        );
    };
    ($make:expr; $($name:ident),* $(,)?) => { $(
        #[tokio::test]
        async fn $name() {
            $crate::conformance::$name($make).await;
        }
    )* };
}

fn gateway() -> NodeId {
    parse("gateway-1")
}

fn parse<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    #[allow(clippy::unwrap_used, reason = "a test's own constants")]
    text.parse().unwrap()
}

fn device(id: &str) -> Device {
    Device {
        id: parse(id),
        gateway: gateway(),
        plugin: parse("mfp"),
        identity: Identity::default(),
        reach: Reach { address: [192, 0, 2, 1].into(), snmp: None, http: None },
        adopted_at: Timestamp(1),
    }
}

fn put(id: &str, expect: Expect) -> Change {
    Change::Device { id: parse(id), expect, value: Some(Box::new(device(id))) }
}

fn event(id: Option<&str>, text: &str) -> Change {
    Change::Happened(Event {
        at: Timestamp(1),
        device: id.map(parse),
        name: "test".to_owned(),
        severity: Severity::Info,
        text: text.to_owned(),
    })
}

fn texts(store: &dyn Store, id: Option<&str>, before: Option<u64>, limit: usize) -> Vec<String> {
    let id: Option<DeviceId> = id.map(parse);
    let events = store.events(id.as_ref(), before, limit);
    events.map(|events| events.into_iter().map(|(_, event)| event.text).collect()).unwrap_or_default()
}

fn send(method: Method) -> Change {
    Change::Send { to: gateway(), method }
}

#[allow(missing_docs, reason = "their names say what each shows")]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "these are tests")]
mod cases {
    use super::*;

    pub async fn changes_apply_whole_or_not_at_all(store: Arc<dyn Store>) {
        store.commit(put("a", Expect::Absent).into()).await.unwrap();
        let clash = Changes::from(put("b", Expect::Absent)).and(event(None, "lost")).and(put("a", Expect::Absent));
        let refusal = store.commit(clash).await.unwrap_err();
        assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
        assert!(store.device(&parse("b")).unwrap().is_none());
        assert!(texts(&*store, None, None, 10).is_empty());
        let version = store.device(&parse("a")).unwrap().unwrap().version;
        store.commit(put("a", Expect::Version(version)).into()).await.unwrap();
        assert!(store.commit(put("a", Expect::Version(version)).into()).await.is_err(), "the version has gone on");
    }

    pub async fn a_conflict_leaves_the_rest_of_its_group_alone(store: Arc<dyn Store>) {
        let tries = (0..64).map(|n| store.commit(put(&format!("d{}", n % 32), Expect::Absent).into()));
        let outcomes = futures::future::join_all(tries).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 32);
        assert_eq!(store.devices().unwrap().len(), 32);
    }

    pub async fn an_outbox_keeps_order_and_forgets_what_was_acknowledged(store: Arc<dyn Store>) {
        let rest = |n: u8| send(Method::CandidateGone([192, 0, 2, n].into()));
        let changes = Changes::from(rest(1)).and(rest(2)).and(send(Method::DiscoverNow)).and(rest(3));
        store.commit(changes).await.unwrap();
        let waiting = store.outbox(&gateway(), 10).unwrap();
        let order: Vec<_> = waiting.iter().map(|envelope| (envelope.class, envelope.seq)).collect();
        assert_eq!(order, [(Class::Result, 1), (Class::Rest, 1), (Class::Rest, 2), (Class::Rest, 3)]);
        let acks = Acks { epoch: store.epoch(), seqs: [(Class::Rest, 2)].into() };
        let foreign = Acks { epoch: Epoch(store.epoch().0 + 1), seqs: [(Class::Rest, 99)].into() };
        store.commit(Change::Acked { by: gateway(), acks: foreign }.into()).await.unwrap();
        assert_eq!(store.waiting(&gateway()).unwrap(), 4, "another life's numbers say nothing");
        store.commit(Change::Acked { by: gateway(), acks }.into()).await.unwrap();
        assert_eq!(store.waiting(&gateway()).unwrap(), 2);
        store.commit(rest(4).into()).await.unwrap();
        assert_eq!(store.outbox(&gateway(), 10).unwrap().last().unwrap().seq, 4, "numbers go on");
        assert_eq!(store.outbox(&gateway(), 1).unwrap().len(), 1);
    }

    pub async fn a_full_outbox_refuses_what_matters_and_drops_the_oldest_rest(store: Arc<dyn Store>) {
        let many = |count: u64, method: Method| (0..count).map(move |_| send(method.clone())).collect::<Changes>();
        store.commit(many(Class::Result.capacity(), Method::DiscoverNow)).await.unwrap();
        let refusal = store.commit(send(Method::DiscoverNow).into()).await.unwrap_err();
        assert!(matches!(refusal, StoreError::OutboxFull { class: Class::Result, .. }), "{refusal}");
        let gone = Method::CandidateGone([192, 0, 2, 1].into());
        store.commit(many(Class::Rest.capacity() + 5, gone)).await.unwrap();
        assert_eq!(store.waiting(&gateway()).unwrap(), Class::Result.capacity() + Class::Rest.capacity());
    }

    pub async fn a_message_is_taken_once_in_each_epoch(store: Arc<dyn Store>) {
        let taken = |epoch, class, seq| Change::Received { from: gateway(), epoch: Epoch(epoch), class, seq };
        store.commit(taken(1, Class::Rest, 5).into()).await.unwrap();
        store.commit(taken(1, Class::Fault, 9).into()).await.unwrap();
        assert!(store.commit(taken(1, Class::Rest, 5).into()).await.is_err());
        assert!(store.commit(taken(1, Class::Rest, 4).into()).await.is_err());
        store.commit(taken(1, Class::Rest, 7).into()).await.unwrap();
        store.commit(taken(2, Class::Rest, 1).into()).await.unwrap();
        let acks = store.received(&gateway()).unwrap();
        assert_eq!(acks, Acks { epoch: Epoch(2), seqs: [(Class::Rest, 1)].into() });
    }

    pub async fn a_device_that_goes_leaves_nothing_behind(store: Arc<dyn Store>) {
        let state = |id: &str| Change::PluginState {
            device: parse(id),
            plugin: parse("mfp"),
            key: "k".to_owned(),
            value: Some(vec![1]),
        };
        let place = |id: &str| Change::Placement {
            id: parse(id),
            expect: Expect::Absent,
            value: Placement { site: Some(parse("kobe")), ..Placement::default() },
        };
        for id in ["a", "a-b"] {
            let changes = Changes::from(put(id, Expect::Absent)).and(state(id)).and(place(id));
            store.commit(changes).await.unwrap();
            let mut series = Series::default();
            series.push(Point { at: Timestamp(1), value: 1.0 }, Timestamp(1));
            let snapshot = Snapshot::read(Timestamp(1), Report::default());
            let series = [("pages".to_owned(), series)].into();
            store.keep(vec![Kept { device: parse(id), snapshot, series }]).await.unwrap();
        }
        store.commit(Change::Device { id: parse("a"), expect: Expect::Version(0), value: None }.into()).await.unwrap();
        let gone: DeviceId = parse("a");
        assert!(store.plugin_state(&gone, &parse("mfp")).unwrap().is_empty());
        assert!(store.placement(&gone).unwrap().is_none());
        assert!(store.histories(&gone).unwrap().is_empty());
        assert_eq!(store.snapshots().unwrap().len(), 1);
        let neighbour: DeviceId = parse("a-b");
        assert_eq!(store.plugin_state(&neighbour, &parse("mfp")).unwrap().len(), 1);
        assert_eq!(store.histories(&neighbour).unwrap().len(), 1);
        let late = Kept { device: gone, snapshot: Snapshot::default(), series: [].into() };
        store.keep(vec![late]).await.unwrap();
        assert_eq!(store.snapshots().unwrap().len(), 1, "a late reading doesn't bring it back");
    }

    pub async fn what_was_let_go_is_remembered_until_it_is_wanted_back(store: Arc<dyn Store>) {
        let released = |expect, value| Change::Released { id: parse("a"), expect, value };
        let gone = Change::Device { id: parse("a"), expect: Expect::Anything, value: None };
        store.commit(put("a", Expect::Absent).into()).await.unwrap();
        let changes = Changes::from(gone).and(released(Expect::Anything, Some(Timestamp(1))));
        store.commit(changes).await.unwrap();
        assert!(store.is_released(&parse("a")).unwrap());
        assert!(!store.is_released(&parse("a-b")).unwrap());
        let back = Changes::from(put("a", Expect::Absent)).and(released(Expect::Absent, None));
        assert!(store.commit(back).await.is_err(), "it isn't there for a rule");
        store.commit(released(Expect::Anything, None).into()).await.unwrap();
        assert!(!store.is_released(&parse("a")).unwrap());
    }

    pub async fn events_are_found_newest_first_by_device_and_together(store: Arc<dyn Store>) {
        for (id, text) in [(Some("a"), "1"), (None, "2"), (Some("b"), "3"), (Some("a"), "4")] {
            store.commit(event(id, text).into()).await.unwrap();
        }
        assert_eq!(texts(&*store, None, None, 3), ["4", "3", "2"]);
        assert_eq!(texts(&*store, Some("a"), None, 9), ["4", "1"]);
        let third = store.events(None, None, 2).unwrap()[1].0;
        assert_eq!(texts(&*store, None, Some(third), 9), ["2", "1"]);
        assert_eq!(texts(&*store, Some("a"), Some(third), 9), ["1"]);
    }

    pub async fn plugin_state_is_apart_for_each_device_and_plugin(store: Arc<dyn Store>) {
        let write = |id: &str, plugin: &str, value: Option<u8>| Change::PluginState {
            device: parse(id),
            plugin: parse(plugin),
            key: "k".to_owned(),
            value: value.map(|byte| vec![byte]),
        };
        let changes = [write("a", "mfp", Some(1)), write("a", "mfp-x", Some(2)), write("ab", "mfp", Some(3))];
        store.commit(changes.into_iter().collect()).await.unwrap();
        let read = |id: &str, plugin: &str| store.plugin_state(&parse(id), &parse(plugin)).unwrap();
        assert_eq!(read("a", "mfp"), [("k".to_owned(), vec![1])].into());
        store.commit(write("a", "mfp", None).into()).await.unwrap();
        assert!(read("a", "mfp").is_empty());
        assert_eq!(read("a", "mfp-x")["k"], [2]);
        assert_eq!(read("ab", "mfp")["k"], [3]);
    }

    pub async fn empty_changes_do_not_write(store: Arc<dyn Store>) {
        let commits = Arc::new(Mutex::new(0));
        let count = Arc::clone(&commits);
        store.observe(Arc::new(move |_| *count.lock().unwrap() += 1));
        store.commit(Changes::none()).await.unwrap();
        assert_eq!(*commits.lock().unwrap(), 0);
    }

    pub async fn observers_see_commits_before_the_caller_is_told(store: Arc<dyn Store>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&seen);
        store.observe(Arc::new(move |changes| note.lock().unwrap().push(changes.clone())));
        let changes = Changes::from(event(None, "seen"));
        store.commit(changes.clone()).await.unwrap();
        let clash = Changes::from(put("x", Expect::Version(1)));
        assert!(store.commit(clash).await.is_err());
        assert_eq!(*seen.lock().unwrap(), [changes], "what was refused isn't seen");
    }
}

pub use cases::*;
