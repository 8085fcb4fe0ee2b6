//! What a gateway asks its manager for a node below it, which can't reach the manager itself: to be let in, to be known at
//! this gateway, to have its certificate renewed. Each gateway on the way hands it on over its own channel.

use super::{Knock, NotLetIn, Peer, Refusal, Renewal, Renewed, Welcome};
use crate::access::TokenDigest;
use crate::id::{DeviceId, KeyFingerprint, NodeId};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The most bytes that an [`Errand`] has as JSON.
pub const LONGEST_ERRAND: usize = super::LONGEST_KNOCK + 8 * 1024;

/// Something that a node wants of the manager, handed on by the gateways between.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Errand {
    /// The gateways that it passed before the one that hands it over, the nearest to whoever reads this first.
    pub through: Vec<NodeId>,
    /// What is wanted.
    pub matter: Matter,
}

/// What is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Matter {
    /// Somebody at this address wants to be let in.
    Connect {
        /// What it sent.
        knock: Box<Knock>,
        /// From where, as the gateway sees it.
        from: IpAddr,
    },
    /// A node that the gateway doesn't know shows a certificate of the manager's, and a token.
    Know {
        /// The token's digest.
        token: TokenDigest,
        /// What its certificate says. The gateway verified it.
        peer: Peer,
    },
    /// A node wants another certificate.
    Renew {
        /// The digest of the token that it shows.
        token: TokenDigest,
        /// What its certificate says. The gateway verified it.
        peer: Peer,
        /// What it sent.
        renewal: Renewal,
    },
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// It is let in.
    LetIn {
        /// What the device gets.
        welcome: Box<Welcome>,
        /// What the gateways keep.
        vouched: Vouched,
    },
    /// The manager knows it, and it calls that gateway from now on.
    Known(Vouched),
    /// It has another certificate.
    Renewed(Renewed),
    /// The manager says no.
    No(Unsettled),
}

/// Why it wasn't done. Nothing was changed then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsettled {
    /// It isn't let in.
    Refused(Refusal),
    /// Too many tries came; when to come again.
    TooMany {
        /// Why.
        why: String,
        /// After so many milliseconds.
        after_ms: u64,
    },
    /// It can't be what a node asks.
    Invalid(String),
    /// It can't be decided now; the same may be asked again.
    NotNow(String),
    /// The manager knows no such node, or ended its token.
    Unknown,
    /// What it shows doesn't allow this.
    Forbidden(String),
}

impl From<&Unsettled> for NotLetIn {
    fn from(why: &Unsettled) -> Self {
        let (error, refusal) = match why {
            Unsettled::Refused(refusal) => return (*refusal).into(),
            Unsettled::TooMany { why, .. }
            | Unsettled::Invalid(why)
            | Unsettled::NotNow(why)
            | Unsettled::Forbidden(why) => (why.clone(), None),
            Unsettled::Unknown => ("the manager doesn't know this node".to_owned(), None),
        };
        Self { error, refusal }
    }
}

/// What the manager says of a node that came in and calls a gateway. By it the gateway knows the node, also while the manager
/// can't be asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vouched {
    /// The node.
    pub node: NodeId,
    /// Which device it is.
    pub device: DeviceId,
    /// Its public key: it shows a certificate for this one.
    pub key: KeyFingerprint,
    /// The digest of its token.
    pub token: TokenDigest,
    /// Whether it may have others below it.
    pub gateway: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d01_what_gateways_hand_on_has_one_form() {
        let key = "0".repeat(64);
        for json in [
            format!(
                r#"{{"through":["gateway-2"],"matter":{{"know":{{"token":"ab","peer":{{"node":"mfp-1","serial":"0a","key":"{key}","not-before":1,"not-after":2}}}}}}}}"#
            ),
            format!(
                r#"{{"through":[],"matter":{{"connect":{{"knock":{{"connection":{{"device":"A1","node":"mfp-1","proof":{{"pin":"0123ABCD"}},"key":"{key}"}},"certificate-request":"PEM"}},"from":"192.0.2.1"}}}}}}"#
            ),
        ] {
            let read: Errand = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
            assert!(!format!("{read:?}").contains("0123ABCD"), "no PIN in a log");
        }
        let known =
            format!(r#"{{"known":{{"node":"mfp-1","device":"A1","key":"{key}","token":"ab","gateway":false}}}}"#);
        let read: Settled = serde_json::from_str(&known).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), known);
        let no = Settled::No(Unsettled::Refused(Refusal::Spent));
        let written = serde_json::to_string(&no).unwrap();
        assert_eq!(serde_json::from_str::<Settled>(&written).unwrap(), no);
    }
}
