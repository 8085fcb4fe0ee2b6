//! `hostler registration …`

use crate::client::Plain;
use crate::output::{ago, each, table, text};
use anyhow::Result;
use clap::{Args, Subcommand};
use hostler_core::Timestamp;
use hostler_core::enrollment::pin::typed_length_said;
use reqwest::Method;
use serde_json::{Value, json};

/// Register devices: get the PINs by which they come in.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  hostler registration add 192.168.1.17 192.168.1.18 printer-3.example
  hostler registration add --shared 20
  hostler registration show r-4f1c09d2a7b3e856

Open a PIN's URL in a browser in the device's network; the device takes it while its window is open.")]
pub enum Registration {
    /// Register devices, and print the URL or PIN of each
    Add(Add),
    /// List what was registered
    #[command(visible_alias = "ls")]
    List(Plain),
    /// Show one registration: how far each device is
    Show(One),
    /// Make its PINs good for nothing; the devices that came in stay
    Withdraw(One),
}

#[derive(Args)]
pub struct Add {
    /// Addresses: IP or host names
    addresses: Vec<String>,
    /// One PIN for so many devices, instead of one for each address
    #[arg(long)]
    shared: Option<u32>,
    /// One PIN for any number of devices, where that is allowed
    #[arg(long, conflicts_with = "shared")]
    any: bool,
    /// Keys, which devices prove and never send, instead of PINs
    #[arg(long)]
    keys: bool,
    /// Short PINs for people to type
    #[arg(long, conflicts_with = "keys")]
    typed: bool,
    /// How many hours they live; a day where not said
    #[arg(long)]
    hours: Option<u32>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct One {
    /// The registration's ID
    id: String,
    #[command(flatten)]
    plain: Plain,
}

impl Registration {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(plain) => {
                let all = plain.connection.client()?.get(&["registrations"]).await?;
                plain.output.print(&all, list)
            }
            Self::Show(one) => {
                let found = one.plain.connection.client()?.get(&["registrations", &one.id]).await?;
                one.plain.output.print(&found, show)
            }
            Self::Withdraw(one) => {
                let client = one.plain.connection.client()?;
                let answer = client.send(client.request(Method::DELETE, &["registrations", &one.id])?).await?;
                one.plain.output.print(&answer, |_| format!("the PINs of {} are good for nothing any more", one.id))
            }
        }
    }
}

impl Add {
    async fn run(self) -> Result<()> {
        let client = self.plain.connection.client()?;
        let sharing = match (self.shared, self.any) {
            (Some(places), _) => json!({ "shared": places }),
            (None, true) => json!("any"),
            (None, false) => json!("each"),
        };
        let body = json!({
            "addresses": self.addresses.join("\n"), "sharing": sharing, "keys": self.keys, "typed": self.typed,
            "hours": self.hours,
        });
        let made = client.send(client.request(Method::POST, &["registrations"])?.json(&body)).await?;
        self.plain.output.print(&made, show)
    }
}

fn list(all: &Value) -> String {
    let rows = all.as_array().into_iter().flatten().map(|row| {
        let came = match row["addresses"].as_u64() {
            None | Some(0) => text(row, "/connected"),
            Some(addresses) => format!("{} of {addresses}", text(row, "/connected")),
        };
        vec![text(row, "/id"), text(row, "/user"), ago(row, "/made_at"), ends(row), came]
    });
    table(&["registration", "user", "made", "ends", "came in"], rows)
}

fn ends(row: &Value) -> String {
    row["expires_at"].as_u64().map_or_else(|| "-".to_owned(), |at| Timestamp(at).to_string())
}

fn show(found: &Value) -> String {
    let mut said = vec![format!("{}, until {}", text(found, "/id"), ends(found))];
    if let Some(length) = found["pin_length"].as_u64().and_then(|length| usize::try_from(length).ok()) {
        said.push(format!("PINs have {}", typed_length_said(length)));
    }
    if let Some(shared) = found.get("shared").filter(|shared| !shared.is_null()) {
        let left = if shared["left"].is_null() { "any number".to_owned() } else { text(shared, "/left") };
        said.push(format!("one for all: {}", text(found, "/secrets/0")));
        said.push(format!("{} came in, {left} more may", text(shared, "/taken")));
    }
    let own = found.get("shared").is_none_or(Value::is_null);
    let rows = each(found, "/entries").enumerate().map(|(at, entry)| {
        let secret = if own { text(found, &format!("/secrets/{at}")) } else { "-".to_owned() };
        let carries = entry["url"].as_str().map_or(secret, str::to_owned);
        let state = match entry["why"].as_str() {
            Some(why) => format!("{}: {why}", text(entry, "/state")),
            None => text(entry, "/state"),
        };
        vec![text(entry, "/address"), state, text(entry, "/device"), carries]
    });
    if each(found, "/entries").next().is_some() {
        said.push(table(&["address", "state", "device", "url or secret"], rows));
    }
    for refused in each(found, "/refused") {
        said.push(format!("line {}, {}: {}", text(refused, "/line"), text(refused, "/text"), text(refused, "/why")));
    }
    said.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e04_the_length_of_typed_pins_is_shown_with_its_reason() {
        let shown = show(&json!({ "id": "r-1", "expires_at": 0, "pin_length": 10, "entries": [] }));
        assert!(shown.contains("PINs have 10 characters: so many that 100,000 guesses a day"), "{shown}");
        assert!(shown.contains("one in a million") && !shown.contains("  "), "{shown}");
        assert!(!show(&json!({ "id": "r-1", "expires_at": 0, "entries": [] })).contains("characters"));
    }
}
