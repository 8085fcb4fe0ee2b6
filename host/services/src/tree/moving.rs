//! A node, and all behind it, calls another than before: what is known of it stays, and is reached the new way. Only what the
//! manager vouches for moves so; a name alone is no proof.

use super::passing::{Device, undelivered};
use crate::requests::Moving;
use hostler_core::access::{Child, TokenDigest};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::Candidate;
use hostler_core::message::{CallsNow, Method, Portion};
use hostler_core::routing::{NoRoute, Route};
use hostler_core::{NodeId, Timestamp};
use hostler_store::{Store, StoreError};
use std::collections::BTreeSet;

/// Why a node can't be reached as it would be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMoved {
    #[error(transparent)]
    NoRoute(#[from] NoRoute),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What changes here when a node moves.
#[derive(Default)]
pub(crate) struct Moved {
    pub(crate) changes: Changes,
    /// The neighbour that it was or that led to it, where it was known.
    pub(crate) former: Option<NodeId>,
    /// It, and those behind it.
    pub(crate) nodes: BTreeSet<NodeId>,
}

/// Which node this is, its own parent, and what time it has.
pub(crate) type Here<'a> = (&'a NodeId, Option<&'a NodeId>, Timestamp);

/// What changes when a node calls the last of these gateways, the nearest first, or this node itself (`child`) where there is
/// none. Nothing where nobody here knows it yet in another way: it is told of when it calls.
pub(crate) fn moved(
    store: &dyn Store,
    (own, parent, now): Here<'_>,
    node: &NodeId,
    way: &[NodeId],
    child: Option<Child>,
) -> Result<Moved, NotMoved> {
    let (neighbour, route) = (store.child(node)?, store.route(node)?);
    let former = match (&neighbour, &route) {
        (Some(_), _) => node.clone(),
        (None, Some(route)) => route.value.next_hop().clone(),
        (None, None) => return Ok(Moved::default()),
    };
    let new = reached(own, way, node, &[])?;
    let same = new.is_some() && route.as_ref().map(|row| row.value.path()) == new.as_ref().map(Route::path);
    if same || neighbour.is_some() && new.is_none() {
        return Ok(Moved::default());
    }
    let next = way.first().unwrap_or(node).clone();
    let mut nodes = BTreeSet::from([node.clone()]);
    let mut changes = Changes::none();
    // What it discovered is known by its name, which stays.
    let candidates = store.candidates()?.into_iter().filter(|(of, _)| of == node);
    let candidates: Vec<Candidate> = candidates.map(|(_, candidate)| candidate).collect();
    let waits = if neighbour.is_some() { store.outbox(node, Portion::ALL)?.messages } else { Vec::new() };
    if let Some(neighbour) = &neighbour {
        let expect = Expect::Version(neighbour.version);
        changes = changes.and(Change::Child { id: node.clone(), expect, value: None });
    }
    let expect = route.as_ref().map_or(Expect::Absent, |row| Expect::Version(row.version));
    match new {
        Some(new) => changes = changes.and(Change::Route { node: node.clone(), expect, value: Some(Box::new(new)) }),
        None => {
            changes = changes.and(Change::Route { node: node.clone(), expect, value: None });
            changes = changes.and(Change::Child { id: node.clone(), expect: Expect::Absent, value: child });
        }
    }
    for row in store.routes()?.into_iter().filter(|row| row.value.passes(node) && row.value.node() != node) {
        let path = row.value.path();
        let behind: Vec<NodeId> = path.iter().skip_while(|one| *one != node).skip(1).cloned().collect();
        let Some(new) = reached(own, way, node, &behind)? else { continue };
        let (moved, expect) = (row.value.node().clone(), Expect::Version(row.version));
        changes = changes.and(Change::Route { node: moved.clone(), expect, value: Some(Box::new(new)) });
        nodes.insert(moved);
    }
    for candidate in candidates {
        let (gateway, address) = (node.clone(), candidate.reach.address);
        changes = changes.and(Change::Candidate { gateway, address, value: Some(Box::new(candidate)) });
    }
    // What waited for it goes with its outbox. Requests are asked again, and answers fetched by whoever asks again; an order is
    // for a person to repeat.
    for message in waits.into_iter().map(|envelope| envelope.message) {
        if !matches!(message.method, Method::Request(_) | Method::Delay { .. } | Method::Response { .. }) {
            let to = message.ends.to.as_ref().unwrap_or(node);
            let why = format!("it is reached through {next} now; order it again");
            changes = changes.with(undelivered(parent, to, &message.method, &why, Device::Stays));
        }
    }
    let moving = Moving { nodes: &nodes, former: &former, next: &next, awaited: !way.is_empty() };
    let changes = changes.with(moving.requests(store, own, now)?);
    Ok(Moved { changes, former: Some(former), nodes })
}

/// The way to what is behind a node, or to the node itself, below these gateways; `None` for a neighbour.
fn reached(own: &NodeId, way: &[NodeId], node: &NodeId, behind: &[NodeId]) -> Result<Option<Route>, NoRoute> {
    let path: Vec<NodeId> = way.iter().chain([node]).chain(behind).cloned().collect();
    match path.split_first() {
        // Those above it haven't all told of it yet; a neighbour knows what is behind it.
        Some((next, told)) if !told.is_empty() => {
            Route::told(own, next, told).map(|route| Some(if way.is_empty() { route } else { route.to_come() }))
        }
        _ => Ok(None),
    }
}

/// What changes at a gateway that a node calls no longer by this token.
pub(super) fn calls_no_more(
    store: &dyn Store,
    parent: &NodeId,
    (node, token): (&NodeId, &TokenDigest),
    now: CallsNow,
) -> Result<Changes, StoreError> {
    let Some(child) = store.child(node)?.filter(|child| child.value.token == *token) else {
        return Ok(Changes::none());
    };
    let expect = Expect::Version(child.version);
    Ok(match (now, &child.value.vouched) {
        (CallsNow::Nobody, Some(vouched)) => {
            let token = TokenDigest::ended(&vouched.device);
            let value = Some(Child { token, ..child.value.clone() });
            Change::Child { id: node.clone(), expect, value }.into()
        }
        (CallsNow::Another, Some(_)) => super::without(store, node)?
            .and(Change::Child { id: node.clone(), expect, value: None })
            .telling(Some(parent), Method::NodeGone(node.clone())),
        // It doesn't call by what the manager said.
        (_, None) => Changes::none(),
    })
}
