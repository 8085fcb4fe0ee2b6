//! Requests of and for a node that is reached another way now.

use super::Requests;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::message::Ends;
use hostler_core::request::{Asker, Context, Flight};
use hostler_core::{NodeId, Timestamp};
use hostler_store::{Store, StoreError, Versioned};
use std::collections::BTreeSet;

/// Nodes that another neighbour leads to.
pub(crate) struct Moving<'a> {
    /// Which.
    pub(crate) nodes: &'a BTreeSet<NodeId>,
    /// The neighbour that led to them.
    pub(crate) former: &'a NodeId,
    /// The one that does now.
    pub(crate) next: &'a NodeId,
    /// Whether that one has yet to tell of them: they are asked then.
    pub(crate) awaited: bool,
}

impl Moving<'_> {
    /// What they were asked is asked again the new way, and what they asked is answered that way. Both is known by its ID
    /// wherever it came already.
    pub(crate) fn requests(&self, store: &dyn Store, own: &NodeId, now: Timestamp) -> Result<Changes, StoreError> {
        let context = Context { own: own.clone(), now };
        let rows = store.flights()?.into_iter().filter(|row| row.value.outcome().is_none());
        Ok(rows.filter_map(|row| self.request(row, &context)).fold(Changes::none(), Changes::with))
    }

    fn request(&self, row: Versioned<Flight>, context: &Context) -> Option<Changes> {
        let (expect, flight) = (Expect::Version(row.version), row.value);
        let asked = flight.waits_for() == Some(self.former);
        if let Some(to) = flight.to.clone().filter(|to| asked && self.nodes.contains(to)) {
            let step = flight.ask_again(self.next.clone(), Ends::to(&to, self.next), context);
            let next = Change::Flight { id: step.next.id.clone(), expect, value: Some(Box::new(step.next)) };
            return Some(if self.awaited { next.into() } else { step.changes.and(next) });
        }
        let Asker::Neighbour { next, from } = &flight.asker else { return None };
        let speaker = from.as_ref().unwrap_or(next).clone();
        if next != self.former || !self.nodes.contains(&speaker) {
            return None;
        }
        let from = (speaker != *self.next).then_some(&speaker);
        let flight = flight.asked_through(self.next, from)?;
        Some(Change::Flight { id: flight.id.clone(), expect, value: Some(Box::new(flight)) }.into())
    }
}

impl Requests {
    /// What a node was asked, through a neighbour that tells of it now, is asked again: it may have moved there.
    pub(crate) fn ask_again_below(&self, next: &NodeId, node: &NodeId) -> Result<Changes, StoreError> {
        let rows = self.store.flights()?.into_iter().map(|row| row.value);
        let waits = rows.filter(|flight| flight.waits_for() == Some(next) && flight.to.as_ref() == Some(node));
        let again = waits.map(|flight| flight.ask_again(next.clone(), Ends::to(node, next), &self.context()).changes);
        Ok(again.fold(Changes::none(), Changes::with))
    }

    /// What the parent was asked and hasn't answered is asked again: it may be another one than before, or have lost what it
    /// knew. One that has it already knows it by its ID.
    pub(crate) fn ask_parent_again(&self, parent: &NodeId) -> Result<Changes, StoreError> {
        let rows = self.store.flights()?.into_iter().filter(|row| row.value.waits_for() == Some(parent));
        let again = rows.map(|row| {
            let ends = match &row.value.asker {
                Asker::Here(_) => Ends::neighbours(),
                Asker::Neighbour { next, from } => Ends::from(from.as_ref().unwrap_or(next).clone()),
            };
            row.value.ask_again(parent.clone(), ends, &self.context()).changes
        });
        Ok(again.fold(Changes::none(), Changes::with))
    }
}
