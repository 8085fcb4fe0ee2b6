//! `hostler join …`

use crate::client::Plain;
use crate::output::text;
use anyhow::Result;
use clap::{Args, Subcommand};
use hostler_core::Secret;
use reqwest::Method;
use serde_json::{Value, json};

/// At a device: see whether it is connected to its manager, let it take a PIN, enter one.
#[derive(Subcommand)]
#[command(after_help = "\
Examples, at the device:
  hostler join status
  hostler join open                     (what a key at the device does: it takes a PIN for a while)
  hostler join pin                      (asks for it, or reads it: hostler join pin < file)
  hostler join user ann@example.com     (only her PIN connects it then)")]
pub enum Join {
    /// Show how the device stands
    Status(Plain),
    /// Take a PIN for a while, over HTTP or SNMP
    Open(Plain),
    /// Take none any more, and give up the one that is being tried
    Close(Plain),
    /// Enter a PIN; it takes the place of one that is being tried
    Pin(Entered),
    /// Enter a key, which is proved and never sent
    Key(Entered),
    /// Enter whose device it is to be; nobody to take that back
    User(User),
}

#[derive(Args)]
pub struct Entered {
    /// As it was given out; asked for, or read from standard input, where it isn't given: others see what stands here
    #[arg(value_parser = crate::secret::parse)]
    text: Option<Secret>,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct User {
    /// The user's ID
    user: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

impl Join {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Status(plain) => {
                let status = plain.connection.client()?.get(&["membership"]).await?;
                plain.output.print(&status, show)
            }
            Self::Open(plain) => {
                let client = plain.connection.client()?;
                let status = client.send(client.request(Method::POST, &["membership", "window"])?).await?;
                plain.output.print(&status, show)
            }
            Self::Close(plain) => {
                let client = plain.connection.client()?;
                client.send(client.request(Method::DELETE, &["membership", "window"])?).await?;
                // An answer of the manager may have come first: what is so now is said.
                plain.output.print(&client.get(&["membership"]).await?, show)
            }
            Self::Pin(secret) => secret.enter("pin").await,
            Self::Key(secret) => secret.enter("key").await,
            Self::User(user) => {
                let client = user.plain.connection.client()?;
                let request = client.request(Method::PUT, &["membership", "user"])?.json(&json!({ "user": user.user }));
                let answer = client.send(request).await?;
                user.plain.output.print(&answer, |_| match &user.user {
                    Some(user) => format!("only {user}'s PIN connects this device"),
                    None => "any user's PIN connects this device".to_owned(),
                })
            }
        }
    }
}

impl Entered {
    async fn enter(self, what: &str) -> Result<()> {
        let client = self.plain.connection.client()?;
        let text = self.text.map_or_else(|| crate::secret::ask(what), Ok)?;
        let request = client.request(Method::POST, &["membership"])?.json(&json!({ what: text.expose() }));
        let status = client.send(request).await?;
        self.plain.output.print(&status, show)
    }
}

fn show(status: &Value) -> String {
    let mut lines = vec![match (status["manager"].as_str(), status["state"].as_str()) {
        (Some(manager), _) => {
            format!("{} is connected to {manager}; its owner is {}", text(status, "/device"), text(status, "/owner"))
        }
        (None, Some("connecting")) => format!("{} is connecting", text(status, "/device")),
        (None, _) => format!("{} is not connected", text(status, "/device")),
    }];
    lines.extend(status["why"].as_str().map(str::to_owned));
    match status["takes_pin_for_s"].as_u64() {
        Some(0) | None => {}
        Some(seconds) => lines.push(format!("it takes a PIN for {seconds} more seconds")),
    }
    lines.join("\n")
}
