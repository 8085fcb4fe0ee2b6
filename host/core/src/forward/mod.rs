//! Forwarding: the events that fit a rule's filter go to its receiver, in their order, each at least once.
//!
//! A rule keeps a cursor: the number up to which every event is settled (taken by the receiver, passed over, or lost). It moves
//! only when the receiver acknowledged, in one commit with what is told about that, so a crash repeats at most what wasn't
//! acknowledged. All is a pure function of what is kept, what was looked at and what became of a delivery; what is to be done
//! next follows from the state alone ([`Forwarding::next`]).
//!
//! A receiver that is down is tried again, less and less often. One that refuses a notice is sent another: if it takes that one, the
//! first is passed over, and if it doesn't, nothing is, since then the fault isn't the notice's. Meanwhile events may fall out of those that are kept: they
//! are counted and told. What is told about a rule isn't forwarded by that rule ([`is_about`]), or one failure would be the
//! reason of the next.

#[cfg(test)]
mod explore;

use crate::event::Event;
use crate::id::{RuleName, is_standard_name};
use crate::reading::Severity;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// After the first failure the next attempt waits so long, after each further one twice as long, up to [`LONGEST`].
pub const FIRST: Duration = Duration::from_secs(1);

/// The longest pause between two attempts.
pub const LONGEST: Duration = Duration::from_secs(600);

/// So many attempts in a row fail before it is told: half a minute is no outage.
const PATIENCE: u32 = 5;

/// So often a receiver may refuse a notice before it is seen whether it takes another one.
const REFUSALS: u32 = 3;

/// What was lost or refused is told at most so often.
const TELL_AGAIN: Duration = Duration::from_secs(3_600);

/// A cursor that only passed over what doesn't fit is written down after so many.
const KEEP_EVERY: u64 = 10_000;

/// A rule's cursor and what became of it: what is stored.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cursor {
    /// Every event up to this number is settled.
    pub through: u64,
    /// How many notices the receiver took.
    pub delivered: u64,
    /// When it took some last.
    pub delivered_at: Option<Timestamp>,
    /// How many events fell out of those that are kept before it could take them. Some may not have fitted.
    pub lost: u64,
    /// How many notices it refused for what they are.
    pub refused: u64,
    /// Why it takes nothing now.
    pub trouble: Option<Trouble>,
    /// How much of `lost` and `refused` was told, and when.
    #[serde(default)]
    pub told: Told,
}

/// What was told of losses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Told {
    lost: u64,
    refused: u64,
    at: Option<Timestamp>,
}

/// Why a receiver takes nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// How many attempts in a row failed.
    pub attempts: u32,
    /// What happened last, for people.
    pub text: String,
    /// Whether that was told.
    pub told: bool,
}

/// How a rule gathers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// After the first notice, others are waited for so long.
    pub gather: Duration,
    /// So many notices go together at most; at least one.
    pub most: usize,
}

/// What failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The receiver or the way to it: later it may work.
    Again,
    /// It answered that it doesn't take this. Whether that is about this notice or about all of them shows when another is sent.
    Refused,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Look at the events behind this number; so many that fit are wanted.
    Look {
        /// The last that was looked at.
        after: u64,
        /// How many more fit into one delivery.
        most: usize,
    },
    /// Deliver the events with these numbers.
    Send(Vec<u64>),
    /// Nothing before this time. Events that are stored meanwhile change nothing.
    Rest(Timestamp),
    /// Nothing before this time, or before an event is stored.
    Gather(Timestamp),
    /// Nothing before an event is stored.
    Idle,
}

/// What was found by looking.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Looked {
    /// The number of the oldest event that is kept, where there is any.
    pub oldest: Option<u64>,
    /// The last that was looked at.
    pub through: u64,
    /// Those that fit.
    pub fitting: Vec<u64>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// What follows from something that happened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[must_use]
pub struct Outcome {
    /// Whether the cursor is to be stored now.
    pub keep: bool,
    /// What is to be told, with it.
    pub tell: Vec<Notice>,
}

/// Something to tell about a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// The event's name.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What happened, without the rule's name.
    pub text: String,
}

impl Notice {
    /// What was delivered wasn't taken for somebody.
    #[must_use]
    pub fn not_for(why: &str) -> Self {
        let text = format!("the receiver takes notices, but not for everybody: {why}");
        Self { name: "forward.refused", severity: Severity::Warning, text }
    }

