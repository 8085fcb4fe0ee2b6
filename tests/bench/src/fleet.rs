//! Thousands of simulated printers read through one gateway, against the same reading in plain Rust without a sandbox.
//!
//! Every reader is a process of its own; the simulated printers live in this one and are the same for all.

use crate::plain::{IN_FLIGHT, PORT, TIME};
use crate::report::{Aim, Report};
use crate::{Arguments, exporter};
use anyhow::{Context, Result, bail};
use hostler_simulator::{Fleet, FleetConfig, Share, Source, profile};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub async fn measure(arguments: &Arguments, report: &Report) -> Result<()> {
    let mix = vec![Share { source: Source::Profile(profile::fern_220()), weight: 1 }];
    let config = FleetConfig { count: arguments.devices, port: PORT, mix, pages_per_hour: 0, ..FleetConfig::default() };
    let fleet = Fleet::start(config).await?;
    let requests = || fleet.devices().iter().map(|device| device.control.requests()).sum::<u64>();
    let folder = tempfile::tempdir_in("target")?;
    let (asked_only, plain) = (plain(arguments, "ask")?, plain(arguments, "read")?);
    let exporter = exporter::rate(folder.path(), arguments.devices).await?;
    let gateway = Gateway::start(arguments, folder.path())?;
    gateway.wait_for(arguments.devices).await?;
    let (before, asked) = (gateway.reads().await?, requests());
    let start = Instant::now();
    tokio::time::sleep(TIME).await;
    let (after, asked) = (gateway.reads().await?, requests() - asked);
    let rate = (after - before) as f64 / start.elapsed().as_secs_f64();
    let each = asked as f64 / (after - before).max(1) as f64;
    eprintln!("one reading asks the printer {each:.1} times");
    let devices = arguments.devices;
    report.figure(&format!("{devices} printers, readings in plain Rust"), "/s", rate, plain, Aim::AtLeast(0.7));
    report.figure(&format!("{devices} printers, answers asked and forgotten"), "/s", rate, asked_only, Aim::None);
    match exporter {
        Some(scrapes) => {
            let name = format!("{devices} printers, prometheus-snmp-exporter");
            report.figure(&name, "/s", rate, scrapes, Aim::AtLeast(1.0));
        }
        None => eprintln!("skipped: prometheus-snmp-exporter is not installed"),
    }
    report.figure("the gateway's resident memory", "MiB", gateway.resident_mib()?, 256.0, Aim::AtMost(1.0));
    Ok(())
}

/// Readings a second in plain Rust.
fn plain(arguments: &Arguments, what: &str) -> Result<f64> {
    let reader = Command::new(std::env::current_exe()?)
        .args(["--plain", what, "--devices", &arguments.devices.to_string()])
        .stdout(Stdio::piped())
        .spawn()?
        .wait_with_output()?;
    String::from_utf8_lossy(&reader.stdout).trim().parse().context("the plain reader failed")
}

struct Gateway {
    child: Child,
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gateway {
    fn start(arguments: &Arguments, folder: &Path) -> Result<Self> {
        let networks = arguments.devices.div_ceil(254);
        let first = u32::from(Ipv4Addr::new(127, 1, 0, 0)) >> 8;
        let ranges: Vec<String> =
            (first..first + networks).map(|network| format!("\"{}/24\"", Ipv4Addr::from(network << 8))).collect();
        let config = format!(
            "[node]\nid = \"bench\"\ndata = \"data\"\nroles = [\"gateway\"]\n[listen]\naddress = \"127.0.0.1:0\"\n\
             [gateway]\nread-every = \"200ms\"\ndiscover-every = \"24h\"\n\
             [[gateway.network]]\nname = \"bench\"\nranges = [{}]\nsnmp-port = {PORT}\ncredentials = [\"public\"]\nin-flight = {IN_FLIGHT}\n\
             [[gateway.adopt]]\nplugin = \"mfp\"\n[credentials.snmp.public]\nversion = \"2c\"\ncommunity = \"public\"\n",
            ranges.join(", ")
        );
        std::fs::write(folder.join("hostler.toml"), config)?;
        let child = Command::new(&arguments.hostler)
            .arg("serve")
            .arg(folder.join("hostler.toml"))
            .env("HOSTLER_LOG", "error")
            .stdout(Stdio::null())
            .spawn()?;
        let read = |name: &str| -> Result<String> {
            let path = folder.join("data").join(name);
            let end = Instant::now() + Duration::from_secs(30);
            while Instant::now() < end {
                if let Ok(text) = std::fs::read_to_string(&path) {
                    return Ok(text);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            bail!("{} did not appear", path.display())
        };
        let (url, token) = (read("local.address")?, read("local.token")?);
        let installed = Command::new(&arguments.hostler)
            .args(["plugin", "install", "--approve", "--data"])
            .arg(folder.join("data"))
            .arg(arguments.plugins.join("mfp.wasm"))
            .stdout(Stdio::null())
            .status()?;
        if !installed.success() {
            bail!("the plug-in could not be installed");
        }
        Ok(Self { child, client: reqwest::Client::new(), url, token })
    }

    /// Waits until every printer was read at least once.
    async fn wait_for(&self, devices: u32) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(600);
        loop {
            let page: serde_json::Value = self
                .client
                .get(format!("{}/api/v1/devices?limit=1", self.url))
                .bearer_auth(&self.token)
                .send()
                .await?
                .json()
                .await?;
            let unknown = page["conditions"]["unknown"].as_u64().unwrap_or(0);
            let found = page["devices"].as_u64().unwrap_or(0);
            if found == u64::from(devices) && unknown == 0 {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("only {found} of {devices} printers are managed, {unknown} of them unread");
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Readings that brought a report since the start.
    async fn reads(&self) -> Result<u64> {
        let text =
            self.client.get(format!("{}/metrics", self.url)).bearer_auth(&self.token).send().await?.text().await?;
        let line = text.lines().find_map(|line| line.strip_prefix("hostler_device_reads_total{outcome=\"brought\"} "));
        line.context("no such metric")?.parse().context("not a number")
    }

    fn resident_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }
}
