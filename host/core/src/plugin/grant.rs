//! What an operator granted to a plug-in.

use super::manifest::{Capability, Manifest};
use crate::id::PluginName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The capabilities that a plug-in may use on this node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<String>)]
pub struct Grant(pub BTreeSet<Capability>);

/// A plug-in needs something that nobody granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plug-in {plugin} asks for what was not granted: {}; {}", listed(missing), self.what_to_do())]
pub struct NotGranted {
    /// Which plug-in.
    pub plugin: PluginName,
    /// What it asks for and nobody granted; never empty.
    pub missing: Vec<Missing>,
}

/// Something that a plug-in asks for and nobody granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What it asks for.
    pub capability: Capability,
    /// Where in its manifest.
    pub line: usize,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} (manifest, line {})", self.capability, self.capability.question(), self.line)
    }
}

fn listed(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl NotGranted {
    /// How to grant it. The verb takes nothing away.
    #[must_use]
    pub fn what_to_do(&self) -> String {
        let missing: Vec<String> = self.missing.iter().map(|missing| missing.capability.to_string()).collect();
        format!("grant it with `hostler plugin grant {} {}`", self.plugin, missing.join(" "))
    }
}

impl Grant {
    /// Everything that the manifest asks for.
    #[must_use]
    pub fn all_of(manifest: &Manifest) -> Self {
        Self(manifest.needs.clone())
    }

    /// Whether this was granted.
    #[must_use]
    pub fn has(&self, capability: &Capability) -> bool {
        self.0.contains(capability)
    }

    /// Whether the credential of this name was granted.
    #[must_use]
    pub fn has_credential(&self, name: &str) -> bool {
        self.0.iter().any(|capability| matches!(capability, Capability::Credential(own) if own.as_str() == name))
    }

    /// Whether everything that the manifest asks for was granted.
    ///
    /// # Errors
    /// What wasn't.
    pub fn covers(&self, manifest: &Manifest) -> Result<(), NotGranted> {
        let missing: Vec<Missing> = manifest
            .needs
            .difference(&self.0)
            .map(|capability| Missing {
                capability: capability.clone(),
                line: manifest.line_of(capability).unwrap_or_default(),
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(NotGranted { plugin: manifest.name.clone(), missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "[plugin]\nname='x'\nversion='1.0.0'\ntitle='X'\ndevice-types=[]\n[needs]\nstate=true\n";

    fn manifest(more: &str) -> Manifest {
        Manifest::parse(&format!("{OLD}{more}")).unwrap()
    }

    #[test]
    fn what_an_upgrade_newly_asks_for_is_missing() {
        let error = Grant::all_of(&manifest("")).covers(&manifest("snmp={}\n")).unwrap_err();
        assert_eq!(error.missing, [Missing { capability: Capability::Snmp, line: 8 }]);
    }

    #[test]
    fn p02_a_credential_that_an_upgrade_newly_asks_for_is_missing() {
        let grant = Grant::all_of(&manifest("http={}\n"));
        let more = manifest("http={credentials=['admin']}\n");
        let error = grant.covers(&more).unwrap_err();
        assert_eq!(error.missing.len(), 1);
        assert!(error.to_string().contains("credential:admin"), "{error}");
        assert!(!grant.has_credential("admin"));
        assert!(Grant::all_of(&more).has_credential("admin"));
        assert!(Grant::all_of(&more).covers(&more).is_ok());
    }

    #[test]
    fn p05_the_advice_names_all_that_is_missing() {
        let grant = Grant([Capability::State].into());
        let error = grant.covers(&manifest("snmp={write=true}\n")).unwrap_err();
        let advice = error.what_to_do();
        assert!(error.to_string().contains(&advice), "{error}");
        assert!(advice.contains("`hostler plugin grant x snmp snmp-write`"), "{advice}");
    }

    #[test]
    fn what_the_first_release_stored_is_read() {
        let stored = r#"["snmp","snmp-write","http","state","cache","events"]"#;
        let grant: Grant = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&grant).unwrap(), stored);
        let with = r#"["http","credential:admin"]"#;
        assert_eq!(serde_json::to_string(&serde_json::from_str::<Grant>(with).unwrap()).unwrap(), with);
    }
}
