//! Identifiers: a type for each kind, checked once when they come in.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a text is no identifier of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: {rule}")]
pub struct BadId {
    kind: &'static str,
    rule: &'static str,
    text: String,
}

const SHORT: usize = 63;
const LONG: usize = 200;

fn is_label(text: &str) -> bool {
    text.len() <= SHORT
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Whether a text is a standard name, such as `pages.printed`: what readings, alerts and events are called. It has at most
/// 100 characters; its parts have lower-case letters, digits and hyphens, at most 63, and begin with a letter.
#[must_use]
pub fn is_standard_name(text: &str) -> bool {
    const NAME: usize = 100;
    text.len() <= NAME && text.split('.').all(is_label)
}

fn is_word(text: &str) -> bool {
    // Dots alone would be a place in a URL's path.
    (1..=LONG).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:@+".contains(c))
        && text.chars().any(|c| c.is_ascii_alphanumeric())
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

fn is_request(text: &str) -> bool {
    text.len() == 32 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

fn is_serial(text: &str) -> bool {
    // RFC 5280 §4.1.2.2: at most 20 octets.
    (2..=40).contains(&text.len())
        && text.len().is_multiple_of(2)
        && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:path, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                if $check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    let text = text.chars().take(SHORT).collect();
                    Err(BadId { kind: $kind, rule: $rule, text })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

id!(
    /// A managed thing. Made by the gateway that adopts it, from the serial number where there is one; unique below
    /// one manager.
    DeviceId, "device ID", is_word, "1 to 200 of the characters A-Z a-z 0-9 - _ . : @ +"
);
id!(
    /// A running hostler.
    NodeId, "node ID", is_label, "lower-case letters, digits and hyphens, at most 63, beginning with a letter"
);
id!(
    /// A forwarding rule of a node's configuration.
    RuleName, "name of a rule", is_label, "lower-case letters, digits and hyphens, at most 63, beginning with a letter"
);
id!(
    /// A plug-in, as its manifest names it.
    PluginName, "plug-in name", is_label, "lower-case letters, digits and hyphens, at most 63, beginning with a letter"
);
id!(
    /// A request. Made at random by the node where it was asked, and the same on every hop.
    RequestId, "request ID", is_request, "32 hexadecimal digits"
);
id!(
    /// A place where devices stand.
    SiteId, "site ID", is_label, "lower-case letters, digits and hyphens, at most 63, beginning with a letter"
);
id!(
    /// Somebody who logs in, such as a mail address.
    UserName, "user ID", is_word, "1 to 200 of the characters A-Z a-z 0-9 - _ . : @ +"
);

id!(
    /// Something that a gateway logs in with, as its configuration and a plug-in's manifest name it.
    CredentialName, "credential name", is_word, "1 to 200 of the characters A-Z a-z 0-9 - _ . : @ +"
);

id!(
    /// One registration of many devices by one user, under which their PINs were made.
    RegistrationId, "registration ID", is_label,
    "lower-case letters, digits and hyphens, at most 63, beginning with a letter"
);
id!(
    /// Something that is done by the calendar.
    ScheduleId, "schedule ID", is_label, "lower-case letters, digits and hyphens, at most 63, beginning with a letter"
);
id!(
    /// A certificate, by its SHA-256.
    Fingerprint, "certificate's fingerprint", is_digest, "64 hexadecimal digits in lower case (SHA-256)"
);
id!(
    /// The SHA-256 of a public key (its SubjectPublicKeyInfo in DER): which key somebody has, without the key.
    KeyFingerprint, "key fingerprint", is_digest, "64 hexadecimal digits in lower case (SHA-256)"
);
id!(
    /// A certificate's serial number.
    Serial, "serial number", is_serial, "1 to 20 octets in the characters 0-9 a-f"
);

impl Fingerprint {
    /// Of a certificate as it goes over the wire (DER).
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(sha256(certificate))
    }

    /// What people copy from other programs: capitals, and colons between the octets, as openssl writes them.
    ///
    /// # Errors
    /// It is none.
    pub fn written(text: &str) -> Result<Self, BadId> {
        text.trim().replace(':', "").to_ascii_lowercase().parse()
    }
}

impl KeyFingerprint {
    /// Of a public key as its SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        Self(sha256(key))
    }
}

impl ScheduleId {
    /// Made of what people call it: what an ID can't have becomes a hyphen, letters become small, what is too long is cut.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let kept: String =
            name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let kept = kept.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        let begins = kept.starts_with(|c: char| c.is_ascii_lowercase());
        let named = if begins { kept } else { format!("schedule-{kept}") };
        Self(named.chars().take(SHORT).collect::<String>().trim_end_matches('-').to_owned())
    }
}

impl DeviceId {
    /// Joins words to an ID: what an ID can't have becomes a hyphen, letters become small, what is too long is cut.
    /// Words without any letter or digit give `unnamed`.
    #[must_use]
    pub fn from_words(words: &[&str]) -> Self {
        let text = words.join("-");
        let kept: String = text
            .chars()
            .take(LONG)
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let kept = kept.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        Self(if kept.is_empty() { "unnamed".to_owned() } else { kept })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_rule_says_and_nothing_else() {
        assert!("gateway-1".parse::<NodeId>().is_ok());
        assert!("ab:cd@x+y".parse::<DeviceId>().is_ok());
        for bad in ["", "1x", "Über", "a b", "../etc", &"a".repeat(64)] {
            assert!(bad.parse::<NodeId>().is_err(), "{bad}");
        }
        for bad in ["a/b", ".", "..", "-"] {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn d07_a_schedule_s_id_follows_from_its_name() {
        for (name, id) in [("Nightly reading", "nightly-reading"), ("7:30", "schedule-7-30"), ("日次", "schedule")] {
            assert_eq!(ScheduleId::from_name(name).as_str(), id);
        }
        let long = ScheduleId::from_name(&"x".repeat(200));
        assert_eq!(long.as_str().parse(), Ok(long.clone()));
    }

    #[test]
    fn digests_and_serial_numbers_are_lower_case_hexadecimal() {
        let fingerprint = KeyFingerprint::of(b"a public key");
        assert_eq!(fingerprint.as_str().parse(), Ok(fingerprint.clone()));
        for bad in ["", "ab", &fingerprint.as_str().to_uppercase(), &"0".repeat(65), &"g".repeat(64)] {
            assert!(bad.parse::<KeyFingerprint>().is_err(), "{bad}");
        }
        assert!("0a".parse::<Serial>().is_ok() && "0a".repeat(20).parse::<Serial>().is_ok());
        for bad in ["", "a", "0A", "0a:0b", &"0a".repeat(21)] {
            assert!(bad.parse::<Serial>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_comes_in_as_json_is_checked_too() {
        assert!(serde_json::from_str::<PluginName>("\"a/b\"").is_err());
    }
}
