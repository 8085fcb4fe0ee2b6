//! A secret on its way to the one node that uses it.

use crate::id::{CredentialName, NodeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A secret that was sealed to a node's key (HPKE, RFC 9180). Whoever passes it on learns how long it is, and nothing else.
///
/// It prints as `sealed`; nothing in a log tells two of them apart.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sealed {
    /// What the node gets the key from, in hexadecimal digits.
    pub encapsulated: String,
    /// The secret, encrypted, in hexadecimal digits.
    pub text: String,
}

impl Sealed {
    /// Whether it was used, and isn't here any more.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.text.is_empty()
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sealed")
    }
}

/// What a gateway reaches its devices with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A community, or a user of SNMPv3.
    Snmp,
    /// A user and a password of a device's web server.
    Http,
}

impl CredentialKind {
    /// As it is in a configuration: `[credentials.snmp.…]`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snmp => "snmp",
            Self::Http => "http",
        }
    }
}

/// For whom and for what a secret is sealed. What was sealed for one use can't be opened for another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedFor<'a> {
    /// The node that uses it.
    pub node: &'a NodeId,
    /// As what.
    pub kind: CredentialKind,
    /// Under which name.
    pub name: &'a CredentialName,
}

impl SealedFor<'_> {
    /// What both sides bind the secret to. No part of it has a line end in it.
    #[must_use]
    pub fn info(&self) -> Vec<u8> {
        let Self { node, kind, name } = self;
        format!("hostler sealed 1\n{node}\n{}\n{name}", kind.as_str()).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d02_what_is_sealed_prints_nothing_and_is_bound_to_one_use() {
        let sealed = Sealed { encapsulated: "04ab".to_owned(), text: "c0ffee".to_owned() };
        assert_eq!(format!("{sealed:?}"), "sealed");
        let (one, other) = ("gateway-1".parse().unwrap(), "gateway-2".parse().unwrap());
        let (office, lab) = ("office".parse().unwrap(), "lab".parse().unwrap());
        let mut uses = Vec::new();
        for node in [&one, &other] {
            for kind in [CredentialKind::Snmp, CredentialKind::Http] {
                uses.extend([&office, &lab].map(|name| SealedFor { node, kind, name }.info()));
            }
        }
        let distinct: std::collections::BTreeSet<_> = uses.iter().collect();
        assert_eq!(distinct.len(), uses.len());
    }
}
