//! Too much of everything that passes to the host.

use crate::{OBJECT, acting, binding, outcome};
use hostler_plugin::types::{Action, Alert, Level, Outcome, Reading, Severity, Status, Value};
use hostler_plugin::types::{Amount, Report};
use hostler_plugin::{cache, events, log, snmp};

pub(crate) fn log() {
    for line in 0..10_000 {
        log::debug(&format!("line {line}\u{1b}[2J"));
    }
}

pub(crate) fn events() {
    loop {
        events::emit("hostile.event", Severity::Info, "again");
    }
}

pub(crate) fn state() {
    loop {
        cache::set("flood", &[7; 60_000]);
        let _ = cache::get("flood");
    }
}

pub(crate) fn link() {
    loop {
        let _ = snmp::get(&[OBJECT.to_vec()]);
    }
}

pub(crate) fn walks() {
    loop {
        let _ = snmp::walk(&OBJECT, 10);
    }
}

pub(crate) fn actions() -> Outcome {
    Outcome { actions: vec![Action::SnmpSet(vec![binding()]); 10_000], ..acting(Action::SnmpSet(vec![])) }
}

/// More than the host takes in one answer.
pub(crate) fn huge_report() -> Outcome {
    outcome(vec![Reading::new("hostile.reading", Value::Gauge(1.0)); 100_000])
}

/// What the host takes in, and shortens to what a page can show.
pub(crate) fn long_report() -> Outcome {
    let long = "\u{1f5a8}\n".repeat(2_000);
    let readings = vec![
        Reading::new("hostile.none", Value::Gauge(f64::NAN)),
        Reading::new("hostile.endless", Value::Gauge(f64::INFINITY)),
        Reading::new("hostile.level", level(f64::NEG_INFINITY, Some(1.0))),
        Reading::new("hostile.capacity", level(1.0, Some(f64::NAN))),
        Reading {
            label: Some(long.clone()),
            unit: Some(" ".to_owned()),
            attributes: (0..20).map(|number| (number.to_string(), long.clone())).collect(),
            ..Reading::new("hostile.text", Value::Text(long.clone()))
        },
    ];
    let alert = alert("hostile");
    Report { status: Status::Ready, readings, alerts: vec![alert; 20], console: vec![long; 20] }.into()
}

pub(crate) fn row() -> Reading {
    Reading::new("hostile.row", Value::Counter(u64::MAX))
}

pub(crate) fn row_with_attributes(count: u32) -> Reading {
    Reading { attributes: (0..count).map(|number| (number.to_string(), String::new())).collect(), ..row() }
}

pub(crate) fn alerts(codes: &[&str]) -> Outcome {
    let alerts = codes.iter().map(|code| alert(code)).collect();
    Report { status: Status::Ready, readings: vec![], alerts, console: vec![] }.into()
}

pub(crate) fn lines(count: usize) -> Outcome {
    Report { status: Status::Ready, readings: vec![], alerts: vec![], console: vec![String::new(); count] }.into()
}

fn alert(code: &str) -> Alert {
    Alert { code: code.to_owned(), severity: Severity::Info, part: None, text: Some("\u{7}".to_owned()) }
}

fn level(remaining: f64, capacity: Option<f64>) -> Value {
    Value::Level(Level { remaining: Amount::Exact(remaining), capacity })
}
