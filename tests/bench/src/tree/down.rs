//! How long a request takes down three levels and its answer back, real nodes over TLS, against three round trips to bare
//! axum behind TLS; and what of it the disk takes, to which each node writes what it was asked before it goes on.

use super::bare::Bare;
use super::{quantile, serve};
use crate::Arguments;
use crate::enrollment::started_with;
use crate::pages::Killed;
use crate::report::{Aim, Report};
use anyhow::{Context, Result, ensure};
use hostler_core::Timestamp;
use hostler_core::changes::Change;
use hostler_core::event::Event;
use hostler_core::reading::Severity;
use hostler_store::{RedbStore, Store};
use reqwest::Client;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const LEVELS: u8 = 3;
const WARM: usize = 20;
const ASKED: usize = 300;

/// A manager and gateways in a line below it.
struct Line {
    client: Client,
    url: String,
    token: String,
    _processes: Vec<Killed>,
}

pub async fn measure(arguments: &Arguments, report: &Report) -> Result<()> {
    let folder = tempfile::tempdir_in("target")?;
    let line = Line::start(arguments, folder.path()).await?;
    let bare = Bare::start(folder.path(), None, 300, false)?;
    let client = client(&bare.certificate)?;
    let store = RedbStore::open(&folder.path().join("bare.redb"))?;
    let (mut ours, mut others, mut commits) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that what else the machine does hits all.
    for number in 0..WARM + ASKED {
        let asked = line.ask().await?;
        let round_trips = trips(&client, &bare).await?;
        let commit = commit(&store).await?;
        if number >= WARM {
            ours.push(asked);
            others.push(round_trips);
            commits.push(commit);
        }
    }
    for (name, share, aim) in [("median", 0.5, Aim::AtMost(1.5)), ("95 of 100", 0.95, Aim::AtMost(1.5))] {
        let (ours, other) = (quantile(&mut ours, share), quantile(&mut others, share));
        report.figure(&format!("request down three levels, {name}"), "ms", ours, other, aim);
        let commit = quantile(&mut commits, share);
        report.figure(&format!("the same, one durable commit, {name}"), "ms", ours, commit, Aim::None);
    }
    Ok(())
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn client(certificate: &Path) -> Result<Client> {
    let roots = reqwest::Certificate::from_pem_bundle(&std::fs::read(certificate)?)?;
    Ok(Client::builder().no_proxy().tls_certs_only(roots).timeout(Duration::from_secs(60)).build()?)
}

/// Three round trips to bare axum, one after another.
async fn trips(client: &Client, bare: &Bare) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..LEVELS {
        let answer = client.post(format!("https://{}/", bare.address)).json(&json!({ "ask": "alive" })).send().await?;
        answer.error_for_status()?.bytes().await?;
    }
    Ok(ms(start))
}

/// One commit to the disk.
async fn commit(store: &RedbStore) -> Result<f64> {
    let (name, text) = ("bench".to_owned(), "about as long as such sentences are".to_owned());
    let event = Event { at: Timestamp(1), node: None, device: None, name, severity: Severity::Info, text };
    let start = Instant::now();
    store.commit(Change::Happened(event).into()).await?;
    Ok(ms(start))
}

impl Line {
    async fn start(arguments: &Arguments, folder: &Path) -> Result<Self> {
        let [certificate, key] = ["own.crt", "own.key"].map(|name| folder.join(name));
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        std::fs::write(&certificate, own.cert.pem())?;
        std::fs::write(&key, own.signing_key.serialize_pem())?;
        let client = client(&certificate)?;
        let mut above: Option<(String, String)> = None;
        let mut top: Option<(String, String)> = None;
        let mut processes = Vec::new();
        for level in 0..=LEVELS {
            let folder = folder.join(format!("level-{level}"));
            std::fs::create_dir(&folder)?;
            let (id, role) = if level == 0 { ("manager".to_owned(), "manager") } else { (gateway(level), "gateway") };
            let mut text = format!(
                "[node]\nid = \"{id}\"\ndata = \"data\"\nroles = [\"{role}\"]\n\n[listen]\naddress = \"127.0.0.1:0\"\n\
                 tls = {{ certificate = \"../own.crt\", key = \"../own.key\" }}\n"
            );
            if let Some((url, token)) = &above {
                let made = post(&client, url, token, "nodes", &json!({ "id": id })).await?;
                std::fs::write(folder.join("parent.token"), made["token"].as_str().context("no token")?)?;
                text += &format!(
                    "\n[parent]\nurl = \"{url}\"\ntoken-file = \"parent.token\"\ncertificate = \"../own.crt\"\n"
                );
            }
            std::fs::write(folder.join("hostler.toml"), text)?;
            processes.push(serve(arguments, &folder)?);
            let started = started_with(&client, &folder.join("data")).await?;
            top.get_or_insert_with(|| started.clone());
            above = Some(started);
        }
        let (url, token) = top.context("no manager")?;
        let line = Self { client, url, token, _processes: processes };
        line.until_known().await?;
        Ok(line)
    }

    /// Waits until the manager knows the last gateway.
    async fn until_known(&self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(60);
        while self.ask().await.is_err() {
            ensure!(Instant::now() < end, "the manager doesn't hear of the last gateway");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Asks whether the last gateway is there, and waits for its answer.
    async fn ask(&self) -> Result<f64> {
        let start = Instant::now();
        let body = json!({ "question": { "ask": "alive" }, "node": gateway(LEVELS) });
        let mut request = post(&self.client, &self.url, &self.token, "requests", &body).await?;
        while request["outcome"].is_null() {
            let id = request["id"].as_str().context("no request")?;
            let url = format!("{}/api/v1/requests/{id}?wait_s=10", self.url);
            let answer = self.client.get(url).bearer_auth(&self.token).send().await?;
            request = answer.error_for_status()?.json().await?;
        }
        ensure!(request["state"] == "answered", "{request}");
        Ok(ms(start))
    }
}

fn gateway(level: u8) -> String {
    format!("gateway-{level}")
}

async fn post(client: &Client, url: &str, token: &str, path: &str, body: &Value) -> Result<Value> {
    let answer = client.post(format!("{url}/api/v1/{path}")).bearer_auth(token).json(body).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}
