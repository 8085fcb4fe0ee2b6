//! A made-up fleet, to look at the pages without one: what tests draw.

use super::Shell;
use super::readings::Readings;
use super::shell::{Bare, Section};
use crate::state::Offer;
use hostler_core::certificate::Certificate;
use hostler_core::device::{Device, HttpReach, Placement, Reach, SnmpReach};
use hostler_core::event::Event;
use hostler_core::history::{Point, Series};
use hostler_core::plugin::{Budget, Capability, Grant, PluginRecord, Release};
use hostler_core::reading::{
    Alert, Amount, Condition, DeviceType, Identity, Level, Reading, Report, Severity, Snapshot, Status, Trouble, Value,
};
use hostler_core::schedule::{Became, Ended, Fitting, Missed, Outcome, Run, Standing, Which, Work, Zone};
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{Fingerprint, Timestamp};
use hostler_services::{
    Ask, DeviceRow, DeviceView, EnrolledView, EntryState, EntryView, LowLevel, Page, PluginView, RegistrationSummary,
    RegistrationView, ScheduleView, SharedView, Stands, StoredEvent,
};
use std::collections::BTreeMap;

pub(super) const NOW: Timestamp = Timestamp(1_790_000_000_000);
const HOUR: u64 = 3_600_000;

pub(super) fn ago(hours: u64) -> Timestamp {
    Timestamp(NOW.0 - hours * HOUR)
}

pub(super) fn shell(here: Section, right: Right) -> Shell {
    let viewer = Viewer { user: "ada@example.org".parse().unwrap(), right };
    let (bare, node) = (Bare::default(), "manager".parse().unwrap());
    Shell { bare, viewer, node, here, registers: true, offer: Offer::Whole, now: NOW, note: None, refused: None }
}

pub(super) fn page() -> Page {
    let names =
        ["Example LaserJet 4200", "Example Color C250i", "Copier second floor", "Example Scan 30", "Label printer"];
    let rows = (0..24_usize).map(|n| {
        let condition = Condition::ALL[[0, 0, 3, 1, 0, 5, 0, 4, 0, 0, 2, 0][n % 12]];
        let colours = ["black", "cyan", "magenta", "yellow"];
        let fraction = [0.62, 0.08, 0.31, 0.94, 0.02][n % 5];
        let headline = match condition {
            Condition::Warning => Some("Black toner is nearly empty".to_owned()),
            Condition::Stopped => Some("Paper jam in the duplexer; open door A and remove the paper".to_owned()),
            Condition::Unreachable => Some("it did not answer within 5 s".to_owned()),
            _ => None,
        };
        DeviceRow {
            id: format!("example-x{n}").parse().unwrap(),
            title: names[n % 5].to_owned(),
            name: (n % 2 == 0).then(|| format!("printer-{n}")),
            serial: Some(format!("AA2K0170{n:05}")),
            device_type: [DeviceType::Printer, DeviceType::Mfp, DeviceType::Mfp, DeviceType::Scanner][n % 4],
            condition,
            headline,
            address: format!("192.0.2.{}", n + 10).parse().unwrap(),
            gateway: "branch-north".parse().unwrap(),
            site: (n % 3 != 0).then(|| "berlin".parse().unwrap()),
            owner: (n % 4 == 1).then(|| "ada@example.org".parse().unwrap()),
            tags: (n % 5 == 2).then(|| ["second-floor".to_owned(), "loan".to_owned()]).into_iter().flatten().collect(),
            lowest: (n % 4 != 3).then(|| LowLevel {
                label: format!("{} toner", colours[n % 4]),
                fraction,
                colour: Some(colours[n % 4].to_owned()),
            }),
            pages: (n % 6 != 5).then_some(12_480 * (n as u64 + 1)),
            read_at: Some(Timestamp(NOW.0 - 40_000 * (n as u64 + 1))),
        }
    });
    let conditions = Condition::ALL.into_iter().zip([2_871, 214, 12, 88, 9, 20]).collect();
    Page { rows: rows.collect(), total: 3_214, conditions, devices: 3_214 }
}

