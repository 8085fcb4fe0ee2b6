//! Looks at the clock: sleeps until the next time, and never long enough not to see that the clock was set.

use super::Schedules;
use crate::error::ServiceError;
use hostler_core::schedule::Event;
use hostler_core::{ScheduleId, Timestamp};
use hostler_engine::now;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long the clock isn't looked at, at most.
const LOOK: Duration = Duration::from_secs(5);

impl Schedules {
    /// Runs what is due, until it is dropped; first of all what was under way when the node ended.
    pub async fn run_forever(self: Arc<Self>) {
        let mut performing = Performing::default();
        let mut begun = false;
        loop {
            let event = if begun { Event::Looked } else { Event::Restarted };
            let wait = match self.look(&event, &mut performing).await {
                // What was taken up at the start may be followed by what was missed.
                Ok(_) if !begun => {
                    begun = true;
                    Duration::ZERO
                }
                Ok(next) => next.map_or(LOOK, |next| next.since(now()).min(LOOK)),
                Err(error) => {
                    tracing::error!(%error, "schedules can't be looked at; they are again in a moment");
                    LOOK
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.changed.notified() => {}
                Some(over) = performing.tasks.join_next() => {
                    if let Ok(id) = over {
                        performing.ids.remove(&id);
                    }
                }
            }
        }
    }

    /// Gives every schedule this event, performs what is outstanding, and returns when the next is due.
    async fn look(
        self: &Arc<Self>,
        event: &Event,
        performing: &mut Performing,
    ) -> Result<Option<Timestamp>, ServiceError> {
        let mut soonest: Option<Timestamp> = None;
        for row in self.store.schedules()? {
            let id = row.value.id;
            let Some(schedule) = self.take(&id, event.clone(), now()).await? else { continue };
            soonest = soonest.into_iter().chain(schedule.next).min();
            if let Some(run) = schedule.outstanding().cloned()
                && performing.ids.insert(id.clone())
            {
                let (schedules, by) = (Arc::clone(self), schedule.plan.by.clone());
                performing.tasks.spawn(async move {
                    schedules.perform(&id, run, by).await;
                    id
                });
            }
        }
        Ok(soonest)
    }
}

/// Whose runs are being performed. They end with it.
#[derive(Default)]
struct Performing {
    tasks: JoinSet<ScheduleId>,
    ids: HashSet<ScheduleId>,
}
