//! What a node says to its parent: its messages, the newest of its devices, and what it took of its parent's orders.

use super::BATCH;
use crate::catalogue::Catalogue;
use crate::error::ServiceError;
use crate::gateway::Gateway;
use crate::inventory::Inventory;
use hostler_core::NodeId;
use hostler_core::changes::{Change, Changes};
use hostler_core::message::{Acks, Envelope, ExchangeDown, ExchangeUp};
use hostler_engine::Doorbells;
use hostler_store::{Store, StoreError};
use hostler_transport::{CallParentError, LONGEST_WAIT_MS, ParentClient};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// After a call that failed the next waits so long, and twice as long each time, up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Calls the parent for as long as the node runs.
pub struct ChildLoop {
    /// The node's store.
    pub store: Arc<dyn Store>,
    /// The way to the parent.
    pub client: ParentClient,
    /// The parent's name in this node's outbox.
    pub parent: NodeId,
    /// This node's network, which takes the parent's orders.
    pub gateway: Arc<Gateway>,
    /// This node's devices.
    pub inventory: Arc<Inventory>,
    /// This node's plug-ins, which follow the parent's.
    pub catalogue: Arc<Catalogue>,
    /// Rings when something waits for the parent.
    pub bells: Arc<Doorbells>,
    /// The parent's catalogue that was followed last. What of it can't run here is said once, not asked for again and again.
    pub followed: Mutex<String>,
}

#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error(transparent)]
    Parent(#[from] CallParentError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl ChildLoop {
    /// Calls, for ever.
    pub async fn run(self) {
        let mut wait = FIRST;
        let mut apart = false;
        loop {
            match self.exchange().await {
                Ok(()) => {
                    if std::mem::take(&mut apart) {
                        tracing::info!(parent = %self.parent, "the parent answers again");
                    }
                    wait = FIRST;
                }
                Err(error) => {
                    if !std::mem::replace(&mut apart, true) {
                        tracing::warn!(parent = %self.parent, %error, "the parent can't be spoken to; everything is kept for it");
                    }
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST);
                }
            }
        }
    }

    async fn exchange(&self) -> Result<(), ExchangeError> {
        let snapshots = self.inventory.take_untold(BATCH);
        let told: Vec<_> = snapshots.keys().cloned().collect();
        let outcome = self.say(snapshots).await;
        if outcome.is_err() {
            self.inventory.put_back(told);
        }
        outcome
    }

    async fn say(
        &self,
        snapshots: std::collections::BTreeMap<hostler_core::DeviceId, hostler_core::reading::Snapshot>,
    ) -> Result<(), ExchangeError> {
        let messages = self.store.outbox(&self.parent, BATCH)?;
        let idle = messages.is_empty() && snapshots.is_empty();
        let up = ExchangeUp {
            epoch: self.store.epoch(),
            messages,
            acks: self.store.received(&self.parent)?,
            snapshots,
            catalogue: self.followed.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            wait_ms: if idle { LONGEST_WAIT_MS - 5_000 } else { 0 },
        };
        let bell = self.bells.bell(&self.parent);
        let down = tokio::select! {
            down = self.client.exchange(&up) => down?,
            // Something new: the call that only waits is given up, and the next one says it.
            () = bell.notified(), if idle => return Ok(()),
            () = self.inventory.news.notified(), if idle => return Ok(()),
        };
        self.hear(down, &up.catalogue).await
    }

    async fn hear(&self, down: ExchangeDown, catalogue: &str) -> Result<(), ExchangeError> {
        if !down.acks.seqs.is_empty() && self.store.waiting(&self.parent)? > 0 {
            let change = Change::Acked { by: self.parent.clone(), acks: down.acks };
            self.store.commit(change.into()).await?;
        }
        if down.catalogue != *catalogue {
            self.follow_catalogue().await?;
            *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = down.catalogue;
        }
        let mut taken = self.store.received(&self.parent)?;
        if taken.epoch != down.epoch {
            taken = Acks { epoch: down.epoch, ..Acks::default() };
        }
        for Envelope { seq, class, method } in down.messages {
            if taken.seqs.get(&class).is_some_and(|last| seq <= *last) {
                continue;
            }
            taken.seqs.insert(class, seq);
            let received = Change::Received { from: self.parent.clone(), epoch: down.epoch, class, seq };
            match self.gateway.take(method, Changes::from(received)).await {
                Ok(()) => {}
                // Taken by an earlier delivery, or changed meanwhile: the parent says it again until it is acknowledged.
                Err(ServiceError::Conflict(why)) => tracing::debug!(%why, "an order is taken anew"),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn follow_catalogue(&self) -> Result<(), ExchangeError> {
        let entries = self.client.catalogue().await?;
        for entry in entries.iter().filter(|entry| !self.catalogue.has(entry)) {
            let bytes = self.client.component(&entry.digest).await?;
            match self.catalogue.follow(entry, &bytes).await {
                Ok(()) => tracing::info!(plugin = %entry.name, "a plug-in came from the parent"),
                Err(error) => tracing::error!(plugin = %entry.name, %error, "a plug-in of the parent can't run here"),
            }
        }
        self.catalogue.keep_only(&entries).await?;
        Ok(())
    }
}
