//! What happens to requests by itself: times come, whoever was asked is removed, and what was begun goes on after a start.

use super::Requests;
use hostler_core::changes::{Change, Expect};
use hostler_core::request::{Failing, Failure, Happening, Outcome};
use hostler_core::{NodeId, RequestId};
use hostler_engine::now;
use hostler_store::StoreError;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// A clock may be set while this waits, so it looks at it now and then.
const LOOK: Duration = Duration::from_secs(30);

/// What the disk refused is tried again after so long.
const AGAIN: Duration = Duration::from_secs(5);

impl Requests {
    /// Sees to all of them, until it is dropped.
    pub async fn tend_forever(self: Arc<Self>) {
        self.look_for_lost().await;
        let mut swept = tokio::time::Instant::now();
        loop {
            let to_do = self.index().take_to_do();
            for id in to_do {
                tokio::spawn(Arc::clone(&self).do_it(id));
            }
            let lost = self.index().take_lost();
            for id in lost {
                self.lose(&id, "whoever was asked, or led there, was removed").await;
            }
            if let Err(error) = self.see_to_due().await {
                tracing::error!(%error, "what becomes of requests can't be stored; it is tried again");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            if swept.elapsed() >= LOOK {
                swept = tokio::time::Instant::now();
                self.expire().await;
                self.follow_clock().await;
            }
            let next = self.index().next_due().map(|(at, _)| at.since(now()));
            let wait = next.unwrap_or(LOOK).min(LOOK);
            let _ = tokio::time::timeout(wait, self.changed.notified()).await;
        }
    }

    async fn see_to_due(&self) -> Result<(), StoreError> {
        loop {
            let Some((_, id)) = self.index().next_due().filter(|(at, _)| *at <= now()) else { return Ok(()) };
            let Some(row) = self.store.flight(&id)? else { return Ok(()) };
            if row.value.is_over(now()) {
                let gone = Change::Flight { id, expect: Expect::Version(row.version), value: None };
                match self.store.commit(gone.into()).await {
                    Ok(()) | Err(StoreError::Conflict { .. }) => continue,
                    Err(error) => return Err(error),
                }
            }
            let next = row.value.waits_for().cloned();
            let after =
                self.happened(&id, Default::default(), |flight| Some(Happening::Due(self.waits_for(flight)))).await?;
            let late = after.as_ref().and_then(|flight| flight.outcome());
            if let (Some(next), Some(Outcome::Failed(Failure { failing: Failing::Late, .. }))) = (next, late) {
                self.stale.lock().unwrap_or_else(PoisonError::into_inner).insert(next);
            }
        }
    }

    /// A clock that was set back doesn't give those that are under way more time than they had.
    async fn follow_clock(&self) {
        let future = self.index().of_the_future(now());
        for id in future {
            let happened =
                self.happened(&id, Default::default(), |flight| Some(Happening::Due(self.waits_for(flight))));
            if let Err(error) = happened.await {
                tracing::error!(request = %id, %error, "a request can't be given the time that it has left");
            }
        }
    }

    /// What is too late needn't wait any more for a neighbour that doesn't fetch it.
    async fn expire(&self) {
        let stale = std::mem::take(&mut *self.stale.lock().unwrap_or_else(PoisonError::into_inner));
        for to in stale {
            if let Err(error) = self.store.commit(Change::Expire { to: to.clone(), now: now() }.into()).await {
                tracing::error!(%error, neighbour = %to, "what is too late for a neighbour can't be taken away");
                self.stale.lock().unwrap_or_else(PoisonError::into_inner).insert(to);
            }
        }
    }

    /// Whoever was asked may have been removed while this node was stopped.
    async fn look_for_lost(&self) {
        let Ok(flights) = self.store.flights() else { return };
        let there = |node: &NodeId| self.parent.as_ref() == Some(node) || !matches!(self.store.child(node), Ok(None));
        for flight in flights {
            if flight.value.waits_for().is_some_and(|next| !there(next)) {
                self.lose(&flight.value.id, "whoever was asked isn't here any more").await;
            }
        }
    }

    async fn lose(&self, id: &RequestId, why: &str) {
        let lost = self.happened(id, Default::default(), |_| Some(Happening::WayLost(why.to_owned()))).await;
        if let Err(error) = lost {
            // It ends at its limit.
            tracing::error!(request = %id, %error, "that a request lost its way can't be stored");
        }
    }
}
