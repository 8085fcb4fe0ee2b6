//! `hostler event …`

use crate::client::{Client, Plain};
use crate::output::{lines, printable, text};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use hostler_core::Timestamp;
use hostler_core::event::Filter;
use hostler_core::event::filter::{AtLeast, Words};
use hostler_core::event::{Moment, Names};
use hostler_core::{DeviceId, NodeId};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use std::io::Write;
use std::time::Duration;

/// After a connection that was lost, the next is tried so much later.
const AGAIN: Duration = Duration::from_secs(2);

/// See what happened, and what happens.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  hostler event list --severity warning --from 24h
  hostler event list --name supply.,alert. --follow
  hostler event list --device sn-1 --json")]
pub enum Event {
    /// List what happened, the newest first; with --follow, what happens from now on
    #[command(visible_alias = "ls")]
    List(List),
}

#[derive(Args)]
pub struct List {
    /// How much it matters at least: info, warning or critical
    #[arg(long)]
    severity: Option<AtLeast>,
    /// Names, or beginnings of names that end with a dot, with commas between them: supply.low,alert.
    #[arg(long)]
    name: Option<Names>,
    /// What happened to this device
    #[arg(long)]
    device: Option<DeviceId>,
    /// What this node saw
    #[arg(long)]
    node: Option<NodeId>,
    /// What the text contains
    #[arg(long)]
    text: Option<Words>,
    /// Not before this: 2026-11-22, 2026-11-22T14:30 (in UTC), or how long ago: 24h
    #[arg(long)]
    from: Option<Moment>,
    /// Before this
    #[arg(long)]
    to: Option<Moment>,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Go on with what happens, a line each, until it's interrupted
    #[arg(long, short, conflicts_with_all = ["limit", "to"])]
    follow: bool,
    #[command(flatten)]
    plain: Plain,
}

impl Event {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(list) if list.follow => list.follow().await,
            Self::List(list) => list.list().await,
        }
    }
}

impl List {
    fn filter(&self) -> Filter {
        let Self { severity, name, device, node, text, from, to, .. } = self;
        Filter {
            severity: *severity,
            name: name.clone(),
            device: device.clone(),
            node: node.clone(),
            text: text.clone(),
            from: *from,
            to: *to,
        }
    }

    /// One bounded question, and where the next goes on.
    async fn ask(&self, client: &Client, more: &[(&str, u64)]) -> Result<(Vec<Value>, Option<u64>)> {
        let response = client.open(self.request(client, more)?).await?;
        let key = if more.iter().any(|(name, _)| *name == "after") { "after" } else { "before" };
        let next = next(&response, key);
        let found: Vec<Value> = response.json().await.context("the node's answer can't be read")?;
        Ok((found, next))
    }

    fn request(&self, client: &Client, more: &[(&str, u64)]) -> Result<RequestBuilder> {
        Ok(client.request(Method::GET, &["events"])?.query(&self.filter()).query(more))
    }

    async fn list(self) -> Result<()> {
        let client = self.plain.connection.client()?;
        let mut found: Vec<Value> = Vec::new();
        let mut before = None;
        while found.len() < self.limit {
            let most = (self.limit - found.len()).min(500) as u64;
            let more: Vec<(&str, u64)> =
                before.map(|before| ("before", before)).into_iter().chain([("limit", most)]).collect();
            let (page, next) = self.ask(&client, &more).await?;
            found.extend(page);
            before = next;
            if before.is_none() {
                break;
            }
        }
        self.plain.output.print(&Value::Array(found), |found| {
            let rows = found.as_array().into_iter().flatten().map(|event| {
                vec![
                    at(event),
                    text(event, "/severity"),
                    text(event, "/name"),
                    text(event, "/device"),
                    text(event, "/text"),
                ]
            });
            lines(&["at", "severity", "name", "device", "text"], rows)
        })
    }

    /// Prints what is new whenever the node says that something happened.
    async fn follow(self) -> Result<()> {
        let client = self.plain.connection.client()?;
        let mut first = client.request(Method::GET, &["events"])?.query(&[("limit", "1")]);
        // Who may see only their own device may ask only for that.
        if let Some(device) = &self.device {
            first = first.query(&[("device", device)]);
        }
        let newest = client.open(first).await?;
        let newest: Vec<Value> = newest.json().await.context("the node's answer can't be read")?;
        let mut after = newest.first().and_then(|event| event["seq"].as_u64()).unwrap_or(0);
        // With a beginning, what is there already comes first.
        if self.from.is_some() {
            after = 0;
        }
        loop {
            match self.tail(&client, &mut after).await {
                Ok(()) => {}
                Err(error) if is_away(&error) => eprintln!("{error}; it is tried again"),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Follows over one connection. It is opened before what is missing is asked for, so that nothing falls between.
    async fn tail(&self, client: &Client, after: &mut u64) -> Result<()> {
        let mut live = client.open(client.request(Method::GET, &["live"])?).await?;
        self.print_new(client, after).await?;
        let mut pending = String::new();
        loop {
            let Some(chunk) = live.chunk().await? else { return Ok(()) };
            pending.push_str(&String::from_utf8_lossy(&chunk));
            while let Some((message, rest)) = pending.split_once("\n\n") {
                let tells = message.lines().filter_map(|line| line.strip_prefix("data:")).any(concerns);
                pending = rest.to_owned();
                if tells {
                    self.print_new(client, after).await?;
                }
            }
        }
    }

    async fn print_new(&self, client: &Client, after: &mut u64) -> Result<()> {
        loop {
            let (found, next) = self.ask(client, &[("after", *after), ("limit", 500)]).await?;
            for event in &found {
                let line = if self.plain.output.json { event.to_string() } else { line(event) };
                writeln!(std::io::stdout(), "{line}")?;
            }
            std::io::stdout().flush()?;
            match next {
                Some(next) if next > *after => *after = next,
                _ => return Ok(()),
            }
        }
    }
}

/// Whether the node can't be reached, which may pass.
fn is_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<reqwest::Error>())
}

/// Whether a message of the live stream says that something happened.
fn concerns(data: &str) -> bool {
    let changed: Value = serde_json::from_str(data).unwrap_or_default();
    changed["events"] == Value::Bool(true) || changed["everything"] == Value::Bool(true)
}

/// The number in the link to the next question (RFC 8288).
fn next(response: &Response, key: &str) -> Option<u64> {
    let link = response.headers().get(reqwest::header::LINK)?.to_str().ok()?;
    let query = link.split_once('?')?.1.split_once('>')?.0;
    let (_, value) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key)?;
    value.parse().ok()
}

fn at(event: &Value) -> String {
    event["at"].as_u64().map_or_else(|| "-".to_owned(), |at| Timestamp(at).to_string())
}

fn line(event: &Value) -> String {
    let device = event["device"].as_str().map(|device| format!(" [{}]", printable(device))).unwrap_or_default();
    format!("{} {:8} {}{device}: {}", at(event), text(event, "/severity"), text(event, "/name"), text(event, "/text"))
}
