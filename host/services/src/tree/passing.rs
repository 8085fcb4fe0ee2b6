//! Orders that aren't for this node go on to the next one; where they can't, whoever waits for them is told.

use hostler_core::changes::{Change, Changes};
use hostler_core::event::Event;
use hostler_core::message::{Ends, Message, Method};
use hostler_core::reading::Severity;
use hostler_core::{DeviceId, NodeId};
use hostler_engine::now;
use hostler_store::{Store, StoreError};

/// The neighbour that leads to a node, where there is one, and what must stay so for a message to get there: what is sent to
/// one that is removed meanwhile would wait for ever.
pub(crate) fn way_to(store: &dyn Store, node: &NodeId) -> Result<Option<(NodeId, Changes)>, StoreError> {
    let route = store.route(node)?;
    let next = route.as_ref().map_or(node, |route| route.value.next_hop()).clone();
    let Some(child) = store.child(&next)? else { return Ok(None) };
    let mut stays = Changes::from(Change::ChildStays { id: next.clone(), version: child.version });
    if let Some(route) = route {
        stays = stays.and(Change::RouteStays { node: node.clone(), version: route.version });
    }
    Ok(Some((next, stays)))
}

/// The node below that an order is for; `None` where it is for this one. A device that is known to be behind another node is
/// that node's, whoever was named: an earlier release names nobody.
pub(super) fn meant_for(store: &dyn Store, own: &NodeId, order: &Message) -> Result<Option<NodeId>, StoreError> {
    let gateway = match device(&order.method) {
        Some(id) => store.device(id)?.map(|device| device.value.gateway),
        None => None,
    };
    let other = |node: &NodeId| node != own;
    Ok(gateway.filter(other).or_else(|| order.ends.to.clone().filter(other)))
}

/// Passes an order on, with `more` in the same commit, by which it counts as taken here.
///
/// # Errors
/// The store's; the order counts as not taken then.
pub(super) async fn pass_on(
    store: &dyn Store,
    (own, parent): (&NodeId, &NodeId),
    to: &NodeId,
    order: Message,
    more: Changes,
) -> Result<(), StoreError> {
    let Message { ends, method } = order;
    if store.route(to)?.is_some_and(|route| route.value.is_awaited()) {
        let why = format!("{to} is about to be reached another way; order it again");
        return store.commit(more.with(undelivered(Some(parent), to, &method, &why, Device::Stays))).await;
    }
    let Some((next, stays)) = way_to(store, to)? else {
        let why = format!("{to} isn't below {own} any more");
        return store.commit(more.with(undelivered(Some(parent), to, &method, &why, Device::Gone))).await;
    };
    let sent = Change::send_between(&next, Ends::to(to, &next).signed(ends.signed), method.clone());
    match store.commit(more.clone().with(stays).and(sent)).await {
        // To wait for room would hold up every order behind it, for whoever that is.
        Err(StoreError::OutboxFull { to: full, count, .. }) if full == next => {
            let why =
                format!("{count} messages wait for {next} at {own} already; order it again when it has fetched them");
            tracing::warn!(order = ?method, %to, %why, "an order was refused");
            store.commit(more.with(undelivered(Some(parent), to, &method, &why, Device::Stays))).await
        }
        outcome => outcome,
    }
}

/// What an order that wasn't delivered says of its device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Device {
    /// Nobody speaks for it here.
    Gone,
    /// It is as it was.
    Stays,
}

fn device(method: &Method) -> Option<&DeviceId> {
    match method {
        Method::Release(device) | Method::ReadNow(device) | Method::Trust { device, .. } => Some(device),
        _ => None,
    }
}

/// What is told of an order that can't be delivered, here and above: why, and what it would have been answered with. That a node
/// calls no more is the manager's to say again, when somebody speaks for that node.
pub(super) fn undelivered(parent: Option<&NodeId>, to: &NodeId, method: &Method, why: &str, known: Device) -> Changes {
    if matches!(method, Method::CallsNoMore { .. }) {
        return Changes::none();
    }
    let what = method.words();
    let event = Event {
        at: now(),
        node: None,
        device: device(method).filter(|_| known == Device::Stays).cloned(),
        name: "order.undelivered".to_owned(),
        severity: Severity::Warning,
        text: format!("an order for {to} was not delivered ({what}): {why}"),
    };
    let mut told = Changes::from(Change::Happened(event.clone())).telling(parent, Method::EventHappened(event));
    if let Method::Adopt { address, .. } = method {
        told = told.telling(parent, Method::AdoptionEnded { address: *address, why: why.to_owned() });
    }
    if let (Device::Gone, Some(device), Some(parent)) = (known, device(method), parent) {
        let released = Method::DeviceReleased(device.clone());
        told = told.and(Change::send_between(parent, Ends::from(to.clone()), released));
    }
    told
}
