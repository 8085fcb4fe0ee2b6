//! P3 seen from the fleet: what a device does wrong, and what a silent one costs, is nobody's trouble but its own.

use hostler_simulator::{Fault, SimulatedDevice};
use hostler_tests::{Network, Node, Place, Setup, until};
use serde_json::Value;
use std::time::Duration;

fn trouble(view: &Value) -> Option<&str> {
    view.pointer("/snapshot/trouble/text")?.as_str()
}

fn read_at(view: &Value) -> Option<u64> {
    view.pointer("/snapshot/read_at")?.as_u64()
}

/// Now, as nodes write it.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_a_silent_device_among_two_hundred_costs_the_others_nothing() {
    const DEVICES: usize = 200;
    let place = Place::new(50);
    let fleet = place.printers(200).await;
    let network = Network { name: "office".to_owned(), ..Network::of("office", &fleet) };
    let setup = Setup::alone(&place).networks([network]).adopting("mfp").read_every("3s").discover_every("1h");
    let node = Node::start(setup).await;
    node.install("mfp").await;
    node.until_read(DEVICES).await;

    let silent = &fleet.devices()[77];
    let id = node.id_at(silent.address.ip()).await;
    silent.control.set_fault(Fault::Silent);
    let view = until("the silent one is unreachable", async || {
        node.device(&id).await.filter(|view| view["condition"] == "unreachable")
    })
    .await;
    assert!(trouble(&view).unwrap().contains("does not answer"), "{view:#}");
    assert!(view["snapshot"]["report"].is_object(), "what was known stays");

    // From here on each of the others is read once more, and none of them failed meanwhile.
    let since = now();
    until("all the others are read again", async || {
        let rows = node.devices().await?;
        let others: Vec<&Value> = rows.iter().filter(|row| row["id"] != id).collect();
        assert!(others.iter().all(|row| row["condition"] != "unreachable"), "a neighbour suffers");
        let again = others.iter().filter(|row| row["read_at"].as_u64().is_some_and(|at| at > since)).count();
        (again == DEVICES - 1).then_some(())
    })
    .await;
    println!("199 others were read again within {} ms", now() - since);
    for row in node.devices().await.unwrap().iter().filter(|row| row["id"] != id) {
        let view = node.device(row["id"].as_str().unwrap()).await.unwrap();
        assert_eq!(trouble(&view), None, "{view:#}");
    }
    silent.control.clear_fault();
    until("it is read again", async || node.device(&id).await.filter(|view| trouble(view).is_none())).await;
}

/// What people are told of a device: why it can't be read, or what of it can't.
async fn told(node: &Node, id: &str) -> Option<String> {
    let view = node.device(id).await?;
    let log = node.log();
    let line = || log.lines().find(|line| line.contains(id) && line.contains("WARN"));
    trouble(&view).or_else(line).map(str::to_owned)
}

async fn id_of(node: &Node, device: &SimulatedDevice) -> String {
    node.id_at(device.address.ip()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_each_fault_is_told_clearly_and_the_neighbours_stay_fine() {
    let faults = [
        (Fault::Truncated, "does not answer"),
        (Fault::OutOfOrder, "non-increasing"),
        (Fault::Repeating, "non-increasing"),
    ];
    let place = Place::new(51);
    let fleet = place.printers(5).await;
    let node = Node::start(Setup::alone(&place).network("office", &fleet).adopting("mfp").discover_every("1h")).await;
    node.install("mfp").await;
    node.until_read(5).await;
    let [faulty @ .., endless, slow, fine] = fleet.devices() else { panic!("five devices") };
    // What never ends is cut at what the plug-in wants of a table; the rest of the device stays readable.
    endless.control.set_fault(Fault::Endless);
    endless.control.change_configuration();
    slow.control.set_fault(Fault::Slow(Duration::from_millis(700)));
    for (device, (fault, _)) in faulty.iter().zip(faults) {
        device.control.set_fault(fault);
        // It says that it is another one now, so everything is walked.
        device.control.change_configuration();
    }
    for (device, (fault, word)) in faulty.iter().zip(faults) {
        let id = id_of(&node, device).await;
        let said =
            until(format!("{fault:?} is told"), async || told(&node, &id).await.filter(|said| said.contains(word)));
        println!("{fault:?}: {}", said.await);
    }
    for device in [endless, slow, fine] {
        let id = id_of(&node, device).await;
        let since = now();
        let again =
            until("a neighbour is read", async || node.device(&id).await.filter(|view| read_at(view) > Some(since)));
        assert_eq!(trouble(&again.await), None);
    }
    fleet.devices().iter().for_each(|device| device.control.clear_fault());
    for device in faulty {
        let id = id_of(&node, device).await;
        until("it is fine again", async || node.device(&id).await.filter(|view| trouble(view).is_none())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_a_table_without_an_end_ends() {
    let place = Place::new(53);
    let fleet = place.printers(2).await;
    let node = Node::start(Setup::alone(&place).network("office", &fleet).adopting("mfp").discover_every("1h")).await;
    node.install("mfp").await;
    node.until_read(2).await;
    let [endless, fine] = fleet.devices() else { panic!("two devices") };
    let (id, fine_id) = (id_of(&node, endless).await, id_of(&node, fine).await);
    endless.control.set_fault(Fault::Endless);
    endless.control.change_configuration();
    let asked = endless.control.requests();
    until("it was walked and read", async || {
        (endless.control.requests() > asked + 8 && read_at(&node.device(&id).await?) > Some(now() - 1_500))
            .then_some(())
    })
    .await;
    let view = node.device(&id).await.unwrap();
    let readings = view.pointer("/snapshot/report/readings").and_then(Value::as_array).map_or(0, Vec::len);
    assert!(readings < 200, "{readings} readings of a printer");
    let since = now();
    until("its neighbour is read", async || node.device(&fine_id).await.filter(|view| read_at(view) > Some(since)))
        .await;
    endless.control.clear_fault();
    endless.control.change_configuration();
    until("it is whole again", async || node.device(&id).await.filter(|view| levels(view) > 4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_values_of_the_wrong_type_are_left_out_and_harm_nothing() {
    let place = Place::new(52);
    let fleet = place.printers(2).await;
    let node = Node::start(Setup::alone(&place).network("office", &fleet).adopting("mfp").discover_every("1h")).await;
    node.install("mfp").await;
    node.until_read(2).await;
    let [wrong, fine] = fleet.devices() else { panic!("two devices") };
    let (wrong_id, fine_id) = (id_of(&node, wrong).await, id_of(&node, fine).await);
    wrong.control.set_fault(Fault::WrongType);
    wrong.control.change_configuration();
    let view = until("it is read with its types wrong", async || {
        let view = node.device(&wrong_id).await?;
        let told = trouble(&view).is_some() || levels(&view) == 0;
        told.then_some(view)
    })
    .await;
    println!("of the wrong type: condition {}, trouble {:?}", view["condition"], trouble(&view));
    let log = node.log();
    assert!(!log.contains("crashed") && !log.contains("panicked"), "the plug-in crashed");
    let view = node.device(&fine_id).await.unwrap();
    assert!(trouble(&view).is_none() && levels(&view) > 0, "{view:#}");
    wrong.control.clear_fault();
    wrong.control.change_configuration();
    until("it is fine again", async || {
        node.device(&wrong_id).await.filter(|view| trouble(view).is_none() && levels(view) > 0)
    })
    .await;
}

fn levels(view: &Value) -> usize {
    let readings = view.pointer("/snapshot/report/readings").and_then(Value::as_array);
    readings.map_or(0, |all| all.iter().filter(|one| one["name"] == "supply.level").count())
}
