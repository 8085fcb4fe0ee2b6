//! A node's configuration file. What is wrong is said with file and line, before anything starts.

mod guests;

pub use guests::{GuestsConfig, WhoRegisters};

use hostler_core::enrollment::addresses::Loopback;
use hostler_core::enrollment::{AnyNumber, RETRY_FOR};
use hostler_core::{DeviceId, Fingerprint, NodeId, PluginName, Secret, UserName};
use hostler_links::SnmpCredential;
use hostler_links::credential::HttpCredential;
use hostler_services::{NodesCall, Rules};
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
}

/// How devices come in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct EnrollmentConfig {
    /// The organisation, by which the certificate authority is called.
    pub organisation: Option<Spanned<String>>,
    /// Whether there may be PINs for any number of devices.
    pub any_number: bool,
    /// Whether addresses of this machine itself are devices: for demos.
    pub loopback: bool,
    /// The port under which devices take a PIN.
    pub device_port: NonZeroU16,
    /// The longest that a PIN may live, at least an hour.
    pub longest: Spanned<Duration>,
    /// Where nodes that came in call, and show their certificates. Where it isn't there, their token is all that they show.
    pub listen: Option<Spanned<SocketAddr>>,
    /// The names and addresses under which they reach that; where it isn't there, the address that is listened on.
    pub names: Vec<Spanned<String>>,
    /// How long registrations that ended are kept for those who look, at least a day.
    pub keep: Spanned<Duration>,
    /// Who may register as a user without an administrator.
    pub self_registration: Spanned<WhoRegisters>,
    /// Where the guest list is.
    pub guests: GuestsConfig,
}

impl Default for EnrollmentConfig {
    fn default() -> Self {
        let length = |length| Spanned::new(0..0, Duration(length));
        let (longest, keep) = (length(Rules::default().longest), length(Rules::default().keep));
        let device_port = NonZeroU16::new(Rules::default().port).unwrap_or(NonZeroU16::MIN);
        let (listen, names, guests) = Default::default();
        let self_registration = Spanned::new(0..0, WhoRegisters::Off);
        Self {
            organisation: None,
            any_number: false,
            loopback: false,
            device_port,
            longest,
            keep,
            listen,
            names,
            self_registration,
            guests,
        }
    }
}

impl EnrollmentConfig {
    /// What an installation allows.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            any: if self.any_number { AnyNumber::Allowed } else { AnyNumber::Refused },
            loopback: if self.loopback { Loopback::Allowed } else { Loopback::Refused },
            port: self.device_port.get(),
            longest: self.longest.get_ref().0,
            nodes: if self.listen.is_some() { NodesCall::ByCertificate } else { NodesCall::ByToken },
            keep: self.keep.get_ref().0,
        }
    }

    /// The names in the certificate that nodes see.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let listened = self.listen.as_ref().map(|listen| listen.get_ref().ip().to_string());
        let named = self.names.iter().map(|name| name.get_ref().clone());
        if self.names.is_empty() { listened.into_iter().collect() } else { named.collect() }
    }
}

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
    pub snmp: Option<SnmpAgent>,
    /// A file that its display shows; `display` in the data folder where it isn't there.
    pub display: Option<PathBuf>,
    /// How long it takes a PIN after its start, and after a key is pressed.
    #[serde(default = "window")]
    pub window: Spanned<Duration>,
    /// Its user, where only their PIN shall connect it.
    pub user: Option<UserName>,
}

fn window() -> Spanned<Duration> {
    Spanned::new(0..0, Duration(std::time::Duration::from_secs(15 * 60)))
}

/// Where a device's SNMP agent answers, and whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SnmpAgent {
    /// Address and port.
    pub address: SocketAddr,
    /// The community that reads.
    pub read: Secret,
    /// The community that writes a PIN; nobody does where there is none.
    pub write: Option<Secret>,
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
}

/// A gateway's own network.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Gateway {
    /// How often each device is read.
    pub read_every: Spanned<Duration>,
    /// How often the networks are searched.
    pub discover_every: Spanned<Duration>,
    /// The networks.
    pub network: Vec<NetworkConfig>,
    /// What is adopted without asking.
    pub adopt: Vec<Adopt>,
    /// What is set for plug-ins.
    pub settings: BTreeMap<PluginName, BTreeMap<String, String>>,
}

