//! `hostler simulate`

use crate::output::{Output, table};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use hostler_simulator::{Engine, Fault, Fleet, FleetConfig, Share, Source, V3User, profile};
use serde_json::json;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// Simulate printers and scanners on loopback addresses, good and bad.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hostler simulate --count 20
  hostler simulate --count 10000 --port 16100 --profile mfp
  hostler simulate --recording printer.snmprec
  hostler simulate --count 5 --fault silent --faulty 2
  hostler simulate --count 1 --profile mfp --engine hardware --warm-up 20")]
pub struct Simulate {
    /// How many
    #[arg(long, default_value_t = 10)]
    count: u32,
    /// The first address; the others follow it
    #[arg(long, default_value = "127.1.0.1")]
    first: Ipv4Addr,
    /// The UDP port of each
    #[arg(long, default_value_t = 16_100)]
    port: u16,
    /// What they are; a mix of all where none is given
    #[arg(long)]
    profile: Vec<Kind>,
    /// Play a recording (.snmprec) instead; may be given several times
    #[arg(long, conflicts_with = "profile")]
    recording: Vec<PathBuf>,
    /// The community for reading
    #[arg(long, default_value = "public")]
    community: String,
    /// The community for writing; nothing can be written without one
    #[arg(long)]
    write_community: Option<String>,
    /// An SNMPv3 user, as name:auth-password:privacy-password (SHA-256, AES-128)
    #[arg(long)]
    v3_user: Vec<String>,
    /// Pages that each prints in an hour
    #[arg(long, default_value_t = 600)]
    pages_per_hour: u32,
    /// The same seed gives the same fleet
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is wrong with the faulty ones
    #[arg(long)]
    fault: Option<FaultKind>,
    /// How many are faulty
    #[arg(long, default_value_t = 1)]
    faulty: usize,
    /// The first is the engine of a device node: its signals are the files power and ready in this folder
    #[arg(long)]
    engine: Option<PathBuf>,
    /// Seconds that the engine takes to be ready
    #[arg(long, default_value_t = 10)]
    warm_up: u64,
    #[command(flatten)]
    output: Output,
}

#[derive(ValueEnum, Clone, Copy)]
enum Kind {
    Mfp,
    Printer,
    Scanner,
}

#[derive(ValueEnum, Clone, Copy)]
enum FaultKind {
    Slow,
    Silent,
    Truncated,
    Endless,
    OutOfOrder,
    WrongType,
    NoBulk,
    TooBig,
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        match kind {
            FaultKind::Slow => Self::Slow(Duration::from_millis(1_000)),
            FaultKind::Silent => Self::Silent,
            FaultKind::Truncated => Self::Truncated,
            FaultKind::Endless => Self::Endless,
            FaultKind::OutOfOrder => Self::OutOfOrder,
            FaultKind::WrongType => Self::WrongType,
            FaultKind::NoBulk => Self::NoBulk,
            FaultKind::TooBig => Self::TooBig,
        }
    }
}

impl Simulate {
    pub async fn run(self) -> Result<()> {
        let mut config = FleetConfig {
            count: self.count,
            first: self.first,
            port: self.port,
            community: self.community.clone(),
            write_community: self.write_community.clone(),
            pages_per_hour: self.pages_per_hour,
            seed: self.seed,
            ..FleetConfig::default()
        };
        for user in &self.v3_user {
            let [name, auth, privacy] = user.split(':').collect::<Vec<_>>()[..] else {
                bail!("an SNMPv3 user is written name:auth-password:privacy-password");
            };
            let (auth_password, priv_password) = (auth.to_owned(), privacy.to_owned());
            config.users.push(V3User { name: name.to_owned(), auth_password, priv_password });
        }
        let profiles = self.profile.iter().map(|kind| match kind {
            Kind::Mfp => Source::Profile(profile::orchid_c4500()),
            Kind::Printer => Source::Profile(profile::fern_220()),
            Kind::Scanner => Source::Profile(profile::heron_s80()),
        });
        let recordings = self.recording.iter().cloned().map(Source::Recording);
        let chosen: Vec<Share> = profiles.chain(recordings).map(|source| Share { source, weight: 1 }).collect();
        if !chosen.is_empty() {
            config.mix = chosen;
        }
        let fleet = Fleet::start(config).await?;
        if let Some(fault) = self.fault {
            fleet.devices().iter().take(self.faulty).for_each(|device| device.control.set_fault(fault.into()));
        }
        let first = fleet.devices().first().map(|device| device.control.clone());
        let warm_up = Duration::from_secs(self.warm_up);
        let engine = self.engine.as_deref().map(|folder| {
            Engine::start(folder, warm_up, first).with_context(|| format!("{} can't be written", folder.display()))
        });
        let _engine = engine.transpose()?;
        let devices: Vec<_> = fleet
            .devices()
            .iter()
            .map(|device| json!({ "address": device.address.to_string(), "profile": device.profile, "serial": device.serial }))
            .collect();
        let many = devices.len() > 50;
        self.output.print(&json!(devices), |_| {
            let shown = fleet.devices().iter().take(50);
            let rows =
                shown.map(|device| vec![device.address.to_string(), device.profile.clone(), device.serial.clone()]);
            let more = if many { format!("\n… {} in all", devices.len()) } else { String::new() };
            format!("{}{more}\nThey answer until you press Ctrl-C.", table(&["address", "profile", "serial"], rows))
        })?;
        super::ended().await
    }
}
