//! What a node hears from its children, and answers them.

use super::handing::Handing;
use super::hearing::{Hearing, joined};
use super::keeping_out::KeptOut;
use super::set_aside::{self, Remembered};
use super::{Presence, TRIES};
use crate::access::Access;
use crate::catalogue::Catalogue;
use crate::enrollment::{Enrollment, NotLetIn};
use crate::error::ServiceError;
use crate::inventory::Inventory;
use crate::live::{Live, LiveEvent};
use crate::requests::Requests;
use crate::trust::Trust;
use crate::turns::Turns;
use hostler_core::access::Child;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::{Errand, Knock, Renewal, Renewed, Settled, Welcome};
use hostler_core::event::Event;
use hostler_core::message::{
    Acks, CatalogueEntry, Envelope, ExchangeDown, ExchangeUp, Method, NotYours, Outbox, Portion, weight,
};
use hostler_core::reading::{Severity, Snapshot};
use hostler_core::trust::{Nothing, Vouched};
use hostler_core::{DeviceId, NodeId, Secret};
use hostler_engine::{Doorbells, now};
use hostler_store::{Store, StoreError};
use hostler_transport::{Closed, LONGEST_WAIT_MS, Parent, Refused, Seldom, Shown, Standing, Uplink};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// The most messages that are taken of one exchange: a child sends fewer.
const MOST: usize = 2 * Portion::EXCHANGE.messages;

/// The largest message that is taken, in bytes: what gateways say is a tenth of it.
const MESSAGE: usize = 64 << 10;

/// How often is looked who came and who went.
const LOOK: Duration = Duration::from_secs(1);

/// That a reading isn't shown is an event at most so often: nobody fills the events with them.
const NOT_SHOWN: Duration = Duration::from_secs(10);

fn not_now(error: StoreError) -> Refused {
    Refused::NotNow(error.to_string())
}

/// A node as the parent of others.
pub struct Tree {
    pub(super) store: Arc<dyn Store>,
    pub(super) node: NodeId,
    /// This node's own parent, which is told what is below.
    pub(super) parent: Option<NodeId>,
    access: Arc<Access>,
    pub(super) inventory: Arc<Inventory>,
    catalogue: Arc<Catalogue>,
    pub(super) requests: Arc<Requests>,
    presence: Arc<Presence>,
    bells: Arc<Doorbells>,
    live: Live,
    /// By what devices come in, where this is a manager.
    pub(super) door: Option<Arc<Enrollment>>,
    pub(super) remembered: Remembered,
    /// Of children that speak SOAP.
    numbering: Turns<NodeId>,
    /// By what this node hands on for those below it, where it is a gateway that does.
    pub(super) handing: OnceLock<Handing>,
    /// That a reading isn't shown.
    not_shown: Seldom,
}

