//! D1 and D3: gateways below gateways. What is behind several of them is seen, read and ordered from the top, whoever loses
//! its power meanwhile; nothing connects inwards.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_simulator::{Condition, Fleet};
use hostler_tests::{Node, Place, Setup, until};
use reqwest::Method;
use serde_json::{Value, json};

/// A manager, a gateway that calls it, and one that calls that and has a printer.
struct Line {
    manager: Node,
    middle: Node,
    last: Node,
    fleet: Fleet,
}

impl Line {
    async fn new(place: &Place) -> Self {
        let fleet = place.printers(1).await;
        let manager = Node::start(Setup::manager(place)).await;
        manager.install("mfp").await;
        let token = manager.token_for(1).await;
        let middle = Node::start(Setup::gateway(place, 1, manager.api().base(), &token)).await;
        let token = middle.token_for(2).await;
        let setup = Setup::gateway(place, 2, middle.api().base(), &token).network("office", &fleet).read_every("1h");
        let last = Node::start(setup).await;
        Self { manager, middle, last, fleet }
    }

    /// Adopts the printer from the manager, and returns its ID.
    async fn adopted(&self) -> String {
        let found = self.found().await;
        let order = json!({ "gateway": "gateway-2", "address": found, "plugin": "mfp" });
        let _ = self.manager.api().post("candidates/adopt", &order).await.unwrap();
        let view = self.manager.until_read(1).await.remove(0);
        view["device"]["id"].as_str().unwrap().to_owned()
    }

    /// Where the manager sees a candidate in the last gateway's network that the plug-in recognises.
    async fn found(&self) -> String {
        until("the manager sees the candidate", async || {
            let found = self.manager.api().get("candidates").await.ok()?;
            let one = found.as_array()?.iter().find(|one| one["gateway"] == "gateway-2")?.clone();
            let recognised = one.pointer("/candidate/claims/0/plugin")? == "mfp";
            recognised.then(|| one.pointer("/candidate/reach/address")?.as_str().map(str::to_owned))?
        })
        .await
    }

    /// Orders a reading at the manager, and returns when what the printer shows now is known there.
    async fn until_seen(&self, id: &str, condition: Condition, text: &str) {
        self.fleet.devices()[0].control.raise(condition);
        let _ = self.manager.api().post(&format!("devices/{id}/read"), &Value::Null).await.unwrap();
        self.until_told(text).await;
    }

    async fn until_told(&self, text: &str) {
        until(format!("the manager is told {text:?}"), async || (told(&self.manager, text).await? > 0).then_some(()))
            .await;
    }
}

