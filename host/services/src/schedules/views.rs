//! What pages and the API show of schedules, and take.

use hostler_core::schedule::{Ended, Instant, Missed, Run, Schedule, Standing, Work};
use hostler_core::{ScheduleId, UserName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody wants to be done by the calendar.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// What people call it, such as `Nightly reading`.
    pub name: String,
    /// When: five fields (minute, hour, day of month, month, day of week) such as `30 2 * * 1-5`, or `hourly`, `daily`,
    /// `weekly`, `monthly` or `yearly`.
    pub calendar: String,
    /// The IANA time zone that this is meant in, such as `Europe/Berlin`; UTC where it isn't given.
    #[serde(default)]
    pub zone: Option<String>,
    /// What is done.
    pub work: Work,
    /// What becomes of times that were missed.
    #[serde(default)]
    pub missed: Missed,
}

/// A schedule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ScheduleView {
    /// Its name for programs.
    pub id: ScheduleId,
    /// What people call it.
    pub name: String,
    /// When.
    pub calendar: String,
    /// In which time zone.
    pub zone: String,
    /// What is done.
    pub work: Work,
    /// The same in words.
    pub shall: String,
    /// What becomes of times that were missed.
    pub missed: Missed,
    /// Whether it runs.
    pub standing: Standing,
    /// Who said so last.
    pub by: UserName,
    /// When it is due next; `None` while it is paused.
    pub next: Option<Instant>,
    /// The run that is under way.
    pub running: Option<Run>,
    /// How the run before ended.
    pub last: Option<Ended>,
    /// The same in words.
    pub ended: Option<String>,
}

/// When a calendar expression comes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Coming {
    /// In which time zone.
    pub zone: String,
    /// The next times.
    pub times: Vec<Instant>,
}

impl ScheduleView {
    pub(super) fn of(schedule: Schedule) -> Self {
        let Schedule { id, plan, standing, next, run, last, .. } = schedule;
        let zone = plan.calendar.zone();
        Self {
            id,
            calendar: plan.calendar.expression().to_owned(),
            zone: zone.name().to_owned(),
            shall: plan.work.to_string(),
            next: next.map(|at| zone.instant(at)),
            name: plan.name,
            work: plan.work,
            missed: plan.missed,
            standing,
            by: plan.by,
            running: run,
            ended: last.as_ref().map(|last| last.outcome.said()),
            last,
        }
    }
}
