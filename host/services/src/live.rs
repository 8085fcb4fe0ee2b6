//! What changes, as it changes, for pages that stay open.

use hostler_core::DeviceId;
use hostler_core::changes::{Change, Changes};
use hostler_store::Store;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::broadcast;

/// How many changes a slow listener may be behind before it misses some.
const BACKLOG: usize = 4_096;

/// Something changed; what it is now is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum LiveEvent {
    /// A device.
    Device {
        /// Which.
        id: DeviceId,
    },
    /// What was discovered.
    Candidates,
    /// The nodes below.
    Nodes,
    /// The catalogue.
    Plugins,
    /// Something happened.
    Events,
}

/// Where changes are announced.
#[derive(Clone)]
pub struct Live(broadcast::Sender<LiveEvent>);

impl Live {
    /// Announces every commit.
    #[must_use]
    pub fn at(store: &dyn Store) -> Self {
        let live = Self(broadcast::channel(BACKLOG).0);
        let sender = live.clone();
        store.observe(Arc::new(move |changes: &Changes| {
            changes.0.iter().filter_map(of).for_each(|e| sender.announce(e))
        }));
        live
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<LiveEvent> {
        self.0.subscribe()
    }

    pub(crate) fn announce(&self, event: LiveEvent) {
        let _ = self.0.send(event);
    }
}

fn of(change: &Change) -> Option<LiveEvent> {
    match change {
        Change::Device { id, .. } | Change::Placement { id, .. } => Some(LiveEvent::Device { id: id.clone() }),
        Change::Candidate { .. } | Change::Adoption { .. } => Some(LiveEvent::Candidates),
        Change::Child { .. } => Some(LiveEvent::Nodes),
        Change::Plugin { .. } => Some(LiveEvent::Plugins),
        Change::Happened(_) => Some(LiveEvent::Events),
        _ => None,
    }
}
