//! Thousands of simulated printers read through one gateway, against the same reading in plain Rust without a sandbox.
//!
//! Both readers are processes of their own; the simulated printers live in this one and are the same for both.

use crate::Arguments;
use crate::report::{Aim, Report};
use anyhow::{Context, Result, bail};
use async_snmp::transport::UdpTransport;
use async_snmp::{Auth, Client, Oid, Retry};
use futures::StreamExt;
use hostler_simulator::{Fleet, FleetConfig, Share, Source, profile};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PORT: u16 = 16_161;
const TIME: Duration = Duration::from_secs(20);
/// In flight, in both readers.
const IN_FLIGHT: usize = 128;

pub async fn measure(arguments: &Arguments, report: &Report) -> Result<()> {
    let mix = vec![Share { source: Source::Profile(profile::fern_220()), weight: 1 }];
    let config = FleetConfig { count: arguments.devices, port: PORT, mix, pages_per_hour: 0, ..FleetConfig::default() };
    let fleet = Fleet::start(config).await?;
    let requests = || fleet.devices().iter().map(|device| device.control.requests()).sum::<u64>();
    let plain = Command::new(std::env::current_exe()?)
        .args(["--plain", "--devices", &arguments.devices.to_string()])
        .stdout(Stdio::piped())
        .spawn()?
        .wait_with_output()?;
    let plain: f64 = String::from_utf8_lossy(&plain.stdout).trim().parse().context("the plain reader failed")?;
    let folder = tempfile::tempdir_in("target")?;
    let gateway = Gateway::start(arguments, folder.path())?;
    gateway.wait_for(arguments.devices).await?;
    let (before, asked) = (gateway.reads().await?, requests());
    let start = Instant::now();
    tokio::time::sleep(TIME).await;
    let (after, asked) = (gateway.reads().await?, requests() - asked);
    let rate = (after - before) as f64 / start.elapsed().as_secs_f64();
    let each = asked as f64 / (after - before).max(1) as f64;
    eprintln!("one reading asks the printer {each:.1} times");
    let name = format!("{} printers, readings a second", arguments.devices);
    report.figure(&name, "/s", rate, plain, Aim::AtLeast(0.7));
    let resident = gateway.resident_mib()?;
    report.figure("the gateway's resident memory", "MiB", resident, 256.0, Aim::AtMost(1.0));
    Ok(())
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

/// The same reading in plain Rust: the objects that a printer's reading wants, in as many requests.
pub async fn plain_reading(devices: u32) -> Result<()> {
    let socket = UdpTransport::builder().bind("0.0.0.0:0").recv_buffer_size(4 << 20).build().await.map_err(boxed)?;
    let objects = objects();
    let start = Instant::now();
    let addresses = (0_u32..).map(|n| {
        let n = n % devices;
        SocketAddr::new(
            IpAddr::V4(Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + (n / 254) * 256 + n % 254)),
            PORT,
        )
    });
    let mut reading = futures::stream::iter(addresses.take_while(|_| start.elapsed() < TIME))
        .map(|address| {
            let (socket, objects) = (&socket, &objects);
            async move {
                let client = Client::builder(address, Auth::v2c("public"))
                    .request_timeout(Duration::from_millis(1_500))
                    .retry(Retry::fixed(2, Duration::ZERO).unwrap_or_default())
                    .max_oids_per_request(40)
                    .build_with(socket)
                    .await
                    .map_err(boxed)?;
                for chunk in objects.chunks(40) {
                    client.get_many(chunk).await.map_err(boxed)?;
                }
                anyhow::Ok(())
            }
        })
        .buffer_unordered(IN_FLIGHT);
    let mut count = 0_u64;
    while let Some(read) = reading.next().await {
        read?;
        count += 1;
    }
    println!("{}", count as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

/// Status, counters, levels and trays of a printer of the simulated profile: what a steady reading asks for.
fn objects() -> Vec<Oid> {
    let mut objects: Vec<String> = [
        "1.3.6.1.2.1.43.5.1.1.1.1",
        "1.3.6.1.2.1.1.3.0",
        "1.3.6.1.2.1.25.3.2.1.5.1",
        "1.3.6.1.2.1.25.3.5.1.1.1",
        "1.3.6.1.2.1.25.3.5.1.2.1",
        "1.3.6.1.2.1.43.10.2.1.4.1.1",
    ]
    .map(str::to_owned)
    .into();
    objects.extend((1..=6).map(|supply| format!("1.3.6.1.2.1.43.11.1.1.9.1.{supply}")));
    objects.extend((1..=3).map(|tray| format!("1.3.6.1.2.1.43.8.2.1.10.1.{tray}")));
    objects.extend((1..=4).map(|line| format!("1.3.6.1.2.1.43.16.5.1.2.1.{line}")));
    objects.extend((1..=2).map(|cover| format!("1.3.6.1.2.1.43.6.1.1.3.1.{cover}")));
    objects.iter().filter_map(|text| Oid::parse(text).ok()).collect()
}

fn boxed(error: Box<async_snmp::Error>) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}
