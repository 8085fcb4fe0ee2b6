//! What happens to requests by itself: times come, whoever was asked is removed, and what was begun goes on after a start.

use super::Requests;
use crate::tree::way_to;
use futures::future::join_all;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::request::{Asker, Failing, Failure, Flight, Happening, Outcome};
use hostler_core::{NodeId, RequestId};
use hostler_engine::now;
use hostler_store::StoreError;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// A clock may be set while this waits, so it looks at it now and then.
const LOOK: Duration = Duration::from_secs(30);

/// So many that are due are seen to together.
const AT_ONCE: usize = 200;

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
            let losing = lost.unanswered.iter().map(|id| self.lose(id, "whoever was asked, or led there, was removed"));
            join_all(losing).await;
            join_all(lost.unasked.iter().map(|id| self.forget(id))).await;
            let seen_to = self.see_to_due().await;
            if swept.elapsed() >= LOOK {
                swept = tokio::time::Instant::now();
                self.expire().await;
                self.follow_clock().await;
            }
            let next = self.index().next_due().map(|at| at.since(now()));
            let wait = match seen_to {
                Ok(()) => next.unwrap_or(LOOK).min(LOOK),
                Err(error) => {
                    tracing::error!(%error, "what becomes of requests can't be stored; it is tried again");
                    AGAIN
                }
            };
            let _ = tokio::time::timeout(wait, self.changed.notified()).await;
        }
    }

    /// Sees to all that are due, many at a time so that they share what is written; stops between them when some can't be.
    async fn see_to_due(&self) -> Result<(), StoreError> {
        loop {
            let due = self.index().due_by(now(), AT_ONCE);
            if due.is_empty() {
                return Ok(());
            }
            join_all(due.iter().map(|id| self.see_to(id))).await.into_iter().collect::<Result<Vec<()>, _>>()?;
            if !self.index().is_idle() {
                self.changed.notify_one();
                return Ok(());
            }
        }
    }

    async fn see_to(&self, id: &RequestId) -> Result<(), StoreError> {
        let Some(row) = self.store.flight(id)? else {
            self.index().forget(id);
            return Ok(());
        };
        if row.value.is_over(now()) {
            let gone = Change::Flight { id: id.clone(), expect: Expect::Version(row.version), value: None };
            return match self.store.commit(gone.into()).await {
                Err(StoreError::Conflict { .. }) => Ok(()),
                outcome => outcome,
            };
        }
        let next = row.value.waits_for().cloned();
        let due = |flight: &Flight| Some(Happening::Due(self.waits_for(flight)));
        let after = self.happened(id, Changes::none(), due).await?;
        let late = after.as_ref().and_then(Flight::outcome);
        if let (Some(next), Some(Outcome::Failed(Failure { failing: Failing::Late, .. }))) = (next, late) {
            self.stale.lock().unwrap_or_else(PoisonError::into_inner).insert(next);
        }
        Ok(())
    }

    /// Nobody waits for it any more.
    async fn forget(&self, id: &RequestId) {
        let gone = Change::Flight { id: id.clone(), expect: Expect::Anything, value: None };
        if let Err(error) = self.store.commit(gone.into()).await {
            tracing::error!(request = %id, %error, "a request that nobody waits for can't be forgotten");
        }
    }

    /// A clock that was set back doesn't give those that are under way more time than they had.
    async fn follow_clock(&self) {
        let future = self.index().of_the_future(now());
        for id in future {
            let happened = self.happened(&id, Changes::none(), |flight| Some(Happening::Due(self.waits_for(flight))));
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

    /// Whoever was asked, or asked, may have been removed while this node was stopped; and what is too late may wait.
    async fn look_for_lost(&self) {
        let Ok(flights) = self.store.flights() else { return };
        let there = |node: &NodeId| self.parent.as_ref() == Some(node) || !matches!(self.store.child(node), Ok(None));
        let led = |flight: &Flight| match (flight.waits_for(), &flight.to) {
            (Some(next), Some(to)) => there(next) && !matches!(way_to(&*self.store, to), Ok(None)),
            (Some(next), None) => there(next),
            (None, _) => true,
        };
        for row in flights {
            let flight = row.value;
            match &flight.asker {
                Asker::Neighbour { next, .. } if !there(next) => self.forget(&flight.id).await,
                _ if !led(&flight) => self.lose(&flight.id, "whoever was asked isn't here any more").await,
                _ => {}
            }
        }
        let children = self.store.children().unwrap_or_default().into_iter().map(|child| child.value.id);
        self.stale.lock().unwrap_or_else(PoisonError::into_inner).extend(children.chain(self.parent.clone()));
    }

    async fn lose(&self, id: &RequestId, why: &str) {
        let lost = self.happened(id, Changes::none(), |_| Some(Happening::WayLost(why.to_owned()))).await;
        if let Err(error) = lost {
            // It ends at its limit.
            tracing::error!(request = %id, %error, "that a request lost its way can't be stored");
        }
    }
}
