//! E9 and D3 while the manager's power is cut again and again and the gateway goes on telling: nothing is lost, and nothing
//! is there twice.

use hostler_simulator::{Condition, Fleet};
use hostler_tests::{Moments, Network, Node, Place, Setup, until};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const DEVICES: usize = 12;
const CUTS: usize = 10;
const READ_EVERY: Duration = Duration::from_millis(250);

/// Something happens to every device with every reading, for ever: so that the gateway hardly ever has nothing to tell.
async fn much_happens(fleet: &Fleet) {
    loop {
        for device in fleet.devices() {
            device.control.raise(Condition::CoverOpen);
            device.control.clear(Condition::TonerLow);
        }
        tokio::time::sleep(READ_EVERY).await;
        for device in fleet.devices() {
            device.control.raise(Condition::TonerLow);
            device.control.clear(Condition::CoverOpen);
        }
        tokio::time::sleep(READ_EVERY).await;
    }
}

/// The newest events before this one, the newest first.
async fn page(node: &Node, before: Option<u64>) -> Option<Vec<Value>> {
    let before = before.map(|seq| format!("&before={seq}")).unwrap_or_default();
    node.api().get(&format!("events?limit=500{before}")).await.ok()?.as_array().cloned()
}

/// How often each thing happened to a device, as a node tells it.
async fn happened(node: &Node) -> Option<BTreeMap<String, usize>> {
    let (mut counted, mut before) = (BTreeMap::new(), None);
    loop {
        let events = page(node, before).await?;
        let Some(last) = events.last() else { return Some(counted) };
        before = last["seq"].as_u64();
        for event in events.iter().filter(|event| event["device"].is_string()) {
            let what = format!("{} {} {} {}", event["at"], event["device"], event["name"], event["text"]);
            *counted.entry(what).or_default() += 1;
        }
    }
}

/// The number of a node's newest event.
async fn newest(node: &Node) -> Option<u64> {
    page(node, None).await?.first()?["seq"].as_u64()
}

/// Ends the manager while the gateway tells it something, and starts it again after a while. Returns how far it had heard.
async fn cut(manager: &mut Node, moments: &mut Moments) -> u64 {
    let known = newest(manager).await.unwrap_or_default();
    let more = async || newest(manager).await.filter(|newest| *newest > known);
    let told = until("the gateway tells more", more).await;
    tokio::time::sleep(moments.next(Duration::from_millis(500))).await;
    manager.kill();
    tokio::time::sleep(moments.next(Duration::from_millis(1_500))).await;
    manager.start_again().await;
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_d03_power_cuts_of_a_busy_manager_lose_and_double_nothing() {
    let place = Place::new(42);
    let fleet = place.printers(u32::try_from(DEVICES).unwrap()).await;
    let mut manager = Node::start(Setup::manager(&place)).await;
    manager.install("mfp").await;
    let token = manager.token_for(1).await;
    let network = Network::of("office", &fleet);
    let setup =
        Setup::gateway(&place, 1, manager.api().base(), &token).networks([network]).adopting("mfp").read_every("250ms");
    let gateway = Node::start(setup).await;
    let mut moments = Moments::new();
    let mut told = Vec::new();
    let cuts = async {
        for _ in 0..CUTS {
            told.push(cut(&mut manager, &mut moments).await);
        }
    };
    tokio::select! {
        () = much_happens(&fleet) => {}
        () = cuts => {}
    }
    println!("heard before each cut: {told:?}");
    assert_eq!(told.len(), CUTS);

    fleet.devices().iter().for_each(|device| device.control.clear_all());
    let rows = manager.until_read(DEVICES).await;
    let addresses: BTreeSet<String> = rows.iter().map(|row| row["device"]["reach"]["address"].to_string()).collect();
    assert_eq!(addresses.len(), DEVICES, "{rows:#?}");
    until("both know the same", async || {
        Some(happened(&manager).await? == happened(&gateway).await?).filter(|same| *same)
    })
    .await;
    let counted = happened(&manager).await.unwrap();
    assert!(counted.values().all(|times| *times == 1), "{counted:#?}");
    let adopted = counted.keys().filter(|what| what.contains("device.adopted")).count();
    assert_eq!(adopted, DEVICES, "{counted:#?}");
}
