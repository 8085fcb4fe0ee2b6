//! D2 between a manager and a gateway that joined: orders that the manager signed, readings that the gateway signed, and a
//! secret that was sealed to it. That nobody between can make anything of them is shown where one between can be made to
//! try (`services/src/tree/trust_tests.rs`).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Network, Node, Place, Setup, program, until};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The port of devices' pages.
const PAGE: u16 = 8081;

/// What the gateway is given: the community of the devices, in words that are found again where they are.
const GIVEN: &str = "# orchid-and-fern\nversion = \"2c\"\ncommunity = \"public\"\n";
const FOUND: &[u8] = b"orchid-and-fern";

/// Runs a verb for a node, with this at standard input; returns whether that went well, and what it said.
fn tell(node: &Node, arguments: &[&str], text: &str) -> (bool, String) {
    let mut command = Command::new(program());
    command.args(arguments).arg("--data").arg(node.data());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

/// The files below a folder that hold these bytes.
fn holding(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, bytes));
        } else if std::fs::read(&path).is_ok_and(|read| read.windows(bytes.len()).any(|part| part == bytes)) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn d02_a_gateway_that_joined_obeys_its_manager_and_is_given_what_it_reads_with() {
    let place = Place::new(199);
    let manager = Node::start(Setup::joined(&place, PAGE)).await;
    manager.install("mfp").await;
    let fleet = place.printers(2).await;
    let join = manager.api().get("join").await.unwrap();
    let network = Network { credentials: vec!["office".to_owned()], ..Network::of("office", &fleet) };
    let setup = Setup::joining_gateway(&place, 1, &join).networks([network]).adopting("mfp");
    let mut gateway = Node::start(setup.credential("office", "version = \"2c\"\ncommunity = \"another\"")).await;
    let made = manager.registered(&["--shared", "1"]).await;
    let _ = gateway.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
    until("it is connected", async || (gateway.membership().await["state"] == "connected").then_some(())).await;

    let alive = manager.run(&["node", "check", "gateway-1", "--within", "60s"]).await.well();
    assert!(alive.contains("it is there"), "{alive}");

    let set = ["node", "credential", "set", "gateway-1", "office", "--within", "60s"];
    let (well, said) = tell(&manager, &set, "orchid-and-fern");
    assert!(!well && said.contains("community = ") && !said.contains("orchid"), "{said}");
    assert!(manager.devices().await.unwrap().is_empty(), "nothing answers to what is in its configuration");
    let (well, said) = tell(&manager, &set, GIVEN);
    assert!(well, "{said}");
    // It is used at once, and what it reads is shown as it signed it.
    manager.until_read(2).await;

    assert_eq!(holding(&gateway.data(), FOUND), ["credentials.json"], "in its own file, and nowhere else");
    assert!(holding(&manager.data(), FOUND).is_empty(), "the manager has nothing of it");
    for log in [manager.log(), gateway.log()] {
        assert!(!log.contains("orchid-and-fern"), "it is in a log");
    }
    gateway.start_again().await;
    manager.until_read(2).await;
    let events = manager.events().await.unwrap();
    let refused = |name: &str| events.iter().any(|event| event["name"] == name);
    assert!(!refused("order.refused") && !refused("reading.refused"), "{events:?}");
}
