//! `hostler request …`, and how other verbs ask and wait.

use crate::client::{Client, Plain};
use crate::output::{Output, ago, each, lines, printable, text};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// See what was asked of nodes and devices, and how that ended.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  hostler device counters example-or12345 --within 2h
  hostler node check gateway-2
  hostler request list
  hostler request show 0f3c… --wait")]
pub enum Request {
    /// List the newest
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one
    Show(Show),
}

#[derive(Args)]
pub struct List {
    /// How many at most
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Show {
    /// Its ID
    id: String,
    /// Wait until it has ended
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    plain: Plain,
}

/// How long whoever asks waits.
#[derive(Args)]
pub struct Patience {
    /// How long the request may take, such as 30s, 5m or 2h; at most 7d
    #[arg(long, default_value = "1h", value_parser = duration)]
    within: Duration,
    /// Don't wait for the answer; see it later with `hostler request show`
    #[arg(long)]
    no_wait: bool,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time; say how long with a unit, such as 30s, 5m or 2h");
    let parsed: jiff::Span = text.parse().map_err(|_| wrong())?;
    let parsed = parsed.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(parsed).map_err(|_| wrong())
}

impl Request {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(list) => {
                let client = list.plain.connection.client()?;
                let limit = list.limit.to_string();
                let request = client.request(Method::GET, &["requests"])?.query(&[("limit", limit)]);
                list.plain.output.print(&client.send(request).await?, listed)
            }
            Self::Show(show) => {
                let client = show.plain.connection.client()?;
                let request = client.get(&["requests", &show.id]).await?;
                let request = if show.wait { wait(&client, request, show.plain.output).await? } else { request };
                show.plain.output.print(&request, shown)
            }
        }
    }
}

/// Asks, and waits as it was said. Where it ends without an answer, that is the error.
pub async fn ask(plain: &Plain, patience: &Patience, body: Value) -> Result<()> {
    ask_at(plain, patience, &["requests"], body).await
}

/// The same at another address of the API that answers with a request.
pub async fn ask_at(plain: &Plain, patience: &Patience, path: &[&str], mut body: Value) -> Result<()> {
    let client = plain.connection.client()?;
    body["within_s"] = json!(patience.within.as_secs());
    let asked = client.send(client.request(Method::POST, path)?.json(&body)).await?;
    if patience.no_wait {
        return plain.output.print(&asked, |asked| format!("asked; see `hostler request show {}`", text(asked, "/id")));
    }
    let ended = wait(&client, asked, plain.output).await?;
    if let Some(failed) = ended.pointer("/outcome/failed") {
        if plain.output.json {
            plain.output.print(&ended, shown)?;
        }
        bail!("{}", failure(failed));
    }
    plain.output.print(&ended, |ended| answer(ended).join("\n"))
}

/// Waits until it has ended; says to people what it waits for.
async fn wait(client: &Client, mut request: Value, output: Output) -> Result<Value> {
    let mut said = String::new();
    let people = std::io::stderr().is_terminal() && !output.json;
    while request["outcome"].is_null() {
        let now = standing(&request);
        if now != said && (people || !request["delay"].is_null()) && !output.json {
            writeln!(std::io::stderr(), "{now}")?;
            said = now;
        }
        let id = request["id"].as_str().context("the node's answer can't be read")?.to_owned();
        let again = client.request(Method::GET, &["requests", &id])?.query(&[("wait_s", "20")]);
        request = client.send(again).await?;
    }
    Ok(request)
}

fn standing(request: &Value) -> String {
    match request.get("delay").filter(|delay| !delay.is_null()) {
        Some(delay) => format!("it takes longer, says {}: {}", text(delay, "/by"), text(delay, "/why")),
        None => match each(request, "/path").filter_map(Value::as_str).collect::<Vec<_>>() {
            path if path.is_empty() => "asked".to_owned(),
            path => format!("asked: {}", path.join(" › ")),
        },
    }
}

