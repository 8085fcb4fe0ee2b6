//! `hostler schedule …`

use crate::client::{Client, Plain};
use crate::output::{each, table, text};
use anyhow::Result;
use clap::{ArgGroup, Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// What is done by the calendar: see it, make it, change it.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  hostler schedule next \"30 2 * * 1-5\" --zone Europe/Berlin
  hostler schedule add \"Nightly reading\" \"30 2 * * *\" --zone Europe/Berlin --read --site berlin
  hostler schedule add \"Billing\" monthly --counters --tag leased --within 12h
  hostler schedule add \"Monday's pages\" \"0 7 * * 1\" --command test-page --site berlin
  hostler schedule add \"Good night\" \"0 20 * * *\" --power sleep --type mfp
  hostler schedule add \"Search\" daily --discover --missed skip
  hostler schedule edit nightly-reading --calendar \"0 3 * * *\"

A calendar is five fields: minute, hour, day of month, month, day of week; or hourly, daily, weekly, monthly, yearly.")]
pub enum Schedule {
    /// Show one schedule, and what became of each device that its last run asked
    Show(One),
    /// List the schedules
    #[command(visible_alias = "ls")]
    List(Plain),
    /// Make a schedule
    Add(Add),
    /// Change what is given of a schedule
    Edit(Edit),
    /// Remove a schedule
    #[command(visible_alias = "rm")]
    Remove(One),
    /// Run a schedule now
    Run(One),
    /// Let a schedule rest
    Pause(One),
    /// Let a schedule run again; what was due meanwhile wasn't missed
    Resume(One),
    /// Show when a calendar expression comes next, in its zone and in UTC
    Next(Next),
}

#[derive(Args)]
pub struct One {
    /// The schedule's ID
    id: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Add {
    /// What to call it
    name: String,
    /// When, such as "30 2 * * 1-5" or daily
    calendar: String,
    /// The time zone that this is meant in, such as Europe/Berlin
    #[arg(long, default_value = "UTC")]
    zone: String,
    #[command(flatten)]
    work: Work,
    /// What becomes of times that were missed: run-once or skip
    #[arg(long, default_value = "run-once")]
    missed: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Edit {
    /// The schedule's ID
    id: String,
    /// What to call it
    #[arg(long)]
    name: Option<String>,
    /// When, such as "30 2 * * 1-5" or daily
    #[arg(long)]
    calendar: Option<String>,
    /// The time zone that this is meant in, such as Europe/Berlin
    #[arg(long)]
    zone: Option<String>,
    #[command(flatten)]
    work: Work,
    /// What becomes of times that were missed: run-once or skip
    #[arg(long)]
    missed: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

/// What is done: one of `--read`, `--counters`, `--command`, `--power` and `--discover`.
#[derive(Args)]
#[command(group = ArgGroup::new("of-devices").args(["read", "counters", "command", "power"]).conflicts_with("discover"))]
struct Work {
    /// Read devices: every one, or those that fit
    #[arg(long)]
    read: bool,
    /// Fetch the counters of devices, by a request each
    #[arg(long)]
    counters: bool,
    /// Have devices do this command, by a request each
    #[arg(long)]
    command: Option<String>,
    /// What the command is told, such as by=display; may be given several times
    #[arg(long = "argument", requires = "command", value_parser = super::device::pair)]
    arguments: Vec<(String, String)>,
    /// Have devices wake, sleep or go off and on, by a request each
    #[arg(long, value_parser = ["wake", "sleep", "power-cycle"])]
    power: Option<String>,
    /// How long each request may take, such as 30s, 5m or 2h; at most 7d
    #[arg(long, default_value = "1h", value_parser = super::request::duration)]
    within: Duration,
    /// This device; may be given several times
    #[arg(long, requires = "of-devices", conflicts_with_all = ["site", "tag", "kind"])]
    device: Vec<String>,
    /// Devices at this site
    #[arg(long, requires = "of-devices")]
    site: Option<String>,
    /// Devices with this tag
    #[arg(long, requires = "of-devices")]
    tag: Option<String>,
    /// Devices of this type: mfp, printer, scanner, appliance, vending-machine, other
    #[arg(long = "type", requires = "of-devices")]
    kind: Option<String>,
    /// Search networks: those of every gateway, or of one
    #[arg(long)]
    discover: bool,
    /// The gateway whose networks are searched
    #[arg(long, requires = "discover")]
    gateway: Option<String>,
}

#[derive(Args)]
pub struct Next {
    /// When, such as "30 2 * * 1-5" or daily
    expression: String,
    /// The time zone that this is meant in, such as Europe/Berlin
    #[arg(long, default_value = "UTC")]
    zone: String,
    #[command(flatten)]
    plain: Plain,
}

impl Schedule {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(plain) => {
                let all = plain.connection.client()?.get(&["schedules"]).await?;
                plain.output.print(&all, list)
            }
            Self::Show(one) => {
                let known = one.plain.connection.client()?.get(&["schedules", &one.id]).await?;
                one.plain.output.print(&known, became)
            }
            Self::Add(add) => add.run().await,
            Self::Edit(edit) => edit.run().await,
            Self::Remove(one) => {
                let client = one.plain.connection.client()?;
                let answer = client.send(client.request(Method::DELETE, &["schedules", &one.id])?).await?;
                one.plain.output.print(&answer, |_| format!("{} was removed", one.id))
            }
            Self::Run(one) => one.order("run", "runs; its end is told by an event").await,
            Self::Pause(one) => one.order("pause", "rests").await,
            Self::Resume(one) => one.order("resume", "runs again").await,
            Self::Next(next) => {
                let client = next.plain.connection.client()?;
                let asked = [("calendar", &next.expression), ("zone", &next.zone)];
                let coming = client.send(client.request(Method::GET, &["calendar"])?.query(&asked)).await?;
                next.plain.output.print(&coming, |coming| {
                    let rows = each(coming, "/times").map(|time| vec![text(time, "/local"), text(time, "/utc")]);
                    table(&[&text(coming, "/zone"), "UTC"], rows)
                })
            }
        }
    }
}

impl One {
    async fn order(self, what: &str, said: &str) -> Result<()> {
        let client = self.plain.connection.client()?;
        let answer = client.send(client.request(Method::POST, &["schedules", &self.id, what])?).await?;
        self.plain.output.print(&answer, |answer| match answer["next"]["local"].as_str() {
            Some(next) => format!("{} {said}; by its calendar next at {next}", self.id),
            None => format!("{} {said}", self.id),
        })
    }
}

impl Add {
    async fn run(self) -> Result<()> {
        let client = self.plain.connection.client()?;
        let Some(work) = self.work.given() else {
            anyhow::bail!(
                "it isn't said what shall be done; add --read, --counters, --command or --power for devices, or --discover for networks"
            )
        };
        let body = json!({
            "name": self.name, "calendar": self.calendar, "zone": self.zone, "work": work, "missed": self.missed,
        });
        let made = client.send(client.request(Method::POST, &["schedules"])?.json(&body)).await?;
        self.plain.output.print(&made, show)
    }
}

impl Edit {
    async fn run(self) -> Result<()> {
        let client: Client = self.plain.connection.client()?;
        let known = client.get(&["schedules", &self.id]).await?;
        let or = |given: Option<String>, field: &str| given.map_or_else(|| known[field].clone(), Value::String);
        let body = json!({
            "name": or(self.name, "name"), "calendar": or(self.calendar, "calendar"), "zone": or(self.zone, "zone"),
            "work": self.work.given().unwrap_or_else(|| known["work"].clone()), "missed": or(self.missed, "missed"),
        });
        let edited = client.send(client.request(Method::PUT, &["schedules", &self.id])?.json(&body)).await?;
        self.plain.output.print(&edited, show)
    }
}

impl Work {
    /// What was said, as the API takes it; `None` where nothing was.
    fn given(self) -> Option<Value> {
        let Self { read, counters, command, arguments, power, within, device, site, tag, kind, discover, gateway } =
            self;
        if discover {
            return Some(json!({ "do": "discover-networks", "gateway": gateway }));
        }
        let devices = match device.is_empty() {
            true => json!({ "where": { "site": site, "tag": tag, "type": kind } }),
            false => json!({ "ids": device }),
        };
        if read {
            return Some(json!({ "do": "read-devices", "devices": devices }));
        }
        let asked = match (counters, command, power) {
            (true, ..) => json!({ "ask": "counters" }),
            (_, Some(name), _) => {
                let arguments: Value = arguments.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
                json!({ "ask": "command", "name": name, "arguments": arguments })
            }
            (.., Some(wish)) => json!({ "ask": "power", "wish": wish }),
            _ => return None,
        };
        Some(json!({ "do": "ask-devices", "devices": devices, "asked": asked, "within_s": within.as_secs() }))
    }
}

fn list(all: &Value) -> String {
    let rows = all.as_array().into_iter().flatten().map(|row| {
        let next = if row["standing"] == "paused" { "paused".to_owned() } else { text(row, "/next/local") };
        let last = if row["running"].is_null() { text(row, "/ended") } else { "running".to_owned() };
        vec![text(row, "/id"), text(row, "/calendar"), text(row, "/zone"), text(row, "/shall"), next, last]
    });
    table(&["schedule", "calendar", "zone", "shall", "next", "last"], rows)
}

/// A schedule, and what became of each device.
fn became(known: &Value) -> String {
    let ended = match known["ended"].as_str() {
        Some(ended) => format!("\nlast it {ended}"),
        None => String::new(),
    };
    let rows: Vec<Vec<String>> = each(known, "/last/outcome/each")
        .map(|became| {
            let failed = became["failed"].as_str().unwrap_or("answered").to_owned();
            vec![text(became, "/device"), failed, text(became, "/request")]
        })
        .collect();
    let of_each = if rows.is_empty() {
        String::new()
    } else {
        format!("\n\n{}", table(&["device", "what became of it", "request"], rows))
    };
    format!("{}{ended}{of_each}", show(known))
}

fn show(made: &Value) -> String {
    let next = match made["next"]["local"].as_str() {
        Some(next) => format!("next at {next} ({})", text(made, "/next/utc")),
        None => "paused".to_owned(),
    };
    format!("{} shall {}; {next}", text(made, "/id"), text(made, "/shall"))
}
