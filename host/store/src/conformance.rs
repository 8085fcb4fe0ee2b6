//! What every engine must hold, written once. An engine's own tests call [`conformance!`](crate::conformance!) with a
//! way to make an empty store.

use crate::{Following, Found, Kept, Search, Store, StoreError};
use hostler_core::access::{Child, TokenDigest};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Candidate, Device, Placement, Reach};
use hostler_core::enrollment::{Enrolled, Invitation, InvitationState, Means, Membership, PinDigest, Places};
use hostler_core::event::Event;
use hostler_core::forward::Cursor;
use hostler_core::history::{Point, Series};
use hostler_core::message::{Acks, Class, Ends, Epoch, Message, Method, Portion, weight};
use hostler_core::reading::{Identity, Report, Severity, Snapshot};
use hostler_core::routing::Route;
use hostler_core::schedule::{Calendar, Context, Missed, Plan, Schedule, Work};
use hostler_core::trust::Ledger;
use hostler_core::upkeep::Standing;
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
            a_portion_is_bounded_by_bytes_and_never_empty,
            e09_what_waits_is_numbered_anew_once,
            a_message_is_taken_once_in_each_epoch,
            a_node_goes_with_all_that_it_brought_or_not_at_all,
            d01_a_node_below_goes_with_its_own_and_has_no_childs_name,
            d01_a_node_that_is_reached_another_way_keeps_its_devices,
            d03_what_waits_says_from_whom_and_for_whom,
            a_node_that_comes_again_counts_anew,
            e08_a_node_is_found_by_its_token_and_by_no_former_one,
            e07_a_place_and_who_takes_it_are_written_together_or_not_at_all,
            e08_a_node_keeps_one_membership_in_its_newest_version,
            d02_of_two_orders_with_one_ledger_one_is_taken,
            d07_a_schedule_is_stored_with_what_follows_or_not_at_all,
            who_expects_a_row_to_stay_is_told_when_it_did_not,
            d03_a_candidate_is_not_told_behind_its_end,
            a_device_that_goes_leaves_nothing_behind,
            what_was_let_go_is_remembered_until_it_is_wanted_back,
            events_are_found_newest_first_by_device_and_together,
            d07_looking_for_events_is_bounded_and_goes_on,
            d07_events_are_followed_in_their_order,
            d07_a_cursor_is_kept_with_what_is_told_of_it_and_goes_with_its_rule,
            d07_what_was_set_from_above_stays_until_it_is_taken_back,
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
        certificate: None,
        adopted_at: Timestamp(1),
        commands: Vec::new(),
    }
}

fn put(id: &str, expect: Expect) -> Change {
    Change::Device { id: parse(id), expect, value: Some(Box::new(device(id))) }
}

