//! The embedded engine holds what every engine must, and what only a file can show.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on shall stop")]

use hostler_core::changes::{Change, Changes};
use hostler_core::event::Event;
use hostler_core::message::{Class, Method};
use hostler_core::reading::Severity;
use hostler_core::{NodeId, Timestamp};
use hostler_store::{RedbStore, Store, StoreError};
use std::sync::Arc;

mod in_memory {
    use super::*;
    hostler_store::conformance!(Arc::new(RedbStore::in_memory().unwrap()) as Arc<dyn Store>);
}

mod in_a_file {
    use super::*;

    fn in_a_new_file() -> Arc<dyn Store> {
        let folder = tempfile::tempdir().unwrap();
        let store = RedbStore::open(&folder.path().join("hostler.redb")).unwrap();
        // The file stays open after its folder is gone.
        Arc::new(store)
    }

    hostler_store::conformance!(in_a_new_file());
}

fn event(text: &str) -> Changes {
    let name = "test".to_owned();
    Change::Happened(Event {
        at: Timestamp(1),
        node: None,
        device: None,
        name,
        severity: Severity::Info,
        text: text.to_owned(),
    })
    .into()
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening_in_the_same_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostler.redb");
    let store = RedbStore::open(&path).unwrap();
    let parent = "parent".parse().unwrap();
    let epoch = store.numbers(&parent).unwrap().epoch;
    store.commit(event("kept")).await.unwrap();
    drop(store);
    let store = RedbStore::open(&path).unwrap();
    assert_eq!(store.numbers(&parent).unwrap().epoch, epoch);
    assert_eq!(store.events(None, None, 9).unwrap().len(), 1);
}

#[tokio::test]
async fn e09_only_who_was_met_may_have_been_given_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostler.redb");
    let parent: NodeId = "parent".parse().unwrap();
    let send = || Change::send(&parent, Method::DiscoverNow);
    let given = |store: &RedbStore| {
        let numbers = store.numbers(&parent).unwrap();
        (numbers.met, numbers.given[&Class::Result])
    };
    let store = RedbStore::open(&path).unwrap();
    store.commit(Changes::from(send()).and(Change::Met { neighbour: parent.clone() })).await.unwrap();
    assert_eq!(given(&store), (true, 1));
    drop(store);
    for _ in 0..2 {
        let store = RedbStore::open(&path).unwrap();
        assert_eq!(given(&store), (false, 1));
        store.commit(send().into()).await.unwrap();
        assert_eq!(given(&store), (false, 1), "nothing is given to who wasn't met");
    }
    let store = RedbStore::open(&path).unwrap();
    store.commit(Change::Met { neighbour: parent.clone() }.into()).await.unwrap();
    assert_eq!(given(&store), (true, 3));
}

#[test]
fn a_second_process_on_the_same_store_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostler.redb");
    let _first = RedbStore::open(&path).unwrap();
    let refusal = RedbStore::open(&path).err().unwrap();
    assert!(matches!(refusal, StoreError::InUse { .. }), "{refusal}");
    assert!(refusal.to_string().contains("another hostler"), "{refusal}");
}

#[test]
fn a_store_that_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostler.redb");
    std::fs::write(&path, b"not a database at all, but long enough to look at").unwrap();
    assert!(RedbStore::open(&path).is_err());
}

#[test]
fn what_is_no_store_is_said_to_be_none_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostler.redb");
    for bytes in [&b""[..], b"#!/bin/sh\n", &[0; 8_192]] {
        std::fs::write(&path, bytes).unwrap();
        let refusal = RedbStore::open(&path).err().unwrap();
        assert!(matches!(refusal, StoreError::Damaged { .. }), "{refusal}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_store_that_is_cut_short_or_overwritten_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostler.redb");
    drop(RedbStore::open(&path).unwrap());
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    let refusal = RedbStore::open(&path).err().unwrap();
    assert!(matches!(refusal, StoreError::Damaged { .. }), "{refusal}");
}

#[test]
fn what_a_crash_left_of_a_new_store_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostler.redb");
    std::fs::write(path.with_extension("new"), b"half a store").unwrap();
    drop(RedbStore::open(&path).unwrap());
    assert!(!path.with_extension("new").exists() && path.exists());
}

#[tokio::test]
async fn e07_a_copy_of_a_store_in_use_is_whole_and_knows_that_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(&folder.path().join("hostler.redb")).unwrap();
    for n in 0..100 {
        store.commit(event(&n.to_string())).await.unwrap();
    }
    let copied = folder.path().join("copy.redb");
    assert_eq!(store.copied_at().unwrap(), None);
    store.copy_to(&copied, Timestamp(7)).unwrap();
    store.commit(event("later")).await.unwrap();
    let copy = RedbStore::open(&copied).unwrap();
    assert_eq!(copy.copied_at().unwrap(), Some(Timestamp(7)));
    let of = |store: &RedbStore| store.events(None, None, 1_000).unwrap();
    assert_eq!((of(&copy).len(), of(&store).len()), (100, 101));
    copy.commit(event("put back").0.into_iter().chain([Change::Reconciled]).collect()).await.unwrap();
    drop(copy);
    let copy = RedbStore::open(&copied).unwrap();
    assert_eq!((copy.copied_at().unwrap(), of(&copy).len()), (None, 101), "once, with what followed from it");
}
