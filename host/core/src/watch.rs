//! What a new reading of a device means to people: the difference to what was known, as events.

use crate::event::Event;
use crate::id::DeviceId;
use crate::reading::{Alert, Condition, Severity, Snapshot};
use crate::time::Timestamp;

/// The events that lead from `before` to `after`. The first reading of a device brings none but its complaints.
#[must_use]
pub fn happened(device: &DeviceId, title: &str, before: &Snapshot, after: &Snapshot) -> Vec<Event> {
    let event = |name: &str, severity: Severity, text: String| Event {
        at: after.tried_at,
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
    }
    events
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
    use crate::reading::{Hindrance, Report, Status};

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
