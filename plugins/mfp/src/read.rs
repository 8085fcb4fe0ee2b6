//! How is it?
//!
//! A steady reading is one `get` of everything that moves, prtGeneralConfigChanges among it. Where that is what it was
//! when the layout was read, nothing else is asked; the alert table is walked only when there may be something
//! in it. A layout is read anew when the device says that it changed, was restarted or got a new supply, when a part is
//! missing, and now and then: every six hours from devices that count no changes, once a day from the others.

use crate::alerts::{self, Alerts};
use crate::layout::Layout;
use crate::objects::{
    CONFIG_CHANGES, CONSOLE_TEXT, COVER_STATUS, HR_DEVICE_STATUS, HR_PRINTER_STATUS, HR_SYSTEM_UPTIME,
    INPUT_CURRENT_LEVEL, MARKER_LIFE_COUNT, SUPPLY_LEVEL, SYS_UP_TIME,
};
use crate::status::{Signs, says_asleep, status};
use crate::{discover, parts, replaced};
use hostler_plugin::oid::join;
use hostler_plugin::types::{Failure, Report, Severity};
use hostler_plugin::{Answers, cache, clock, uptime};

/// When the layout was last read or taken over, in milliseconds; 0 when it has to be read anew.
const KEY: &str = "layout-read";
const HOUR: u64 = 3_600_000;

/// Whether a table is walked that the signs say is empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AlertTable {
    /// Only when there may be something in it.
    IfNeeded,
    /// The device has just said so.
    Walk,
}

/// Reads.
pub(crate) fn read(table: AlertTable) -> Result<Report, Failure> {
    let (layout, answers) = ask()?;
    let ticks = answers.ticks(SYS_UP_TIME).or_else(|| answers.ticks(HR_SYSTEM_UPTIME));
    let uptime = ticks.map(uptime::observe);
    let changed = replaced::watch(&layout, &answers) || uptime.is_some_and(|uptime| uptime.restarted);
    if changed || !is_complete(&layout, &answers) {
        forget();
    }
    let Alerts { alerts, power_saver } = if table == AlertTable::Walk || alerts::must_walk(&layout, &answers) {
        alerts::alerts(&layout, &answers, &alerts::walk(&layout, &answers)?)
    } else {
        alerts::alerts(&layout, &answers, &Answers::default())
    };
    let console = console(&layout, &answers);
    let device = [layout.device];
    let signs = Signs {
        device: answers.integer(&join(HR_DEVICE_STATUS, &device)),
        printer: answers.integer(&join(HR_PRINTER_STATUS, &device)),
        worst: alerts.iter().map(|alert| alert.severity).max_by_key(rank),
        says_asleep: power_saver || console.iter().any(|line| says_asleep(line)),
    };
    let mut readings = parts::readings(&layout, &answers);
    readings.extend(uptime.map(uptime::Uptime::reading));
    Ok(Report { status: status(signs), readings, alerts, console })
}

fn rank(severity: &Severity) -> u8 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Critical => 2,
    }
}

/// A layout that holds, and what moves.
fn ask() -> Result<(Layout, Answers), Failure> {
    if let Some(layout) = Layout::load().filter(is_fresh) {
        let answers = Answers::get_owned(&moving(&layout))?;
        if answers.counter32(&join(CONFIG_CHANGES, &[layout.device])) == layout.config {
            return Ok((layout, answers));
        }
    }
    let layout = discover::discover()?;
    layout.save();
    cache::set(KEY, clock::now().to_string().as_bytes());
    let answers = Answers::get_owned(&moving(&layout))?;
    Ok((layout, answers))
}

/// A layout of which the cache knows nothing, after a restart of the node, is taken as fresh: otherwise the restart of
/// a gateway would have it walk through every device at once.
fn is_fresh(layout: &Layout) -> bool {
    let now = clock::now();
    let Some(read) = cache::text(KEY).and_then(|text| text.parse::<u64>().ok()) else {
        cache::set(KEY, now.to_string().as_bytes());
        return true;
    };
    let patience = if layout.config.is_some() { 24 * HOUR } else { 6 * HOUR };
    read.abs_diff(now) < patience
}

/// The next reading reads the layout anew.
fn forget() {
    cache::set(KEY, b"0");
}

/// Every object that may have another value the next time.
fn moving(layout: &Layout) -> Vec<Vec<u32>> {
    let mut objects = layout.scalars.clone();
    objects.extend(layout.markers.iter().map(|marker| join(MARKER_LIFE_COUNT, &marker.instance)));
    objects.extend(layout.supplies.iter().map(|supply| join(SUPPLY_LEVEL, &supply.instance)));
    objects.extend(layout.trays.iter().map(|tray| join(INPUT_CURRENT_LEVEL, &tray.instance)));
    objects.extend(layout.covers.iter().map(|cover| join(COVER_STATUS, &cover.instance)));
    objects.extend(layout.console.iter().map(|line| join(CONSOLE_TEXT, line)));
    objects
}

/// Whether every part that counts is still there.
fn is_complete(layout: &Layout, answers: &Answers) -> bool {
    let supplies = layout.supplies.iter().all(|supply| answers.has(&join(SUPPLY_LEVEL, &supply.instance)));
    let trays = layout.trays.iter().all(|tray| answers.has(&join(INPUT_CURRENT_LEVEL, &tray.instance)));
    supplies && trays
}

/// What the console shows; empty lines at the end say nothing.
fn console(layout: &Layout, answers: &Answers) -> Vec<String> {
    let mut lines: Vec<String> = layout
        .console
        .iter()
        .map(|line| answers.octets(&join(CONSOLE_TEXT, line)).map(hostler_plugin::text::clean).unwrap_or_default())
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}
