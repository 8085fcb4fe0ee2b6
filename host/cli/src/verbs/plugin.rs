//! `hostler plugin …`

use crate::client::{Client, Plain};
use crate::output::{ago, confirmed, each, lines, table, text};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use hostler_core::plugin::Capability;
use indicatif::ProgressBar;
use reqwest::Method;
use semver::Version;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Install, inspect, upgrade and remove plug-ins, without a restart.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  hostler plugin install mfp.wasm --approve
  hostler plugin inspect mfp
  hostler plugin upgrade mfp-0.2.0.wasm      (waits for approval where it asks for more)
  hostler plugin rollback mfp")]
pub enum Plugin {
    /// List the plug-ins
    #[command(visible_alias = "ls")]
    List(Plain),
    /// Show what a plug-in is and may do; also of a file that isn't installed
    Inspect(Inspect),
    /// Install a plug-in
    Install(Install),
    /// Put a newer release in a plug-in's place; the next call runs it
    Upgrade(Install),
    /// Grant a plug-in more of what it asks for
    Grant(Grant),
    /// Go back to the release before
    Rollback(Named),
    /// Remove a plug-in; its devices stay, and aren't read any more
    Remove(Remove),
}

#[derive(Args)]
pub struct Named {
    /// The plug-in's name
    name: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Inspect {
    /// The plug-in's name, or a component file
    what: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Install {
    /// The component file
    file: PathBuf,
    /// Grant everything that it asks for
    #[arg(long)]
    approve: bool,
    /// Even in place of a newer release
    #[arg(long)]
    older: bool,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Remove {
    /// The plug-in's name
    name: String,
    /// Without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct Grant {
    /// The plug-in's name
    name: String,
    /// snmp, snmp-write, http, state, cache, events, credential:NAME
    #[arg(required_unless_present = "exactly")]
    capabilities: Vec<Capability>,
    /// Take every other right away
    #[arg(long)]
    exactly: bool,
    #[command(flatten)]
    plain: Plain,
}

impl Plugin {
    pub async fn run(self) -> Result<()> {
        match self {
            Self::List(plain) => {
                let found = plain.connection.client()?.get(&["plugins"]).await?;
                plain.output.print(&found, list)
            }
            Self::Inspect(inspect) => inspect.run().await,
            Self::Install(install) => install.run(false).await,
            Self::Upgrade(install) => install.run(true).await,
            Self::Grant(grant) => grant.run().await,
            Self::Rollback(named) => {
                let (client, output) = (named.plain.connection.client()?, named.plain.output);
                let view = client.send(client.request(Method::POST, &["plugins", &named.name, "rollback"])?).await?;
                output.print(&view, show)
            }
            Self::Remove(remove) => remove.run().await,
        }
    }
}

impl Grant {
    async fn run(self) -> Result<()> {
        let (client, output) = (self.plain.connection.client()?, self.plain.output);
        let mut granted: BTreeSet<String> = self.capabilities.iter().map(ToString::to_string).collect();
        if !self.exactly {
            let view = client.get(&["plugins", &self.name]).await?;
            granted.extend(each(&view, "/record/grant").filter_map(Value::as_str).map(str::to_owned));
        }
        let request = client.request(Method::PUT, &["plugins", &self.name, "grant"])?;
        let view = client.send(request.json(&granted)).await?;
        output.print(&view, show)
    }
}

impl Remove {
    async fn run(self) -> Result<()> {
        let (client, output) = (self.plain.connection.client()?, self.plain.output);
        client.get(&["plugins", &self.name]).await?;
        let request =
            client.request(Method::GET, &["devices"])?.query(&[("plugin", self.name.as_str()), ("limit", "0")]);
        let count = client.send(request).await?["total"].as_u64().unwrap_or_default();
        let devices = if count == 1 { "1 device is".to_owned() } else { format!("{count} devices are") };
        let what = format!("{devices} read with {}", self.name);
        if !self.yes && !confirmed(&format!("{what}; remove it?"))? {
            bail!("{what}; nothing was removed. `--yes` removes it without asking");
        }
        let answer = client.send(client.request(Method::DELETE, &["plugins", &self.name])?).await?;
        output.print(&answer, |_| match count {
            0 => format!("{} was removed", self.name),
            _ => format!("{} was removed; what was read with it ({count}) is not read any more", self.name),
        })
    }
}

/// The release that is in use, where the plug-in is installed.
async fn installed(client: &Client, name: &str) -> Result<Option<Version>> {
    let all = client.get(&["plugins"]).await?;
    let mut all = all.as_array().into_iter().flatten();
    let Some(view) = all.find(|view| text(view, "/record/name") == name) else { return Ok(None) };
    Ok(Some(text(view, "/record/active/version").parse().context("the node's answer can't be read")?))
}

impl Inspect {
    async fn run(self) -> Result<()> {
        let path = PathBuf::from(&self.what);
        if path.is_file() {
            let bytes = std::fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?;
            let component = hostler_core::plugin::inspect(&bytes)?;
            let manifest = &component.manifest;
            let asks: Vec<Value> = manifest
                .needs
                .iter()
                .map(|need| json!({ "capability": need, "question": need.question(), "line": manifest.line_of(need) }))
                .collect();
            let names = |all: &std::collections::BTreeSet<hostler_core::plugin::Interface>| -> Vec<String> {
                all.iter().map(ToString::to_string).collect()
            };
            let view = json!({
                "record": { "name": manifest.name, "active": { "version": manifest.version, "digest": component.digest } },
                "title": manifest.title, "publisher": manifest.publisher, "device_types": manifest.device_types,
                "exports": names(&component.exports), "imports": names(&component.imports), "asks": asks,
                "budget": manifest.budget, "size": component.size,
            });
            return self.plain.output.print(&view, show);
        }
        let view = self.plain.connection.client()?.get(&["plugins", &self.what]).await?;
        self.plain.output.print(&view, show)
    }
}

impl Install {
    async fn run(self, upgrade: bool) -> Result<()> {
        let client = self.plain.connection.client()?;
        let bytes = std::fs::read(&self.file).with_context(|| format!("{} can't be read", self.file.display()))?;
        // What is no plug-in is said here, before anything is sent.
        let component =
            hostler_core::plugin::inspect(&bytes).with_context(|| format!("{} was not sent", self.file.display()))?;
        let name = component.manifest.name.as_str();
        match installed(&client, name).await? {
            None if upgrade => bail!("{name} isn't installed; use `hostler plugin install {}`", self.file.display()),
            Some(active) if active > component.manifest.version && !self.older => bail!(
                "{name} {active} is in use, and {} has the older {}; `hostler plugin rollback {name}` goes back to the \
                 release before, `--older` installs it all the same",
                self.file.display(),
                component.manifest.version
            ),
            _ => {}
        }
        let progress =
            ProgressBar::new_spinner().with_message(format!("installing {name} {}", component.manifest.version));
        progress.enable_steady_tick(Duration::from_millis(100));
        let request = client.request(Method::POST, &["plugins"])?.query(&[("approve", self.approve.to_string())]);
        let request = request.header("content-type", "application/wasm").body(bytes);
        let answer = client.send(request).await;
        progress.finish_and_clear();
        self.plain.output.print(&answer?, |answer| match answer["outcome"].as_str() {
            Some("waiting") => {
                let missing: Vec<&str> = each(answer, "/missing").filter_map(Value::as_str).collect();
                let meanwhile = if answer.pointer("/plugin/record/waiting").is_some_and(|waiting| !waiting.is_null()) {
                    "the release before goes on meanwhile"
                } else {
                    "it isn't called until then"
                };
                let missing = missing.join("\n  ");
                format!("it waits for approval; {meanwhile}\n  {missing}\n{}", text(answer, "/what_to_do"))
            }
            _ => show(&answer["plugin"]),
        })
    }
}

fn list(found: &Value) -> String {
    let rows = found.as_array().into_iter().flatten().map(|view| {
        let waiting = view.pointer("/record/waiting/version").and_then(Value::as_str);
        let refused = each(view, "/asks").filter(|ask| ask["granted"] == json!(false)).count();
        let trouble = view.pointer("/trouble").and_then(Value::as_str);
        let state = match (waiting, refused, trouble) {
            (Some(version), _, _) => format!("{version} waits for approval"),
            (None, 0, None) => "active".to_owned(),
            (None, 0, Some(why)) => format!("not called: {why}"),
            (None, more, _) => format!("not called: {more} rights missing"),
        };
        vec![
            text(view, "/record/name"),
            text(view, "/record/active/version"),
            text(view, "/title"),
            state,
            ago(view, "/record/active/installed_at"),
        ]
    });
    lines(&["plug-in", "version", "title", "state", "installed"], rows)
}

fn show(view: &Value) -> String {
    let facts = [
        ("plug-in", text(view, "/record/name")),
        ("version", text(view, "/record/active/version")),
        ("title", text(view, "/title")),
        ("publisher", text(view, "/publisher")),
        ("device types", text(view, "/device_types")),
        ("exports", text(view, "/exports")),
        ("imports", text(view, "/imports")),
        ("size", format!("{} bytes", text(view, "/size"))),
        ("digest", text(view, "/record/active/digest")),
        ("before", text(view, "/record/previous/version")),
        ("waiting", text(view, "/record/waiting/version")),
        ("not called", text(view, "/trouble")),
    ];
    let facts = facts.iter().filter(|(_, value)| value != "-").map(|(name, value)| format!("{name:<13} {value}"));
    let asks = each(view, "/asks").map(|ask| {
        let granted = match ask["granted"].as_bool() {
            Some(true) => "granted",
            Some(false) => "not granted",
            None => "asked for",
        };
        vec![text(ask, "/capability"), granted.to_owned(), text(ask, "/question"), text(ask, "/line")]
    });
    format!("{}\n\n{}", facts.collect::<Vec<_>>().join("\n"), table(&["right", "", "to", "manifest line"], asks))
}
