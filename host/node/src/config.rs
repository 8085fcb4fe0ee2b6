//! A node's configuration file. What is wrong is said with file and line, before anything starts.

mod device;
mod enrollment;
mod forward;
mod guests;
mod registrar;

pub use device::DeviceConfig;
pub use enrollment::EnrollmentConfig;
pub use forward::{ForwardConfig, MailConfig};
pub use guests::{GuestsConfig, WhoRegisters};
pub use registrar::RegistrarConfig;

use hostler_core::upkeep::Bounds;
use hostler_core::{Fingerprint, NodeId, PluginName};
use hostler_links::SnmpCredential;
use hostler_links::credential::HttpCredential;
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::{Path, PathBuf};
use toml::Spanned;
use url::Url;

/// A configuration can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{}: {why}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// A line can't be.
    #[error("{}, line {line}: {why}", file.display())]
    Invalid {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong, and what would be right.
        why: String,
    },
}

/// A length of time, written like `60s`, `5m` or `1h 30m`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Duration(pub std::time::Duration);

impl TryFrom<String> for Duration {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|length| length.try_into().ok());
        parsed.map(Self).ok_or_else(|| format!("{text:?} is no length of time; write it like 60s, 5m or 1h 30m"))
    }
}

/// A node's configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Who it is.
    pub node: Node,
    /// Where it listens.
    pub listen: Listen,
    /// Whom it calls, where it isn't the root.
    pub parent: Option<Parent>,
    /// Its own network, where it is a gateway.
    #[serde(default)]
    pub gateway: Gateway,
    /// How it speaks to devices.
    #[serde(default)]
    pub credentials: CredentialsConfig,
    /// How devices come in, where it is the manager.
    pub enrollment: Option<Spanned<EnrollmentConfig>>,
    /// Which device it is, where it joins by a PIN or key.
    pub device: Option<DeviceConfig>,
    /// Where users register devices, where it is a registrar and not the manager.
    pub registrar: Option<RegistrarConfig>,
    /// Where notices are forwarded to.
    #[serde(default)]
    pub forward: Vec<ForwardConfig>,
    /// The server that mails go through.
    pub mail: Option<MailConfig>,
}

/// Who a node is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Node {
    /// Its name in the tree.
    pub id: NodeId,
    /// The folder of its data; made where it isn't there.
    pub data: PathBuf,
    /// What it does.
    pub roles: Spanned<BTreeSet<Role>>,
}

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It is the root: others call it.
    Manager,
    /// It speaks for the devices of its network.
    Gateway,
    /// It is a device, with a page, a display and an agent of its own.
    Device,
    /// Users register devices here, and the manager answers them.
    Registrar,
}

/// Where a node listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Listen {
    /// Address and port. Port 0 takes a free one.
    pub address: Spanned<SocketAddr>,
    /// A certificate and its key; needed for anything but loopback.
    pub tls: Option<Tls>,
}

/// PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tls {
    /// The certificate, and those that lead to its authority.
    pub certificate: Spanned<PathBuf>,
    /// Its key.
    pub key: Spanned<PathBuf>,
}

/// Whom a node calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parent {
    /// Where it listens.
    pub url: Spanned<Url>,
    /// A file with the token that `hostler node add` printed there.
    pub token_file: Option<Spanned<PathBuf>>,
    /// A PEM file with the authority that signed its certificate.
    pub certificate: Option<Spanned<PathBuf>>,
    /// Instead of both: the fingerprint of the manager's authority, for a node that joins by a PIN or key.
    pub fingerprint: Option<Spanned<Fingerprint>>,
    /// Beside that: which gateway listens there, where it isn't the manager.
    pub gateway: Option<Spanned<NodeId>>,
}

