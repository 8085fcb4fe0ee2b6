//! `hostler-sdk build`: a crate becomes a plug-in.

use crate::component::{self, kilobytes};
use crate::contract::{Contract, Finding};
use crate::guest::Guest;
use crate::toolchain::Toolchain;
use anyhow::{Context, bail};
use hostler_core::plugin::{Component, Manifest, inspect};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Build a plug-in: the crate is compiled for WASM, made a component and given its manifest
#[derive(clap::Args)]
pub(crate) struct Build {
    /// The folder of the plug-in's crate, with Cargo.toml and plugin.toml
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Where to put the plug-in [default: plugins in cargo's target folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Build {
    /// Builds, checks and writes the file.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let start = Instant::now();
        let guest = Guest::find(&self.path)?;
        let text = read_manifest(&self.path)?;
        let manifest = Manifest::parse(&text).with_context(|| self.path.join("plugin.toml").display().to_string())?;
        if manifest.version.to_string() != guest.version {
            eprintln!(
                "warning: plugin.toml says version {} and Cargo.toml {}; nodes go by plugin.toml",
                manifest.version, guest.version
            );
        }
        let toolchain = Toolchain::find(&self.path)?;
        let module = guest.build(toolchain)?;
        let module = std::fs::read(&module).with_context(|| format!("can't read {}", module.display()))?;
        let component = component::encode(&module, &text)?;
        check(&inspect(&component).context("the plug-in compiles, and a node would refuse it")?, &component)?;

        let out = self.out.unwrap_or(guest.target);
        let file = out.join(format!("{}.wasm", manifest.name));
        write(&file, &component)?;
        println!(
            "{} {}: {}, {} in {:.1} s with {toolchain}",
            manifest.name,
            manifest.version,
            file.display(),
            kilobytes(component.len()),
            start.elapsed().as_secs_f32(),
        );
        Ok(())
    }
}

fn read_manifest(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join("plugin.toml");
    std::fs::read_to_string(&path).with_context(|| {
        format!(
            "can't read {}. A plug-in has its manifest beside its Cargo.toml; the least of it is\n\n  \
             [plugin]\n  name = \"kettle\"\n  version = \"0.1.0\"\n  title = \"Kettles\"\n  \
             device-types = [\"appliance\"]\n\n  [needs]\n  snmp = {{}}\n\n",
            path.display()
        )
    })
}

/// Warnings are printed; errors stop the build, because the plug-in would not work.
fn check(plugin: &Component, bytes: &[u8]) -> anyhow::Result<()> {
    let findings = Contract::of(bytes)?.check(&plugin.manifest);
    let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::is_error);
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    if !errors.is_empty() {
        let lines: Vec<String> = errors.iter().map(|error| format!("\n  {error}")).collect();
        bail!("the plug-in compiles and would not work:{}", lines.concat());
    }
    Ok(())
}

/// Whole or not at all: a node that looks at the folder meanwhile sees the old file or the new one.
fn write(file: &Path, component: &[u8]) -> anyhow::Result<()> {
    if std::fs::read(file).is_ok_and(|there| there == component) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    let part = file.with_extension("wasm.part");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&part, component))
        .and_then(|()| std::fs::rename(&part, file))
        .with_context(|| format!("can't write {}", file.display()))
}
