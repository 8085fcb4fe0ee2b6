//! D20: asleep is not a fault.

use hostler_simulator::Sleep;
use hostler_tests::{Node, Place, Setup, until};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn d20_asleep_is_a_state_and_not_a_fault() {
    let place = Place::new(55);
    let fleet = place.printers(2).await;
    let node = Node::start(Setup::alone(&place).network("office", &fleet).adopting("mfp")).await;
    node.install("mfp").await;
    node.until_read(2).await;
    let [light, deep] = fleet.devices() else { panic!("two devices") };
    let (light_id, deep_id) = (node.id_at(light.address.ip()).await, node.id_at(deep.address.ip()).await);

    let before_sleep = node.events().await.unwrap().len();
    light.control.sleep(Sleep::Light);
    let asleep =
        until("one is asleep", async || node.device(&light_id).await.filter(|view| view["condition"] == "asleep"))
            .await;
    assert_eq!(asleep["snapshot"]["report"]["status"], "asleep");
    assert!(asleep["snapshot"]["trouble"].is_null(), "{asleep:#}");
    let page = node.api().get("devices?condition=asleep").await.unwrap();
    assert_eq!(page["total"], 1);

    // The first request only wakes this one; it is answered when it is asked again.
    let before = node.device(&deep_id).await.unwrap()["snapshot"]["read_at"].as_u64();
    let [silent, warm_up, delay] = [2_000, 2_000, 300].map(Duration::from_millis);
    deep.control.sleep(Sleep::Deep { silent, warm_up, delay });
    let requests = deep.control.requests();
    until("the other was asked and read", async || {
        let view = node.device(&deep_id).await?;
        assert_ne!(view["condition"], "unreachable", "{view:#}");
        let read = view["snapshot"]["read_at"].as_u64() > before && view["snapshot"]["trouble"].is_null();
        (read && deep.control.requests() > requests + 1).then_some(())
    })
    .await;

    light.control.wake();
    until("it is awake", async || node.device(&light_id).await.filter(|view| view["condition"] != "asleep")).await;
    let events = node.events().await.unwrap();
    let since = events.iter().take(events.len() - before_sleep);
    let complaints: Vec<_> = since.filter(|event| event["severity"] != "info").collect();
    assert!(complaints.is_empty(), "nobody is told that something sleeps: {complaints:#?}");
}
