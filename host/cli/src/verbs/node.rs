//! `hostler node …`

use crate::client::Plain;
use crate::output::{ago, table, text};
use crate::secret;
use crate::verbs::node_log::{LogLevel, NodeLog};
use crate::verbs::request::{Patience, ask, ask_at, duration};
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

/// See the nodes of the tree, let a gateway call this node, or no longer.
#[derive(Subcommand)]
#[command(after_help = "\
Example, at the manager, or at a gateway that others call:
  hostler node add gateway-1 > parent.token      (then bring that file to the gateway)
  hostler node join                              (what devices and gateways need that join here by a PIN)
  hostler node check gateway-2                   (is it there, however many gateways it is behind?)
  hostler node set gateway-2 --read-every 5m --search-every as-configured
  hostler node log gateway-2 --since 2h --out gateway-2.log
  hostler node log-level gateway-2 hostler_services debug --for 10m
  hostler node credential set gateway-2 office < office.toml")]
pub enum Node {
    /// List the nodes
    #[command(visible_alias = "ls")]
    List(Plain),
    /// Let a gateway call this node, a manager or another gateway; prints the token that it shows, this once
    Add(Add),
    /// Print what a node's configuration needs to join the fleet here, at the manager or a gateway, by a PIN or key
    Join(Plain),
    /// Show one node, and what waits for it
    Show(One),
    /// Ask a node whether it is there, however many gateways it is behind
    Check(Check),
    /// Show how often a gateway reads its devices and searches its networks, or set it
    Set(Set),
    /// Fetch a node's own log, however many gateways it is behind
    Log(NodeLog),
    /// Show which parts of a node log more or less than usual, or have one do so for a while
    LogLevel(LogLevel),
    /// Give a node below what it reaches its devices with
    #[command(subcommand)]
    Credential(Credential),
    /// Let a gateway call this node no longer; what is known of its devices, and of what is behind it, goes with it
    Remove(Remove),
}

/// Give a node below what it reaches its devices with.
#[derive(Subcommand)]
pub enum Credential {
    /// Give it one, at the manager: what is written below `[credentials.snmp.…]` in a configuration, at standard input, such as
    /// `version = "2c"` and, on another line, `community = "…"`. It is sealed to the node, so no gateway on the way reads it
    Set(SetCredential),
}

#[derive(Args)]
pub struct SetCredential {
    /// The node's ID; it joined by a PIN or key
    node: String,
    /// The credential's name, as in the node's configuration or a plug-in's manifest
    name: String,
    /// What it is
    #[arg(long, value_enum, default_value_t = CredentialKind::Snmp)]
    kind: CredentialKind,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    plain: Plain,
}

/// What a credential is for.
#[derive(Clone, Copy, ValueEnum)]
pub enum CredentialKind {
    /// SNMP: `version` and `community`, or an SNMPv3 user
    Snmp,
    /// A device's web server: `user` and `password`
    Http,
}

