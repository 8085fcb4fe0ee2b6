//! What the walk plays on: simulated devices, a manager, a gateway, and a client of the manager's API.

use super::joining;
use super::report::Report;
use crate::client::{Client, Connection};
use anyhow::{Context, Result, anyhow, bail};
use hostler_node::{Config, LOCAL_TOKEN, Node};
use hostler_simulator::{Fleet, FleetConfig, SimulatedDevice};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// The plug-ins that the demo installs.
pub const PLUGINS: [&str; 2] = ["mfp", "scanner"];

/// How long something may take that should happen soon. Long, because the machine may be slow; nobody waits in vain.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Stage {
    pub fleet: Fleet,
    pub manager: Node,
    pub gateway: Option<Node>,
    /// A gateway below that one, and the printer in its network.
    below: Option<(Node, Fleet)>,
    pub client: Client,
    pub login: (String, String),
    pub plugins: PathBuf,
    /// The nodes that are devices themselves.
    devices: Vec<Node>,
    /// The thing that the first of them is: what it reads of itself.
    engine: Fleet,
    join: Value,
    page_port: u16,
    snmp_port: u16,
    folder: TempDir,
}

impl Stage {
    /// Starts the devices and the manager.
    pub async fn set(devices: u32, port: u16, plugins: PathBuf) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hostler-demo-").tempdir()?;
        let snmp_port = free_udp_port()?;
        let config = FleetConfig { count: devices, port: snmp_port, pages_per_hour: 600, ..FleetConfig::default() };
        let fleet = Fleet::start(config).await.context("the simulated devices can't be started")?;
        // A printer that runs hostler itself: its engine answers on a network of its own.
        let config = FleetConfig { count: 1, first: ENGINE, port: snmp_port, seed: 7, ..FleetConfig::default() };
        let engine = Fleet::start(config).await.context("the simulated engine can't be started")?;
        let page_port = std::net::TcpListener::bind((page_address(0), 0))?.local_addr()?.port();
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err();
        let port = if taken { 0 } else { port };
        let text = format!(
            "[node]\nid = \"manager\"\ndata = \"manager\"\nroles = [\"manager\"]\n\n[listen]\naddress = \"127.0.0.1:{port}\"\n\n\
             [enrollment]\nlisten = \"127.0.0.1:0\"\nloopback = true\ndevice-port = {page_port}\n"
        );
        let path = folder.path().join("manager.toml");
        std::fs::write(&path, text)?;
        let manager = Node::start(Config::read(&path)?, crate::verbs::compiler()?).await?;
        let (user, password) = manager.first_login.as_ref().context("the manager is not new")?;
        let login = (user.to_string(), password.expose().to_owned());
        let data = folder.path().join("manager");
        let client = Connection { url: None, token: None, data: Some(data), certificate: None }.client()?;
        let join = client.get(&["join"]).await?;
        let devices = Vec::new();
        Ok(Self {
            fleet,
            manager,
            gateway: None,
            below: None,
            client,
            login,
            plugins,
            devices,
            engine,
            join,
            page_port,
            snmp_port,
            folder,
        })
    }

    pub fn manager_data(&self) -> PathBuf {
        self.folder.path().join("manager")
    }

    /// Everything but the walk.
    pub async fn start(&mut self, report: &mut Report) -> bool {
        let work = async {
            self.install().await?;
            self.start_gateway().await?;
            let found = self.wait_for_devices().await?;
            Ok((format!("{found} devices"), ()))
        };
        report.step(&["P1", "E9"], "The fleet starts", work).await.is_some()
    }

    /// Installs the plug-ins and grants what they ask for.
    pub async fn install(&self) -> Result<Vec<String>> {
        let mut installed = Vec::new();
        for name in PLUGINS {
            let bytes = std::fs::read(self.plugins.join(format!("{name}.wasm")))?;
            let size = bytes.len() / 1024;
            let request = self.client.request(Method::POST, &["plugins"])?.query(&[("approve", "true")]);
            let request = request.header("content-type", "application/wasm").body(bytes);
            let answer = self.client.send(request).await?;
            if answer["outcome"] != json!("active") {
                bail!("{name} did not become active: {answer}");
            }
            let version = answer.pointer("/plugin/record/active/version").and_then(Value::as_str).unwrap_or("?");
            installed.push(format!("{name} {version} ({size} KiB)"));
        }
        Ok(installed)
    }

    /// The address of a device node.
    pub fn device_address(&self, number: usize) -> Ipv4Addr {
        page_address(number)
    }

    /// A device node's own page.
    pub fn page(&self, number: usize) -> String {
        format!("http://{}:{}/", page_address(number), self.page_port)
    }

    /// A device node's SNMP agent.
    pub fn agent(&self, number: usize) -> SocketAddr {
        SocketAddr::new(page_address(number).into(), self.snmp_port)
    }

    /// What the first device node reads of itself.
    pub fn engine(&self) -> Option<&SimulatedDevice> {
        self.engine.devices().first()
    }

    /// Starts a node that is a device itself. The first has an engine, which it reads and tells of under its own token.
    pub async fn start_device(&mut self, number: usize) -> Result<()> {
        let engine = self.engine.devices().first().filter(|_| number == 0);
        let id = engine.map_or_else(|| format!("DEMO-{number:03}"), |engine| engine.serial.clone());
        let node = format!("device-{}", number + 1);
        let address = page_address(number);
        let (page, agent) = (self.page_port, self.snmp_port);
        let mut text = format!(
            r#"[node]
id = "{node}"
data = "{node}"
roles = ["device"]

[listen]
address = "127.0.0.1:0"

{}
[device]
id = "{id}"
model = "Orchid C4500"
page = "{address}:{page}"
snmp = {{ address = "{address}:{agent}", read = "public", write = "private" }}
"#,
            self.parent(),
        );
        if engine.is_some() {
            text += &format!(
                r#"
[gateway]
read-every = "5s"

[[gateway.network]]
name = "engine"
ranges = ["{ENGINE}/32"]
snmp-port = {agent}
credentials = ["public"]

[[gateway.adopt]]
plugin = "mfp"
{PUBLIC}"#
            );
        }
        let path = self.folder.path().join(format!("{node}.toml"));
        std::fs::write(&path, text)?;
        self.devices.push(Node::start(Config::read(&path)?, crate::verbs::compiler()?).await?);
        Ok(())
    }

    /// How a node knows the manager before it has joined.
    fn parent(&self) -> String {
        parent(&self.join)
    }

    /// Starts the gateway, which joins by a PIN, and waits until it is connected and has the plug-ins.
    pub async fn start_gateway(&mut self) -> Result<()> {
        let folder = self.folder.path();
        let (first, last) = (self.fleet.devices().first(), self.fleet.devices().last());
        let ranges = ranges(first.map(|device| device.address), last.map(|device| device.address));
        let text = format!(
            r#"[node]
id = "gateway-1"
data = "gateway"
roles = ["gateway"]

[listen]
address = "127.0.0.1:0"

{}
[device]
id = "DEMO-GW"

[gateway]
read-every = "5s"
discover-every = "1h"
listen = "127.0.0.1:0"

[[gateway.network]]
name = "simulated"
ranges = [{ranges}]
snmp-port = {}
credentials = ["public"]

[[gateway.adopt]]
plugin = "mfp"

[[gateway.adopt]]
plugin = "scanner"
{PUBLIC}"#,
            self.parent(),
            self.snmp_port,
        );
        let path = folder.join("gateway.toml");
        std::fs::write(&path, text)?;
        let gateway = Node::start(Config::read(&path)?, crate::verbs::compiler()?).await?;
        let url = url::Url::parse(&gateway.url())?;
        let token = std::fs::read_to_string(folder.join("gateway").join(LOCAL_TOKEN))?;
        let own = Client::new(url, hostler_core::Secret::new(token))?;
        self.gateway = Some(gateway);
        joining::enter_pin(self, &own).await?;
        self.until("the gateway has the plug-ins", async || {
            let plugins = own.get(&["plugins"]).await?;
            let count = plugins.as_array().map_or(0, Vec::len);
            Ok((count == PLUGINS.len()).then_some(()))
        })
        .await?;
        self.until("the gateway is connected", async || {
            let nodes = self.client.get(&["nodes"]).await?;
            let all = nodes.as_array().into_iter().flatten();
            let here = all.into_iter().any(|node| node["id"] == "gateway-1" && node["connected"] == json!(true));
            Ok(here.then_some(()))
        })
        .await
    }

    /// What the gateway below the gateway has in its network.
    pub fn below(&self) -> Option<&SimulatedDevice> {
        self.below.as_ref()?.1.devices().first()
    }

    /// Starts a gateway that reaches the gateway only and joins through it, with a printer of its own; returns the printer's ID when the manager knows it.
    pub async fn start_gateway_below(&mut self) -> Result<String> {
        let config = FleetConfig { count: 1, first: BELOW, port: self.snmp_port, seed: 9, ..FleetConfig::default() };
        let fleet = Fleet::start(config).await.context("the simulated printer can't be started")?;
        let serial = fleet.devices().first().map(|device| device.serial.clone()).context("there is no printer")?;
        let above = self.gateway.as_ref().context("there is no gateway")?;
        let token = std::fs::read_to_string(self.folder.path().join("gateway").join(LOCAL_TOKEN))?;
        let client = Client::new(url::Url::parse(&above.url())?, hostler_core::Secret::new(token))?;
        let join = client.get(&["join"]).await?;
        let text = format!(
            r#"[node]
id = "gateway-2"
data = "below"
roles = ["gateway"]

[listen]
address = "127.0.0.1:0"

{}
[device]
id = "DEMO-GW-2"

[[gateway.network]]
name = "further"
ranges = ["{BELOW}/32"]
snmp-port = {}
credentials = ["public"]

[[gateway.adopt]]
plugin = "mfp"
{PUBLIC}"#,
            parent(&join),
            self.snmp_port,
        );
        let path = self.folder.path().join("below.toml");
        std::fs::write(&path, text)?;
        let node = Node::start(Config::read(&path)?, crate::verbs::compiler()?).await?;
        let token = std::fs::read_to_string(self.folder.path().join("below").join(LOCAL_TOKEN))?;
        let own = Client::new(url::Url::parse(&node.url())?, hostler_core::Secret::new(token))?;
        self.below = Some((node, fleet));
        joining::enter_pin(self, &own).await?;
        self.until("the printer is known at the manager", async || {
            let request = self.client.request(Method::GET, &["devices"])?.query(&[("text", &serial)]);
            let page = self.client.send(request).await?;
            Ok(page.pointer("/rows/0/id").and_then(Value::as_str).map(str::to_owned))
        })
        .await
    }

    /// Waits until every simulated device is managed.
    pub async fn wait_for_devices(&self) -> Result<u64> {
        let own = if self.devices.is_empty() { 0 } else { self.engine.devices().len() };
        let wanted = (self.fleet.devices().len() + own) as u64;
        self.until("every device is managed", async || {
            let page = self.client.get(&["devices"]).await?;
            Ok(page["devices"].as_u64().filter(|found| *found == wanted))
        })
        .await
    }

    /// Asks again and again until there is an answer.
    pub async fn until<T, F>(&self, what: &str, mut ask: F) -> Result<T>
    where
        F: AsyncFnMut() -> Result<Option<T>>,
    {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            if Instant::now() > end {
                return Err(anyhow!("{what}: not within {} s", PATIENCE.as_secs()));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops everything and removes what it wrote.
    pub async fn clear(self) {
        if let Some((below, _)) = self.below {
            below.stop().await;
        }
        if let Some(gateway) = self.gateway {
            gateway.stop().await;
        }
        for device in self.devices {
            device.stop().await;
        }
        self.manager.stop().await;
    }
}

/// How a node knows whom it joins: the manager or a gateway that says this of itself.
fn parent(join: &serde_json::Value) -> String {
    let said = |what: &str| join[what].as_str().map(|value| format!("{what} = \"{value}\"\n")).unwrap_or_default();
    format!("[parent]\n{}{}{}", said("url"), said("fingerprint"), said("gateway"))
}

/// What the simulated devices are read with.
const PUBLIC: &str = "\n[credentials.snmp.public]\nversion = \"2c\"\ncommunity = \"public\"\n";

/// The address of the engine that the first device node reads.
const ENGINE: Ipv4Addr = Ipv4Addr::new(127, 2, 0, 1);

/// The address of the printer that the gateway below the gateway reads.
const BELOW: Ipv4Addr = Ipv4Addr::new(127, 3, 0, 1);

/// The address of the device node with this number, in its own network.
fn page_address(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 2, 200, u8::try_from(number + 1).unwrap_or(u8::MAX))
}

/// A port that is free on the simulated devices' first address.
fn free_udp_port() -> Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::new(127, 1, 0, 1), 0))?.local_addr()?.port())
}

/// The networks of 256 addresses that hold everything from the first to the last.
fn ranges(first: Option<SocketAddr>, last: Option<SocketAddr>) -> String {
    let network = |address: Option<SocketAddr>| match address {
        Some(SocketAddr::V4(address)) => u32::from(*address.ip()) >> 8,
        _ => 0,
    };
    let networks = (network(first)..=network(last)).map(|network| format!("\"{}/24\"", Ipv4Addr::from(network << 8)));
    networks.collect::<Vec<_>>().join(", ")
}
