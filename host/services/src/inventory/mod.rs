//! The fleet: devices, whose they are, how they are, what was discovered, what happened.
//!
//! Everything that lists need is kept in memory and follows every commit; what a single device's page needs beyond that is
//! read from the store.

mod index;
mod keeper;
mod query;
mod views;

pub use query::{DeviceRow, LowLevel, Page, Query};
pub use views::{Away, CandidateView, DeviceView, EventsPage, NodeDetail, NodeView, Ordered, StoredEvent, Waits};

use crate::catalogue::Catalogue;
use crate::error::ServiceError;
use crate::gateway::Gateway;
use crate::live::{Live, LiveEvent};
use crate::need;
use crate::tree::{Presence, way_to};
use crate::trust::Trust;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::command::Command;
use hostler_core::device::{Candidate, Device, Placement};
use hostler_core::event::{Event, Filter};
use hostler_core::history::Series;
use hostler_core::message::{Ends, Method, Portion, REPORT_LIMIT, weight};
use hostler_core::reading::Snapshot;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{DeviceId, Fingerprint, NodeId, PluginName, routing};
use hostler_engine::now;
use hostler_store::{Search, Store};
use index::Index;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};

/// So much of what waits for a node is shown.
const SHOWN: usize = 100;

/// The most events that one question brings.
const EVENTS: usize = 500;

/// The most events that one question looks at: some milliseconds.
const LOOKED_AT: usize = 10_000;

/// The largest that is told to the parent, in bytes: a report and what else is known of the device. A larger one can only
/// be of a release that didn't refuse it.
const SNAPSHOT_LIMIT: usize = 2 * REPORT_LIMIT;

/// What becomes of a reading beside being shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// The root: its history is kept here.
    KeepHistory,
    /// A child: its parent is told.
    TellParent,
    /// A gateway alone: the newest is all.
    Nothing,
}

/// Which plug-in may be told to adopt a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// One that recognises it.
    Recognised,
    /// Any: whoever says so knows better.
    Anyway,
}

/// The fleet, as this node knows it.
pub struct Inventory {
    store: Arc<dyn Store>,
    index: Arc<RwLock<Index>>,
    live: Live,
    node: NodeId,
    catalogue: Arc<Catalogue>,
    presence: Arc<Presence>,
    gateway: OnceLock<Arc<Gateway>>,
    /// What this node signs, where it does.
    trust: OnceLock<Trust>,
    /// The history is kept by the manager, not once more by each gateway.
    keeps_history: bool,
    /// Devices whose newest isn't on the disk yet.
    unkept: Mutex<BTreeSet<DeviceId>>,
    /// Devices whose newest the parent doesn't know yet; `None` where there is no parent.
    untold: Option<Mutex<BTreeSet<DeviceId>>>,
    pub(crate) news: tokio::sync::Notify,
}

impl Inventory {
    /// The fleet as it is stored.
    ///
    /// # Errors
    /// The store's.
    pub fn open(
        store: Arc<dyn Store>,
        live: Live,
        node: NodeId,
        catalogue: Arc<Catalogue>,
        presence: Arc<Presence>,
        duty: Duty,
    ) -> Result<Arc<Self>, ServiceError> {
        let index = Arc::new(RwLock::new(Index::load(&*store)?));
        let (following, here) = (Arc::clone(&index), Arc::clone(&presence));
        store.observe(Arc::new(move |changes: &Changes| {
            let mut index = following.write().unwrap_or_else(PoisonError::into_inner);
            for change in &changes.0 {
                index.follow(change);
                here.follow(change);
            }
        }));
        let untold = (duty == Duty::TellParent).then(|| {
            let index = index.read().unwrap_or_else(PoisonError::into_inner);
            Mutex::new(index.snapshots().map(|(id, _)| id.clone()).collect())
        });
        Ok(Arc::new(Self {
            store,
            index,
            live,
            node,
            catalogue,
            presence,
            gateway: OnceLock::new(),
            trust: OnceLock::new(),
            keeps_history: duty == Duty::KeepHistory,
            unkept: Mutex::default(),
            untold,
            news: tokio::sync::Notify::new(),
        }))
    }

    /// Orders for this node's own network go to this gateway.
    pub fn serve_with(&self, gateway: Arc<Gateway>) {
        let _ = self.gateway.set(gateway);
    }

