//! Schedules: what is done by the calendar.
//!
//! A pure procedure, `(state, event) → step`. What is outstanding follows from the state alone ([`Schedule::outstanding`]): a
//! run is stored with what it does before anything is done, so that a crash neither loses nor doubles it. One that was under
//! way goes on after a restart where doing it again is harmless; else it ends as in doubt.
//!
//! Everything up to [`Schedule::decided`] was run or passed over, and is never run again. So a clock that is set back repeats
//! nothing, unless it goes back by more than [`WRONG`]: then it was wrong before, and a schedule that kept to it might be
//! silent for years. What is due for longer than [`LATE`] was missed, whether the node was down, its clock jumped, or the run
//! before took so long: all of it is run once, or passed over, as the schedule says.

mod calendar;
#[cfg(test)]
mod explore;
mod fields;
#[cfg(test)]
mod tests;
mod work;
mod zone;

pub use calendar::{BadCalendar, Calendar, NAMES};
pub use work::{Asked, Fitting, Kind, Which, Work};
pub use zone::{Instant, Zone};

use crate::changes::{Change, Changes};
use crate::event::Event as Happening;
use crate::id::{DeviceId, NodeId, RequestId, ScheduleId, UserName};
use crate::message::Method;
use crate::reading::Severity;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// What is due for longer than this was missed.
pub const LATE: Duration = Duration::from_secs(120);

/// A clock that is set back by more than this was wrong before.
pub const WRONG: Duration = Duration::from_secs(3 * 60 * 60);

/// What became of so many devices is kept of a run.
pub const BECAME: usize = 500;

/// So many missed times are counted; of more is said that they are more.
const COUNTED: usize = 1_000;

/// Something that is done by the calendar.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name for programs.
    pub id: ScheduleId,
    /// What somebody wants.
    pub plan: Plan,
    /// Whether it runs.
    pub standing: Standing,
    /// Up to when everything was run or passed over.
    pub decided: Timestamp,
    /// When it is due next; `None` while it is paused.
    pub next: Option<Timestamp>,
    /// How many runs have begun.
    pub runs: u64,
    /// The run that is under way.
    pub run: Option<Run>,
    /// How the run before ended.
    pub last: Option<Ended>,
}

/// What somebody wants to be done, and when.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// What people call it.
    pub name: String,
    /// When.
    pub calendar: Calendar,
    /// What.
    pub work: Work,
    /// What becomes of times that were missed.
    pub missed: Missed,
    /// Who said so last.
    pub by: UserName,
}

/// What becomes of times that were missed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// One run stands for all of them, as soon as it can.
    #[default]
    RunOnce,
    /// They are passed over.
    Skip,
}

/// Whether a schedule runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// When it is due.
    Active,
    /// When somebody says so.
    Paused,
}

/// A run that is under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Counts the runs of this schedule.
    pub number: u64,
    /// When it was due; `None` where somebody ordered it.
    pub due: Option<Timestamp>,
    /// When it began.
    pub began_at: Timestamp,
    /// What is done: what was wanted when it began.
    pub work: Work,
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// How many orders were taken.
    pub done: u32,
    /// How many weren't.
    pub failed: u32,
    /// Why the first of these wasn't, for people.
    pub why: Option<String>,
    /// What became of each device that was asked something: at most [`BECAME`], those that failed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<Became>,
}

/// What became of a device that was asked something.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Became {
    /// Which device.
    pub device: DeviceId,
    /// The request; `None` where there could be none.
    pub request: Option<RequestId>,
    /// Why it failed, for people; `None` where it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A run that is over.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// The run.
    pub run: Run,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
}

/// What happened to a schedule.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// Somebody looked at the clock.
    Looked,
    /// The node was started: nobody performs what was under way.
    Restarted,
    /// A run is over.
    Ran {
        /// Which.
        number: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// Somebody wants it to run now.
    Wanted,
    /// Somebody wants something else.
    Edited(Box<Plan>),
    /// Somebody wants it to run no more.
    Paused,
    /// Somebody wants it to run again.
    Resumed,
}

/// What an event does to a schedule.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The schedule afterwards.
    pub next: Schedule,
    /// What else changes, in the same commit.
    pub changes: Changes,
}