    /// The event that tells it.
    #[must_use]
    pub fn event(self, rule: &RuleName, at: Timestamp) -> Event {
        let text = format!("{}{}", begins(rule), self.text);
        debug_assert!(is_standard_name(self.name));
        Event { at, node: None, device: None, name: self.name.to_owned(), severity: self.severity, text }
    }
}

fn begins(rule: &RuleName) -> String {
    format!("forwarding {rule}: ")
}

/// Whether an event of this node is about this rule: it isn't forwarded by it.
#[must_use]
pub fn is_about(event: &Event, rule: &RuleName) -> bool {
    event.node.is_none() && event.name.starts_with("forward.") && event.text.starts_with(&begins(rule))
}

/// A rule at work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forwarding {
    cursor: Cursor,
    pace: Pace,
    /// The last event that was looked at.
    seen: u64,
    /// Those that fit and wait, oldest first.
    batch: Vec<u64>,
    /// Since when the first of them waits.
    since: Option<Timestamp>,
    /// Whether there may be events that weren't looked at.
    dirty: bool,
    /// So many go at once: fewer while the receiver refuses.
    size: usize,
    refusals: u32,
    /// Whether the first is left aside, to see whether the receiver takes the second.
    probing: bool,
    retry_at: Option<Timestamp>,
}

impl Forwarding {
    /// Goes on from what is kept.
    #[must_use]
    pub fn new(cursor: Cursor, pace: Pace) -> Self {
        let (seen, size) = (cursor.through, pace.most.max(1));
        let (batch, since, retry_at) = (Vec::new(), None, None);
        Self { cursor, pace, seen, batch, since, dirty: true, size, refusals: 0, probing: false, retry_at }
    }

    /// What is to be stored.
    #[must_use]
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The last event that was looked at, and how many of those that fit wait.
    #[must_use]
    pub fn seen(&self) -> (u64, usize) {
        (self.seen, self.batch.len())
    }

