//! `hostler demo`: a small fleet on this machine, and a walk through what hostler does with it.

mod joining;
mod report;
mod stage;
mod tree;
mod walk;

use anyhow::{Result, bail};
use clap::Args;
use report::Report;
use stage::Stage;
use std::path::PathBuf;

/// Start a small fleet on this machine and show what hostler does with it.
#[derive(Args)]
#[command(after_help = "\
Everything runs on loopback: a manager, a gateway, and simulated printers and scanners. Each step names the rows
of the mission that it shows. Afterwards everything stays up until you press Ctrl-C.

Examples:
  hostler demo
  hostler demo --once --json      (for programs: exit code 0 only if every step held)
  hostler demo --devices 500 --stay")]
pub struct Demo {
    /// End after the walk; exit code 0 only if every step held
    #[arg(long, conflicts_with = "stay")]
    once: bool,
    /// Start everything, and leave out the walk
    #[arg(long)]
    stay: bool,
    /// Print one line of JSON a step
    #[arg(long)]
    json: bool,
    /// How many devices are simulated
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(6..=10_000))]
    devices: u32,
    /// The port of the manager's page; a free one where it is taken
    #[arg(long, default_value_t = 8600)]
    port: u16,
    /// The folder with the plug-ins mfp.wasm and scanner.wasm
    #[arg(long, env = "HOSTLER_PLUGINS", default_value = "target/plugins")]
    plugins: PathBuf,
}

impl Demo {
    pub async fn run(self) -> Result<()> {
        crate::log::start(crate::log::Look::Text, "error");
        for name in stage::PLUGINS {
            let path = self.plugins.join(format!("{name}.wasm"));
            if !path.is_file() {
                bail!(
                    "there is no plug-in {}; build the plug-ins with `./just plugins`, or name their folder with --plugins",
                    path.display()
                );
            }
        }
        let mut report = Report::new(self.json);
        let mut stage = Stage::set(self.devices, self.port, self.plugins.clone()).await?;
        let held = if self.stay { stage.start(&mut report).await } else { walk::walk(&mut stage, &mut report).await };
        if self.once || !held {
            stage.clear().await;
            return if held { Ok(()) } else { bail!("a step did not hold") };
        }
        report.farewell(&stage);
        super::ended().await?;
        stage.clear().await;
        Ok(())
    }
}
