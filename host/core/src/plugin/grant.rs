//! What an operator granted to a plug-in.

use super::manifest::{Capability, Manifest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The capabilities that a plug-in may use on this node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Grant(pub BTreeSet<Capability>);

/// A plug-in needs something that nobody granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "plug-in {plugin} asks to {} (manifest, line {line}), which was not granted; \
     grant it with `hostler plugin grant {plugin} {capability}`", capability.question()
)]
pub struct NotGranted {
    /// Which plug-in.
    pub plugin: String,
    /// What it asks for.
    pub capability: Capability,
    /// Where in its manifest.
    pub line: usize,
}

impl Grant {
    /// Everything that the manifest asks for.
    #[must_use]
    pub fn all_of(manifest: &Manifest) -> Self {
        Self(manifest.needs.clone())
    }

    /// Whether this was granted.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }

    /// What the manifest asks for and nobody granted, in the manifest's order of names.
    #[must_use]
    pub fn missing(&self, manifest: &Manifest) -> Vec<NotGranted> {
        manifest
            .needs
            .difference(&self.0)
            .map(|capability| NotGranted {
                plugin: manifest.name.to_string(),
                capability: *capability,
                line: manifest.line_of(*capability).unwrap_or_default(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_upgrade_newly_asks_for_is_missing() {
        let old = "[plugin]\nname='x'\nversion='1.0.0'\ntitle='X'\ndevice-types=[]\n[needs]\nstate=true\n";
        let new = format!("{old}snmp={{}}\n");
        let grant = Grant::all_of(&Manifest::parse(old).unwrap());
        let missing = grant.missing(&Manifest::parse(&new).unwrap());
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].capability, Capability::Snmp);
        assert_eq!(missing[0].line, 8);
    }
}
