//! Supplies, trays, covers and the console.

use super::{attribute, events, level, named, printer, read, supply};
use hostler_plugin::types::{Amount, Level, Status, Value};

#[test]
fn everything_is_read_with_its_words() {
    let mut host = printer();
    let report = read(&mut host);
    assert_eq!(report.status, Status::Ready);
    assert_eq!(report.console, ["Ready"]);
    let supplies = named(&report, "supply.level");
    let waste = supplies[4];
    assert_eq!(waste.label.as_deref(), Some("Waste toner box"));
    assert_eq!(waste.unit.as_deref(), Some("g"));
    assert_eq!(waste.value, Value::Level(Level { remaining: Amount::Exact(450.0), capacity: Some(900.0) }));
    assert_eq!(attribute(waste, "class"), Some("filled"));
    let cyan = supplies[1];
    assert_eq!(cyan.value, Value::Level(Level { remaining: Amount::Exact(80.0), capacity: Some(100.0) }));
    assert_eq!(
        ["class", "type", "colour"].map(|name| attribute(cyan, name)),
        [Some("consumed"), Some("toner"), Some("cyan")]
    );
    let tray = named(&report, "tray.level")[1];
    assert_eq!((tray.instance.as_deref(), tray.unit.as_deref()), (Some("2"), Some("{sheet}")));
    assert_eq!(attribute(tray, "media"), Some("iso_a4_210x297mm"));
    assert_eq!(named(&report, "cover.state")[0].value, Value::State("closed".to_owned()));
    assert_eq!(named(&report, "uptime")[0].unit.as_deref(), Some("s"));
    assert_eq!(named(&report, "pages.printed")[0].unit.as_deref(), Some("{impression}"));
    assert_eq!(named(&report, "pages.printed")[0].instance, None);
}

#[test]
fn a_supply_without_a_description_is_called_by_type_and_colour() {
    let mut host = printer();
    host.remove("1.3.6.1.2.1.43.11.1.1.6");
    let report = read(&mut host);
    let labels: Vec<_> = named(&report, "supply.level").iter().filter_map(|r| r.label.clone()).collect();
    assert_eq!(labels, ["Black toner", "Cyan toner", "Magenta toner", "Yellow toner", "Waste toner"]);
}

#[test]
fn a_new_cartridge_is_told_once() {
    let mut host = printer();
    level(&mut host, 1, 4);
    let _ = read(&mut host);
    level(&mut host, 1, 3);
    let _ = read(&mut host);
    level(&mut host, 1, 100);
    let _ = read(&mut host);
    let _ = read(&mut host);
    assert_eq!(events(&host), ["supply.replaced"]);
    assert!(host.events[0].text.contains("black toner"), "{}", host.events[0].text);
}

#[test]
fn a_new_cartridge_is_told_even_after_a_restart_of_the_node() {
    let mut host = printer();
    for percent in (5..=80).rev() {
        level(&mut host, 1, percent);
        let _ = read(&mut host);
    }
    host.restart();
    level(&mut host, 1, 98);
    let _ = read(&mut host);
    assert_eq!(events(&host), ["supply.replaced"]);
}

#[test]
fn shaking_a_cartridge_is_no_replacement() {
    let mut host = printer();
    level(&mut host, 1, 4);
    let _ = read(&mut host);
    level(&mut host, 1, 12);
    let _ = read(&mut host);
    level(&mut host, 1, -3);
    let _ = read(&mut host);
    level(&mut host, 1, -2);
    let _ = read(&mut host);
    assert!(host.events.is_empty());
}

#[test]
fn an_emptied_waste_box_is_one_too() {
    let mut host = printer();
    level(&mut host, 5, 300);
    let _ = read(&mut host);
    level(&mut host, 5, 9_000);
    let _ = read(&mut host);
    assert_eq!(events(&host), ["supply.replaced"]);
}

#[test]
fn what_a_hostile_description_says_stays_text() {
    let mut host = printer();
    supply(&mut host, 1, &[1, 3, 3, 19, 100, 5], "a\tb\ns\t1.1\t9\0c");
    let first = read(&mut host);
    let again = read(&mut host);
    assert_eq!(named(&first, "supply.level")[0].label.as_deref(), Some("a b s 1.1 9"));
    assert_eq!(first, again, "the layout came back from the state as it was");
}
