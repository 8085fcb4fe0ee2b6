//! `hostler device …`

use crate::client::{Client, Plain};
use crate::output::{ago, each, lines, table, text};
use crate::verbs::node::ReadEvery;
use crate::verbs::request::{Patience, ask, ask_at};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::IpAddr;

/// See and place devices, adopt what was discovered.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  hostler device list --condition stopped
  hostler device list kobe orchid --json
  hostler device show example-or12345
  hostler device adopt gateway-1 192.168.1.17 mfp
  hostler device command example-or12345 identify by=display
  hostler device place example-or12345 --site kobe --owner ann@example.com --tag colour")]
pub enum Device {
    /// Find devices; what needs somebody comes first
    #[command(visible_alias = "ls")]
    List(List),
    /// Show everything about one device
    Show(One),
    /// Read a device now
    Read(One),
    /// Fetch what a device counts now, however many gateways it is behind
    Counters(Asked),
    /// List what a device can be told to do
    Commands(One),
    /// Have a device carry out a command that its plug-in describes
    Command(Commanded),
    /// Show what a device's panel shows, or show something on it
    Panel(Panel),
    /// Show how a device is powered, or have it wake, sleep, or go off and on
    Power(Power),
    /// Show how often a device is read, or set it for this device
    Set(Set),
    /// Say whose a device is and where it stands; what isn't named stays as it is
    Place(Place),
    /// List what was discovered and isn't managed
    Discovered(Plain),
    /// Search the gateways' networks now
    Discover(Discover),
    /// Adopt what was discovered at an address
    Adopt(Adopt),
    /// Say which certificate a device is known by, when it shows another one than before; `show` names both
    Trust(Trust),
    /// Let a device go
    Release(One),
}

