//! The manifest of a plug-in: who it is and what it asks for.
//!
//! It is TOML, written by the author beside the code and carried inside the component, so that one file is a plug-in.

use super::Budget;
use super::budget::Wish;
use crate::id::{BadId, CredentialName, PluginName};
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

/// A manifest longer than this is refused unread.
pub const MANIFEST_LIMIT: usize = 64 << 10;

/// Why a text is no manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// More than [`MANIFEST_LIMIT`] bytes.
    #[error("the manifest has {0} bytes; at most {MANIFEST_LIMIT} are read")]
    TooLong(usize),
    /// Not TOML, an unknown key, or a value that can't be.
    #[error("manifest, line {line}: {why}")]
    Invalid {
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
}

/// A capability that a manifest asks for, and an operator grants: an import interface, or a credential.
///
/// As text it is `snmp`, `snmp-write`, `http`, `state`, `cache`, `events`, `lan`, or `credential:` and its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Capability {
    /// Read from the device's SNMP agent.
    Snmp,
    /// Write to it as well.
    SnmpWrite,
    /// Talk to the device's own web server.
    Http,
    /// Remember things of a device.
    State,
    /// Remember them until the next restart.
    Cache,
    /// Tell people what happened.
    Events,
    /// Reach the network of the terminal that a user runs it on.
    Lan,
    /// Have the host log in to the device's own web server with this one.
    Credential(CredentialName),
}

/// What stands before a credential's name.
const CREDENTIAL: &str = "credential:";

impl Capability {
    /// What an operator is asked.
    #[must_use]
    pub fn question(&self) -> String {
        let question = match self {
            Self::Snmp => "read from the device's SNMP agent",
            Self::SnmpWrite => "write to the device's SNMP agent",
            Self::Http => "talk to the device's own web server",
            Self::State => "remember things of the device",
            Self::Cache => "remember things until the next restart",
            Self::Events => "report events of the device",
            Self::Lan => "reach devices in the network of a user who runs it on a terminal, by SNMP and HTTP",
            Self::Credential(name) => return format!("log in to the device with the gateway's credential {name}"),
        };
        question.to_owned()
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Snmp => "snmp",
            Self::SnmpWrite => "snmp-write",
            Self::Http => "http",
            Self::State => "state",
            Self::Cache => "cache",
            Self::Events => "events",
            Self::Lan => "lan",
            Self::Credential(name) => return write!(f, "{CREDENTIAL}{name}"),
        })
    }
}

impl std::str::FromStr for Capability {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix(CREDENTIAL) {
            return name.parse().map(Self::Credential).map_err(|error: BadId| error.to_string());
        }
        [Self::Snmp, Self::SnmpWrite, Self::Http, Self::State, Self::Cache, Self::Events, Self::Lan]
            .into_iter()
            .find(|c| c.to_string() == text)
            .ok_or_else(|| {
                format!(
                    "{text:?} is no capability; there are snmp, snmp-write, http, state, cache, events, lan, and \
                     {CREDENTIAL}NAME for a credential"
                )
            })
    }
}

impl TryFrom<String> for Capability {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Capability> for String {
    fn from(capability: Capability) -> Self {
        capability.to_string()
    }
}

/// What an operator can set for a plug-in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Setting {
    /// What it is called before people.
    pub title: String,
    /// What holds where nobody set anything.
    #[serde(default)]
    pub default: Option<String>,
}

