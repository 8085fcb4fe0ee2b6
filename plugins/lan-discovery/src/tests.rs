//! The plug-in in a network made of maps.

use super::LanDiscovery;
use hostler_plugin::snmp::Value;
use hostler_plugin::terminal::objects::{DEVICE, MANAGER, PROTOCOL, STATE, WINDOW};
use hostler_plugin::terminal::{Discovery, Found, Standing};
use hostler_plugin::testing::terminal::{Network, Reaction, Thing};

fn device(id: &str, state: &str) -> Thing {
    let mut thing = Thing::new(&[(PROTOCOL, "hostler-enrollment 1"), (DEVICE, id), (STATE, state), (MANAGER, "hq")]);
    thing.objects.insert(WINDOW.to_vec(), Value::Gauge32(120));
    thing
}

fn add(network: &mut Network, address: &str, thing: Thing) {
    network.add(address, thing, |_, _| Reaction::Well);
}

fn discover(network: &mut Network) -> Vec<Found> {
    network.call(LanDiscovery::discover).unwrap()
}

#[test]
fn e11_what_answers_to_the_broadcast_is_not_asked_again() {
    let mut network = Network::default();
    network.range("10.0.0.1", "10.0.0.6");
    add(&mut network, "10.0.0.2", device("A", "not-connected"));
    add(&mut network, "10.0.0.9", device("B", "connected"));
    let found = discover(&mut network);
    let said: Vec<_> = found.iter().map(|found| (found.device.as_str(), found.standing)).collect();
    assert_eq!(said, [("A", Standing::NotConnected), ("B", Standing::Connected)]);
    assert_eq!((found[0].takes_pin_for, found[0].manager.as_deref()), (120, Some("hq")));
    assert_eq!(network.asked, 5, "the rest of the range");
    assert!(network.reports.last().is_some_and(|(done, total, _)| done == total));
}

#[test]
fn e11_what_is_deaf_to_broadcasts_is_found_one_by_one() {
    let mut network = Network::default();
    network.range("10.0.0.1", "10.0.0.6");
    add(&mut network, "10.0.0.3", Thing { hears_broadcasts: false, ..device("A", "not-connected") });
    assert_eq!(discover(&mut network)[0].address, "10.0.0.3");
}

#[test]
fn e11_a_server_s_list_is_asked_instead_of_the_ranges() {
    let mut network = Network::default();
    network.range("10.0.0.1", "10.0.255.254");
    network.listed = vec!["10.0.7.7".to_owned()];
    add(&mut network, "10.0.7.7", Thing { hears_broadcasts: false, ..device("A", "not-connected") });
    add(&mut network, "10.0.0.3", device("B", "not-connected"));
    let found = discover(&mut network);
    assert_eq!((found.len(), found[0].device.as_str(), network.asked), (1, "A", 1));
}

#[test]
fn e11_other_agents_are_not_devices_and_none_hides_another_that_claims_its_id() {
    let mut network = Network::default();
    add(&mut network, "10.0.0.1", Thing::new(&[(DEVICE, "C")]));
    add(&mut network, "10.0.0.2", Thing::new(&[(PROTOCOL, "else 1"), (DEVICE, "D"), (STATE, "connected")]));
    add(&mut network, "10.0.0.3", device("A", "connecting"));
    add(&mut network, "10.0.0.4", device("A", "not-connected"));
    let found = discover(&mut network);
    let said: Vec<_> = found.iter().map(|found| (found.address.as_str(), found.device.as_str())).collect();
    assert_eq!(said, [("10.0.0.3", "A"), ("10.0.0.4", "A")]);
}

#[test]
fn e11_a_device_that_says_no_state_that_there_is_waits_for_no_pin() {
    let mut network = Network::default();
    add(&mut network, "10.0.0.3", device("A", "ready"));
    add(&mut network, "10.0.0.4", Thing::new(&[(PROTOCOL, "hostler-enrollment 1"), (DEVICE, "B")]));
    assert!(discover(&mut network).is_empty());
}

#[test]
fn e11_what_a_range_says_is_bounded_and_never_panics() {
    let mut network = Network::default();
    network
        .range("::", "ffff::")
        .range("x", "10.0.0.1")
        .range("10.0.0.9", "10.0.0.1")
        .range("255.255.255.255", "255.255.255.255");
    assert!(discover(&mut network).is_empty());
    assert_eq!(network.asked, 65_536 + 1);
}
