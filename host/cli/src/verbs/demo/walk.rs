//! The walk: each step does something and asks the manager's API whether it really happened.

use super::joining;
use super::report::Report;
use super::stage::Stage;
use super::tree;
use anyhow::{Context, Result, bail};
use hostler_simulator::{Condition, Fault, SimulatedDevice, Sleep};
use reqwest::Method;
use serde_json::{Value, json};

/// The walk. Returns whether every step held; the first that doesn't ends it.
pub async fn walk(stage: &mut Stage, report: &mut Report) -> bool {
    steps(stage, report).await.is_some()
}

async fn steps(stage: &mut Stage, report: &mut Report) -> Option<()> {
    joining::play(stage, report).await?;
    let about = format!("{} simulated devices answer SNMP, from {}", stage.fleet.devices().len(), first(stage));
    report.step(&["P1"], "Printers, MFPs and scanners stand in a network", async { Ok((about, ())) }).await?;
    let work = async { Ok((stage.install().await?.join(", "), ())) };
    report.step(&["P1", "P2", "P5"], "The manager takes two plug-ins, without a restart", work).await?;
    report.step(&["P1"], "What is no plug-in is refused, and why is said", refuse(stage)).await?;
    let work = async {
        stage.start_gateway().await?;
        Ok(("connected by a PIN like the others; mfp and scanner came down to it".to_owned(), ()))
    };
    report
        .step(&["E6", "E8", "D1", "D3", "P5"], "A gateway joins, and gets the plug-ins from the manager", work)
        .await?;
    let work = async {
        let found = stage.wait_for_devices().await?;
        Ok((format!("{found} devices found, recognised by their plug-ins and adopted; one of them by itself"), ()))
    };
    report.step(&["P1", "D7"], "The gateway finds the devices", work).await?;
    report.step(&["E9"], "Identity, counters and supplies reach the manager", read(stage)).await?;
    report.step(&["E8", "E9"], "A device node tells of itself, under its own token", own(stage)).await?;
    report.step(&["E9"], "A document is printed, and the counter follows", print(stage)).await?;
    report
        .step(
            &["E9", "D7"],
            "A cover is opened: the fault reaches the manager, and goes when it is closed",
            cover(stage),
        )
        .await?;
    report.step(&["D20"], "A device goes to sleep, which is no fault", sleep(stage)).await?;
    report.step(&["P3"], "A device falls silent, and costs the others nothing", silence(stage)).await?;
    report.step(&["P2"], "A right is taken from a plug-in and given back", rights(stage)).await?;
    tree::play(stage, report).await
}

fn first(stage: &Stage) -> String {
    stage.fleet.devices().first().map(|device| device.address.to_string()).unwrap_or_default()
}

/// The n-th simulated device that is an MFP, and its ID in the fleet.
async fn mfp(stage: &Stage, n: usize) -> Result<(&SimulatedDevice, String)> {
    let mut mfps = stage.fleet.devices().iter().filter(|device| device.profile.contains("Orchid"));
    let device = mfps.nth(n).context("there are too few MFPs")?;
    let request = stage.client.request(Method::GET, &["devices"])?.query(&[("text", &device.serial)]);
    let page = stage.client.send(request).await?;
    let id = page.pointer("/rows/0/id").and_then(Value::as_str);
    Ok((device, id.with_context(|| format!("{} is not in the fleet", device.serial))?.to_owned()))
}

async fn device(stage: &Stage, id: &str) -> Result<Value> {
    stage.client.get(&["devices", id]).await
}

async fn read_now(stage: &Stage, id: &str) -> Result<()> {
    stage.client.send(stage.client.request(Method::POST, &["devices", id, "read"])?).await?;
    Ok(())
}

/// Waits until the device's page has this condition.
async fn wait_for(stage: &Stage, id: &str, condition: &str) -> Result<Value> {
    let what = format!("{id} is {condition}");
    stage
        .until(&what, async || {
            let view = device(stage, id).await?;
            Ok((view["condition"] == json!(condition)).then_some(view))
        })
        .await
}

