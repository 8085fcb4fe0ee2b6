//! A node's configuration file. What is wrong is said with file and line, before anything starts.

use hostler_core::enrollment::AnyNumber;
use hostler_core::enrollment::addresses::Loopback;
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
    #[serde(default)]
    pub enrollment: EnrollmentConfig,
    /// Which device it is, where it joins by a PIN or key.
    pub device: Option<DeviceConfig>,
}

/// How devices come in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct EnrollmentConfig {
    /// The organisation, by which the certificate authority is called.
    pub organisation: Option<String>,
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
}

impl Default for EnrollmentConfig {
    fn default() -> Self {
        let longest = Spanned::new(0..0, Duration(Rules::default().longest));
        let device_port = NonZeroU16::new(Rules::default().port).unwrap_or(NonZeroU16::MIN);
        let (listen, names) = Default::default();
        Self { organisation: None, any_number: false, loopback: false, device_port, longest, listen, names }
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
            check_file(name, path).map_err(|wrong| invalid(&text, file, wrong))?;
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
        tls.chain(parent)
    }

    /// Whether it does this.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.node.roles.get_ref().contains(&role)
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
        if let Some(listen) = self.enrollment.listen.as_ref().filter(|_| self.enrollment.names.is_empty())
            && listen.get_ref().ip().is_unspecified()
        {
            let why =
                "nodes can't know this address; add `names`, such as [\"hostler.example\"], under which they reach it";
            return Err(at(listen, why));
        }
        for (name, credential) in &self.credentials.snmp {
            let checked = credential.get_ref().check();
            checked.map_err(|why| at(credential, format!("SNMP credential {name:?}: {why}")))?;
        }
        self.check_gateway()
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
        if !self.has(Role::Gateway) {
            let why = "only a gateway has networks; add \"gateway\" to `roles` or take away [[gateway.network]]";
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
mod tests {
    use super::*;

    const GOOD: &str = r#"[node]
id = "gateway-1"
data = "data"
roles = ["gateway"]

[listen]
address = "127.0.0.1:0"

[parent]
url = "http://127.0.0.1:8080"
token-file = "token"

[gateway]
read-every = "30s"

[[gateway.network]]
name = "office"
ranges = ["192.0.2.0/24"]
credentials = ["public"]

[credentials.snmp.public]
version = "2c"
community = "public"
"#;

    /// One more network of the same name, from its own line on.
    const SECOND: &str = "[[gateway.network]]\nname = \"office\"\nranges = []\nmdns = true\ncredentials = [\"public\"]";

    fn v3(part: &str, algorithm: &str, password: &str) -> String {
        format!(
            "version = \"3\"\nuser = \"hostler\"\n{part} = {{ algorithm = {algorithm:?}, password = {password:?} }}"
        )
    }

    fn wrong(from: &str, to: &str) -> (usize, String) {
        assert!(GOOD.contains(from), "{from}");
        let error = Config::parse(&GOOD.replace(from, to), Path::new("hostler.toml")).unwrap_err();
        let ConfigError::Invalid { line, why, .. } = error else { panic!("{error}") };
        (line, why)
    }

    #[test]
    fn a_good_one_is_read() {
        let config = Config::parse(GOOD, Path::new("hostler.toml")).unwrap();
        assert_eq!(config.gateway.read_every.get_ref().0.as_secs(), 30);
        assert_eq!(config.gateway.network[0].snmp_port.get(), 161);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (from, to, line, word) in [
            ("data =", "dota =", 3, "dota"),
            ("[\"gateway\"]", "[]", 4, "`roles` is empty"),
            ("[\"gateway\"]", "[\n  # none\n]", 4, "`roles` is empty"),
            ("\"30s\"", "\"0s\"", 14, "at least 100ms"),
            ("\"30s\"", "\"soon\"", 14, "soon"),
            ("192.0.2.0/24", "10.0.0.0/8", 18, "more than"),
            ("192.0.2.0/24\"", "10.0.0.0/16\",\n\"10.1.0.0/16\",\n\"192.0.2.0/30\"", 20, "more than"),
            ("192.0.2.0/24", "2001:db8::/32", 18, "more than"),
            ("[\"192.0.2.0/24\"]", "[]", 18, "nothing is ever found"),
            ("\"office\"", "\" \"", 17, "`name` is empty"),
            ("[\"public\"]", "[\"secret\"]", 19, "no SNMP credential"),
            ("[\"public\"]", "[]", 19, "`credentials` is empty"),
            ("[\"public\"]", "[\"public\"]\nin-flight = 0", 20, "nonzero"),
            ("[\"public\"]", "[\"public\"]\nsnmp-port = 0", 20, "nonzero"),
            ("[\"public\"]", "[\"public\"]\nhttp = { port = 0 }", 20, "nonzero"),
            ("[\"public\"]", &format!("[\"public\"]\n\n{SECOND}"), 22, "there is a network \"office\" already"),
            ("[\"public\"]", "[\"public\"]\n[[gateway.adopt]]\nplugin = \"mfp\"\nnetwork = \"cellar\"", 22, "cellar"),
            ("version = \"2c\"\ncommunity = \"public\"", &v3("auth", "MD5", "1234567"), 21, "at least 8 characters"),
            ("version = \"2c\"\ncommunity = \"public\"", &v3("privacy", "DES", "12345678"), 21, "add `auth`"),
            ("version = \"2c\"\ncommunity = \"public\"", "version = \"3\"\nuser = \"\"", 21, "1 to 32"),
            ("\"2c\"", "\"4\"", 22, "`4`"),
            ("http://127.0.0.1:8080", "http://manager.example", 10, "unencrypted"),
            ("127.0.0.1:0", "0.0.0.0:443", 7, "tls"),
            ("\"gateway\"]", "\"gateway\", \"manager\"]", 10, "root"),
            ("\"gateway-1\"", "\"Gateway 1\"", 2, "node ID"),
        ] {
            let (at, why) = wrong(from, to);
            assert!(why.contains(word), "{to}: {why}");
            assert_eq!(at, line, "{to}: {why}");
        }
    }

    const DEVICE: &str = r#"[node]
id = "mfp-1"
data = "data"
roles = ["device"]
[listen]
address = "127.0.0.1:0"
[parent]
url = "https://127.0.0.1:8700"
fingerprint = "FF"
[device]
id = "SN-1"
window = "10m"
"#;

    #[test]
    fn e06_a_device_is_told_what_it_lacks_to_join() {
        let good = DEVICE.replace("FF", &"ab".repeat(32));
        let read = |text: &str| Config::parse(text, Path::new("hostler.toml"));
        assert_eq!(read(&good).unwrap().device.unwrap().id.as_str(), "SN-1");
        for (from, to, line, word) in [
            ("id = \"SN-1\"", "", 10, "missing field `id`"),
            ("\"10m\"", "\"0s\"", 12, "at least 1s"),
            ("\"10m\"", "\"2h\"", 12, "at most 1h"),
            ("https:", "http:", 8, "join over TLS"),
            ("[device]\nid = \"SN-1\"\nwindow = \"10m\"\n", "", 9, "add [device]"),
            ("fingerprint = ", "token-file = \"t\"\nfingerprint = ", 10, "take one of them away"),
            ("fingerprint = ", "# ", 8, "say how this node is known"),
            ("[parent]\nurl = \"https://127.0.0.1:8700\"\nfingerprint = ", "# ", 10, "add [parent]"),
            (&"ab".repeat(32), "FF", 9, "fingerprint"),
            ("roles = [\"device\"]", "roles = [\"manager\"]", 8, "root"),
            ("[device]", "[enrollment]\nlisten = \"0.0.0.0:8700\"\n[device]", 11, "add `names`"),
        ] {
            assert!(good.contains(from), "{from}");
            let error = read(&good.replace(from, to)).unwrap_err();
            let ConfigError::Invalid { line: at, why, .. } = error else { panic!("{error}") };
            assert!(why.contains(word) && at == line, "{to}: line {at}, {why}");
        }
    }

    #[test]
    fn networks_need_a_gateway() {
        let (before, after) = GOOD.split_once("[parent]").unwrap();
        let (_, after) = after.split_once("[gateway]").unwrap();
        let text = format!("{before}[gateway]{after}").replace("[\"gateway\"]", "[\"manager\"]");
        let error = Config::parse(&text, Path::new("hostler.toml")).unwrap_err();
        assert!(error.to_string().contains("line 13: only a gateway has networks"), "{error}");
    }

    #[test]
    fn a_file_that_is_missing_or_empty_is_named_with_the_line_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hostler.toml");
        std::fs::write(&file, GOOD).unwrap();
        for (token, why) in [(None, "can't be read"), (Some("\n"), "is empty")] {
            if let Some(token) = token {
                std::fs::write(folder.path().join("token"), token).unwrap();
            }
            let said = Config::read(&file).unwrap_err().to_string();
            assert!(said.contains("hostler.toml, line 11: `token-file`") && said.contains(why), "{said}");
        }
        std::fs::write(folder.path().join("token"), "secret\n").unwrap();
        let token = Config::read(&file).unwrap().parent.unwrap().token_file.unwrap();
        assert_eq!(token.get_ref(), &folder.path().join("token"));
    }
}
