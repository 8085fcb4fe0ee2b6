//! `[registrar]`: where users register devices, on a node that isn't the manager; and which nodes the manager lets be that.

use super::{Config, Listen, Role, Tls, Wrong, at, check_listen};
use hostler_core::NodeId;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use toml::Spanned;

/// Where users find a registrar. The node's own administration stays at its own `[listen]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RegistrarConfig {
    /// Address and port. Port 0 takes a free one.
    pub listen: Spanned<SocketAddr>,
    /// A certificate and its key; needed for anything but loopback.
    pub tls: Option<Tls>,
}

impl RegistrarConfig {
    /// As a place to listen at.
    pub(crate) fn place(&self) -> Listen {
        Listen { address: self.listen.clone(), tls: self.tls.clone() }
    }
}

impl Config {
    pub(super) fn check_registrar(&self) -> Result<(), Wrong> {
        let is_one = self.has(Role::Registrar);
        match &self.registrar {
            _ if is_one && self.has(Role::Manager) => {
                let why =
                    "the manager's own pages are a registrar already; take away the role \"registrar\" or \"manager\"";
                Err(at(&self.node.roles, why))
            }
            Some(registrar) if !is_one => Err(at(
                &registrar.listen,
                "only a registrar has this; add \"registrar\" to `roles` or take away [registrar]",
            )),
            None if is_one => {
                let why = "the role \"registrar\" needs [registrar] with `listen`: where users find it";
                Err(at(&self.node.roles, why))
            }
            Some(_) if self.parent.is_none() => {
                let why = "the role \"registrar\" needs [parent]: the manager, which answers what users ask here";
                Err(at(&self.node.roles, why))
            }
            Some(registrar) => check_listen(&registrar.listen, registrar.tls.as_ref()),
            None => Ok(()),
        }
    }

    pub(super) fn check_registrars(&self, named: &[Spanned<NodeId>]) -> Result<(), Wrong> {
        let mut seen = BTreeSet::new();
        for name in named {
            if *name.get_ref() == self.node.id {
                let why = "this is the manager itself, whose pages are a registrar already; take it away";
                return Err(at(name, why));
            }
            if !seen.insert(name.get_ref()) {
                return Err(at(name, format!("{} is named twice; take one of them away", name.get_ref())));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};
    use std::path::Path;

    const GOOD: &str = r#"[node]
id = "registrar-1"
data = "data"
roles = ["registrar"]
[listen]
address = "127.0.0.1:0"
[registrar]
listen = "127.0.0.1:0"
[parent]
url = "https://manager.example:8600"
token-file = "token"
"#;

    const MANAGER: &str = r#"[node]
id = "manager"
data = "data"
roles = ["manager"]
[listen]
address = "127.0.0.1:0"
[enrollment]
registrars = [
  "registrar-1",
  "registrar-2",
]
"#;

    fn wrong(text: &str, from: &str, to: &str) -> (usize, String) {
        assert!(text.contains(from), "{from}");
        let error = Config::parse(&text.replace(from, to), Path::new("hostler.toml")).unwrap_err();
        let ConfigError::Invalid { line, why, .. } = error else { panic!("{error}") };
        (line, why)
    }

    #[test]
    fn e01_what_a_registrar_lacks_is_said_with_its_line() {
        let good = Config::parse(GOOD, Path::new("hostler.toml")).unwrap();
        assert!(good.registrar.is_some());
        let parent = "[parent]\nurl = \"https://manager.example:8600\"\ntoken-file = \"token\"\n";
        for (from, to, line, word) in [
            ("[\"registrar\"]", "[\"gateway\"]", 8, "add \"registrar\" to `roles`"),
            ("[\"registrar\"]", "[\"registrar\", \"manager\"]", 10, "root"),
            ("[registrar]\nlisten = \"127.0.0.1:0\"\n", "", 4, "needs [registrar]"),
            ("[registrar]\nlisten", "[registrar]\naddress", 8, "address"),
            (parent, "", 4, "needs [parent]"),
            ("listen = \"127.0.0.1:0\"", "listen = \"0.0.0.0:443\"", 8, "unencrypted"),
            ("\"registrar-1\"", "\"Registrar 1\"", 2, "node ID"),
        ] {
            let (at, why) = wrong(GOOD, from, to);
            assert!(why.contains(word) && at == line, "{to}: line {at}, {why}");
        }
    }

    #[test]
    fn e01_whom_a_manager_names_as_registrar_is_checked() {
        let good = Config::parse(MANAGER, Path::new("hostler.toml")).unwrap();
        assert_eq!(good.enrollment().registrars.len(), 2);
        // Of what is no name at all, the line is that of the list.
        for (to, line, word) in
            [("registrar-1", 10, "twice"), ("manager", 10, "the manager itself"), ("No. 2", 8, "node ID")]
        {
            let (at, why) = wrong(MANAGER, "registrar-2", to);
            assert!(why.contains(word) && at == line, "{to}: line {at}, {why}");
        }
    }
}