    /// Orders and readings are signed by this from now on.
    pub fn sign_by(&self, trust: Trust) {
        let _ = self.trust.set(trust);
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds devices.
    #[must_use]
    pub fn list(&self, viewer: &Viewer, query: &Query) -> Page {
        self.index().find(viewer, query)
    }

    /// One device.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], also for who may not see it.
    pub fn device(&self, viewer: &Viewer, id: &DeviceId) -> Result<DeviceView, ServiceError> {
        let (device, placement, snapshot) = self.index().get(viewer, id).ok_or_else(|| unknown(id))?;
        let plugin = self.catalogue.view(&device.plugin).ok();
        let (away, path) = (self.away(&device.gateway), self.path(&device.gateway));
        let snapshot = Snapshot { signed: None, number: None, ..snapshot };
        Ok(DeviceView { condition: snapshot.condition(), device, placement, snapshot, plugin, away, path })
    }

    /// The commands that a device's plug-in describes.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a device that isn't there, [`ServiceError::Unavailable`] where its plug-in can't be asked here.
    pub async fn commands(&self, viewer: &Viewer, id: &DeviceId) -> Result<Arc<[Command]>, ServiceError> {
        let device = self.device(viewer, id)?.device;
        if device.speaks_for_itself() {
            return Ok(device.commands.into());
        }
        self.catalogue.commands(&device.plugin).await.map_err(|why| ServiceError::Unavailable(why.to_string()))
    }

    /// What this node's own network is seen to by, where it has one.
    pub(crate) fn own_gateway(&self) -> Option<&Arc<Gateway>> {
        self.gateway.get()
    }

    /// The nodes through which a gateway is reached.
    pub(crate) fn path(&self, gateway: &NodeId) -> Vec<NodeId> {
        if *gateway == self.node { Vec::new() } else { self.index().routes.path(gateway) }
    }

    /// Since when a gateway is away, or the one below through which it is reached.
    fn away(&self, gateway: &NodeId) -> Option<Away> {
        if *gateway == self.node {
            return None;
        }
        let next = self.index().routes.next_hop(gateway).clone();
        let (since, here) = self.presence.of(&next);
        (!here).then_some(Away { gateway: next, since })
    }

    /// The histories of one device, by their names.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn series(&self, viewer: &Viewer, id: &DeviceId) -> Result<BTreeMap<String, Series>, ServiceError> {
        self.device(viewer, id)?;
        Ok(self.store.histories(id)?)
    }

    /// The newest events, newest first, of one device or of all that the viewer sees.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a device that isn't there.
    pub fn events(
        &self,
        viewer: &Viewer,
        device: Option<&DeviceId>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, ServiceError> {
        match device {
            Some(id) => {
                self.device(viewer, id)?;
            }
            None => need(viewer, Right::See)?,
        }
        let events = self.store.events(device, before, limit.min(EVENTS))?;
        Ok(events.into_iter().map(|(seq, event)| StoredEvent { seq, event }).collect())
    }

    /// The newest events before `before` that fit, newest first. Looking is bounded: where few fit, a page may have fewer
    /// than were asked for, or none, and go on all the same.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a device that isn't there, or the right is missing.
    pub fn find_events(
        &self,
        viewer: &Viewer,
        filter: &Filter,
        before: Option<u64>,
        most: usize,
    ) -> Result<EventsPage, ServiceError> {
        self.may_see_events(viewer, filter)?;
        let now = now();
        let fits = |event: &Event| filter.fits(event, &self.node, now);
        let device = filter.device.as_ref();
        let found =
            self.store.find_events(&Search { device, before, look: LOOKED_AT, most: most.min(EVENTS), fits: &fits })?;
        let events = found.events.into_iter().map(|(seq, event)| StoredEvent { seq, event }).collect();
        Ok(EventsPage { events, next: found.next })
    }

    /// The events behind `after` that fit, oldest first: for who follows what happens. `next` is always given: the next
    /// question's `after`.
    ///
    /// # Errors
    /// As [`Inventory::find_events`].
    pub fn follow_events(
        &self,
        viewer: &Viewer,
        filter: &Filter,
        after: u64,
        most: usize,
    ) -> Result<EventsPage, ServiceError> {
        self.may_see_events(viewer, filter)?;
        let now = now();
        let following = self.store.events_after(after, LOOKED_AT.min(most.min(EVENTS).saturating_mul(20)))?;
        let mut page = EventsPage { events: Vec::new(), next: Some(after) };
        for (seq, event) in following.events {
            if page.events.len() >= most.min(EVENTS) {
                break;
            }
            page.next = Some(seq);
            if filter.fits(&event, &self.node, now) {
                page.events.push(StoredEvent { seq, event });
            }
        }
        Ok(page)
    }

    fn may_see_events(&self, viewer: &Viewer, filter: &Filter) -> Result<(), ServiceError> {
        match &filter.device {
            // What happened to a device is known when that has gone, to who sees every device.
            Some(id) if !viewer.may(Right::See) => self.device(viewer, id).map(|_| ()),
            Some(_) => Ok(()),
            None => need(viewer, Right::See),
        }
    }

    /// Says whose a device is and where it stands.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub async fn place(&self, viewer: &Viewer, id: &DeviceId, placement: Placement) -> Result<(), ServiceError> {
        need(viewer, Right::Operate)?;
        self.device(viewer, id)?;
        let known = self.store.placement(id)?;
        let expect = known.map_or(Expect::Absent, |known| Expect::Version(known.version));
        Ok(self.store.commit(Change::Placement { id: id.clone(), expect, value: placement }.into()).await?)
    }

