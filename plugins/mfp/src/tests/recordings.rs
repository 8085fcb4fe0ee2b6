//! Recorded answers of real devices. They are no part of the project and are looked for beside it; nothing of what
//! they contain is repeated here, so these tests say what must hold of any of them.

use super::{attribute, cost, named};
use crate::Mfp;
use hostler_plugin::Driver;
use hostler_plugin::testing::{Host, recordings, skipped};
use hostler_plugin::types::{Amount, Certainty, DeviceType, Value};
use std::path::PathBuf;

/// The recordings of a folder by name; empty, and said so, where there are none.
fn folder(name: &str) -> Vec<(String, PathBuf)> {
    let Some(folder) = recordings(env!("CARGO_MANIFEST_DIR")).map(|recordings| recordings.join(name)) else {
        skipped("the recordings of real devices are not here (set HOSTLER_RECORDINGS to their folder)");
        return vec![];
    };
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "snmprec"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}

fn printers() -> Vec<(String, Host)> {
    let of = |(name, path): (String, PathBuf)| (name, Host::from_snmprec(&path).unwrap());
    folder("snmp").into_iter().filter(|(name, _)| !name.contains("scanner")).map(of).collect()
}

#[test]
fn every_printer_is_recognised() {
    for (name, mut host) in printers() {
        let recognition = host.call(Mfp::recognise).unwrap().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(recognition.certainty, Certainty::Certain, "{name}");
        assert!(!recognition.title.is_empty(), "{name}");
        assert_eq!(host.traffic.operations, 1, "{name}");
    }
}

#[test]
fn every_printer_that_only_says_its_name_is_recognised() {
    for (name, path) in folder("snmp/identity-only") {
        let mut host = Host::from_snmprec(&path).unwrap();
        assert!(host.call(Mfp::recognise).unwrap().is_some(), "{name}");
        let identity = host.call(Mfp::identify).unwrap();
        assert!(identity.manufacturer.is_some(), "{name}");
        let report = host.call(Mfp::read).unwrap().report;
        assert!(report.alerts.is_empty(), "{name}");
    }
}

#[test]
fn what_is_no_printer_is_not_claimed() {
    let scanners = folder("snmp").into_iter().filter(|(name, _)| name.contains("scanner"));
    for (name, path) in folder("snmp/not-printers").into_iter().chain(scanners) {
        let mut host = Host::from_snmprec(&path).unwrap();
        assert_eq!(host.call(Mfp::recognise).unwrap(), None, "{name}");
        assert!(host.traffic.operations <= 2, "{name}");
    }
}

#[test]
fn identities_are_whole() {
    const SINGLE: [&str; 2] = ["canonprinter_lbp", "jetdirect_m252dw"];
    for (name, mut host) in printers() {
        let identity = host.call(Mfp::identify).unwrap();
        let maker = identity.manufacturer.clone().unwrap_or_else(|| panic!("{name}: no maker"));
        let model = identity.model.clone().unwrap_or_else(|| panic!("{name}: no model"));
        assert!(!model.to_lowercase().starts_with(&maker.to_lowercase()), "{name}: {model}");
        assert!(!model.contains(';') && !model.to_lowercase().contains("generic"), "{name}: {model}");
        let expected = if SINGLE.contains(&name.as_str()) { DeviceType::Printer } else { DeviceType::Mfp };
        assert_eq!(identity.device_type, expected, "{name}");
        let has_interface = host.objects.keys().any(|oid| oid.starts_with(&[1, 3, 6, 1, 2, 1, 2, 2, 1, 6]));
        assert_eq!(identity.mac.is_some(), has_interface, "{name}");
    }
}

#[test]
fn every_supply_tray_and_counter_is_read() {
    for (name, mut host) in printers() {
        let rows = |root: &[u32]| host.objects.keys().filter(|oid| oid.starts_with(root)).count();
        let supplies = rows(&[1, 3, 6, 1, 2, 1, 43, 11, 1, 1, 9]);
        let trays = rows(&[1, 3, 6, 1, 2, 1, 43, 8, 2, 1, 10]);
        let counters = rows(&[1, 3, 6, 1, 2, 1, 43, 10, 2, 1, 4]);
        let report = host.call(Mfp::read).unwrap().report;
        assert_eq!(named(&report, "supply.level").len(), supplies, "{name}");
        assert_eq!(named(&report, "tray.level").len(), trays, "{name}");
        assert_eq!(named(&report, "pages.printed").len(), counters, "{name}");
        for reading in &report.readings {
            if let Value::Level(level) = &reading.value {
                assert!(reading.label.as_deref().is_some_and(|label| !label.is_empty()), "{name}: {reading:?}");
                if let (Amount::Exact(remaining), Some(capacity)) = (&level.remaining, level.capacity) {
                    assert!((0.0..=capacity).contains(remaining), "{name}: {reading:?}");
                }
            }
        }
    }
}

#[test]
fn colours_classes_and_types_are_told() {
    for (name, mut host) in printers() {
        let report = host.call(Mfp::read).unwrap().report;
        for reading in named(&report, "supply.level") {
            let label = reading.label.as_deref().unwrap_or_default().to_lowercase();
            let class = attribute(reading, "class").unwrap();
            assert_eq!(class == "filled", label.contains("waste"), "{name}: {label} is {class}");
            for colour in ["cyan", "magenta", "yellow", "black"] {
                if label.contains(colour) {
                    assert_eq!(attribute(reading, "colour"), Some(colour), "{name}: {label}");
                }
            }
            if label.contains("toner") && class == "consumed" {
                assert!(matches!(attribute(reading, "type"), Some("toner")), "{name}: {reading:?}");
            }
            assert!(!label.contains("s/n") && !label.contains(", pn"), "{name}: {label}");
        }
    }
}

#[test]
fn bits_of_the_recordings_are_alerts() {
    let low = [("samsungprinter_m4080fx", "input-media-supply-low"), ("sharp", "marker-supply-low")];
    for (name, mut host) in printers() {
        let report = host.call(Mfp::read).unwrap().report;
        let codes: Vec<&str> = report.alerts.iter().map(|alert| alert.code.as_str()).collect();
        let expected: Vec<&str> = low.iter().filter(|(of, _)| *of == name).map(|(_, code)| *code).collect();
        assert_eq!(codes, expected, "{name}");
    }
}

#[test]
fn a_second_reading_asks_for_less_and_says_the_same() {
    for (name, mut host) in printers() {
        host.reset_traffic();
        let first = host.call(Mfp::read).unwrap();
        let cold = host.traffic;
        let second = host.call(Mfp::read).unwrap();
        assert_eq!(first, second, "{name}");
        let steady = cost(&mut host);
        assert!(steady.round_trips < cold.round_trips && steady.round_trips <= 2, "{name}: {cold:?} then {steady:?}");
        assert_eq!(steady.state_writes, 0, "{name}");
        assert!(host.events.is_empty(), "{name}");
    }
}
