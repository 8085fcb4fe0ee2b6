//! The terminal plug-ins: fetched from the manager once, kept under their digest, and checked against the digest that the
//! manager says each time. What is run is what the digest stands for, or nothing.

use crate::client::Client;
use crate::output::printable;
use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;
use hostler_core::plugin::{COMPONENT_LIMIT, Grant, inspect};
use hostler_runtime::{Runtime, TerminalPlugin};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a manager says of a plug-in.
#[derive(Clone, Debug, Deserialize)]
struct Release {
    name: String,
    does: Vec<String>,
    sha256: String,
}

impl Release {
    fn does(&self, what: &str) -> bool {
        self.does.iter().any(|does| does == what)
    }
}

/// The plug-ins of one enrollment; one that does both stands in both places.
pub(super) struct Plugins {
    /// The host that runs them.
    pub(super) runtime: Arc<Runtime>,
    /// What finds devices.
    pub(super) finds: Arc<TerminalPlugin>,
    /// What brings PINs.
    pub(super) brings: Arc<TerminalPlugin>,
    /// Compiled code, which no other run uses: what is kept for long is only what has a digest.
    _compiled: tempfile::TempDir,
}

/// Whether one plug-in for both is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// Two, or one where there are no two.
    Two,
    /// One.
    Combined,
}

impl Plugins {
    /// Gets and prepares them.
    pub(super) async fn get(client: &Client, wish: Wish) -> Result<Self> {
        let said = client.get(&["terminal"]).await?;
        let releases: Vec<Release> = serde_json::from_value(said).context("the manager's answer can't be read")?;
        trim(&cache()?, &releases);
        let (finds, brings) = choose(&releases, wish)?;
        let compiled = tempfile::Builder::new().prefix("hostler-enroll-").tempdir()?;
        let runtime = Runtime::start(compiled.path().to_owned(), super::super::compiler()?)?;
        let first = Arc::new(load(client, &runtime, finds).await?);
        let second = if brings.sha256 == finds.sha256 {
            Arc::clone(&first)
        } else {
            Arc::new(load(client, &runtime, brings).await?)
        };
        Ok(Self { runtime, finds: first, brings: second, _compiled: compiled })
    }
}

/// The plug-in that finds devices, and the one that brings PINs.
fn choose(releases: &[Release], wish: Wish) -> Result<(&Release, &Release)> {
    let both = releases.iter().find(|release| release.does("discovery") && release.does("delivery"));
    let only = |what: &str| releases.iter().find(|release| release.does(what) && release.does.len() == 1);
    let two = only("discovery").zip(only("delivery"));
    let both = both.map(|both| (both, both));
    let chosen = match wish {
        Wish::Two => two.or(both),
        Wish::Combined => both,
    };
    chosen.with_context(|| {
        let (what, which) = match wish {
            Wish::Two => ("plug-ins for terminals", "lan-discovery and pin-delivery"),
            Wish::Combined => ("combined plug-in for terminals", "lan-enrollment"),
        };
        format!("the manager has no {what}; its administrator installs {which} with `hostler plugin install --approve`")
    })
}

async fn load(client: &Client, runtime: &Runtime, release: &Release) -> Result<TerminalPlugin> {
    let bytes = bytes(client, release, &cache()?).await?;
    let component = inspect(&bytes)?;
    if component.manifest.name.as_str() != release.name {
        bail!("the manager calls {} what is {}; it wasn't run", printable(&release.name), component.manifest.name);
    }
    // What it asks for is the network, which the user who runs this gives it.
    Ok(runtime.load_terminal(&bytes, &Grant::all_of(&component.manifest)).await?)
}

/// Where plug-ins are kept; only this user writes there.
fn cache() -> Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let folders = etcetera::choose_base_strategy().context("your home folder can't be found")?;
    let folder = folders.cache_dir().join("hostler").join("terminal");
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.with_context(|| format!("{} can't be made", folder.display()))?;
    Ok(folder)
}

/// Keeps only what the manager offers now. It isn't worth failing for.
fn trim(cache: &Path, releases: &[Release]) {
    for file in std::fs::read_dir(cache).into_iter().flatten().flatten() {
        let path = file.path();
        let offered = |digest: &str| releases.iter().any(|release| release.sha256 == digest);
        let kept = path.extension().is_none_or(|kind| kind != "wasm")
            || path.file_stem().and_then(|digest| digest.to_str()).is_some_and(offered);
        if !kept && let Err(error) = std::fs::remove_file(&path) {
            tracing::debug!(%error, "{} can't be removed", path.display());
        }
    }
}

/// A plug-in's bytes: those kept, if they are what the digest stands for, else the manager's, if those are.
async fn bytes(client: &Client, release: &Release, cache: &Path) -> Result<Vec<u8>> {
    let Release { name, sha256, .. } = release;
    if sha256.len() != 64 || !sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        bail!("the manager says a digest for {} that is none; nothing was fetched", printable(name));
    }
    let path = cache.join(format!("{sha256}.wasm"));
    if let Ok(kept) = std::fs::read(&path) {
        if digest(&kept) == *sha256 {
            return Ok(kept);
        }
        eprintln!(
            "warning: {} was changed since it was fetched ({}); it isn't run, and is fetched anew",
            printable(name),
            path.display()
        );
    }
    eprintln!("fetching {} from the manager", printable(name));
    let fetched = client.bytes(&["terminal", name], COMPONENT_LIMIT).await?;
    let found = digest(&fetched);
    if found != *sha256 {
        bail!(
            "{} was swapped on the way, or the manager is not what it should be: it says the SHA-256 {sha256}, and what \
             came has {found}. It wasn't run. Tell whoever administers the manager",
            printable(name)
        );
    }
    keep(&path, &fetched).with_context(|| format!("{} can't be written", path.display()))?;
    Ok(fetched)
}

/// Whole or not at all.
fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e11_what_the_manager_offers_no_more_is_not_kept() {
        let cache = tempfile::tempdir().unwrap();
        let release = |bytes: &[u8]| Release { name: "x".to_owned(), does: Vec::new(), sha256: digest(bytes) };
        let path = |bytes: &[u8]| cache.path().join(format!("{}.wasm", digest(bytes)));
        for bytes in [b"now".as_slice(), b"former"] {
            keep(&path(bytes), bytes).unwrap();
        }
        std::fs::write(cache.path().join("other"), "").unwrap();
        trim(cache.path(), &[release(b"now"), release(b"not fetched yet")]);
        let mut kept: Vec<PathBuf> =
            std::fs::read_dir(cache.path()).unwrap().map(|file| file.unwrap().path()).collect();
        kept.sort();
        let mut expected = [path(b"now"), cache.path().join("other")];
        expected.sort();
        assert_eq!(kept, expected);
    }
}
