//! What happened, for people and for programs.

use crate::id::DeviceId;
use crate::reading::Severity;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that happened, to a device or to the node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To which device; `None` where it concerns the node itself.
    pub device: Option<DeviceId>,
    /// Dotted lower-case name, such as `device.adopted`.
    pub name: String,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence.
    pub text: String,
}