/// A manifest that was read and checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// The plug-in's name, the same in every version.
    pub name: PluginName,
    /// The plug-in's version.
    pub version: Version,
    /// One line for people.
    pub title: String,
    /// Who made it, as they say.
    pub publisher: String,
    /// The device types it is for; a terminal plug-in has none.
    pub device_types: Vec<String>,
    /// What it asks for.
    pub needs: BTreeSet<Capability>,
    /// What can be set.
    pub settings: BTreeMap<String, Setting>,
    /// What its calls may spend; at most the host's ceiling.
    pub budget: Budget,
    wish: Wish,
    lines: BTreeMap<Capability, usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Raw {
    plugin: RawPlugin,
    #[serde(default)]
    needs: RawNeeds,
    #[serde(default)]
    settings: BTreeMap<String, Setting>,
    #[serde(default)]
    budget: Wish,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawPlugin {
    name: PluginName,
    version: Version,
    title: String,
    #[serde(default)]
    publisher: String,
    device_types: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawNeeds {
    snmp: Option<Spanned<RawSnmp>>,
    http: Option<Spanned<RawHttp>>,
    state: Option<Spanned<bool>>,
    cache: Option<Spanned<bool>>,
    events: Option<Spanned<bool>>,
    lan: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSnmp {
    #[serde(default)]
    write: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttp {
    #[serde(default)]
    credentials: Vec<Spanned<CredentialName>>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Names the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MANIFEST_LIMIT {
            return Err(ManifestError::TooLong(text.len()));
        }
        let raw: Raw = toml::from_str(text).map_err(|error| ManifestError::Invalid {
            line: line_at(text, error.span().map_or(0, |span| span.start)),
            why: error.message().to_owned(),
        })?;
        let mut lines = BTreeMap::new();
        let mut ask = |capability, at: usize| {
            lines.insert(capability, line_at(text, at));
        };
        if let Some(snmp) = &raw.needs.snmp {
            ask(Capability::Snmp, snmp.span().start);
            if snmp.get_ref().write {
                ask(Capability::SnmpWrite, snmp.span().start);
            }
        }
        if let Some(http) = &raw.needs.http {
            ask(Capability::Http, http.span().start);
            for credential in &http.get_ref().credentials {
                ask(Capability::Credential(credential.get_ref().clone()), credential.span().start);
            }
        }
        let switches = [
            (Capability::State, &raw.needs.state),
            (Capability::Cache, &raw.needs.cache),
            (Capability::Events, &raw.needs.events),
            (Capability::Lan, &raw.needs.lan),
        ];
        for (capability, switch) in switches {
            if let Some(switch) = switch.as_ref().filter(|s| *s.get_ref()) {
                ask(capability, switch.span().start);
            }
        }
        Ok(Self {
            name: raw.plugin.name,
            version: raw.plugin.version,
            title: raw.plugin.title,
            publisher: raw.plugin.publisher,
            device_types: raw.plugin.device_types,
            needs: lines.keys().cloned().collect(),
            settings: raw.settings,
            budget: raw.budget.within(Budget::default()),
            wish: raw.budget,
            lines,
        })
    }

    /// The manifest of a plug-in whose kind has another ceiling than device plug-ins.
    pub(super) fn under(self, ceiling: Budget) -> Self {
        Self { budget: self.wish.within(ceiling), ..self }
    }

    /// The line of the manifest, counted from 1, that asks for this; `None` where it doesn't ask.
    #[must_use]
    pub fn line_of(&self, capability: &Capability) -> Option<usize> {
        self.lines.get(capability).copied()
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[plugin]
name = "mfp"
version = "0.1.0"
title = "Printers"
device-types = ["mfp"]

[needs]
snmp = { write = true }
state = true
cache = false

[budget]
wall-ms = 999999999
"#;

    #[test]
    fn reads_needs_with_their_lines() {
        let manifest = Manifest::parse(GOOD).unwrap();
        assert_eq!(manifest.line_of(&Capability::SnmpWrite), Some(9));
        assert_eq!(manifest.line_of(&Capability::State), Some(10));
        assert_eq!(manifest.line_of(&Capability::Cache), None);
        assert_eq!(manifest.budget.wall_ms, Budget::default().wall_ms, "a manifest can't raise the ceiling");
    }

    #[test]
    fn p02_a_credential_is_asked_for_like_everything_else() {
        let text = GOOD.replace("[budget]", "[needs.http]\ncredentials = [\n  \"admin\",\n  \"guest\",\n]\n\n[budget]");
        let manifest = Manifest::parse(&text).unwrap();
        let guest = "credential:guest".parse().unwrap();
        assert!(manifest.needs.contains(&guest));
        assert_eq!(manifest.line_of(&guest), Some(16));
        assert!(guest.question().contains("guest"), "{}", guest.question());
        // The advice to grant it is a command that people paste.
        let refused = Manifest::parse(&text.replace("guest", "x; reboot")).unwrap_err();
        assert!(refused.to_string().contains("credential name"), "{refused}");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Manifest::parse(&GOOD.replace("state", "sate")).unwrap_err();
        let ManifestError::Invalid { line, why } = error else { panic!("{error}") };
        assert_eq!(line, 10);
        assert!(why.contains("sate"), "{why}");
    }

    #[test]
    fn refuses_what_is_too_long() {
        assert!(matches!(Manifest::parse(&"#".repeat(MANIFEST_LIMIT + 1)), Err(ManifestError::TooLong(_))));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = Manifest::parse(&text);
        }
    }
}
