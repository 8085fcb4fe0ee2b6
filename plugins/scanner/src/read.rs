//! How is it? One `get` for any model.

use crate::models::{Counters, MODELS};
use crate::objects::{HR_DEVICE_STATUS, HR_SYSTEM_UPTIME, SYS_UP_TIME};
use hostler_plugin::types::{Alert, Amount, Failure, Level, Reading, Report, Severity, Status, Value};
use hostler_plugin::{Answers, counter, events, uptime};

/// Reads.
pub(crate) fn read() -> Result<Report, Failure> {
    let standard = [SYS_UP_TIME, HR_SYSTEM_UPTIME, HR_DEVICE_STATUS];
    let objects: Vec<&[u32]> = standard.into_iter().chain(Counters::objects()).collect();
    let answers = Answers::get(&objects)?;
    let mut readings = Vec::new();
    let mut alerts = Vec::new();
    for counters in MODELS.iter().filter_map(|model| model.counters) {
        readings.extend(documents(&answers, counters));
        readings.extend(rollers(&answers, counters));
        alerts.extend(feeder(&answers, counters));
    }
    let ticks = answers.ticks(SYS_UP_TIME).or_else(|| answers.ticks(HR_SYSTEM_UPTIME));
    readings.extend(ticks.map(|ticks| uptime::observe(ticks).reading()));
    let status = status(answers.integer(HR_DEVICE_STATUS), !alerts.is_empty());
    Ok(Report { status, readings, alerts, console: vec![] })
}

fn documents(answers: &Answers, counters: &Counters) -> Option<Reading> {
    let raw = answers.counter32(counters.documents)?;
    Some(Reading::new("documents.fed", Value::Counter(counter::extend("documents", raw))).in_unit("{document}"))
}

/// The device counts from zero with new rollers; `roller.revolutions` goes on, and `roller.level` is what the present
/// ones are still good for.
fn rollers(answers: &Answers, counters: &Counters) -> Vec<Reading> {
    let Some(raw) = answers.counter32(counters.revolutions) else { return vec![] };
    let counted = counter::observe("revolutions", raw);
    if let Some(from) = counted.reset_from {
        events::emit(
            "supply.replaced",
            Severity::Info,
            &format!("The feed rollers were replaced after {from} revolutions."),
        );
    }
    let label = Some("Feed rollers".to_owned());
    let revolutions = Reading::new("roller.revolutions", Value::Counter(counted.value)).in_unit("{revolution}");
    let life = answers.counter32(counters.roller_life).filter(|life| *life > 0);
    let level = life.map(|life| {
        let remaining = Amount::Exact(f64::from(life.saturating_sub(raw)));
        let level = Value::Level(Level { remaining, capacity: Some(f64::from(life)) });
        let attributes = vec![("class".to_owned(), "consumed".to_owned()), ("type".to_owned(), "roller".to_owned())];
        Reading { label: label.clone(), attributes, ..Reading::new("roller.level", level).in_unit("{revolution}") }
    });
    [Reading { label: label.clone(), ..revolutions }].into_iter().chain(level).collect()
}

fn feeder(answers: &Answers, counters: &Counters) -> Option<Alert> {
    let code = match answers.integer(counters.feeder)? {
        2 => "paper-jam",
        3 => "cover-open",
        _ => return None,
    };
    let part = Some("document feeder".to_owned());
    Some(Alert { code: code.to_owned(), severity: Severity::Critical, part, text: None })
}

/// hrDeviceStatus: unknown(1), running(2), warning(3), testing(4), down(5).
fn status(device: Option<i64>, faulty: bool) -> Status {
    match device {
        _ if faulty => Status::Stopped,
        Some(2) => Status::Ready,
        Some(3) => Status::Warning,
        Some(4) => Status::Busy,
        Some(5) => Status::Stopped,
        _ => Status::Unknown,
    }
}
