//! What a node hears from its children, and answers them.

use super::{Presence, TRIES};
use crate::access::Access;
use crate::catalogue::Catalogue;
use crate::enrollment::{Enrollment, NotLetIn};
use crate::error::ServiceError;
use crate::inventory::Inventory;
use crate::live::{Live, LiveEvent};
use hostler_core::access::Child;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Candidate, Device, Placement, device_id};
use hostler_core::enrollment::{Enrolled, Knock, Renewal, Renewed, Welcome};
use hostler_core::event::Event;
use hostler_core::message::{
    Acks, CatalogueEntry, Envelope, ExchangeDown, ExchangeUp, Method, NotYours, Outbox, Portion, weight,
};
use hostler_core::reading::{Severity, Snapshot};
use hostler_core::viewer::Right;
use hostler_core::{DeviceId, NodeId};
use hostler_engine::{Doorbells, now};
use hostler_store::{Store, StoreError};
use hostler_transport::{Closed, LONGEST_WAIT_MS, Parent, Refused, Shown};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The most messages that are taken of one exchange: a child sends fewer.
const MOST: usize = 2 * Portion::EXCHANGE.messages;

/// The largest message that is taken, in bytes: what gateways say is a tenth of it.
const MESSAGE: usize = 64 << 10;

/// How often is looked who came and who went.
const LOOK: Duration = Duration::from_secs(1);

/// The node that each device is behind that a batch changes; none for one that goes.
type Owners = BTreeMap<DeviceId, Option<NodeId>>;

/// The longest text of a child's event, in characters; what is longer is cut.
const LONGEST_TEXT: usize = 1_000;

/// What a child told, as it may be kept and shown.
fn told(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect()
}

fn not_now(error: StoreError) -> Refused {
    Refused::NotNow(error.to_string())
}

