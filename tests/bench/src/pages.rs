//! Page and API reads a second, against a bare axum handler that answers as many bytes.

use crate::Arguments;
use crate::report::{Aim, Report};
use anyhow::{Context, Result, bail};
use axum::Router;
use axum::routing::get;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CLIENTS: usize = 16;
const TIME: Duration = Duration::from_secs(4);

/// A process that ends with this.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn measure(arguments: &Arguments, report: &Report) -> Result<()> {
    let mut demo = Command::new(&arguments.hostler)
        .args(["demo", "--stay", "--json", "--devices", "200", "--plugins"])
        .arg(&arguments.plugins)
        .stdout(Stdio::piped())
        .spawn()?;
    let output = demo.stdout.take().context("no output")?;
    let demo = Killed(demo);
    let told = tokio::task::spawn_blocking(move || {
        let lines = std::io::BufRead::lines(std::io::BufReader::new(output));
        lines.map_while(Result::ok).find(|line| line.contains("\"url\""))
    });
    let told: serde_json::Value = serde_json::from_str(&told.await?.context("the demo did not start")?)?;
    let (url, data) = (told["url"].as_str().unwrap_or_default(), told["data"].as_str().unwrap_or_default());
    let token = std::fs::read_to_string(format!("{data}/local.token"))?;
    for (name, path) in [("API reads, 50 of 200 devices", "/api/v1/devices?limit=50"), ("page reads, 200 devices", "/")]
    {
        let target = format!("{url}{path}");
        let body = reqwest::Client::new().get(&target).bearer_auth(&token).send().await?.bytes().await?;
        let ours = load(&target, &token).await?;
        let bare = bare(body.to_vec()).await?;
        let other = load(&bare, &token).await?;
        report.figure(name, "/s", ours, other, Aim::None);
    }
    drop(demo);
    Ok(())
}

/// A server that does nothing but answer these bytes.
pub async fn bare(body: Vec<u8>) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = Router::new().route("/", get(move || std::future::ready(body.clone())));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// Reads a second by 16 clients.
pub async fn load(url: &str, token: &str) -> Result<f64> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let start = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let (client, url, token) = (client.clone(), url.to_owned(), token.to_owned());
        tokio::spawn(async move {
            let mut count = 0_u64;
            while start.elapsed() < TIME {
                let response = client.get(&url).bearer_auth(&token).send().await?;
                if !response.status().is_success() {
                    bail!("{url} answered {}", response.status());
                }
                response.bytes().await?;
                count += 1;
            }
            Ok(count)
        })
    });
    let mut count = 0;
    for client in clients.collect::<Vec<_>>() {
        count += client.await??;
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
