//! `hostler-sdk inspect`: what a plug-in is, what it can do, what it asks for.

use crate::component::kilobytes;
use crate::contract::{Contract, Finding, Interface};
use anyhow::Context;
use comfy_table::Table;
use hostler_core::plugin::{Budget, Capability, Component, Kind, inspect};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Show what a plug-in is, what it can do and what it asks for
#[derive(clap::Args)]
pub(crate) struct Inspect {
    /// The plug-in, a .wasm file
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// All that is known of a plug-in without running it.
#[derive(Serialize)]
struct Inspection {
    name: String,
    version: String,
    title: String,
    publisher: String,
    kind: Kind,
    device_types: Vec<String>,
    needs: BTreeSet<Capability>,
    uses: BTreeSet<Capability>,
    settings: Vec<String>,
    budget: Budget,
    exports: Vec<Interface>,
    imports: Vec<Interface>,
    findings: Vec<Finding>,
    bytes: usize,
    sha256: String,
}

impl Inspect {
    /// Reads the file and prints.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let file = self.file.display();
        let bytes = std::fs::read(&self.file).with_context(|| format!("can't read {file}"))?;
        let inspection = Inspection::of(&bytes).with_context(|| format!("{file} is no plug-in"))?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&inspection)?);
        } else {
            inspection.print();
        }
        Ok(())
    }
}

impl Inspection {
    fn of(bytes: &[u8]) -> anyhow::Result<Self> {
        let Component { kind, manifest, digest, size, .. } = inspect(bytes)?;
        let contract = Contract::of(bytes)?;
        Ok(Self {
            findings: contract.check(&manifest),
            uses: contract.used(),
            name: manifest.name.to_string(),
            version: manifest.version.to_string(),
            title: manifest.title,
            publisher: manifest.publisher,
            kind,
            device_types: manifest.device_types,
            needs: manifest.needs,
            settings: manifest.settings.into_keys().collect(),
            budget: manifest.budget,
            exports: contract.exports,
            imports: contract.imports,
            bytes: size,
            sha256: digest,
        })
    }

    fn print(&self) {
        println!("{} {}: {}", self.name, self.version, self.title);
        let mut table = Table::new();
        table.load_style(comfy_table::TableStyle::new());
        let mut row = |name: &str, value: String| {
            if !value.is_empty() {
                table.add_row([name.to_owned(), value]);
            }
        };
        row("publisher", self.publisher.clone());
        row("runs on", runs_on(self.kind).to_owned());
        row("device types", self.device_types.join(", "));
        row("needs", self.needs.iter().map(|need| need.question()).collect::<Vec<_>>().join("\n"));
        row("settings", self.settings.join(", "));
        row("exports", lines(&self.exports));
        row("imports", lines(&self.imports));
        row("call limits", limits(&self.budget));
        row("size", format!("{} ({} bytes)", kilobytes(self.bytes), self.bytes));
        row("sha256", self.sha256.clone());
        println!("{table}");
        for finding in &self.findings {
            println!("{}: {finding}", if finding.is_error() { "error" } else { "warning" });
        }
    }
}

fn runs_on(kind: Kind) -> &'static str {
    match kind {
        Kind::Device => "nodes, for one device at a time",
        Kind::Terminal => "the terminals of users, in their network",
    }
}

fn lines(interfaces: &[Interface]) -> String {
    let line = |interface: &Interface| match interface.functions.join(", ") {
        functions if functions.is_empty() => format!("{interface} (types only)"),
        functions => format!("{interface}: {functions}"),
    };
    interfaces.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn limits(budget: &Budget) -> String {
    format!(
        "{} s, {} ms computing, {} of memory, {} requests to the device",
        budget.wall_ms / 1000,
        budget.compute_ms,
        kilobytes(usize::try_from(budget.memory_bytes).unwrap_or(usize::MAX)),
        budget.link_operations,
    )
}
