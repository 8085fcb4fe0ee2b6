//! What a new reading of a device means to people: the difference to what was known, as events.

use crate::event::Event;
use crate::id::DeviceId;
use crate::reading::{Alert, Condition, Reading, Report, Severity, Snapshot, Value};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// What of a supply is left when it counts as low, from 0 to 1.
pub const LOW: f64 = 0.1;

/// What must be left before it doesn't any more: a sensor that swings about [`LOW`] is told once.
const ENOUGH: f64 = 0.15;

/// The name of readings that say what is left of a supply.
const SUPPLY: &str = "supply.level";

/// The events that lead from `before` to `after`. The first reading of a device brings none but its complaints.
#[must_use]
pub fn happened(device: &DeviceId, title: &str, before: &Snapshot, after: &Snapshot) -> Vec<Event> {
    let event = |name: &str, severity: Severity, text: String| Event {
        at: after.tried_at,
        node: None,
        device: Some(device.clone()),
        name: name.to_owned(),
        severity,
        text,
    };
    let mut events = Vec::new();
    let (was, is) = (before.condition(), after.condition());
    let first = before.tried_at == Timestamp::default();
    if is == Condition::Unreachable && was != Condition::Unreachable {
        let why = after.trouble.as_ref().map(|trouble| trouble.text.as_str()).unwrap_or_default();
        events.push(event(
            "device.unreachable",
            Severity::Critical,
            format!("{title} does not answer any more: {why}"),
        ));
    } else if was == Condition::Unreachable && is != Condition::Unreachable && !first {
        events.push(event("device.reachable", Severity::Info, format!("{title} answers again")));
    }
    let alerts = |snapshot: &Snapshot| snapshot.report.as_ref().map(|report| report.alerts.clone()).unwrap_or_default();
    if after.trouble.is_none() {
        let (old, new) = (alerts(before), alerts(after));
        let same = |one: &Alert, other: &Alert| one.code == other.code && one.part == other.part;
        for alert in new.iter().filter(|alert| !old.iter().any(|known| same(known, alert))) {
            events.push(event("alert.raised", alert.severity, format!("{title}: {}", describe(alert))));
        }
        for alert in old.iter().filter(|alert| !new.iter().any(|current| same(current, alert))) {
            events.push(event("alert.cleared", Severity::Info, format!("{title}: no longer {}", describe(alert))));
        }
        let told = supplies_told(before, after);
        events.extend(told.into_iter().map(|(name, text)| event(name, Severity::Warning, format!("{title}: {text}"))));
    }
    events
}

/// The snapshot after a successful reading of what `before` was known of.
#[must_use]
pub fn read(before: &Snapshot, at: Timestamp, report: Report) -> Snapshot {
    let were = were_low(before);
    let supplies = report.readings.iter().filter(|reading| reading.name == SUPPLY);
    let stays = |reading: &Reading| match left(reading) {
        Some(is) => is <= LOW || (is <= ENOUGH && were.contains(&reading.series())),
        None => were.contains(&reading.series()),
    };
    let low = supplies.clone().filter(|reading| stays(reading)).map(Reading::series).collect();
    let empty = |reading: &&Reading| match left(reading) {
        Some(is) => is <= 0.0 || (is <= LOW && before.empty.contains(&reading.series())),
        None => before.empty.contains(&reading.series()),
    };
    let empty = supplies.filter(empty).map(Reading::series).collect();
    Snapshot { low, empty, ..Snapshot::read(at, report) }
}

/// The supplies of a device, each with what is left of it where it says so.
fn supplies(snapshot: &Snapshot) -> impl Iterator<Item = (&Reading, f64)> {
    let readings = snapshot.report.iter().flat_map(|report| &report.readings);
    readings.filter(|reading| reading.name == SUPPLY).filter_map(|reading| Some((reading, left(reading)?)))
}

fn left(reading: &Reading) -> Option<f64> {
    match &reading.value {
        Value::Level(level) => level.fraction(),
        _ => None,
    }
}

/// Those that count as low; a snapshot of an earlier release knows only how much was left.
fn were_low(before: &Snapshot) -> BTreeSet<String> {
    let few = supplies(before).filter(|(_, left)| *left <= LOW).map(|(reading, _)| reading.series());
    before.low.iter().cloned().chain(few).collect()
}

/// What became of supplies between two readings. One that is low at the first is told like one that became so.
fn supplies_told(before: &Snapshot, after: &Snapshot) -> Vec<(&'static str, String)> {
    let were = supplies(before).filter(|(_, left)| *left <= 0.0).map(|(reading, _)| reading.series());
    let empty: BTreeSet<String> = before.empty.iter().cloned().chain(were).collect();
    let low = were_low(before);
    let told = supplies(after).filter_map(|(reading, is)| {
        let series = reading.series();
        let told = empty.contains(&series);
        let fills = reading.attributes.get("class").is_some_and(|class| class == "filled");
        let (label, percent) = (reading.title(), (is * 100.0).round());
        match (is <= 0.0, fills) {
            (true, false) if !told => Some(("supply.empty", format!("{label} is used up"))),
            (true, true) if !told => Some(("supply.empty", format!("{label} is full"))),
            (true, _) => None,
            (false, _) if is > LOW || low.contains(&series) => None,
            (false, false) => Some(("supply.low", format!("{label} has {percent} % left"))),
            (false, true) => Some(("supply.low", format!("{label} has {percent} % of its space left"))),
        }
    });
    told.collect()
}