    /// What answered somewhere and isn't managed.
    ///
    /// # Errors
    /// The right is missing.
    pub fn candidates(&self, viewer: &Viewer) -> Result<Vec<CandidateView>, ServiceError> {
        need(viewer, Right::See)?;
        let candidates = self.store.candidates()?.into_iter();
        Ok(candidates
            .map(|(gateway, candidate)| {
                let own = self.gateway.get().filter(|_| gateway == self.node);
                let adopting = own.is_some_and(|own| own.is_adopting(&candidate.reach.address));
                CandidateView { gateway, candidate, adopting }
            })
            .collect())
    }

    /// Adopts a candidate. The answer comes as an event, and as a device.
    ///
    /// # Errors
    /// There is no such gateway, candidate or plug-in, the plug-in doesn't recognise it, or the right is missing.
    pub async fn adopt(
        &self,
        viewer: &Viewer,
        gateway: &NodeId,
        address: IpAddr,
        plugin: &PluginName,
        choice: Choice,
    ) -> Result<Ordered, ServiceError> {
        need(viewer, Right::Operate)?;
        let own = self.gateway.get().is_some() && *gateway == self.node;
        if !own && way_to(&*self.store, gateway)?.is_none() {
            return Err(no_gateway(gateway));
        }
        let mut candidates = self.store.candidates()?.into_iter();
        let nothing = || ServiceError::NotFound(format!("nothing was discovered at {address} by {gateway}"));
        let found = candidates.find(|(of, found)| of == gateway && found.reach.address == address);
        let (_, candidate) = found.ok_or_else(nothing)?;
        self.catalogue.view(plugin)?;
        if choice == Choice::Recognised && !candidate.claims.iter().any(|claim| claim.plugin == *plugin) {
            return Err(not_recognised(&candidate, plugin));
        }
        self.order(gateway, Method::Adopt { address, plugin: plugin.clone() }).await
    }

