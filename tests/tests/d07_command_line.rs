//! D7 from the command line: what an operator says there is so afterwards, and what can't be is refused with what to do.

use hostler_tests::{Node, Place, Setup, until};
use serde_json::{Value, json};

/// The placement of a device.
async fn placement(node: &Node, id: &str) -> Value {
    node.device(id).await.unwrap()["placement"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_an_operator_places_devices_adopts_them_anyway_and_removes_their_gateway() {
    let place = Place::new(90);
    let fleet = place.printers(1).await;
    let manager = Node::start(Setup::manager(&place)).await;
    for plugin in ["mfp", "scanner"] {
        manager.install(plugin).await;
    }
    let token = manager.token_for(1).await;
    let setup = Setup::gateway(&place, 1, manager.api().base(), &token).network("office", &fleet);
    let _gateway = Node::start(setup).await;
    let found = until("it is discovered", async || {
        let found = manager.run(&["device", "discovered", "--json"]).await.well();
        serde_json::from_str::<Value>(&found).ok()?.pointer("/0/candidate/reach/address")?.as_str().map(str::to_owned)
    })
    .await;

    let refused = manager.run(&["device", "adopt", "gateway-1", &found, "scanner"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("scanner does not recognise") && refused.err.contains("--anyway"), "{refused:?}");
    let _ = manager.run(&["device", "adopt", "gateway-1", &found, "scanner", "--anyway"]).await.well();
    let id = manager.until_devices(1).await[0]["id"].as_str().unwrap().to_owned();

    let owned = ["device", "place", &id, "--site", "kobe", "--owner", "ann", "--tag", "loan", "--tag", "second floor"];
    assert!(manager.run(&owned).await.well().contains("second floor"));
    assert_eq!(
        placement(&manager, &id).await,
        json!({ "owner": "ann", "site": "kobe", "tags": ["loan", "second floor"] })
    );
    let _ = manager.run(&["device", "place", &id, "--no-owner", "--no-tags"]).await.well();
    assert_eq!(placement(&manager, &id).await, json!({ "owner": null, "site": "kobe", "tags": [] }));

    let refused = manager.run(&["device", "trust", &id, "made-up"]).await;
    assert!(refused.err.contains("64 hexadecimal digits"), "{refused:?}");
    let refused = manager.run(&["device", "trust", &id, &"0".repeat(64)]).await;
    assert!(refused.err.contains("nobody asks about the certificate"), "{refused:?}");

    assert!(manager.run(&["node", "remove", "gateway-2"]).await.err.contains("`hostler node list` shows them"));
    let _ = manager.run(&["node", "remove", "gateway-1"]).await.well();
    assert_eq!(manager.devices().await.unwrap().len(), 0, "its devices go with it");
    assert!(!manager.run(&["node", "list"]).await.well().contains("gateway-1"));
}
