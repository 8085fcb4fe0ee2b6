//! The configuration of a node, as somebody would write it.

use crate::Place;
use hostler_simulator::Fleet;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// A network of a gateway.
#[derive(Clone, Debug)]
pub struct Network {
    /// What it is called.
    pub name: String,
    /// The addresses that are searched.
    pub ranges: Vec<String>,
    /// The port of the agents.
    pub port: u16,
    /// The credentials that are tried.
    pub credentials: Vec<String>,
    /// Whether it is listened for announcements as well (mDNS).
    pub mdns: bool,
}

impl Network {
    /// A network of one address.
    #[must_use]
    pub fn of_one(name: &str, agent: SocketAddr, credential: &str) -> Self {
        let ranges = vec![format!("{}/32", agent.ip())];
        let credentials = vec![credential.to_owned()];
        Self { name: name.to_owned(), ranges, port: agent.port(), credentials, mdns: false }
    }

    /// The network of these devices, as small as it can be: each address more that is silent costs a search time.
    #[must_use]
    pub fn of(name: &str, fleet: &Fleet) -> Self {
        let addresses: Vec<u32> = fleet.devices().iter().map(|device| bits(device.address.ip())).collect();
        let first = addresses.iter().min().map_or(0, |first| first - 1);
        let last = addresses.iter().max().map_or(0, |last| last + 1);
        // Its own address and the one for all aren't asked, so the devices lie between them.
        let prefix = (first ^ last).leading_zeros();
        let net = Ipv4Addr::from_bits(first & !(u32::MAX >> prefix));
        let port = fleet.devices().first().map_or(0, |device| device.address.port());
        let ranges = vec![format!("{net}/{prefix}")];
        Self { name: name.to_owned(), ranges, port, credentials: vec!["public".to_owned()], mdns: false }
    }
}

fn bits(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(_) => 0,
    }
}

/// Where the device with this number has its page (port 8081) and its SNMP agent (port 11161).
#[must_use]
pub fn device_address(place: &Place, number: u8) -> Ipv4Addr {
    place.address(201, number)
}

/// A node's configuration.
#[derive(Clone, Debug)]
pub struct Setup {
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
    roles: &'static str,
    listen: SocketAddr,
    /// The lines of [parent].
    parent: Option<String>,
    /// Further sections, as they stand.
    sections: String,
    networks: Vec<Network>,
    adopt: Vec<String>,
    credentials: String,
    read_every: String,
    discover_every: String,
    /// Where nodes below a gateway call, when they join by a PIN or key.
    below: Option<SocketAddr>,
    pub(crate) variables: Vec<(String, PathBuf)>,
}

impl Setup {
    fn new(place: &Place, id: &str, roles: &'static str, last: u8) -> Self {
        Self {
            id: id.to_owned(),
            folder: place.path(id),
            roles,
            listen: place.free_tcp(place.address(200, last)),
            parent: None,
            sections: String::new(),
            networks: Vec::new(),
            adopt: Vec::new(),
            credentials: "[credentials.snmp.public]\nversion = \"2c\"\ncommunity = \"public\"\n".to_owned(),
            read_every: "1s".to_owned(),
            discover_every: "2s".to_owned(),
            below: None,
            variables: Vec::new(),
        }
    }

    /// A manager that is its own gateway.
    #[must_use]
    pub fn alone(place: &Place) -> Self {
        Self::new(place, "manager", "\"manager\", \"gateway\"", 1)
    }

    /// A manager.
    #[must_use]
    pub fn manager(place: &Place) -> Self {
        Self::new(place, "manager", "\"manager\"", 1)
    }

    /// The gateway with this number, and with a token for its parent at this address.
    ///
    /// # Panics
    /// When the token can't be written.
    #[must_use]
    pub fn gateway(place: &Place, number: u8, parent: &str, token: &str) -> Self {
        Self::new(place, &format!("gateway-{number}"), "\"gateway\"", 10 + number).calling(parent, token)
    }

    /// A manager that nodes join, and whose devices take PINs under this port.
    #[must_use]
    pub fn joined(place: &Place, device_port: u16) -> Self {
        Self::joined_at(place, place.free_tcp(place.address(200, 2)), device_port)
    }

