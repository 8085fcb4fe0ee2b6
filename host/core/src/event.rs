//! What happened, for people and for programs. `docs/notices.md` lists the names that there are.

pub mod filter;

pub use filter::{BadFilter, Filter, Moment, Names};

use crate::id::{DeviceId, NodeId};
use crate::reading::Severity;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that happened, to a device or to a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Which node below told it; not given for what the node that keeps it saw itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// To which device; `None` where it concerns a node itself.
    pub device: Option<DeviceId>,
    /// Dotted lower-case name, such as `device.adopted`.
    pub name: String,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence.
    pub text: String,
}
