//! What the walk plays on: simulated devices, a manager, a gateway, and a client of the manager's API.

use super::report::Report;
use crate::client::{Client, Connection};
use anyhow::{Context, Result, anyhow, bail};
use hostler_node::{Config, LOCAL_TOKEN, Node};
use hostler_simulator::{Fleet, FleetConfig};
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
    pub client: Client,
    pub login: (String, String),
    pub plugins: PathBuf,
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
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err();
        let port = if taken { 0 } else { port };
        let text = format!(
            "[node]\nid = \"manager\"\ndata = \"manager\"\nroles = [\"manager\"]\n\n[listen]\naddress = \"127.0.0.1:{port}\"\n"
        );
        let path = folder.path().join("manager.toml");
        std::fs::write(&path, text)?;
        let manager = Node::start(Config::read(&path)?, crate::verbs::compiler()?).await?;
        let (user, password) = manager.first_login.as_ref().context("the manager is not new")?;
        let login = (user.to_string(), password.expose().to_owned());
        let data = folder.path().join("manager");
        let client = Connection { url: None, token: None, data: Some(data), certificate: None }.client()?;
        Ok(Self { fleet, manager, gateway: None, client, login, plugins, snmp_port, folder })
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

    /// Starts the gateway with a token of the manager's, and waits until it is connected and has the plug-ins.
    pub async fn start_gateway(&mut self) -> Result<()> {
        let request = self.client.request(Method::POST, &["nodes"])?.json(&json!({ "id": "gateway-1" }));
        let made = self.client.send(request).await?;
        let token = made["token"].as_str().context("the manager gave no token")?;
        let folder = self.folder.path();
        std::fs::write(folder.join("gateway.token"), token)?;
        let (first, last) = (self.fleet.devices().first(), self.fleet.devices().last());
        let ranges = ranges(first.map(|device| device.address), last.map(|device| device.address));
        let text = format!(
            r#"[node]
id = "gateway-1"
data = "gateway"
roles = ["gateway"]

[listen]
address = "127.0.0.1:0"

[parent]
url = "{}"
token-file = "gateway.token"

[gateway]
read-every = "5s"
discover-every = "1h"

[[gateway.network]]
name = "simulated"
ranges = [{ranges}]
snmp-port = {}
credentials = ["public"]

[[gateway.adopt]]
plugin = "mfp"

[[gateway.adopt]]
plugin = "scanner"

[credentials.snmp.public]
version = "2c"
community = "public"
"#,
            self.manager.url(),
            self.snmp_port,
        );
        let path = folder.join("gateway.toml");
        std::fs::write(&path, text)?;
        let gateway = Node::start(Config::read(&path)?, crate::verbs::compiler()?).await?;
        let url = url::Url::parse(&gateway.url())?;
        let token = std::fs::read_to_string(folder.join("gateway").join(LOCAL_TOKEN))?;
        let own = Client::new(url, hostler_core::Secret::new(token))?;
        self.gateway = Some(gateway);
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

    /// Waits until every simulated device is managed.
    pub async fn wait_for_devices(&self) -> Result<u64> {
        let wanted = self.fleet.devices().len() as u64;
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
        if let Some(gateway) = self.gateway {
            gateway.stop().await;
        }
        self.manager.stop().await;
    }
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
