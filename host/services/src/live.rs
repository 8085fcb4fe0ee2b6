//! What changes, as it changes, for pages that stay open.

use hostler_core::changes::{Change, Changes};
use hostler_core::{DeviceId, RegistrationId, RequestId, UserName};
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
    /// What is done by the calendar.
    Schedules,
    /// Something happened.
    Events,
    /// How a request stands.
    Request {
        /// Which.
        id: RequestId,
    },
    /// How far a registration is.
    Registration {
        /// Which.
        id: RegistrationId,
        /// Whose.
        by: UserName,
    },
    /// A device that came in, or how it stands.
    Enrolled {
        /// Whose.
        owner: UserName,
    },
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
            // Ten thousand PINs of one registration are one change of it.
            let mut events: Vec<LiveEvent> = changes.0.iter().filter_map(of).collect();
            events.dedup();
            events.into_iter().for_each(|event| sender.announce(event));
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
        Change::Child { .. } | Change::Route { .. } => Some(LiveEvent::Nodes),
        Change::Plugin { .. } => Some(LiveEvent::Plugins),
        Change::Schedule { .. } => Some(LiveEvent::Schedules),
        Change::Happened(_) => Some(LiveEvent::Events),
        Change::Flight { id, .. } => Some(LiveEvent::Request { id: id.clone() }),
        Change::Invitation { value: Some(invitation), .. } => {
            Some(LiveEvent::Registration { id: invitation.registration.clone(), by: invitation.by.clone() })
        }
        Change::Registration { id, value: Some(registration), .. } => {
            Some(LiveEvent::Registration { id: id.clone(), by: registration.user.clone() })
        }
        Change::Enrolled { value: Some(row), .. } => Some(LiveEvent::Enrolled { owner: row.owner.clone() }),
        _ => None,
    }
}
