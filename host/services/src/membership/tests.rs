//! A member with a store in memory and a manager that isn't there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on shall stop")]

use super::member::Settings;
use super::*;
use hostler_core::Fingerprint;
use hostler_core::changes::{Change, Expect};
use hostler_core::enrollment::device::{By, Decline, State};
use hostler_store::{RedbStore, Store};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn settings(window: Duration) -> Settings {
    let manager = "https://127.0.0.1:9/".parse().unwrap();
    let (device, node) = ("SN-001".parse().unwrap(), "mfp-1".parse().unwrap());
    Settings { device, node, model: None, manager, gateway: None, fingerprint: Fingerprint::of(b"root"), window }
}

async fn member(store: &Arc<dyn Store>, window: Duration) -> (Arc<Member>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Member::open(Arc::clone(store), folder.path(), settings(window)).await.unwrap(), folder)
}

fn in_memory() -> Arc<dyn Store> {
    Arc::new(RedbStore::in_memory().unwrap())
}

fn pin(text: &str) -> Offered {
    Offered::Pin(text.parse().unwrap())
}

/// The PIN that is in memory.
fn kept(member: &Member) -> Option<String> {
    member.with_offered(|offered| match offered {
        Offered::Pin(pin) => pin.expose().to_owned(),
        Offered::Key(_) => "a key".to_owned(),
    })
}

fn declined(outcome: Result<(), MembershipError>) -> Option<Decline> {
    match outcome {
        Err(MembershipError::Declined(why)) => Some(why),
        _ => None,
    }
}

#[tokio::test]
async fn e06_a_pin_that_can_t_be_stored_is_not_half_taken() {
    let store = in_memory();
    let (member, _folder) = member(&store, MINUTE).await;
    // Somebody else writes the row: nothing that this member writes fits any more, and every commit of its fails.
    let value = Box::new(store.membership().unwrap().unwrap().value);
    store.commit(Change::Membership { expect: Expect::Anything, value }.into()).await.unwrap();
    let before = (member.status().state, store.membership().unwrap());
    let outcome = member.offer(pin("0123ABCD"), By::Network).await;
    assert!(matches!(outcome, Err(MembershipError::Store(_))), "{outcome:?}");
    assert_eq!(kept(&member), None, "it isn't in memory");
    assert_eq!((member.status().state, store.membership().unwrap()), before, "nor anywhere else");
    assert!(member.close_window().await.is_err() && member.status().takes_pin_for_s > 0, "it shows what is stored");
}

#[tokio::test]
async fn e06_who_goes_away_while_a_pin_is_taken_leaves_nothing_half_done() {
    let (member, _folder) = member(&in_memory(), MINUTE).await;
    tokio::select! {
        biased;
        outcome = member.offer(pin("0123ABCD"), By::Network) => panic!("it was done at once: {outcome:?}"),
        () = std::future::ready(()) => {}
    }
    let mut seen = member.follow();
    let taken = seen.wait_for(|now| now.joining.state.to_string() == "connecting");
    let _ = tokio::time::timeout(MINUTE, taken).await.expect("it is taken to the end").unwrap();
    assert_eq!(declined(member.offer(pin("0123ABCD"), By::Network).await), Some(Decline::Connecting));
    member.close_window().await.expect("what is stored and what is remembered are one");
}

#[tokio::test]
async fn e06_a_window_that_closed_takes_nothing() {
    let (member, _folder) = member(&in_memory(), MINUTE).await;
    assert!(member.status().takes_pin_for_s > 0);
    member.close_window().await.unwrap();
    assert_eq!(declined(member.offer(pin("0123ABCD"), By::Network).await), Some(Decline::NoWindow));
    assert_eq!((kept(&member), member.status().takes_pin_for_s), (None, 0));

    let (brief, _folder) = self::member(&in_memory(), Duration::ZERO).await;
    assert_eq!(declined(brief.offer(pin("0123ABCD"), By::Network).await), Some(Decline::NoWindow), "its time is over");
    assert_eq!(brief.status().state, Connection::NotConnected);
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_of_two_pins_at_the_same_instant_one_is_taken() {
    for _ in 0..20 {
        let (member, _folder) = member(&in_memory(), MINUTE).await;
        let offer = |text: &'static str| {
            let member = Arc::clone(&member);
            tokio::spawn(async move { member.offer(pin(text), By::Network).await })
        };
        let (first, second) = (offer("0123ABCD"), offer("EFGH4567"));
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let (taken, refused) = if first.is_ok() { ("0123ABCD", second) } else { ("EFGH4567", first) };
        assert_eq!(declined(refused), Some(Decline::Connecting));
        assert_eq!(kept(&member).as_deref(), Some(taken));
    }
}

#[tokio::test]
async fn e06_while_it_connects_no_other_pin_takes_the_first_ones_place() {
    let store = in_memory();
    let (first, folder) = member(&store, MINUTE).await;
    first.offer(pin("0123ABCD"), By::Network).await.unwrap();
    assert_eq!((first.status().state, first.status().takes_pin_for_s), (Connection::Connecting, 0));
    first.open_window().await.unwrap();
    assert_eq!(declined(first.offer(pin("EFGH4567"), By::Network).await), Some(Decline::Connecting));
    assert_eq!(kept(&first).as_deref(), Some("0123ABCD"));

    // Its attempt has ended in vain, and it waits for the next: nothing of its writes the row now.
    let mut seen = first.follow();
    let waits = seen.wait_for(|now| matches!(now.joining.state, State::Connecting { next: Some(_), .. }));
    let _ = tokio::time::timeout(MINUTE, waits).await.expect("nobody answers there").unwrap();
    drop((seen, first));
    // Begun again, it has none and says so.
    let again = Member::open(Arc::clone(&store), folder.path(), settings(MINUTE)).await.unwrap();
    assert_eq!((again.status().state, kept(&again)), (Connection::NotConnected, None));
    assert!(again.status().why.unwrap().contains("restarted"));
    again.offer(pin("EFGH4567"), By::Network).await.unwrap();
}

#[tokio::test]
async fn e06_a_hand_at_the_device_puts_another_pin_in_the_first_ones_place_or_none() {
    let (member, _folder) = member(&in_memory(), MINUTE).await;
    member.offer(pin("0123ABCD"), By::Network).await.unwrap();
    member.offer(pin("EFGH4567"), By::Hand).await.expect("who stands there knows what they want");
    assert_eq!((member.status().state, kept(&member).as_deref()), (Connection::Connecting, Some("EFGH4567")));
    member.close_window().await.unwrap();
    assert_eq!((member.status().state, kept(&member)), (Connection::NotConnected, None));
    assert!(member.status().why.unwrap().contains("called off"));
    member.offer(pin("0123ABCD"), By::Hand).await.expect("by hand, no window is needed");
    assert_eq!((member.status().state, member.status().takes_pin_for_s), (Connection::Connecting, 0));
}
