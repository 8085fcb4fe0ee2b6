//! Plug-ins go down the tree: what the nodes below run, and what this one takes from its parent.

use super::Catalogue;
use crate::error::ServiceError;
use hostler_core::changes::Expect;
use hostler_core::message::CatalogueEntry;
use hostler_core::plugin::{Kind, PluginRecord, Release, inspect};
use hostler_engine::now;
use hostler_runtime::RuntimeError;
use sha2::{Digest, Sha256};

impl Catalogue {
    /// What the nodes below run: what is active here, with what was granted here. Nodes run nothing that is for terminals.
    #[must_use]
    pub fn entries(&self) -> Vec<CatalogueEntry> {
        let records = self.store.plugins().unwrap_or_else(|error| {
            tracing::error!(%error, "the catalogue can't be read");
            Vec::new()
        });
        records
            .into_iter()
            .filter(|record| record.value.kind == Kind::Device)
            .map(|record| CatalogueEntry {
                name: record.value.name,
                digest: record.value.active.digest,
                grant: record.value.grant,
            })
            .collect()
    }

    /// A digest of [`Catalogue::entries`]: the same when they are.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_string(&self.entries()).unwrap_or_default();
        hex::encode(Sha256::digest(text))
    }

    /// The bytes of a component.
    #[must_use]
    pub fn bytes(&self, digest: &str) -> Option<Vec<u8>> {
        self.blobs.read(digest).ok()
    }

    /// Whether the parent's release runs here already.
    pub(crate) fn has(&self, entry: &CatalogueEntry) -> bool {
        let known = self.store.plugin(&entry.name).ok().flatten();
        known.is_some_and(|known| known.value.active.digest == entry.digest && known.value.grant == entry.grant)
    }

    /// Takes a release from the parent: its bytes and what was granted there.
    pub(crate) async fn follow(&self, entry: &CatalogueEntry, bytes: &[u8]) -> Result<(), ServiceError> {
        let _changing = self.changing.lock().await;
        let found = inspect(bytes).map_err(|refusal| ServiceError::Invalid(refusal.to_string()))?;
        if found.digest != entry.digest || found.manifest.name != entry.name {
            return Err(ServiceError::Invalid(format!(
                "the parent sent something else than {} {}",
                entry.name, entry.digest
            )));
        }
        // One that lacks a right is kept as well: why it isn't called is then known here.
        let ready = match self.prepare(Kind::Device, bytes, &entry.grant).await {
            Err(error) if !matches!(error, RuntimeError::NotGranted(_)) => return Err(error.into()),
            ready => ready,
        };
        self.blobs.write(&found.digest, bytes)?;
        let release = Release { version: found.manifest.version, digest: found.digest, installed_at: now() };
        let grant = entry.grant.clone();
        let (expect, record) = match self.store.plugin(&entry.name)? {
            None => (Expect::Absent, PluginRecord::new(entry.name.clone(), Kind::Device, release, grant)),
            Some(known) => (Expect::Version(known.version), PluginRecord { grant, ..known.value.upgraded(release) }),
        };
        let text = format!("{} {} came from the parent", entry.name, record.active.version);
        self.commit(&entry.name, expect, Some(record), "plugin.installed", text).await?;
        self.put(&entry.name, ready);
        Ok(())
    }

    /// Removes what the parent doesn't have any more.
    pub(crate) async fn keep_only(&self, entries: &[CatalogueEntry]) -> Result<(), ServiceError> {
        let _changing = self.changing.lock().await;
        for known in self.store.plugins()? {
            let name = known.value.name.clone();
            // What is for terminals isn't the parent's: it says nothing of it.
            let from_above = known.value.kind == Kind::Device;
            if from_above && !entries.iter().any(|entry| entry.name == name) {
                let text = format!("{name} was removed at the parent");
                self.commit(&name, Expect::Version(known.version), None, "plugin.removed", text).await?;
                self.drop_ready(&name);
            }
        }
        Ok(())
    }
}
