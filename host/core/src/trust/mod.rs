//! Gateways need not be believed: what they pass on is signed by who says it, or sealed to who uses it.
//!
//! An [`Order`] is signed by the manager for one node. A [`Vouched`] reading or answer is signed by the node that read or
//! did something. What is signed is a text, and the text is passed on as it is: whoever writes it anew may write it
//! otherwise. Whoever checks takes what is said from the text, and from nothing beside it.
//!
//! Signing and sealing need keys, so they are done in the services; what follows from a signature that is good is decided here.

mod order;
mod sealed;
mod vouched;

pub use order::{Clocks, Ledger, NotTaken, Order, STANDING, judge};
pub use sealed::{CredentialKind, Sealed, SealedFor};
pub use vouched::{Nothing, Vouched, Witness};

use serde::{Deserialize, Serialize};

/// The longest text that is read, in bytes: a reading of a device, and what is said beside it.
pub const LONGEST_TEXT: usize = crate::message::REPORT_LIMIT + (64 << 10);

/// What a signature is for. Each has a prefix of its own, so that what was signed for one says nothing for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// An order of the manager.
    Order,
    /// A reading or an answer of a node.
    Vouched,
}

impl Purpose {
    /// What is signed: this and then the text.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Order => "hostler order 1\n",
            Self::Vouched => "hostler vouched 1\n",
        }
    }
}

/// A text and who vouches for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Signed {
    /// The text, as it was signed.
    pub text: String,
    /// The signature over [`Purpose::prefix`] and text, in hexadecimal digits.
    pub signature: String,
    /// The signer's certificate and those above it, as PEM.
    pub chain: String,
}