fn reading(name: &str, label: &str, unit: &str, value: Value, attributes: &[(&str, &str)]) -> Reading {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let instance = Some(label.replace(' ', "-"));
    Reading { name: name.into(), instance, label: Some(label.into()), unit: Some(unit.into()), value, attributes }
}

fn level(name: &str, label: &str, unit: &str, remaining: Amount, attributes: &[(&str, &str)]) -> Reading {
    reading(name, label, unit, Value::Level(Level { remaining, capacity: Some(100.0) }), attributes)
}

pub(super) fn report() -> Report {
    let toner =
        |label: &str, colour, left| level("supply.level", label, "%", Amount::Exact(left), &[("colour", colour)]);
    let sheets = |label: &str, remaining| {
        let level = Level { remaining, capacity: Some(500.0) };
        reading("tray.level", label, "{sheet}", Value::Level(level), &[])
    };
    let waste = [("class", "receptacleThatIsFilled")];
    Report {
        status: Status::Warning,
        readings: vec![
            toner("black toner", "black", 62.0),
            toner("cyan toner", "cyan", 8.0),
            toner("magenta toner", "magenta", 45.0),
            toner("yellow toner", "yellow", 91.0),
            level("supply.level", "waste toner box", "%", Amount::Exact(70.0), &waste),
            level("supply.level", "fuser", "%", Amount::SomeLeft, &[]),
            sheets("tray 1", Amount::Exact(320.0)),
            sheets("tray 2", Amount::SomeLeft),
            sheets("bypass tray", Amount::Unknown),
            sheets("large capacity", Amount::Unlimited),
            reading("pages.printed", "pages printed", "{page}", Value::Counter(184_212), &[]),
            reading("pages.colour", "colour pages", "{page}", Value::Counter(42_019), &[]),
            reading("temperature", "fuser temperature", "°C", Value::Gauge(178.5), &[]),
            reading("scans", "documents scanned", "{document}", Value::Counter(801), &[]),
            reading("door.state", "front door", "", Value::State("closed".into()), &[]),
        ],
        alerts: vec![
            Alert {
                code: "marker-supply-low".into(),
                severity: Severity::Warning,
                part: Some("cyan toner".into()),
                text: Some("Cyan toner is nearly empty".into()),
            },
            Alert { code: "cover-open".into(), severity: Severity::Critical, part: None, text: None },
        ],
        console: vec!["Ready to print".into(), "Order cyan toner".into()],
    }
}

fn growing(from: f64, to: f64, hours: u64, shape: impl Fn(f64) -> f64) -> Series {
    let points = (0..=200_u32).map(|n| {
        let part = f64::from(n) / 200.0;
        let back = (hours as f64 * (1.0 - part) * HOUR as f64) as u64;
        Point { at: Timestamp(NOW.0 - back), value: (from + (to - from) * shape(part)).round() }
    });
    Series { points: points.collect(), spacing_ms: 5_000 }
}

pub(super) fn series() -> BTreeMap<String, Series> {
    let working_days = |part: f64| {
        let days = part * 18.0;
        let done = |day: f64| if (day as u64) % 7 >= 5 { 0.15 } else { 1.0 };
        let whole: f64 = (0..days as u64).map(|day| done(day as f64)).sum();
        (whole + done(days) * days.fract()) / 14.0
    };
    let entries = [
        ("pages.printed/pages-printed", growing(171_320.0, 184_212.0, 18 * 24, working_days)),
        ("pages.colour/colour-pages", growing(40_900.0, 42_019.0, 18 * 24, |part| part * part)),
        ("temperature/fuser-temperature", growing(20.0, 178.0, 5, |part| (part * 9.0).sin() * 0.1 + part.sqrt() * 0.9)),
        ("supply.level/cyan-toner", {
            let mut series = growing(92.0, 8.0, 18 * 24, |part| part);
            series.points.iter_mut().for_each(|point| point.value /= 100.0);
            series
        }),
    ];
    entries.into_iter().map(|(name, series)| (name.to_owned(), series)).collect()
}

pub(super) fn readings() -> Readings {
    Readings::new(&report().readings, &series(), NOW)
}

