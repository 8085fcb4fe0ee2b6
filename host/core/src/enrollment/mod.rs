//! Enrollment: a device joins the fleet, and nobody types a secret into two places.
//!
//! A user's [`Registration`] makes [`Invitation`]s, each behind a PIN or a key that is good for so many places. A device
//! that got one sends a [`ConnectionRequest`]; [`decide`] answers it from the two rows that it concerns, the invitation and
//! what is known of the device ([`Enrolled`]). Granting takes the place and writes the device's row in one commit, each row
//! with the version that it was decided on: of two requests at the same instant one is a conflict and is decided anew, and
//! after a crash there is either both or nothing.
//!
//! A device that lost the answer asks again with the same key pair: it has its place already, gets a new token and
//! certificate, and those before end. So nothing secret is stored to answer a second time. Attempts are counted
//! by the device, so that a request that comes late never ends what a later one got.
//!
//! The device's side is in [`device`]; what the manager checks before (that the certificate request is signed by the key
//! that it names, how fast somebody guesses) belongs to whoever calls this.

pub mod addresses;
mod below;
mod decide;
pub mod device;
mod enrolled;
#[cfg(test)]
mod explore;
mod invitation;
mod link;
mod membership;
mod messages;
mod peer;
pub mod pin;
mod refusal;

pub use below::{Errand, LONGEST_ERRAND, Matter, Settled, Unsettled, Vouched};
pub use decide::{Decision, Granted, Holder, Known, Policy, RETRY_FOR, decide};
pub use enrolled::{Ended, Enrolled, Issued, Moved, NotRenewed, Standing, WrongStanding, is_device};
pub use invitation::{
    AnyNumber, BadRegistration, Entry, Invitation, InvitationState, Means, Mode, Places, Registration, Terms,
    Withdrawal,
};
pub use link::Link;
pub use membership::{Membership, Papers};
pub use messages::{Knock, LONGEST_KNOCK, NotLetIn, Renewal, Renewed, Welcome};
pub use peer::Peer;
pub use pin::{EnrollmentKey, Pin, PinDigest};
pub use refusal::{Again, Refusal};

use crate::id::{DeviceId, KeyFingerprint, NodeId, UserName};
use pin::{Claim, Proof};
use serde::{Deserialize, Serialize};

/// The most bytes that a connection request has as JSON, without the certificate request beside it.
pub const LONGEST_REQUEST: usize = 2048;

/// What a device sends to be let in (E6). Each field has its limit in its type.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionRequest {
    /// Which device: its serial number or hardware address.
    pub device: DeviceId,
    /// What it calls itself in the tree.
    pub node: NodeId,
    /// What lets it in.
    pub proof: Credential,
    /// Who was entered at the device as its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// The public key that gets the certificate. Whoever receives this checks that the sender has the private one.
    pub key: KeyFingerprint,
    /// Which attempt with this key pair this is, from 1. One without counts as the newest; then nothing protects the device
    /// from its own request that comes late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
}

/// What lets a device in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Credential {
    /// A PIN.
    Pin(#[serde(serialize_with = "pin::write_pin")] Pin),
    /// A proof that it has a key. It needs the attempt's number: without, whoever saw the proof could show it again.
    Key {
        /// Which key.
        id: PinDigest,
        /// The proof, over all else that the request says.
        mac: Proof,
    },
}

impl Credential {
    /// What the invitation is looked up by.
    #[must_use]
    pub fn digest(&self) -> PinDigest {
        match self {
            Self::Pin(pin) => pin.digest(),
            Self::Key { id, .. } => id.clone(),
        }
    }
}

impl ConnectionRequest {
    /// What a proof in this request speaks for.
    #[must_use]
    pub fn claim(&self) -> Claim<'_> {
        let (device, node, key) = (&self.device, &self.node, &self.key);
        Claim { device, node, key, attempt: self.attempt, user: self.user.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e06_a_request_is_read_in_the_fixed_format_and_in_no_other() {
        let key = "0".repeat(64);
        let written = format!(r#"{{"device":"A1","node":"mfp-1","proof":{{"pin":"0123ABCD"}},"key":"{key}"}}"#);
        let request: ConnectionRequest = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), written);
        assert!(!format!("{request:?}").contains("0123ABCD"));
        let more = written.replace(r#""device""#, r#""owner":"me","device""#);
        assert!(serde_json::from_str::<ConnectionRequest>(&more).is_err());
        let both = written.replace(r#""0123ABCD""#, r#""0123ABCD","key":{}"#);
        assert!(serde_json::from_str::<ConnectionRequest>(&both).is_err());
        for (field, bad) in [("A1", "a/b"), ("A1", &"a".repeat(201)), ("mfp-1", "../etc"), ("0123ABCD", "UUUU")] {
            assert!(serde_json::from_str::<ConnectionRequest>(&written.replace(field, bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn e06_the_longest_request_fits() {
        let (digest, id) = ("f".repeat(64), "a".repeat(200));
        let request = ConnectionRequest {
            device: id.parse().unwrap(),
            node: "a".repeat(63).parse().unwrap(),
            proof: serde_json::from_str(&format!(r#"{{"key":{{"id":"{digest}","mac":"{digest}"}}}}"#)).unwrap(),
            user: Some(id.parse().unwrap()),
            key: digest.parse().unwrap(),
            attempt: Some(u64::MAX),
        };
        assert!(serde_json::to_string_pretty(&request).unwrap().len() <= LONGEST_REQUEST);
    }
}