fn failure(failed: &Value) -> String {
    format!("{} says: {}", text(failed, "/by"), text(failed, "/why"))
}

fn about(request: &Value) -> String {
    let question = &request["question"];
    let what = match question["ask"].as_str() {
        Some("command") => format!("command {}", text(question, "/name")),
        Some(other) => other.replace('-', " "),
        None => "-".to_owned(),
    };
    match question["device"].as_str() {
        Some(device) => format!("{what} of {}", printable(device)),
        None => what,
    }
}

fn listed(requests: &Value) -> String {
    let rows = requests.as_array().into_iter().flatten().map(|request| {
        let said = match (request.pointer("/outcome/failed"), request.get("delay").filter(|delay| !delay.is_null())) {
            (Some(failed), _) => failure(failed),
            (None, Some(delay)) if request["outcome"].is_null() => text(delay, "/why"),
            _ => "-".to_owned(),
        };
        vec![
            text(request, "/id"),
            about(request),
            text(request, "/to"),
            text(request, "/state"),
            ago(request, "/since"),
            said,
        ]
    });
    lines(&["request", "what", "node", "state", "asked", "why"], rows)
}

fn shown(request: &Value) -> String {
    let facts = [("request", "/id"), ("node", "/to"), ("by", "/by"), ("for", "/for"), ("state", "/state")];
    let mut shown = vec![format!("{:<8} {}", "what", about(request))];
    let facts = facts.into_iter().map(|(name, at)| (name, text(request, at))).filter(|(_, value)| value != "-");
    shown.extend(facts.map(|(name, value)| format!("{name:<8} {value}")));
    shown.push(format!("{:<8} {}", "asked", ago(request, "/since")));
    if let Some(delay) = request.get("delay").filter(|delay| !delay.is_null()) {
        shown.push(format!("{:<8} {} ({})", "delayed", text(delay, "/why"), text(delay, "/by")));
    }
    if let Some(failed) = request.pointer("/outcome/failed") {
        shown.push(format!("{:<8} {}", "failed", failure(failed)));
    }
    shown.extend(answer(request));
    shown.join("\n")
}

/// What was answered, for people.
fn answer(request: &Value) -> Vec<String> {
    let Some(answered) = request.pointer("/outcome/answered") else { return Vec::new() };
    match answered["answer"].as_str() {
        Some("counters") => {
            let rows = each(answered, "/counters").map(|counter| {
                let name = if counter["label"].is_null() { text(counter, "/name") } else { text(counter, "/label") };
                let unit = text(counter, "/unit");
                let unit = unit.trim_matches(['{', '}', '-']);
                vec![
                    name,
                    format!("{} {unit}", text(counter, "/value/counter")).trim().to_owned(),
                    text(counter, "/name"),
                ]
            });
            let table = crate::output::table(&["counter", "value", "name"], rows);
            vec![format!("read {}", ago(answered, "/read_at")), table]
        }
        Some("alive") => vec![format!(
            "it is there: version {}, started {}, {} devices",
            text(answered, "/version"),
            ago(answered, "/started_at"),
            text(answered, "/devices")
        )],
        Some("done") => match each(answered, "/lines").filter_map(Value::as_str).collect::<Vec<_>>() {
            lines if lines.is_empty() => vec!["done".to_owned()],
            lines => lines.into_iter().map(printable).collect(),
        },
        Some("panel") => {
            let lamps = each(answered, "/panel/lamps")
                .map(|lamp| format!("({}) {}: {}", text(lamp, "/colour"), text(lamp, "/title"), text(lamp, "/state")));
            let lines =
                each(answered, "/panel/lines").filter_map(Value::as_str).map(|line| format!("| {}", printable(line)));
            lines.chain(lamps).collect()
        }
        Some("power") => vec![format!(
            "power: {}; engine: {}; it can be told: {}",
            text(answered, "/power/mode"),
            text(answered, "/power/engine"),
            text(answered, "/power/can")
        )],
        _ => vec![text(answered, "/text")],
    }
}
