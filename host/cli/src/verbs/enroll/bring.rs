//! Registering what was found, and bringing the PINs.

use super::batches;
use super::fetch::Plugins;
use super::judge::{Came, judged};
use super::show::{self, Shown};
use crate::client::Client;
use crate::output::{each, text};
use anyhow::{Context, Result, bail};
use hostler_core::enrollment::addresses::Address;
use hostler_core::{RegistrationId, Secret};
use hostler_links::{Lan, lan};
use hostler_runtime::{Errand, Parcel, Progress, Verdict, Watcher};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// A registration whose PINs are to be brought.
pub(super) struct Registered {
    id: String,
    parcels: Vec<ToBring>,
}

/// A PIN or key, and where it goes.
pub(super) struct ToBring {
    /// The address as it stands in the registration.
    pub(super) address: String,
    /// What it means in this network.
    pub(super) ip: Option<IpAddr>,
    /// Its place in the registration.
    pub(super) place: usize,
    /// What lets it in.
    pub(super) secret: Secret,
    /// Whether that is a key.
    pub(super) is_key: bool,
}

/// What came of a device.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CameOf {
    /// Its address, as registered.
    pub(super) address: String,
    /// `connected`, `refused`, `unreachable` or `in-doubt`.
    #[serde(flatten)]
    pub(super) verdict: Verdict,
    /// `snmp` or `http`.
    pub(super) by: Option<&'static str>,
    /// Its device ID, where the manager let it in.
    pub(super) device: Option<String>,
}

impl CameOf {
    pub(super) fn came_in(&self) -> bool {
        matches!(self.verdict, Verdict::Connected(_))
    }
}

impl Registered {
    /// Registers these addresses, a PIN or key for each.
    pub(super) async fn new(client: &Client, addresses: &[&str], keys: bool) -> Result<Self> {
        let body = json!({ "addresses": addresses.join("\n"), "sharing": "each", "keys": keys });
        let made = client.send(client.request(Method::POST, &["registrations"])?.json(&body)).await?;
        for refused in each(&made, "/refused") {
            eprintln!("warning: {} was not registered: {}", text(refused, "/text"), text(refused, "/why"));
        }
        Self::of(&made).await
    }

    /// One that was made before.
    pub(super) async fn known(client: &Client, id: &RegistrationId) -> Result<Self> {
        let found = client.get(&["registrations", id.as_str()]).await?;
        let registered = Self::of(&found).await?;
        if registered.parcels.is_empty() {
            bail!("the registration {id} has no PIN that is waiting to be brought: all came in, or its time is over");
        }
        Ok(registered)
    }

    async fn of(view: &Value) -> Result<Self> {
        let id = view["id"].as_str().context("the manager's answer can't be read")?.to_owned();
        let is_key = view["keys"].as_bool().unwrap_or_default();
        let shared = view.get("shared").is_some_and(|shared| !shared.is_null());
        let mut parcels = Vec::new();
        for (place, entry) in each(view, "/entries").enumerate() {
            let secret = view.pointer(&format!("/secrets/{}", if shared { 0 } else { place })).and_then(Value::as_str);
            let waiting = matches!(entry["state"].as_str(), Some("waiting" | "refused"));
            let (Some(secret), Some(address), true) = (secret, entry["address"].as_str(), waiting) else { continue };
            let secret = Secret::new(secret.to_owned());
            parcels.push(ToBring { address: address.to_owned(), ip: None, place, secret, is_key });
        }
        look_up(&mut parcels).await;
        Ok(Self { id, parcels })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Where the devices are.
    pub(super) fn addresses(&self) -> BTreeSet<IpAddr> {
        self.parcels.iter().filter_map(|parcel| parcel.ip).collect()
    }

    /// Brings everything, and says what came of it.
    pub(super) async fn bring(&self, client: &Client, plugins: &Plugins, lan: Arc<Lan>) -> Result<Vec<CameOf>> {
        let before = Came::of(&client.get(&["registrations", &self.id]).await?);
        let parcel = |parcel: &ToBring| {
            let (secret, is_key) = (parcel.secret.clone(), parcel.is_key);
            Some(Parcel { address: parcel.ip?.to_string(), secret, is_key })
        };
        let parcels: Vec<Parcel> = self.parcels.iter().filter_map(parcel).collect();
        let shown = Shown::begin("bringing PINs");
        let log = Mutex::new(Vec::new());
        let outcomes = batches::bring(&parcels, &shown.watcher(), async |some: &[Parcel], progress: Watcher| {
            let errand = Errand { lan: Arc::clone(&lan), progress, now: hostler_node::now() };
            let visited = plugins.runtime.deliver(&plugins.brings, errand, some).await;
            let visited = visited.map_err(|error| error.to_string())?;
            log.lock().unwrap_or_else(PoisonError::into_inner).extend(visited.log);
            visited.answer.map_err(|failure| failure.to_string())
        })
        .await;
        shown.end();
        show::log(&log.into_inner().unwrap_or_else(PoisonError::into_inner));
        let view = client.get(&["registrations", &self.id]).await;
        let view = view.with_context(|| format!("the registration {} shows how far each device is", self.id))?;
        let mut outcomes = outcomes.into_iter();
        let outcomes = self.parcels.iter().map(|parcel| parcel.ip.and_then(|_| outcomes.next())).collect();
        Ok(judged(&self.parcels, outcomes, before.as_ref(), &view))
    }
}

/// What the addresses mean in this network.
async fn look_up(parcels: &mut [ToBring]) {
    let shown = Shown::begin("looking names up");
    let addresses: Vec<Option<Address>> = parcels.iter().map(|parcel| parcel.address.parse().ok()).collect();
    let total = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let tell = |done: usize| {
        let done = u32::try_from(done).unwrap_or(u32::MAX);
        shown.tell(&Progress { done, total, about: "looking names up".to_owned() });
    };
    let found = lan::resolve_all(&addresses, tell).await;
    shown.end();
    for (parcel, ip) in parcels.iter_mut().zip(found) {
        parcel.ip = ip;
    }
}
