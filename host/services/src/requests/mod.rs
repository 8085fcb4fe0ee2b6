//! Requests: who asks something of a node or a device anywhere below, or of the manager, learns how that ended, however many
//! firewalls are between.
//!
//! What follows from what is [`hostler_core::request`]'s business. Here a user asks (`ask`), neighbours are heard (`hearing`),
//! this node does what it was asked (`doing`), once the device is awake (`waking`), and times come (`tending`).

mod ask;
mod credential;
mod doing;
mod hearing;
mod index;
mod moving;
mod tending;
mod upkeep;
mod view;
mod waking;

pub use ask::{Limits, NewRequest, Target};
pub(crate) use hearing::{Flights, Speaker};
pub(crate) use index::About;
pub(crate) use moving::Moving;
pub use view::{RequestState, RequestView};

use crate::NodeInfo;
use crate::engine::EngineControl;
use crate::inventory::Inventory;
use crate::live::Live;
use crate::node_log::NodeLog;
use crate::tree::Presence;
use crate::trust::Trust;
use crate::turns::Turns;
use hostler_core::changes::Changes;
use hostler_core::request::{Answer, Context, Failing, Flight};
use hostler_core::{DeviceId, NodeId, RequestId};
use hostler_engine::now;
use hostler_store::{Store, StoreError};
use index::Index;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::Notify;

/// What came of what this node was asked to do.
type Done = Result<Answer, (Failing, String)>;

/// At most so many requests that were asked here, or above, wait for an answer.
const MOST_WAITING: usize = 10_000;

/// At most so many of one neighbour below wait: one that floods is answered that it does, and disturbs nobody else.
const MOST_OF_ONE: usize = 1_000;

/// So many that ended are kept where they were asked, the newest.
const KEPT: usize = 10_000;

/// The requests that this node knows of.
pub struct Requests {
    store: Arc<dyn Store>,
    node: NodeInfo,
    /// The parent's name in this node's outbox.
    parent: Option<NodeId>,
    inventory: Arc<Inventory>,
    presence: Arc<Presence>,
    live: Live,
    index: Mutex<Index>,
    /// Rings when the index has something new to do.
    changed: Notify,
    /// What those that are being done here wait for, for people.
    waits: Mutex<BTreeMap<RequestId, String>>,
    /// Who asks a device whether it is ready: one at a time, so that many that wait for a sleeper take one place of its network.
    waking: Turns<DeviceId>,
    /// This node's own log, once it is known.
    log: OnceLock<Arc<NodeLog>>,
    /// The engine of the device that this node is.
    engine: OnceLock<Arc<EngineControl>>,
    /// Neighbours in whose outbox something is too late to be sent.
    stale: Mutex<BTreeSet<NodeId>>,
    /// What this node signs and checks, where it does.
    trust: OnceLock<Trust>,
}

impl Requests {
    /// The requests as they are stored.
    ///
    /// # Errors
    /// The store's.
    pub fn open(
        store: Arc<dyn Store>,
        (node, parent): (NodeInfo, Option<NodeId>),
        (inventory, presence): (Arc<Inventory>, Arc<Presence>),
        live: Live,
    ) -> Result<Arc<Self>, StoreError> {
        let index = Mutex::new(Index::of(store.flights()?.iter().map(|row| &row.value)));
        let (changed, waits, waking, log, engine, stale, trust) = Default::default();
        let requests = Arc::new(Self {
            store,
            node,
            parent,
            inventory,
            presence,
            live,
            index,
            changed,
            waits,
            waking,
            log,
            engine,
            stale,
            trust,
        });
        let following = Arc::downgrade(&requests);
        requests.store.observe(Arc::new(move |changes: &Changes| {
            if let Some(requests) = following.upgrade()
                && requests.index().follow(changes)
            {
                requests.changed.notify_one();
            }
        }));
        Ok(requests)
    }

    /// Answers for this node's own log from now on.
    pub fn answer_for_log(&self, log: Arc<NodeLog>) {
        // A second one isn't of this node.
        let _ = self.log.set(log);
    }

    /// Orders and answers are signed and checked by this from now on.
    pub fn sign_by(&self, trust: Trust) {
        let _ = self.trust.set(trust);
    }

    /// What this node signs and checks, where it does.
    pub(crate) fn trust(&self) -> Option<&Trust> {
        self.trust.get()
    }

    /// From now on this engine is switched on for what its device is asked. The first that is said is the one.
    pub fn control(&self, engine: Arc<EngineControl>) {
        let _ = self.engine.set(engine);
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn context(&self) -> Context {
        Context { own: self.node.id.clone(), now: now() }
    }

    /// What a request waits for, for people.
    fn waits_for(&self, flight: &Flight) -> String {
        let Some(next) = flight.waits_for() else {
            let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            return waits.get(&flight.id).cloned().unwrap_or_else(|| "it waits for its turn".to_owned());
        };
        if self.parent.as_ref() == Some(next) {
            return "the node above hasn't answered yet".to_owned();
        }
        match self.presence.of(next) {
            (_, true) => format!("{next} hasn't answered yet"),
            (Some(since), false) => format!("{next} hasn't called since {since}"),
            (None, false) => format!("{next} hasn't called since {} was started", self.node.id),
        }
    }
}
