//! Schedules: what somebody wants to be done by the calendar, and doing it.
//!
//! What follows from the clock is decided by [`hostler_core::schedule`]; here it is committed, and then performed
//! ([`work`], and [`asking`] where devices are asked something). One task looks at the clock ([`clock`]).

mod asking;
mod clock;
mod views;
mod work;

pub use views::{Coming, NewSchedule, ScheduleView};

use crate::error::ServiceError;
use crate::inventory::Inventory;
use crate::need;
use crate::requests::{Limits, Requests};
use hostler_core::changes::{Change, Expect};
use hostler_core::id::is_standard_name;
use hostler_core::message::weight;
use hostler_core::request::LARGEST_QUESTION;
use hostler_core::schedule::{
    Asked, BadCalendar, Calendar, Context, Event, Plan, Schedule, Standing, Step, Which, Work,
};
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{NodeId, ScheduleId, Timestamp};
use hostler_engine::now;
use hostler_store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// At most so many schedules are kept.
const MOST: usize = 1_000;

/// The longest name, in characters.
const NAME: usize = 100;

/// At most so many devices are named one by one.
const NAMED: usize = 10_000;

/// How many moments are shown of what is to come.
const SHOWN: usize = 5;

/// The schedules of this node.
pub struct Schedules {
    store: Arc<dyn Store>,
    inventory: Arc<Inventory>,
    requests: Arc<Requests>,
    parent: Option<NodeId>,
    /// Something else is due, or something may be performed.
    changed: Notify,
}

impl Schedules {
    /// The schedules that are stored. Nothing runs until [`Schedules::run_forever`] does.
    #[must_use]
    pub fn open(
        store: Arc<dyn Store>,
        (inventory, requests): (Arc<Inventory>, Arc<Requests>),
        parent: Option<NodeId>,
    ) -> Arc<Self> {
        Arc::new(Self { store, inventory, requests, parent, changed: Notify::new() })
    }

    /// Every schedule, by name.
    ///
    /// # Errors
    /// The right is missing.
    pub fn list(&self, viewer: &Viewer) -> Result<Vec<ScheduleView>, ServiceError> {
        need(viewer, Right::See)?;
        let mut all: Vec<_> = self.store.schedules()?.into_iter().map(|row| ScheduleView::of(row.value)).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// One schedule.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub fn show(&self, viewer: &Viewer, id: &ScheduleId) -> Result<ScheduleView, ServiceError> {
        need(viewer, Right::See)?;
        let row = self.store.schedule(id)?.ok_or_else(|| unknown(id))?;
        Ok(ScheduleView::of(row.value))
    }

    /// When an expression comes next, in its zone and in UTC.
    ///
    /// # Errors
    /// It can't be; the error says which field, and what would be right.
    pub fn coming(&self, viewer: &Viewer, expression: &str, zone: &str) -> Result<Coming, ServiceError> {
        need(viewer, Right::See)?;
        let calendar = Calendar::parse(expression, zone).map_err(invalid)?;
        Ok(Coming { zone: calendar.zone().name().to_owned(), times: calendar.upcoming(now(), SHOWN) })
    }

    /// Makes a schedule; its ID follows from its name.
    ///
    /// # Errors
    /// Something of it can't be, the name is taken, or the right is missing.
    pub async fn add(&self, viewer: &Viewer, new: NewSchedule) -> Result<ScheduleView, ServiceError> {
        need(viewer, Right::Operate)?;
        let plan = self.plan(viewer, new)?;
        if self.store.schedules()?.len() >= MOST {
            let why = format!("there are {MOST} schedules already, the most that are kept; remove one first");
            return Err(ServiceError::Conflict(why));
        }
        let schedule = Schedule::new(ScheduleId::from_name(&plan.name), plan, now());
        let (id, name) = (schedule.id.clone(), schedule.plan.name.clone());
        let change =
            Change::Schedule { id: id.clone(), expect: Expect::Absent, value: Some(Box::new(schedule.clone())) };
        self.store.commit(change.into()).await.map_err(|error| match error {
            StoreError::Conflict { .. } => ServiceError::Conflict(format!(
                "the name {name:?} is taken: there is a schedule {id}; give another name"
            )),
            other => other.into(),
        })?;
        self.changed.notify_one();
        Ok(ScheduleView::of(schedule))
    }

    /// Wants something else of a schedule. A run that is under way ends as it began.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], something of it can't be, or the right is missing.
    pub async fn edit(&self, viewer: &Viewer, id: &ScheduleId, new: NewSchedule) -> Result<ScheduleView, ServiceError> {
        need(viewer, Right::Operate)?;
        let plan = self.plan(viewer, new)?;
        self.ordered(id, Event::Edited(Box::new(plan))).await
    }