    /// The same, where nodes call it at this address.
    #[must_use]
    pub fn joined_at(place: &Place, listen: SocketAddr, device_port: u16) -> Self {
        let lines = format!("listen = \"{listen}\"\nloopback = true\ndevice-port = {device_port}");
        Self::manager(place).section("enrollment", &lines)
    }

    /// The device with this number, which joins by a PIN or key: it has a page and an SNMP agent at an address of its own.
    ///
    /// # Panics
    /// When `join` isn't what a manager says.
    #[must_use]
    pub fn device(place: &Place, number: u8, join: &serde_json::Value) -> Self {
        Self::device_at(place, number, device_address(place, number), join)
    }

    /// The same at an address that isn't one of the place's.
    ///
    /// # Panics
    /// When `join` isn't what a manager says.
    #[must_use]
    pub fn device_at(place: &Place, number: u8, address: Ipv4Addr, join: &serde_json::Value) -> Self {
        Self::device_as(place, number, &format!("SN-{number:03}"), address, join)
    }

    /// The device with this number whose engine is the first of this fleet: it reads that, and tells of itself.
    ///
    /// # Panics
    /// When `join` isn't what a manager says, or there is no engine.
    #[must_use]
    pub fn device_with(place: &Place, number: u8, engine: &Fleet, join: &serde_json::Value) -> Self {
        let engine = engine.devices().first().unwrap();
        let new = Self::device_as(place, number, &engine.serial, device_address(place, number), join);
        new.networks([Network::of_one("engine", engine.address, "public")]).adopting("mfp")
    }

    fn device_as(place: &Place, number: u8, id: &str, address: Ipv4Addr, join: &serde_json::Value) -> Self {
        let new = Self::new(place, &format!("mfp-{number}"), "\"device\"", 20 + number);
        let lines = format!(
            "id = {id:?}\nmodel = \"Orchid C4500\"\npage = \"{address}:8081\"\ncall-within = \"8s\"\n\
             snmp = {{ address = \"{address}:11161\", read = \"public\", write = \"private\" }}"
        );
        new.joining(join).section("device", &lines)
    }

    /// Joins the manager that says this of itself, or below the gateway that does.
    ///
    /// # Panics
    /// When that isn't what a manager says.
    #[must_use]
    pub fn joining(self, join: &serde_json::Value) -> Self {
        let (url, fingerprint) = (join["url"].as_str().unwrap(), join["fingerprint"].as_str().unwrap());
        let gateway = join["gateway"].as_str().map(|gateway| format!("gateway = {gateway:?}\n")).unwrap_or_default();
        Self { parent: Some(format!("url = {url:?}\nfingerprint = {fingerprint:?}\n{gateway}")), ..self }
    }

    /// A gateway of this number that joins as well.
    #[must_use]
    pub fn joining_gateway(place: &Place, number: u8, join: &serde_json::Value) -> Self {
        let new = Self::new(place, &format!("gateway-{number}"), "\"gateway\"", 10 + number);
        new.joining_as(&format!("GW-{number:03}"), join)
    }

    /// The registrar with this number, whose users come to this address. How its manager knows it is said further.
    #[must_use]
    pub fn registrar(place: &Place, number: u8, users: SocketAddr) -> Self {
        let new = Self::new(place, &format!("registrar-{number}"), "\"registrar\"", 30 + number);
        new.section("registrar", &format!("listen = \"{users}\""))
    }

    /// Joins the manager that says this of itself, as a device that has nothing to show.
    ///
    /// # Panics
    /// When that isn't what a manager says.
    #[must_use]
    pub fn joining_as(self, device: &str, join: &serde_json::Value) -> Self {
        self.joining(join).section("device", &format!("id = {device:?}"))
    }

    /// With a token for its parent at this address.
    ///
    /// # Panics
    /// When the token can't be written.
    #[must_use]
    pub fn calling(self, parent: &str, token: &str) -> Self {
        let file = self.folder.with_extension("token");
        std::fs::write(&file, token).unwrap();
        Self { parent: Some(format!("url = {parent:?}\ntoken-file = {file:?}\n")), ..self }
    }

