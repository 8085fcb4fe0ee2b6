//! `hostler user …`

use crate::client::Plain;
use crate::output::{table, text};
use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

/// See and remove the users, give a new password to who lost theirs.
#[derive(Subcommand)]
#[command(after_help = "\
Example, on the node itself, when nobody can log in any more:
  hostler user password admin --data /var/lib/hostler")]
pub enum User {
    /// List the users
    #[command(visible_alias = "ls")]
    List(Plain),
    /// Make a new password for a user; it is shown this once, and their sessions and tokens end
    Password(Named),
    /// Remove a user, with their sessions and tokens
    Remove(Named),
}

#[derive(Args)]
pub struct Named {
    /// The user's ID
    name: String,
    #[command(flatten)]
    plain: Plain,
}

impl User {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(plain) => {
                let users = plain.connection.client()?.get(&["users"]).await?;
                plain.output.print(&users, list)
            }
            Self::Password(named) => {
                let (client, output) = (named.plain.connection.client()?, named.plain.output);
                let request = client.request(Method::POST, &["users", &named.name, "password"])?;
                let made = client.send(request).await?;
                output.print(&made, |made| text(made, "/password"))
            }
            Self::Remove(named) => {
                let (client, output) = (named.plain.connection.client()?, named.plain.output);
                let answer = client.send(client.request(Method::DELETE, &["users", &named.name])?).await?;
                output.print(&answer, |_| format!("{} was removed", named.name))
            }
        }
    }
}

fn list(users: &Value) -> String {
    let rows = users.as_array().into_iter().flatten().map(|user| vec![text(user, "/name"), text(user, "/right")]);
    table(&["user", "right"], rows)
}
