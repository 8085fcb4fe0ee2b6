//! D7, how often is set from above: at the manager for a gateway under another one and for one of its devices, kept by that
//! gateway when it is killed, and refused beyond what its own configuration allows.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Node, Place, Setup, until};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn d07_how_often_is_asked_is_set_from_above_and_outlives_a_kill() {
    let place = Place::new(211);
    let fleet = place.printers(2).await;
    let manager = Node::start(Setup::manager(&place)).await;
    manager.install("mfp").await;
    let token = manager.token_for(1).await;
    let middle = Node::start(Setup::gateway(&place, 1, manager.api().base(), &token)).await;
    let token = middle.token_for(2).await;
    let setup = Setup::gateway(&place, 2, middle.api().base(), &token).network("office", &fleet).adopting("mfp");
    let mut last = Node::start(setup.read_every("1h")).await;
    let devices = manager.until_read(2).await;
    let id = |at: usize| devices[at]["device"]["id"].as_str().unwrap().to_owned();
    let (first, second) = (id(0), id(1));

    let said = manager.run(&["node", "set", "gateway-2"]).await.well();
    assert!(said.contains("read every 1 h (as configured; 10 s to 1 d are possible)"), "{said}");
    let refused = async |arguments: &[&str], expected: &str| {
        let ran = manager.run(arguments).await;
        assert!(ran.code != Some(0) && ran.err.contains(expected), "{arguments:?}: {ran:?}");
    };
    refused(&["node", "set", "gateway-2", "--read-every", "9s"], "10 s to 1 d").await;
    refused(&["node", "set", "gateway-2", "--search-every", "1000h"], "allows").await;
    refused(&["node", "set", "gateway-2", "--read-every", "often"], "as-configured").await;
    refused(&["node", "set", "nobody", "--read-every", "30s"], "nobody").await;
    refused(&["device", "set", "nobody", "--read-every", "30s"], "nobody").await;
    let search = json!({ "ask": "set-intervals", "device": first, "wish": { "search": { "every-s": 60 } } });
    let asked = manager.api().post("requests", &json!({ "question": search })).await.unwrap();
    let path = format!("requests/{}", asked["id"].as_str().unwrap());
    let failed = until("it is refused", async || {
        manager.api().get(&path).await.ok()?.pointer("/outcome/failed/why")?.as_str().map(str::to_owned)
    })
    .await;
    assert!(failed.contains("set it for the node"), "{failed}");

    // A device of an interval of its own is read by it, and the other one isn't.
    let said = manager.run(&["device", "set", &first, "--read-every", "10s"]).await.well();
    assert!(said.contains("read every 10 s (set for this device; configured: 1 h"), "{said}");
    // A gateway that was killed may not have kept what it read last.
    let read_at =
        async |id: &str| manager.device(id).await.unwrap()["snapshot"]["read_at"].as_u64().unwrap_or_default();
    let (before, other) = (read_at(&first).await, read_at(&second).await);
    until("it is read again", async || (read_at(&first).await > before).then_some(())).await;
    assert_eq!(read_at(&second).await, other, "the other one is read as before");

    last.kill();
    last.start_again().await;
    let said = manager.run(&["device", "set", &first]).await.well();
    assert!(said.contains("set for this device"), "it is kept: {said}");
    let said = manager.run(&["node", "set", "gateway-2"]).await.well();
    assert!(said.contains("1 of its devices"), "{said}");
    let events = manager.api().get("events").await.unwrap().to_string();
    assert!(events.contains("device.interval-set"), "{events}");
    let _ = manager.run(&["device", "set", &first, "--read-every", "as-configured"]).await.well();
    let said: Value = serde_json::from_str(
        &manager
            .run(&["node", "set", "gateway-2", "--read-every", "10s", "--search-every", "1h", "--json"])
            .await
            .well(),
    )
    .unwrap();
    let told = said.pointer("/outcome/answered/intervals").unwrap();
    assert_eq!((&told["read"]["set_at"], &told["devices_apart"]), (&json!("node"), &json!(0)), "{told}");
    let (before, other) = (read_at(&first).await, read_at(&second).await);
    until("both are read", async || (read_at(&first).await > before && read_at(&second).await > other).then_some(()))
        .await;
}