/// A node as the parent of others.
pub struct Tree {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    inventory: Arc<Inventory>,
    catalogue: Arc<Catalogue>,
    presence: Arc<Presence>,
    bells: Arc<Doorbells>,
    live: Live,
    /// By what devices come in, where this is a manager.
    door: Option<Arc<Enrollment>>,
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
        door: Option<Arc<Enrollment>>,
    ) -> Arc<Self> {
        Arc::new(Self { store, access, inventory, catalogue, presence, bells, live, door })
    }

    async fn let_in(&self, knock: Knock, from: IpAddr) -> Result<Welcome, Closed> {
        let door = self.door.as_ref().ok_or(Closed::NoDoor)?;
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

    /// The device that a node is and nothing else, and by whom it came in: one that came in by the PIN of a user who operates
    /// nothing is a device and no gateway.
    fn only_itself(&self, child: &NodeId) -> Result<Option<(&Enrollment, Enrolled)>, StoreError> {
        let came_in = self.door.as_ref().and_then(|door| Some((&**door, door.came_in_as(child)?)));
        let Some((door, row)) = came_in else { return Ok(None) };
        let operates = self.store.user(&row.owner)?.is_some_and(|user| user.value.right >= Right::Operate);
        Ok((!operates).then_some((door, row)))
    }

    /// The manager, where a node speaks for a device that it can't: a device brings itself, once, and under the ID that follows
    /// from what it says of itself.
    fn not_its_own(&self, device: &Device, child: &NodeId, touched: &Owners) -> Result<Option<NodeId>, StoreError> {
        let Some((door, row)) = self.only_itself(child)? else { return Ok(None) };
        let named = device_id(&device.identity, child, device.reach.address) == device.id;
        let known = self.inventory.devices_of(child);
        let now = touched.iter().filter(|(_, owner)| owner.as_ref() == Some(child)).map(|(id, _)| id);
        let alone = known.iter().map(|other| &other.id).chain(now).all(|other| *other == device.id);
        Ok((!(row.is(&device.identity) && named && alone)).then(|| door.node().clone()))
    }

    /// The node that a device is behind now, with what this batch itself changes.
    fn behind(&self, device: &DeviceId, touched: &Owners) -> Result<Option<NodeId>, StoreError> {
        match touched.get(device) {
            Some(owner) => Ok(owner.clone()),
            None => Ok(self.store.device(device)?.map(|known| known.value.gateway)),
        }
    }

    /// Whose a device is that a node brings: that of whoever enrolled it, where it is that node's very device.
    fn owner(&self, device: &Device, child: &NodeId) -> Result<Changes, StoreError> {
        let enrolled =
            self.door.as_ref().and_then(|door| door.came_in_as(child)).filter(|row| row.is(&device.identity));
        let (Some(row), None) = (enrolled, self.store.placement(&device.id)?) else { return Ok(Changes::none()) };
        let value = Placement { owner: Some(row.owner), ..Placement::default() };
        Ok(Change::Placement { id: device.id.clone(), expect: Expect::Absent, value }.into())
    }

    /// Tells the pages who comes and who goes, for ever.
    pub async fn tell_who_is_here(self: Arc<Self>) {
        loop {
            for child in self.presence.turned() {
                self.live.announce(LiveEvent::Nodes);
                for device in self.inventory.devices_of(&child) {
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
        let first = !self.store.numbers(child).map_err(not_now)?.met;
        let at_once = first || !up.messages.is_empty() || !up.snapshots.is_empty();
        self.take_messages(child, &up).await?;
        let unknown = self.take_snapshots(child, up.snapshots);
        // What the child has can wait; what it hasn't can't.
        let wait = if at_once { 0 } else { up.wait_ms.min(LONGEST_WAIT_MS) };
        let outbox = self.wait_for_news(child, &up.catalogue, Duration::from_millis(wait.into()));
        let outbox = outbox.await.map_err(not_now)?;
        let acks = self.store.received(child).map_err(not_now)?;
        let catalogue = self.catalogue.fingerprint();
        Ok(ExchangeDown { epoch: outbox.epoch, acks, messages: outbox.messages, catalogue, unknown })
    }

    /// Writes down that the child called, where it never did before: who is new isn't away.
    async fn meet(&self, child: &NodeId) -> Result<(), Refused> {
        let Some(known) = self.store.child(child).map_err(not_now)? else {
            // It was removed after it was let in; whoever gets its name has never called.
            self.presence.forget(child);
            return Err(Refused::Unknown);
        };
        if known.value.called {
            return Ok(());
        }
        let (id, expect) = (child.clone(), Expect::Version(known.version));
        let met = Change::Child { id, expect, value: Some(Child { called: true, ..known.value }) };
        match self.store.commit(met.into()).await {
            // It was removed or got another token meanwhile; the next call shows which.
            Err(StoreError::Conflict { .. }) => Ok(()),
            outcome => outcome.map_err(not_now),
        }
    }

    /// Takes the newest of the child's devices. Returns those of which nobody here knows: the child announces them. What
    /// belongs to another is set aside, for as long as it does.
    fn take_snapshots(&self, child: &NodeId, snapshots: BTreeMap<DeviceId, Snapshot>) -> Vec<DeviceId> {
        let mut unknown = Vec::new();
        for (device, snapshot) in snapshots {
            match self.inventory.known(&device).map(|(known, _)| known.gateway.clone()) {
                Some(owner) if owner == *child => {
                    self.inventory.take_snapshot(&device, snapshot.not_after(now()));
                }
                Some(owner) => {
                    tracing::warn!(refused = %NotYours { child: child.clone(), device, owner }, "a reading was set aside");
                }
                None if unknown.len() < Portion::EXCHANGE.messages => unknown.push(device),
                None => {}
            }
        }
        unknown
    }

    /// What waits for the child; where that is nothing, waits until there is something, another catalogue, or no more time. A
    /// child whose token ends meanwhile hears of that at once.
    async fn wait_for_news(&self, child: &NodeId, catalogue: &str, wait: Duration) -> Result<Outbox, StoreError> {
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

    /// Commits a child's messages together, before they are acknowledged. What was taken before is passed over.
    async fn take_messages(&self, child: &NodeId, up: &ExchangeUp) -> Result<(), Refused> {
        if up.messages.len() > MOST {
            return Err(Refused::Invalid(format!("an exchange carries at most {MOST} messages")));
        }
        if up.messages.iter().any(|message| weight(&message.method) > MESSAGE) {
            return Err(Refused::Invalid(format!("a message has at most {MESSAGE} bytes")));
        }
        for _ in 0..TRIES {
            let changes = self.while_child(child, self.changes(child, up).map_err(not_now)?)?;
            super::say_if_renumbered(&changes);
            match self.store.commit(changes).await {
                Err(StoreError::Conflict { what }) => tracing::debug!(%child, %what, "a batch is taken anew"),
                outcome => return outcome.map_err(not_now),
            }
        }
        Err(Refused::NotNow("too many changes at a time; the same batch may come again".to_owned()))
    }

    /// These changes, for as long as the child may call: one that is removed meanwhile brings nothing back.
    fn while_child(&self, child: &NodeId, changes: Changes) -> Result<Changes, Refused> {
        if changes.is_empty() {
            return Ok(changes);
        }
        let known = self.store.child(child).map_err(not_now)?.ok_or(Refused::Unknown)?;
        Ok(changes.and(Change::ChildStays { id: child.clone(), version: known.version }))
    }

    fn changes(&self, child: &NodeId, up: &ExchangeUp) -> Result<Changes, StoreError> {
        let mut changes = self.store.numbers(child)?.acknowledged(child, &up.acks);
        let mut taken = self.store.received(child)?;
        if taken.epoch != up.epoch {
            taken = Acks { epoch: up.epoch, ..Acks::default() };
        }
        // Rows that this batch itself changes, so that two messages about one device fit together.
        let mut touched = Owners::new();
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
        touched: &mut Owners,
    ) -> Result<Result<Changes, NotYours>, StoreError> {
        Ok(Ok(match method {
            Method::DeviceAdopted(device) => {
                let known = self.store.device(&device.id)?;
                let owner = match touched.get(&device.id) {
                    Some(owner) => owner.clone(),
                    None => known.as_ref().map(|known| known.value.gateway.clone()),
                };
                let anothers = match owner.filter(|owner| owner != child) {
                    None => self.not_its_own(device, child, touched)?,
                    anothers => anothers,
                };
                if let Some(owner) = anothers {
                    return Ok(Err(NotYours { child: child.clone(), device: device.id.clone(), owner }));
                }
                let adopted_at = device.adopted_at.min(now());
                let device = Device { gateway: child.clone(), adopted_at, ..(**device).clone() };
                let expect = match (touched.insert(device.id.clone(), Some(child.clone())), known) {
                    (Some(_), _) => Expect::Anything,
                    (None, None) => Expect::Absent,
                    (None, Some(known)) => Expect::Version(known.version),
                };
                // Behind the device: who follows the commits places what they know.
                let owned = self.owner(&device, child)?;
                let adopted = Change::Device { id: device.id.clone(), expect, value: Some(Box::new(device)) };
                owned.0.into_iter().fold(adopted.into(), Changes::and)
            }
            Method::DeviceReleased(id) => match self.behind(id, touched)? {
                None => Changes::none(),
                Some(owner) if owner != *child => {
                    return Ok(Err(NotYours { child: child.clone(), device: id.clone(), owner }));
                }
                Some(_) => {
                    touched.insert(id.clone(), None);
                    Change::Device { id: id.clone(), expect: Expect::Anything, value: None }.into()
                }
            },
            Method::CandidateSeen(_) if self.only_itself(child)?.is_some() => Changes::none(),
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
                let owner = match &event.device {
                    Some(id) => self.behind(id, touched)?,
                    None => None,
                };
                match (owner, &event.device) {
                    (Some(owner), Some(id)) if owner != *child => {
                        return Ok(Err(NotYours { child: child.clone(), device: id.clone(), owner }));
                    }
                    // Of nothing that is its: a gateway may, for its network; a device tells of itself only.
                    (None, _) if self.only_itself(child)?.is_some() => {
                        tracing::warn!(%child, name = %event.name, "an event was set aside: a device tells of itself only");
                        return Ok(Ok(Changes::none()));
                    }
                    _ => {}
                }
                Change::Happened(Event { at: event.at.min(now()), text: told(&event.text), ..event.clone() }).into()
            }
            Method::AdoptionEnded { .. } if self.only_itself(child)?.is_some() => Changes::none(),
            Method::AdoptionEnded { address, why } => Change::Happened(Event {
                at: now(),
                device: None,
                name: "adoption.ended".to_owned(),
                severity: Severity::Warning,
                text: told(&format!("{child} did not adopt what answers at {address}: {why}")),
            })
            .into(),
            Method::Adopt { .. }
            | Method::Release(_)
            | Method::ReadNow(_)
            | Method::Trust { .. }
            | Method::DiscoverNow => {
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

    fn admits(&self, child: &NodeId, shown: &Shown) -> Result<(), String> {
        self.door.as_ref().map_or(Ok(()), |door| door.admits(child, shown))
    }

    fn speaks_for_users(&self, child: &NodeId) -> Result<(), String> {
        match self.only_itself(child) {
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
            let door = self.door.as_ref().ok_or(Refused::Unknown)?;
            door.renew(&child, &shown, &renewal).await
        })
    }

    fn connect(
        self: Arc<Self>,
        knock: Knock,
        from: IpAddr,
    ) -> Pin<Box<dyn Future<Output = Result<Welcome, Closed>> + Send>> {
        Box::pin(async move { self.let_in(knock, from).await })
    }

    fn catalogue(&self) -> Vec<CatalogueEntry> {
        self.catalogue.entries()
    }

    fn component(&self, digest: &str) -> Option<Vec<u8>> {
        self.catalogue.bytes(digest)
    }
}
