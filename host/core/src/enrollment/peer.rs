//! Who presented a certificate of ours.

use crate::id::{KeyFingerprint, NodeId, Serial};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a verified certificate says of who presented it. Whether it stands, and whether its time is over, is asked anew for
/// each request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Peer {
    /// Which node.
    pub node: NodeId,
    /// The certificate's serial number.
    pub serial: Serial,
    /// The node's public key.
    pub key: KeyFingerprint,
    /// When the certificate begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
}
