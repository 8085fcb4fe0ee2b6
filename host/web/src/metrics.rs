//! `GET /metrics`: the fleet for Prometheus, in its text format 0.0.4.

use crate::auth::Who;
use crate::error::ApiError;
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use hostler_core::DeviceId;
use hostler_core::reading::{Condition, Reading, Snapshot, Value};
use hostler_core::viewer::Right;
use std::collections::BTreeSet;
use std::fmt::Write;

type Fleet = [(DeviceId, Snapshot)];

/// Answers a scrape. It shows every device, so it wants the right to see every device.
pub(crate) async fn metrics(
    State(web): State<Web>,
    who: Who,
) -> Result<([(HeaderName, &'static str); 1], String), ApiError> {
    if !who.viewer.may(Right::See) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "metrics show every device, which needs the right `see`"));
    }
    let fleet = web.services.inventory.snapshots(&who.viewer);
    let mut text = exposition(&fleet, web.services.node.version);
    if let Some(done) = web.services.inventory.readings_done() {
        own_network(&mut text, done);
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

fn exposition(fleet: &Fleet, version: &str) -> String {
    let mut out = String::new();
    family(&mut out, "hostler_build_info", "gauge", "The version that runs.");
    sample(&mut out, "hostler_build_info", &[("version", version)], "1");
    conditions(&mut out, fleet);
    devices(&mut out, fleet);
    readings(&mut out, fleet);
    out
}

/// What a gateway does in its own network.
fn own_network(out: &mut String, (brought, failed): (u64, u64)) {
    family(out, "hostler_device_reads_total", "counter", "Attempts to read a device since the start.");
    sample(out, "hostler_device_reads_total", &[("outcome", "brought")], &brought.to_string());
    sample(out, "hostler_device_reads_total", &[("outcome", "failed")], &failed.to_string());
}

fn conditions(out: &mut String, fleet: &Fleet) {
    family(out, "hostler_devices", "gauge", "Devices by condition.");
    for condition in Condition::ALL {
        let count = fleet.iter().filter(|(_, snapshot)| snapshot.condition() == condition).count();
        sample(out, "hostler_devices", &[("condition", &condition.to_string())], &count.to_string());
    }
}

fn devices(out: &mut String, fleet: &Fleet) {
    family(out, "hostler_device_condition", "gauge", "1 for the condition that the device is in.");
    for (id, snapshot) in fleet {
        let labels = [("device", id.as_str()), ("condition", &snapshot.condition().to_string())];
        sample(out, "hostler_device_condition", &labels, "1");
    }
    family(out, "hostler_device_alerts", "gauge", "What the device complains about, how many.");
    for (id, snapshot) in fleet {
        let alerts = snapshot.report.as_ref().map_or(0, |report| report.alerts.len());
        sample(out, "hostler_device_alerts", &[("device", id.as_str())], &alerts.to_string());
    }
    family(out, "hostler_device_read_timestamp_seconds", "gauge", "When the device was read last, in Unix time.");
    for (id, snapshot) in fleet {
        if let Some(at) = snapshot.read_at {
            let seconds = format!("{}.{:03}", at.0 / 1000, at.0 % 1000);
            sample(out, "hostler_device_read_timestamp_seconds", &[("device", id.as_str())], &seconds);
        }
    }
}

/// A family holds one kind only, so counters stand apart from what goes up and down.
fn readings(out: &mut String, fleet: &Fleet) {
    family(out, "hostler_reading_total", "counter", "Readings that only ever grow.");
    each_reading(out, fleet, "hostler_reading_total", |value| match value {
        Value::Counter(count) => Some(count.to_string()),
        _ => None,
    });
    family(out, "hostler_reading", "gauge", "Readings that go up and down; levels as a fraction of what fits.");
    each_reading(out, fleet, "hostler_reading", |value| match value {
        Value::Gauge(value) => Some(number(*value)),
        Value::Level(level) => level.fraction().map(number),
        Value::Counter(_) | Value::State(_) | Value::Text(_) => None,
    });
}

fn each_reading(out: &mut String, fleet: &Fleet, name: &str, text: impl Fn(&Value) -> Option<String>) {
    for (id, snapshot) in fleet {
        // A scrape in which one series stands twice is refused as a whole, and what names a series comes from a device.
        let mut told = BTreeSet::new();
        for reading in snapshot.report.iter().flat_map(|report| &report.readings) {
            if let Some(value) = text(&reading.value)
                && told.insert((&reading.name, &reading.instance, unit(reading)))
            {
                let instance = reading.instance.as_deref().unwrap_or_default();
                let labels =
                    [("device", id.as_str()), ("name", &reading.name), ("instance", instance), ("unit", unit(reading))];
                sample(out, name, &labels, &value);
            }
        }
    }
}

/// A level is told as a fraction, which has no unit.
fn unit(reading: &Reading) -> &str {
    match reading.value {
        Value::Level(_) => "1",
        _ => reading.unit.as_deref().unwrap_or_default(),
    }
}

fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        value if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        value => value.to_string(),
    }
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: &str) {
    let labels: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
    let _ = writeln!(out, "{name}{{{}}} {value}", labels.join(","));
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_core::Timestamp;
    use hostler_core::reading::{Amount, Level, Report, Status};
    use proptest::prelude::*;

    fn reading(name: &str, value: Value) -> Reading {
        let (name, unit) = (name.to_owned(), Some("{page}".to_owned()));
        Reading { name, instance: Some("1".into()), label: None, unit, value, attributes: Default::default() }
    }

    fn fleet(readings: Vec<Reading>) -> Vec<(DeviceId, Snapshot)> {
        let report = Report { status: Status::Ready, readings, ..Report::default() };
        vec![("p-1".parse().unwrap(), Snapshot::read(Timestamp(1_790_000_000_250), report))]
    }

    #[test]
    fn tells_what_prometheus_reads() {
        let toner = Level { remaining: Amount::Exact(25.0), capacity: Some(100.0) };
        let box_of_unknown = Level { remaining: Amount::Unknown, capacity: None };
        let text = exposition(
            &fleet(vec![
                reading("pages.printed", Value::Counter(9_007_199_254_740_993)),
                reading("temperature", Value::Gauge(f64::NEG_INFINITY)),
                reading("supply.level", Value::Level(toner)),
                reading("tray.level", Value::Level(box_of_unknown)),
                reading("door", Value::State("open".into())),
            ]),
            "0.1.0",
        );
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = r#"hostler_build_info{version="0.1.0"} 1
hostler_devices{condition="fine"} 1
hostler_devices{condition="asleep"} 0
hostler_devices{condition="unknown"} 0
hostler_devices{condition="warning"} 0
hostler_devices{condition="stopped"} 0
hostler_devices{condition="unreachable"} 0
hostler_device_condition{device="p-1",condition="fine"} 1
hostler_device_alerts{device="p-1"} 0
hostler_device_read_timestamp_seconds{device="p-1"} 1790000000.250
hostler_reading_total{device="p-1",name="pages.printed",instance="1",unit="{page}"} 9007199254740993
hostler_reading{device="p-1",name="temperature",instance="1",unit="{page}"} -Inf
hostler_reading{device="p-1",name="supply.level",instance="1",unit="1"} 0.25"#;
        assert_eq!(samples, expected.lines().collect::<Vec<_>>());
    }

    #[test]
    fn a_reading_that_a_device_tells_twice_stands_once() {
        let twice = vec![reading("pages", Value::Counter(1)), reading("pages", Value::Counter(2))];
        let text = exposition(&fleet(twice), "0");
        assert_eq!(text.matches("name=\"pages\"").count(), 1);
    }

    proptest! {
        #[test]
        fn no_text_of_a_device_breaks_its_line(name in "(?s).{0,20}", instance in "(?s)[\\\\\"\n{}, a]{0,12}") {
            let mut odd = reading(&name, Value::Counter(1));
            odd.instance = Some(instance.clone());
            let text = exposition(&fleet(vec![odd]), "0");
            let line = text.lines().find(|line| line.starts_with("hostler_reading_total{"));
            let line = line.ok_or_else(|| TestCaseError::fail(text.clone()))?;
            prop_assert!(line.ends_with("\",unit=\"{page}\"} 1"), "{}", line);
            let told = line.split_once(",instance=\"").and_then(|(_, rest)| rest.rsplit_once("\",unit=\""));
            prop_assert_eq!(unescaped(told.unwrap().0), instance);
        }
    }

    fn unescaped(text: &str) -> String {
        let mut out = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match (c, c == '\\') {
                (_, true) => match chars.next().unwrap() {
                    'n' => out.push('\n'),
                    other => out.push(other),
                },
                (c, false) => out.push(c),
            }
        }
        out
    }
}
