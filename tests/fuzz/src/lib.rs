//! What the targets share: devices that answer anything at all, and what must hold of whatever is read from them.

use arbitrary::{Arbitrary, Unstructured};
use hostler_plugin::snmp::Value;
use hostler_plugin::testing::Host;
use hostler_plugin::types::{Identity, Notice, Report};
use hostler_plugin::{Driver, oid};

/// Where the plug-ins look: columns and scalars of RFC 3418, RFC 2790, RFC 3805 and of makers.
const OBJECTS: &[&[u32]] = &[
    oid!("1.3.6.1.2.1.1.1.0"),
    oid!("1.3.6.1.2.1.1.2.0"),
    oid!("1.3.6.1.2.1.1.3.0"),
    oid!("1.3.6.1.2.1.1.5.0"),
    oid!("1.3.6.1.2.1.1.6.0"),
    oid!("1.3.6.1.2.1.2.2.1.6"),
    oid!("1.3.6.1.2.1.25.1.1.0"),
    oid!("1.3.6.1.2.1.25.3.2.1.2"),
    oid!("1.3.6.1.2.1.25.3.2.1.3"),
    oid!("1.3.6.1.2.1.25.3.2.1.5"),
    oid!("1.3.6.1.2.1.25.3.5.1.1"),
    oid!("1.3.6.1.2.1.25.3.5.1.2"),
    oid!("1.3.6.1.2.1.43.5.1.1.1"),
    oid!("1.3.6.1.2.1.43.5.1.1.16"),
    oid!("1.3.6.1.2.1.43.5.1.1.17"),
    oid!("1.3.6.1.2.1.43.5.1.1.19"),
    oid!("1.3.6.1.2.1.43.6.1.1.2"),
    oid!("1.3.6.1.2.1.43.6.1.1.3"),
    oid!("1.3.6.1.2.1.43.8.2.1.8"),
    oid!("1.3.6.1.2.1.43.8.2.1.9"),
    oid!("1.3.6.1.2.1.43.8.2.1.10"),
    oid!("1.3.6.1.2.1.43.8.2.1.12"),
    oid!("1.3.6.1.2.1.43.8.2.1.13"),
    oid!("1.3.6.1.2.1.43.8.2.1.18"),
    oid!("1.3.6.1.2.1.43.10.2.1.3"),
    oid!("1.3.6.1.2.1.43.10.2.1.4"),
    oid!("1.3.6.1.2.1.43.11.1.1.3"),
    oid!("1.3.6.1.2.1.43.11.1.1.4"),
    oid!("1.3.6.1.2.1.43.11.1.1.5"),
    oid!("1.3.6.1.2.1.43.11.1.1.6"),
    oid!("1.3.6.1.2.1.43.11.1.1.7"),
    oid!("1.3.6.1.2.1.43.11.1.1.8"),
    oid!("1.3.6.1.2.1.43.11.1.1.9"),
    oid!("1.3.6.1.2.1.43.12.1.1.4"),
    oid!("1.3.6.1.2.1.43.16.5.1.2"),
    oid!("1.3.6.1.2.1.43.18.1.1.2"),
    oid!("1.3.6.1.2.1.43.18.1.1.4"),
    oid!("1.3.6.1.2.1.43.18.1.1.5"),
    oid!("1.3.6.1.2.1.43.18.1.1.7"),
    oid!("1.3.6.1.2.1.43.18.1.1.8"),
    oid!("1.3.6.1.4.1"),
    oid!("1.3.6.1.4.1.11.2.3.9.1.1.7.0"),
    oid!("1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1"),
];

/// What SNMP can carry.
#[derive(Arbitrary, Clone, Debug)]
enum Anything {
    Integer(i32),
    Small(i8),
    Octets(Vec<u8>),
    Text(String),
    ObjectId(Vec<u32>),
    Known(u8),
    Printer,
    Address(u8, u8, u8, u8),
    Counter32(u32),
    Gauge32(u32),
    TimeTicks(u32),
    Counter64(u64),
    Opaque(Vec<u8>),
    Null,
    Absent,
}

