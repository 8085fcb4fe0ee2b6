//! Performs a run: gives the orders that its work consists of, and says how many were taken. Orders for gateways that are away
//! wait for them and count as given.

use super::Schedules;
use crate::error::ServiceError;
use crate::inventory::Query;
use crate::requests::Limits;
use futures::{StreamExt, stream};
use hostler_core::device::Placement;
use hostler_core::schedule::{Event, Outcome, Run, Which, Work};
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{DeviceId, ScheduleId, UserName};
use hostler_engine::now;
use std::time::Duration;

/// So many orders are given at a time: they share writes to the disk.
const TOGETHER: usize = 64;

/// How long to wait before an end that couldn't be stored is stored again.
const AGAIN: Duration = Duration::from_secs(5);

impl Schedules {
    /// Performs a run, and stores how it ended.
    pub(super) async fn perform(&self, id: &ScheduleId, run: Run, by: UserName) {
        let viewer = Viewer { user: by, right: Right::Operate };
        let outcome = match &run.work {
            Work::ReadDevices { devices } => self.read(&viewer, devices).await,
            Work::AskDevices { devices, asked, within_s } => {
                let limits = Limits::within(Duration::from_secs(*within_s)).unwrap_or(Limits::USUAL);
                self.ask_each(&viewer, (id, &run), self.which(&viewer, devices), asked, limits).await
            }
            Work::DiscoverNetworks { gateway } => {
                let ordered = self.inventory.discover_now(&viewer, gateway.as_ref()).await;
                counted([ordered])
            }
        };
        let event = Event::Ran { number: run.number, outcome };
        while let Err(error) = self.take(id, event.clone(), now()).await {
            tracing::error!(schedule = %id, %error, "how a run ended can't be stored; it is tried again");
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The devices that are meant, now.
    fn which(&self, viewer: &Viewer, devices: &Which) -> Vec<DeviceId> {
        match devices {
            Which::Ids(ids) => ids.iter().cloned().collect(),
            Which::Where(fitting) => {
                let page = self.inventory.list(viewer, &Query { limit: usize::MAX, ..Query::default() });
                let fits = page.rows.into_iter().filter(|row| {
                    let (site, tags) = (row.site.clone(), row.tags.clone());
                    fitting.fits(row.device_type, &Placement { owner: None, site, tags })
                });
                fits.map(|row| row.id).collect()
            }
        }
    }

    async fn read(&self, viewer: &Viewer, devices: &Which) -> Outcome {
        let ids = self.which(viewer, devices);
        let orders = ids.into_iter().map(|id| async move { self.inventory.read_now(viewer, &id).await.map(drop) });
        counted(stream::iter(orders).buffer_unordered(TOGETHER).collect::<Vec<_>>().await)
    }
}

fn counted(orders: impl IntoIterator<Item = Result<(), ServiceError>>) -> Outcome {
    orders.into_iter().fold(Outcome::default(), |outcome, order| match order {
        Ok(()) => Outcome { done: outcome.done + 1, ..outcome },
        Err(why) => {
            let why = outcome.why.or_else(|| Some(why.to_string()));
            Outcome { failed: outcome.failed + 1, why, ..outcome }
        }
    })
}
