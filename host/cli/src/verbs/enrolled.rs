//! `hostler enrolled …`

use crate::client::Plain;
use crate::output::{ago, table, text};
use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

/// The devices that came in by a PIN or key: see them, let them return, bar them.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  hostler enrolled list
  hostler enrolled return OR12345          (after a reset: its owner's next PIN lets it in again)
  hostler enrolled bar OR12345 --why stolen")]
pub enum Enrolled {
    /// List the devices that came in
    #[command(visible_alias = "ls")]
    List(Plain),
    /// Let a device connect anew after a reset; its token ends at once
    Return(One),
    /// Bar a device that was lost; its token ends at once
    Bar(Bar),
    /// Lift a bar
    Unbar(One),
    /// Release a device, so that another user's PIN lets it in; its token ends at once
    Release(One),
}

#[derive(Args)]
pub struct One {
    /// The device's ID
    device: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Bar {
    /// The device's ID
    device: String,
    /// Why, for those who see it barred
    #[arg(long, default_value = "lost")]
    why: String,
    #[command(flatten)]
    plain: Plain,
}

impl Enrolled {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(plain) => {
                let all = plain.connection.client()?.get(&["enrolled"]).await?;
                plain.output.print(&all, list)
            }
            Self::Return(one) => one.order(Method::POST, "return", "may connect anew, by its owner's next PIN").await,
            Self::Bar(bar) => {
                let client = bar.plain.connection.client()?;
                let request = client.request(Method::PUT, &["enrolled", &bar.device, "bar"])?;
                let answer = client.send(request.json(&json!({ "why": bar.why }))).await?;
                bar.plain.output.print(&answer, |_| format!("{} is barred", bar.device))
            }
            Self::Unbar(one) => one.order(Method::DELETE, "bar", "isn't barred any more; a PIN lets it in").await,
            Self::Release(one) => one.order(Method::POST, "release", "was released; any user's PIN lets it in").await,
        }
    }
}

impl One {
    async fn order(self, method: Method, what: &str, said: &str) -> Result<()> {
        let client = self.plain.connection.client()?;
        let answer = client.send(client.request(method, &["enrolled", &self.device, what])?).await?;
        self.plain.output.print(&answer, |_| format!("{} {said}", self.device))
    }
}

fn list(all: &Value) -> String {
    let rows = all.as_array().into_iter().flatten().map(|row| {
        let standing = match row["why"].as_str() {
            Some(why) => format!("{}: {why}", text(row, "/standing")),
            None => text(row, "/standing"),
        };
        vec![text(row, "/device"), text(row, "/node"), text(row, "/owner"), standing, ago(row, "/at")]
    });
    table(&["device", "node", "owner", "standing", "came in"], rows)
}
