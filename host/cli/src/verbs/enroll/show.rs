//! Tables and progress. What goes to standard error is for people, so that `--json` stays clean.

use super::bring::CameOf;
use super::sightings::Sighting;
use crate::output::{printable, table};
use anyhow::Result;
use hostler_runtime::{DeviceStanding, LogLevel, LogLine, Progress, Verdict, Watcher};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::ops::Not;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long nothing need be said to who reads lines.
const SILENCE: Duration = Duration::from_secs(10);

/// How far a step is: a bar where somebody sits at a terminal, else a line now and then.
pub(super) struct Shown {
    bar: ProgressBar,
    lines: Option<Mutex<Lines>>,
}

/// Different lines that a plug-in may say of a step.
const MOST_LINES: usize = 100;

/// What was said, and when last.
struct Lines {
    said: BTreeSet<String>,
    at: Instant,
}

impl Lines {
    fn tell(&mut self, done: u32, total: u32, about: &str) {
        let new = self.said.len() < MOST_LINES && self.said.insert(about.to_owned());
        if !new && self.at.elapsed() < SILENCE {
            return;
        }
        self.at = Instant::now();
        match total {
            0 | 1 => eprintln!("{about}"),
            _ => eprintln!("{about}: {done} of {total}"),
        }
    }
}

impl Shown {
    /// A step that begins with these words.
    pub(super) fn begin(about: &'static str) -> Arc<Self> {
        let bar = ProgressBar::new(0).with_message(about);
        bar.set_style(style("{spinner} {msg} {elapsed}"));
        let lines = std::io::stderr().is_terminal().not().then(|| {
            let mut lines = Lines { said: BTreeSet::new(), at: Instant::now() };
            lines.tell(0, 0, about);
            Mutex::new(lines)
        });
        if lines.is_none() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Arc::new(Self { bar, lines })
    }

    /// It is so far.
    pub(super) fn tell(&self, Progress { done, total, about }: &Progress) {
        let about = printable(about);
        if self.bar.length() == Some(0) && *total > 0 {
            self.bar.set_style(style("{spinner} {msg} {bar:24} {pos}/{len} {elapsed}"));
        }
        self.bar.set_length((*total).into());
        self.bar.set_position((*done).into());
        if let Some(lines) = &self.lines {
            lines.lock().unwrap_or_else(PoisonError::into_inner).tell(*done, *total, &about);
        }
        self.bar.set_message(about);
    }

    /// What moves it from elsewhere.
    pub(super) fn watcher(self: &Arc<Self>) -> Watcher {
        let shown = Arc::clone(self);
        Arc::new(move |progress| shown.tell(&progress))
    }

    /// It is over.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
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

/// What came of each. Who didn't come in is called as it said itself.
pub(super) fn outcomes(all: &[CameOf], found: &[Sighting]) -> String {
    let claims: BTreeMap<&str, &str> =
        found.iter().map(|one| (one.found.address.as_str(), one.found.device.as_str())).collect();
    let rows = all.iter().map(|one| {
        let said = match &one.verdict {
            Verdict::Connected(manager) => format!("connected to {}", printable(manager)),
            Verdict::Refused(why) => format!("refused: {}", printable(why)),
            Verdict::Unreachable(why) => format!("not reached: {}", printable(why)),
            Verdict::InDoubt(why) => format!("in doubt: {}", printable(why)),
        };
        let device = one.device.as_deref().or_else(|| claims.get(one.address.as_str()).copied());
        let device = device.map_or_else(|| "-".to_owned(), printable);
        vec![printable(&one.address), device, one.by.unwrap_or("-").to_owned(), said]
    });
    table(&["address", "device", "by", "result"], rows)
}
