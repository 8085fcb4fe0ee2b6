//! Fleets as a whole: many devices, each its own, gone when dropped.

use std::collections::HashSet;

use hostler_simulator::profile::{fern_220, orchid_c4500};
use hostler_simulator::{Error, Fleet, FleetConfig};

use crate::{config, get, oid};

#[tokio::test]
async fn hundreds_of_devices_have_each_a_serial_and_an_address() {
    let default_mix = FleetConfig::default().mix;
    let fleet = Fleet::start(FleetConfig { mix: default_mix, ..config(fern_220(), 250) }).await.expect("fleet");
    let serials: HashSet<&str> = fleet.devices().iter().map(|device| device.serial.as_str()).collect();
    let addresses: HashSet<_> = fleet.devices().iter().map(|device| device.address).collect();
    let profiles: HashSet<&str> = fleet.devices().iter().map(|device| device.profile.as_str()).collect();
    assert_eq!((serials.len(), addresses.len(), profiles.len()), (250, 250, 3));
    for device in fleet.devices().iter().step_by(41) {
        let client = crate::client(device, async_snmp::Auth::v2c("public")).await;
        assert!(get(&client, "1.3.6.1.2.1.1.3.0").await.as_u32().is_some());
    }
}

#[tokio::test]
async fn equal_seeds_make_equal_fleets() {
    let level = oid("1.3.6.1.2.1.43.11.1.1.9.1.2");
    let told = |fleet: &Fleet| -> Vec<_> {
        fleet.devices().iter().map(|device| (device.serial.clone(), device.control.get(&level))).collect()
    };
    let one = Fleet::start(config(orchid_c4500(), 5)).await.expect("fleet");
    let two = Fleet::start(config(orchid_c4500(), 5)).await.expect("fleet");
    let other = Fleet::start(FleetConfig { seed: 2, ..config(orchid_c4500(), 5) }).await.expect("fleet");
    assert_eq!(told(&one), told(&two));
    assert_ne!(told(&one), told(&other));
}

#[tokio::test]
async fn a_dropped_fleet_gives_its_addresses_back() {
    let config = config(fern_220(), 3);
    let first = Fleet::start(config.clone()).await.expect("fleet");
    let error = Fleet::start(config.clone()).await.expect_err("in use");
    assert!(matches!(error, Error::Bind { .. }), "{error}");
    drop(first);
    // The tasks end at their next turn, not in drop itself.
    loop {
        match Fleet::start(config.clone()).await {
            Ok(_) => break,
            Err(Error::Bind { .. }) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
}
