//! What a node says to its parent: its messages, the newest of its devices, and what it took of its parent's orders.

use super::below::{self, Announcing};
use super::following::Following;
use super::held::Held;
use super::{moving, orders, passing};
use crate::catalogue::Catalogue;
use crate::error::ServiceError;
use crate::gateway::Gateway;
use crate::inventory::Inventory;
use crate::requests::{Flights, Requests, Speaker};
use crate::trust::Trust;
use hostler_core::changes::{Change, Changes};
use hostler_core::message::{Ends, Epoch, ExchangeDown, ExchangeUp, Message, Method, Outbox, Portion};
use hostler_core::reading::Snapshot;
use hostler_core::request::{Failing, Request, Said};
use hostler_core::trust::NotTaken;
use hostler_core::{DeviceId, NodeId, Timestamp};
use hostler_engine::{Doorbells, now};
use hostler_store::{Store, StoreError};
use hostler_transport::{CallParentError, LONGEST_WAIT_MS, ParentClient};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// After a call that failed the next waits so long, and twice as long each time, up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// What somebody has to say waits at least so long after a call that failed.
const SHORTEST: Duration = Duration::from_secs(1);

/// What keeps node and parent apart is said again so often, and whenever it is something else.
const SAY_AGAIN: Duration = Duration::from_secs(300);

/// Calls the parent for as long as the node runs.
pub struct ChildLoop {
    /// The node's store.
    pub store: Arc<dyn Store>,
    /// The parent's name in this node's outbox.
    pub parent: NodeId,
    /// This node's network, which takes the parent's orders.
    pub gateway: Arc<Gateway>,
    /// This node's devices.
    pub inventory: Arc<Inventory>,
    /// What was asked of this node and those below.
    pub requests: Arc<Requests>,
    /// This node's plug-ins, which follow the parent's.
    pub catalogue: Arc<Catalogue>,
    /// Rings when something waits for the parent.
    pub bells: Arc<Doorbells>,
}

/// What is known of the parent since the node was started.
#[derive(Default)]
pub(super) struct Session {
    /// The life of the parent's outbox for this node.
    epoch: Option<Epoch>,
    following: Following,
    held: Held,
}

/// Why an exchange wasn't done, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error("the parent can't be spoken to; everything is kept for it: {0}")]
    Parent(#[from] CallParentError),
    #[error("what is for the parent, or came from it, can't be stored; it is said again: {0}")]
    Store(#[from] StoreError),
    #[error("an order of the parent can't be taken now; the parent says it again: {0}")]
    Order(#[from] ServiceError),
    #[error("the way to the parent ends calls that nobody answers; {}: {why}", from_now_on(*then))]
    Cut { then: Duration, why: CallParentError },
}

fn from_now_on(held: Duration) -> String {
    if held.is_zero() {
        "none is held any more, and this node asks every few seconds instead".to_owned()
    } else {
        format!("they are held for {:.1} s from now on", held.as_secs_f64())
    }
}

/// Devices of which the newest is being told. What wasn't taken, or whose call was given up, is told again.
struct Told<'a> {
    inventory: &'a Inventory,
    devices: Vec<DeviceId>,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.inventory.put_back(std::mem::take(&mut self.devices));
    }
}

impl ChildLoop {
    /// Calls, until the parent ended what this node came in by; returns how that showed. What came by a token file has no
    /// such end: the file is read again. `unfit` rings when the parent takes the token and not the certificate beside it.
    pub async fn run(&self, client: &ParentClient, unfit: &Notify) -> String {
        let mut session = Session::default();
        let mut wait = FIRST;
        let mut apart: Option<(String, Instant)> = None;
        loop {
            match self.exchange(client, &mut session).await {
                Ok(()) => {
                    if apart.take().is_some() {
                        tracing::info!(parent = %self.parent, "the exchange with the parent works again");
                    }
                    wait = FIRST;
                }
                Err(ExchangeError::Parent(CallParentError::Ended { why, .. })) => return why,
                Err(cut @ ExchangeError::Cut { .. }) => {
                    tracing::info!(parent = %self.parent, "{cut}");
                    self.pause(FIRST).await;
                }
                Err(error) => {
                    if matches!(error, ExchangeError::Parent(CallParentError::Refused { status: 403, .. })) {
                        unfit.notify_one();
                    }
                    let text = error.to_string();
                    if apart.as_ref().is_none_or(|(said, at)| *said != text || at.elapsed() >= SAY_AGAIN) {
                        tracing::warn!(parent = %self.parent, "{text}");
                        apart = Some((text, Instant::now()));
                    }
                    self.pause(wait).await;
                    wait = (wait * 2).min(LONGEST);
                }
            }
        }
    }

