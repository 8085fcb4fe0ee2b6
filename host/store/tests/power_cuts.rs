//! A store's process ends at any moment: what it had acknowledged by then is there, and nothing is there by halves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on shall stop")]

use hostler_core::changes::{Change, Changes};
use hostler_core::event::Event;
use hostler_core::message::{Method, Portion};
use hostler_core::reading::Severity;
use hostler_core::{NodeId, Timestamp};
use hostler_store::{RedbStore, Store, StoreError};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[path = "../../../tests/src/moments.rs"]
mod moments;
use moments::Moments;

/// Where the process that is killed finds its store, and with which number it goes on.
const PATH: &str = "HOSTLER_TEST_STORE";
const FROM: &str = "HOSTLER_TEST_FROM";

const CUTS: u32 = 20;

/// So many commit at a time, so that several share a write.
const WRITERS: u64 = 4;

fn parent() -> NodeId {
    "parent".parse().unwrap()
}

/// Two changes that belong together: an event, and the message that tells of it.
fn numbered(number: u64) -> Changes {
    let (name, severity, text) = ("test".to_owned(), Severity::Info, number.to_string());
    let event = Event { at: Timestamp(1), node: None, device: None, name, severity, text };
    let send = Change::send(&parent(), Method::EventHappened(event.clone()));
    Changes::from(Change::Happened(event)).and(send)
}

/// Not a test: what the test below starts and kills. It prints each number once the store has acknowledged it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is the process that the other test kills"]
async fn commits_until_it_is_killed() {
    let (Some(path), Ok(from)) = (std::env::var_os(PATH), std::env::var(FROM)) else { return };
    let from: u64 = from.parse().unwrap();
    let store = Arc::new(RedbStore::open(Path::new(&path)).unwrap());
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in (from + writer..).step_by(WRITERS as usize) {
                store.commit(numbered(number)).await.unwrap();
                // The only line that counts; the runner's own have no such beginning.
                println!("\nacknowledged {number}");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// A process that commits to the store at this path, from this number on.
fn start(path: &Path, from: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "commits_until_it_is_killed", "--ignored", "--nocapture"]);
    command.env(PATH, path).env(FROM, from.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// What is in the store: the numbers of its events, and those of the messages that wait.
fn stored(path: &Path) -> (BTreeSet<u64>, BTreeSet<u64>) {
    // The process is gone, but the system may still be closing what it had open.
    let end = Instant::now() + Duration::from_secs(20);
    let store = loop {
        match RedbStore::open(path) {
            Err(StoreError::InUse { .. }) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            opened => break opened.unwrap(),
        }
    };
    let events = store.events(None, None, usize::MAX).unwrap();
    let told: Vec<u64> = events.iter().map(|(_, event)| event.text.parse().unwrap()).collect();
    let most = Portion { messages: usize::MAX, bytes: usize::MAX };
    let waiting =
        store.outbox(&parent(), most).unwrap().messages.into_iter().map(|message| match message.message.method {
            Method::EventHappened(event) => event.text.parse::<u64>().unwrap(),
            other => panic!("nobody sent {other:?}"),
        });
    let waiting: Vec<u64> = waiting.collect();
    let set = |all: &[u64]| all.iter().copied().collect::<BTreeSet<_>>();
    let (events, messages) = (set(&told), set(&waiting));
    assert_eq!((events.len(), messages.len()), (told.len(), waiting.len()), "something is there twice");
    (events, messages)
}

#[test]
fn p04_what_was_acknowledged_is_there_after_twenty_kills() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostler.redb");
    let mut acknowledged = BTreeSet::new();
    let (mut moments, mut from) = (Moments::new(), 0);
    for cut in 0..CUTS {
        let mut child = start(&path, from);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut numbers =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
        // Most are killed some time after the first one, a few while they make the store or open what a kill left.
        if cut % 5 != 0 {
            acknowledged.insert(numbers.next().expect("it ended by itself"));
        }
        let moment = moments.next(Duration::from_millis(150));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(moment);
            child.kill().unwrap();
            child.wait().unwrap()
        });
        // Everything that it still said before it was killed counts.
        acknowledged.extend(numbers);
        assert!(!killer.join().unwrap().success(), "it was not killed");
        if !path.exists() {
            continue;
        }
        let (events, messages) = stored(&path);
        let lost: Vec<&u64> = acknowledged.difference(&events).collect();
        assert!(lost.is_empty(), "cut {cut} lost {lost:?}");
        assert_eq!(events, messages, "cut {cut} left half of something");
        // A number that was not acknowledged may be there all the same; the next life uses others.
        from = events.last().map_or(0, |last| last + 1);
    }
    println!("{} were acknowledged", acknowledged.len());
    assert!(acknowledged.len() > CUTS as usize, "too few for cuts to matter");
}
