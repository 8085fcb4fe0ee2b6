//! Enrollments a second with 64 clients, over HTTP and to the disk, against the store committing the same rows; what a
//! registration of 1,000 addresses costs to look at; and token checks, against the digest that each of them needs.

use crate::Arguments;
use crate::pages::{Killed, bare, load};
use crate::report::{Aim, Report};
use anyhow::{Context, Result, bail, ensure};
use hostler_core::access::{Child, TokenDigest};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::{Enrolled, Invitation, InvitationState, Issued, Means, Pin, Places, Standing};
use hostler_core::event::Event;
use hostler_core::reading::Severity;
use hostler_core::{KeyFingerprint, Timestamp};
use hostler_services::{Access, Identity};
use hostler_store::{RedbStore, Store};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: usize = 64;
/// Devices that come in: as many as one registration has at most.
const DEVICES: usize = 10_000;
const CHILDREN: usize = 10_000;
const CHECKS: usize = 200_000;

pub async fn measure(arguments: &Arguments, report: &Report) -> Result<()> {
    let folder = tempfile::tempdir_in("target")?;
    let config = folder.path().join("hostler.toml");
    let text =
        "[node]\nid = \"manager\"\ndata = \"data\"\nroles = [\"manager\"]\n\n[listen]\naddress = \"127.0.0.1:0\"\n";
    std::fs::write(&config, text)?;
    let manager = Command::new(&arguments.hostler)
        .arg("serve")
        .arg(&config)
        .env("HOSTLER_LOG", "error")
        .stdout(Stdio::null())
        .spawn()?;
    let manager = Killed(manager);
    let (url, token) = started(&folder.path().join("data")).await?;
    let made = registered(&url, &token, DEVICES).await?;
    let pins = made["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let ours = come_in(&url, pins.collect()).await?;
    let other = commit(&folder.path().join("bare.redb")).await?;
    report.figure("enrollments, 64 clients, durable", "/s", ours, other, Aim::AtLeast(0.5));

    let made = registered(&url, &token, 1_000).await?;
    let id = made["id"].as_str().context("no registration")?;
    for (name, path) in
        [("registration page, 1,000 addresses", "/registrations"), ("the same by API", "/api/v1/registrations")]
    {
        let target = format!("{url}{path}/{id}");
        let answer = reqwest::Client::new().get(&target).bearer_auth(&token).send().await?;
        ensure!(answer.status().is_success(), "{target} answered {}", answer.status());
        let ours = load(&target, &token).await?;
        let other = load(&bare(answer.bytes().await?.to_vec()).await?, &token).await?;
        report.figure(name, "/s", ours, other, Aim::None);
    }
    drop(manager);
    let (ours, other) = checks().await?;
    report.figure("token checks, 10,000 nodes known", "/s", ours, other, Aim::None);
    Ok(())
}

/// Where a node that was just started answers, and a token for it.
pub async fn started(data: &std::path::Path) -> Result<(String, String)> {
    started_with(&reqwest::Client::new(), data).await
}

/// The same, asked by this client.
pub async fn started_with(client: &reqwest::Client, data: &std::path::Path) -> Result<(String, String)> {
    for _ in 0..600 {
        let read = |file: &str| std::fs::read_to_string(data.join(file)).ok();
        if let (Some(url), Some(token)) = (read("local.address"), read("local.token"))
            && client.get(format!("{url}/api/v1/node")).bearer_auth(&token).send().await.is_ok()
        {
            return Ok((url, token));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the node did not start")
}

/// Registers so many addresses.
pub async fn registered(url: &str, token: &str, count: usize) -> Result<Value> {
    let addresses: Vec<String> = (0..count).map(|n| format!("device-{n}.example")).collect();
    let request = reqwest::Client::new().post(format!("{url}/api/v1/registrations")).bearer_auth(token);
    Ok(request.json(&json!({ "addresses": addresses.join("\n") })).send().await?.error_for_status()?.json().await?)
}

/// Devices that came in a second.
async fn come_in(url: &str, pins: Vec<String>) -> Result<f64> {
    let (pins, next) = (Arc::new(pins), Arc::new(AtomicUsize::new(0)));
    let client = reqwest::Client::new();
    let start = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let (pins, next, client, url) =
            (Arc::clone(&pins), Arc::clone(&next), client.clone(), format!("{url}/node/v1/connect"));
        tokio::spawn(async move {
            let identity = Identity::make()?;
            let signed = pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", identity.request()?));
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(pin) = pins.get(number) else { return Ok(()) };
                let knock = json!({
                    "connection": {
                        "device": format!("SN-{number}"), "node": format!("device-{number}"), "proof": { "pin": pin },
                        "key": identity.fingerprint().to_string(), "attempt": 1,
                    },
                    "certificate-request": signed,
                });
                let answer = client.post(&url).json(&knock).send().await?;
                ensure!(answer.status().is_success(), "a device wasn't let in: {}", answer.text().await?);
                let _ = answer.bytes().await?;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await??;
    }
    Ok(pins.len() as f64 / start.elapsed().as_secs_f64())
}

/// Enrollments a second that the store commits, decided and signed by nobody: the same rows from 64 writers.
async fn commit(path: &std::path::Path) -> Result<f64> {
    let store: Arc<dyn Store> = Arc::new(RedbStore::open(path)?);
    let all: Vec<Changes> = (0..DEVICES).map(invited).collect::<Result<_>>()?;
    for part in all.chunks(500) {
        store.commit(part.iter().flat_map(|changes| changes.0.clone()).collect()).await?;
    }
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let writers = (0..CLIENTS).map(|_| {
        let (store, next) = (Arc::clone(&store), Arc::clone(&next));
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= DEVICES {
                    return Ok::<_, anyhow::Error>(());
                }
                store.commit(taken(number)?).await?;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await??;
    }
    Ok(DEVICES as f64 / start.elapsed().as_secs_f64())
}

fn pin(number: usize) -> Result<Pin> {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Ok(Pin::from_bytes(&bytes, 26)?)
}

fn invitation(number: usize, left: u32) -> Result<Invitation> {
    Ok(Invitation {
        digest: pin(number)?.digest(),
        by: "admin".parse()?,
        registration: "r-1".parse()?,
        index: 0,
        means: Means::Pin,
        places: Places::Exactly { left },
        taken: 1 - left,
        made_at: Timestamp(1),
        expires_at: Timestamp(u64::MAX),
        state: InvitationState::Alive,
    })
}

fn invited(number: usize) -> Result<Changes> {
    let value = invitation(number, 1)?;
    Ok(Change::Invitation { digest: value.digest.clone(), expect: Expect::Absent, value: Some(Box::new(value)) }.into())
}

/// What letting one device in changes.
fn taken(number: usize) -> Result<Changes> {
    let spent = invitation(number, 0)?;
    let (digest, node) = (spent.digest.clone(), format!("device-{number}"));
    let token = TokenDigest::of(&node);
    let row = Enrolled {
        device: format!("SN-{number}").parse()?,
        node: node.parse()?,
        owner: "admin".parse()?,
        key: KeyFingerprint::of(node.as_bytes()),
        invitation: digest.clone(),
        attempt: 1,
        issued: Issued {
            token: token.clone(),
            serial: hex::encode(Sha256::digest(&node))[..32].parse()?,
            public_key: None,
        },
        former: None,
        at: Timestamp(2),
        state: Standing::Connected,
        through: None,
    };
    let (id, vouched) = (row.node.clone(), None);
    let child = Child { id, token, created_at: Timestamp(2), called: false, vouched };
    let text = format!("{} came in as node {}; it belongs to {}", row.device, row.node, row.owner);
    let event = Event {
        at: Timestamp(2),
        node: None,
        device: None,
        name: "device.enrolled".to_owned(),
        severity: Severity::Info,
        text,
    };
    Ok(Changes::from(Change::Invitation { digest, expect: Expect::Version(0), value: Some(Box::new(spent)) })
        .and(Change::Child { id: row.node.clone(), expect: Expect::Absent, value: Some(child) })
        .and(Change::Happened(event))
        .and(Change::Enrolled { device: row.device.clone(), expect: Expect::Absent, value: Some(Box::new(row)) }))
}

/// Token checks a second, and digests of tokens a second.
async fn checks() -> Result<(f64, f64)> {
    let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory()?);
    let tokens: Vec<String> = (0..CHILDREN).map(|n| hex::encode(Sha256::digest(n.to_be_bytes()))).collect();
    for part in tokens.chunks(500) {
        let known = part.iter().map(|token| {
            let id: hostler_core::NodeId = format!("node-{}", &token[..16]).parse()?;
            let child = Child {
                id: id.clone(),
                token: TokenDigest::of(token),
                created_at: Timestamp(1),
                called: true,
                vouched: None,
            };
            Ok(Change::Child { id, expect: Expect::Absent, value: Some(child) })
        });
        store.commit(known.collect::<Result<Changes>>()?).await?;
    }
    let access = Access::new(store, []);
    let each = |check: &dyn Fn(&str) -> bool| {
        let start = Instant::now();
        let found = (0..CHECKS).filter(|n| check(&tokens[(n * 7_919) % CHILDREN])).count();
        assert_eq!(found, CHECKS);
        CHECKS as f64 / start.elapsed().as_secs_f64()
    };
    Ok((each(&|token| access.child(token).is_some()), each(&|token| !TokenDigest::of(token).0.is_empty())))
}