/// An alert in one line.
#[must_use]
pub fn describe(alert: &Alert) -> String {
    let what = alert.text.clone().unwrap_or_else(|| alert.code.replace('-', " "));
    match &alert.part {
        Some(part) if !what.to_lowercase().contains(&part.to_lowercase()) => format!("{what} ({part})"),
        _ => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{Amount, Attributes, Hindrance, Level, Status};

    fn names(before: &Snapshot, after: &Snapshot) -> Vec<String> {
        happened(&"d".parse().unwrap(), "D", before, after).into_iter().map(|event| event.name).collect()
    }

    fn with(alerts: &[&str]) -> Snapshot {
        let alert = |code: &&str| Alert { code: (*code).into(), severity: Severity::Warning, part: None, text: None };
        let alerts = alerts.iter().map(alert).collect();
        Snapshot::read(Timestamp(1), Report { status: Status::Ready, alerts, ..Report::default() })
    }

    #[test]
    fn e09_alerts_are_told_once_when_they_come_and_once_when_they_go() {
        assert_eq!(names(&Snapshot::default(), &with(&["jam"])), ["alert.raised"]);
        assert!(names(&with(&["jam"]), &with(&["jam"])).is_empty());
        assert_eq!(names(&with(&["jam"]), &with(&["door"])), ["alert.raised", "alert.cleared"]);
    }

    fn levels(levels: &[f64]) -> Report {
        let readings = levels.iter().zip(0..).map(|(left, instance)| Reading {
            name: "supply.level".into(),
            instance: Some(format!("{instance}")),
            label: Some(format!("Toner {instance}")),
            unit: None,
            value: Value::Level(Level { remaining: Amount::Exact(*left), capacity: Some(100.0) }),
            attributes: Attributes::default(),
        });
        Report { status: Status::Ready, readings: readings.collect(), ..Report::default() }
    }

    fn filled(before: &Snapshot, left: &[f64]) -> Snapshot {
        read(before, Timestamp(1), levels(left))
    }

    #[test]
    fn d07_a_supply_is_told_once_when_it_gets_low_and_once_when_it_is_empty() {
        let mut told = Vec::new();
        let nothing = Snapshot::default();
        let mut last = filled(&nothing, &[12.0, 50.0]);
        for left in [11.0, 10.0, 9.0, 1.0, 0.0, 0.0, 100.0, 10.0] {
            let next = filled(&last, &[left, 50.0]);
            told.extend(names(&last, &next));
            last = next;
        }
        assert_eq!(told, ["supply.low", "supply.empty", "supply.low"]);
        assert_eq!(names(&nothing, &filled(&nothing, &[3.0, 0.0])), ["supply.low", "supply.empty"]);
        // A sensor that swings about nothing, or loses sight of it.
        let mut last = filled(&nothing, &[12.0]);
        let mut told = Vec::new();
        for left in [0.0, 1.0, 0.0, -2.0, 0.0, 12.0, 0.0] {
            let next = filled(&last, &[left]);
            told.extend(names(&last, &next));
            last = next;
        }
        assert_eq!(told, ["supply.empty", "supply.empty"]);
        let low = filled(&nothing, &[3.0]);
        assert!(names(&low, &low.failed(Timestamp(2), "no answer".into())).is_empty());
    }

    #[test]
    fn d07_a_supply_that_swings_about_low_is_told_once_until_there_is_enough_again() {
        let mut last = filled(&Snapshot::default(), &[50.0]);
        let mut told = Vec::new();
        for left in [10.0, 12.0, 9.0, 15.0, 10.0, 16.0, 10.0, 11.0] {
            let silent = last.failed(Timestamp(2), "no answer".into());
            let next = filled(&silent, &[left]);
            told.extend(names(&silent, &next).into_iter().map(|name| (name, left)));
            last = next;
        }
        assert_eq!(told, [("supply.low".to_owned(), 10.0), ("supply.low".to_owned(), 10.0)]);
        assert_eq!(last.low.len(), 1);
        // A release that kept no such list left this behind.
        let earlier = Snapshot::read(Timestamp(1), levels(&[10.0]));
        assert!(names(&earlier, &filled(&earlier, &[9.0])).is_empty());
        assert!(filled(&last, &[]).low.is_empty(), "what a device has no more isn't remembered");
    }

    #[test]
    fn e09_silence_is_told_when_patience_ends_and_forgets_no_alert() {
        let mut last = with(&["jam"]);
        let mut told = Vec::new();
        for at in 2..8 {
            let next = last.failed(Timestamp(at), "no answer".into());
            told.extend(names(&last, &next));
            last = next;
        }
        assert_eq!(told, ["device.unreachable"]);
        assert_eq!(names(&last, &with(&["jam"])), ["device.reachable"]);
    }

    #[test]
    fn e09_what_fails_on_our_side_is_told_of_no_device() {
        let mut last = with(&["jam"]);
        for at in 2..8 {
            let next = last.hindered(Timestamp(at), Hindrance::NoPlugin, "there is no plug-in mfp".into());
            assert!(names(&last, &next).is_empty());
            last = next;
        }
        assert!(names(&last, &with(&["jam"])).is_empty());
        let silent = (8..12).fold(last, |last, at| last.failed(Timestamp(at), "no answer".into()));
        let hindered = silent.hindered(Timestamp(12), Hindrance::NoPlugin, "there is no plug-in mfp".into());
        assert!(names(&silent, &hindered).is_empty(), "nobody has heard of it, so it isn't reachable again");
    }
}
