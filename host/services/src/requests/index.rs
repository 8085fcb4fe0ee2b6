//! What is known of every request in memory: when something is due, who waits for whom. It follows every commit.

use hostler_core::changes::{Change, Changes};
use hostler_core::request::{Asker, Flight, Outcome, Question, Topic};
use hostler_core::{DeviceId, NodeId, RequestId, Timestamp};
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

/// What an answer tells of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum About {
    /// A node.
    Node(NodeId),
    /// A device.
    Device(DeviceId),
}

/// What somebody here knows from this, where it was answered.
fn known_from(flight: &Flight) -> Option<(Topic, About)> {
    let (Asker::Here(_), Some(Outcome::Answered(_))) = (&flight.asker, flight.outcome()) else { return None };
    let device = flight.question.device().cloned().map(About::Device);
    Some((flight.question.topic()?, device.or_else(|| flight.to.clone().map(About::Node))?))
}

/// Every request, in brief.
#[derive(Default)]
pub(super) struct Index {
    known: BTreeMap<RequestId, Known>,
    due: BTreeSet<(Timestamp, RequestId)>,
    /// Those of each asker that ended, oldest first; `None` for this node itself.
    kept: BTreeMap<Option<NodeId>, BTreeSet<(Timestamp, RequestId)>>,
    /// The last call for help that came from here for each device.
    calls: BTreeMap<DeviceId, RequestId>,
    /// The newest of those asked here that was answered, by what it tells of which node or device.
    answered: BTreeMap<(Topic, About), RequestId>,
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
        let mut flights: Vec<&Flight> = flights.collect();
        // Of the calls for a device, the last is known by it.
        flights.sort_by_key(|flight| flight.since);
        flights.into_iter().for_each(|flight| index.put(&flight.id, Some(flight)));
        index
    }

    /// Returns whether there is something new to see to.
    pub(super) fn follow(&mut self, changes: &Changes) -> bool {
        let mut new = false;
        let reached: BTreeSet<&NodeId> = changes.0.iter().filter_map(reached).collect();
        for change in &changes.0 {
            match change {
                Change::Flight { id, value, .. } => self.put(id, value.as_deref()),
                Change::Child { id: node, value: None, .. } | Change::Route { node, value: None, .. } => {
                    // It is reached another way.
                    if reached.contains(node) {
                        continue;
                    }
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
            if let Some(kept) = self.kept.get_mut(&before.asker) {
                kept.remove(&(before.since, id.clone()));
            }
            if !before.ended
                && let Some(count) = self.waiting.get_mut(&before.asker)
            {
                *count = count.saturating_sub(1);
            }
        }
        let waits = self.to_do.remove(id);
        let Some(flight) = flight else {
            self.calls.retain(|_, last| last != id);
            self.answered.retain(|_, last| last != id);
            return;
        };
        if before.is_none()
            && let (Asker::Here(_), Question::UserCall { device, .. }) = (&flight.asker, &flight.question)
        {
            self.calls.insert(device.clone(), id.clone());
        }
        if let Some(about) = known_from(flight) {
            let newest = self.answered.get(&about).and_then(|id| self.known.get(id));
            if newest.is_none_or(|newest| newest.since <= flight.since) {
                self.answered.insert(about, id.clone());
            }
        }
        let known = Known::of(flight);
        if let Some(due) = known.due {
            self.due.insert((due, id.clone()));
        }
        if !known.ended {
            *self.waiting.entry(known.asker.clone()).or_default() += 1;
        } else {
            self.kept.entry(known.asker.clone()).or_default().insert((known.since, id.clone()));
        }
        // Whoever does it already goes on with it.
        if known.to_do && (waits || before.is_none_or(|before| !before.to_do)) {
            self.to_do.insert(id.clone());
        }
        self.known.insert(id.clone(), known);
    }

    /// How many of this asker haven't ended.
    pub(super) fn waiting(&self, asker: Option<&NodeId>) -> usize {
        self.waiting.get(&asker.cloned()).copied().unwrap_or_default()
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Those that came when the clock showed a later time than now: it was set back, and what is due for them is as far away.
    pub(super) fn of_the_future(&self, now: Timestamp) -> Vec<RequestId> {
        let future = |known: &Known| !known.ended && known.since > now;
        self.known.iter().filter(|(_, known)| future(known)).map(|(id, _)| id.clone()).collect()
    }

    /// Whether nothing waits to be taken up, and nobody is gone.
    pub(super) fn is_idle(&self) -> bool {
        self.to_do.is_empty() && self.gone.is_empty()
    }

    /// Those that have to be done here and that nobody took up. Each is given out once.
    pub(super) fn take_to_do(&mut self) -> BTreeSet<RequestId> {
        std::mem::take(&mut self.to_do)
    }

    /// Those that are due by now, the first so many.
    pub(super) fn due_by(&self, now: Timestamp, most: usize) -> Vec<RequestId> {
        self.due.iter().take_while(|(at, _)| *at <= now).take(most).map(|(_, id)| id.clone()).collect()
    }

    /// One isn't stored any more.
    pub(super) fn forget(&mut self, id: &RequestId) {
        self.put(id, None);
    }

    /// What ends because a node isn't reached any more.
    pub(super) fn take_lost(&mut self) -> Lost {
        let gone = std::mem::take(&mut self.gone);
        if gone.is_empty() {
            return Lost::default();
        }
        let is_gone = |node: &Option<NodeId>| node.as_ref().is_some_and(|node| gone.contains(node));
        let of = |wanted: &dyn Fn(&Known) -> bool| {
            self.known.iter().filter(|(_, known)| wanted(known)).map(|(id, _)| id.clone()).collect()
        };
        Lost {
            unanswered: of(&|known| known.next.is_some() && (is_gone(&known.next) || is_gone(&known.to))),
            unasked: of(&|known| is_gone(&known.asker)),
        }
    }

    /// Those of an asker that ended, beyond so many: the oldest.
    pub(super) fn beyond(&self, asker: Option<&NodeId>, kept: usize) -> Vec<RequestId> {
        let Some(ended) = self.kept.get(&asker.cloned()) else { return Vec::new() };
        ended.iter().take(ended.len().saturating_sub(kept)).map(|(_, id)| id.clone()).collect()
    }

    /// The newest that tells this.
    pub(super) fn answered(&self, topic: Topic, about: About) -> Option<RequestId> {
        self.answered.get(&(topic, about)).cloned()
    }

    /// The last call for help that came from here for this device.
    pub(super) fn last_call(&self, device: &DeviceId) -> Option<RequestId> {
        self.calls.get(device).cloned()
    }
}

/// The node that is reached by this change.
fn reached(change: &Change) -> Option<&NodeId> {
    match change {
        Change::Child { id: node, value: Some(_), .. } | Change::Route { node, value: Some(_), .. } => Some(node),
        _ => None,
    }
}

/// What ends because a node isn't reached any more.
#[derive(Default)]
pub(super) struct Lost {
    /// Those that can't be answered, because whoever was asked, or led there, is gone.
    pub(super) unanswered: Vec<RequestId>,
    /// Those of an asker that is gone: nobody waits for them.
    pub(super) unasked: Vec<RequestId>,
}
