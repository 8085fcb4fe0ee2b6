//! What pages and the API show of single things.

use crate::catalogue::PluginView;
use hostler_core::device::{Candidate, Device, Placement};
use hostler_core::event::Event;
use hostler_core::message::Class;
use hostler_core::reading::{Condition, Snapshot};
use hostler_core::routing::as_path;
use hostler_core::{NodeId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// Everything about one device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// The device.
    pub device: Device,
    /// Whose it is and where it stands.
    pub placement: Placement,
    /// How it stands.
    pub condition: Condition,
    /// The newest.
    pub snapshot: Snapshot,
    /// The plug-in that knows its type; `None` where it was removed.
    pub plugin: Option<PluginView>,
    /// Set while its gateway is away: nothing newer is known then.
    pub away: Option<Away>,
    /// The nodes that it is behind, the nearest to the one that answers first; none for a device in its own network.
    pub path: Vec<NodeId>,
}

/// A gateway that doesn't call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Away {
    /// Which.
    pub gateway: NodeId,
    /// Since when; `None` where it didn't call since this node was started.
    pub since: Option<Timestamp>,
}

/// An order was taken. It is kept until the gateway has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Ordered {
    /// Set where the gateway is away: it is done when that returns.
    pub away: Option<Away>,
}

/// An event and its number.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StoredEvent {
    /// Counts the events of this node.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Events that were looked for.
#[derive(Clone, Debug)]
pub struct EventsPage {
    /// The events.
    pub events: Vec<StoredEvent>,
    /// Where the next question goes on: its `before`, or its `after` where that was asked with. `None` where there is no more.
    pub next: Option<u64>,
}

/// Something that was discovered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CandidateView {
    /// In whose network.
    pub gateway: NodeId,
    /// What.
    pub candidate: Candidate,
    /// Whether it is being adopted.
    pub adopting: bool,
}

/// A node of the tree.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NodeView {
    /// Which.
    pub id: NodeId,
    /// The nodes through which it is reached, the nearest first and itself last; none for the node that answers. One that calls
    /// another node below is seen, connected and waited for as the first of these is: more isn't known of it here.
    pub path: Vec<NodeId>,
    /// When it called last, since this node was started.
    pub last_seen: Option<Timestamp>,
    /// Whether it is here now.
    pub connected: bool,
    /// Since when it is, without a gap.
    pub connected_since: Option<Timestamp>,
    /// Whether it ever called. One that never did isn't away.
    pub called: bool,
    /// How many messages wait for it.
    pub waiting: u64,
    /// How many devices it speaks for.
    pub devices: usize,
    /// Whether it is the node that answers.
    pub own: bool,
}

/// What waits for a neighbour.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Waits {
    /// Which queue: what is in the first overtakes the others.
    #[schema(value_type = String)]
    pub class: Class,
    /// Where it stands in its queue.
    pub seq: u64,
    /// For which node, where that is one behind the neighbour.
    pub to: Option<NodeId>,
    /// What it is about, for people.
    pub what: String,
}

/// A node below, and what it has to do with this one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NodeDetail {
    /// The node.
    pub node: NodeView,
    /// What waits for it, or for the neighbour through which it is reached: the first of it.
    pub waits: Vec<Waits>,
}

impl NodeView {
    /// The neighbour through which it is reached, where it isn't one itself.
    #[must_use]
    pub fn through(&self) -> Option<&NodeId> {
        self.path.first().filter(|next| **next != self.id)
    }

    /// The nodes that it is behind, as people read them; `None` for a neighbour and for the node that answers.
    #[must_use]
    pub fn behind(&self) -> Option<String> {
        let (_, above) = self.path.split_last()?;
        (!above.is_empty()).then(|| as_path(above))
    }
}
