//! What a device and its manager say to each other when a device joins.

use super::{ConnectionRequest, Refusal};
use crate::id::UserName;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most bytes that a [`Knock`] has as JSON: the connection request, and a certificate request beside it.
pub const LONGEST_KNOCK: usize = super::LONGEST_REQUEST + 8 * 1024;

/// A device asks to be let in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Knock {
    /// Who asks, and what lets it in.
    pub connection: ConnectionRequest,
    /// A certificate request (PKCS #10, PEM) for the key that the connection request names. Of it only the public key
    /// is taken.
    pub certificate_request: String,
}

/// The manager lets it in. The token and the certificate are said this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Welcome {
    /// What the device shows with everything that it sends.
    pub token: String,
    /// Its certificate, the intermediate and the root, as PEM.
    pub certificate: String,
    /// When the certificate ends.
    pub certificate_ends_at: Timestamp,
    /// What the manager calls itself.
    pub manager: String,
    /// Whose device it is from now on.
    pub owner: UserName,
}

/// A node asks for another certificate, before its own ends or after. It shows that one and its token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Renewal {
    /// A certificate request (PKCS #10, PEM) for the key that the node has already.
    pub certificate_request: String,
}

/// It gets one. The token stays, and the certificate before is good until its end or the next renewal, for a node that
/// never gets this answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Renewed {
    /// Its certificate, the intermediate and the root, as PEM.
    pub certificate: String,
    /// When the certificate ends.
    pub certificate_ends_at: Timestamp,
}

impl std::fmt::Debug for Welcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { manager, owner, .. } = self;
        f.debug_struct("Welcome").field("manager", manager).field("owner", owner).finish_non_exhaustive()
    }
}

/// The manager doesn't.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NotLetIn {
    /// Why, for whoever stands before the device.
    pub error: String,
    /// The same, for the device: a code.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub refusal: Option<Refusal>,
}

impl From<Refusal> for NotLetIn {
    fn from(refusal: Refusal) -> Self {
        Self { error: refusal.to_string(), refusal: Some(refusal) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e07_a_refusal_is_words_for_people_and_a_code_for_programs() {
        let said = serde_json::to_value(NotLetIn::from(Refusal::Spent)).unwrap();
        assert_eq!(said["code"], "spent");
        assert!(said["error"].as_str().unwrap().contains("used up"));
        assert_eq!(serde_json::from_value::<NotLetIn>(said).unwrap(), NotLetIn::from(Refusal::Spent));
        let plain = NotLetIn { error: "too many tries".to_owned(), refusal: None };
        let said = serde_json::to_string(&plain).unwrap();
        assert_eq!(said, r#"{"error":"too many tries"}"#);
        assert_eq!(serde_json::from_str::<NotLetIn>(&said).unwrap(), plain);
    }
}
