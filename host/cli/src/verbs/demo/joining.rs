//! The first act: three device nodes and a gateway join the fleet, and a stranger doesn't. Nobody types a secret.

use super::report::Report;
use super::stage::Stage;
use crate::client::Client;
use anyhow::{Context, Result, bail};
use async_snmp::{Auth, Oid, Value as Written};
use reqwest::Method;
use serde_json::{Value, json};

/// The object that a PIN is written to.
const PIN: &[u32] = &[1, 3, 6, 1, 4, 1, 99_999, 10, 8, 0];

/// The device nodes, by number: the fourth is the stranger.
const BY_URL: usize = 0;
const BY_SNMP: usize = 1;
const BY_KEY: usize = 2;
const STRANGER: usize = 3;

/// The act. Returns nothing when a step didn't hold.
pub async fn play(stage: &mut Stage, report: &mut Report) -> Option<()> {
    let work = async {
        for number in BY_URL..=STRANGER {
            stage.start_device(number).await?;
        }
        Ok((format!("their pages are at {} and so on; each says \"not connected\"", stage.page(BY_URL)), ()))
    };
    report.step(&["E10"], "Four device nodes start, without an owner", work).await?;
    let made = report
        .step(&["E3", "E4", "E5"], "A user registers addresses, and gets a URL for each", register(stage))
        .await?;
    report
        .step(&["E5", "E6", "E7", "E10"], "A browser opens a URL: the first is connected", by_url(stage, &made))
        .await?;
    report.step(&["E12"], "A PIN is written by SNMP: the second is connected", by_snmp(stage, &made)).await?;
    report.step(&["E13"], "A key instead of a PIN, which the third proves and never sends", by_key(stage)).await?;
    report.step(&["E7"], "A stranger with a used PIN is refused, and told why", refuse(stage, &made)).await?;
    report.step(&["E8"], "Without a token nothing is accepted", without_token(stage)).await
}

async fn register(stage: &Stage) -> Result<(String, Value)> {
    let addresses: Vec<String> = [BY_URL, BY_SNMP].map(|number| stage.device_address(number).to_string()).to_vec();
    let made = new(stage, json!({ "addresses": addresses.join("\n") })).await?;
    let url = made.pointer("/entries/0/url").and_then(Value::as_str).context("an address has no URL")?;
    let shown = url.split_once("pin=").map_or(url, |(before, _)| before);
    Ok((format!("a URL for each address: {shown}pin=…"), made))
}

async fn new(stage: &Stage, what: Value) -> Result<Value> {
    stage.client.send(stage.client.request(Method::POST, &["registrations"])?.json(&what)).await
}

async fn by_url(stage: &Stage, made: &Value) -> Result<(String, ())> {
    let url = made.pointer("/entries/0/url").and_then(Value::as_str).context("an address has no URL")?;
    let page = reqwest::Client::new().get(url).header("accept", "text/html").send().await?;
    if page.url().query().is_some() {
        bail!("the PIN stayed in the address: {}", page.url());
    }
    Ok((until_connected(stage, BY_URL).await?, ()))
}

async fn by_snmp(stage: &Stage, made: &Value) -> Result<(String, ())> {
    let pin = made.pointer("/secrets/1").and_then(Value::as_str).context("an address has no PIN")?;
    let agent = stage.agent(BY_SNMP);
    let client = async_snmp::Client::builder(agent, Auth::v2c("private")).connect().await?;
    client.set(&Oid::from_slice(PIN), Written::OctetString(pin.to_owned().into_bytes().into())).await?;
    Ok((until_connected(stage, BY_SNMP).await?, ()))
}

async fn by_key(stage: &Stage) -> Result<(String, ())> {
    let made = new(stage, json!({ "addresses": stage.device_address(BY_KEY).to_string(), "keys": true })).await?;
    let key = made.pointer("/secrets/0").and_then(Value::as_str).context("an address has no key")?;
    let url = format!("{}enroll", stage.page(BY_KEY));
    let taken = reqwest::Client::new().post(url).json(&json!({ "key": key })).send().await?;
    if !taken.status().is_success() {
        bail!("the key wasn't taken: {}", taken.text().await?);
    }
    Ok((until_connected(stage, BY_KEY).await?, ()))
}

/// Waits until a device says that it is connected, and until the manager's list says it too.
async fn until_connected(stage: &Stage, number: usize) -> Result<String> {
    let status = stage
        .until("the device is connected", async || {
            let status: Value = reqwest::get(format!("{}state", stage.page(number))).await?.json().await?;
            if let (Some(why), true) = (status["why"].as_str(), status["state"] == "not-connected") {
                bail!("it isn't: {why}");
            }
            Ok((status["state"] == "connected").then_some(status))
        })
        .await?;
    let enrolled = stage.client.get(&["enrolled"]).await?;
    let came_in = enrolled.as_array().into_iter().flatten().any(|row| row["device"] == status["device"]);
    if !came_in {
        bail!("the manager doesn't know it: {enrolled}");
    }
    let said = |what: &str| status[what].as_str().unwrap_or("?").to_owned();
    Ok(format!("{}: connected to {}, owner {}", said("device"), said("manager"), said("owner")))
}

async fn refuse(stage: &Stage, made: &Value) -> Result<(String, ())> {
    let used = made.pointer("/secrets/0").and_then(Value::as_str).context("an address has no PIN")?;
    let url = format!("{}enroll?pin={used}", stage.page(STRANGER));
    let _ = reqwest::Client::new().get(url).header("accept", "text/html").send().await?;
    let why = stage
        .until("the stranger is refused", async || {
            let status: Value = reqwest::get(format!("{}state", stage.page(STRANGER))).await?.json().await?;
            if status["state"] == "connected" {
                bail!("it was let in: {status}");
            }
            Ok(status["why"].as_str().map(str::to_owned))
        })
        .await?;
    Ok((why, ()))
}

async fn without_token(stage: &Stage) -> Result<(String, ())> {
    let url = format!("{}/node/v1/exchange", stage.manager.url());
    let answer = reqwest::Client::new().post(url).bearer_auth("guessed").json(&json!({})).send().await?;
    let status = answer.status();
    if status != reqwest::StatusCode::UNAUTHORIZED {
        bail!("it was answered {status}");
    }
    Ok((format!("{status}: {}", answer.text().await?), ()))
}

/// The gateway's own client and the PIN that it joins by.
pub async fn enter_pin(stage: &Stage, gateway: &Client) -> Result<()> {
    let made = new(stage, json!({ "sharing": { "shared": 1 } })).await?;
    let pin = made.pointer("/secrets/0").and_then(Value::as_str).context("there is no PIN")?;
    gateway.send(gateway.request(Method::POST, &["membership"])?.json(&json!({ "pin": pin }))).await?;
    stage
        .until("the gateway is connected", async || {
            let status = gateway.get(&["membership"]).await?;
            if let (Some(why), true) = (status["why"].as_str(), status["state"] == "not-connected") {
                bail!("it isn't: {why}");
            }
            Ok((status["state"] == "connected").then_some(()))
        })
        .await
}
