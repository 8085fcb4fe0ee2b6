//! `hostler serve`

use crate::log::{self, Look};
use anyhow::Result;
use clap::Args;
use hostler_node::{Config, Node};
use std::path::PathBuf;

/// Run a node: a manager, a gateway, a device, a registrar, or several of them.
#[derive(Args)]
#[command(after_help = "\
A manager:                          A gateway below it:
  [node]                              [node]
  id = \"manager\"                      id = \"gateway-1\"
  data = \"data\"                       data = \"data\"
  roles = [\"manager\"]                 roles = [\"gateway\"]
  [listen]                            [listen]
  address = \"127.0.0.1:8600\"          address = \"127.0.0.1:8601\"
                                      [parent]
                                      url = \"http://127.0.0.1:8600\"
                                      token-file = \"parent.token\"
                                      [[gateway.network]]
                                      name = \"office\"
                                      ranges = [\"192.168.1.0/24\"]
                                      credentials = [\"public\"]
                                      [[gateway.adopt]]
                                      plugin = \"mfp\"
                                      [credentials.snmp.public]
                                      version = \"2c\"
                                      community = \"public\"

The token comes from `hostler node add gateway-1` at the manager.

A device that joins by a PIN (a gateway joins likewise):
  [node]
  id = \"mfp-17\"
  data = \"data\"
  roles = [\"device\"]
  [listen]
  address = \"127.0.0.1:8600\"
  [parent]                            as `hostler node join` prints it at the manager, which has
  url = \"https://192.168.1.2:8700\"      [enrollment]
  fingerprint = \"…\"                     listen = \"192.168.1.2:8700\"
  [device]
  id = \"OR12345\"
  page = \"0.0.0.0:80\"
  snmp = { address = \"0.0.0.0:161\", read = \"public\", write = \"…\" }

Where a device reaches only a gateway, it joins below that one: the gateway, which joined by a PIN itself, has
  [gateway]
  listen = \"192.168.7.1:8700\"         and `hostler node join` there prints the device's [parent], with
  gateway = \"gateway-1\"               beside url and fingerprint

A registrar, where users don't reach the manager. It joins likewise, by the PIN of somebody who operates
the fleet, or has a token; the manager names it: registrars = [\"registrar-1\"] in its [enrollment].
  [node]
  id = \"registrar-1\"
  data = \"data\"
  roles = [\"registrar\"]
  [listen]                            for who administers this node
  address = \"127.0.0.1:8600\"
  [registrar]                         for users
  listen = \"192.168.7.2:443\"
  tls = { certificate = \"registrar.pem\", key = \"registrar.key\" }
  [parent]
  url = \"https://192.168.1.2:8700\"
  fingerprint = \"…\"
  [device]
  id = \"RG12345\"

A device that switches its engine's power has two signals to it, as Linux shows the pins of a
controller; `hostler simulate --engine` is an engine at the other end:
  [device.engine]
  power = \"/sys/class/gpio/gpio17/value\"
  ready = \"/sys/class/gpio/gpio27/value\"
  off-after = \"15m\"")]
pub struct Serve {
    /// The configuration file
    #[arg(default_value = "hostler.toml")]
    config: PathBuf,
    /// Print log lines as JSON
    #[arg(long)]
    json_log: bool,
}

impl Serve {
    pub async fn run(self) -> Result<()> {
        let config = Config::read(&self.config)?;
        let look = if self.json_log { Look::Json } else { Look::Text };
        let log = log::keep(look, "info", &config.node.data.join(hostler_node::LOG));
        let node = Node::start_logging(config, super::compiler()?, log).await?;
        println!("hostler listens on {}", node.url());
        for (what, url) in node.beside() {
            println!("{what} {url}");
        }
        if let Some((user, password)) = &node.first_login {
            println!("first log-in: {user} / {}   (shown this once; change it on the account page)", password.expose());
        }
        super::ended().await?;
        eprintln!("stopping");
        node.stop().await;
        Ok(())
    }
}
