//! The second act: a gateway below the gateway, whose printer is asked from the manager; one that is slow says so; and somebody
//! calls for help.

use super::report::Report;
use super::stage::Stage;
use anyhow::{Context, Result, bail};
use hostler_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

/// The act. Returns nothing when a step didn't hold.
pub async fn play(stage: &mut Stage, report: &mut Report) -> Option<()> {
    let work = async {
        let device = stage.start_gateway_below().await?;
        Ok((format!("it joined through gateway-1; {device} is reached through gateway-1 › gateway-2"), device))
    };
    let device = report
        .step(&["D1", "D3"], "A gateway joins that reaches the gateway only, with a printer of its own", work)
        .await?;
    report.step(&["D2", "D5"], "The printer's counters are fetched through both", counters(stage, &device)).await?;
    report
        .step(&["D4"], "The printer is slow: that is said in time, and the answer follows", slow(stage, &device))
        .await?;
    report.step(&["D6"], "Somebody at a device calls for help, and its panel says that it was taken", call(stage)).await
}

async fn ask(stage: &Stage, device: &str) -> Result<Value> {
    let body = json!({ "question": { "ask": "counters", "device": device } });
    stage.client.send(stage.client.request(Method::POST, &["requests"])?.json(&body)).await
}

/// Waits until a request is in this state; one that failed is the error.
async fn until(stage: &Stage, asked: &Value, state: &str) -> Result<Value> {
    let id = asked["id"].as_str().context("the request has no ID")?;
    stage
        .until(&format!("the request is {state}"), async || {
            let request = stage.client.get(&["requests", id]).await?;
            if let Some(failed) = request.pointer("/outcome/failed") {
                bail!("it failed: {failed}");
            }
            Ok((request["state"] == state).then_some(request))
        })
        .await
}

fn pages(request: &Value) -> Option<u64> {
    let counters = request.pointer("/outcome/answered/counters")?.as_array()?;
    counters.iter().find(|one| one["name"] == "pages.printed")?.pointer("/value/counter")?.as_u64()
}

async fn counters(stage: &Stage, device: &str) -> Result<(String, ())> {
    let answered = until(stage, &ask(stage, device).await?, "answered").await?;
    let pages = pages(&answered).context("the printer counts no pages")?;
    Ok((format!("{pages} pages, as the printer counts them now"), ()))
}

async fn slow(stage: &Stage, device: &str) -> Result<(String, ())> {
    let control = &stage.below().context("there is no printer")?.control;
    control.set_fault(Fault::Silent);
    let asked = ask(stage, device).await?;
    let delayed = until(stage, &asked, "delayed").await;
    control.clear_fault();
    let delayed = delayed?;
    let answered = until(stage, &asked, "answered").await?;
    let said = |what: &str| delayed.pointer(what).and_then(Value::as_str).unwrap_or("?").to_owned();
    let pages = pages(&answered).context("the printer counts no pages")?;
    Ok((format!("{}: {}; then {pages} pages", said("/delay/by"), said("/delay/why")), ()))
}

async fn call(stage: &Stage) -> Result<(String, ())> {
    let panel = format!("{}panel", stage.page(0));
    let pressed = reqwest::Client::new().post(format!("{panel}/call")).body("text=paper jam").send().await?;
    if !pressed.status().is_success() {
        bail!("the key did nothing: {}", pressed.text().await?);
    }
    let shown = stage
        .until("the panel shows what became of it", async || {
            let shown: Value = reqwest::get(format!("{panel}/state")).await?.json().await?;
            Ok((!matches!(shown["call"].as_str(), Some("calling" | "none"))).then_some(shown))
        })
        .await?;
    if shown["call"] != "taken" {
        bail!("it wasn't taken: {shown}");
    }
    let events = stage.client.get(&["events"]).await?;
    let told = events.as_array().into_iter().flatten().find(|event| event["name"] == "device.user-call");
    let told = told.and_then(|event| event["text"].as_str()).context("the manager knows nothing of it")?;
    Ok((format!("the manager: {told}"), ()))
}
