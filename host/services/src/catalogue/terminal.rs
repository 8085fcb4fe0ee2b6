//! Plug-ins for the terminals of users: which there are, and their bytes.

use super::{Catalogue, Ready};
use crate::error::ServiceError;
use crate::need;
use hostler_core::PluginName;
use hostler_core::viewer::{Right, Viewer};
use serde::Serialize;
use std::sync::PoisonError;
use utoipa::ToSchema;

/// A plug-in that a terminal can fetch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct TerminalRelease {
    /// Its name.
    pub name: PluginName,
    /// Its version.
    pub version: String,
    /// One line for people.
    pub title: String,
    /// What it does: `discovery`, `delivery`.
    pub does: Vec<String>,
    /// The SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// How many bytes it has.
    pub size: u64,
}

impl Catalogue {
    /// What terminals can fetch: what was installed and granted.
    ///
    /// # Errors
    /// The right is missing.
    pub fn terminal(&self, viewer: &Viewer) -> Result<Vec<TerminalRelease>, ServiceError> {
        need(viewer, Right::Own)?;
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        let release = |ready: &Ready| {
            let Ready::Terminal(component) = ready else { return None };
            let does = component.exports.iter().map(|export| export.name.clone()).collect();
            Some(TerminalRelease {
                name: component.manifest.name.clone(),
                version: component.manifest.version.to_string(),
                title: component.manifest.title.clone(),
                does,
                sha256: component.digest.clone(),
                size: component.size as u64,
            })
        };
        Ok(ready.values().flatten().filter_map(release).collect())
    }

    /// The bytes of one of them.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or its file is damaged.
    pub fn terminal_bytes(&self, viewer: &Viewer, name: &PluginName) -> Result<Vec<u8>, ServiceError> {
        need(viewer, Right::Own)?;
        let none = || ServiceError::NotFound(format!("there is no plug-in {name} for terminals"));
        match self.slot(name) {
            Ok(Ready::Terminal(component)) => self.blobs.read(&component.digest),
            Ok(Ready::Device(_)) => Err(none()),
            Err(why) if self.store.plugin(name)?.is_some() => Err(ServiceError::Conflict(why.to_string())),
            Err(_) => Err(none()),
        }
    }
}
