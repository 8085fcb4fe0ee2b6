//! What a device tells while alerts, sleep and wear come over it.

use std::time::Duration;

use async_snmp::{Auth, UdpClient, Value};
use hostler_simulator::profile::{fern_220, heron_s80, orchid_c4500};
use hostler_simulator::{Condition, Counter, Sleep};

use crate::{get, impatient, start};

const DEVICE_STATUS: &str = "1.3.6.1.2.1.25.3.2.1.5.1";
const PRINTER_STATUS: &str = "1.3.6.1.2.1.25.3.5.1.1.1";
const ERROR_STATE: &str = "1.3.6.1.2.1.25.3.5.1.2.1";
const CONSOLE: &str = "1.3.6.1.2.1.43.16.5.1.2.1.1";
const LIFE_COUNT: &str = "1.3.6.1.2.1.43.10.2.1.4.1.1";
const BLACK_LEVEL: &str = "1.3.6.1.2.1.43.11.1.1.9.1.1";

async fn status(client: &UdpClient) -> (Value, Value, Vec<u8>) {
    let errors = get(client, ERROR_STATE).await.as_bytes().expect("bits").to_vec();
    (get(client, DEVICE_STATUS).await, get(client, PRINTER_STATUS).await, errors)
}

#[tokio::test]
async fn an_open_cover_is_told_everywhere() {
    let (_fleet, device, client) = start(orchid_c4500()).await;
    (1..=7).for_each(|supply| {
        device.control.replace_supply(supply);
    });
    assert_eq!(status(&client).await, (Value::Integer(2), Value::Integer(3), vec![0]));
    device.control.raise(Condition::CoverOpen);
    assert_eq!(status(&client).await, (Value::Integer(5), Value::Integer(1), vec![0x08]));
    assert_eq!(get(&client, "1.3.6.1.2.1.43.6.1.1.3.1.1").await, Value::Integer(3));
    assert_eq!(get(&client, CONSOLE).await, Value::from("Close the cover"));
    assert_eq!(get(&client, "1.3.6.1.2.1.43.17.6.1.2.1.2").await, Value::Integer(1000));
    device.control.clear(Condition::CoverOpen);
    assert_eq!(status(&client).await, (Value::Integer(2), Value::Integer(3), vec![0]));
    assert_eq!(get(&client, CONSOLE).await, Value::from("Ready"));
}

#[tokio::test]
async fn an_empty_toner_comes_from_pages_and_goes_with_a_new_one() {
    let (_fleet, device, client) = start(fern_220()).await;
    device.control.replace_supply(1);
    device.control.advance_pages(2_950);
    assert_eq!(get(&client, BLACK_LEVEL).await, Value::Integer(50));
    assert_eq!(status(&client).await, (Value::Integer(3), Value::Integer(3), vec![0x20]));
    device.control.advance_pages(50);
    assert_eq!(get(&client, BLACK_LEVEL).await, Value::Integer(0));
    assert_eq!(status(&client).await, (Value::Integer(5), Value::Integer(1), vec![0x10]));
    assert!(device.control.replace_supply(1));
    assert_eq!(status(&client).await, (Value::Integer(2), Value::Integer(3), vec![0]));
    assert!(!device.control.replace_supply(9));
}

#[tokio::test]
async fn an_ordered_toner_empty_agrees_with_the_level() {
    let (_fleet, device, client) = start(orchid_c4500()).await;
    device.control.replace_supply(1);
    device.control.raise(Condition::TonerEmpty);
    assert_eq!(get(&client, BLACK_LEVEL).await, Value::Integer(0));
    assert_eq!(get(&client, CONSOLE).await, Value::from("Replace toner: Black toner"));
    device.control.clear(Condition::TonerEmpty);
    assert_eq!(get(&client, BLACK_LEVEL).await, Value::Integer(100));
}

#[tokio::test]
async fn the_life_count_goes_on_over_its_wrap() {
    let (_fleet, device, client) = start(orchid_c4500()).await;
    device.control.set_counter(Counter::Life, u32::MAX - 1);
    assert_eq!(get(&client, LIFE_COUNT).await, Value::Counter32(u32::MAX - 1));
    device.control.advance_pages(5);
    assert_eq!(get(&client, LIFE_COUNT).await, Value::Counter32(3));
}

