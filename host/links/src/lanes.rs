//! How much may be in flight in one network.
//!
//! A network has two lanes. What answered lately uses the lively one; what didn't, and what nobody knows yet, uses the
//! doubtful one. A request that waits for an answer that never comes holds its place until its patience ends, so
//! the dead only ever make the dead wait.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Which lane a device uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// It answered the last time.
    Lively,
    /// It didn't, or nobody asked it yet.
    Doubtful,
}

/// The two lanes of one network.
#[derive(Clone, Debug)]
pub struct Lanes {
    lively: Arc<Semaphore>,
    doubtful: Arc<Semaphore>,
}

impl Lanes {
    /// Lanes with so many requests in flight at most.
    #[must_use]
    pub fn new(lively: usize, doubtful: usize) -> Self {
        Self { lively: Arc::new(Semaphore::new(lively.max(1))), doubtful: Arc::new(Semaphore::new(doubtful.max(1))) }
    }

    /// Waits for a place; it is free again when the permit is dropped.
    pub(crate) async fn enter(&self, lane: Lane) -> Option<OwnedSemaphorePermit> {
        let lane = match lane {
            Lane::Lively => &self.lively,
            Lane::Doubtful => &self.doubtful,
        };
        Arc::clone(lane).acquire_owned().await.ok()
    }
}