#[derive(Args)]
pub struct Add {
    /// The gateway's ID, as in its configuration
    id: String,
    /// Make a new token for a gateway that has one; the former ends
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct One {
    /// The node's ID
    id: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Check {
    /// The node's ID
    id: String,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Set {
    /// The node's ID
    id: String,
    #[command(flatten)]
    read: ReadEvery,
    /// Search its networks so often, such as 30m, or as-configured
    #[arg(long, value_parser = every)]
    search_every: Option<Value>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    plain: Plain,
}

/// How often is read.
#[derive(Args)]
pub struct ReadEvery {
    /// Read so often, such as 5m, or as-configured
    #[arg(long, value_parser = every)]
    pub read_every: Option<Value>,
}

/// An interval, as the API takes it: in whole seconds.
fn every(text: &str) -> Result<Value, String> {
    if text == "as-configured" {
        return Ok(json!(text));
    }
    let length = duration(text).map_err(|why| format!("{why}, or as-configured"))?;
    if length.subsec_nanos() != 0 {
        return Err(format!("{text:?} is no whole number of seconds"));
    }
    Ok(json!({ "every-s": length.as_secs() }))
}

#[derive(Args)]
pub struct Remove {
    /// The gateway's ID
    id: String,
    #[command(flatten)]
    plain: Plain,
}

impl Node {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(plain) => {
                let nodes = plain.connection.client()?.get(&["nodes"]).await?;
                plain.output.print(&nodes, |nodes| {
                    let rows = nodes.as_array().into_iter().flatten().map(|node| {
                        let is = |what: &str| node[what] == json!(true);
                        let path: Vec<&str> =
                            node["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                        let behind = path.split_last().map(|(_, above)| above.join(" › ")).unwrap_or_default();
                        let further = !behind.is_empty();
                        let here = match (is("own"), further, is("connected"), is("called")) {
                            (true, _, _, _) => "this node".to_owned(),
                            (false, true, true, _) => "behind another".to_owned(),
                            (false, true, false, _) => "behind one away".to_owned(),
                            (false, false, true, _) => "connected".to_owned(),
                            (false, false, false, true) => "away".to_owned(),
                            (false, false, false, false) => "never called".to_owned(),
                        };
                        // Both are the neighbour's, not its own.
                        let its = |told: String| if further { "–".to_owned() } else { told };
                        let (seen, waiting) = (its(ago(node, "/last_seen")), its(text(node, "/waiting")));
                        vec![text(node, "/id"), behind, here, seen, text(node, "/devices"), waiting]
                    });
                    table(&["node", "behind", "state", "seen", "devices", "waiting"], rows)
                })
            }
            Self::Add(add) => {
                let (client, output) = (add.plain.connection.client()?, add.plain.output);
                let request =
                    client.request(Method::POST, &["nodes"])?.json(&json!({ "id": add.id, "replace": add.replace }));
                let made = client.send(request).await?;
                output.print(&made, |made: &Value| text(made, "/token"))
            }
            Self::Join(plain) => {
                let join = plain.connection.client()?.get(&["join"]).await?;
                plain.output.print(&join, |join| {
                    let gateway = join["gateway"].as_str().map(|gateway| format!("\ngateway = \"{gateway}\""));
                    format!(
                        "[parent]\nurl = \"{}\"\nfingerprint = \"{}\"{}",
                        text(join, "/url"),
                        text(join, "/fingerprint"),
                        gateway.unwrap_or_default()
                    )
                })
            }
            Self::Show(one) => {
                let detail = one.plain.connection.client()?.get(&["nodes", &one.id]).await?;
                one.plain.output.print(&detail, |detail| {
                    let facts = [
                        ("node", text(detail, "/node/id")),
                        ("reached by", text(detail, "/node/path")),
                        ("connected", text(detail, "/node/connected")),
                        ("since", ago(detail, "/node/connected_since")),
                        ("last seen", ago(detail, "/node/last_seen")),
                        ("devices", text(detail, "/node/devices")),
                        ("waiting", text(detail, "/node/waiting")),
                    ];
                    let facts: Vec<String> = facts.map(|(name, value)| format!("{name:<11} {value}")).to_vec();
                    let waits = detail["waits"].as_array().into_iter().flatten();
                    let rows = waits.map(|one| vec![text(one, "/class"), text(one, "/to"), text(one, "/what")]);
                    format!("{}\n\n{}", facts.join("\n"), table(&["class", "for", "what waits"], rows))
                })
            }
            Self::Check(check) => {
                let body = json!({ "question": { "ask": "alive" }, "node": check.id });
                ask(&check.plain, &check.patience, body).await
            }
            Self::Set(set) => {
                let mut wish = serde_json::Map::new();
                wish.extend(set.read.read_every.map(|every| ("read".to_owned(), every)));
                wish.extend(set.search_every.map(|every| ("search".to_owned(), every)));
                let question = if wish.is_empty() {
                    json!({ "ask": "intervals" })
                } else {
                    json!({ "ask": "set-intervals", "wish": wish })
                };
                ask(&set.plain, &set.patience, json!({ "question": question, "node": set.id })).await
            }
            Self::Log(log) => log.run().await,
            Self::LogLevel(level) => level.run().await,
            Self::Credential(Credential::Set(set)) => {
                let kind = match set.kind {
                    CredentialKind::Snmp => "snmp",
                    CredentialKind::Http => "http",
                };
                let body = json!({ "kind": kind, "value": secret::ask("credential")?.expose() });
                ask_at(&set.plain, &set.patience, &["nodes", &set.node, "credentials", &set.name], body).await
            }
            Self::Remove(remove) => {
                let (client, output) = (remove.plain.connection.client()?, remove.plain.output);
                let answer = client.send(client.request(Method::DELETE, &["nodes", &remove.id])?).await?;
                output.print(&answer, |_| format!("{} was removed", remove.id))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d07_an_interval_is_taken_as_it_is_said_or_refused() {
        assert_eq!(every("5m"), Ok(json!({ "every-s": 300 })));
        assert_eq!(every("as-configured"), Ok(json!("as-configured")));
        for fraction in ["1500ms", "90ms"] {
            assert!(every(fraction).unwrap_err().contains("whole number of seconds"), "{fraction}");
        }
        assert!(every("often").unwrap_err().contains("or as-configured"));
    }
}
