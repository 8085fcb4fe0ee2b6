//! D1: a gateway with its devices, a device node below it and requests on their way is given another parent. Nothing is shown as
//! gone, nothing is told twice, and requests are answered.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_simulator::{Condition, Fault, Fleet};
use hostler_tests::{Node, Place, Setup, until};
use serde_json::{Value, json};

/// A manager, two gateways below it, and one that is below the first, has a printer, and a device node below itself.
struct Tree {
    manager: Node,
    gateways: [Node; 2],
    moving: Node,
    device: Node,
    fleet: Fleet,
    engine: Fleet,
}

async fn join(node: &Node) -> Value {
    node.api().get("join").await.unwrap()
}

/// Lets a node in by a PIN of the manager's administrator.
async fn let_in(manager: &Node, node: &Node) {
    let made = manager.registered(&["--shared", "1"]).await;
    let _ = node.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
    until("a node is let in", async || (node.membership().await["state"] == "connected").then_some(())).await;
}

impl Tree {
    async fn new(place: &Place) -> Self {
        let fleet = place.printers(1).await;
        let engine = Fleet::start(hostler_simulator::FleetConfig {
            first: place.address(1, 1),
            seed: 1_000 + 18,
            count: 1,
            pages_per_hour: 0,
            ..place.fleet()
        });
        let engine = engine.await.unwrap();
        let manager = Node::start(Setup::joined(place, 8081)).await;
        manager.install("mfp").await;
        let here = join(&manager).await;
        let gateway = async |number: u8| {
            let setup = Setup::joining_gateway(place, number, &here).with_others_below(place, number);
            let node = Node::start(setup).await;
            let_in(&manager, &node).await;
            node
        };
        let gateways = [gateway(1).await, gateway(2).await];
        let moving = Setup::joining_gateway(place, 3, &join(&gateways[0]).await).with_others_below(place, 3);
        let moving = Node::start(moving.network("office", &fleet).adopting("mfp").read_every("1h")).await;
        let_in(&manager, &moving).await;
        let device = Node::start(Setup::device_with(place, 1, &engine, &join(&moving).await)).await;
        let_in(&manager, &device).await;
        let tree = Self { manager, gateways, moving, device, fleet, engine };
        tree.until_below(&["gateway-1", "gateway-3"]).await;
        tree
    }

    /// The serial numbers of the printer and of the device node's engine.
    fn serials(&self) -> [String; 2] {
        [&self.fleet, &self.engine].map(|fleet| fleet.devices()[0].serial.clone())
    }

    /// The manager's IDs of both, where it answers; none for one that it doesn't know.
    async fn ids(&self) -> Option<[Option<String>; 2]> {
        let rows = self.manager.devices().await?;
        Some(self.serials().map(|serial| {
            let row = rows.iter().find(|row| row["serial"] == json!(serial));
            row.map(|row| row["id"].as_str().unwrap().to_owned())
        }))
    }

    /// The manager's view of both, as long as neither is missing.
    async fn both(&self) -> Option<[Value; 2]> {
        let [printer, engine] = self.ids().await?;
        Some([self.manager.device(&printer?).await?, self.manager.device(&engine?).await?])
    }

    /// Waits until both are reached this way.
    async fn until_below(&self, path: &[&str]) {
        let below: Vec<&str> = path.iter().copied().chain(["mfp-1"]).collect();
        until(format!("both are below {path:?}"), async || {
            let [printer, engine] = self.both().await?;
            let read = |view: &Value| view.pointer("/snapshot/report").is_some_and(|report| !report.is_null());
            (printer["path"] == json!(path) && engine["path"] == json!(below) && read(&printer) && read(&engine))
                .then_some(())
        })
        .await;
    }

    /// The same, and neither is gone in between.
    async fn until_moved(&self, path: &[&str]) {
        let below: Vec<&str> = path.iter().copied().chain(["mfp-1"]).collect();
        until(format!("both moved below {path:?}"), async || {
            let [Some(printer), Some(engine)] = self.ids().await? else { panic!("one of them is shown as gone") };
            let (printer, engine) = (self.manager.device(&printer).await?, self.manager.device(&engine).await?);
            (printer["path"] == json!(path) && engine["path"] == json!(below)).then_some(())
        })
        .await;
    }