pub(super) fn plugin() -> PluginView {
    let release = |version: &str, hours| Release {
        version: version.parse().unwrap(),
        digest: "9f2c41aa07be35d1".repeat(4),
        installed_at: ago(hours),
    };
    let ask =
        |capability: Capability, line, granted| Ask { question: capability.question(), capability, line, granted };
    PluginView {
        record: PluginRecord {
            name: "mfp".parse().unwrap(),
            kind: hostler_core::plugin::Kind::Device,
            active: release("0.2.0", 30),
            previous: Some(release("0.1.3", 800)),
            waiting: Some(release("0.3.0", 1)),
            grant: Grant([Capability::Snmp, Capability::State].into()),
        },
        title: "Printers and multifunction devices".into(),
        publisher: "hostler".into(),
        device_types: vec!["printer".into(), "mfp".into()],
        exports: vec!["hostler:plugin/driver@0.1.0".into()],
        imports: vec!["hostler:plugin/snmp@0.1.0".into(), "hostler:plugin/state@0.1.0".into()],
        asks: vec![
            ask(Capability::Snmp, 11, true),
            ask(Capability::State, 12, true),
            ask(Capability::SnmpWrite, 11, false),
            ask("credential:admin".parse().unwrap(), 13, false),
        ],
        trouble: None,
        budget: Budget::default(),
        size: 412_345,
    }
}

pub(super) fn device() -> DeviceView {
    let own = |text: &str| Some(text.to_owned());
    let identity = Identity {
        device_type: DeviceType::Mfp,
        manufacturer: own("Example Corporation"),
        model: own("Color C250i"),
        serial: own("AA2K017001234"),
        mac: own("00:11:22:33:44:55"),
        firmware: own("G00-45 2026-03"),
        name: own("copier-2nd-floor"),
        location: own("Second floor, next to the kitchen"),
    };
    let reach = Reach {
        address: "192.0.2.17".parse().unwrap(),
        snmp: Some(SnmpReach { port: 161, credential: "office".into() }),
        http: Some(HttpReach { tls: true, port: 443 }),
    };
    let device = Device {
        id: "example-aa2k017001234".parse().unwrap(),
        gateway: "branch-north".parse().unwrap(),
        plugin: "mfp".parse().unwrap(),
        identity,
        reach,
        certificate: None,
        adopted_at: ago(18 * 24),
        commands: Vec::new(),
    };
    let placement = Placement {
        owner: Some("ada@example.org".parse().unwrap()),
        site: Some("berlin".parse().unwrap()),
        tags: ["second-floor".to_owned(), "loan".to_owned()].into(),
    };
    let trouble = Trouble { text: "it did not answer within 5 s".into(), since: ago(2), attempts: 2, hindrance: None };
    let snapshot = Snapshot { trouble: Some(trouble), ..Snapshot::read(ago(2), report()) };
    DeviceView {
        device,
        placement,
        condition: snapshot.condition(),
        snapshot,
        plugin: Some(plugin()),
        away: None,
        path: Vec::new(),
    }
}

/// The same, showing another certificate than the one that it is known by.
pub(super) fn with_another_certificate() -> DeviceView {
    let [trusted, shown] = [b"old", b"new"].map(|bytes| Fingerprint::of(bytes));
    let mut view = device();
    view.device.certificate = Some(Certificate { trusted, shown: Some(shown) });
    view
}

/// A schedule that ran in part.
pub(super) fn schedule() -> ScheduleView {
    let work = Work::ReadDevices { devices: Which::Where(Fitting::default()) };
    let run = Run { number: 1, due: Some(ago(3)), began_at: ago(3), work: work.clone() };
    let became = |device: &str, failed: Option<&str>| Became {
        device: device.parse().unwrap(),
        request: "0123456789abcdef0123456789abcdef".parse().ok(),
        failed: failed.map(str::to_owned),
    };
    let outcome = Outcome::of_each(vec![became("sn-1", None), became("sn-2", Some("its time is over"))]);
    let zone = Zone::named("Europe/Berlin").unwrap();
    ScheduleView {
        id: "nightly-reading".parse().unwrap(),
        name: "Nightly reading".into(),
        calendar: "30 2 * * 1-5".into(),
        zone: zone.name().into(),
        shall: work.to_string(),
        work,
        missed: Missed::RunOnce,
        standing: Standing::Active,
        by: "ada@example.org".parse().unwrap(),
        next: Some(zone.instant(NOW)),
        running: None,
        ended: Some(outcome.said()),
        last: Some(Ended { run, ended_at: ago(3), outcome }),
    }
}

