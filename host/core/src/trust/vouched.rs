//! What a node signs: what it read, and what it answers.

use super::Signed;
use crate::id::{DeviceId, NodeId, RequestId};
use crate::reading::Snapshot;
use crate::request::Answer;
use serde::{Deserialize, Serialize};

/// What a node vouches for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vouched {
    /// The node.
    pub by: NodeId,
    /// What.
    #[serde(flatten)]
    pub witness: Witness,
}

/// What a node read or did.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// The newest of a device.
    Reading {
        /// Which device.
        device: DeviceId,
        /// Grows with each that the node signs: an older one never replaces a newer.
        number: u64,
        /// The newest.
        snapshot: Box<Snapshot>,
    },
    /// The answer to a request.
    Answer {
        /// Which request.
        id: RequestId,
        /// The answer.
        answer: Box<Answer>,
    },
}

/// Why what a node is said to vouch for isn't taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Nothing {
    /// It isn't signed.
    #[error("{by} didn't sign it")]
    Unsigned {
        /// Who should have.
        by: NodeId,
    },
    /// The signature isn't good.
    #[error("it isn't signed by {by}: {why}")]
    NotSigned {
        /// Who should have.
        by: NodeId,
        /// How that shows.
        why: String,
    },
    /// Something else was signed.
    #[error("{by} signed something else")]
    Other {
        /// Who signed.
        by: NodeId,
    },
    /// It is older than what is known.
    #[error("{by} signed it before what is known already")]
    Old {
        /// Who signed.
        by: NodeId,
    },
}

impl Vouched {
    /// Reads what was signed. Nothing of it is true before somebody has verified the signature.
    #[must_use]
    pub fn read(signed: &Signed) -> Option<Self> {
        serde_json::from_str(&signed.text).ok()
    }

    /// The reading of this device by this node, where it is newer than what has this number.
    ///
    /// # Errors
    /// It is none.
    pub fn reading(self, by: &NodeId, of: &DeviceId, known: Option<u64>) -> Result<(u64, Snapshot), Nothing> {
        match self.witness {
            Witness::Reading { device, number, snapshot } if self.by == *by && device == *of => match known {
                Some(known) if number < known => Err(Nothing::Old { by: by.clone() }),
                _ => Ok((number, *snapshot)),
            },
            _ => Err(Nothing::Other { by: by.clone() }),
        }
    }

    /// The answer of this node to this request.
    ///
    /// # Errors
    /// It is none.
    pub fn answer(self, by: &NodeId, to: &RequestId) -> Result<Answer, Nothing> {
        match self.witness {
            Witness::Answer { id, answer } if self.by == *by && id == *to => Ok(*answer),
            _ => Err(Nothing::Other { by: by.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Report;
    use crate::time::Timestamp;

    fn reading(number: u64) -> Vouched {
        let snapshot = Box::new(Snapshot::read(Timestamp(1), Report::default()));
        let witness = Witness::Reading { device: "sn-1".parse().unwrap(), number, snapshot };
        Vouched { by: "mfp-1".parse().unwrap(), witness }
    }

    #[test]
    fn e08_a_reading_is_one_nodes_of_one_device_and_never_older() {
        let (by, device) = ("mfp-1".parse().unwrap(), "sn-1".parse().unwrap());
        assert_eq!(reading(7).reading(&by, &device, None).unwrap().0, 7);
        assert!(reading(7).reading(&by, &device, Some(7)).is_ok(), "the same may be told twice");
        assert_eq!(reading(6).reading(&by, &device, Some(7)), Err(Nothing::Old { by: by.clone() }));
        let other = Err(Nothing::Other { by: "mfp-2".parse().unwrap() });
        assert_eq!(reading(7).reading(&"mfp-2".parse().unwrap(), &device, None), other);
        assert!(reading(7).reading(&by, &"sn-2".parse().unwrap(), None).is_err());
        let request = "0123456789abcdef0123456789abcdef".parse().unwrap();
        assert!(reading(7).answer(&by, &request).is_err(), "a reading answers nothing");
    }

    #[test]
    fn e08_what_is_vouched_for_has_one_form() {
        let text = r#"{"by":"mfp-1","answer":{"id":"0123456789abcdef0123456789abcdef","answer":{"answer":"done","lines":[]}}}"#;
        let vouched: Vouched = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&vouched).unwrap(), text);
        let text = serde_json::to_string(&reading(7)).unwrap();
        assert_eq!(serde_json::from_str::<Vouched>(&text).unwrap(), reading(7));
    }
}