impl Tree {
    /// Puts a parent together.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        (node, parent): (NodeId, Option<NodeId>),
        (access, inventory, catalogue, requests): (Arc<Access>, Arc<Inventory>, Arc<Catalogue>, Arc<Requests>),
        presence: Arc<Presence>,
        bells: Arc<Doorbells>,
        live: Live,
        door: Option<Arc<Enrollment>>,
    ) -> Arc<Self> {
        let (remembered, handing) = Default::default();
        let not_shown = Seldom::every(NOT_SHOWN);
        let knowing = Self {
            store,
            node,
            parent,
            access,
            inventory,
            catalogue,
            requests,
            presence,
            bells,
            live,
            door,
            remembered,
            numbering: Turns::default(),
            handing,
            not_shown,
        };
        Arc::new(knowing)
    }

    /// From now on this node hands on to its parent what nodes below it want of their manager.
    pub fn hand_on(&self, uplink: Arc<Uplink>) {
        let _ = self.handing.set(Handing::by(uplink));
    }

    async fn let_in(&self, knock: Knock, from: IpAddr) -> Result<Welcome, Closed> {
        let Some(door) = &self.door else {
            let handing = self.handing.get().ok_or(Closed::NoDoor)?;
            return self.hand_on_knock(handing, knock, from).await;
        };
        door.connect(knock, from).await.map_err(|why| match why {
            NotLetIn::Refused(refusal) => Closed::Refused(refusal),
            NotLetIn::Failed(ServiceError::TooMany { text, retry_after }) => Closed::TooMany(text, retry_after),
            NotLetIn::Failed(ServiceError::Invalid(why)) => Closed::Invalid(why),
            NotLetIn::Failed(ServiceError::Unavailable(why)) => Closed::NotNow(why),
            // What broke here is no stranger's business.
            NotLetIn::Failed(error) => {
                tracing::error!(%error, "a connection request could not be decided");
                Closed::NotNow("the manager can't decide this now; its log says why".to_owned())
            }
        })
    }

    /// Tells the pages who comes and who goes, for ever.
    pub async fn tell_who_is_here(self: Arc<Self>) {
        loop {
            for child in self.presence.turned() {
                self.live.announce(LiveEvent::Nodes);
                for device in self.inventory.devices_behind(&child) {
                    self.live.announce(LiveEvent::Device { id: device.id.clone() });
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn take(&self, child: NodeId, up: ExchangeUp) -> Result<ExchangeDown, Refused> {
        let calling = self.presence.enter(&child);
        let down = self.answer(&child, up).await;
        calling.answered();
        down
    }

    async fn answer(&self, child: &NodeId, up: ExchangeUp) -> Result<ExchangeDown, Refused> {
        self.meet(child).await?;
        // One that hasn't been heard for as long as this node runs learns at once whether it knows this node's store.
        let numbers = self.store.numbers(child).map_err(not_now)?;
        let at_once = !numbers.met || !up.messages.is_empty() || !up.snapshots.is_empty();
        // Most say nothing and acknowledge nothing new: what they say changes nothing, and costs no further look.
        let says_nothing = up.messages.is_empty() && numbers.acknowledged(child, &up.acks).is_empty();
        let unknown_nodes = if says_nothing { Vec::new() } else { self.take_messages(child, &up).await? };
        let (unknown, told, kept_out) = self.take_snapshots(child, up.snapshots, !up.messages.is_empty());
        self.store.commit(told).await.map_err(not_now)?;
        self.tell_again(kept_out).await;
        // What the child has can wait; what it hasn't can't.
        let wait = if at_once { 0 } else { up.wait_ms.min(LONGEST_WAIT_MS) };
        let outbox = self.wait_for_news(child, &up.catalogue, Duration::from_millis(wait.into()));
        let outbox = outbox.await.map_err(not_now)?;
        let acks = self.store.received(child).map_err(not_now)?;
        let catalogue = self.catalogue.fingerprint();
        let (epoch, messages, clock) = (outbox.epoch, outbox.messages, now());
        Ok(ExchangeDown { epoch, acks, messages, catalogue, unknown, unknown_nodes, clock })
    }

    /// Writes down that the child called, where it never did before: who is new isn't away.
    async fn meet(&self, child: &NodeId) -> Result<(), Refused> {
        let Some(known) = self.store.child(child).map_err(not_now)? else {
            // It was removed after it was let in; whoever gets its name has never called.
            self.presence.forget(child);
            return Err(self.ended());
        };
        if known.value.called {
            return Ok(());
        }
        let (id, expect) = (child.clone(), Expect::Version(known.version));
        let met = Change::Child { id, expect, value: Some(Child { called: true, ..known.value }) };
        let met = Changes::from(met)
            .and(joined(child, None))
            .telling(self.parent.as_ref(), Method::NodeBelow { path: vec![child.clone()] });
        match self.store.commit(met).await {
            // It was removed or got another token meanwhile; the next call shows which.
            Err(StoreError::Conflict { .. }) => Ok(()),
            outcome => outcome.map_err(not_now),
        }
    }

    /// Takes the newest of the child's devices. Returns those of which nobody here knows: the child announces them. What
    /// belongs to another is set aside, for as long as it does, and so is what is behind a node that isn't let in.
    fn take_snapshots(
        &self,
        child: &NodeId,
        snapshots: BTreeMap<DeviceId, Snapshot>,
        says_more: bool,
    ) -> (Vec<DeviceId>, Changes, BTreeSet<KeptOut>) {
        let (mut unknown, mut told, mut kept_out) = (Vec::new(), Changes::none(), BTreeSet::new());
        for (device, snapshot) in snapshots {
            let known = self.inventory.known(&device).map(|(known, _)| known);
            // What is compared with the next, and told by the difference, is kept with what was told.
            let kept = says_more && known.as_ref().is_some_and(|known| known.speaks_for_itself());
            match known.map(|known| known.gateway.clone()) {
                Some(owner) if self.inventory.leads_to(child, &owner) => {
                    if let Some(which) = self.kept_out(&self.inventory.path(&owner)) {
                        tracing::debug!(%child, %device, %owner, "a reading was set aside: its node isn't let in");
                        kept_out.insert(which);
                        continue;
                    }
                    match self.vouched_for(child, (&device, &owner), snapshot) {
                        Ok(snapshot) => {
                            let snapshot = snapshot.not_after(now());
                            let value = Box::new(snapshot.clone());
                            told.0.extend(kept.then(|| Change::Snapshot { id: device.clone(), value }));
                            self.inventory.take_snapshot(&device, snapshot);
                        }
                        Err(nothing) => told.0.extend(self.not_shown(child, device, &nothing)),
                    }
                }
                // It comes back to where it began; that nodes call each other in a circle was said.
                Some(owner) if owner == self.node => {}
                Some(owner) => {
                    tracing::warn!(refused = %NotYours { child: child.clone(), device, owner }, "a reading was set aside");
                }
                None if self.stays_aside(child, &device) => {}
                None if unknown.len() < Portion::EXCHANGE.messages => unknown.push(device),
                None => {}
            }
        }
        (unknown, told, kept_out)
    }

    /// A reading as it is taken here. At the manager that of a node which came in there is what the node vouches for: one that
    /// calls itself may be of a release that doesn't yet, for one behind another nobody else speaks. On the way there it is
    /// shown as it comes, and goes on as it was signed.
    fn vouched_for(
        &self,
        child: &NodeId,
        (device, owner): (&DeviceId, &NodeId),
        snapshot: Snapshot,
    ) -> Result<Snapshot, Nothing> {
        let manager = self.requests.trust().and_then(Trust::manager);
        let known = || self.inventory.known(device).and_then(|(_, known)| known.number);
        match (manager.filter(|manager| manager.vouches(owner)), &snapshot.signed) {
            (Some(_), None) if owner == child => Ok(snapshot),
            (Some(manager), signed) => {
                let vouched = manager.vouched(owner, signed.as_deref())?;
                let (number, snapshot) = vouched.reading(owner, device, known())?;
                Ok(Snapshot { signed: None, number: Some(number), ..snapshot })
            }
            (None, Some(signed)) => {
                let read = Vouched::read(signed).and_then(|vouched| vouched.reading(owner, device, None).ok());
                let signed = snapshot.signed.clone();
                Ok(read.map_or(snapshot, |(_, read)| Snapshot { signed, number: None, ..read }))
            }
            (None, None) => Ok(snapshot),
        }
    }

    /// What is told of a reading that isn't shown: through whom it came. One that is older than what is known may come on
    /// another way.
    fn not_shown(&self, child: &NodeId, device: DeviceId, why: &Nothing) -> Option<Change> {
        if matches!(why, Nothing::Old { .. }) {
            tracing::debug!(%child, %device, "a reading was set aside: a newer one is known");
            return None;
        }
        let others = self.not_shown.count()?;
        let text = format!("a reading of {device} that came through {child} isn't shown: {why}");
        tracing::warn!(others, "{text}");
        let (at, name, severity) = (now(), "reading.refused".to_owned(), Severity::Warning);
        Some(Change::Happened(Event { at, node: None, device: Some(device), name, severity, text }))
    }

    /// Whether a device isn't taken because of the node that speaks for it, and that still stands; else it may be asked for.
    fn stays_aside(&self, child: &NodeId, device: &DeviceId) -> bool {
        let Some(node) = self.remembered.left(child, device) else { return false };
        let stays = match self.remembered.refused(child, &node) {
            Some(set_aside::Refused::Known) => self.inventory.is_known(&node),
            Some(set_aside::Refused::Unreachable) => true,
            Some(set_aside::Refused::KeptOut) => self.keeps_out(&node),
            None => false,
        };
        if !stays {
            self.remembered.take(child, &node);
            self.remembered.ask(child, device);
        }
        stays
    }

    /// What waits for the child; where that is nothing, waits until there is something, another catalogue, or no more time. A
    /// child whose token ends meanwhile hears of that at once.
    async fn wait_for_news(&self, child: &NodeId, catalogue: &str, wait: Duration) -> Result<Outbox, StoreError> {
        if wait.is_zero() {
            return self.store.outbox(child, Portion::EXCHANGE);
        }
        let until = Instant::now() + wait;
        let bell = self.bells.bell(child);
        // Listens before it looks, so that nothing comes between.
        let mut news = self.live.subscribe();
        let token = || Ok::<_, StoreError>(self.store.child(child)?.map(|row| row.value.token));
        let called_by = token()?;
        loop {
            let outbox = self.store.outbox(child, Portion::EXCHANGE)?;
            let other = !outbox.messages.is_empty() || catalogue != self.catalogue.fingerprint();
            if other || token()? != called_by {
                return Ok(outbox);
            }
            let changed = async { while !matches!(news.recv().await, Ok(LiveEvent::Plugins) | Err(_)) {} };
            tokio::select! {
                () = bell.notified() => {}
                () = changed => {}
                () = tokio::time::sleep_until(until) => return Ok(outbox),
            }
        }
    }

    /// Commits a child's messages together, before they are acknowledged. What was taken before is passed over. Returns the
    /// nodes that it spoke for and nobody here knows.
    async fn take_messages(&self, child: &NodeId, up: &ExchangeUp) -> Result<Vec<NodeId>, Refused> {
        if up.messages.len() > MOST {
            return Err(Refused::Invalid(format!("an exchange carries at most {MOST} messages")));
        }
        if up.messages.iter().any(|message| weight(&message.message) > MESSAGE) {
            return Err(Refused::Invalid(format!("a message has at most {MESSAGE} bytes")));
        }
        for _ in 0..TRIES {
            let (changes, strangers, kept_out) = self.changes(child, up).map_err(not_now)?;
            let changes = self.while_child(child, changes)?;
            super::say_if_renumbered(&changes);
            match self.store.commit(changes).await {
                Err(StoreError::Conflict { what }) => tracing::debug!(%child, %what, "a batch is taken anew"),
                outcome => {
                    outcome.map_err(not_now)?;
                    self.tell_again(kept_out).await;
                    return Ok(strangers);
                }
            }
        }
        Err(Refused::NotNow("too many changes at a time; the same batch may come again".to_owned()))
    }

    /// These changes, for as long as the child may call: one that is removed meanwhile brings nothing back.
    fn while_child(&self, child: &NodeId, changes: Changes) -> Result<Changes, Refused> {
        if changes.is_empty() {
            return Ok(changes);
        }
        let known = self.store.child(child).map_err(not_now)?.ok_or_else(|| self.ended())?;
        Ok(changes.and(Change::ChildStays { id: child.clone(), version: known.version }))
    }

    /// What a batch changes, and the nodes that it speaks for and nobody here knows, or that aren't let in.
    fn changes(
        &self,
        child: &NodeId,
        up: &ExchangeUp,
    ) -> Result<(Changes, Vec<NodeId>, BTreeSet<KeptOut>), StoreError> {
        let mut changes = self.store.numbers(child)?.acknowledged(child, &up.acks);
        let mut taken = self.store.received(child)?;
        if taken.epoch != up.epoch {
            taken = Acks { epoch: up.epoch, ..Acks::default() };
        }
        let mut hearing = Hearing::of(self, child, up.clock);
        for Envelope { seq, class, message } in &up.messages {
            if taken.seqs.get(class).is_some_and(|last| seq <= last) {
                continue;
            }
            taken.seqs.insert(*class, *seq);
            changes = changes.and(Change::Received { from: child.clone(), epoch: up.epoch, class: *class, seq: *seq });
            changes = changes.with(hearing.hear(message)?);
        }
        Ok((changes, hearing.strangers.into_iter().collect(), hearing.kept_out))
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

    fn admits(&self, child: &NodeId, shown: &Shown) -> Result<(), String> {
        self.door.as_ref().map_or_else(|| self.admits_vouched(child, shown), |door| door.admits(child, shown))
    }

    fn learn(
        self: Arc<Self>,
        token: Secret,
        shown: Shown,
    ) -> Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>> {
        Box::pin(async move { self.learn_who(&token, &shown).await })
    }

    /// Whether it ended for good is the manager's to say: a gateway asks it when the child calls again.
    fn ended(&self) -> Refused {
        match self.handing.get() {
            Some(_) => Refused::NotNow("this node's token isn't known here any more; it calls again".to_owned()),
            None => Refused::Unknown,
        }
    }

    fn errand(
        self: Arc<Self>,
        child: NodeId,
        errand: Errand,
    ) -> Pin<Box<dyn Future<Output = Result<Settled, Refused>> + Send>> {
        Box::pin(async move { self.settle(&child, errand).await })
    }

    fn leads_to(&self, child: &NodeId, node: &NodeId) -> bool {
        child != node && self.inventory.leads_to(child, node)
    }

    fn speaks_for_users(&self, child: &NodeId) -> Result<(), String> {
        // What can't be looked up may be below.
        let below = || !matches!(self.store.child(child), Ok(Some(_)));
        match self.only_itself(child) {
            // The gateway that leads to it may call anything a registrar.
            Ok(None) if self.door.as_ref().is_some_and(|door| door.came_in_as(child).is_none()) && below() => {
                Err(format!("{child} is below a gateway and didn't come in by a PIN or key, so it is no registrar"))
            }
            Ok(None) => Ok(()),
            // Else whoever may register a device brings one of a registrar's name.
            Ok(Some(_)) => {
                let why = "came in by the PIN of a user who may not operate the fleet, so it is no registrar; let it return, \
                           and in by the PIN of somebody who may";
                Err(format!("{child} {why}"))
            }
            Err(error) => Err(format!("it can't be looked up now whether {child} is a registrar: {error}")),
        }
    }

    fn renew(
        self: Arc<Self>,
        child: NodeId,
        shown: Shown,
        renewal: Renewal,
    ) -> Pin<Box<dyn Future<Output = Result<Renewed, Refused>> + Send>> {
        Box::pin(async move {
            match (&self.door, self.handing.get()) {
                (Some(door), _) => door.renew(&child, &shown, &renewal).await,
                (None, Some(handing)) => self.hand_on_renewal(handing, (&child, shown), renewal).await,
                (None, None) => Err(Refused::Invalid("this node issues no certificates; ask its manager".to_owned())),
            }
        })
    }

    fn connect(
        self: Arc<Self>,
        knock: Knock,
        from: IpAddr,
    ) -> Pin<Box<dyn Future<Output = Result<Welcome, Closed>> + Send>> {
        Box::pin(async move { self.let_in(knock, from).await })
    }

    fn standing(&self, child: &NodeId) -> Result<Standing, Refused> {
        let taken = self.store.received(child).map_err(not_now)?;
        let devices = self.inventory.devices_where(|gateway| gateway == child);
        let first = devices.first().and_then(|device| self.inventory.known(&device.id));
        let newest = first.map(|(_, newest)| newest).unwrap_or_default();
        Ok(Standing { taken, devices: devices.into_iter().map(Arc::unwrap_or_clone).collect(), newest })
    }

    fn turn(&self, child: &NodeId) -> Arc<tokio::sync::Mutex<()>> {
        self.numbering.of(child)
    }

    fn catalogue(&self) -> Vec<CatalogueEntry> {
        self.catalogue.entries()
    }

    fn component(&self, digest: &str) -> Option<Vec<u8>> {
        self.catalogue.bytes(digest)
    }
}
