//! The whole driver against a host made of maps: a printer of our own making, and recordings of real ones.

mod alerts;
mod commands;
mod hostile;
mod recognising;
mod recordings;
mod steady;
mod supplies;

use crate::Mfp;
use hostler_plugin::Driver;
use hostler_plugin::snmp::Value as Object;
use hostler_plugin::testing::Host;
use hostler_plugin::types::{Failure, Reading, Report, Value};

/// A colour printer that has everything: four toners in percent, a waste box in tenths of grams, three trays, covers,
/// two lines of console.
fn printer() -> Host {
    let mut host = Host::new();
    host.text("1.3.6.1.2.1.1.1.0", "Example Corporation Fern 220, firmware 2.4.1");
    host.object_id("1.3.6.1.2.1.1.2.0", "1.3.6.1.4.1.99999.1.2");
    host.object("1.3.6.1.2.1.1.3.0", Object::TimeTicks(1_000_000));
    host.text("1.3.6.1.2.1.1.5.0", "fern-1").text("1.3.6.1.2.1.1.6.0", "Hall");
    host.object_id("1.3.6.1.2.1.25.3.2.1.2.1", "1.3.6.1.2.1.25.3.1.5");
    host.text("1.3.6.1.2.1.25.3.2.1.3.1", "Example Corporation Fern 220");
    status(&mut host, 2, 3, &[0]);
    host.object("1.3.6.1.2.1.43.5.1.1.1.1", Object::Counter32(7));
    host.text("1.3.6.1.2.1.43.5.1.1.17.1", "EX000001");
    host.object("1.3.6.1.2.1.43.5.1.1.19.1", Object::Counter32(0));
    host.integer("1.3.6.1.2.1.43.10.2.1.3.1.1", 7);
    pages(&mut host, 12_000);
    for (index, colour) in (1..).zip(["black", "cyan", "magenta", "yellow"]) {
        supply(&mut host, index, &[index, 3, 3, 19, 26_000, 80], &format!("{colour} toner"));
        host.text(&format!("1.3.6.1.2.1.43.12.1.1.4.1.{index}"), colour);
    }
    supply(&mut host, 5, &[0, 4, 4, 13, 9_000, 4_500], "Waste toner box");
    for index in 1..=3 {
        let at = |column: u32| format!("1.3.6.1.2.1.43.8.2.1.{column}.1.{index}");
        host.integer(&at(8), 8).integer(&at(9), 550).integer(&at(10), 300);
        host.text(&at(12), "iso_a4_210x297mm").text(&at(13), &format!("Tray {index}"));
    }
    for index in 1..=2 {
        host.text(&format!("1.3.6.1.2.1.43.6.1.1.2.1.{index}"), "Front cover");
        host.integer(&format!("1.3.6.1.2.1.43.6.1.1.3.1.{index}"), 4);
        host.text(&format!("1.3.6.1.2.1.43.16.5.1.2.1.{index}"), if index == 1 { "Ready" } else { "" });
    }
    host
}

/// hrDeviceStatus, hrPrinterStatus, hrPrinterDetectedErrorState.
fn status(host: &mut Host, device: i32, printer: i32, errors: &[u8]) {
    host.integer("1.3.6.1.2.1.25.3.2.1.5.1", device).integer("1.3.6.1.2.1.25.3.5.1.1.1", printer);
    host.object("1.3.6.1.2.1.25.3.5.1.2.1", Object::Octets(errors.to_vec()));
}

/// Colourant, class, type, unit, capacity, level.
fn supply(host: &mut Host, index: i32, numbers: &[i32; 6], description: &str) {
    for (column, number) in [3, 4, 5, 7, 8, 9].into_iter().zip(numbers) {
        host.integer(&format!("1.3.6.1.2.1.43.11.1.1.{column}.1.{index}"), *number);
    }
    host.text(&format!("1.3.6.1.2.1.43.11.1.1.6.1.{index}"), description);
}

fn level(host: &mut Host, index: u32, level: i32) {
    host.integer(&format!("1.3.6.1.2.1.43.11.1.1.9.1.{index}"), level);
}

fn pages(host: &mut Host, count: u32) {
    host.object("1.3.6.1.2.1.43.10.2.1.4.1.1", Object::Counter32(count));
}

/// A row of prtAlertTable: severity, group, index in the group, code.
fn alert(host: &mut Host, index: u32, numbers: [i32; 4], text: &str) {
    for (column, number) in [2, 4, 5, 7].into_iter().zip(numbers) {
        host.integer(&format!("1.3.6.1.2.1.43.18.1.1.{column}.1.{index}"), number);
    }
    host.text(&format!("1.3.6.1.2.1.43.18.1.1.8.1.{index}"), text);
    host.object("1.3.6.1.2.1.43.5.1.1.19.1", Object::Counter32(index));
}

fn read(host: &mut Host) -> Report {
    host.call(Mfp::read).expect("a reading").report
}

/// What the reading costs.
fn cost(host: &mut Host) -> hostler_plugin::testing::Traffic {
    host.reset_traffic();
    let _ = read(host);
    host.traffic
}

fn named<'r>(report: &'r Report, name: &str) -> Vec<&'r Reading> {
    report.readings.iter().filter(|reading| reading.name == name).collect()
}

fn page_count(report: &Report) -> u64 {
    match named(report, "pages.printed")[0].value {
        Value::Counter(count) => count,
        ref other => panic!("{other:?}"),
    }
}

fn attribute<'r>(reading: &'r Reading, name: &str) -> Option<&'r str> {
    reading.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn codes(report: &Report) -> Vec<&str> {
    report.alerts.iter().map(|alert| alert.code.as_str()).collect()
}

fn events(host: &Host) -> Vec<&str> {
    host.events.iter().map(|event| event.name.as_str()).collect()
}

#[test]
fn a_device_that_is_gone_is_unreachable() {
    let mut host = printer();
    let _ = read(&mut host);
    host.silent = true;
    assert!(matches!(host.call(Mfp::read), Err(Failure::Unreachable(_))));
    assert!(matches!(host.call(Mfp::recognise), Err(Failure::Unreachable(_))));
    assert!(matches!(host.call(Mfp::identify), Err(Failure::Unreachable(_))));
}
