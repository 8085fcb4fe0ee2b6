//! Tables and progress. What goes to standard error is for people, so that `--json` stays clean.

use super::bring::CameOf;
use super::sightings::Sighting;
use crate::output::{printable, table};
use anyhow::Result;
use hostler_runtime::{DeviceStanding, LogLevel, LogLine, Progress, Verdict, Watcher};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// A bar, and what moves it.
pub(super) fn progress(begins: &'static str) -> (ProgressBar, Watcher) {
    let bar = ProgressBar::new(0).with_message(begins);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    let moved = bar.clone();
    let watcher: Watcher = Arc::new(move |Progress { done, total, about }| {
        moved.set_length(total.into());
        moved.set_position(done.into());
        moved.set_message(printable(&about));
    });
    (bar, watcher)
}

/// What the plug-in has to say.
pub(super) fn log(lines: &[LogLine]) {
    for line in lines.iter().filter(|line| matches!(line.level, LogLevel::Warn | LogLevel::Error)) {
        eprintln!("warning: {}", printable(&line.text));
    }
}

/// What was found, if anything was.
pub(super) fn found(found: &[Sighting]) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let word = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), printable);
    let rows = found.iter().map(|sighting| {
        let found = &sighting.found;
        let mut state = match found.standing {
            DeviceStanding::Connected => format!("connected already, to {}", word(&found.manager)),
            DeviceStanding::Connecting => "connecting".to_owned(),
            DeviceStanding::NotConnected if found.takes_pin_for == 0 => {
                "not connected; its window is closed".to_owned()
            }
            DeviceStanding::NotConnected => format!("takes a PIN for {} s", found.takes_pin_for),
        };
        if sighting.is_doubtful() {
            let others = sighting.also_at.iter().map(|address| printable(address)).collect::<Vec<_>>();
            state += &format!("; doubtful: so says {}", others.join(", "));
        }
        vec![printable(&found.address), printable(&found.device), word(&found.name), word(&found.title), state]
    });
    let table = table(&["address", "device", "name", "what it is", "state"], rows);
    Ok(writeln!(std::io::stderr(), "{table}")?)
}

/// What came of each.
pub(super) fn outcomes(all: &[CameOf]) -> String {
    let rows = all.iter().map(|one| {
        let said = match &one.verdict {
            Verdict::Connected(manager) => format!("connected to {}", printable(manager)),
            Verdict::Refused(why) => format!("refused: {}", printable(why)),
            Verdict::Unreachable(why) => format!("not reached: {}", printable(why)),
            Verdict::InDoubt(why) => format!("in doubt: {}", printable(why)),
        };
        let device = one.device.as_deref().map_or_else(|| "-".to_owned(), printable);
        vec![printable(&one.address), device, one.by.unwrap_or("-").to_owned(), said]
    });
    table(&["address", "device", "by", "result"], rows)
}