    /// Lets a schedule rest, or run again. What was due while it rested wasn't missed.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub async fn set(&self, viewer: &Viewer, id: &ScheduleId, to: Standing) -> Result<ScheduleView, ServiceError> {
        need(viewer, Right::Operate)?;
        let event = match to {
            Standing::Active => Event::Resumed,
            Standing::Paused => Event::Paused,
        };
        self.ordered(id, event).await
    }

    /// Runs a schedule now, whenever it is due.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], it runs already, or the right is missing.
    pub async fn run_now(&self, viewer: &Viewer, id: &ScheduleId) -> Result<ScheduleView, ServiceError> {
        need(viewer, Right::Operate)?;
        if self.show(viewer, id)?.running.is_some() {
            return Err(ServiceError::Conflict(format!("{id} is running already; look how that ends first")));
        }
        self.ordered(id, Event::Wanted).await
    }

    /// Removes a schedule. What a run under way has ordered stays ordered.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub async fn remove(&self, viewer: &Viewer, id: &ScheduleId) -> Result<(), ServiceError> {
        need(viewer, Right::Operate)?;
        self.show(viewer, id)?;
        let gone = Change::Schedule { id: id.clone(), expect: Expect::Anything, value: None };
        self.store.commit(gone.into()).await?;
        self.changed.notify_one();
        Ok(())
    }

    async fn ordered(&self, id: &ScheduleId, event: Event) -> Result<ScheduleView, ServiceError> {
        let schedule = self.take(id, event, now()).await?.ok_or_else(|| unknown(id))?;
        self.changed.notify_one();
        Ok(ScheduleView::of(schedule))
    }

    /// What an event does, committed whole; `None` where there is no such schedule any more. What changed it meanwhile is
    /// looked at anew.
    async fn take(&self, id: &ScheduleId, event: Event, now: Timestamp) -> Result<Option<Schedule>, ServiceError> {
        loop {
            let Some(row) = self.store.schedule(id)? else { return Ok(None) };
            let context = Context { parent: self.parent.clone(), now };
            let Step { next, changes } = row.value.clone().step(event.clone(), &context);
            if next == row.value && changes.is_empty() {
                return Ok(Some(next));
            }
            let (expect, value) = (Expect::Version(row.version), Some(Box::new(next.clone())));
            match self.store.commit(changes.and(Change::Schedule { id: id.clone(), expect, value })).await {
                Err(StoreError::Conflict { what }) => tracing::debug!(%what, "a schedule is decided anew"),
                outcome => {
                    outcome?;
                    return Ok(Some(next));
                }
            }
        }
    }

    /// What is known of a question before there are devices to ask it: which command it is and how long it may take.
    fn check_asked(&self, work: &Work) -> Result<(), ServiceError> {
        let Work::AskDevices { asked, within_s, .. } = work else { return Ok(()) };
        let _ = Limits::within(Duration::from_secs(*within_s))?;
        let Asked::Command { name, arguments } = asked else { return Ok(()) };
        if !is_standard_name(name) || weight(arguments) > LARGEST_QUESTION / 2 {
            let why = format!(
                "no device has a command {name:?}, or it is told more than {} bytes; `hostler device commands` lists the \
                 commands",
                LARGEST_QUESTION / 2
            );
            return Err(ServiceError::Invalid(why));
        }
        Ok(())
    }

    fn plan(&self, viewer: &Viewer, new: NewSchedule) -> Result<Plan, ServiceError> {
        let wrong = |why: String| Err(ServiceError::Invalid(why));
        let name = new.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
            return wrong(format!(
                "the name can't be {:?}; it has 1 to {NAME} characters, as in \"Nightly reading\"",
                new.name
            ));
        }
        self.check_asked(&new.work)?;
        match (&new.work, new.work.devices()) {
            (_, Some(Which::Ids(ids))) if ids.is_empty() || ids.len() > NAMED => {
                return wrong(format!(
                    "{} devices are named; name 1 to {NAMED}, or say what fits them, such as their site",
                    ids.len()
                ));
            }
            (_, Some(Which::Ids(ids))) => {
                if let Some(id) = ids.iter().find(|id| self.inventory.device(viewer, id).is_err()) {
                    return wrong(format!("there is no device {id}; `hostler device list` shows them"));
                }
            }
            (Work::DiscoverNetworks { gateway: Some(gateway) }, _) if !self.inventory.is_known(gateway) => {
                return wrong(format!("there is no gateway {gateway}; `hostler node list` shows them"));
            }
            _ => {}
        }
        let calendar = Calendar::parse(&new.calendar, new.zone.as_deref().unwrap_or("UTC")).map_err(invalid)?;
        Ok(Plan { name, calendar, work: new.work, missed: new.missed, by: viewer.user.clone() })
    }
}

fn invalid(why: BadCalendar) -> ServiceError {
    ServiceError::Invalid(why.to_string())
}

fn unknown(id: &ScheduleId) -> ServiceError {
    ServiceError::NotFound(format!("there is no schedule {id}; `hostler schedule list` shows them"))
}
