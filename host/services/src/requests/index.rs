//! What is known of every request in memory: when something is due, who waits for whom. It follows every commit.

use hostler_core::changes::{Change, Changes};
use hostler_core::request::{Asker, Flight};
use hostler_core::{NodeId, RequestId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

struct Known {
    due: Option<Timestamp>,
    /// The neighbour that asked; none where it was asked here.
    asker: Option<NodeId>,
    /// The neighbour that was asked.
    next: Option<NodeId>,
    to: Option<NodeId>,
    ended: bool,
    to_do: bool,
    since: Timestamp,
}

impl Known {
    fn of(flight: &Flight) -> Self {
        let asker = match &flight.asker {
            Asker::Here(_) => None,
            Asker::Neighbour { next, .. } => Some(next.clone()),
        };
        Self {
            due: flight.due_at(),
            asker,
            next: flight.waits_for().cloned(),
            to: flight.to.clone(),
            ended: flight.outcome().is_some(),
            to_do: flight.is_to_be_done(),
            since: flight.since,
        }
    }
}

/// Every request, in brief.
#[derive(Default)]
pub(super) struct Index {
    known: BTreeMap<RequestId, Known>,
    due: BTreeSet<(Timestamp, RequestId)>,
    /// Those that ended and were asked here, oldest first.
    kept: BTreeSet<(Timestamp, RequestId)>,
    /// How many of each asker haven't ended; `None` for this node itself.
    waiting: BTreeMap<Option<NodeId>, usize>,
    /// Those that this node has to do and nobody took up yet.
    to_do: BTreeSet<RequestId>,
    /// Nodes that aren't reached any more.
    gone: BTreeSet<NodeId>,
}

impl Index {
    pub(super) fn of<'a>(flights: impl Iterator<Item = &'a Flight>) -> Self {
        let mut index = Self::default();
        flights.for_each(|flight| index.put(&flight.id, Some(flight)));
        index
    }

    /// Returns whether there is something new to see to.
    pub(super) fn follow(&mut self, changes: &Changes) -> bool {
        let mut new = false;
        for change in &changes.0 {
            match change {
                Change::Flight { id, value, .. } => self.put(id, value.as_deref()),
                Change::Child { id: node, value: None, .. } | Change::Route { node, value: None, .. } => {
                    self.gone.insert(node.clone());
                }
                _ => continue,
            }
            new = true;
        }
        new
    }

    fn put(&mut self, id: &RequestId, flight: Option<&Flight>) {
        let before = self.known.remove(id);
        if let Some(before) = &before {
            if let Some(due) = before.due {
                self.due.remove(&(due, id.clone()));
            }
            self.kept.remove(&(before.since, id.clone()));
            if !before.ended
                && let Some(count) = self.waiting.get_mut(&before.asker)
            {
                *count = count.saturating_sub(1);
            }
        }
        self.to_do.remove(id);
        let Some(known) = flight.map(Known::of) else { return };
        if let Some(due) = known.due {
            self.due.insert((due, id.clone()));
        }
        if !known.ended {
            *self.waiting.entry(known.asker.clone()).or_default() += 1;
        } else if known.asker.is_none() {
            self.kept.insert((known.since, id.clone()));
        }
        // Whoever does it already goes on with it.
        if known.to_do && before.is_none_or(|before| !before.to_do) {
            self.to_do.insert(id.clone());
        }
        self.known.insert(id.clone(), known);
    }

    /// How many of this asker haven't ended.
    pub(super) fn waiting(&self, asker: Option<&NodeId>) -> usize {
        self.waiting.get(&asker.cloned()).copied().unwrap_or_default()
    }

    /// The first that something is due for, and when.
    pub(super) fn next_due(&self) -> Option<(Timestamp, RequestId)> {
        self.due.first().cloned()
    }

    /// Those that came when the clock showed a later time than now: it was set back, and what is due for them is as far away.
    pub(super) fn of_the_future(&self, now: Timestamp) -> Vec<RequestId> {
        let future = |known: &Known| !known.ended && known.since > now;
        self.known.iter().filter(|(_, known)| future(known)).map(|(id, _)| id.clone()).collect()
    }

    /// Those that have to be done here and that nobody took up. Each is given out once.
    pub(super) fn take_to_do(&mut self) -> BTreeSet<RequestId> {
        std::mem::take(&mut self.to_do)
    }

    /// Those that can't be answered any more, because whoever was asked isn't reached.
    pub(super) fn take_lost(&mut self) -> Vec<RequestId> {
        let gone = std::mem::take(&mut self.gone);
        let lost = |known: &Known| {
            let through = |node: &Option<NodeId>| node.as_ref().is_some_and(|node| gone.contains(node));
            known.next.is_some() && (through(&known.next) || through(&known.to))
        };
        if gone.is_empty() {
            return Vec::new();
        }
        self.known.iter().filter(|(_, known)| lost(known)).map(|(id, _)| id.clone()).collect()
    }

    /// The oldest of those that ended and were asked here, where there are more than so many.
    pub(super) fn oldest_beyond(&self, kept: usize) -> Option<RequestId> {
        (self.kept.len() > kept).then(|| self.kept.first().map(|(_, id)| id.clone())).flatten()
    }
}
