//! `hostler token …`

use crate::client::Plain;
use crate::output::{table, text};
use anyhow::Result;
use clap::{Args, Subcommand};
use hostler_core::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

/// Make and end the tokens by which programs use the API.
#[derive(Subcommand)]
#[command(after_help = "\
Example:
  hostler token add prometheus --right see --days 365

A program's token can't make or end tokens: use --data on the node itself, or the page.")]
pub enum Token {
    /// List the tokens and sessions that live
    #[command(visible_alias = "ls")]
    List(Plain),
    /// Make a token; it is shown this once
    Add(Add),
    /// End a token at once
    Revoke(Revoke),
}

#[derive(Args)]
pub struct Add {
    /// What to call it
    label: String,
    /// own, see, operate or administer
    #[arg(long, default_value = "see")]
    right: hostler_core::viewer::Right,
    /// How many days it lives
    #[arg(long, default_value_t = 90)]
    days: u32,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Revoke {
    /// The beginning of its ID
    id: String,
    #[command(flatten)]
    plain: Plain,
}

impl Token {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(plain) => {
                let tokens = plain.connection.client()?.get(&["tokens"]).await?;
                plain.output.print(&tokens, list)
            }
            Self::Add(add) => {
                let (client, output) = (add.plain.connection.client()?, add.plain.output);
                let body = json!({ "label": add.label, "right": add.right, "days": add.days });
                let made = client.send(client.request(Method::POST, &["tokens"])?.json(&body)).await?;
                output.print(&made, |made| text(made, "/token"))
            }
            Self::Revoke(revoke) => {
                let (client, output) = (revoke.plain.connection.client()?, revoke.plain.output);
                let answer = client.send(client.request(Method::DELETE, &["tokens", &revoke.id])?).await?;
                output.print(&answer, |_| format!("{} has ended", revoke.id))
            }
        }
    }
}

fn list(tokens: &Value) -> String {
    let rows = tokens.as_array().into_iter().flatten().map(|token| {
        let ends = token["expires_at"].as_u64().map_or_else(|| "-".to_owned(), |at| Timestamp(at).to_string());
        vec![
            text(token, "/id"),
            text(token, "/label"),
            text(token, "/user"),
            text(token, "/kind"),
            text(token, "/right"),
            ends,
        ]
    });
    table(&["id", "name", "user", "kind", "right", "ends"], rows)
}
