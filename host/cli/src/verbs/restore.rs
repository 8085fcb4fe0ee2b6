//! `hostler restore`

use crate::output::Output;
use anyhow::Result;
use clap::Args;
use hostler_node::backup::{self, Present, Restored};
use indicatif::ProgressBar;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Put a backup back as the data folder of a node that doesn't run.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hostler restore manager.backup.tar.gz --data /var/lib/hostler
  hostler restore manager.backup.tar.gz --data /var/lib/hostler --replace

Nobody knows what happened since the backup was made. So the first start withdraws every PIN and key that lived then,
and ends log-ins; devices that came in since need a new PIN. Users, programs' tokens and bars are as they were then.")]
pub struct Restore {
    /// The backup
    file: PathBuf,
    /// The node's data folder
    #[arg(long, env = "HOSTLER_DATA")]
    data: PathBuf,
    /// Where there is something in the folder, keep that beside it under another name
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    output: Output,
}

impl Restore {
    pub fn run(self) -> Result<()> {
        let Self { file, data, replace, output } = self;
        let present = if replace { Present::GoesBeside } else { Present::Stays };
        let progress = ProgressBar::new_spinner().with_message("unpacking and checking");
        progress.enable_steady_tick(Duration::from_millis(100));
        let restored = backup::restore(&file, &data, present);
        progress.finish_and_clear();
        let restored = restored?;
        let said = json!({ "data": data, "before": restored.before, "backup": restored.manifest });
        output.print(&said, |_| told(&data, &restored))
    }
}

fn told(data: &Path, Restored { manifest, before }: &Restored) -> String {
    let before = before.as_ref().map_or_else(String::new, |before| {
        format!("What was there before is now {}; remove it when you don't need it any more.\n", before.display())
    });
    format!(
        "{} holds {}\n{before}The node's next start withdraws the PINs and keys that lived then, and ends log-ins.",
        data.display(),
        manifest.summary()
    )
}