pub(super) fn events() -> Vec<StoredEvent> {
    let told = [
        (Severity::Critical, "device.unreachable", "Copier second floor doesn't answer any more"),
        (Severity::Warning, "supply.low", "Cyan toner is nearly empty"),
        (Severity::Info, "supply.replaced", "Black toner was replaced at 184,010 pages"),
        (Severity::Info, "device.adopted", "Copier second floor was adopted by branch-north"),
    ];
    let stored = told.into_iter().zip(1..).map(|((severity, name, text), n)| StoredEvent {
        seq: 100 - n,
        event: Event {
            at: ago(n * n * 5),
            node: None,
            device: Some("example-aa2k017001234".parse().unwrap()),
            name: name.into(),
            severity,
            text: text.into(),
        },
    });
    stored.collect()
}

/// A registration with an address in each state, the PINs its user's own.
pub(super) fn registration(shared: bool) -> RegistrationView {
    let device = || "example-sn1".parse().unwrap();
    let states = [
        EntryState::Waiting,
        EntryState::Connected { device: device(), node: "node-1".parse().unwrap(), at: ago(1) },
        EntryState::Refused { device: device(), why: "This device is barred.".into(), at: ago(2) },
        EntryState::Ended { device: device() },
        EntryState::Used,
        EntryState::Expired,
        EntryState::Withdrawn { why: "ended when a backup was put back" },
    ];
    let entries: Vec<EntryView> = (0..)
        .zip(states)
        .map(|(n, state)| EntryView {
            address: format!("192.0.2.{n}"),
            url: (n == 0).then(|| format!("http://192.0.2.{n}/enroll?pin=0123ABCD0123ABCD0123ABCD01")),
            public: n == 0,
            state,
        })
        .collect();
    let summary = RegistrationSummary {
        id: "r-0123456789abcdef".parse().unwrap(),
        user: "ada@example.org".parse().unwrap(),
        made_at: ago(5),
        expires_at: NOW.plus(std::time::Duration::from_secs(3_600)),
        addresses: entries.len(),
        connected: 1,
    };
    let secrets = if shared { vec![Some("0123ABCD".to_owned())] } else { vec![Some("0123ABCD".to_owned()), None] };
    let pin_length = shared.then_some(8);
    let shared = shared.then(|| SharedView { left: Some(4), taken: 3, devices: vec![device(), device()] });
    RegistrationView { summary, entries, shared, secrets, keys: false, pin_length, refused: Vec::new() }
}

/// Devices in every standing.
pub(super) fn enrolled(why: &str) -> Vec<EnrolledView> {
    let standing = |n: u64, standing, why: Option<&str>| EnrolledView {
        device: format!("A{n}").parse().unwrap(),
        node: format!("node-a{n}").parse().unwrap(),
        owner: "ada@example.org".parse().unwrap(),
        at: ago(50),
        standing,
        since: (n > 0).then(|| ago(n)),
        why: why.map(str::to_owned),
    };
    vec![
        standing(0, Stands::Connected, None),
        standing(1, Stands::MayReturn, None),
        standing(2, Stands::Barred, Some(why)),
        standing(3, Stands::Released, None),
    ]
}

/// A rule whose receiver is down.
pub(super) fn forward() -> hostler_services::ForwardView {
    hostler_services::ForwardView {
        name: "on-call".parse().unwrap(),
        to: "https://hooks.example".to_owned(),
        filter: Default::default(),
        delivered: 12_345,
        delivered_at: Some(ago(5)),
        waiting: 10_000,
        more_waiting: true,
        lost: 3,
        refused: 1,
        trouble: Some(hostler_core::forward::Trouble {
            since: ago(4),
            attempts: 7,
            text: "it answered 503 <later>".to_owned(),
            told: true,
        }),
    }
}
