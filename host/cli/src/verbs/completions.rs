//! `hostler completions`

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print completions for a shell.
#[derive(Args)]
#[command(after_help = "Example:\n  hostler completions bash > ~/.local/share/bash-completion/completions/hostler")]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<()> {
        clap_complete::generate(self.shell, &mut crate::Arguments::command(), "hostler", &mut std::io::stdout());
        Ok(())
    }
}
