//! Which nodes below gateways the manager doesn't let in where they are said to be. A gateway that speaks for one hasn't heard that
//! it ended, or calls another one now: what is said in its name isn't taken, and the gateway is told once more.

use super::parent::Tree;
use hostler_core::{DeviceId, NodeId};
use std::collections::BTreeSet;

/// A device that isn't let in where it is said to be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct KeptOut {
    /// The gateway that it is said to call.
    pub(super) gateway: NodeId,
    /// Which device.
    pub(super) device: DeviceId,
}

impl Tree {
    /// The first of a way down, nearest first, that isn't let in by the one before it. The manager alone knows.
    pub(super) fn kept_out(&self, way: &[NodeId]) -> Option<KeptOut> {
        let door = self.door.as_ref()?;
        way.windows(2).find_map(|pair| {
            let [gateway, node] = pair else { return None };
            let device = door.keeps_out(node, Some(gateway))?;
            Some(KeptOut { gateway: gateway.clone(), device })
        })
    }

    /// Whether a node that speaks through others isn't let in, by whatever way it is known.
    pub(super) fn keeps_out(&self, node: &NodeId) -> bool {
        self.has_ended(node) || self.kept_out(&self.inventory.path(node)).is_some()
    }

    /// Whether a node came in and is let in nowhere any more.
    pub(super) fn has_ended(&self, node: &NodeId) -> bool {
        self.door.as_ref().is_some_and(|door| door.keeps_out(node, None).is_some())
    }

    /// Tells gateways once more of devices that they speak for and that aren't let in there.
    pub(super) async fn tell_again(&self, kept_out: BTreeSet<KeptOut>) {
        let Some(door) = &self.door else { return };
        for KeptOut { gateway, device } in kept_out {
            door.tell_again(&gateway, &device).await;
        }
    }
}
