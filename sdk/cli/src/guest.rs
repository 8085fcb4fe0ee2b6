//! Building a plug-in's crate as a core module.

use crate::toolchain::{TARGET, Toolchain, output_of};
use anyhow::{Context, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Bytes of a plug-in's own stack. Each call begins with a clean memory, and a small one is cleaned quickly.
const STACK: u32 = 128 << 10;

/// What cargo knows of a plug-in's crate.
pub(crate) struct Guest {
    /// Its `Cargo.toml`.
    pub(crate) manifest_path: PathBuf,
    /// Its version there.
    pub(crate) version: String,
    /// Where guests are built: a folder of their own, so that neither they nor the host's programs are built anew
    /// when the other changes.
    pub(crate) target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: PathBuf,
    version: String,
}

/// The one message of cargo's that matters here.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

impl Guest {
    /// Asks cargo about the crate in this folder.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn find(folder: &Path) -> anyhow::Result<Self> {
        let manifest_path = folder.join("Cargo.toml");
        let manifest_path = manifest_path.canonicalize().with_context(|| {
            format!("there is no {}; give the folder of a plug-in's crate", manifest_path.display())
        })?;
        let mut cargo = Toolchain::Own { bitcode: false }.cargo();
        cargo.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(&manifest_path);
        let output = output_of(&mut cargo, "asking cargo about the crate")?;
        let metadata: Metadata =
            serde_json::from_slice(&output).context("cargo metadata answered something unknown")?;
        let Some(package) = metadata.packages.into_iter().find(|package| package.manifest_path == manifest_path) else {
            bail!(
                "{} is a workspace without a crate of its own; give the folder of a plug-in",
                manifest_path.display()
            );
        };
        Ok(Self { manifest_path, version: package.version, target: metadata.target_directory.join("plugins") })
    }

    /// Builds the core module and says where it is. Cargo does nothing where nothing changed.
    ///
    /// # Errors
    /// When it doesn't compile.
    pub(crate) fn build(&self, toolchain: Toolchain) -> anyhow::Result<PathBuf> {
        let mut cargo = toolchain.cargo();
        // `cargo rustc --crate-type` rather than `cargo build`: where a crate is also an rlib, for its tests, cargo
        // would quietly do without link-time optimisation.
        cargo.args(["rustc", "--lib", "--crate-type", "cdylib", "--release", "--target", TARGET]);
        cargo.args(["--message-format", "json-render-diagnostics", "--manifest-path"]).arg(&self.manifest_path);
        cargo.env("CARGO_TARGET_DIR", &self.target);
        let lto = if toolchain.can_optimise_at_link_time() { "true" } else { "\"off\"" };
        // Given here and not by a profile, because authors' workspaces have none of ours.
        let profile =
            [("opt-level", "3"), ("lto", lto), ("codegen-units", "1"), ("panic", "\"abort\""), ("strip", "true")];
        for (key, value) in profile {
            cargo.arg("--config").arg(format!("profile.release.{key}={value}"));
        }
        cargo.arg("--config").arg(format!("target.{TARGET}.rustflags=[\"-Clink-arg=-zstack-size={STACK}\"]"));
        let output = output_of(&mut cargo, "building the plug-in")?;
        let output = String::from_utf8_lossy(&output);
        output
            .lines()
            .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
            .filter(|artifact| artifact.reason == "compiler-artifact" && artifact.manifest_path == self.manifest_path)
            .flat_map(|artifact| artifact.filenames)
            .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
            .context("cargo built no WASM module; does the crate have a library?")
    }
}
