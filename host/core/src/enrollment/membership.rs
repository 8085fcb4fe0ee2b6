//! What a node keeps of its own joining: one row, so that what it is and what it got for that change together.

use super::device::Joining;
use crate::id::UserName;
use crate::secret::{self, Secret};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A node's membership in its manager's fleet.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Membership {
    /// How far it is.
    pub joining: Joining,
    /// Who was entered at the node as its user, before any PIN came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// What it got, while it is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub papers: Option<Papers>,
}

/// What a node shows with everything that it sends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Papers {
    /// Which attempt got them.
    pub attempt: u64,
    /// Its token. It is kept as it is: it must be shown again.
    #[serde(serialize_with = "secret::write_for_its_owner")]
    pub token: Secret,
    /// Its certificate, the intermediate and the root, as PEM.
    pub certificate: String,
    /// When it got the certificate.
    pub issued_at: Timestamp,
    /// When the certificate ends.
    pub ends_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e08_a_row_written_by_this_release_is_read_by_every_later_one() {
        for text in [
            r#"{"joining":{"state":{"state":"not-connected","why":null},"attempt":0,"window":null}}"#,
            r#"{"joining":{"state":{"state":"connected","manager":"hq","owner":"u@example"},"attempt":3,"window":null},"user":"u@example","papers":{"attempt":3,"token":"t0ken","certificate":"PEM","issued-at":1,"ends-at":9}}"#,
        ] {
            let read: Membership = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
            assert!(!format!("{read:?}").contains("t0ken"));
        }
    }
}
