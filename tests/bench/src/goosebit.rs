//! goosebit, an update server whose devices poll as ours do, where it is installed: polls a second over plain HTTP.

use crate::pages::Killed;
use anyhow::{Context, Result, ensure};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_secs(5);

/// Makes its tables.
const TABLES: &str = "
import asyncio
from goosebit.db.config import TORTOISE_CONF
from tortoise import Tortoise
async def make():
    await Tortoise.init(config=TORTOISE_CONF)
    await Tortoise.generate_schemas()
    await Tortoise.close_connections()
asyncio.run(make())
";

/// A Python that has goosebit: what `HOSTLER_GOOSEBIT` names, or the system's.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("HOSTLER_GOOSEBIT").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('goosebit') is None)";
    let mut command = Command::new(&named);
    let found = command.args(["-c", look]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success()).then_some(named)
}

/// Polls a second of so many devices; `None`, said aloud, where it isn't installed.
pub async fn rate(devices: usize) -> Result<Option<f64>> {
    let Some(python) = python() else {
        eprintln!(
            "skipped: goosebit is not installed (pip install goosebit; HOSTLER_GOOSEBIT names the Python that has it)"
        );
        return Ok(None);
    };
    let folder = tempfile::tempdir_in("target")?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let database = format!("sqlite:///{}", folder.path().canonicalize()?.join("db.sqlite3").display());
    let variables = [("GOOSEBIT_DB_URI", database.as_str()), ("GOOSEBIT_POLL_TIME", "00:00:10")];
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.args(arguments).current_dir(folder.path()).envs(variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    ensure!(run(&["-c", TABLES]).status()?.success(), "goosebit's tables can't be made");
    let (host, port_text) = ("127.0.0.1", port.to_string());
    let quiet = ["-m", "uvicorn", "--log-level", "error", "--no-access-log", "--host", host, "--port", &port_text];
    let served = run(&[&quiet[..], &["goosebit:app"]].concat()).spawn()?;
    let _served = Killed(served);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let poll = |device: usize| client.get(format!("http://127.0.0.1:{port}/DEFAULT/controller/v1/device-{device}"));
    let end = Instant::now() + Duration::from_secs(30);
    while !poll(0).send().await.is_ok_and(|answer| answer.status().is_success()) {
        ensure!(Instant::now() < end, "goosebit does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for device in 0..devices {
        poll(device).send().await?.error_for_status().context("a device's first poll")?;
    }
    let start = Instant::now();
    let polls: Vec<_> = (0..devices)
        .map(|device| {
            let poll = poll(device);
            tokio::spawn(async move {
                let mut count = 0_u64;
                while start.elapsed() < TIME {
                    let poll = poll.try_clone().context("a poll has no body")?;
                    poll.send().await?.error_for_status()?.bytes().await?;
                    count += 1;
                }
                anyhow::Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for poll in polls {
        count += poll.await??;
    }
    Ok(Some(count as f64 / start.elapsed().as_secs_f64()))
}
