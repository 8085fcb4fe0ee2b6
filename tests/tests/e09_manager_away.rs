//! E9 and D3 while somebody is away: a gateway keeps what it must tell until its manager is back, across power cuts of
//! both, and then tells it once.

use hostler_simulator::{Condition, Fault};
use hostler_tests::{Moments, Network, Node, Place, Setup, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A manager with the printers' plug-in, and a gateway below it with this network.
async fn tree(place: &Place, network: Network) -> (Node, Node) {
    let manager = Node::start(Setup::manager(place)).await;
    manager.install("mfp").await;
    let token = manager.token_for(1).await;
    let setup = Setup::gateway(place, 1, manager.api().base(), &token).networks([network]).adopting("mfp");
    (manager, Node::start(setup).await)
}

/// How often each thing happened to a device, as a node tells it.
async fn happened(node: &Node) -> Option<BTreeMap<String, usize>> {
    let mut counted = BTreeMap::new();
    for event in node.events().await?.iter().filter(|event| event["device"].is_string()) {
        *counted.entry(format!("{} {} {}", event["at"], event["name"], event["text"])).or_default() += 1;
    }
    Some(counted)
}

fn tells(events: &[Value], name: &str, word: &str) -> usize {
    let told = |event: &&Value| event["name"] == name && event["text"].as_str().is_some_and(|text| text.contains(word));
    events.iter().filter(told).count()
}

async fn until_told(node: &Node, name: &str, word: &str) {
    let what = format!("{} tells {name} {word:?}", node.setup().data().display());
    until(&what, async || (tells(&node.events().await?, name, word) > 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_d03_what_happens_while_the_manager_is_away_arrives_once() {
    let place = Place::new(40);
    let fleet = place.printers(3).await;
    let (mut manager, mut gateway) = tree(&place, Network::of("office", &fleet)).await;
    manager.until_read(3).await;
    let [first, second, third] = fleet.devices() else { panic!("three devices") };

    manager.kill();
    first.control.raise(Condition::CoverOpen);
    until_told(&gateway, "alert.raised", "Close the cover").await;
    // Kept on the disk, not in memory.
    gateway.kill();
    gateway.start_again().await;
    second.control.raise(Condition::PaperJam);
    until_told(&gateway, "alert.raised", "Paper jam").await;

    manager.start_again().await;
    until_told(&manager, "alert.raised", "Close the cover").await;
    until_told(&manager, "alert.raised", "Paper jam").await;

    // What comes afterwards comes after it; then both know the same, and nothing twice.
    manager.stop().await;
    manager.start_again().await;
    first.control.clear(Condition::CoverOpen);
    third.control.raise(Condition::TonerLow);
    until_told(&manager, "alert.cleared", "Close the cover").await;
    until_told(&manager, "alert.raised", "Toner low").await;
    until("both know the same", async || {
        Some(happened(&manager).await? == happened(&gateway).await?).filter(|same| *same)
    })
    .await;
    let counted = happened(&manager).await.unwrap();
    assert!(counted.values().all(|count| *count == 1), "{counted:#?}");
    let events = manager.events().await.unwrap();
    assert_eq!(tells(&events, "alert.raised", "Close the cover"), 1);
    assert_eq!(tells(&events, "alert.raised", "Paper jam"), 1);
}

/// Every device once: one row for each address, one adoption in the events.
async fn is_whole(node: &Node, count: usize) {
    let rows = node.until_devices(count).await;
    let addresses: std::collections::BTreeSet<&str> = rows.iter().filter_map(|row| row["address"].as_str()).collect();
    assert_eq!(addresses.len(), count, "{rows:#?}");
    let mut adopted = BTreeMap::<String, usize>::new();
    for event in node.events().await.unwrap().iter().filter(|event| event["name"] == "device.adopted") {
        *adopted.entry(event["device"].to_string()).or_default() += 1;
    }
    assert_eq!(adopted.len(), count);
    assert!(adopted.values().all(|times| *times == 1), "{adopted:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_power_cuts_while_fifty_devices_are_adopted_lose_and_double_none() {
    const DEVICES: u32 = 50;
    let place = Place::new(41);
    let fleet = place.printers(DEVICES).await;
    // Each slower than the one before, so that at any moment some are adopted, some on the way and some not found yet.
    for (device, late) in fleet.devices().iter().zip((0..).step_by(12)) {
        device.control.set_fault(Fault::Slow(Duration::from_millis(late)));
    }
    let mut moments = Moments::new();
    let (mut manager, mut gateway) = tree(&place, Network::of("office", &fleet)).await;
    let mut counts = Vec::new();
    for round in 0..10 {
        gateway.live_for(moments.next(Duration::from_millis(1_500))).await;
        if round % 4 == 3 {
            manager.kill();
            manager.start_again().await;
        }
        counts.push(manager.devices().await.map_or(0, |rows| rows.len()));
    }
    println!("devices known to the manager after each cut: {counts:?}");
    gateway.start_again().await;
    let count = usize::try_from(DEVICES).unwrap();
    is_whole(&gateway, count).await;
    is_whole(&manager, count).await;
    let left = until("no candidate is left", async || {
        let found = manager.api().get("candidates").await.ok()?;
        found.as_array().filter(|found| found.is_empty()).map(Vec::len)
    });
    assert_eq!(left.await, 0);
}
