//! The tree: exchanges a second over mutual TLS, memory for each child that waits, and how long a request takes down three
//! levels; each against bare axum behind the same TLS in the same run.

pub mod bare;
mod children;
pub mod down;
pub mod exchange;
pub mod idle;
mod poller;

use crate::Arguments;
use crate::pages::Killed;
use anyhow::{Context, Result};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A manager in a process of its own, which nodes call at an address of theirs.
pub struct Manager {
    /// What it writes to.
    pub data: PathBuf,
    /// Where nodes call.
    pub nodes: SocketAddr,
    /// Where its pages and its API are.
    pub url: String,
    /// What opens them.
    pub token: String,
    /// Its process.
    pub process: Killed,
}

impl Manager {
    pub async fn start(arguments: &Arguments, folder: &Path) -> Result<Self> {
        let nodes = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let text = format!(
            "[node]\nid = \"manager\"\ndata = \"data\"\nroles = [\"manager\"]\n\n[listen]\naddress = \"127.0.0.1:0\"\n\n\
             [enrollment]\nlisten = \"{nodes}\"\nloopback = true\n"
        );
        std::fs::write(folder.join("hostler.toml"), text)?;
        Self::start_again(arguments, folder, nodes).await
    }

    /// Starts it with what is there.
    pub async fn start_again(arguments: &Arguments, folder: &Path, nodes: SocketAddr) -> Result<Self> {
        let data = folder.join("data");
        let process = serve(arguments, folder)?;
        let (url, token) = crate::enrollment::started(&data).await?;
        Ok(Self { data, nodes, url, token, process })
    }

    /// The file of the authority that signed the certificate which it shows to nodes.
    pub fn authority(&self) -> PathBuf {
        self.data.join("authority/root.crt")
    }
}

/// Starts a node with the configuration in this folder.
fn serve(arguments: &Arguments, folder: &Path) -> Result<Killed> {
    let _ = std::fs::remove_file(folder.join("data/local.address"));
    let mut command = Command::new(&arguments.hostler);
    command.arg("serve").arg(folder.join("hostler.toml")).env("HOSTLER_LOG", "error").stdout(Stdio::null());
    Ok(Killed(command.spawn()?))
}

/// What a line of a process's status says, in KiB.
fn resident_kib(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Seconds of computing that a process has had.
fn computed(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no stat")?;
    // utime and stime, in hundredths of a second on every Linux.
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// The value in the middle.
fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this share of them is.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * share) as usize;
    values.get(index.min(values.len().saturating_sub(1))).copied().unwrap_or(0.0)
}
