//! E12: PINs are carried to devices from a terminal, and the outcome is the true one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod terminal;

use hostler_tests::{Node, Setup, device_address};
use serde_json::{Value, json};
use terminal::device::Faults;
use terminal::{Office, text};

#[tokio::test(flavor = "multi_thread")]
async fn e12_the_pins_of_a_registration_are_brought_by_snmp_and_where_no_agent_is_by_http() {
    let office = Office::open(116, &["lan-discovery", "pin-delivery"]).await;
    let lost = Faults { loses_answers: true, ..Faults::default() };
    let mute = Faults { no_agent: true, ..Faults::default() };
    let (Some(first), Some(second)) = (office.device(2, "A1", lost).await, office.device(5, "B2", mute).await) else {
        return;
    };
    let token = office.manager.api().post("tokens", &json!({ "label": "t", "right": "own", "days": 1 })).await;
    let token = text(&token.unwrap(), "token");
    let owner = office.manager.api().with_token(Some(&token));
    // The third address is nobody's.
    let addresses = [2, 5, 6].map(|last| office.at(last).to_string()).join("\n");
    let made = owner.post("registrations", &json!({ "addresses": addresses })).await.unwrap();
    let url = office.manager.api().base().to_owned();
    let link = format!("hostler://enroll?manager={url}&registration={}", text(&made, "id"));
    // With --url the user says that it is theirs.
    let ran = office.enroll(&["--url", &url, "--token", &token, "--json", &link]).await;
    assert_eq!(ran.code, Some(1), "one isn't there: {ran:?}");
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    let came = |place: usize| {
        let outcome = &said["outcomes"][place];
        (text(outcome, "verdict"), text(outcome, "by"))
    };
    assert_eq!(came(0), ("connected".to_owned(), "snmp".to_owned()), "{said}");
    assert_eq!(came(1), ("connected".to_owned(), "http".to_owned()), "{said}");
    assert_eq!(came(2).0, "unreachable", "{said}");
    assert_eq!((first.brought(), second.brought()), (1, 1), "what lost its answer wasn't sent again");
    assert_eq!((first.state(), second.state()), ("connected", "connected"));
    assert_eq!(office.enrolled().await, ["A1", "B2"]);
    // The second time the manager is one that this user used, and the link needs no --url.
    let again = office.run(&["enroll", "--yes", "--range", &format!("{}/29", office.at(0)), &link]).await;
    assert!(again.err.contains("nobody is at the terminal to log in"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e12_a_device_that_the_manager_does_not_let_in_is_told_with_the_reason() {
    let office = Office::open(117, &["lan-discovery", "pin-delivery"]).await;
    let Some(_) = office.device(2, "A1", Faults::default()).await else { return };
    let _ = office.enroll(&[]).await.well();
    let _ = office.manager.run(&["enrolled", "bar", "A1", "--why", "stolen"]).await.well();
    // The thief resets it at another place in the network.
    let Some(_) = office.device(4, "A1", Faults::default()).await else { return };
    let ran = office.enroll(&["--range", &format!("{}/32", office.at(4)), "--json"]).await;
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let outcomes = said["outcomes"].as_array().unwrap();
    assert!(
        outcomes.iter().any(|one| text(one, "verdict") == "refused" && text(one, "said").contains("barred")),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn e12_device_nodes_of_ours_come_in_by_snmp_and_where_they_may_not_be_written_to_by_http() {
    let office = Office::with(118, |place| Setup::joined(place, 8081), &["lan-enrollment"]).await;
    let join = office.manager.api().get("join").await.unwrap();
    let range = format!("{}/29", device_address(&office.place, 0));
    let enroll = async |more: &[&str]| {
        let ours = ["--range", &range, "--snmp-port", "11161", "--http-port", "8081", "--json"];
        let data = office.manager.data();
        let all = [&["enroll", "--yes", "--data", data.to_str().unwrap()], ours.as_slice(), more].concat();
        let ran = office.run(&all).await;
        serde_json::from_str::<Value>(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"))
    };
    let came = |said: &Value| {
        let all = said["outcomes"].as_array().unwrap();
        all.iter().map(|one| (text(one, "device"), text(one, "verdict"), text(one, "by"))).collect::<Vec<_>>()
    };
    let connected = |device: &str, by: &str| (device.to_owned(), "connected".to_owned(), by.to_owned());
    let _first = Node::start(Setup::device(&office.place, 1, &join)).await;
    let _second = Node::start(Setup::device(&office.place, 2, &join)).await;
    let said = enroll(&["--community", "private"]).await;
    assert_eq!(came(&said), [connected("SN-001", "snmp"), connected("SN-002", "snmp")], "{said}");
    // The third is found by who may only read, and gets a key.
    let _third = Node::start(Setup::device(&office.place, 3, &join)).await;
    let said = enroll(&["--community", "public", "--keys"]).await;
    assert_eq!(came(&said), [connected("SN-003", "http")], "{said}");
    assert_eq!(said["found"].as_array().unwrap().len(), 3, "{said}");
    assert_eq!(office.enrolled().await, ["SN-001", "SN-002", "SN-003"]);
}
