//! Which functions a component exports and calls, and whether its manifest asks for just those.
//!
//! Whether a node takes the component at all says `hostler_core::plugin::inspect`, the very function that nodes ask.

use anyhow::Context;
use hostler_core::plugin::{Capability, Manifest, WIT_PACKAGE};
use serde::Serialize;
use std::collections::BTreeSet;
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{Resolve, World, WorldItem, WorldKey};

/// An interface that a component exports or imports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Interface {
    /// Its package, such as `hostler:plugin`.
    pub(crate) package: String,
    /// The package's version.
    pub(crate) version: String,
    /// Its name there, such as `snmp`.
    pub(crate) name: String,
    /// The functions in use. An interface without any lends its types only.
    pub(crate) functions: Vec<String>,
}

/// Everything that a component exports and imports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Contract {
    /// What its device type can do.
    pub(crate) exports: Vec<Interface>,
    /// What it calls.
    pub(crate) imports: Vec<Interface>,
}

/// Something that the author should know and a node wouldn't say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Finding {
    /// It calls what its manifest doesn't ask for; the calls would be refused.
    NotAsked {
        /// What.
        capability: Capability,
    },
    /// Its manifest asks for what it doesn't call. An operator is asked for nothing.
    NotUsed {
        /// What.
        capability: Capability,
    },
}

impl Finding {
    /// Whether the plug-in would not work.
    pub(crate) fn is_error(&self) -> bool {
        !matches!(self, Self::NotUsed { .. })
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAsked { capability } => write!(
                f,
                "the code calls what {capability} grants, and the manifest doesn't ask for it; add `{}` under [needs]",
                line(capability)
            ),
            Self::NotUsed { capability } => write!(
                f,
                "the manifest asks to {}, and the code never does; leave it out, so that operators aren't asked for it",
                capability.question()
            ),
        }
    }
}

/// What to write into the manifest.
fn line(capability: &Capability) -> String {
    let line = match capability {
        Capability::Snmp => "snmp = {}",
        Capability::SnmpWrite => "snmp = { write = true }",
        Capability::Http => "http = {}",
        Capability::State => "state = true",
        Capability::Cache => "cache = true",
        Capability::Events => "events = true",
        Capability::Lan => "lan = true",
        Capability::Credential(name) => return format!("http = {{ credentials = [\"{name}\"] }}"),
    };
    line.to_owned()
}

impl Contract {
    /// Reads what a component says of itself.
    ///
    /// # Errors
    /// When the bytes are no component.
    pub(crate) fn of(component: &[u8]) -> anyhow::Result<Self> {
        let DecodedWasm::Component(resolve, world) = decode(component).context("the file is no WASM component")? else {
            anyhow::bail!("the file holds WIT definitions, not a plug-in");
        };
        let world = resolve.worlds.get(world).context("the component describes no world")?;
        Ok(Self { exports: interfaces(&resolve, &world.exports), imports: imports(&resolve, world) })
    }

    /// The capabilities whose functions it calls.
    pub(crate) fn used(&self) -> BTreeSet<Capability> {
        let ours = self.imports.iter().filter(|interface| interface.package == WIT_PACKAGE);
        ours.flat_map(|interface| {
            interface.functions.iter().map(|function| (interface.name.as_str(), function.as_str()))
        })
        .filter_map(|call| match call {
            ("snmp", "set") => Some(Capability::SnmpWrite),
            ("snmp", _) => Some(Capability::Snmp),
            ("http", _) => Some(Capability::Http),
            ("state", _) => Some(Capability::State),
            ("cache", _) => Some(Capability::Cache),
            ("events", _) => Some(Capability::Events),
            ("lan", _) => Some(Capability::Lan),
            _ => None,
        })
        .collect()
    }

    /// Compares the component with its manifest.
    pub(crate) fn check(&self, manifest: &Manifest) -> Vec<Finding> {
        let used = self.used();
        let missing = used.difference(&manifest.needs).cloned().map(|capability| Finding::NotAsked { capability });
        // What a plug-in has the host do after the call, an action, is a value and not a call: it doesn't show here.
        // A credential is named by a value as well.
        let shows = |capability: &Capability| {
            !matches!(capability, Capability::SnmpWrite | Capability::Http | Capability::Credential(_))
        };
        let idle = manifest.needs.difference(&used).filter(|need| shows(need)).cloned();
        missing.chain(idle.map(|capability| Finding::NotUsed { capability })).collect()
    }
}

impl std::fmt::Display for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.package, self.name)?;
        if self.version.is_empty() { Ok(()) } else { write!(f, "@{}", self.version) }
    }
}

fn imports(resolve: &Resolve, world: &World) -> Vec<Interface> {
    interfaces(resolve, &world.imports)
}

fn interfaces<'a>(resolve: &Resolve, items: impl IntoIterator<Item = (&'a WorldKey, &'a WorldItem)>) -> Vec<Interface> {
    items
        .into_iter()
        .filter_map(|(key, item)| match item {
            WorldItem::Interface { id, .. } => {
                let interface = resolve.interfaces.get(*id)?;
                let package = interface.package.and_then(|package| resolve.packages.get(package));
                Some(Interface {
                    package: package.map(|p| format!("{}:{}", p.name.namespace, p.name.name)).unwrap_or_default(),
                    version: package.and_then(|p| p.name.version.as_ref()).map(ToString::to_string).unwrap_or_default(),
                    name: interface.name.clone().unwrap_or_else(|| resolve.name_world_key(key)),
                    functions: interface.functions.keys().cloned().collect(),
                })
            }
            WorldItem::Function(function) => Some(Interface {
                package: String::new(),
                version: String::new(),
                name: function.name.clone(),
                functions: vec![function.name.clone()],
            }),
            WorldItem::Type { .. } => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
    use wit_parser::ManglingAndAbi;

    /// A component that imports and exports all that a world has.
    fn component(wit: &str) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
    }

    fn manifest(needs: &str) -> Manifest {
        let text = format!("[plugin]\nname='x'\nversion='1.0.0'\ntitle='X'\ndevice-types=[]\n[needs]\n{needs}");
        Manifest::parse(&text).unwrap()
    }

    const GOOD: &str = "package hostler:plugin@0.1.0;
        interface snmp { get: func(); set: func(); }
        interface driver { read: func(); }
        world plugin { import snmp; export driver; }";

    #[test]
    fn a_plugin_that_asks_for_what_it_calls_is_good() {
        let contract = Contract::of(&component(GOOD)).unwrap();
        assert_eq!(contract.exports.len(), 1);
        assert_eq!(contract.exports[0].to_string(), "hostler:plugin/driver@0.1.0");
        assert_eq!(contract.check(&manifest("snmp = { write = true }")), []);
    }

    #[test]
    fn what_is_called_and_not_asked_for_is_found() {
        let contract = Contract::of(&component(GOOD)).unwrap();
        let findings = contract.check(&manifest("snmp = {}\nstate = true"));
        let expected = [
            Finding::NotAsked { capability: Capability::SnmpWrite },
            Finding::NotUsed { capability: Capability::State },
        ];
        assert_eq!(findings, expected);
        assert!(findings[0].is_error() && !findings[1].is_error());
    }
}
