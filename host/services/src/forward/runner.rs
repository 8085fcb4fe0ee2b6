//! One rule at work: does what the procedure says next, and tells it what came of that.

use super::notice::Letter;
use super::{ForwardRule, Forwards};
use hostler_core::changes::{Change, Changes};
use hostler_core::forward::{Forwarding, Looked, Next, Notice, Outcome};
use hostler_core::message::Method;
use hostler_engine::now;
use hostler_store::StoreError;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::watch::Receiver;

/// So many events are looked at in one go.
const LOOK: usize = 1_000;

/// A store that failed is tried again so much later.
const AGAIN: Duration = Duration::from_secs(5);

pub(super) struct Runner<'a> {
    pub(super) forwards: &'a Forwards,
    pub(super) rule: &'a ForwardRule,
}

impl Runner<'_> {
    /// Forwards for ever. After the store failed it begins again at what is kept, as after a crash.
    pub(super) async fn run(self) {
        loop {
            let Err(error) = self.work().await;
            tracing::error!(rule = %self.rule.name, %error, "what is forwarded can't be read or noted; it is tried again");
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn work(&self) -> Result<std::convert::Infallible, StoreError> {
        let mut stored = self.forwards.stored.subscribe();
        let cursor = self.forwards.store.forwards()?.remove(&self.rule.name).unwrap_or_default();
        let mut state = Forwarding::new(cursor, Forwards::pace(self.rule));
        let mut not_for = None;
        loop {
            self.publish(&state);
            match state.next(now()) {
                Next::Look { after, most } => {
                    let looked = self.look(after, most)?;
                    let outcome = state.looked(looked, now());
                    self.keep(&state, outcome).await?;
                    // Two hundred thousand that don't fit hold up nobody.
                    tokio::task::yield_now().await;
                }
                Next::Send(numbers) => self.send(&mut state, &numbers, &mut not_for).await?,
                Next::Rest(at) => tokio::time::sleep(at.since(now())).await,
                Next::Gather(at) => {
                    let _ = tokio::time::timeout(at.since(now()), self.wait(&mut stored, &mut state)).await;
                }
                Next::Idle => self.wait(&mut stored, &mut state).await,
            }
        }
    }

    /// Lets the list know how far this is.
    fn publish(&self, state: &Forwarding) {
        let mut seen = self.forwards.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(self.rule.name.clone(), state.seen());
    }

    async fn wait(&self, stored: &mut Receiver<u64>, state: &mut Forwarding) {
        // The sender is this rule's owner and lives as long.
        if stored.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        state.stored();
    }

    fn look(&self, after: u64, most: usize) -> Result<Looked, StoreError> {
        let following = self.forwards.store.events_after(after, if most == 0 { 0 } else { LOOK })?;
        let mut looked = Looked { oldest: following.kept.map(|kept| kept.0), through: after, ..Looked::default() };
        looked.more = following.kept.is_some_and(|(_, newest)| newest > after);
        for (number, event) in following.events {
            if looked.fitting.len() >= most {
                break;
            }
            looked.through = number;
            looked.more = following.kept.is_some_and(|(_, newest)| newest > number);
            looked.fitting.extend(self.forwards.fits(self.rule, &event).then_some(number));
        }
        Ok(looked)
    }

    /// `not_for` is for whom the last delivery wasn't taken, so that it is told once.
    async fn send(
        &self,
        state: &mut Forwarding,
        numbers: &[u64],
        not_for: &mut Option<String>,
    ) -> Result<(), StoreError> {
        let events = self.read(numbers)?;
        if events.is_empty() {
            // They fell out at this moment: looking counts them.
            let after = numbers.last().copied().unwrap_or_default();
            let outcome = state.looked(Looked { through: after, more: true, ..self.look(after, 0)? }, now());
            return self.keep(state, outcome).await;
        }
        let letter = Letter::new(&self.forwards.node, &self.rule.name, events);
        let outcome = match self.rule.target.deliver(&letter, self.rule.target.patience()).await {
            Ok(but) => {
                let mut outcome = state.sent(numbers.len(), now());
                if but != *not_for {
                    outcome.tell.extend(but.as_deref().map(Notice::not_for));
                    *not_for = but;
                }
                outcome
            }
            Err(error) => {
                tracing::warn!(rule = %self.rule.name, to = %self.rule.target.shown(), %error, "notices were not delivered");
                state.failed(numbers.len(), error.verdict, error.why, now())
            }
        };
        self.keep(state, outcome).await
    }

    fn read(&self, numbers: &[u64]) -> Result<Vec<(u64, hostler_core::event::Event)>, StoreError> {
        let mut events = Vec::with_capacity(numbers.len());
        for number in numbers {
            let next = self.forwards.store.events_after(number.saturating_sub(1), 1)?.events;
            events.extend(next.into_iter().filter(|(found, _)| found == number));
        }
        Ok(events)
    }

    /// Stores the cursor with what is told about it.
    async fn keep(&self, state: &Forwarding, outcome: Outcome) -> Result<(), StoreError> {
        if !outcome.keep {
            return Ok(());
        }
        let (rule, value) = (self.rule.name.clone(), Some(Box::new(state.cursor().clone())));
        let mut changes = Changes::from(Change::Forward { rule, value });
        for notice in outcome.tell {
            let event = notice.event(&self.rule.name, now());
            changes = changes.and(Change::Happened(event.clone()));
            changes = changes.telling(self.forwards.parent.as_ref(), Method::EventHappened(event));
        }
        self.forwards.store.commit(changes).await
    }
}
