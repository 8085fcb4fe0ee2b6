//! Which manager, and as whom. A password is asked for at the terminal, exchanged for a session, and the session is ended
//! with the enrollment.

use super::link::private;
use crate::client::{Client, Connection};
use crate::output::{confirmed, printable};
use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;
use hostler_core::Secret;
use hostler_core::enrollment::Link;
use reqwest::Method;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use url::Url;

/// Managers that are remembered.
const REMEMBERED: usize = 100;

/// A log-in that ends with the enrollment, or one that was there before.
pub(super) struct Session {
    /// Speaks to the manager.
    pub(super) client: Client,
    ours: bool,
}

impl Session {
    /// Logs in.
    pub(super) async fn begin(mut connection: Connection, user: Option<String>, link: Option<&Link>) -> Result<Self> {
        if let Some(link) = link {
            follow(&mut connection, link)?;
        }
        let known = connection.url.clone();
        let ours = connection.token.is_none() && connection.data.is_none();
        if ours {
            let Some(url) = &connection.url else {
                bail!(
                    "no manager was given; add --url (or HOSTLER_URL), or --data with the data folder of one on this machine"
                );
            };
            private(url)?;
            let token = log_in(&connection, user).await?;
            connection.token = Some(token);
        }
        let session = Self { client: connection.client()?, ours };
        if let Some(url) = known {
            remember(&url);
        }
        Ok(session)
    }

    /// Ends what [`Session::begin`] began. A session that isn't ended now ends by its time.
    pub(super) async fn end(self) {
        if self.ours
            && let Ok(request) = self.client.request(Method::DELETE, &["session"])
        {
            let _ = self.client.send(request).await;
        }
    }
}

/// A link leads only to a manager that the user knows, or says yes to. What was meant for another one isn't sent there.
fn follow(connection: &mut Connection, link: &Link) -> Result<()> {
    let named = connection.url.as_ref().is_some_and(|url| url.origin() == link.manager.origin());
    eprintln!("the link leads to {}", printable(link.manager.as_str()));
    let known = || managers().unwrap_or_default().iter().any(|known| *known == link.manager.as_str());
    if !named {
        if !known() && !confirmed("You haven't used this manager before. Is it the one of your organisation?")? {
            bail!(
                "nothing was sent to {}; if it is the right one, give it with --url as well",
                printable(link.manager.as_str())
            );
        }
        connection.token = None;
    }
    connection.data = None;
    connection.url = Some(link.manager.clone());
    Ok(())
}

async fn log_in(connection: &Connection, user: Option<String>) -> Result<Secret> {
    let user = match user {
        Some(user) => user,
        None if std::io::stdin().is_terminal() => {
            write!(std::io::stderr(), "user: ")?;
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            line.trim().to_owned()
        }
        None => bail!("nobody is at the terminal to log in; add --token (or HOSTLER_TOKEN)"),
    };
    let password = rpassword::prompt_password(format!("password of {user}: "))
        .map(Secret::new)
        .context("no password can be asked for here; add --token (or HOSTLER_TOKEN)")?;
    let nobody = Connection { token: Some(Secret::new(String::new())), ..connection.clone() }.client()?;
    let said = json!({ "user": user, "password": password.expose() });
    let request = nobody.request(Method::POST, &["session"])?.json(&said);
    let session = nobody.send(request).await?;
    let token = session["token"].as_str().context("the manager's answer can't be read")?;
    Ok(Secret::new(token.to_owned()))
}

/// The file with the managers that this user used.
fn file() -> Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().context("your home folder can't be found")?;
    let folder = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Ok(folder.join("hostler").join("managers"))
}

fn managers() -> Result<Vec<String>> {
    Ok(std::fs::read_to_string(file()?)?.lines().take(REMEMBERED).map(str::to_owned).collect())
}

/// Remembers a manager, for links. It isn't worth failing for.
fn remember(manager: &Url) {
    let mut all = managers().unwrap_or_default();
    if all.iter().any(|known| known == manager.as_str()) {
        return;
    }
    all.insert(0, manager.to_string());
    all.truncate(REMEMBERED);
    if let Ok(file) = file()
        && let Some(folder) = file.parent()
    {
        let _ = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, all.join("\n") + "\n"));
    }
}
