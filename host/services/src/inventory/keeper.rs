//! Brings the newest of the devices to the disk, gathered.

use super::Inventory;
use hostler_core::DeviceId;
use hostler_core::history::Point;
use hostler_core::reading::Snapshot;
use hostler_engine::now;
use hostler_store::{Kept, StoreError};
use std::sync::PoisonError;
use std::time::Duration;

/// How often what was gathered is written, where the history is kept: people look at it.
const OFTEN: Duration = Duration::from_secs(2);

/// How often elsewhere. What is lost in a crash is read anew; what was told of it is stored with the telling.
const SELDOM: Duration = Duration::from_secs(30);

/// How many devices one write takes.
const TOGETHER: usize = 500;

impl Inventory {
    /// Writes what is gathered, again and again.
    pub async fn keep_forever(&self) {
        let mut tick = tokio::time::interval(if self.keeps_history { OFTEN } else { SELDOM });
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.keep_now().await {
                tracing::error!(%error, "readings could not be kept; they are tried again");
            }
        }
    }

    /// Writes what is gathered.
    ///
    /// # Errors
    /// The store's; what could not be written stays gathered.
    pub async fn keep_now(&self) -> Result<(), StoreError> {
        loop {
            let ids: Vec<DeviceId> = {
                let mut unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
                std::iter::from_fn(|| unkept.pop_first()).take(TOGETHER).collect()
            };
            if ids.is_empty() {
                return Ok(());
            }
            let kept = ids.iter().filter_map(|id| Some((id, self.known(id)?.1)));
            let written = match kept.map(|(id, snapshot)| self.with_history(id, snapshot)).collect() {
                Ok(kept) => self.store.keep(kept).await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                self.unkept.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
                return Err(error);
            }
        }
    }

    /// A failed attempt adds nothing to the history. Below a manager there is none: it is kept there.
    fn with_history(&self, id: &DeviceId, snapshot: Snapshot) -> Result<Kept, StoreError> {
        let mut series = std::collections::BTreeMap::new();
        let read = (snapshot.read_at, &snapshot.report, &snapshot.trouble);
        let now = now();
        if let (true, (Some(at), Some(report), None)) = (self.keeps_history, read) {
            let mut stored = self.store.histories(id)?;
            for reading in &report.readings {
                let Some(value) = reading.value.number() else { continue };
                let name = reading.series();
                let mut history = stored.remove(&name).unwrap_or_default();
                history.push(Point { at: at.min(now), value }, now);
                series.insert(name, history);
            }
        }
        Ok(Kept { device: id.clone(), snapshot, series })
    }
}