/// A gateway's own network.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Gateway {
    /// How often each device is read.
    pub read_every: Spanned<Duration>,
    /// How often the networks are searched.
    pub discover_every: Spanned<Duration>,
    /// Within what somebody above may set how often each device is read: the shortest and the longest.
    pub read_bounds: Option<Spanned<[Duration; 2]>>,
    /// The same for how often the networks are searched.
    pub discover_bounds: Option<Spanned<[Duration; 2]>>,
    /// The networks.
    pub network: Vec<NetworkConfig>,
    /// What is adopted without asking.
    pub adopt: Vec<Adopt>,
    /// What is set for plug-ins.
    pub settings: BTreeMap<PluginName, BTreeMap<String, String>>,
    /// Where nodes below call that joined by a PIN or key, or want to: what they ask of the manager is handed on.
    pub listen: Option<Spanned<SocketAddr>>,
    /// The name or address under which they reach that; where it isn't there, the address that is listened on.
    pub name: Option<String>,
}

impl Default for Gateway {
    fn default() -> Self {
        let seconds = |seconds| Spanned::new(0..0, Duration(std::time::Duration::from_secs(seconds)));
        Self {
            read_every: seconds(60),
            discover_every: seconds(3600),
            read_bounds: None,
            discover_bounds: None,
            network: Vec::new(),
            adopt: Vec::new(),
            settings: BTreeMap::new(),
            listen: None,
            name: None,
        }
    }
}

/// One network.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkConfig {
    /// What it is called; no other network of the node is.
    pub name: Spanned<String>,
    /// The addresses that are asked, such as `192.168.1.0/24`; none where only announcements are listened to.
    pub ranges: Spanned<Vec<Spanned<IpNet>>>,
    /// The port of SNMP agents.
    #[serde(default = "snmp_port")]
    pub snmp_port: NonZeroU16,
    /// The names of the SNMP credentials that are tried, in this order; at least one.
    pub credentials: Spanned<Vec<Spanned<String>>>,
    /// How web servers are reached, where plug-ins may talk to them.
    pub http: Option<Http>,
    /// So many requests are in flight at most.
    #[serde(default = "in_flight")]
    pub in_flight: NonZeroUsize,
    /// Whether announcements (mDNS) are listened to.
    #[serde(default)]
    pub mdns: bool,
}

fn snmp_port() -> NonZeroU16 {
    const { NonZeroU16::new(161).unwrap() }
}

fn in_flight() -> NonZeroUsize {
    const { NonZeroUsize::new(64).unwrap() }
}

/// How web servers of a network are reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Whether by HTTPS.
    #[serde(default)]
    pub tls: bool,
    /// The port.
    pub port: NonZeroU16,
}

/// What is adopted without asking: what this plug-in, and none as surely, recognises.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Adopt {
    /// Which plug-in.
    pub plugin: PluginName,
    /// In which network; everywhere where none is given.
    pub network: Option<Spanned<String>>,
}

/// How a gateway speaks to devices, by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CredentialsConfig {
    /// For SNMP agents.
    pub snmp: BTreeMap<String, Spanned<SnmpCredential>>,
    /// For web servers.
    pub http: BTreeMap<String, HttpCredential>,
}

/// Nothing is asked more often, whoever wants it.
const SHORTEST: std::time::Duration = std::time::Duration::from_millis(100);

/// Nothing is asked less often: a moment that is too far away can't be reckoned with.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(365 * 86_400);

/// The addresses of one network that are asked at most.
const ADDRESSES: u64 = 1 << 17;

/// Where something is wrong, as an offset into the text, and what.
type Wrong = (usize, String);

/// What is configured, and the usual bounds in seconds where none are given: they never exclude what is configured.
fn bounds(every: &Spanned<Duration>, given: Option<&Spanned<[Duration; 2]>>, usual: [u64; 2]) -> Bounds {
    let configured = every.get_ref().0;
    let [shortest, longest] = given.map_or_else(
        || {
            let [shortest, longest] = usual.map(std::time::Duration::from_secs);
            [shortest.min(configured), longest.max(configured)]
        },
        |given| given.get_ref().map(|bound| bound.0),
    );
    Bounds { configured, shortest, longest }
}

