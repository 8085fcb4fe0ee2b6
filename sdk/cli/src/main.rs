//! hostler-sdk: the plug-in authors' tool.
//!
//! One file a verb: [`build`] makes a plug-in of a crate, [`inspect`] shows what a plug-in is and asks for. What they
//! share: [`toolchain`] finds a compiler for WASM, [`guest`] runs cargo with it, [`component`] reads and writes
//! the file, [`contract`] compares what it says with what it does.

mod build;
mod component;
mod contract;
mod guest;
mod inspect;
mod toolchain;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Makes plug-ins for hostler.
#[derive(Parser)]
#[command(name = "hostler-sdk", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Build(build::Build),
    Inspect(inspect::Inspect),
}

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Build(build) => build.run(),
        Verb::Inspect(inspect) => inspect.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
