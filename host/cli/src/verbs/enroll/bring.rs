//! Registering what was found, bringing the PINs, and what came of it. A device may say anything: it came in where the
//! manager says so.

use super::fetch::Plugins;
use super::show;
use crate::client::Client;
use crate::output::{each, text};
use anyhow::{Context, Result, bail};
use hostler_core::enrollment::addresses::Address;
use hostler_core::{RegistrationId, Secret};
use hostler_links::{Lan, lan};
use hostler_runtime::{Errand, Outcome, Parcel, Verdict};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// A registration whose PINs are to be brought.
pub(super) struct Registered {
    id: String,
    parcels: Vec<ToBring>,
}

/// A PIN or key, and where it goes.
struct ToBring {
    /// The address as it stands in the registration.
    address: String,
    /// What it means in this network.
    ip: Option<IpAddr>,
    /// Its place in the registration.
    place: usize,
    secret: Secret,
    is_key: bool,
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
            let ip = match address.parse::<Address>() {
                Ok(address) => lan::resolve(&address).await,
                Err(_) => None,
            };
            let secret = Secret::new(secret.to_owned());
            parcels.push(ToBring { address: address.to_owned(), ip, place, secret, is_key });
        }
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
        let reachable: Vec<(&ToBring, IpAddr)> =
            self.parcels.iter().filter_map(|parcel| Some((parcel, parcel.ip?))).collect();
        let parcels: Vec<Parcel> = reachable
            .iter()
            .map(|(parcel, ip)| Parcel {
                address: ip.to_string(),
                secret: parcel.secret.clone(),
                is_key: parcel.is_key,
            })
            .collect();
        let (bar, progress) = show::progress("bringing PINs");
        let errand = Errand { lan, progress, now: hostler_node::now() };
        let visited = plugins.runtime.deliver(&plugins.brings, errand, &parcels).await;
        bar.finish_and_clear();
        let visited = visited.with_context(|| format!("the registration {} shows how far each device is", self.id))?;
        show::log(&visited.log);
        let mut outcomes = visited.answer?.into_iter();
        let view = client.get(&["registrations", &self.id]).await?;
        let result = |parcel: &ToBring| {
            let outcome = parcel.ip.and_then(|_| outcomes.next());
            judged(parcel, outcome, &view)
        };
        Ok(self.parcels.iter().map(result).collect())
    }
}

/// What the device said, and what the manager says of it.
fn judged(parcel: &ToBring, outcome: Option<Outcome>, view: &Value) -> CameOf {
    let entry = view.pointer(&format!("/entries/{}", parcel.place)).cloned().unwrap_or_default();
    let own = view.get("shared").is_none_or(Value::is_null);
    let address = parcel.address.clone();
    let by = outcome.as_ref().and_then(|outcome| outcome.by);
    let nowhere = || Verdict::Unreachable("this name means nothing in this network".to_owned());
    let said = outcome.map_or_else(nowhere, |outcome| outcome.verdict);
    let device = entry["device"].as_str().map(str::to_owned);
    let verdict = match (entry["state"].as_str(), said) {
        // Where several share a PIN, the manager doesn't know which address came in.
        (_, said) if !own => said,
        (Some("connected"), Verdict::Connected(manager)) => Verdict::Connected(manager),
        (Some("connected"), _) => Verdict::Connected("the manager".to_owned()),
        (_, Verdict::Connected(manager)) => {
            Verdict::InDoubt(format!("it says that it is connected to {manager}, and this manager hasn't let it in"))
        }
        (Some("refused"), Verdict::InDoubt(_) | Verdict::Refused(_)) if entry["why"].is_string() => {
            Verdict::Refused(text(&entry, "/why"))
        }
        (_, said) => said,
    };
    CameOf { address, verdict, by, device }
}
