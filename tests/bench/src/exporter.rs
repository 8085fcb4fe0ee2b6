//! prometheus-snmp-exporter asked for the same objects of the same printers, where it is installed.

use crate::plain::{IN_FLIGHT, PORT, objects};
use anyhow::{Context, Result};
use futures::StreamExt;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = "prometheus-snmp-exporter";
const TIME: Duration = Duration::from_secs(10);

/// Scrapes a second; `None` where the program isn't installed.
pub async fn rate(folder: &Path, devices: u32) -> Result<Option<f64>> {
    std::fs::write(folder.join("snmp.yml"), config())?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let started = Command::new(PROGRAM)
        .arg(format!("--config.file={}", folder.join("snmp.yml").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _exporter = match started {
        Ok(child) => Exporter(child),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let client = reqwest::Client::new();
    let scrape = |n: u32| {
        let target = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + (n / 254) * 256 + n % 254);
        client.get(format!("http://127.0.0.1:{port}/snmp?module=printer&target={target}:{PORT}")).send()
    };
    let end = Instant::now() + Duration::from_secs(20);
    while scrape(0).await.is_err() {
        anyhow::ensure!(Instant::now() < end, "{PROGRAM} does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let start = Instant::now();
    let all = (0_u32..).map(|n| n % devices).take_while(|_| start.elapsed() < TIME);
    let mut scrapes = futures::stream::iter(all)
        .map(|n| {
            let scrape = scrape(n);
            async move { anyhow::Ok(scrape.await?.error_for_status()?.text().await?) }
        })
        .buffer_unordered(IN_FLIGHT);
    let mut count = 0_u64;
    while let Some(text) = scrapes.next().await {
        text?.contains("printer_6 ").then_some(()).context("a scrape without the printer's counter")?;
        count += 1;
    }
    Ok(Some(count as f64 / start.elapsed().as_secs_f64()))
}

/// A module that gets the objects of a steady reading.
fn config() -> String {
    let objects: Vec<String> = objects().map(|oid| oid.to_string()).collect();
    let metrics = objects.iter().zip(1..).map(|(oid, n)| {
        let kind = if oid.contains("43.16.5") || oid.contains("25.3.5.1.2") { "OctetString" } else { "gauge" };
        format!("  - name: printer_{n}\n    oid: {oid}\n    type: {kind}\n    help: object {n}\n")
    });
    format!(
        "printer:\n  get:\n{}  metrics:\n{}  version: 2\n  auth:\n    community: public\n",
        objects.iter().map(|oid| format!("  - {oid}\n")).collect::<String>(),
        metrics.collect::<String>()
    )
}

struct Exporter(Child);

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