fn event(id: Option<&str>, text: &str) -> Change {
    Change::Happened(Event {
        at: Timestamp(1),
        node: None,
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

fn child(expect: Expect) -> Change {
    let (token, created_at, called) = (TokenDigest::of("secret"), Timestamp(1), false);
    let value = Child { id: gateway(), token, created_at, called, vouched: None };
    Change::Child { id: gateway(), expect, value: Some(value) }
}

/// So many messages, however large.
fn first(messages: usize) -> Portion {
    Portion { messages, bytes: usize::MAX }
}

fn send(method: Method) -> Change {
    Change::send(&gateway(), method)
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
        let waiting = store.outbox(&gateway(), first(10)).unwrap();
        assert!(!waiting.more);
        let order: Vec<_> = waiting.messages.iter().map(|envelope| (envelope.class, envelope.seq)).collect();
        assert_eq!(order, [(Class::Result, 1), (Class::Rest, 1), (Class::Rest, 2), (Class::Rest, 3)]);
        let acks = Acks { epoch: waiting.epoch, seqs: [(Class::Rest, 2)].into() };
        let foreign = Acks { epoch: Epoch(waiting.epoch.0 + 1), seqs: [(Class::Rest, 99)].into() };
        store.commit(Change::Acked { by: gateway(), acks: foreign }.into()).await.unwrap();
        assert_eq!(store.waiting(&gateway()).unwrap(), 4, "another life's numbers say nothing");
        store.commit(Change::Acked { by: gateway(), acks }.into()).await.unwrap();
        assert_eq!(store.waiting(&gateway()).unwrap(), 2);
        store.commit(rest(4).into()).await.unwrap();
        assert_eq!(store.outbox(&gateway(), first(10)).unwrap().messages.last().unwrap().seq, 4, "numbers go on");
        let some = store.outbox(&gateway(), first(1)).unwrap();
        assert_eq!((some.messages.len(), some.more), (1, true));
        let none = store.outbox(&gateway(), Portion::NOTHING).unwrap();
        assert_eq!((none.messages.len(), none.more), (0, true));
    }

    pub async fn a_portion_is_bounded_by_bytes_and_never_empty(store: Arc<dyn Store>) {
        let large = |name: &str| send(Method::Release(parse(&name.repeat(200))));
        store.commit(["a", "b", "c"].map(large).into_iter().collect()).await.unwrap();
        let taken = |bytes| store.outbox(&gateway(), Portion { messages: 10, bytes }).unwrap();
        assert_eq!((taken(1).messages.len(), taken(1).more), (1, true));
        assert_eq!(taken(700).messages.len(), 2);
        let all = taken(10_000);
        assert_eq!((all.messages.len(), all.more), (3, false));
        assert!(all.bytes >= weight(&all.messages), "{} bytes are {}", weight(&all.messages), all.bytes);
    }

    pub async fn e09_what_waits_is_numbered_anew_once(store: Arc<dyn Store>) {
        let rest = |n: u8| send(Method::CandidateGone([192, 0, 2, n].into()));
        store.commit(Changes::from(rest(1)).and(rest(2)).and(send(Method::DiscoverNow))).await.unwrap();
        let before = store.outbox(&gateway(), first(10)).unwrap();
        let acks = Acks { epoch: before.epoch, seqs: [(Class::Rest, 1)].into() };
        let renumber = Change::Renumber { to: gateway(), epoch: before.epoch };
        store.commit(Changes::from(Change::Acked { by: gateway(), acks }).and(renumber.clone())).await.unwrap();
        let after = store.outbox(&gateway(), first(10)).unwrap();
        assert_ne!(before.epoch, after.epoch);
        let order: Vec<_> = after.messages.iter().map(|envelope| (envelope.class, envelope.seq)).collect();
        assert_eq!(order, [(Class::Result, 1), (Class::Rest, 1)]);
        assert_eq!(after.messages[1].message.method, Method::CandidateGone([192, 0, 2, 2].into()));
        assert!(store.commit(renumber.into()).await.is_err(), "whoever saw the former epoch looks again");
        let late = Acks { epoch: before.epoch, seqs: [(Class::Rest, 9)].into() };
        store.commit(Change::Acked { by: gateway(), acks: late }.into()).await.unwrap();
        store.commit(rest(3).into()).await.unwrap();
        let numbers = store.numbers(&gateway()).unwrap();
        assert_eq!((numbers.epoch, numbers.waiting), (after.epoch, 3));
        assert_eq!(store.outbox(&gateway(), first(10)).unwrap().messages[2].seq, 2);
        let neighbour = store.numbers(&parse("gateway-2")).unwrap();
        assert_eq!(neighbour.epoch, before.epoch, "others count on");
    }

    pub async fn a_node_goes_with_all_that_it_brought_or_not_at_all(store: Arc<dyn Store>) {
        let seen = |gateway: &str| Change::Candidate {
            gateway: parse(gateway),
            address: [192, 0, 2, 7].into(),
            value: Some(Box::new(Candidate { reach: device("x").reach, claims: Vec::new(), seen_at: Timestamp(1) })),
        };
        let received = Change::Received { from: gateway(), epoch: Epoch(1), class: Class::Rest, seq: 5 };
        let came = [child(Expect::Absent), put("a", Expect::Absent), seen("gateway-1"), seen("gateway-10"), received];
        store.commit(came.into_iter().chain([send(Method::DiscoverNow)]).collect()).await.unwrap();
        let gone = Change::Child { id: gateway(), expect: Expect::Version(0), value: None };
        let refusal = store.commit(gone.clone().into()).await.unwrap_err();
        assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
        let device = Change::Device { id: parse("a"), expect: Expect::Version(0), value: None };
        store.commit(Changes::from(device).and(gone)).await.unwrap();
        assert!(store.children().unwrap().is_empty());
        assert!(store.devices().unwrap().is_empty());
        assert_eq!(store.waiting(&gateway()).unwrap(), 0);
        assert_eq!(store.received(&gateway()).unwrap(), Acks::default());
        let candidates = store.candidates().unwrap();
        assert_eq!(candidates.iter().map(|(of, _)| of.as_str()).collect::<Vec<_>>(), ["gateway-10"]);
    }

    pub async fn d01_a_node_below_goes_with_its_own_and_has_no_childs_name(store: Arc<dyn Store>) {
        let below: NodeId = parse("gateway-2");
        let way = Route::told(&parse("root"), &gateway(), std::slice::from_ref(&below)).unwrap();
        let route = |expect, value: Option<&Route>| Change::Route {
            node: below.clone(),
            expect,
            value: value.cloned().map(Box::new),
        };
        let seen = Change::Candidate {
            gateway: below.clone(),
            address: [192, 0, 2, 7].into(),
            value: Some(Box::new(Candidate { reach: device("x").reach, claims: Vec::new(), seen_at: Timestamp(1) })),
        };
        let theirs = Device { gateway: below.clone(), ..device("a") };
        let theirs = Change::Device { id: parse("a"), expect: Expect::Absent, value: Some(Box::new(theirs)) };
        let came = [child(Expect::Absent), route(Expect::Absent, Some(&way)), seen, theirs];
        store.commit(came.into_iter().collect()).await.unwrap();
        let known = store.route(&below).unwrap().unwrap();
        assert_eq!(known.value, way);
        assert_eq!(store.routes().unwrap(), std::slice::from_ref(&known));
        let conflicts = async |changes: Changes| {
            let refusal = store.commit(changes).await.unwrap_err();
            assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
        };
        let token = TokenDigest::of("another");
        let named = Child { id: below.clone(), token, created_at: Timestamp(1), called: false, vouched: None };
        let named = Change::Child { id: below.clone(), expect: Expect::Absent, value: Some(named) };
        conflicts(named.into()).await;
        let its_own = Route::told(&parse("root"), &below, &[gateway()]).unwrap();
        let its_own = Some(Box::new(its_own));
        conflicts(Change::Route { node: gateway(), expect: Expect::Absent, value: its_own }.into()).await;
        conflicts(route(Expect::Version(known.version), None).into()).await;
        let device = Change::Device { id: parse("a"), expect: Expect::Version(0), value: None };
        let node = Change::Child { id: gateway(), expect: Expect::Version(0), value: None };
        conflicts(Changes::from(device.clone()).and(node.clone())).await;
        let stays = Change::RouteStays { node: below.clone(), version: known.version };
        store.commit(Changes::from(stays.clone()).and(event(None, "it is reached"))).await.unwrap();
        let gone = route(Expect::Version(known.version), None);
        store.commit(Changes::from(device).and(gone).and(node)).await.unwrap();
        assert!(store.routes().unwrap().is_empty() && store.candidates().unwrap().is_empty());
        conflicts(Changes::from(stays).and(event(None, "it is reached"))).await;
    }

    pub async fn d01_a_node_that_is_reached_another_way_keeps_its_devices(store: Arc<dyn Store>) {
        let (near, other): (NodeId, NodeId) = (parse("gateway-1"), parse("gateway-9"));
        let further = Route::told(&parse("root"), &other, std::slice::from_ref(&near)).unwrap();
        let known = |id: &NodeId| {
            let (token, created_at) = (TokenDigest::of(id.as_str()), Timestamp(1));
            Child { id: id.clone(), token, created_at, called: true, vouched: None }
        };
        let child = |id: &NodeId, expect, value| Change::Child { id: id.clone(), expect, value };
        let route = |expect, value: Option<&Route>| Change::Route {
            node: near.clone(),
            expect,
            value: value.map(|route| Box::new(route.clone())),
        };
        let theirs = Device { gateway: near.clone(), ..device("a") };
        let theirs = Change::Device { id: parse("a"), expect: Expect::Absent, value: Some(Box::new(theirs)) };
        let both = [&near, &other].map(|id| child(id, Expect::Absent, Some(known(id))));
        store.commit(both.into_iter().chain([theirs]).collect()).await.unwrap();
        let there = || (store.child(&near).unwrap().is_some(), store.route(&near).unwrap().is_some());
        let refused = store.commit(child(&near, Expect::Version(0), None).into()).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "its device would be nobody's");
        let moves = Changes::from(child(&near, Expect::Version(0), None)).and(route(Expect::Absent, Some(&further)));
        store.commit(moves).await.unwrap();
        assert_eq!(there(), (false, true));
        let refused = store.commit(child(&other, Expect::Version(0), None).into()).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "it leads to a node");
        let back = Changes::from(route(Expect::Version(0), None)).and(child(&near, Expect::Absent, Some(known(&near))));
        store.commit(back).await.unwrap();
        assert_eq!(there(), (true, false));
        assert!(store.child_by_token(&TokenDigest::of("gateway-1")).unwrap().is_some());
        assert_eq!(store.device(&parse("a")).unwrap().unwrap().value.gateway, near);
    }

    pub async fn d03_what_waits_says_from_whom_and_for_whom(store: Arc<dyn Store>) {
        let below: NodeId = parse("gateway-2");
        let ends = [Ends::neighbours(), Ends::to(&below, &gateway()), Ends::from(below)];
        let sent = ends.iter().map(|ends| Change::send_between(&gateway(), ends.clone(), Method::DiscoverNow));
        store.commit(sent.collect()).await.unwrap();
        let messages = store.outbox(&gateway(), first(10)).unwrap().messages;
        let told: Vec<Message> = messages.into_iter().map(|envelope| envelope.message).collect();
        assert_eq!(told, ends.map(|ends| Message { ends, method: Method::DiscoverNow }));
    }

    pub async fn a_node_that_comes_again_counts_anew(store: Arc<dyn Store>) {
        store.commit(Changes::from(child(Expect::Absent)).and(send(Method::DiscoverNow))).await.unwrap();
        let before = store.outbox(&gateway(), first(10)).unwrap();
        store.commit(Change::Child { id: gateway(), expect: Expect::Version(0), value: None }.into()).await.unwrap();
        store.commit(Changes::from(child(Expect::Absent)).and(send(Method::DiscoverNow))).await.unwrap();
        let after = store.outbox(&gateway(), first(10)).unwrap();
        assert_eq!(after.messages[0].seq, before.messages[0].seq);
        assert_ne!(after.epoch, before.epoch, "what it acknowledged of the former says nothing");
        store.commit(child(Expect::Version(0)).into()).await.unwrap();
        assert_eq!(store.outbox(&gateway(), first(10)).unwrap(), after, "another token changes nothing");
    }

    pub async fn e08_a_node_is_found_by_its_token_and_by_no_former_one(store: Arc<dyn Store>) {
        let (first, second) = (TokenDigest::of("secret"), TokenDigest::of("anew"));
        let found = |token| store.child_by_token(token).unwrap().map(|child| child.value.id);
        store.commit(child(Expect::Absent).into()).await.unwrap();
        assert_eq!(found(&first), Some(gateway()));
        let stored = store.child(&gateway()).unwrap().unwrap();
        let value = Child { token: second.clone(), ..stored.value };
        let anew = Change::Child { id: gateway(), expect: Expect::Version(stored.version), value: Some(value) };
        store.commit(anew.into()).await.unwrap();
        assert_eq!((found(&first), found(&second)), (None, Some(gateway())));
        let gone = Change::Child { id: gateway(), expect: Expect::Anything, value: None };
        store.commit(gone.into()).await.unwrap();
        assert_eq!(found(&second), None);
    }

    pub async fn e07_a_place_and_who_takes_it_are_written_together_or_not_at_all(store: Arc<dyn Store>) {
        let digest: PinDigest = PinDigest::try_from("a".repeat(64)).unwrap();
        let invitation = |left| Invitation {
            digest: digest.clone(),
            by: parse("ann"),
            registration: parse("r-1"),
            index: 0,
            means: Means::Pin,
            places: Places::Exactly { left },
            taken: 1 - left,
            made_at: Timestamp(1),
            expires_at: Timestamp(9),
            state: InvitationState::Alive,
        };
        let enrolled = |device: &str| Enrolled {
            device: parse(device),
            node: parse("mfp-1"),
            owner: parse("ann"),
            key: parse(&"b".repeat(64)),
            invitation: digest.clone(),
            attempt: 1,
            issued: hostler_core::enrollment::Issued {
                token: TokenDigest::of("t"),
                serial: parse("0a"),
                public_key: None,
            },
            former: None,
            at: Timestamp(2),
            state: hostler_core::enrollment::Standing::Connected,
            through: None,
        };
        let put = |expect, left| Change::Invitation {
            digest: digest.clone(),
            expect,
            value: Some(Box::new(invitation(left))),
        };
        store.commit(put(Expect::Absent, 1).into()).await.unwrap();
        let unknown = PinDigest::try_from("c".repeat(64)).unwrap();
        let found = store.invitations(&[unknown, digest.clone()]).unwrap();
        assert!(found[0].is_none(), "in the order in which they were asked for");
        let version = found[1].as_ref().unwrap().version;
        // Two devices with one PIN at the same instant decide on the same version.
        let takes = ["A1", "B2"].map(|device| {
            let row = Some(Box::new(enrolled(device)));
            let enrolled = Change::Enrolled { device: parse(device), expect: Expect::Absent, value: row };
            store.commit(Changes::from(put(Expect::Version(version), 0)).and(enrolled))
        });
        let outcomes = futures::future::join_all(takes).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(store.all_enrolled().unwrap().len(), 1);
        assert_eq!(store.invitations(std::slice::from_ref(&digest)).unwrap()[0].as_ref().unwrap().value, invitation(0));
    }

    pub async fn d02_of_two_orders_with_one_ledger_one_is_taken(store: Arc<dyn Store>) {
        assert!(store.ledger().unwrap().is_none());
        let put = |expect, floor| {
            let value = Box::new(Ledger { floor, ..Ledger::new(parse(&"ab".repeat(32))) });
            store.commit(Change::Ledger { expect, value }.into())
        };
        put(Expect::Absent, 1).await.unwrap();
        assert!(put(Expect::Absent, 2).await.is_err(), "both were judged by the same");
        put(Expect::Version(0), 3).await.unwrap();
        let kept = store.ledger().unwrap().unwrap();
        assert_eq!((kept.version, kept.value.floor), (1, 3));
    }

    pub async fn e08_a_node_keeps_one_membership_in_its_newest_version(store: Arc<dyn Store>) {
        assert!(store.membership().unwrap().is_none());
        let put = |expect, attempt| {
            let value = Box::new(Membership { user: Some(parse(attempt)), ..Membership::default() });
            store.commit(Change::Membership { expect, value }.into())
        };
        put(Expect::Absent, "ann").await.unwrap();
        assert!(put(Expect::Absent, "bob").await.is_err(), "two can't decide on the same version");
        put(Expect::Version(0), "bob").await.unwrap();
        let kept = store.membership().unwrap().unwrap();
        assert_eq!((kept.version, kept.value.user), (1, Some(parse("bob"))));
    }

    pub async fn d07_a_schedule_is_stored_with_what_follows_or_not_at_all(store: Arc<dyn Store>) {
        use hostler_core::schedule::Event as Now;
        let calendar = Calendar::parse("30 2 * * *", "Europe/Berlin").unwrap();
        let work = Work::DiscoverNetworks { gateway: None };
        let (name, by) = ("Nightly".to_owned(), parse("ada"));
        let made =
            Schedule::new(parse("nightly"), Plan { name, calendar, work, missed: Missed::Skip, by }, Timestamp(1));
        let put = |expect, value: &Schedule| Change::Schedule {
            id: value.id.clone(),
            expect,
            value: Some(Box::new(value.clone())),
        };
        store.commit(put(Expect::Absent, &made).into()).await.unwrap();
        assert!(store.commit(put(Expect::Absent, &made).into()).await.is_err(), "the name is taken");
        let version = store.schedule(&made.id).unwrap().unwrap().version;
        let begun = made.clone().step(Now::Wanted, &Context { parent: None, now: Timestamp(2) });
        let begins = || begun.changes.clone().and(put(Expect::Version(version), &begun.next));
        store.commit(begins()).await.unwrap();
        let refusal = store.commit(begins()).await.unwrap_err();
        assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
        assert_eq!(texts(&*store, None, None, 9).len(), 1, "it begins once, and so it is told");
        assert_eq!(store.schedules().unwrap()[0].value, begun.next);
        let gone = Change::Schedule { id: made.id.clone(), expect: Expect::Anything, value: None };
        store.commit(gone.into()).await.unwrap();
        assert_eq!(store.schedule(&made.id).unwrap(), None);
    }

    pub async fn who_expects_a_row_to_stay_is_told_when_it_did_not(store: Arc<dyn Store>) {
        store.commit(Changes::from(child(Expect::Absent)).and(put("a", Expect::Absent))).await.unwrap();
        let device = Change::DeviceStays { id: parse("a"), version: 0 };
        let node = Change::ChildStays { id: gateway(), version: 0 };
        store.commit(Changes::from(device.clone()).and(node.clone())).await.unwrap();
        store.commit(Changes::from(device.clone()).and(node.clone())).await.unwrap();
        store.commit(Changes::from(child(Expect::Version(0))).and(put("a", Expect::Version(0)))).await.unwrap();
        assert!(store.commit(device.into()).await.is_err());
        assert!(store.commit(node.into()).await.is_err());
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

    pub async fn d03_a_candidate_is_not_told_behind_its_end(store: Arc<dyn Store>) {
        let reach = device("a").reach;
        let (address, claims) = (reach.address, Vec::new());
        let candidate = Box::new(Candidate { reach, claims, seen_at: Timestamp(1) });
        let put = |value| Change::Candidate { gateway: gateway(), address, value };
        let tell = |candidate: &Candidate| {
            let value = Box::new(candidate.clone());
            let stays = Change::CandidateStays { gateway: gateway(), value: value.clone() };
            store.commit(Changes::from(stays).and(send(Method::CandidateSeen(value))))
        };
        assert!(tell(&candidate).await.is_err(), "there is none");
        store.commit(put(Some(candidate.clone())).into()).await.unwrap();
        tell(&candidate).await.unwrap();
        let changed = Candidate { seen_at: Timestamp(2), ..(*candidate).clone() };
        assert!(matches!(tell(&changed).await, Err(StoreError::Conflict { .. })), "it is another one");
        store.commit(Changes::from(put(None)).and(send(Method::CandidateGone(address)))).await.unwrap();
        assert!(matches!(tell(&candidate).await, Err(StoreError::Conflict { .. })), "it is gone");
        let told = store.outbox(&gateway(), first(10)).unwrap().messages;
        assert!(matches!(told.last().unwrap().message.method, Method::CandidateGone(_)), "{told:?}");
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

    pub async fn d07_looking_for_events_is_bounded_and_goes_on(store: Arc<dyn Store>) {
        for number in 1..=10 {
            let id = if number % 3 == 0 { Some("a") } else { None };
            store.commit(event(id, &number.to_string()).into()).await.unwrap();
        }
        let even = |event: &Event| event.text.parse::<u64>().is_ok_and(|number| number % 2 == 0);
        let search = Search { device: None, before: None, look: 5, most: 2, fits: &even };
        let texts = |found: &Found| found.events.iter().map(|(_, event)| event.text.clone()).collect::<Vec<_>>();
        let first = store.find_events(&search).unwrap();
        assert_eq!(
            (texts(&first), first.next),
            (vec!["10".to_owned(), "8".to_owned()], Some(8)),
            "as many as were asked for"
        );
        let next = store.find_events(&Search { before: first.next, look: 3, most: 9, ..search }).unwrap();
        assert_eq!((texts(&next), next.next), (vec!["6".to_owned()], Some(5)), "no more than were to be looked at");
        let last = store.find_events(&Search { before: next.next, look: 99, most: 9, ..search }).unwrap();
        assert_eq!((texts(&last), last.next), (vec!["4".to_owned(), "2".to_owned()], None));
        let device: DeviceId = parse("a");
        let own = store.find_events(&Search { device: Some(&device), look: 99, most: 9, ..search }).unwrap();
        assert_eq!((texts(&own), own.next), (vec!["6".to_owned()], None));
        let all = store.find_events(&Search { look: 10, most: 10, fits: &|_| true, ..search }).unwrap();
        assert_eq!((all.events.len(), all.next), (10, None), "nothing is left");
    }

    pub async fn d07_events_are_followed_in_their_order(store: Arc<dyn Store>) {
        assert_eq!(store.events_after(0, 9).unwrap(), Following::default());
        for number in 1..=4 {
            store.commit(event(None, &number.to_string()).into()).await.unwrap();
        }
        let following = store.events_after(1, 2).unwrap();
        assert_eq!(following.events.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(following.kept, Some((1, 4)));
        let none = store.events_after(4, 9).unwrap();
        assert_eq!((none.events.len(), none.kept), (0, Some((1, 4))));
    }

    pub async fn d07_a_cursor_is_kept_with_what_is_told_of_it_and_goes_with_its_rule(store: Arc<dyn Store>) {
        let put = |rule: &str, value| Change::Forward { rule: parse(rule), value };
        let cursor = |through| Some(Box::new(Cursor { through, ..Cursor::default() }));
        store.commit(Changes::from(put("a", cursor(1))).and(put("a-b", cursor(7)))).await.unwrap();
        store.commit(Changes::from(put("a", cursor(2))).and(event(None, "told"))).await.unwrap();
        let refused = Changes::from(put("a", cursor(3))).and(child(Expect::Version(9)));
        assert!(store.commit(refused).await.is_err());
        let kept: Vec<(String, u64)> =
            store.forwards().unwrap().into_iter().map(|(rule, cursor)| (rule.to_string(), cursor.through)).collect();
        assert_eq!(kept, [("a".to_owned(), 2), ("a-b".to_owned(), 7)]);
        store.commit(put("a", None).into()).await.unwrap();
        assert_eq!(store.forwards().unwrap().keys().map(ToString::to_string).collect::<Vec<_>>(), ["a-b"]);
    }

    pub async fn d07_what_was_set_from_above_stays_until_it_is_taken_back(store: Arc<dyn Store>) {
        let device = Standing::ReadDeviceEvery(parse("a"));
        let put = |what: &Standing, value| Change::Standing { what: what.clone(), value };
        store.commit(Changes::from(put(&Standing::ReadEvery, Some(1))).and(put(&device, Some(2)))).await.unwrap();
        store.commit(put(&Standing::ReadEvery, Some(3)).into()).await.unwrap();
        assert_eq!(store.standing().unwrap(), [(Standing::ReadEvery, 3), (device.clone(), 2)].into());
        store.commit(put(&device, None).into()).await.unwrap();
        assert_eq!(store.standing().unwrap(), [(Standing::ReadEvery, 3)].into());
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