async fn refuse(stage: &Stage) -> Result<(String, ())> {
    let request = stage.client.request(Method::POST, &["plugins"])?.body("not a plug-in".as_bytes());
    match stage.client.send(request.header("content-type", "application/wasm")).await {
        Ok(answer) => bail!("it was taken: {answer}"),
        Err(refusal) => Ok((refusal.to_string(), ())),
    }
}

fn readings<'a>(view: &'a Value, name: &'a str) -> impl Iterator<Item = &'a Value> {
    let readings = view.pointer("/snapshot/report/readings").and_then(Value::as_array).into_iter().flatten();
    readings.filter(move |reading| reading["name"] == json!(name))
}

fn pages(view: &Value) -> Option<u64> {
    readings(view, "pages.printed").find_map(|reading| reading.pointer("/value/counter").and_then(Value::as_u64))
}

async fn read(stage: &Stage) -> Result<(String, ())> {
    let wanted = stage.fleet.devices().len();
    stage
        .until("every device was read", async || {
            let request = stage.client.request(Method::GET, &["devices"])?.query(&[("limit", "1000")]);
            let page = stage.client.send(request).await?;
            let rows = page["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
            let read = rows.iter().filter(|row| !row["read_at"].is_null()).count();
            Ok((read >= wanted.min(1000)).then_some(()))
        })
        .await?;
    let (simulated, id) = mfp(stage, 0).await?;
    let view = device(stage, &id).await?;
    let serial = view.pointer("/device/identity/serial").and_then(Value::as_str);
    if serial != Some(simulated.serial.as_str()) {
        bail!("{id} has serial number {serial:?} instead of {}", simulated.serial);
    }
    let model = view.pointer("/device/identity/model").and_then(Value::as_str).unwrap_or("?");
    let count = pages(&view).with_context(|| format!("{id} has no page counter"))?;
    let supplies: Vec<String> =
        readings(&view, "supply.level").filter_map(|r| r["label"].as_str().map(str::to_owned)).collect();
    if supplies.is_empty() {
        bail!("{id} has no supplies");
    }
    Ok((format!("for example {model}, {id}: {count} pages; {}", supplies.join(", ")), ()))
}

async fn own(stage: &Stage) -> Result<(String, ())> {
    let serial = stage.engine().map(|engine| engine.serial.clone()).context("there is no engine")?;
    let view = stage
        .until("the device node has told of itself", async || {
            let request = stage.client.request(Method::GET, &["devices"])?.query(&[("text", &serial)]);
            let page = stage.client.send(request).await?;
            let Some(id) = page.pointer("/rows/0/id").and_then(Value::as_str) else { return Ok(None) };
            let view = device(stage, id).await?;
            Ok(pages(&view).is_some().then_some(view))
        })
        .await?;
    let gateway = view.pointer("/device/gateway").and_then(Value::as_str).unwrap_or("?");
    let owner = view.pointer("/placement/owner").and_then(Value::as_str).context("it has no owner")?;
    Ok((format!("{serial}: {} pages, said by {gateway}; its owner is {owner}", pages(&view).unwrap_or(0)), ()))
}

async fn print(stage: &Stage) -> Result<(String, ())> {
    let (simulated, id) = mfp(stage, 0).await?;
    let before = pages(&device(stage, &id).await?).context("no page counter")?;
    simulated.control.advance_pages(25);
    read_now(stage, &id).await?;
    let after = stage
        .until("the counter follows", async || {
            Ok(pages(&device(stage, &id).await?).filter(|count| *count >= before + 25))
        })
        .await?;
    Ok((format!("{id}: {before} → {after} pages"), ()))
}

async fn cover(stage: &Stage) -> Result<(String, ())> {
    let (simulated, id) = mfp(stage, 1).await?;
    simulated.control.raise(Condition::CoverOpen);
    read_now(stage, &id).await?;
    let view = wait_for(stage, &id, "stopped").await?;
    let alert = view.pointer("/snapshot/report/alerts/0").cloned().unwrap_or_default();
    let events = stage.client.get(&["devices", &id, "events"]).await?;
    let told = events.as_array().into_iter().flatten().find(|event| event["name"] == json!("alert.raised"));
    let told = told.and_then(|event| event["text"].as_str()).context("no event tells of it")?.to_owned();
    simulated.control.clear(Condition::CoverOpen);
    read_now(stage, &id).await?;
    stage
        .until("the alert goes", async || {
            let view = device(stage, &id).await?;
            let gone = view["condition"] != json!("stopped");
            Ok(gone.then_some(()))
        })
        .await?;
    let code = alert["code"].as_str().unwrap_or("?").to_owned();
    Ok((format!("{code}: {told}"), ()))
}

async fn sleep(stage: &Stage) -> Result<(String, ())> {
    let (simulated, id) = mfp(stage, 2).await?;
    simulated.control.sleep(Sleep::Light);
    read_now(stage, &id).await?;
    wait_for(stage, &id, "asleep").await?;
    simulated.control.wake();
    Ok((format!("{id} is asleep"), ()))
}

async fn silence(stage: &Stage) -> Result<(String, ())> {
    let (simulated, id) = mfp(stage, 1).await?;
    simulated.control.set_fault(Fault::Silent);
    let view = wait_for(stage, &id, "unreachable").await?;
    let since = view.pointer("/snapshot/trouble/since").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let (_, other) = mfp(stage, 0).await?;
    stage
        .until("the others are read", async || {
            let read = device(stage, &other).await?.pointer("/snapshot/read_at").and_then(Value::as_u64);
            Ok(read.filter(|at| *at > since))
        })
        .await?;
    simulated.control.clear_fault();
    read_now(stage, &id).await?;
    stage
        .until("it answers again", async || {
            Ok((device(stage, &id).await?["condition"] != json!("unreachable")).then_some(()))
        })
        .await?;
    let why = view.pointer("/snapshot/trouble/text").and_then(Value::as_str).unwrap_or("?");
    Ok((format!("{id}: {why}; the others were read meanwhile"), ()))
}

async fn rights(stage: &Stage) -> Result<(String, ())> {
    let grant = async |capabilities: &[&str]| {
        let request = stage.client.request(Method::PUT, &["plugins", "scanner", "grant"])?.json(&capabilities);
        stage.client.send(request).await
    };
    let before = stage.client.get(&["plugins", "scanner"]).await?;
    let asked: Vec<String> = before["asks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|ask| ask["capability"].as_str().map(str::to_owned))
        .collect();
    let scanner = stage.fleet.devices().iter().find(|device| device.profile.contains("Heron"));
    let serial = scanner.map(|scanner| scanner.serial.clone()).context("there is no scanner")?;
    let request = stage.client.request(Method::GET, &["devices"])?.query(&[("text", &serial)]);
    let page = stage.client.send(request).await?;
    let id = page.pointer("/rows/0/id").and_then(Value::as_str).context("the scanner is not in the fleet")?.to_owned();
    grant(&["state", "cache", "events"]).await?;
    let view = stage
        .until("the scanner isn't read without the right", async || {
            read_now(stage, &id).await?;
            let view = device(stage, &id).await?;
            Ok((!view.pointer("/snapshot/trouble").unwrap_or(&Value::Null).is_null()).then_some(view))
        })
        .await?;
    let all: Vec<&str> = asked.iter().map(String::as_str).collect();
    grant(&all).await?;
    stage
        .until("the scanner is read again", async || {
            read_now(stage, &id).await?;
            let view = device(stage, &id).await?;
            Ok(view.pointer("/snapshot/trouble").is_none_or(Value::is_null).then_some(()))
        })
        .await?;
    let why = view.pointer("/snapshot/trouble/text").and_then(Value::as_str).unwrap_or("?");
    Ok((format!("without it: {why}"), ()))
}
