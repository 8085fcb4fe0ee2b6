//! What a node hears from its children, and answers them.

use super::{BATCH, Presence};
use crate::access::Access;
use crate::catalogue::Catalogue;
use crate::inventory::Inventory;
use crate::live::{Live, LiveEvent};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::Candidate;
use hostler_core::event::Event;
use hostler_core::message::{Acks, CatalogueEntry, Envelope, ExchangeDown, ExchangeUp, Method, NotYours};
use hostler_core::reading::Severity;
use hostler_core::{DeviceId, NodeId};
use hostler_engine::{Doorbells, now};
use hostler_store::{Store, StoreError};
use hostler_transport::{LONGEST_WAIT_MS, Parent, Refused};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often a batch is taken anew when somebody else changed one of its rows meanwhile.
const TRIES: u32 = 5;

/// A node as the parent of others.
pub struct Tree {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    inventory: Arc<Inventory>,
    catalogue: Arc<Catalogue>,
    presence: Arc<Presence>,
    bells: Arc<Doorbells>,
    live: Live,
}

impl Tree {
    /// Puts a parent together.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        (access, inventory, catalogue): (Arc<Access>, Arc<Inventory>, Arc<Catalogue>),
        presence: Arc<Presence>,
        bells: Arc<Doorbells>,
        live: Live,
    ) -> Arc<Self> {
        Arc::new(Self { store, access, inventory, catalogue, presence, bells, live })
    }

    async fn take(&self, child: NodeId, up: ExchangeUp) -> Result<ExchangeDown, Refused> {
        let (_calling, new) = self.presence.enter(&child);
        if new {
            self.live.announce(LiveEvent::Nodes);
        }
        let said_something = !up.messages.is_empty() || !up.snapshots.is_empty();
        let broken = |error: StoreError| Refused::NotNow(error.to_string());
        self.take_messages(&child, &up).await?;
        for (device, snapshot) in up.snapshots {
            let owner = self.inventory.known(&device).map(|(device, _)| device.gateway.clone());
            match owner {
                Some(owner) if owner == child => self.inventory.take_snapshot(&device, snapshot.not_after(now())),
                Some(owner) => {
                    tracing::warn!(refused = %NotYours { child: child.clone(), device, owner }, "a reading was set aside")
                }
                None => {}
            }
        }
        let bell = self.bells.bell(&child);
        let until = Instant::now() + Duration::from_millis(up.wait_ms.min(LONGEST_WAIT_MS).into());
        let fingerprint = self.catalogue.fingerprint();
        let mut messages = self.store.outbox(&child, BATCH).map_err(broken)?;
        // What the child has can wait; what it hasn't can't.
        while messages.is_empty() && !said_something && up.catalogue == self.catalogue.fingerprint() {
            let mut news = self.live.subscribe();
            let changed = async { while !matches!(news.recv().await, Ok(LiveEvent::Plugins) | Err(_)) {} };
            tokio::select! {
                () = bell.notified() => {}
                () = changed => {}
                () = tokio::time::sleep_until(until) => break,
            }
            messages = self.store.outbox(&child, BATCH).map_err(broken)?;
        }
        let catalogue = if up.catalogue == fingerprint { self.catalogue.fingerprint() } else { fingerprint };
        let acks = self.store.received(&child).map_err(broken)?;
        Ok(ExchangeDown { epoch: self.store.epoch(), acks, messages, catalogue })
    }

    /// Commits a child's messages together, before they are acknowledged. What was taken before is passed over.
    async fn take_messages(&self, child: &NodeId, up: &ExchangeUp) -> Result<(), Refused> {
        if up.messages.len() > 2 * BATCH {
            return Err(Refused::Invalid(format!("an exchange carries at most {} messages", 2 * BATCH)));
        }
        for _ in 0..TRIES {
            let changes = self.changes(child, up).map_err(|error| Refused::NotNow(error.to_string()))?;
            match self.store.commit(changes).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict { what }) => tracing::debug!(%child, %what, "a batch is taken anew"),
                Err(error) => return Err(Refused::NotNow(error.to_string())),
            }
        }
        Err(Refused::NotNow("too many changes at a time; the same batch may come again".to_owned()))
    }

    fn changes(&self, child: &NodeId, up: &ExchangeUp) -> Result<Changes, StoreError> {
        let mut changes = Changes::none();
        if !up.acks.seqs.is_empty() && self.store.waiting(child)? > 0 {
            changes = changes.and(Change::Acked { by: child.clone(), acks: up.acks.clone() });
        }
        let mut taken = self.store.received(child)?;
        if taken.epoch != up.epoch {
            taken = Acks { epoch: up.epoch, ..Acks::default() };
        }
        // Rows that this batch itself changes, so that two messages about one device fit together.
        let mut touched: BTreeMap<DeviceId, Option<NodeId>> = BTreeMap::new();
        for Envelope { seq, class, method } in &up.messages {
            if taken.seqs.get(class).is_some_and(|last| seq <= last) {
                continue;
            }
            taken.seqs.insert(*class, *seq);
            changes = changes.and(Change::Received { from: child.clone(), epoch: up.epoch, class: *class, seq: *seq });
            changes = match self.heard(child, method, &mut touched)? {
                Ok(heard) => heard.0.into_iter().fold(changes, Changes::and),
                Err(refused) => {
                    tracing::warn!(%refused, "a message was set aside");
                    changes.and(Change::Happened(Event {
                        at: now(),
                        device: None,
                        name: "message.refused".to_owned(),
                        severity: Severity::Warning,
                        text: refused.to_string(),
                    }))
                }
            };
        }
        Ok(changes)
    }

    /// What one message of a child changes here. A child speaks for its own devices only, and of nothing later than now.
    fn heard(
        &self,
        child: &NodeId,
        method: &Method,
        touched: &mut BTreeMap<DeviceId, Option<NodeId>>,
    ) -> Result<Result<Changes, NotYours>, StoreError> {
        let stored = |id: &DeviceId| self.store.device(id);
        Ok(Ok(match method {
            Method::DeviceAdopted(device) => {
                let known = stored(&device.id)?;
                let owner = match touched.get(&device.id) {
                    Some(owner) => owner.clone(),
                    None => known.as_ref().map(|known| known.value.gateway.clone()),
                };
                if let Some(owner) = owner.filter(|owner| owner != child) {
                    return Ok(Err(NotYours { child: child.clone(), device: device.id.clone(), owner }));
                }
                let adopted_at = device.adopted_at.min(now());
                let device = hostler_core::device::Device { gateway: child.clone(), adopted_at, ..(**device).clone() };
                let expect = match (touched.insert(device.id.clone(), Some(child.clone())), known) {
                    (Some(_), _) => Expect::Anything,
                    (None, None) => Expect::Absent,
                    (None, Some(known)) => Expect::Version(known.version),
                };
                Change::Device { id: device.id.clone(), expect, value: Some(Box::new(device)) }.into()
            }
            Method::DeviceReleased(id) => {
                let owner = match touched.get(id) {
                    Some(owner) => owner.clone(),
                    None => stored(id)?.map(|known| known.value.gateway),
                };
                match owner {
                    None => Changes::none(),
                    Some(owner) if owner != *child => {
                        return Ok(Err(NotYours { child: child.clone(), device: id.clone(), owner }));
                    }
                    Some(_) => {
                        touched.insert(id.clone(), None);
                        Change::Device { id: id.clone(), expect: Expect::Anything, value: None }.into()
                    }
                }
            }
            Method::CandidateSeen(candidate) => Change::Candidate {
                gateway: child.clone(),
                address: candidate.reach.address,
                value: Some(Box::new(Candidate { seen_at: candidate.seen_at.min(now()), ..(**candidate).clone() })),
            }
            .into(),
            Method::CandidateGone(address) => {
                Change::Candidate { gateway: child.clone(), address: *address, value: None }.into()
            }
            Method::EventHappened(event) => {
                if let Some(id) = &event.device {
                    let owner = match touched.get(id) {
                        Some(owner) => owner.clone(),
                        None => stored(id)?.map(|known| known.value.gateway),
                    };
                    if let Some(owner) = owner.filter(|owner| owner != child) {
                        return Ok(Err(NotYours { child: child.clone(), device: id.clone(), owner }));
                    }
                }
                Change::Happened(Event { at: event.at.min(now()), ..event.clone() }).into()
            }
            Method::AdoptionEnded { address, why } => Change::Happened(Event {
                at: now(),
                device: None,
                name: "adoption.ended".to_owned(),
                severity: Severity::Warning,
                text: format!("{child} did not adopt what answers at {address}: {why}"),
            })
            .into(),
            Method::Adopt { .. } | Method::Release(_) | Method::ReadNow(_) | Method::DiscoverNow => {
                tracing::warn!(%child, ?method, "an order came from below; it was set aside");
                Changes::none()
            }
        }))
    }
}

impl Parent for Tree {
    fn child(&self, token: &str) -> Option<NodeId> {
        self.access.child(token)
    }

    fn exchange(
        self: Arc<Self>,
        child: NodeId,
        up: ExchangeUp,
    ) -> Pin<Box<dyn Future<Output = Result<ExchangeDown, Refused>> + Send>> {
        Box::pin(async move { self.take(child, up).await })
    }

    fn catalogue(&self) -> Vec<CatalogueEntry> {
        self.catalogue.entries()
    }

    fn component(&self, digest: &str) -> Option<Vec<u8>> {
        self.catalogue.bytes(digest)
    }
}