    /// Waits before the next call; less where somebody has something to say.
    async fn pause(&self, wait: Duration) {
        let bell = self.bells.bell(&self.parent);
        tokio::time::sleep(wait.min(SHORTEST)).await;
        tokio::select! {
            () = tokio::time::sleep(wait.saturating_sub(SHORTEST)) => {}
            () = bell.notified() => {}
        }
    }

    pub(super) async fn exchange(&self, client: &ParentClient, session: &mut Session) -> Result<(), ExchangeError> {
        // Until the parent has said what it has of this node, nobody knows that the numbers are those that it knows.
        let met = self.store.numbers(&self.parent)?.met;
        let outbox = self.store.outbox(&self.parent, if met { Portion::EXCHANGE } else { Portion::NOTHING })?;
        let left = Portion { bytes: Portion::EXCHANGE.bytes.saturating_sub(outbox.bytes), ..Portion::EXCHANGE };
        let snapshots = self.inventory.take_untold(left);
        let mut told = Told { inventory: &self.inventory, devices: snapshots.keys().cloned().collect() };
        let idle = met && outbox.messages.is_empty() && snapshots.is_empty();
        if idle && !session.held.pause().is_zero() && self.says_something_within(session.held.pause()).await {
            return Ok(());
        }
        let outcome = self.say(client, session, outbox, snapshots, idle).await;
        if outcome.is_ok() {
            told.devices.clear();
        }
        outcome
    }

    /// Whether there is something to say before so much time is over.
    async fn says_something_within(&self, time: Duration) -> bool {
        let bell = self.bells.bell(&self.parent);
        tokio::select! {
            () = tokio::time::sleep(time) => false,
            () = bell.notified() => true,
            () = self.inventory.news.notified() => true,
        }
    }

    async fn say(
        &self,
        client: &ParentClient,
        session: &mut Session,
        outbox: Outbox,
        snapshots: BTreeMap<DeviceId, Snapshot>,
        idle: bool,
    ) -> Result<(), ExchangeError> {
        let wait = if idle { session.held.at_most().min(session.following.quiet_for()) } else { Duration::ZERO };
        let up = ExchangeUp {
            epoch: outbox.epoch,
            messages: outbox.messages,
            acks: self.store.received(&self.parent)?,
            snapshots,
            catalogue: session.following.looked_at().to_owned(),
            wait_ms: u32::try_from(wait.as_millis()).unwrap_or(LONGEST_WAIT_MS),
            clock: now(),
        };
        let bell = self.bells.bell(&self.parent);
        let called = Instant::now();
        let down = tokio::select! {
            down = client.exchange(&up) => down,
            // Something new: the call that only waits is given up, and the next one says it.
            () = bell.notified(), if idle => return Ok(()),
            () = self.inventory.news.notified(), if idle => return Ok(()),
        };
        let down = match down {
            Ok(down) => down,
            Err(why) => {
                return Err(match session.held.failed(idle.then(|| called.elapsed()), &why) {
                    Some(then) => ExchangeError::Cut { then, why },
                    None => why.into(),
                });
            }
        };
        session.held.answered();
        self.hear(client, session, down, !outbox.more).await
    }

    /// `said_all` when nothing else waited for the parent.
    async fn hear(
        &self,
        client: &ParentClient,
        session: &mut Session,
        down: ExchangeDown,
        said_all: bool,
    ) -> Result<(), ExchangeError> {
        self.hear_acks(&down).await?;
        if session.epoch != Some(down.epoch) {
            if session.epoch.is_some() {
                tracing::info!("the parent lost what it knew, or a part of it; it is told of every device anew");
                self.inventory.tell_again();
            }
            self.tell_everything().await?;
            session.epoch = Some(down.epoch);
        } else if !down.unknown_nodes.is_empty() {
            self.inventory.tell_again_behind(&down.unknown_nodes);
            self.tell_everything().await?;
        }
        self.announce(down.unknown, said_all).await?;
        let taken = self.store.received(&self.parent)?;
        let from = (&self.parent, down.epoch);
        orders::take(from, taken, down.messages, |order, more| self.take(order, down.clock, more)).await?;
        session.following.follow(client, &self.catalogue, down.catalogue).await;
        Ok(())
    }

    /// Nodes below and what was discovered are told when they change; a parent that may not know what was told before is told
    /// all of it. A conflict with somebody who changes it is an error like any other: it is said again with the next exchange.
    async fn tell_everything(&self) -> Result<(), StoreError> {
        let told = below::everything(&*self.store, &self.gateway.node, &self.parent)?;
        self.store.commit(told.with(self.requests.ask_parent_again(&self.parent)?)).await
    }