impl Config {
    /// Reads and checks a file and the files that it names. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Names the file and the line.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::Unreadable { file: file.to_owned(), why: error.to_string() })?;
        let mut config = Self::parse(&text, file)?;
        let folder = file.parent().unwrap_or(Path::new("."));
        config.node.data = folder.join(&config.node.data);
        if let Some(display) = config.device.as_mut().and_then(|device| device.display.as_mut()) {
            *display = folder.join(&*display);
        }
        for engine in config.device.iter_mut().flat_map(|device| &mut device.engine) {
            engine.power = folder.join(&engine.power);
            engine.ready = folder.join(&engine.ready);
        }
        for (name, path) in config.files() {
            *path.get_mut() = folder.join(path.get_ref());
            guests::check_named(name, path).map_err(|wrong| invalid(&text, file, wrong))?;
        }
        Ok(config)
    }

    /// Reads and checks a text; `file` is only named.
    ///
    /// # Errors
    /// Names the file and the line.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let wrong = (error.span().map_or(0, |span| span.start), error.message().to_owned());
            invalid(text, file, wrong)
        })?;
        config.check().map_err(|wrong| invalid(text, file, wrong))?;
        Ok(config)
    }

    /// The files that it names, with the words that name them.
    fn files(&mut self) -> impl Iterator<Item = (&'static str, &mut Spanned<PathBuf>)> {
        let registrar = self.registrar.iter_mut().flat_map(|registrar| registrar.tls.as_mut());
        let tls = self.listen.tls.iter_mut().chain(registrar);
        let tls = tls.flat_map(|tls| [("certificate", &mut tls.certificate), ("key", &mut tls.key)]);
        let parent = self.parent.iter_mut().flat_map(|parent| {
            let certificate = parent.certificate.as_mut().map(|path| ("certificate", path));
            let token = parent.token_file.as_mut().map(|path| ("token-file", path));
            certificate.into_iter().chain(token)
        });
        let guests = self.enrollment.iter_mut().flat_map(|enrollment| enrollment.get_mut().guests.files());
        tls.chain(parent).chain(guests).chain(Self::forward_files(&mut self.forward, self.mail.as_mut()))
    }

    /// Whether it does this.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.node.roles.get_ref().contains(&role)
    }

    /// How devices come in.
    #[must_use]
    pub fn enrollment(&self) -> EnrollmentConfig {
        self.enrollment.as_ref().map(|enrollment| enrollment.get_ref().clone()).unwrap_or_default()
    }

    fn check(&self) -> Result<(), Wrong> {
        let roles = &self.node.roles;
        if roles.get_ref().is_empty() {
            let why = "`roles` is empty; a node is a \"manager\", a \"gateway\", a \"device\", a \"registrar\", or \
                       several of them";
            return Err(at(roles, why));
        }
        check_listen(&self.listen.address, self.listen.tls.as_ref())?;
        if let Some(parent) = &self.parent {
            self.check_parent(parent)?;
        }
        self.check_device()?;
        self.check_registrar()?;
        for (name, credential) in &self.credentials.snmp {
            let checked = credential.get_ref().check();
            checked.map_err(|why| at(credential, format!("SNMP credential {name:?}: {why}")))?;
        }
        if let Some(enrollment) = &self.enrollment {
            self.check_enrollment(enrollment)?;
        }
        self.check_forward()?;
        self.check_gateway()
    }

    /// How often each device is read, and within which bounds somebody above may change that.
    #[must_use]
    pub fn read_bounds(&self) -> Bounds {
        let gateway = &self.gateway;
        bounds(&gateway.read_every, gateway.read_bounds.as_ref(), [10, 86_400])
    }

    /// The same for how often the networks are searched.
    #[must_use]
    pub fn discover_bounds(&self) -> Bounds {
        let gateway = &self.gateway;
        bounds(&gateway.discover_every, gateway.discover_bounds.as_ref(), [60, 7 * 86_400])
    }

    fn check_gateway(&self) -> Result<(), Wrong> {
        let gateway = &self.gateway;
        if let Some(listen) = &gateway.listen {
            self.check_below(listen)?;
        }
        for (name, value) in [("read-every", &gateway.read_every), ("discover-every", &gateway.discover_every)] {
            if value.get_ref().0 < SHORTEST {
                let why = format!("`{name}` is at least 100ms: some devices restart when asked too often");
                return Err(at(value, why));
            }
            if value.get_ref().0 > LONGEST {
                return Err(at(value, format!("`{name}` is at most a year: 8760h")));
            }
        }
        let bounds = [
            ("read", &gateway.read_every, &gateway.read_bounds),
            ("discover", &gateway.discover_every, &gateway.discover_bounds),
        ];
        for (name, every, given) in bounds {
            let Some(given) = given else { continue };
            let [shortest, longest] = given.get_ref().map(|bound| bound.0);
            if !(shortest..=longest).contains(&every.get_ref().0) || shortest < SHORTEST {
                let why = format!(
                    "`{name}-bounds` are the shortest and the longest, not below 100ms, with `{name}-every` between them: [\"10s\", \"24h\"]"
                );
                return Err(at(given, why));
            }
            if longest > LONGEST {
                return Err(at(given, format!("the longest of `{name}-bounds` is at most a year: 8760h")));
            }
        }
        let mut names = BTreeSet::new();
        for network in &gateway.network {
            self.check_network(network)?;
            let name = network.name.get_ref();
            if !names.insert(name) {
                return Err(at(
                    &network.name,
                    format!("there is a network {name:?} already; give this one another name"),
                ));
            }
        }
        for network in gateway.adopt.iter().filter_map(|rule| rule.network.as_ref()) {
            if !names.contains(network.get_ref()) {
                return Err(at(network, format!("there is no network {:?} above", network.get_ref())));
            }
        }
        Ok(())
    }

    fn check_below(&self, listen: &Spanned<SocketAddr>) -> Result<(), Wrong> {
        if !self.has(Role::Gateway) {
            let why =
                "only a gateway has others below it; add \"gateway\" to `roles` or take away `listen` of [gateway]";
            return Err(at(listen, why));
        }
        if self.has(Role::Manager) {
            let why = "nodes join a manager at `listen` of [enrollment]; write it there";
            return Err(at(listen, why));
        }
        if self.parent.as_ref().is_none_or(|parent| parent.fingerprint.is_none()) {
            let why = "those below know their gateway by the manager's certificate: let this gateway join by a PIN itself, with \
                       `fingerprint` in [parent], and [device]";
            return Err(at(listen, why));
        }
        if listen.get_ref().ip().is_unspecified() && self.gateway.name.is_none() {
            let why =
                "nodes can't know this address; add `name`, such as \"gateway.example\", under which they reach it";
            return Err(at(listen, why));
        }
        Ok(())
    }

    fn check_parent(&self, parent: &Parent) -> Result<(), Wrong> {
        let url = parent.url.get_ref();
        if let Some(gateway) = parent.gateway.as_ref().filter(|_| parent.fingerprint.is_none()) {
            let why = "`gateway` is for a node that joins by a PIN or key (`fingerprint`); with a `token-file` the `url` is enough";
            return Err(at(gateway, why));
        }
        if let Some(gateway) = parent.gateway.as_ref().filter(|gateway| *gateway.get_ref() == self.node.id) {
            return Err(at(gateway, "this is the node itself; name the gateway that it calls"));
        }
        if self.has(Role::Manager) {
            let why = "the manager is the root and has no parent; take away [parent] or the role";
            return Err(at(&parent.url, why));
        }
        match (&parent.token_file, &parent.fingerprint) {
            (None, None) => {
                let why = "say how this node is known there: `token-file` for the token of `hostler node add`, or \
                           `fingerprint` where it joins by a PIN or key";
                return Err(at(&parent.url, why));
            }
            (Some(_), Some(fingerprint)) => {
                let why = "a node has a `token-file` or joins by a PIN or key (`fingerprint`); take one of them away";
                return Err(at(fingerprint, why));
            }
            (None, Some(fingerprint)) if parent.certificate.is_some() => {
                let why = "the manager is known by its fingerprint; take `certificate` away";
                return Err(at(fingerprint, why));
            }
            (None, Some(_)) if url.scheme() != "https" => {
                return Err(at(
                    &parent.url,
                    "nodes join over TLS; use https and the port of the manager's [enrollment] listen",
                ));
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        let local = match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        match url.scheme() {
            "https" => Ok(()),
            "http" if local => Ok(()),
            "http" => Err(at(&parent.url, "the node's token would cross the network unencrypted; use https")),
            other => Err(at(&parent.url, format!("{other:?} is no way to a parent; use https"))),
        }
    }

    fn check_network(&self, network: &NetworkConfig) -> Result<(), Wrong> {
        let one = self.gateway.network.len() == 1 && is_one_address(network);
        let may = self.has(Role::Gateway) || (self.has(Role::Device) && one);
        if !may {
            let why = "only a gateway has networks, and a device the one address of itself; add \"gateway\" to `roles` or take \
                       away [[gateway.network]]";
            return Err(at(&network.name, why));
        }
        if network.name.get_ref().trim().is_empty() {
            return Err(at(&network.name, "`name` is empty; devices are shown with the name of their network"));
        }
        check_ranges(network)?;
        if network.credentials.get_ref().is_empty() {
            let why = "`credentials` is empty, so nothing can be asked; name one of [credentials.snmp]";
            return Err(at(&network.credentials, why));
        }
        for credential in network.credentials.get_ref() {
            let name = credential.get_ref();
            if !self.credentials.snmp.contains_key(name) {
                return Err(at(
                    credential,
                    format!("there is no SNMP credential {name:?}; add [credentials.snmp.{name}]"),
                ));
            }
        }
        Ok(())
    }
}

/// Where people log in, it's by TLS or on the machine itself.
fn check_listen(listen: &Spanned<SocketAddr>, tls: Option<&Tls>) -> Result<(), Wrong> {
    if !listen.get_ref().ip().is_loopback() && tls.is_none() {
        let why = "passwords would cross the network unencrypted; add `tls` or listen on 127.0.0.1";
        return Err(at(listen, why));
    }
    Ok(())
}

/// Whether a network is a single thing: what a device reads of itself.
fn is_one_address(network: &NetworkConfig) -> bool {
    let alone = |range: &Spanned<IpNet>| range.get_ref().prefix_len() == range.get_ref().max_prefix_len();
    !network.mdns && matches!(network.ranges.get_ref().as_slice(), [range] if alone(range))
}

fn check_ranges(network: &NetworkConfig) -> Result<(), Wrong> {
    let ranges = network.ranges.get_ref();
    if ranges.is_empty() && !network.mdns {
        return Err(at(&network.ranges, "`ranges` is empty, so nothing is ever found; name one, or set `mdns = true`"));
    }
    let mut addresses = 0_u64;
    for range in ranges {
        let net = range.get_ref();
        let bits = u32::from(net.max_prefix_len() - net.prefix_len());
        addresses = addresses.saturating_add(1_u64.checked_shl(bits).unwrap_or(u64::MAX));
        if addresses > ADDRESSES {
            let why = format!(
                "with {net} the network has more than {ADDRESSES} addresses to ask; name the parts that are in use"
            );
            return Err(at(range, why));
        }
    }
    Ok(())
}

/// A file that the node can't do without. It is read again when it is used; here it is known which line names it.
fn check_file(name: &str, path: &Spanned<PathBuf>) -> Result<(), Wrong> {
    let shown = path.get_ref().display();
    match std::fs::read(path.get_ref()) {
        Ok(content) if content.trim_ascii().is_empty() => Err(at(path, format!("`{name}`: {shown} is empty"))),
        Ok(_) => Ok(()),
        Err(error) => Err(at(path, format!("`{name}`: {shown} can't be read: {error}"))),
    }
}

fn at<T>(value: &Spanned<T>, why: impl Into<String>) -> Wrong {
    (value.span().start, why.into())
}

fn invalid(text: &str, file: &Path, (offset, why): Wrong) -> ConfigError {
    let line = text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    ConfigError::Invalid { file: file.to_owned(), line, why }
}

#[cfg(test)]
mod tests;