impl From<Anything> for Value {
    fn from(anything: Anything) -> Self {
        match anything {
            Anything::Integer(number) => Self::Integer(number),
            Anything::Small(number) => Self::Integer(number.into()),
            Anything::Octets(octets) => Self::Octets(octets),
            Anything::Text(text) => Self::Octets(text.into_bytes()),
            Anything::ObjectId(arcs) => Self::ObjectId(arcs),
            Anything::Known(at) => Self::ObjectId(known(at).to_vec()),
            Anything::Printer => Self::ObjectId(oid!("1.3.6.1.2.1.25.3.1.5").to_vec()),
            Anything::Address(a, b, c, d) => Self::IpAddress((a, b, c, d)),
            Anything::Counter32(count) => Self::Counter32(count),
            Anything::Gauge32(number) => Self::Gauge32(number),
            Anything::TimeTicks(ticks) => Self::TimeTicks(ticks),
            Anything::Counter64(count) => Self::Counter64(count),
            Anything::Opaque(octets) => Self::Opaque(octets),
            Anything::Null => Self::Null,
            Anything::Absent => Self::Absent,
        }
    }
}

fn known(at: u8) -> &'static [u32] {
    OBJECTS[usize::from(at) % OBJECTS.len()]
}

/// Objects and values as they may come from anybody.
#[derive(Clone, Debug)]
pub struct Answers(Vec<(Vec<u32>, Value)>);

impl<'a> Arbitrary<'a> for Answers {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let objects: Vec<(u8, Vec<u8>, Anything)> = bytes.arbitrary()?;
        let objects = objects.into_iter().take(400).map(|(at, instance, value)| {
            let instance = instance.into_iter().take(6).map(u32::from);
            (known(at).iter().copied().chain(instance).collect(), value.into())
        });
        Ok(Self(objects.collect()))
    }
}

/// A device before and after something about it changed, and a trap that it sends.
#[derive(Arbitrary, Clone, Debug)]
pub struct Device {
    before: Answers,
    after: Answers,
    trap: Answers,
    broken: Vec<u8>,
    later: u64,
}

/// Asks a driver all that it can be asked.
///
/// # Panics
/// When the driver panics, or says something that no page could show.
pub fn drive<D: Driver>(device: Device) {
    let mut host = Host::new();
    host.broken = device.broken.into_iter().map(|at| known(at).to_vec()).collect();
    host.objects.extend(device.before.0);
    let _ = host.call(D::recognise);
    if let Ok(identity) = host.call(D::identify) {
        check_identity(&identity);
    }
    for _ in 0..2 {
        if let Ok(outcome) = host.call(D::read) {
            check(&outcome.report);
        }
    }
    host.objects.extend(device.after.0);
    host.now = host.now.wrapping_add(device.later);
    if let Ok(outcome) = host.call(D::read) {
        check(&outcome.report);
    }
    let bindings = device.trap.0.into_iter().map(|(oid, value)| hostler_plugin::snmp::Binding { oid, value });
    if let Ok(Some(outcome)) = host.call(|| D::take_notice(Notice::Trap(bindings.collect()))) {
        check(&outcome.report);
    }
}

fn check_identity(identity: &Identity) {
    let texts = [&identity.manufacturer, &identity.model, &identity.serial, &identity.name, &identity.location];
    texts.into_iter().flatten().for_each(|text| fit_for_a_page(text));
}

fn check(report: &Report) {
    for reading in &report.readings {
        assert!(
            !reading.name.is_empty() && reading.name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-')),
            "{:?} is no name of a reading",
            reading.name
        );
        [&reading.label, &reading.unit, &reading.instance].into_iter().flatten().for_each(|text| fit_for_a_page(text));
    }
    report.alerts.iter().flat_map(|alert| [&alert.part, &alert.text]).flatten().for_each(|text| fit_for_a_page(text));
    report.console.iter().for_each(|line| fit_for_a_page(line));
}

fn fit_for_a_page(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?} has control characters");
}