impl Default for Gateway {
    fn default() -> Self {
        let seconds = |seconds| Spanned::new(0..0, Duration(std::time::Duration::from_secs(seconds)));
        Self {
            read_every: seconds(60),
            discover_every: seconds(3600),
            network: Vec::new(),
            adopt: Vec::new(),
            settings: BTreeMap::new(),
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

/// The longest name of an organisation: a certificate's name has 64 characters, and some words of ours.
const LONGEST_ORGANISATION: usize = 40;

/// The addresses of one network that are asked at most.
const ADDRESSES: u64 = 1 << 17;

/// The longest that a device takes a PIN after its start or a key.
const LONGEST_WINDOW: std::time::Duration = hostler_core::enrollment::device::LONGEST_WINDOW;

/// Where something is wrong, as an offset into the text, and what.
type Wrong = (usize, String);

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
        let tls = self.listen.tls.iter_mut();
        let tls = tls.flat_map(|tls| [("certificate", &mut tls.certificate), ("key", &mut tls.key)]);
        let parent = self.parent.iter_mut().flat_map(|parent| {
            let certificate = parent.certificate.as_mut().map(|path| ("certificate", path));
            let token = parent.token_file.as_mut().map(|path| ("token-file", path));
            certificate.into_iter().chain(token)
        });
        let guests = self.enrollment.iter_mut().flat_map(|enrollment| enrollment.get_mut().guests.files());
        tls.chain(parent).chain(guests)
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
            let why = "`roles` is empty; a node is a \"manager\", a \"gateway\", a \"device\", or several of them";
            return Err(at(roles, why));
        }
        let listen = &self.listen.address;
        if !listen.get_ref().ip().is_loopback() && self.listen.tls.is_none() {
            let why = "passwords would cross the network unencrypted; add `tls` or listen on 127.0.0.1";
            return Err(at(listen, why));
        }
        if let Some(parent) = &self.parent {
            self.check_parent(parent)?;
        }
        self.check_device()?;
        for (name, credential) in &self.credentials.snmp {
            let checked = credential.get_ref().check();
            checked.map_err(|why| at(credential, format!("SNMP credential {name:?}: {why}")))?;
        }
        if let Some(enrollment) = &self.enrollment {
            self.check_enrollment(enrollment)?;
        }
        self.check_gateway()
    }

    fn check_enrollment(&self, enrollment: &Spanned<EnrollmentConfig>) -> Result<(), Wrong> {
        if !self.has(Role::Manager) {
            let why = "devices come in at the manager only; add \"manager\" to `roles` or take away [enrollment]";
            return Err(at(enrollment, why));
        }
        enrollment.get_ref().check_guests()?;
        let EnrollmentConfig { organisation, longest, keep, listen, names, .. } = enrollment.get_ref();
        if let Some(listen) =
            listen.as_ref().filter(|listen| names.is_empty() && listen.get_ref().ip().is_unspecified())
        {
            let why =
                "nodes can't know this address; add `names`, such as [\"hostler.example\"], under which they reach it";
            return Err(at(listen, why));
        }
        if longest.get_ref().0 < std::time::Duration::from_secs(3_600) {
            return Err(at(longest, "`longest` is at least 1h: PINs live whole hours"));
        }
        if keep.get_ref().0 < RETRY_FOR {
            return Err(at(keep, "`keep` is at least 24h: so long a device may ask again for a lost answer"));
        }
        if let Some(name) = organisation {
            let (text, length) = (name.get_ref(), name.get_ref().chars().count());
            let plain = !text.chars().any(char::is_control) && text.trim() == text;
            if !plain || !(1..=LONGEST_ORGANISATION).contains(&length) {
                let why = format!(
                    "`organisation` is 1 to {LONGEST_ORGANISATION} characters, without spaces around them or line ends: \
                     certificates are called by it"
                );
                return Err(at(name, why));
            }
        }
        Ok(())
    }

    fn check_gateway(&self) -> Result<(), Wrong> {
        let gateway = &self.gateway;
        for (name, value) in [("read-every", &gateway.read_every), ("discover-every", &gateway.discover_every)] {
            if value.get_ref().0 < std::time::Duration::from_millis(100) {
                let why = format!("`{name}` is at least 100ms: some devices restart when asked too often");
                return Err(at(value, why));
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

    fn check_device(&self) -> Result<(), Wrong> {
        let joins = self.parent.as_ref().and_then(|parent| parent.fingerprint.as_ref());
        match (&self.device, joins) {
            (Some(device), Some(_)) if device.window.get_ref().0 < std::time::Duration::from_secs(1) => {
                Err(at(&device.window, "`window` is at least 1s: nobody could bring a PIN in time"))
            }
            (Some(device), Some(_)) if device.window.get_ref().0 > LONGEST_WINDOW => {
                let why = "`window` is at most 1h: a device that takes a PIN for longer is anybody's for longer";
                Err(at(&device.window, why))
            }
            (Some(_), Some(_)) => Ok(()),
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

    fn check_parent(&self, parent: &Parent) -> Result<(), Wrong> {
        let url = parent.url.get_ref();
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