    /// When a failed delivery is tried again.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.retry_at
    }

    /// An event was stored.
    pub fn stored(&mut self) {
        self.dirty = true;
    }

    /// What is to be done at this time.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Next {
        // A clock that was put back makes nobody wait for longer than a pause is.
        let ahead = |at: Timestamp, most: Duration| at > now && at.since(now) <= most;
        if let Some(at) = self.retry_at.filter(|at| ahead(*at, LONGEST)) {
            return Next::Rest(at);
        }
        let room = self.pace.most.max(1).saturating_sub(self.batch.len());
        // Before a delivery that failed is tried again it is seen whether it is still kept.
        if self.retry_at.is_some() || (self.dirty && room > 0) {
            return Next::Look { after: self.seen, most: room };
        }
        let Some(since) = self.since.filter(|_| !self.batch.is_empty()) else { return Next::Idle };
        let until = since.plus(self.pace.gather);
        if room > 0 && ahead(until, self.pace.gather) {
            return Next::Gather(until);
        }
        let (aside, size) = if self.probing { (1, 1) } else { (0, self.size) };
        Next::Send(self.batch.iter().skip(aside).take(size).copied().collect())
    }

    /// Events were looked at.
    pub fn looked(&mut self, looked: Looked, now: Timestamp) -> Outcome {
        self.retry_at = None;
        let oldest = looked.oldest.unwrap_or(self.seen.saturating_add(1));
        let gone = self.batch.iter().take_while(|number| **number < oldest).count();
        self.batch.drain(..gone);
        self.probing &= gone == 0;
        // Nobody looked at these before they fell out.
        let unseen = oldest.saturating_sub(self.seen.saturating_add(1));
        self.cursor.lost = self.cursor.lost.saturating_add(gone as u64).saturating_add(unseen);
        self.seen = self.seen.max(looked.through).max(oldest.saturating_sub(1));
        self.batch.extend(looked.fitting);
        self.dirty = looked.more;
        self.since = if self.batch.is_empty() { None } else { self.since.or(Some(now)) };
        let lost = gone as u64 + unseen > 0;
        let settled = self.settled();
        let mut keep = lost;
        if lost || settled.saturating_sub(self.cursor.through) >= KEEP_EVERY {
            self.cursor.through = settled;
            keep = true;
        }
        let tell = self.losses(now, false);
        Outcome { keep: keep || !tell.is_empty(), tell }
    }

    /// The receiver took the first so many that were sent.
    pub fn sent(&mut self, count: usize, now: Timestamp) -> Outcome {
        if std::mem::take(&mut self.probing) {
            // It takes others: what it refused it will never take.
            self.batch.drain(..1.min(self.batch.len()));
            self.cursor.refused = self.cursor.refused.saturating_add(1);
        }
        self.batch.drain(..count.min(self.batch.len()));
        self.cursor.delivered = self.cursor.delivered.saturating_add(count as u64);
        self.cursor.delivered_at = Some(now);
        self.size = self.size.saturating_mul(2).min(self.pace.most.max(1));
        (self.refusals, self.retry_at) = (0, None);
        self.since = (!self.batch.is_empty()).then_some(now);
        self.cursor.through = self.settled();
        let mut tell = self.losses(now, true);
        let trouble = self.cursor.trouble.take();
        if let Some(Trouble { text: why, .. }) = &trouble {
            let refused = tell.iter_mut().filter(|notice| notice.name == "forward.refused");
            refused.for_each(|notice| notice.text = format!("{}: {why}", notice.text));
        }
        if let Some(trouble) = trouble.filter(|trouble| trouble.told) {
            let text = format!(
                "the receiver takes notices again, after {} attempts since {}",
                trouble.attempts, trouble.since
            );
            tell.push(Notice { name: "forward.works-again", severity: Severity::Info, text });
        }
        Outcome { keep: true, tell }
    }

    /// A delivery of so many failed.
    pub fn failed(&mut self, count: usize, verdict: Verdict, why: String, now: Timestamp) -> Outcome {
        let probed = std::mem::take(&mut self.probing);
        if verdict == Verdict::Refused && !probed {
            if count > 1 {
                // One of them may be at fault: in halves it is found.
                self.size = (count / 2).max(1);
                self.retry_at = None;
                return Outcome::default();
            }
            self.refusals = self.refusals.saturating_add(1);
            if self.refusals >= REFUSALS && self.batch.len() > 1 {
                self.probing = true;
                self.retry_at = None;
                return Outcome::default();
            }
        }
        let trouble = self.cursor.trouble.take();
        let attempts = trouble.as_ref().map_or(0, |trouble| trouble.attempts).saturating_add(1);
        let mut trouble = Trouble {
            since: trouble.as_ref().map_or(now, |trouble| trouble.since),
            told: trouble.as_ref().is_some_and(|trouble| trouble.told),
            attempts,
            text: why,
        };
        self.retry_at = Some(now.plus(pause(attempts)));
        let mut tell = Vec::new();
        if attempts >= PATIENCE && !trouble.told {
            trouble.told = true;
            let text =
                format!("the receiver takes nothing since {}, and is tried again: {}", trouble.since, trouble.text);
            tell.push(Notice { name: "forward.failing", severity: Severity::Warning, text });
        }
        self.cursor.trouble = Some(trouble);
        Outcome { keep: true, tell }
    }

    /// The number up to which everything is settled.
    fn settled(&self) -> u64 {
        self.batch.first().map_or(self.seen, |first| first.saturating_sub(1))
    }

    /// Tells what was lost and refused and wasn't told yet, where that is due.
    fn losses(&mut self, now: Timestamp, at_once: bool) -> Vec<Notice> {
        let told = &mut self.cursor.told;
        let (lost, refused) = (
            self.cursor.lost - told.lost.min(self.cursor.lost),
            self.cursor.refused - told.refused.min(self.cursor.refused),
        );
        let due = at_once || told.at.is_none_or(|at| now.since(at) >= TELL_AGAIN);
        if !due || (lost == 0 && refused == 0) {
            return Vec::new();
        }
        *told = Told { lost: self.cursor.lost, refused: self.cursor.refused, at: Some(now) };
        let mut tell = Vec::new();
        if lost > 0 {
            let text = format!("{lost} events fell out of those that are kept before the receiver could take them");
            tell.push(Notice { name: "forward.lost", severity: Severity::Warning, text });
        }
        if refused > 0 {
            let text = format!("the receiver refused {refused} notices for what they are; they were passed over");
            tell.push(Notice { name: "forward.refused", severity: Severity::Warning, text });
        }
        tell
    }
}

fn pause(attempts: u32) -> Duration {
    FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST)
}
