//! Things that are no printers, and what is asked of them.

use super::printer;
use crate::Mfp;
use hostler_plugin::Driver;
use hostler_plugin::testing::Host;
use hostler_plugin::types::{Certainty, DeviceType, Recognition};

fn recognise(host: &mut Host) -> Option<Recognition> {
    host.call(Mfp::recognise).unwrap()
}

fn thing(descr: &str, object_id: &str) -> Host {
    let mut host = Host::new();
    host.text("1.3.6.1.2.1.1.1.0", descr).object_id("1.3.6.1.2.1.1.2.0", object_id);
    host
}

#[test]
fn a_printer_of_a_maker_that_nobody_knows() {
    let recognition = recognise(&mut printer()).unwrap();
    assert_eq!(recognition.certainty, Certainty::Likely);
    assert_eq!(recognition.device_type, DeviceType::Printer);
    assert_eq!(recognition.title, "Example Corporation Fern 220");
}

#[test]
fn recognising_takes_one_message() {
    let mut host = printer();
    let _ = recognise(&mut host);
    assert_eq!((host.traffic.operations, host.traffic.round_trips), (1, 1));
    let mut other = thing("Example Switch 24", "1.3.6.1.4.1.9.1.1");
    assert_eq!(recognise(&mut other), None);
    assert_eq!(other.traffic.operations, 1);
}

#[test]
fn a_printer_whose_hr_device_index_is_another() {
    let mut host = thing("Example", "1.3.6.1.4.1.99999.1.2");
    host.object_id("1.3.6.1.2.1.25.3.2.1.2.1", "1.3.6.1.2.1.25.3.1.4");
    host.object_id("1.3.6.1.2.1.25.3.2.1.2.5", "1.3.6.1.2.1.25.3.1.5");
    assert!(recognise(&mut host).is_some());
}

#[test]
fn a_computer_that_prints_is_no_printer() {
    for agent in ["1.3.6.1.4.1.8072.3.2.10", "1.3.6.1.4.1.311.1.1.3.1.2"] {
        let mut host = thing("Example Linux server", agent);
        host.object_id("1.3.6.1.2.1.25.3.2.1.2.1", "1.3.6.1.2.1.25.3.1.5");
        assert_eq!(recognise(&mut host), None, "{agent}");
    }
}

#[test]
fn words_alone_are_weighed() {
    for descr in ["HP LaserJet", "Example Network Printer", "Samsung SCX-1", "Canon LBP1"] {
        let recognition = recognise(&mut thing(descr, "1.3.6.1.4.1.99999.1"));
        assert_eq!(recognition.map(|r| r.certainty), Some(Certainty::Possible), "{descr}");
    }
    for descr in [
        "Example UPS for printers",
        "HP Intelligent PDU",
        "EPSON Network Projector",
        "Example document scanner",
        "Canon network camera",
        "Samsung switch",
        "",
    ] {
        assert_eq!(recognise(&mut thing(descr, "1.3.6.1.4.1.99999.1")), None, "{descr}");
    }
}

#[test]
fn a_thing_that_answers_nothing_is_no_printer() {
    assert_eq!(recognise(&mut Host::new()), None);
}