    async fn ask(&self, device: &str) -> String {
        let asked = json!({ "question": { "ask": "counters", "device": device }, "within_s": 600 });
        self.manager.api().post("requests", &asked).await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn until_answered(&self, id: &str) {
        until(format!("request {id} is answered"), async || {
            let request = self.manager.api().get(&format!("requests/{id}")).await.ok()?;
            assert_ne!(request["state"], "failed", "{request}");
            (request["state"] == "answered").then_some(())
        })
        .await;
    }

    async fn told(&self, text: &str) -> usize {
        let events = self.manager.events().await.unwrap();
        events.iter().filter(|event| event["text"].as_str().is_some_and(|said| said.contains(text))).count()
    }

    /// Gives the gateway another parent, as somebody would: configuration and restart.
    async fn move_below(&mut self, here: &Value) {
        let setup = self.moving.setup().clone().joining(here);
        self.moving.start_as(setup).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_a_gateway_with_all_behind_it_is_given_another_parent() {
    let place = Place::new(18);
    let mut tree = Tree::new(&place).await;
    let [printer, engine] = tree.both().await.unwrap().map(|view| view["device"]["id"].as_str().unwrap().to_owned());
    let _ = tree.manager.run(&["device", "place", &printer, "--site", "lyon"]).await.well();

    // What is asked while it is on its way is answered where it comes to be; what happens meanwhile is told once.
    tree.fleet.devices()[0].control.set_fault(Fault::Silent);
    let begun = tree.ask(&printer).await;
    until("it takes longer", async || {
        let request = tree.manager.api().get(&format!("requests/{begun}")).await.ok()?;
        (request["state"] == "delayed").then_some(())
    })
    .await;
    tree.moving.kill();
    let waiting = tree.ask(&engine).await;
    tree.fleet.devices()[0].control.clear_fault();
    tree.fleet.devices()[0].control.raise(Condition::PaperJam);
    let here = join(&tree.gateways[1]).await;
    tree.move_below(&here).await;
    tree.until_moved(&["gateway-2", "gateway-3"]).await;
    tree.until_answered(&begun).await;
    tree.until_answered(&waiting).await;
    assert_eq!(tree.both().await.unwrap()[0].pointer("/placement/site"), Some(&json!("lyon")));
    until("its former parent knows nothing of it", async || {
        let nodes = tree.gateways[0].api().get("nodes").await.ok()?;
        let gone = !nodes.as_array()?.iter().any(|node| node["id"] == "gateway-3" || node["id"] == "mfp-1");
        (gone && tree.gateways[0].devices().await?.is_empty()).then_some(())
    })
    .await;
    until("the jam is told", async || (tree.told("Paper jam").await > 0).then_some(())).await;
    assert_eq!(tree.told("Paper jam").await, 1);
    assert_eq!(tree.told("calls gateway-2 now, and no longer gateway-1").await, 1);

    // Its former parent is away when it moves on, to the manager itself, and hears of it when it is back.
    tree.gateways[1].kill();
    let here = join(&tree.manager).await;
    tree.move_below(&here).await;
    tree.until_moved(&["gateway-3"]).await;
    let nearer = tree.ask(&engine).await;
    tree.until_answered(&nearer).await;
    tree.gateways[1].start_again().await;
    until("it has heard", async || {
        let nodes = tree.gateways[1].api().get("nodes").await.ok()?;
        (!nodes.as_array()?.iter().any(|node| node["id"] == "gateway-3")).then_some(())
    })
    .await;

    // And back from the manager to where it began.
    let here = join(&tree.gateways[0]).await;
    tree.move_below(&here).await;
    tree.until_moved(&["gateway-1", "gateway-3"]).await;
    let again = tree.ask(&printer).await;
    tree.until_answered(&again).await;
    for text in ["two nodes", "set aside", "isn't below", "in a circle"] {
        assert_eq!(tree.told(text).await, 0, "{text}");
    }
    assert_eq!(tree.told("Paper jam").await, 1);
    assert_eq!(tree.device.membership().await["state"], "connected");
}
