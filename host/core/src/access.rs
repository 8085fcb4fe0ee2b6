//! Who may come in: users, what they log in with, and the nodes below.

use crate::enrollment::Vouched;
use crate::id::{DeviceId, NodeId, UserName};
use crate::time::Timestamp;
use crate::viewer::Right;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Somebody who may log in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct User {
    /// Who.
    pub name: UserName,
    /// The password's argon2id hash (PHC string).
    pub password_hash: String,
    /// What they may do.
    pub right: Right,
}

/// The SHA-256 of a token, in lower-case hexadecimal. Tokens are random, so a fast digest is enough; only the digest is kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct TokenDigest(pub String);

impl TokenDigest {
    /// The digest of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        use sha2::Digest;
        Self(hex::encode(sha2::Sha256::digest(token.as_bytes())))
    }
}

impl TokenDigest {
    /// In the place of a token that ended and that this device had: no token has it, and it says whose the node was.
    #[must_use]
    pub fn ended(device: &DeviceId) -> Self {
        Self(format!("ended {device}"))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.8}…", self.0)
    }
}

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// A browser's log-in.
    Session,
    /// A program's access to the API.
    Program,
    /// The command line's on the node itself, in a file that only the node's owner reads.
    Local,
}

/// A token that was given out, without the token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// What it is for.
    pub kind: TokenKind,
    /// What its owner calls it.
    pub label: String,
    /// Whose it is.
    pub user: UserName,
    /// What it allows; never more than its user may.
    pub right: Right,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A node that may call this one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Child {
    /// Which node.
    pub id: NodeId,
    /// The digest of the token that it shows.
    pub token: TokenDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it ever called. A store of an earlier release doesn't say; its nodes did, or soon do.
    #[serde(default)]
    pub called: bool,
    /// What the manager said of it, where it came in there and calls this gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Vouched>,
}
