//! What the device complains about: the rows of prtAlertTable, and bits of hrPrinterDetectedErrorState that no row
//! speaks of.

use crate::alert_code::{self, POWER_SAVER, group};
use crate::error_state::ErrorState;
use crate::layout::Layout;
use crate::objects::{
    ALERT, ALERT_ALL_EVENTS, ALERT_CODE, ALERT_DESCRIPTION, ALERT_GROUP, ALERT_GROUP_INDEX, ALERT_SEVERITY,
    HR_DEVICE_STATUS, HR_PRINTER_ERROR_STATE,
};
use hostler_plugin::oid::join;
use hostler_plugin::types::{Alert, Failure, Severity};
use hostler_plugin::{Answers, cache};

/// What the table was like when it was last walked: number of rows, count of events.
const KEY: &str = "alerts";
/// Eight columns of 32 rows.
const LIMIT: u32 = 256;
const HR_RUNNING: i64 = 2;

/// Alerts, and whether one of them is that the device saves energy.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    pub(crate) alerts: Vec<Alert>,
    pub(crate) power_saver: bool,
}

/// Whether the table has to be walked. Not when the device runs without a complaint, its table was empty, and
/// no event was counted since.
pub(crate) fn must_walk(layout: &Layout, answers: &Answers) -> bool {
    let device = [layout.device];
    let status = answers.integer(&join(HR_DEVICE_STATUS, &device));
    let errors = answers.octets(&join(HR_PRINTER_ERROR_STATE, &device)).map(ErrorState::parse);
    let events = answers.counter32(&join(ALERT_ALL_EVENTS, &device));
    // No sign at all: the table may say something all the same, unless the device has nothing of a printer.
    let silent = status.is_none() && errors.is_none() && events.is_none() && layout.has_parts();
    let trouble = status.is_some_and(|s| s != HR_RUNNING) || errors.is_some_and(|errors| !errors.is_clear());
    silent || trouble || cache::text(KEY) != Some(memory(0, events))
}

fn memory(rows: usize, events: Option<u32>) -> String {
    let events = events.map(|events| events.to_string()).unwrap_or_default();
    format!("{rows} {events}")
}

/// Walks the table.
pub(crate) fn walk(layout: &Layout, answers: &Answers) -> Result<Answers, Failure> {
    let mut table = Answers::default();
    table.walk_more(ALERT, LIMIT)?;
    let events = answers.counter32(&join(ALERT_ALL_EVENTS, &[layout.device]));
    cache::set(KEY, memory(table.below(ALERT_CODE).count(), events).as_bytes());
    Ok(table)
}

/// Rows first, then what only the bits say.
pub(crate) fn alerts(layout: &Layout, answers: &Answers, table: &Answers) -> Alerts {
    let mut out = Alerts::default();
    for (instance, value) in table.below(ALERT_CODE) {
        let code = hostler_plugin::number(value).unwrap_or_default();
        out.power_saver |= code == POWER_SAVER;
        out.alerts.extend(row(layout, table, instance, code));
    }
    let stopped = answers.integer(&join(HR_DEVICE_STATUS, &[layout.device])) == Some(5);
    let errors = answers.octets(&join(HR_PRINTER_ERROR_STATE, &[layout.device])).map(ErrorState::parse);
    for complaint in errors.unwrap_or_default().complaints() {
        let told = out.alerts.iter().any(|alert| complaint.same.iter().any(|same| alert.code.starts_with(same)));
        if !told {
            let severe = complaint.stops || (stopped && !complaint.code.ends_with("low"));
            let severity = if severe { Severity::Critical } else { Severity::Warning };
            out.alerts.push(Alert { code: complaint.code.to_owned(), severity, part: None, text: None });
        }
    }
    out
}

fn row(layout: &Layout, table: &Answers, instance: &[u32], code: i64) -> Option<Alert> {
    let number = |column: &[u32]| table.integer(&join(column, instance));
    let group = number(ALERT_GROUP).unwrap_or_default();
    Some(Alert {
        code: alert_code::name(code, group)?.to_owned(),
        severity: match number(ALERT_SEVERITY) {
            Some(3) => Severity::Critical,
            Some(4) => Severity::Warning,
            _ => Severity::Info,
        },
        part: part(layout, instance, group, number(ALERT_GROUP_INDEX).unwrap_or(-1)),
        text: table.text(&join(ALERT_DESCRIPTION, instance)),
    })
}

/// The part by its own name, where the layout has it: prtAlertGroupIndex is the index within the group's table.
fn part(layout: &Layout, alert: &[u32], group: i64, index: i64) -> Option<String> {
    let name = alert_code::group_name(group)?;
    let Some(index) = u32::try_from(index).ok().filter(|index| *index > 0) else {
        return Some(name.to_owned());
    };
    let instance = [alert.first().copied().unwrap_or(layout.device), index];
    let label = match group {
        group::INPUT => layout.trays.iter().find(|tray| tray.instance == instance).map(|tray| &tray.label),
        group::SUPPLIES => layout.supplies.iter().find(|s| s.instance == instance).map(|supply| &supply.label),
        group::COVER => layout.covers.iter().find(|cover| cover.instance == instance).map(|cover| &cover.label),
        _ => None,
    };
    Some(label.filter(|label| !label.is_empty()).cloned().unwrap_or_else(|| format!("{name} {index}")))
}