#[tokio::test]
async fn time_brings_pages_until_something_stops_them() {
    let config = hostler_simulator::FleetConfig { pages_per_hour: 100, ..crate::config(orchid_c4500(), 1) };
    let fleet = hostler_simulator::Fleet::start(config).await.expect("fleet");
    let control = &fleet.devices()[0].control;
    (1..=7).for_each(|supply| {
        control.replace_supply(supply);
    });
    let life = || control.get(&crate::oid(LIFE_COUNT)).and_then(|value| value.as_u32()).expect("counter");
    let before = life();
    control.advance_time(Duration::from_secs(36_000));
    let after = life();
    assert!((500..=1500).contains(&(after - before)), "{}", after - before);
    control.raise(Condition::PaperJam);
    control.advance_time(Duration::from_secs(36_000));
    assert_eq!(life(), after);
}

#[tokio::test]
async fn deep_sleep_ignores_warms_up_and_wakes() {
    let (_fleet, device, client) = start(orchid_c4500()).await;
    device.control.clear_all();
    let silent = Duration::from_millis(400);
    device.control.sleep(Sleep::Deep { silent, warm_up: Duration::from_secs(3600), delay: Duration::from_millis(1) });
    let unanswered = impatient(&device, Auth::v2c("public")).await.get(&crate::oid(CONSOLE)).await;
    assert!(unanswered.is_err());
    // Ask on until it answers: it was the first request that woke it.
    let patient = impatient(&device, Auth::v2c("public")).await;
    while patient.get(&crate::oid(CONSOLE)).await.is_err() {}
    assert_eq!(get(&client, PRINTER_STATUS).await, Value::Integer(5));
    assert_eq!(get(&client, CONSOLE).await, Value::from("Warming up"));
    device.control.wake();
    assert_eq!(get(&client, PRINTER_STATUS).await, Value::Integer(3));
}

#[tokio::test]
async fn light_sleep_answers_and_says_so() {
    let (_fleet, device, client) = start(orchid_c4500()).await;
    device.control.clear_all();
    device.control.sleep(Sleep::Light);
    assert_eq!(get(&client, CONSOLE).await, Value::from("Sleep"));
    assert_eq!(get(&client, PRINTER_STATUS).await, Value::Integer(1));
    assert_eq!(get(&client, DEVICE_STATUS).await, Value::Integer(2));
}

#[tokio::test]
async fn a_scanner_tells_its_makers_counters() {
    let (_fleet, device, client) = start(heron_s80()).await;
    let own = |last: &str| format!("1.3.6.1.4.1.99999.3.1.{last}.0");
    assert!(device.control.replace_supply(1));
    let fed = get(&client, &own("1")).await.as_u32().expect("counter");
    device.control.advance_pages(10);
    assert_eq!(get(&client, &own("1")).await, Value::Counter32(fed + 10));
    assert_eq!(get(&client, &own("2")).await, Value::Counter32(30));
    assert_eq!(get(&client, &own("3")).await, Value::Gauge32(600_000));
    assert_eq!(get(&client, &own("4")).await, Value::Integer(1));
    device.control.raise(Condition::PaperJam);
    assert_eq!(get(&client, &own("4")).await, Value::Integer(2));
    device.control.raise(Condition::CoverOpen);
    assert_eq!(get(&client, &own("4")).await, Value::Integer(3));
    assert_eq!(get(&client, &own("5")).await, Value::from(device.serial.as_str()));
    device.control.set_firmware("3.3.0");
    assert_eq!(get(&client, &own("6")).await, Value::from("3.3.0"));
    let described = get(&client, "1.3.6.1.2.1.1.1.0").await;
    assert!(described.as_str().expect("text").ends_with("firmware 3.3.0"));
}

#[tokio::test]
async fn objects_can_be_set_taken_away_and_restored() {
    let (_fleet, device, client) = start(orchid_c4500()).await;
    let serial = crate::oid("1.3.6.1.2.1.43.5.1.1.17.1");
    device.control.remove_object(serial.clone());
    assert_eq!(get(&client, "1.3.6.1.2.1.43.5.1.1.17.1").await, Value::NoSuchObject);
    device.control.set_object(serial.clone(), "".into());
    assert_eq!(get(&client, "1.3.6.1.2.1.43.5.1.1.17.1").await, Value::from(""));
    device.control.restore_objects(&serial);
    assert_eq!(get(&client, "1.3.6.1.2.1.43.5.1.1.17.1").await, Value::from(device.serial.as_str()));
    device.control.change_configuration();
    assert_eq!(get(&client, "1.3.6.1.2.1.43.5.1.1.1.1").await, Value::Counter32(2));
    device.control.show(Some("Out for lunch"));
    assert_eq!(get(&client, CONSOLE).await, Value::from("Out for lunch"));
}
