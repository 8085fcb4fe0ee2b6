//! What a child told and this node doesn't take, and what it doesn't say again of that.
//!
//! Kept in memory: after a restart it is said once more.

use hostler_core::message::NotYours;
use hostler_core::routing::NoRoute;
use hostler_core::{DeviceId, NodeId};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Of so many nodes and devices is remembered that they were set aside.
const MOST: usize = 100_000;

/// So long what a node that moved tells is compared with what it told before.
const LATELY: Duration = Duration::from_secs(3600);

/// Why a message isn't taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetAside {
    /// It speaks of what isn't the speaker's.
    #[error(transparent)]
    NotYours(#[from] NotYours),
    /// It tells of a node that can't be where it says.
    #[error(transparent)]
    NoRoute(#[from] NoRoute),
    /// It is said in the name of a node that isn't below the child.
    #[error("{child} speaks in the name of {node}, which isn't below it; the message was set aside")]
    NotBelow {
        /// Who spoke.
        child: NodeId,
        /// In whose name.
        node: NodeId,
    },
    /// It tells of a node that the manager doesn't let in there.
    #[error(
        "{child} tells of {node} below it, which isn't let in there by what is known of {device}; who speaks for it is told so. \
         If it is another node, give it another name"
    )]
    KeptOut {
        /// Who told.
        child: NodeId,
        /// Of which node.
        node: NodeId,
        /// The device that isn't let in: that node, or one on the way to it.
        device: DeviceId,
    },
    /// That was said already, or comes back to where it began.
    #[error("it was set aside, as before")]
    Again,
    /// Nobody knows the node in whose name it is said: the child is asked.
    #[error("{0} isn't known")]
    Stranger(NodeId),
}

/// Why a node below a child isn't known as such.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// There is another one with its name.
    Known,
    /// It can't be reached this way.
    Unreachable,
    /// The manager doesn't let it in there.
    KeptOut,
}

/// What was set aside, and said.
#[derive(Default)]
pub(super) struct Remembered(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    /// (child, node below it)
    nodes: BTreeMap<(NodeId, NodeId), Refused>,
    /// (child, device): the node below the child that speaks for it
    devices: BTreeMap<(NodeId, DeviceId), NodeId>,
    /// Nodes that are reached another way since then.
    moved: BTreeMap<NodeId, Instant>,
}

impl Remembered {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node below this child isn't taken. Returns whether that is new.
    pub(super) fn refuse(&self, child: &NodeId, node: &NodeId, why: Refused) -> bool {
        let mut rows = self.rows();
        if rows.nodes.len() >= MOST {
            rows.nodes.clear();
        }
        rows.nodes.insert((child.clone(), node.clone()), why).is_none()
    }

    /// A node is reached another way from now on.
    pub(super) fn moved(&self, node: &NodeId) {
        let mut rows = self.rows();
        if rows.moved.len() >= MOST {
            rows.moved.clear();
        }
        rows.moved.insert(node.clone(), Instant::now());
    }

    /// Whether a node is reached another way since not long ago: what it told the former way may come once more.
    pub(super) fn moved_lately(&self, node: &NodeId) -> bool {
        self.rows().moved.get(node).is_some_and(|since| since.elapsed() < LATELY)
    }

    /// Whether and why a node below this child isn't taken.
    pub(super) fn refused(&self, child: &NodeId, node: &NodeId) -> Option<Refused> {
        self.rows().nodes.get(&(child.clone(), node.clone())).copied()
    }

    /// It is taken now, or asked for.
    pub(super) fn take(&self, child: &NodeId, node: &NodeId) {
        self.rows().nodes.remove(&(child.clone(), node.clone()));
    }

    /// A device isn't taken because of the node that speaks for it.
    pub(super) fn leave(&self, child: &NodeId, device: &DeviceId, node: &NodeId) {
        let mut rows = self.rows();
        if rows.devices.len() >= MOST {
            rows.devices.clear();
        }
        rows.devices.insert((child.clone(), device.clone()), node.clone());
    }

    /// The node because of which a device isn't taken.
    pub(super) fn left(&self, child: &NodeId, device: &DeviceId) -> Option<NodeId> {
        self.rows().devices.get(&(child.clone(), device.clone())).cloned()
    }

    /// It is asked for.
    pub(super) fn ask(&self, child: &NodeId, device: &DeviceId) {
        self.rows().devices.remove(&(child.clone(), device.clone()));
    }
}