    /// Whose parent shows a certificate of this authority.
    #[must_use]
    pub fn trusting(mut self, authority: &Path) -> Self {
        self.parent.iter_mut().for_each(|lines| _ = writeln!(lines, "certificate = {authority:?}"));
        self
    }

    /// At this address instead of any that is free.
    #[must_use]
    pub fn listening(self, listen: SocketAddr) -> Self {
        Self { listen, ..self }
    }

    /// With a port for nodes below that joined by a PIN or key.
    #[must_use]
    pub fn with_others_below(self, place: &Place, last: u8) -> Self {
        Self { below: Some(place.free_tcp(place.address(203, last))), ..self }
    }

    /// With other roles than it would have.
    #[must_use]
    pub fn roles(self, roles: &'static str) -> Self {
        Self { roles, ..self }
    }

    /// With a further line of the last section.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        let _ = writeln!(self.sections, "{line}");
        self
    }

    /// With a further section.
    #[must_use]
    pub fn section(mut self, name: &str, lines: &str) -> Self {
        let _ = writeln!(self.sections, "\n[{name}]\n{lines}");
        self
    }

    /// With a network of these devices.
    #[must_use]
    pub fn network(self, name: &str, fleet: &Fleet) -> Self {
        self.networks([Network::of(name, fleet)])
    }

    /// With these networks.
    #[must_use]
    pub fn networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.networks.extend(networks);
        self
    }

    /// Adopts without asking what this plug-in recognises.
    #[must_use]
    pub fn adopting(mut self, plugin: &str) -> Self {
        self.adopt.push(plugin.to_owned());
        self
    }

    /// With one more SNMP credential: its name, and the lines below it.
    #[must_use]
    pub fn credential(mut self, name: &str, lines: &str) -> Self {
        let _ = writeln!(self.credentials, "[credentials.snmp.{name:?}]\n{lines}");
        self
    }

    /// Reads each device so often; else every second.
    #[must_use]
    pub fn read_every(mut self, every: &str) -> Self {
        self.read_every = every.to_owned();
        self
    }

    /// Searches the networks so often; else every two seconds.
    #[must_use]
    pub fn discover_every(mut self, every: &str) -> Self {
        self.discover_every = every.to_owned();
        self
    }

    /// With a path in the environment that it is started in.
    #[must_use]
    pub fn variable(mut self, name: &str, path: PathBuf) -> Self {
        self.variables.push((name.to_owned(), path));
        self
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Writes the file, and returns where it is.
    ///
    /// # Panics
    /// When it can't be written.
    #[must_use]
    pub fn write(&self) -> PathBuf {
        std::fs::create_dir_all(&self.folder).unwrap();
        let file = self.folder.join("hostler.toml");
        std::fs::write(&file, self.text()).unwrap();
        file
    }

    /// The configuration.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { id, roles, listen, read_every, discover_every, .. } = self;
        let mut text = format!(
            "[node]\nid = {id:?}\ndata = \"data\"\nroles = [{roles}]\n\n[listen]\naddress = \"{listen}\"\n\n\
             [gateway]\nread-every = {read_every:?}\ndiscover-every = {discover_every:?}\n"
        );
        if let Some(below) = &self.below {
            let _ = writeln!(text, "listen = \"{below}\"");
        }
        text.push('\n');
        if let Some(lines) = &self.parent {
            let _ = writeln!(text, "[parent]\n{lines}");
        }
        for Network { name, ranges, port, credentials, mdns } in &self.networks {
            let _ = writeln!(
                text,
                "[[gateway.network]]\nname = {name:?}\nranges = {ranges:?}\nsnmp-port = {port}\ncredentials = {credentials:?}\n\
                 mdns = {mdns}\n"
            );
        }
        for plugin in &self.adopt {
            let _ = writeln!(text, "[[gateway.adopt]]\nplugin = {plugin:?}\n");
        }
        text + &self.credentials + &self.sections
    }
}
