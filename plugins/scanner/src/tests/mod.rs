//! The whole driver against a host made of maps, and against recordings where there are any.

use crate::Scanner;
use hostler_plugin::Driver;
use hostler_plugin::snmp::Value as Object;
use hostler_plugin::testing::{Host, recordings, skipped};
use hostler_plugin::types::{Amount, Certainty, DeviceType, Failure, Level, Report, Status, Value};

fn heron() -> Host {
    let mut host = Host::new();
    host.text("1.3.6.1.2.1.1.1.0", "Example Corporation Heron S80 document scanner, firmware 3.2.0");
    host.object_id("1.3.6.1.2.1.1.2.0", "1.3.6.1.4.1.99999.3");
    host.object("1.3.6.1.2.1.1.3.0", Object::TimeTicks(60_000));
    host.object_id("1.3.6.1.2.1.25.3.2.1.2.1", "1.3.6.1.2.1.25.3.1.1");
    host.text("1.3.6.1.2.1.25.3.2.1.3.1", "Example Corporation Heron S80");
    host.integer("1.3.6.1.2.1.25.3.2.1.5.1", 2);
    counts(&mut host, 10_000, 30_000);
    host.object("1.3.6.1.4.1.99999.3.1.3.0", Object::Gauge32(600_000));
    host.integer("1.3.6.1.4.1.99999.3.1.4.0", 1);
    host.text("1.3.6.1.4.1.99999.3.1.5.0", "HS80000001").text("1.3.6.1.4.1.99999.3.1.6.0", "3.2.0");
    host.object("1.3.6.1.2.1.2.2.1.6.1", Object::Octets(vec![0, 0, 0x5E, 0, 0x53, 1]));
    host
}

fn counts(host: &mut Host, documents: u32, revolutions: u32) {
    host.object("1.3.6.1.4.1.99999.3.1.1.0", Object::Counter32(documents));
    host.object("1.3.6.1.4.1.99999.3.1.2.0", Object::Counter32(revolutions));
}

fn read(host: &mut Host) -> Report {
    host.call(Scanner::read).expect("a reading").report
}

fn value(report: &Report, name: &str) -> Value {
    report.readings.iter().find(|reading| reading.name == name).map(|reading| reading.value.clone()).expect(name)
}

#[test]
fn a_model_that_we_know() {
    let mut host = heron();
    let recognition = host.call(Scanner::recognise).unwrap().unwrap();
    assert_eq!((recognition.certainty, recognition.device_type), (Certainty::Certain, DeviceType::Scanner));
    assert_eq!(recognition.title, "Heron S80");
    let identity = host.call(Scanner::identify).unwrap();
    assert_eq!(identity.manufacturer.as_deref(), Some("Example Corporation"));
    assert_eq!(identity.model.as_deref(), Some("Heron S80"));
    assert_eq!(identity.serial.as_deref(), Some("HS80000001"));
    assert_eq!(identity.firmware.as_deref(), Some("3.2.0"));
    assert_eq!(identity.mac.as_deref(), Some("00:00:5e:00:53:01"));
}

#[test]
fn a_reading_is_one_get_and_a_steady_one_writes_nothing() {
    let mut host = heron();
    let report = read(&mut host);
    assert_eq!(report.status, Status::Ready);
    assert_eq!(value(&report, "documents.fed"), Value::Counter(10_000));
    assert_eq!(value(&report, "roller.revolutions"), Value::Counter(30_000));
    let level = Level { remaining: Amount::Exact(570_000.0), capacity: Some(600_000.0) };
    assert_eq!(value(&report, "roller.level"), Value::Level(level));
    host.reset_traffic();
    counts(&mut host, 10_100, 30_300);
    let _ = read(&mut host);
    assert_eq!((host.traffic.operations, host.traffic.round_trips, host.traffic.state_writes), (1, 1, 0));
}

