//! Doorbells: whoever waits for messages to a neighbour is told when there are some, and when the neighbour itself changed.

use hostler_core::NodeId;
use hostler_core::changes::{Change, Changes};
use hostler_store::Store;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// A bell for each neighbour.
#[derive(Default)]
pub struct Doorbells(Mutex<HashMap<NodeId, Arc<Notify>>>);

impl Doorbells {
    /// Bells that ring with every commit that sends something, or by which a neighbour may call otherwise or no more.
    #[must_use]
    pub fn at(store: &dyn Store) -> Arc<Self> {
        let bells = Arc::new(Self::default());
        let watching = Arc::clone(&bells);
        store.observe(Arc::new(move |changes: &Changes| {
            for change in &changes.0 {
                if let Change::Send { to, .. } | Change::Child { id: to, .. } = change {
                    watching.bell(to).notify_one();
                }
            }
        }));
        bells
    }

    /// The bell of one neighbour. A ring that nobody hears is heard by the next who listens.
    pub fn bell(&self, neighbour: &NodeId) -> Arc<Notify> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bells.entry(neighbour.clone()).or_default())
    }
}