    /// Takes an order that is for this node, and passes on one that isn't.
    async fn take(&self, order: Message, clock: Timestamp, more: Changes) -> Result<(), ServiceError> {
        let own = &self.gateway.node;
        let (parent, mut heard) = (&self.parent, Flights::default());
        let of_request = match &order.method {
            Method::Request(request) => return self.asked(order.ends, request, clock, more).await,
            Method::Delay { id, delay } => {
                Some(self.requests.heard(&mut heard, parent, id, Said::Delay(delay.clone()), None)?)
            }
            Method::Response { id, outcome, signed } => {
                let said = Said::Outcome((**outcome).clone());
                Some(self.requests.heard(&mut heard, parent, id, said, signed.as_deref())?)
            }
            _ => None,
        };
        if let Some(changes) = of_request {
            return match self.store.commit(more.clone().with(changes.clone())).await {
                // Whoever asked fetches nothing: nobody else's orders wait for that.
                Err(StoreError::OutboxFull { to, .. }) if to != self.parent => {
                    Ok(self.store.commit(more.with(changes.without_messages_for(&to))).await?)
                }
                outcome => Ok(outcome?),
            };
        }
        match passing::meant_for(&*self.store, own, &order)? {
            Some(to) => Ok(passing::pass_on(&*self.store, (own, &self.parent), &to, order, more).await?),
            // Whoever could say it falsely could as well keep that node from calling.
            None if let Method::CallsNoMore { node, token, now } = &order.method => {
                let ended = moving::calls_no_more(&*self.store, &self.parent, (node, token), *now)?;
                Ok(self.store.commit(more.with(ended)).await?)
            }
            None => match self.ordered_by_the_manager(&order)? {
                Ok(noted) => self.gateway.take(order.method, more.with(noted)).await,
                Err(refused) => Ok(self.store.commit(more.with(refused)).await?),
            },
        }
    }

    /// What is noted of an order that this node carries out; the error is what is told of one that it doesn't.
    fn ordered_by_the_manager(&self, order: &Message) -> Result<Result<Changes, Changes>, StoreError> {
        let Some(member) = self.requests.trust().and_then(Trust::member) else { return Ok(Ok(Changes::none())) };
        let taken = member.takes(&order.method, order.ends.signed.as_deref())?;
        Ok(taken.map_err(|why| {
            let told = member.refused(&self.parent, &order.method, &why);
            match &order.method {
                // Whoever waits learns it; one that came twice was answered.
                Method::Adopt { address, .. } if why != NotTaken::Again => told
                    .and(Change::send(&self.parent, Method::AdoptionEnded { address: *address, why: why.to_string() })),
                _ => told,
            }
        }))
    }

    /// Somebody above asks this node or one below.
    async fn asked(&self, ends: Ends, request: &Request, clock: Timestamp, more: Changes) -> Result<(), ServiceError> {
        let to = ends.to.unwrap_or_else(|| self.gateway.node.clone());
        let speaker = Speaker { next: &self.parent, from: None, clock, signed: ends.signed.as_deref() };
        let changes = self.requests.asked(&mut Flights::default(), speaker, Some(to), request)?;
        let outcome = self.store.commit(more.clone().with(changes)).await;
        match &outcome {
            // To wait for room would hold up every order behind it, for whoever that is.
            Err(full @ StoreError::OutboxFull { to, .. }) if *to != self.parent => {
                let refused = self.requests.refuse(&self.parent, &request.id, Failing::Full, &full.to_string());
                Ok(self.store.commit(more.with(refused)).await?)
            }
            _ => Ok(outcome?),
        }
    }

    async fn hear_acks(&self, down: &ExchangeDown) -> Result<(), StoreError> {
        let changes = self.store.numbers(&self.parent)?.acknowledged(&self.parent, &down.acks);
        super::say_if_renumbered(&changes);
        self.store.commit(changes).await
    }

    /// Announces those devices of this node and of those below that the parent doesn't know, and lets their newest be told
    /// again.
    async fn announce(&self, unknown: Vec<DeviceId>, said_all: bool) -> Result<(), StoreError> {
        let mut announcing = Announcing::new(&*self.store, &self.gateway.node, &self.parent);
        for id in unknown {
            if announcing.add(&id)? {
                self.inventory.put_back([id]);
            }
        }
        // Its announcement may be among what still waits.
        if !said_all {
            return Ok(());
        }
        match self.store.commit(announcing.changes()).await {
            Err(StoreError::Conflict { what }) => {
                tracing::debug!(%what, "devices are announced when the parent asks again");
                Ok(())
            }
            outcome => outcome,
        }
    }
}