#[test]
fn new_rollers_are_told_and_the_count_goes_on() {
    let mut host = heron();
    let _ = read(&mut host);
    counts(&mut host, 10_001, 3);
    let report = read(&mut host);
    assert_eq!(value(&report, "roller.revolutions"), Value::Counter(30_000));
    let level = Level { remaining: Amount::Exact(599_997.0), capacity: Some(600_000.0) };
    assert_eq!(value(&report, "roller.level"), Value::Level(level));
    assert_eq!(host.events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["supply.replaced"]);
}

#[test]
fn rollers_past_their_life_have_nothing_left() {
    let mut host = heron();
    counts(&mut host, 300_000, 900_000);
    let level = Level { remaining: Amount::Exact(0.0), capacity: Some(600_000.0) };
    assert_eq!(value(&read(&mut host), "roller.level"), Value::Level(level));
}

#[test]
fn the_feeder_complains() {
    let mut host = heron();
    for (state, code) in [(2, "paper-jam"), (3, "cover-open")] {
        host.integer("1.3.6.1.4.1.99999.3.1.4.0", state);
        let report = read(&mut host);
        assert_eq!(report.status, Status::Stopped);
        assert_eq!(report.alerts[0].code, code);
        assert_eq!(report.alerts[0].part.as_deref(), Some("document feeder"));
    }
}

#[test]
fn what_prints_is_no_scanner() {
    let mut host = heron();
    host.object_id("1.3.6.1.2.1.25.3.2.1.2.2", "1.3.6.1.2.1.25.3.1.5");
    assert_eq!(host.call(Scanner::recognise).unwrap(), None);
    let mut host = heron();
    host.object("1.3.6.1.2.1.43.10.2.1.4.1.1", Object::Counter32(1));
    assert_eq!(host.call(Scanner::recognise).unwrap(), None);
}

#[test]
fn words_alone_are_weighed() {
    let recognise = |descr: &str| Host::new().text("1.3.6.1.2.1.1.1.0", descr).call(Scanner::recognise).unwrap();
    assert_eq!(recognise("Example network scanner").map(|r| r.certainty), Some(Certainty::Likely));
    for descr in ["Example barcode scanner", "Example Printer / Example Scanner", "EPSON Network Projector", ""] {
        assert_eq!(recognise(descr), None, "{descr}");
    }
}

#[test]
fn a_device_that_is_gone_is_unreachable() {
    let mut host = heron();
    host.silent = true;
    assert!(matches!(host.call(Scanner::read), Err(Failure::Unreachable(_))));
}

#[test]
fn of_the_recordings_the_scanner_is_one_and_nothing_else_is() {
    let Some(folder) = recordings(env!("CARGO_MANIFEST_DIR")) else {
        return skipped("the recordings of real devices are not here (set HOSTLER_RECORDINGS to their folder)");
    };
    let mut scanners = 0;
    for name in ["snmp", "snmp/identity-only", "snmp/not-printers"] {
        for entry in std::fs::read_dir(folder.join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "snmprec") {
                continue;
            }
            let mut host = Host::from_snmprec(&path).unwrap();
            let recognition = host.call(Scanner::recognise).unwrap();
            assert!(host.traffic.operations <= 2, "{}", path.display());
            let is_scanner = path.to_string_lossy().contains("scanner");
            assert_eq!(recognition.is_some(), is_scanner, "{}", path.display());
            if is_scanner {
                scanners += 1;
                let identity = host.call(Scanner::identify).unwrap();
                assert!(identity.model.is_some() && identity.firmware.is_some() && identity.mac.is_some());
                assert_eq!(identity.manufacturer.as_deref(), Some("Epson"));
                let report = read(&mut host);
                assert_eq!(report.status, Status::Ready);
                assert!(matches!(value(&report, "uptime"), Value::Gauge(seconds) if seconds > 0.0));
            }
        }
    }
    assert_eq!(scanners, 1);
}