    /// Lets a device go: its gateway doesn't speak for it any more, and what was kept of it goes.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub async fn release(&self, viewer: &Viewer, id: &DeviceId) -> Result<Ordered, ServiceError> {
        need(viewer, Right::Operate)?;
        let device = self.device(viewer, id)?.device;
        self.order(&device.gateway, Method::Release(id.clone())).await
    }

    /// Reads a device now.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub async fn read_now(&self, viewer: &Viewer, id: &DeviceId) -> Result<Ordered, ServiceError> {
        need(viewer, Right::Operate)?;
        let device = self.device(viewer, id)?.device;
        self.order(&device.gateway, Method::ReadNow(id.clone())).await
    }

    /// Says by which certificate a device is known that shows another one than before.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], nobody asks about that certificate, or the right is missing.
    pub async fn trust(
        &self,
        viewer: &Viewer,
        id: &DeviceId,
        certificate: Fingerprint,
    ) -> Result<Ordered, ServiceError> {
        need(viewer, Right::Operate)?;
        let device = self.device(viewer, id)?.device;
        if device.certificate.as_ref().is_none_or(|known| known.trusting(&certificate).is_none()) {
            let why = format!("nobody asks about the certificate {certificate} of {id}; look at the device again");
            return Err(ServiceError::Conflict(why));
        }
        self.order(&device.gateway, Method::Trust { device: id.clone(), certificate }).await
    }

    /// Searches the networks of one gateway, or of all, now.
    ///
    /// # Errors
    /// There is no such gateway, or the right is missing.
    pub async fn discover_now(&self, viewer: &Viewer, gateway: Option<&NodeId>) -> Result<(), ServiceError> {
        need(viewer, Right::Operate)?;
        let gateways: Vec<NodeId> = match gateway {
            Some(gateway) => vec![gateway.clone()],
            None => {
                let children = self.store.children()?.into_iter().map(|child| child.value.id);
                let behind = self.store.routes()?.into_iter().map(|route| route.value.node().clone());
                children.chain(behind).chain(self.gateway.get().map(|_| self.node.clone())).collect()
            }
        };
        for gateway in &gateways {
            self.order(gateway, Method::DiscoverNow).await?;
        }
        Ok(())
    }

    async fn order(&self, gateway: &NodeId, method: Method) -> Result<Ordered, ServiceError> {
        if let Some(own) = self.gateway.get().filter(|_| *gateway == self.node) {
            own.take(method, Changes::none()).await?;
            return Ok(Ordered { away: None });
        }
        let (next, stays) = way_to(&*self.store, gateway)?.ok_or_else(|| no_gateway(gateway))?;
        if self.store.route(gateway)?.is_some_and(|route| route.value.is_awaited()) {
            let why = format!("{gateway} is about to be reached another way; order it again in a moment");
            return Err(ServiceError::Conflict(why));
        }
        let signed = self.trust.get().map(|trust| trust.order(gateway, &method)).transpose()?.flatten();
        let ends = Ends::to(gateway, &next).signed(signed);
        self.store.commit(stays.and(Change::send_between(&next, ends, method))).await?;
        Ok(Ordered { away: self.away(gateway) })
    }

    /// The nodes below, and this one.
    ///
    /// # Errors
    /// The right is missing.
    pub fn nodes(&self, viewer: &Viewer) -> Result<Vec<NodeView>, ServiceError> {
        need(viewer, Right::See)?;
        let counts = self.index().by_gateway();
        let devices = |id: &NodeId| counts.get(id).copied().unwrap_or_default();
        let mut nodes = vec![NodeView {
            last_seen: None,
            connected: true,
            connected_since: None,
            called: true,
            waiting: 0,
            devices: devices(&self.node),
            own: true,
            id: self.node.clone(),
            path: Vec::new(),
        }];
        for child in self.store.children()? {
            let (id, called) = (child.value.id, child.value.called);
            let (last_seen, connected) = self.presence.of(&id);
            let (waiting, path) = (self.store.waiting(&id)?, vec![id.clone()]);
            let connected_since = self.presence.since(&id);
            let devices = devices(&id);
            let own = false;
            nodes.push(NodeView { last_seen, connected, connected_since, called, waiting, devices, own, id, path });
        }
        let index = self.index();
        for route in index.routes.iter() {
            let (id, next) = (route.node().clone(), route.next_hop());
            let (last_seen, connected) = self.presence.of(next);
            let (waiting, path) = (self.store.waiting(next)?, route.path());
            let devices = devices(&id);
            let (connected_since, called, own) = (self.presence.since(next), true, false);
            nodes.push(NodeView { last_seen, connected, connected_since, called, waiting, devices, own, id, path });
        }
        // Each behind the one that it calls.
        nodes.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(nodes)
    }

    /// One of the nodes below, and what waits for it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub fn node(&self, viewer: &Viewer, id: &NodeId) -> Result<NodeDetail, ServiceError> {
        let node = self.nodes(viewer)?.into_iter().find(|node| node.id == *id).ok_or_else(|| no_gateway(id))?;
        let next = node.path.first().filter(|_| !node.own);
        let waits = match next {
            Some(next) => self.store.outbox(next, Portion { messages: SHOWN, ..Portion::EXCHANGE })?.messages,
            None => Vec::new(),
        };
        let waits = waits.into_iter().map(|envelope| {
            let (class, seq, to) = (envelope.class, envelope.seq, envelope.message.ends.to);
            Waits { class, seq, to, what: envelope.message.method.words() }
        });
        Ok(NodeDetail { node, waits: waits.collect() })
    }

    /// The newest of every device that the viewer sees.
    #[must_use]
    pub fn snapshots(&self, viewer: &Viewer) -> Vec<(DeviceId, Snapshot)> {
        self.index().visible(viewer)
    }

    /// How many readings this node has done in its own network since it was started: those that brought a report, and
    /// those that failed. `None` for a node without a network.
    #[must_use]
    pub fn readings_done(&self) -> Option<(u64, u64)> {
        self.gateway.get().map(|gateway| gateway.reader.done())
    }

    /// The newest of one device, and the device itself.
    pub(crate) fn known(&self, id: &DeviceId) -> Option<(Arc<Device>, Snapshot)> {
        self.index().known(id)
    }

    /// Every device of these gateways.
    pub(crate) fn devices_where(&self, gateway: impl Fn(&NodeId) -> bool) -> Vec<Arc<Device>> {
        self.index().devices_where(gateway)
    }

    /// Every device that is reached through this neighbour.
    pub(crate) fn devices_behind(&self, child: &NodeId) -> Vec<Arc<Device>> {
        let index = self.index();
        index.devices_where(|gateway| routing::may_speak_for(child, gateway, index.routes.get(gateway)))
    }

    /// Whether this neighbour is that node, or leads to it.
    pub(crate) fn leads_to(&self, child: &NodeId, node: &NodeId) -> bool {
        *node != self.node && routing::may_speak_for(child, node, self.index().routes.get(node))
    }

    /// Whether a node of this name is here or below.
    pub(crate) fn is_known(&self, node: &NodeId) -> bool {
        *node == self.node
            || self.index().routes.get(node).is_some()
            // What can't be looked up may be.
            || !matches!(self.store.child(node), Ok(None))
    }

    /// Replaces the newest of a device. What belongs to nobody here is dropped.
    pub(crate) fn take_snapshot(&self, id: &DeviceId, snapshot: Snapshot) {
        let taken = self.index.write().unwrap_or_else(PoisonError::into_inner).put_snapshot(id, snapshot);
        if !taken {
            return;
        }
        self.unkept.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        if let Some(untold) = &self.untold {
            untold.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
            self.news.notify_one();
        }
        self.live.announce(LiveEvent::Device { id: id.clone() });
    }

    /// So much of the newest that the parent doesn't know yet.
    pub(crate) fn take_untold(&self, most: Portion) -> BTreeMap<DeviceId, Snapshot> {
        let Some(untold) = &self.untold else { return BTreeMap::new() };
        let mut untold = untold.lock().unwrap_or_else(PoisonError::into_inner);
        let index = self.index();
        let (mut taken, mut bytes) = (BTreeMap::new(), 0);
        while let Some(id) = (taken.len() < most.messages).then(|| untold.pop_first()).flatten() {
            let Some((device, snapshot)) = index.known(&id) else { continue };
            let snapshot = self.vouched_for(&device, snapshot);
            let weight = weight(&snapshot);
            if weight > SNAPSHOT_LIMIT {
                tracing::error!(device = %id, weight, "what was read is too large for the parent; it isn't told of it");
            } else if taken.is_empty() || bytes + weight <= most.bytes {
                bytes += weight;
                taken.insert(id, snapshot);
            } else {
                untold.insert(id);
                break;
            }
        }
        taken
    }

    /// A reading as it is told: vouched for by the node that read it, where that can. What is signed is told once, not beside
    /// it again.
    fn vouched_for(&self, device: &Device, snapshot: Snapshot) -> Snapshot {
        let member = self.trust.get().and_then(Trust::member).filter(|_| device.gateway == self.node);
        let signed = match member {
            Some(member) => member.reading(&device.id, &Snapshot { signed: None, number: None, ..snapshot.clone() }),
            None => snapshot.signed.clone(),
        };
        if signed.is_some() { Snapshot { report: None, signed, ..snapshot } } else { snapshot }
    }

    /// The parent has to be told the newest of every device once more.
    pub(crate) fn tell_again(&self) {
        let all: Vec<DeviceId> = self.index().snapshots().map(|(id, _)| id.clone()).collect();
        self.put_back(all);
    }

    /// The parent has to be told the newest of every device once more that is reached through one of these.
    pub(crate) fn tell_again_behind(&self, nodes: &[NodeId]) {
        let index = self.index();
        let behind = |gateway: &NodeId| index.routes.path(gateway).iter().any(|node| nodes.contains(node));
        let devices: Vec<DeviceId> = index.devices_where(behind).iter().map(|device| device.id.clone()).collect();
        drop(index);
        self.put_back(devices);
    }

    /// What could not be told is told later, unless something newer came meanwhile: the newest is looked up then.
    pub(crate) fn put_back(&self, ids: impl IntoIterator<Item = DeviceId>) {
        if let Some(untold) = &self.untold {
            untold.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
        }
    }
}

fn no_gateway(id: &NodeId) -> ServiceError {
    ServiceError::NotFound(format!("there is no gateway {id}; `hostler node list` shows them"))
}

fn not_recognised(candidate: &Candidate, plugin: &PluginName) -> ServiceError {
    let others: Vec<String> = candidate.claims.iter().map(|claim| claim.plugin.to_string()).collect();
    let who = if others.is_empty() { "no plug-in".to_owned() } else { others.join(" and ") };
    let address = candidate.reach.address;
    ServiceError::Invalid(format!(
        "{plugin} does not recognise what answers at {address}; {who} does. `--anyway` (in the API: `anyway`) adopts it \
         with {plugin} all the same"
    ))
}

fn unknown(id: &DeviceId) -> ServiceError {
    ServiceError::NotFound(format!("there is no device {id}; `hostler device list` shows them"))
}