/// Where and when an event is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    /// The node's parent, which is told; `None` at the root.
    pub parent: Option<NodeId>,
    /// The time.
    pub now: Timestamp,
}

/// Times that were missed.
struct Gap {
    first: Timestamp,
    count: usize,
}

impl Schedule {
    /// A schedule that was just made.
    #[must_use]
    pub fn new(id: ScheduleId, plan: Plan, now: Timestamp) -> Self {
        let next = plan.calendar.next_after(now);
        Self { id, plan, standing: Standing::Active, decided: now, next, runs: 0, run: None, last: None }
    }

    /// What is to be done now. It follows from the state alone, so it is the same after a crash.
    #[must_use]
    pub fn outstanding(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// What an event does. One that the state isn't waiting for changes nothing.
    #[must_use]
    pub fn step(self, event: Event, context: &Context) -> Step {
        match event {
            Event::Looked => self.look(context),
            Event::Restarted => {
                let kind = self.run.as_ref().map(|run| run.work.kind());
                self.go_on(kind, context)
            }
            Event::Ran { number, outcome } => self.end(number, outcome, context),
            Event::Wanted if self.run.is_none() => self.begin(None, context),
            Event::Wanted => self.stay(),
            Event::Edited(plan) => {
                // What was due until now was due by what it said until now; what it says from now on was never missed.
                let Step { next, changes } = self.look(context);
                Step { next: Self { plan: *plan, ..next }.deciding(context.now), changes }
            }
            Event::Paused => Self { standing: Standing::Paused, next: None, ..self }.stay(),
            Event::Resumed if self.standing == Standing::Paused => {
                // What was due meanwhile wasn't missed.
                let resumed = Self { standing: Standing::Active, ..self };
                resumed.deciding(context.now).stay()
            }
            Event::Resumed => self.stay(),
        }
    }

    fn stay(self) -> Step {
        Step { next: self, changes: Changes::none() }
    }

    /// With everything until now decided, and the next time by that.
    fn deciding(self, now: Timestamp) -> Self {
        let decided = self.decided_by(now).max(now);
        Self { decided, ..self }.aligned(now)
    }

    /// Up to when everything was decided, by a clock that says this.
    fn decided_by(&self, now: Timestamp) -> Timestamp {
        if self.decided.since(now) > WRONG { now } else { self.decided }
    }

    /// With the next time that follows from what is decided.
    fn aligned(self, now: Timestamp) -> Self {
        let decided = self.decided_by(now);
        let next = match self.standing {
            Standing::Active => self.plan.calendar.next_after(decided),
            Standing::Paused => None,
        };
        Self { decided, next, ..self }
    }

    /// Begins what is due. A clock that was put right, and time zones whose rules changed, move the next time.
    fn look(self, context: &Context) -> Step {
        let now = context.now;
        if self.standing == Standing::Paused || self.run.is_some() {
            return self.stay();
        }
        let aligned = self.aligned(now);
        let Some(next) = aligned.next.filter(|next| *next <= now) else { return aligned.stay() };
        let current = aligned.plan.calendar.latest(next, now);
        match (aligned.missed(next, current, now), current, aligned.plan.missed) {
            (None, due, _) => aligned.begin(due.or(Some(next)), context),
            (Some(gap), None, Missed::Skip) => aligned.tell_missed(&gap, context).skip(now),
            (Some(gap), due, _) => {
                let Step { next: schedule, changes } = aligned.tell_missed(&gap, context);
                let begun = schedule.begin(due.or(Some(gap.first)), context);
                Step { changes: changes.with(begun.changes), next: begun.next }
            }
        }
    }

    /// The times from `first` until now that were missed; `current` isn't.
    fn missed(&self, first: Timestamp, current: Option<Timestamp>, now: Timestamp) -> Option<Gap> {
        let later = |at: &Timestamp| self.plan.calendar.next_after(*at);
        let until = |at: &Timestamp| *at <= now && Some(*at) != current;
        let count = std::iter::successors(Some(first), later).take_while(until).take(COUNTED + 1).count();
        (count > 0).then_some(Gap { first, count })
    }

    fn begin(self, due: Option<Timestamp>, context: &Context) -> Step {
        let number = self.runs + 1;
        let run = Run { number, due, began_at: context.now, work: self.plan.work.clone() };
        let why = match due {
            Some(due) => format!("due at {}", self.plan.calendar.zone().local(due)),
            None => "by hand".to_owned(),
        };
        let said = format!("{} begins, {why}: {}", self.called(), run.work);
        let changes = happened("schedule.began", Severity::Info, said, context);
        let begun = Self { run: Some(run), runs: number, ..self };
        // What is ordered by hand says nothing of the times that are yet to come.
        let next = if due.is_some() { begun.deciding(context.now) } else { begun };
        Step { next, changes }
    }

    /// After a restart: what is under way is done again, or nobody knows whether it was done.
    fn go_on(self, kind: Option<Kind>, context: &Context) -> Step {
        match (kind, &self.run) {
            (Some(Kind::Once), Some(run)) => {
                let (number, why) =
                    (run.number, "the node ended meanwhile; whether it was done is in doubt".to_owned());
                self.end(number, Outcome { failed: 1, why: Some(why), ..Outcome::default() }, context)
            }
            _ => self.stay(),
        }
    }

    fn end(self, number: u64, outcome: Outcome, context: &Context) -> Step {
        let Some(run) = self.run.clone().filter(|run| run.number == number) else { return self.stay() };
        let (name, severity) = match outcome.failed {
            0 => ("schedule.ran", Severity::Info),
            _ => ("schedule.failed", Severity::Warning),
        };
        let said = format!("{} {}", self.called(), outcome.said());
        let ended = Ended { run, ended_at: context.now, outcome };
        let changes = happened(name, severity, said, context);
        Step { next: Self { run: None, last: Some(ended), ..self }, changes }
    }

    fn tell_missed(self, gap: &Gap, context: &Context) -> Step {
        let since = self.plan.calendar.zone().local(gap.first);
        let times = match gap.count {
            1 => format!("one time, {since}"),
            count if count > COUNTED => format!("more than {COUNTED} times since {since}"),
            count => format!("{count} times since {since}"),
        };
        let then = match self.plan.missed {
            Missed::RunOnce => "one run stands for all",
            Missed::Skip => "they are passed over",
        };
        let said = format!("{} missed {times}; {then}", self.called());
        Step { changes: happened("schedule.missed", Severity::Warning, said, context), next: self }
    }

    fn called(&self) -> String {
        format!("the schedule {:?}", self.plan.name)
    }
}

impl Step {
    /// The same, and what is due until now is passed over.
    fn skip(self, now: Timestamp) -> Self {
        Self { next: self.next.deciding(now), ..self }
    }
}

impl Outcome {
    /// The outcome of a run that asked each of these devices something.
    #[must_use]
    pub fn of_each(mut each: Vec<Became>) -> Self {
        each.sort_by(|one, other| {
            other.failed.is_some().cmp(&one.failed.is_some()).then(one.device.cmp(&other.device))
        });
        let count = |failed| each.iter().filter(|became| became.failed.is_some() == failed).count();
        let [done, failed] = [false, true].map(count).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        let first = each.first().and_then(|became| Some(format!("{}: {}", became.device, became.failed.as_ref()?)));
        each.truncate(BECAME);
        Self { done, failed, why: first, each }
    }

    /// What came of it, as the end of a sentence.
    #[must_use]
    pub fn said(&self) -> String {
        let Self { done, failed, why, each } = self;
        let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        if !each.is_empty() {
            return match (done, failed) {
                (1, 0) => "ran; one device answered".to_owned(),
                (_, 0) => format!("ran; {done} devices answered"),
                (0, _) => format!("failed{why}"),
                _ => format!("failed in part: {done} devices answered, {failed} didn't{why}"),
            };
        }
        match (done, failed) {
            (0, 0) => "ran, and there was nothing to do".to_owned(),
            (1, 0) => "ran; one order was given".to_owned(),
            (_, 0) => format!("ran; {done} orders were given"),
            (0, _) => format!("failed{why}"),
            _ => format!("failed in part: {done} orders were given, {failed} couldn't be{why}"),
        }
    }
}

fn happened(name: &str, severity: Severity, text: String, context: &Context) -> Changes {
    let event = Happening { at: context.now, node: None, device: None, name: name.to_owned(), severity, text };
    Changes::from(Change::Happened(event.clone())).telling(context.parent.as_ref(), Method::EventHappened(event))
}
