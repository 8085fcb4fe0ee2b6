//! The nodes below: what of them the parent is told, and what goes when one of them goes.

use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::Device;
use hostler_core::message::{Ends, Method};
use hostler_core::routing::Route;
use hostler_core::{DeviceId, NodeId};
use hostler_store::{Store, StoreError};
use std::collections::BTreeSet;

/// Everything behind a node goes, and what it is itself stays: its devices, the nodes that it leads to, and theirs.
pub(crate) fn without(store: &dyn Store, node: &NodeId) -> Result<Changes, StoreError> {
    let routes: Vec<_> = store.routes()?.into_iter().filter(|route| route.value.passes(node)).collect();
    let mut gone: BTreeSet<&NodeId> = routes.iter().map(|route| route.value.node()).collect();
    gone.insert(node);
    let devices = store.devices()?.into_iter().filter(|device| gone.contains(&device.value.gateway));
    let devices = devices.map(|device| {
        let expect = Expect::Version(device.version);
        Change::Device { id: device.value.id, expect, value: None }
    });
    let routes = routes.iter().map(|route| {
        let expect = Expect::Version(route.version);
        Change::Route { node: route.value.node().clone(), expect, value: None }
    });
    Ok(devices.chain(routes).collect())
}

/// Tells the parent of every node below that ever called, each behind the one that it calls, and of all that was discovered
/// here and below. What changes meanwhile is a conflict.
pub(super) fn everything(store: &dyn Store, own: &NodeId, parent: &NodeId) -> Result<Changes, StoreError> {
    let mut known = BTreeSet::from([own.clone()]);
    let mut told = Changes::none();
    for child in store.children()?.into_iter().filter(|child| child.value.called) {
        let id = child.value.id;
        told = told.and(Change::ChildStays { id: id.clone(), version: child.version });
        told = told.and(Change::send(parent, Method::NodeBelow { path: vec![id.clone()] }));
        known.insert(id);
    }
    let mut routes: Vec<_> = store.routes()?.into_iter().map(|row| (row.value.path(), row.version)).collect();
    routes.sort_by_key(|(path, _)| path.len());
    for (path, version) in routes {
        let Some(node) = path.last().cloned() else { continue };
        told = told.and(Change::RouteStays { node: node.clone(), version });
        told = told.and(Change::send(parent, Method::NodeBelow { path }));
        known.insert(node);
    }
    for (gateway, candidate) in store.candidates()?.into_iter().filter(|(of, _)| known.contains(of)) {
        let candidate = Box::new(candidate);
        let said = Change::send_between(parent, ends(own, &gateway), Method::CandidateSeen(candidate.clone()));
        // One that is adopted meanwhile shall not be told behind its end.
        told = told.and(Change::CandidateStays { gateway, value: candidate }).and(said);
    }
    Ok(told)
}

/// Who says it, where that isn't this node.
fn ends(own: &NodeId, gateway: &NodeId) -> Ends {
    if gateway == own { Ends::neighbours() } else { Ends::from(gateway.clone()) }
}

/// Announces devices to the parent, each behind the nodes that it is behind.
pub(super) struct Announcing<'a> {
    store: &'a dyn Store,
    own: &'a NodeId,
    parent: &'a NodeId,
    told: BTreeSet<Vec<NodeId>>,
    changes: Changes,
}

impl<'a> Announcing<'a> {
    pub(super) fn new(store: &'a dyn Store, own: &'a NodeId, parent: &'a NodeId) -> Self {
        Self { store, own, parent, told: BTreeSet::new(), changes: Changes::none() }
    }

    /// Adds a device; returns whether there is such a one.
    pub(super) fn add(&mut self, id: &DeviceId) -> Result<bool, StoreError> {
        let Some(device) = self.store.device(id)? else { return Ok(false) };
        let gateway = device.value.gateway.clone();
        if gateway != *self.own {
            let route = self.store.route(&gateway)?.map(|row| row.value);
            let path = route.as_ref().map_or_else(|| vec![gateway.clone()], Route::path);
            // Of a node that was removed it says nothing any more.
            let Some(next) = path.first().map(|next| self.store.child(next)).transpose()?.flatten() else {
                return Ok(false);
            };
            self.changes.0.push(Change::ChildStays { id: next.value.id, version: next.version });
            for levels in 1..=path.len() {
                let path: Vec<NodeId> = path.iter().take(levels).cloned().collect();
                if self.told.insert(path.clone()) {
                    self.changes.0.push(Change::send(self.parent, Method::NodeBelow { path }));
                }
            }
        }
        // Whoever releases it meanwhile shall not have it announced behind its end.
        self.changes.0.push(Change::DeviceStays { id: id.clone(), version: device.version });
        let said: Box<Device> = Box::new(device.value);
        let said = Change::send_between(self.parent, ends(self.own, &gateway), Method::DeviceAdopted(said));
        self.changes.0.push(said);
        Ok(true)
    }

    pub(super) fn changes(self) -> Changes {
        self.changes
    }
}