#[derive(Args)]
pub struct List {
    /// Words that occur in its names, numbers, address, site, owner or tags
    words: Vec<String>,
    /// fine, asleep, unknown, warning, stopped or unreachable
    #[arg(long)]
    condition: Option<String>,
    /// Only those at this site
    #[arg(long)]
    site: Option<String>,
    /// Only those of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Only those with this tag
    #[arg(long)]
    tag: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct One {
    /// The device's ID
    id: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Asked {
    /// The device's ID
    id: String,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Commanded {
    /// The device's ID
    id: String,
    /// The command; `hostler device commands` lists them
    name: String,
    /// What it is told, such as by=display
    #[arg(value_parser = pair)]
    arguments: Vec<(String, String)>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Panel {
    /// The device's ID
    id: String,
    /// Show this on it; may be given several times, a line each
    #[arg(long)]
    show: Vec<String>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Power {
    /// The device's ID
    id: String,
    /// wake, sleep or power-cycle
    #[arg(value_parser = ["wake", "sleep", "power-cycle"])]
    wish: Option<String>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Set {
    /// The device's ID
    id: String,
    #[command(flatten)]
    read: ReadEvery,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    plain: Plain,
}

impl Set {
    async fn run(self) -> Result<()> {
        let question = match self.read.read_every {
            Some(every) => json!({ "ask": "set-intervals", "device": self.id, "wish": { "read": every } }),
            None => json!({ "ask": "intervals", "device": self.id }),
        };
        ask(&self.plain, &self.patience, json!({ "question": question })).await
    }
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is no NAME=VALUE, such as by=display"))?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Args)]
pub struct Place {
    /// The device's ID
    id: String,
    /// Whose it is
    #[arg(long)]
    owner: Option<String>,
    /// It is nobody's
    #[arg(long, conflicts_with = "owner")]
    no_owner: bool,
    /// Where it stands
    #[arg(long)]
    site: Option<String>,
    /// It stands nowhere
    #[arg(long, conflicts_with = "site")]
    no_site: bool,
    /// A word to find it by, in place of those that it has; may be given several times
    #[arg(long)]
    tag: Vec<String>,
    /// It has no such words
    #[arg(long, conflicts_with = "tag")]
    no_tags: bool,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Discover {
    /// Only this gateway's networks
    gateway: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Adopt {
    /// The gateway that discovered it
    gateway: String,
    /// Its address there
    address: IpAddr,
    /// The plug-in that shall know its type
    plugin: String,
    /// Though that plug-in did not recognise it
    #[arg(long)]
    anyway: bool,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Trust {
    /// The device's ID
    id: String,
    /// One of the two, by its SHA-256
    certificate: String,
    #[command(flatten)]
    plain: Plain,
}

impl Device {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(one) => {
                let (client, output) = (one.plain.connection.client()?, one.plain.output);
                let device = client.get(&["devices", &one.id]).await?;
                let events = client.get(&["devices", &one.id, "events"]).await?;
                let both = json!({ "device": device, "events": events });
                output.print(&both, show)
            }
            Self::Read(one) => one.order(Method::POST, Some("read"), "is being read").await,
            Self::Counters(asked) => {
                let question = json!({ "ask": "counters", "device": asked.id });
                ask(&asked.plain, &asked.patience, json!({ "question": question })).await
            }
            Self::Commands(one) => {
                let commands = one.plain.connection.client()?.get(&["devices", &one.id, "commands"]).await?;
                one.plain.output.print(&commands, commands_of)
            }
            Self::Command(told) => {
                let arguments: Value =
                    told.arguments.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
                let path = ["devices", &told.id, "commands", &told.name];
                ask_at(&told.plain, &told.patience, &path, json!({ "arguments": arguments })).await
            }
            Self::Panel(panel) => {
                let question = match panel.show.as_slice() {
                    [] => json!({ "ask": "panel", "device": panel.id }),
                    lines => json!({ "ask": "show-on-panel", "device": panel.id, "text": lines }),
                };
                ask(&panel.plain, &panel.patience, json!({ "question": question })).await
            }
            Self::Power(power) => {
                let question = match &power.wish {
                    None => json!({ "ask": "power", "device": power.id }),
                    Some(wish) => json!({ "ask": "set-power", "device": power.id, "wish": wish }),
                };
                ask(&power.plain, &power.patience, json!({ "question": question })).await
            }
            Self::Release(one) => one.order(Method::DELETE, None, "is being let go").await,
            Self::Trust(trust) => trust.run().await,
            Self::Set(set) => set.run().await,
            Self::Place(place) => place.run().await,
            Self::Discovered(plain) => {
                let found = plain.connection.client()?.get(&["candidates"]).await?;
                plain.output.print(&found, discovered)
            }
            Self::Discover(discover) => {
                let (client, output) = (discover.plain.connection.client()?, discover.plain.output);
                let request = client.request(Method::POST, &["candidates", "search"])?;
                let answer = client.send(request.json(&json!({ "gateway": discover.gateway }))).await?;
                output.print(&answer, |_| "the networks are being searched; see `hostler device discovered`".to_owned())
            }
            Self::Adopt(adopt) => {
                let (client, output) = (adopt.plain.connection.client()?, adopt.plain.output);
                let body = json!({
                    "gateway": adopt.gateway, "address": adopt.address, "plugin": adopt.plugin, "anyway": adopt.anyway,
                });
                let answer = client.send(client.request(Method::POST, &["candidates", "adopt"])?.json(&body)).await?;
                output.print(&answer, |answer| {
                    waits(answer)
                        .unwrap_or_else(|| format!("{} is being adopted; see `hostler device list`", adopt.address))
                })
            }
        }
    }
}

impl One {
    async fn order(self, method: Method, what: Option<&str>, said: &str) -> Result<()> {
        let client = self.plain.connection.client()?;
        let path: Vec<&str> = ["devices", self.id.as_str()].into_iter().chain(what).collect();
        let answer = client.send(client.request(method, &path)?).await?;
        self.plain.output.print(&answer, |answer| waits(answer).unwrap_or_else(|| format!("{} {said}", self.id)))
    }
}

impl Trust {
    async fn run(self) -> Result<()> {
        let client = self.plain.connection.client()?;
        let request = client.request(Method::POST, &["devices", &self.id, "trust"])?;
        let answer = client.send(request.json(&json!({ "certificate": self.certificate }))).await?;
        let done = || format!("{} is to be known by this certificate; its gateway is told", self.id);
        self.plain.output.print(&answer, |answer| waits(answer).unwrap_or_else(done))
    }
}

impl List {
    async fn run(self) -> Result<()> {
        let client = self.plain.connection.client()?;
        let words = (!self.words.is_empty()).then(|| self.words.join(" "));
        let given = [
            ("text", words),
            ("condition", self.condition),
            ("site", self.site),
            ("owner", self.owner),
            ("tag", self.tag),
        ];
        let query: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let page = whole(&client, &query, if self.all { usize::MAX } else { self.limit }).await?;
        self.plain.output.print(&page, |page| {
            let rows = each(page, "/rows").map(|row| {
                vec![
                    text(row, "/id"),
                    text(row, "/title"),
                    text(row, "/condition"),
                    lowest(row),
                    text(row, "/pages"),
                    text(row, "/site"),
                    text(row, "/gateway"),
                    ago(row, "/read_at"),
                    text(row, "/headline"),
                ]
            });
            let headings =
                ["device", "model", "condition", "lowest supply", "count", "site", "gateway", "read", "what"];
            let (total, shown) = (page["total"].as_u64().unwrap_or(0), each(page, "/rows").count());
            let more = if total > shown as u64 {
                format!("\n{shown} of {total} devices; `--all` lists them all")
            } else {
                String::new()
            };
            lines(&headings, rows) + &more
        })
    }
}

impl Place {
    /// The node takes whole placements; what isn't named here is what it has.
    async fn run(self) -> Result<()> {
        let (client, output) = (self.plain.connection.client()?, self.plain.output);
        let device = client.get(&["devices", &self.id]).await?;
        let mut placement = device["placement"].as_object().context("the node's answer can't be read")?.clone();
        let parts = [
            ("owner", self.owner.map(Value::from).or(self.no_owner.then_some(Value::Null))),
            ("site", self.site.map(Value::from).or(self.no_site.then_some(Value::Null))),
            ("tags", (self.no_tags || !self.tag.is_empty()).then(|| json!(self.tag))),
        ];
        for (name, value) in parts.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            placement.insert(name.to_owned(), value);
        }
        let request = client.request(Method::PUT, &["devices", &self.id, "placement"])?.json(&placement);
        client.send(request).await?;
        let device = client.get(&["devices", &self.id]).await?;
        output.print(&device["placement"], |placement| {
            let facts = ["site", "owner", "tags"].map(|name| (name, text(placement, &format!("/{name}"))));
            let facts = facts.map(|(name, value)| format!("{name:<6} {value}"));
            format!("{}\n{}", self.id, facts.join("\n"))
        })
    }
}

/// What a device can be told to do, with what each command takes.
fn commands_of(commands: &Value) -> String {
    let rows = commands.as_array().into_iter().flatten().map(|command| {
        let takes = each(command, "/parameters").map(|parameter| {
            let kind = &parameter["kind"];
            let choices: Vec<String> = each(kind, "/choice").map(|choice| text(choice, "/value")).collect();
            let range = || format!("{} to {}", text(kind, "/integer/min"), text(kind, "/integer/max"));
            let takes = match () {
                () if !choices.is_empty() => choices.join("|"),
                () if kind.get("integer").is_some() => range(),
                () if kind.get("text").is_some() => "TEXT".to_owned(),
                () => "true|false".to_owned(),
            };
            let given = format!("{}={takes}", text(parameter, "/name"));
            if parameter["required"] == json!(true) { given } else { format!("[{given}]") }
        });
        let takes: Vec<String> = takes.collect();
        vec![text(command, "/name"), takes.join(" "), text(command, "/may"), text(command, "/help")]
    });
    table(&["command", "takes", "right", "what it does"], rows)
}

/// The devices that fit a query, up to so many: the node lists them page by page.
async fn whole(client: &Client, query: &[(&str, String)], most: usize) -> Result<Value> {
    const PAGE: usize = 1_000;
    let mut rows: Vec<Value> = Vec::new();
    loop {
        let span = [("offset", rows.len()), ("limit", PAGE.min(most - rows.len()))];
        let request = client.request(Method::GET, &["devices"])?.query(query).query(&span);
        let mut page = client.send(request).await?;
        let more: Vec<Value> = each(&page, "/rows").cloned().collect();
        let done = more.is_empty();
        rows.extend(more);
        if done || rows.len() >= most || page["total"].as_u64().is_none_or(|total| rows.len() as u64 >= total) {
            page["rows"] = Value::Array(rows);
            return Ok(page);
        }
    }
}

/// What to say of an order for a gateway that is away.
fn waits(ordered: &Value) -> Option<String> {
    let away = ordered.get("away").filter(|away| !away.is_null())?;
    Some(format!("{}; it is done when it returns", gone(away)))
}

fn gone(away: &Value) -> String {
    let gateway = text(away, "/gateway");
    if away["since"].is_null() {
        return format!("{gateway} is away");
    }
    format!("{gateway} is away, and was here {}", ago(away, "/since"))
}

fn lowest(row: &Value) -> String {
    match row.pointer("/lowest/fraction").and_then(Value::as_f64) {
        Some(fraction) => format!("{:.0} % {}", fraction * 100.0, text(row, "/lowest/label")),
        None => "-".to_owned(),
    }
}

fn discovered(found: &Value) -> String {
    let rows = found.as_array().into_iter().flatten().map(|one| {
        let claims: Vec<String> = each(one, "/candidate/claims")
            .map(|claim| {
                format!("{} ({}): {}", text(claim, "/plugin"), text(claim, "/certainty"), text(claim, "/title"))
            })
            .collect();
        let claims = if claims.is_empty() { "no plug-in knows it".to_owned() } else { claims.join("; ") };
        vec![text(one, "/gateway"), text(one, "/candidate/reach/address"), claims, ago(one, "/candidate/seen_at")]
    });
    table(&["gateway", "address", "recognised by", "seen"], rows)
}

fn show(both: &Value) -> String {
    let device = &both["device"];
    let facts = [
        ("device", "/device/id"),
        ("maker", "/device/identity/manufacturer"),
        ("model", "/device/identity/model"),
        ("serial number", "/device/identity/serial"),
        ("hardware address", "/device/identity/mac"),
        ("firmware", "/device/identity/firmware"),
        ("address", "/device/reach/address"),
        ("gateway", "/device/gateway"),
        ("certificate", "/device/certificate/trusted"),
        ("shows another", "/device/certificate/shown"),
        ("plug-in", "/device/plugin"),
        ("site", "/placement/site"),
        ("owner", "/placement/owner"),
        ("tags", "/placement/tags"),
        ("condition", "/condition"),
        ("trouble", "/snapshot/trouble/text"),
        ("console", "/snapshot/report/console"),
    ];
    let facts = facts.into_iter().map(|(name, at)| (name, text(device, at))).filter(|(_, value)| value != "-");
    let mut shown: Vec<String> = facts.map(|(name, value)| format!("{name:<17} {value}")).collect();
    let path: Vec<&str> = each(device, "/path").filter_map(Value::as_str).collect();
    if path.len() > 1 {
        shown.push(format!("{:<17} {}", "behind", path.join(" › ")));
    }
    if let Some(away) = device.get("away").filter(|away| !away.is_null()) {
        shown.push(format!("{:<17} {}; this is what it told last", "gateway away", gone(away)));
    }
    shown.push(format!("{:<17} {}", "read", ago(device, "/snapshot/read_at")));
    let readings = each(device, "/snapshot/report/readings").map(|reading| {
        let label = if reading["label"].is_null() { text(reading, "/name") } else { text(reading, "/label") };
        vec![label, value(reading), text(reading, "/name")]
    });
    let readings = table(&["reading", "value", "name"], readings);
    let alerts = each(device, "/snapshot/report/alerts")
        .map(|alert| vec![text(alert, "/severity"), text(alert, "/code"), text(alert, "/part"), text(alert, "/text")]);
    let alerts = table(&["severity", "alert", "part", "text"], alerts);
    let events = both["events"].as_array().into_iter().flatten().take(10);
    let events = table(&["when", "event"], events.map(|event| vec![ago(event, "/at"), text(event, "/text")]));
    format!("{}\n\n{readings}\n\nalerts: {alerts}\n\n{events}", shown.join("\n"))
}

/// A reading's value with its unit, as people say it.
fn value(reading: &Value) -> String {
    let unit = reading["unit"].as_str().unwrap_or_default().trim_matches(['{', '}']).to_owned();
    let value = &reading["value"];
    if let Some(level) = value.get("level") {
        let capacity = level["capacity"].as_f64();
        return match (level.pointer("/remaining/exact").and_then(Value::as_f64), capacity) {
            (Some(left), Some(full)) if full > 0.0 => format!("{:.0} % ({left} of {full} {unit})", 100.0 * left / full),
            (Some(left), _) => format!("{left} {unit}"),
            (None, _) => level["remaining"].as_str().unwrap_or("unknown").replace('-', " "),
        };
    }
    let plain = ["counter", "gauge", "state", "text"].iter().find_map(|kind| value.get(kind));
    match plain {
        Some(Value::String(text)) => text.clone(),
        Some(number) => format!("{number} {unit}").trim().to_owned(),
        None => "-".to_owned(),
    }
}
