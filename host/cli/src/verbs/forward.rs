//! `hostler forward …`

use crate::client::Plain;
use crate::output::{ago, table, text};
use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

/// See where notices are forwarded to, and whether that works.
#[derive(Subcommand)]
#[command(
    after_help = "Rules are in the node's configuration: [[forward]], and [mail] for mails. See docs/notices.md."
)]
pub enum Forward {
    /// List the rules, and how each stands
    #[command(visible_alias = "ls")]
    List(Plain),
    /// Send one notice by a rule now, and say whether the receiver took it
    Test(Test),
}

#[derive(Args)]
pub struct Test {
    /// The rule's name
    name: String,
    #[command(flatten)]
    plain: Plain,
}

impl Forward {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(plain) => {
                let rules = plain.connection.client()?.get(&["forwards"]).await?;
                plain.output.print(&rules, |rules| {
                    let rows = rules.as_array().into_iter().flatten().map(|rule| {
                        let more = if rule["more_waiting"] == Value::Bool(true) { " and more" } else { "" };
                        vec![
                            text(rule, "/name"),
                            text(rule, "/to"),
                            text(rule, "/delivered"),
                            ago(rule, "/delivered_at"),
                            text(rule, "/waiting") + more,
                            text(rule, "/lost"),
                            text(rule, "/refused"),
                            text(rule, "/trouble/text"),
                        ]
                    });
                    table(&["rule", "to", "taken", "last", "waiting", "lost", "refused", "trouble"], rows)
                })
            }
            Self::Test(test) => {
                let client = test.plain.connection.client()?;
                let answer = client.send(client.request(Method::POST, &["forwards", &test.name, "test"])?).await?;
                test.plain.output.print(&answer, |_| format!("{} works: the receiver took a test notice", test.name))
            }
        }
    }
}
