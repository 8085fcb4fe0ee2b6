//! `hostler compile-plugin`: what a node runs to compile a plug-in, apart and with limits.

use anyhow::{Context, Result};
use clap::Args;
use std::io::{Read, Write};

/// Compile the component on standard input; the machine code goes to standard output.
#[derive(Args)]
pub struct CompilePlugin {}

impl CompilePlugin {
    pub fn run(&self) -> Result<()> {
        let mut component = Vec::new();
        std::io::stdin().lock().read_to_end(&mut component).context("the component can't be read")?;
        let code = hostler_runtime::compile_in_this_process(&component)?;
        Ok(std::io::stdout().lock().write_all(&code)?)
    }
}
