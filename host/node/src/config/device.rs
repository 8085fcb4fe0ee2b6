//! `[device]`: which device a node is, where it joins by a PIN or key.

use super::{Config, Duration, Role, Wrong, at};
use hostler_core::enrollment::device::LONGEST_WINDOW;
use hostler_core::request::{LONGEST, SHORTEST};
use hostler_core::{DeviceId, Secret, UserName};
use hostler_services::Panels;
use hostler_services::membership::AgentConfig;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::Spanned;

/// Which device a node is, and how it is reached before it has an owner.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeviceConfig {
    /// Its serial number or hardware address.
    pub id: DeviceId,
    /// What it is, for people, such as `Orchid C4500`.
    pub model: Option<String>,
    /// Where its own page is, and a PIN is taken over HTTP.
    pub page: Option<Spanned<SocketAddr>>,
    /// Its SNMP agent.
    pub snmp: Option<Spanned<AgentConfig>>,
    /// A file that its display shows; `display` in the data folder where it isn't there.
    pub display: Option<PathBuf>,
    /// The engine whose power it switches.
    pub engine: Option<EngineConfig>,
    /// How long it takes a PIN after its start, and after a key is pressed.
    #[serde(default = "window")]
    pub window: Spanned<Duration>,
    /// How long a call for help at its panel takes at most.
    #[serde(default = "call_within")]
    pub call_within: Spanned<Duration>,
    /// Its user, where only their PIN shall connect it. Who is entered at the device itself goes before this.
    pub user: Option<UserName>,
}

/// The engine of a device: two files, as Linux shows the pins of a controller.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EngineConfig {
    /// The signal that switches its power: 1 is on.
    pub power: PathBuf,
    /// The signal by which it says that it is ready: 1.
    pub ready: PathBuf,
    /// It is switched off when nothing was done for so long.
    #[serde(default = "off_after")]
    pub off_after: Spanned<Duration>,
}

fn off_after() -> Spanned<Duration> {
    Spanned::new(0..0, Duration(std::time::Duration::from_secs(15 * 60)))
}

fn window() -> Spanned<Duration> {
    Spanned::new(0..0, Duration(std::time::Duration::from_secs(15 * 60)))
}

fn call_within() -> Spanned<Duration> {
    Spanned::new(0..0, Duration(Panels::WITHIN))
}

impl Config {
    pub(super) fn check_device(&self) -> Result<(), Wrong> {
        let joins = self.parent.as_ref().and_then(|parent| parent.fingerprint.as_ref());
        match (&self.device, joins) {
            (Some(device), Some(_)) if device.window.get_ref().0 < std::time::Duration::from_secs(1) => {
                Err(at(&device.window, "`window` is at least 1s: nobody could bring a PIN in time"))
            }
            (Some(device), Some(_)) if device.window.get_ref().0 > LONGEST_WINDOW => {
                let why = "`window` is at most 1h: a device that takes a PIN for longer is anybody's for longer";
                Err(at(&device.window, why))
            }
            (Some(device), Some(_)) if !(SHORTEST..=LONGEST).contains(&device.call_within.get_ref().0) => Err(at(
                &device.call_within,
                "`call-within` is from 1s to 7 days; whoever calls stands there and waits, so try 60s",
            )),
            (Some(DeviceConfig { engine: Some(engine), .. }), Some(_))
                if engine.off_after.get_ref().0 < std::time::Duration::from_secs(1) =>
            {
                Err(at(
                    &engine.off_after,
                    "`off-after` is at least 1s; an engine that is switched all the time wears, so try 15m",
                ))
            }
            (Some(device), Some(_)) => device.snmp.as_ref().map_or(Ok(()), check_agent),
            (None, Some(fingerprint)) => {
                let why = "a node with a fingerprint joins by a PIN or key; say which device it is: add [device] with its `id`";
                Err(at(fingerprint, why))
            }
            (Some(device), None) => {
                let why = "a device joins its manager's fleet; add [parent] with the manager's `url` and `fingerprint`, as \
                           `hostler node join` prints them there";
                Err((device.window.span().start, why.to_owned()))
            }
            (None, None) if self.has(Role::Device) => {
                let why = "the role \"device\" needs [device], with the device's `id`, and [parent] with its manager";
                Err(at(&self.node.roles, why))
            }
            (None, None) => Ok(()),
        }
    }
}

/// Communities that anybody guesses let anybody write a PIN.
fn check_agent(agent: &Spanned<AgentConfig>) -> Result<(), Wrong> {
    let AgentConfig { read, write, .. } = agent.get_ref();
    let empty = |community: &Secret| community.expose().is_empty();
    if empty(read) || write.as_ref().is_some_and(empty) {
        return Err(at(
            agent,
            "a community of `snmp` is empty; give it a name, and `write` one that only terminals know",
        ));
    }
    if write.as_ref() == Some(read) {
        return Err(at(agent, "who reads would write a PIN too; give `write` of `snmp` another community than `read`"));
    }
    Ok(())
}
