//! Alerts from rows and from bits, status, traps.

use super::{alert, codes, cost, printer, read, status};
use crate::Mfp;
use hostler_plugin::Driver;
use hostler_plugin::snmp::{Binding, Value as Object};
use hostler_plugin::types::{Notice, Severity, Status};

#[test]
fn rows_name_their_parts() {
    let mut host = printer();
    status(&mut host, 5, 1, &[0x4C]);
    alert(&mut host, 1, [3, 8, 2, 808], "Load paper");
    alert(&mut host, 2, [4, 11, 1, 1104], "Toner low");
    alert(&mut host, 3, [3, 6, 1, 3], "Close the cover");
    let report = read(&mut host);
    let told: Vec<_> = report.alerts.iter().map(|a| (a.code.as_str(), a.part.as_deref(), a.severity)).collect();
    let expected = [
        ("input-media-supply-empty", Some("Tray 2"), Severity::Critical),
        ("marker-supply-low", Some("black toner"), Severity::Warning),
        ("cover-open", Some("Front cover"), Severity::Critical),
        ("paper-jam", None, Severity::Critical),
    ];
    assert_eq!(told[..3], expected[..3]);
    assert_eq!(told[3], expected[3], "the bit that no row speaks of");
    assert_eq!(report.alerts[0].text.as_deref(), Some("Load paper"));
    assert_eq!(report.status, Status::Stopped);
}

#[test]
fn bits_and_rows_are_told_once() {
    let mut host = printer();
    status(&mut host, 3, 3, &[0x21, 0x04]);
    alert(&mut host, 1, [4, 11, 1, 12], "Toner almost empty");
    assert_eq!(codes(&read(&mut host)), ["marker-supply-low", "input-media-supply-empty"]);
}

#[test]
fn without_rows_bits_are_alerts() {
    let mut host = printer();
    status(&mut host, 3, 4, &[0xA0]);
    let report = read(&mut host);
    assert_eq!(codes(&report), ["input-media-supply-low", "marker-supply-low"]);
    assert!(report.alerts.iter().all(|alert| alert.severity == Severity::Warning));
    assert_eq!(report.status, Status::Warning);
}

#[test]
fn an_alert_comes_and_goes() {
    let mut host = printer();
    let _ = read(&mut host);
    alert(&mut host, 1, [4, 8, 1, 807], "Paper low");
    assert_eq!(codes(&read(&mut host)), ["input-media-supply-low"], "the count of events says so, not the status");
    assert_eq!(cost(&mut host).operations, 2);
    host.remove("1.3.6.1.2.1.43.18");
    assert!(codes(&read(&mut host)).is_empty());
    assert_eq!(cost(&mut host).operations, 1);
}

#[test]
fn a_device_with_a_complaint_costs_two_round_trips() {
    let mut host = printer();
    status(&mut host, 3, 3, &[0x20]);
    let _ = read(&mut host);
    let steady = cost(&mut host);
    assert_eq!((steady.operations, steady.round_trips, steady.state_writes), (2, 2, 0));
}

#[test]
fn asleep_is_no_fault() {
    let mut host = printer();
    status(&mut host, 2, 1, &[0]);
    assert_eq!(read(&mut host).status, Status::Asleep);
    status(&mut host, 5, 1, &[0]);
    host.text("1.3.6.1.2.1.43.16.5.1.2.1.1", "Sleep mode");
    assert_eq!(read(&mut host).status, Status::Asleep);
    status(&mut host, 3, 1, &[0]);
    host.text("1.3.6.1.2.1.43.16.5.1.2.1.1", "");
    alert(&mut host, 1, [5, 5, -1, 23], "Power saver");
    let report = read(&mut host);
    assert_eq!(report.status, Status::Asleep);
    assert!(report.alerts.is_empty());
}

#[test]
fn a_trap_of_an_alert_is_a_reading() {
    let mut host = printer();
    let _ = read(&mut host);
    alert(&mut host, 1, [3, 13, 1, 8], "Paper jam");
    status(&mut host, 5, 1, &[0x04]);
    let oid = |text: &str| hostler_plugin::oid::from_dotted(text).unwrap();
    let row = Binding { oid: oid("1.3.6.1.2.1.43.18.1.1.7.1.1"), value: Object::Integer(8) };
    let outcome = host.call(|| Mfp::take_notice(Notice::Trap(vec![row]))).unwrap().unwrap();
    assert_eq!(codes(&outcome.report), ["paper-jam"]);
    assert_eq!(outcome.report.status, Status::Stopped);
}

#[test]
fn a_trap_of_a_start_is_a_reading_and_others_say_nothing() {
    let mut host = printer();
    let oid = |text: &str| hostler_plugin::oid::from_dotted(text).unwrap();
    let trap = |name: &str| {
        Notice::Trap(vec![Binding { oid: oid("1.3.6.1.6.3.1.1.4.1.0"), value: Object::ObjectId(oid(name)) }])
    };
    assert!(host.call(|| Mfp::take_notice(trap("1.3.6.1.6.3.1.1.5.1"))).unwrap().is_some());
    host.reset_traffic();
    assert_eq!(host.call(|| Mfp::take_notice(trap("1.3.6.1.4.1.9.9.1"))).unwrap(), None);
    assert_eq!(host.traffic.operations, 0);
}
