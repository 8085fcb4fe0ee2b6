//! A node's configuration file. What is wrong is said with file and line, before anything starts.

use hostler_core::{NodeId, PluginName};
use hostler_links::SnmpCredential;
use hostler_links::credential::HttpCredential;
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
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
    pub roles: BTreeSet<Role>,
}

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It is the root: others call it.
    Manager,
    /// It speaks for the devices of its network.
    Gateway,
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
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Whom a node calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parent {
    /// Where it listens.
    pub url: Spanned<Url>,
    /// A file with the token that `hostler node add` printed there.
    pub token_file: PathBuf,
    /// A PEM file with the authority that signed its certificate.
    pub certificate: Option<PathBuf>,
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
    /// What it is called.
    pub name: String,
    /// The addresses that are asked, such as `192.168.1.0/24`.
    pub ranges: Vec<Spanned<IpNet>>,
    /// The port of SNMP agents.
    #[serde(default = "snmp_port")]
    pub snmp_port: u16,
    /// The names of the SNMP credentials that are tried, in this order.
    pub credentials: Vec<Spanned<String>>,
    /// How web servers are reached, where plug-ins may talk to them.
    pub http: Option<Http>,
    /// So many requests are in flight at most.
    #[serde(default = "in_flight")]
    pub in_flight: usize,
    /// Whether announcements (mDNS) are listened to.
    #[serde(default)]
    pub mdns: bool,
}

fn snmp_port() -> u16 {
    161
}

fn in_flight() -> usize {
    64
}

/// How web servers of a network are reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Whether by HTTPS.
    #[serde(default)]
    pub tls: bool,
    /// The port.
    pub port: u16,
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
    pub snmp: BTreeMap<String, SnmpCredential>,
    /// For web servers.
    pub http: BTreeMap<String, HttpCredential>,
}

/// The addresses of one network that are asked at most.
const ADDRESSES: u32 = 1 << 17;

impl Config {
    /// Reads and checks a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Names the file and the line.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::Unreadable { file: file.to_owned(), why: error.to_string() })?;
        let mut config = Self::parse(&text, file)?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let rooted = |path: &mut PathBuf| *path = folder.join(&*path);
        rooted(&mut config.node.data);
        if let Some(tls) = &mut config.listen.tls {
            rooted(&mut tls.certificate);
            rooted(&mut tls.key);
        }
        if let Some(parent) = &mut config.parent {
            rooted(&mut parent.token_file);
            parent.certificate.iter_mut().for_each(rooted);
        }
        Ok(config)
    }

    /// Reads and checks a text; `file` is only named.
    ///
    /// # Errors
    /// Names the file and the line.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let invalid = |offset: usize, why: String| {
            let line = text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
            ConfigError::Invalid { file: file.to_owned(), line, why }
        };
        let config: Self = toml::from_str(text)
            .map_err(|error| invalid(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        config.check().map_err(|(offset, why)| invalid(offset, why))?;
        Ok(config)
    }

    /// Whether it does this.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.node.roles.contains(&role)
    }

    fn check(&self) -> Result<(), (usize, String)> {
        if self.node.roles.is_empty() {
            return Err((0, "`roles` is empty; a node is a \"manager\", a \"gateway\", or both".to_owned()));
        }
        let listen = &self.listen.address;
        if !listen.get_ref().ip().is_loopback() && self.listen.tls.is_none() {
            let why = "passwords would cross the network unencrypted; add `tls` or listen on 127.0.0.1";
            return Err((listen.span().start, why.to_owned()));
        }
        if let Some(parent) = &self.parent {
            self.check_parent(parent)?;
        }
        for (name, value) in
            [("read-every", &self.gateway.read_every), ("discover-every", &self.gateway.discover_every)]
        {
            if value.get_ref().0 < std::time::Duration::from_millis(100) {
                return Err((
                    value.span().start,
                    format!("`{name}` is at least 100ms: some devices restart when asked too often"),
                ));
            }
        }
        for network in &self.gateway.network {
            self.check_network(network)?;
        }
        for network in self.gateway.adopt.iter().filter_map(|rule| rule.network.as_ref()) {
            if !self.gateway.network.iter().any(|known| known.name == *network.get_ref()) {
                return Err((network.span().start, format!("there is no network {:?} above", network.get_ref())));
            }
        }
        Ok(())
    }

    fn check_parent(&self, parent: &Parent) -> Result<(), (usize, String)> {
        let url = parent.url.get_ref();
        let at = parent.url.span().start;
        if self.has(Role::Manager) {
            return Err((at, "the manager is the root and has no parent; take away [parent] or the role".to_owned()));
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
            "http" => Err((at, "the node's token would cross the network unencrypted; use https".to_owned())),
            other => Err((at, format!("{other:?} is no way to a parent; use https"))),
        }
    }

    fn check_network(&self, network: &NetworkConfig) -> Result<(), (usize, String)> {
        for range in &network.ranges {
            let net = range.get_ref();
            let bits = u32::from(net.max_prefix_len() - net.prefix_len());
            if bits > ADDRESSES.ilog2() {
                let why = format!("{net} has more than {ADDRESSES} addresses; name the parts that are in use");
                return Err((range.span().start, why));
            }
        }
        for credential in &network.credentials {
            if !self.credentials.snmp.contains_key(credential.get_ref()) {
                let name = credential.get_ref();
                let why = format!("there is no SNMP credential {name:?}; add [credentials.snmp.{name}]");
                return Err((credential.span().start, why));
            }
        }
        Ok(())
    }
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
        assert_eq!(config.gateway.network[0].snmp_port, 161);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (from, to, line, word) in [
            ("data =", "dota =", 3, "dota"),
            ("\"30s\"", "\"0s\"", 14, "at least 100ms"),
            ("\"30s\"", "\"soon\"", 14, "soon"),
            ("192.0.2.0/24", "10.0.0.0/8", 18, "more than"),
            ("[\"public\"]", "[\"secret\"]", 19, "no SNMP credential"),
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
}
