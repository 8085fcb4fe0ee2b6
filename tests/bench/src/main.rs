//! Ours against the bare thing, in one run: what counts is the ratio, since absolute times depend on the machine.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement that fails shall stop the run"
)]

mod calls;
mod commits;
mod enrollment;
mod exporter;
mod fleet;
mod goosebit;
mod pages;
mod plain;
mod report;
mod tree;

use anyhow::Result;
use clap::Parser;
use report::Report;
use std::path::PathBuf;

/// Compare hostler with the bare thing; prints ratios.
#[derive(Parser, Clone)]
#[command(
    after_help = "Examples:\n  ./just bench\n  ./just bench --json\n  ./just bench --devices 2000 --only reading"
)]
pub struct Arguments {
    /// The folder with the built plug-ins
    #[arg(long, default_value = "target/plugins")]
    plugins: PathBuf,
    /// The program
    #[arg(long, default_value = "target/debug/hostler")]
    hostler: PathBuf,
    /// One line of JSON a figure
    #[arg(long)]
    json: bool,
    /// How many printers are simulated
    #[arg(long, default_value_t = 10_000)]
    devices: u32,
    /// How many children wait at a manager at a time
    #[arg(long, default_value_t = 10_000)]
    children: usize,
    /// Only the figures whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Read these printers in plain Rust and print how many a second; what the bench calls itself with
    #[arg(long, hide = true)]
    plain: Option<plain::Plain>,
    #[command(flatten)]
    bare: tree::bare::BareArguments,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if let Some(plain) = arguments.plain {
            return plain::run(plain, arguments.devices).await;
        }
        if arguments.bare.is_wanted() {
            return arguments.bare.clone().serve().await;
        }
        let report = Report::new(arguments.json);
        let wanted = |name: &str| arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
        if wanted("call") {
            calls::measure(&arguments, &report).await?;
        }
        if wanted("commit") {
            commits::measure(&report).await?;
        }
        if wanted("enrollment") {
            enrollment::measure(&arguments, &report).await?;
        }
        if wanted("page") {
            pages::measure(&arguments, &report).await?;
        }
        if wanted("reading") {
            fleet::measure(&arguments, &report).await?;
        }
        if wanted("tree-exchange") {
            tree::exchange::measure(&arguments, &report).await?;
        }
        if wanted("tree-memory") {
            tree::idle::measure(&arguments, &report).await?;
        }
        if wanted("tree-latency") {
            tree::down::measure(&arguments, &report).await?;
        }
        Ok(())
    })
}