/// How often a node tells of this.
async fn told(node: &Node, text: &str) -> Option<usize> {
    let events = node.events().await?;
    Some(events.iter().filter(|event| event["text"].as_str().is_some_and(|said| said.contains(text))).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_d03_a_printer_behind_two_gateways_is_adopted_read_and_let_go_whoever_is_cut() {
    let place = Place::new(190);
    let mut line = Line::new(&place).await;
    let id = line.adopted().await;
    let view = line.manager.device(&id).await.unwrap();
    assert_eq!(view["device"]["gateway"], "gateway-2");
    assert_eq!(view["path"], json!(["gateway-1", "gateway-2"]));
    let nodes = line.manager.run(&["node", "list"]).await.well();
    let row = nodes.lines().find(|row| row.trim_start().starts_with("gateway-2")).unwrap();
    assert!(row.contains("gateway-1") && row.contains("behind another"), "{nodes}");
    let below = line.middle.device(&id).await.unwrap();
    assert_eq!(below["path"], json!(["gateway-2"]), "a gateway shows what is below it");
    line.until_seen(&id, Condition::CoverOpen, "Close the cover").await;

    // What is ordered while a node is down is done when it is back, wherever the order waits meanwhile.
    line.last.kill();
    line.until_ordered_at_middle(&id).await;
    line.middle.kill();
    line.middle.start_again().await;
    line.fleet.devices()[0].control.raise(Condition::PaperJam);
    line.last.start_again().await;
    line.until_told("Paper jam").await;

    // What happens while the uplinks are down is told once when they are back.
    line.middle.kill();
    line.fleet.devices()[0].control.raise(Condition::TonerLow);
    let _ = line.last.api().post(&format!("devices/{id}/read"), &Value::Null).await.unwrap();
    until("its own gateway knows", async || (told(&line.last, "Toner low").await? > 0).then_some(())).await;
    line.last.kill();
    line.manager.kill();
    line.middle.start_again().await;
    line.last.start_again().await;
    until("the middle knows", async || (told(&line.middle, "Toner low").await? > 0).then_some(())).await;
    line.last.kill();
    line.middle.kill();
    line.manager.start_again().await;
    line.middle.start_again().await;
    line.until_told("Toner low").await;
    line.last.start_again().await;

    let _ = line.manager.api().call(Method::DELETE, &format!("devices/{id}"), &Value::Null).await.unwrap();
    for node in [&line.manager, &line.middle, &line.last] {
        node.until_devices(0).await;
    }
    line.until_told("was let go").await;
    for text in ["Close the cover", "Paper jam", "Toner low", "was let go"] {
        assert_eq!(told(&line.manager, text).await, Some(1), "{text}");
    }
    assert_eq!(told(&line.manager, "set aside").await, Some(0));
    line.found().await;
}

impl Line {
    /// Orders a reading at the manager that then waits in the middle.
    async fn until_ordered_at_middle(&self, id: &str) {
        let _ = self.manager.api().post(&format!("devices/{id}/read"), &Value::Null).await.unwrap();
        until("the order waits in the middle", async || {
            let nodes = self.middle.api().get("nodes").await.ok()?;
            let row = nodes.as_array()?.iter().find(|row| row["id"] == "gateway-2")?.clone();
            (row["waiting"].as_u64()? > 0).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_gateways_that_call_each_other_and_names_given_twice_are_said() {
    let place = Place::new(191);
    let manager = Node::start(Setup::manager(&place)).await;
    let token = manager.token_for(1).await;
    let one = Node::start(Setup::gateway(&place, 1, manager.api().base(), &token)).await;
    // Another gateway-3 at the manager itself than the one below gateway-1.
    let _ = manager.token_for(3).await;
    let token = one.token_for(3).await;
    let third = Node::start(Setup::gateway(&place, 3, one.api().base(), &token)).await;
    until("the name is said", async || (told(&manager, "two nodes gateway-3").await? > 0).then_some(())).await;
    assert_eq!(told(&manager, "two nodes gateway-3").await, Some(1));
    let freed = manager.run(&["node", "remove", "gateway-3"]).await;
    assert_eq!(freed.code, Some(0), "{freed:?}");
    drop(third);

    // Two that are each other's parent: the first is brought up with the address that the second will have.
    let address = place.free_tcp(place.address(200, 15));
    let base = format!("http://{address}");
    let fourth = Node::start(Setup::gateway(&place, 4, &base, "not-yet")).await;
    let token = fourth.token_for(5).await;
    let fifth = Setup::gateway(&place, 5, fourth.api().base(), &token).listening(address);
    let fifth = Node::start(fifth).await;
    let token = fifth.token_for(4).await;
    std::fs::write(place.path("gateway-4.token"), token).unwrap();
    for node in [&fourth, &fifth] {
        until("the circle is said", async || (told(node, "in a circle").await? > 0).then_some(())).await;
    }
    until("the log says it as well", async || fourth.log().contains("in a circle").then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_gateways_work_without_any_manager() {
    let place = Place::new(192);
    let fleet = place.printers(1).await;
    let top = Node::start(Setup::alone(&place).roles("\"gateway\"")).await;
    top.install("mfp").await;
    let made = top.run(&["node", "add", "gateway-1"]).await.well();
    let setup = Setup::gateway(&place, 1, top.api().base(), made.trim());
    let below = Node::start(setup.network("office", &fleet).adopting("mfp")).await;
    let view = top.until_read(1).await.remove(0);
    assert_eq!(view["path"], json!(["gateway-1"]));
    let id = view["device"]["id"].as_str().unwrap();
    let _ = top.api().call(Method::DELETE, &format!("devices/{id}"), &Value::Null).await.unwrap();
    top.until_devices(0).await;
    below.until_devices(0).await;
}
