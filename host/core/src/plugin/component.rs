//! What a component is, read from its bytes alone: nothing is compiled and nothing runs.

use super::{Budget, Capability, MANIFEST_SECTION, Manifest, ManifestError, WIT_PACKAGE, WIT_VERSIONS};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use wasmparser::{Encoding, Parser, Payload};

/// A component larger than this is refused unread. A Python plug-in has about 18 MB.
pub const COMPONENT_LIMIT: usize = 64 << 20;

/// One interface that a component imports or exports.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Interface {
    /// Such as `snmp`.
    pub name: String,
    /// Such as `0.1.0`.
    pub version: String,
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{WIT_PACKAGE}/{}@{}", self.name, self.version)
    }
}

/// What runs a plug-in, and for what. It follows from what the component exports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Nodes, for the things of a device type: it exports `driver`, and may export what [`Offer`] has.
    #[default]
    Device,
    /// The terminal of a user who enrolls devices: it exports `discovery`, `delivery` or both.
    Terminal,
}

/// What a device plug-in may export beside `driver`, as its type has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Offer {
    /// `commands`: what people can have the thing do.
    Commands,
    /// `panel`: what its own panel shows.
    Panel,
    /// `power`: how it saves energy.
    Power,
}

impl Offer {
    /// The interface that is exported for it.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Panel => "panel",
            Self::Power => "power",
        }
    }

    fn named(interface: &str) -> Option<Self> {
        [Self::Commands, Self::Panel, Self::Power].into_iter().find(|offer| offer.interface() == interface)
    }
}

/// What a component is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Component {
    /// What runs it.
    pub kind: Kind,
    /// Its manifest.
    pub manifest: Manifest,
    /// The manifest as its author wrote it.
    pub manifest_text: String,
    /// What it exports.
    pub exports: BTreeSet<Interface>,
    /// What it imports.
    pub imports: BTreeSet<Interface>,
    /// The SHA-256 of its bytes, lower-case hexadecimal.
    pub digest: String,
    /// How many bytes it has.
    pub size: usize,
}

/// Why bytes are no plug-in. Each sentence names the plug-in where it is known, the rule, and the manifest's line where there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than [`COMPONENT_LIMIT`].
    #[error("the file has {0} bytes; a plug-in has at most {COMPONENT_LIMIT}")]
    TooLarge(usize),
    /// Not WebAssembly, or broken.
    #[error("this is no WebAssembly component: {0}. Build it with `hostler-sdk build`")]
    NotAComponent(String),
    /// A core module.
    #[error("this is a core WebAssembly module, not a component. Build it with `hostler-sdk build`")]
    CoreModule,
    /// No manifest.
    #[error("the component carries no manifest (custom section {MANIFEST_SECTION}). Build it with `hostler-sdk build`")]
    NoManifest,
    /// Two manifests: a tool might show one of them and a node go by the other.
    #[error("the component carries more than one manifest. Build it with `hostler-sdk build`")]
    ManyManifests,
    /// A manifest that can't be.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It wants something that no node lends.
    #[error(
        "plug-in {plugin} imports {import}, which no node lends; plug-ins may import interfaces of {WIT_PACKAGE} only"
    )]
    ForeignImport {
        /// Which plug-in.
        plugin: String,
        /// What it imports.
        import: String,
    },
    /// It was built against an interface version that this host doesn't speak.
    #[error(
        "plug-in {plugin} was built against {interface}; this host speaks {} of {WIT_PACKAGE}. Build it again with this release's SDK",
        WIT_VERSIONS.join(", ")
    )]
    UnknownVersion {
        /// Which plug-in.
        plugin: String,
        /// Which interface.
        interface: Interface,
    },
    /// It wants an interface that this version doesn't have.
    #[error("plug-in {plugin} imports {interface}, which does not exist in that version")]
    UnknownInterface {
        /// Which plug-in.
        plugin: String,
        /// Which interface.
        interface: Interface,
    },
    /// It uses what its manifest doesn't ask for.
    #[error(
        "plug-in {plugin} imports {interface}, but its manifest asks for nothing of the kind; \
         add `{need}` to [needs] in plugin.toml"
    )]
    Undeclared {
        /// Which plug-in.
        plugin: String,
        /// Which interface.
        interface: Interface,
        /// The line that is missing.
        need: &'static str,
    },
    /// It does nothing for a device type or a terminal.
    #[error(
        "plug-in {plugin} exports no interface of {WIT_PACKAGE}; a device plug-in exports driver, a terminal plug-in \
         discovery, delivery or both"
    )]
    NoExport {
        /// Which plug-in.
        plugin: String,
    },
    /// It can do what only a plug-in for a device type can, and is none.
    #[error(
        "plug-in {plugin} exports {interface} without driver; what a device type has further stands beside driver, so export \
         that, too"
    )]
    NoDriver {
        /// Which plug-in.
        plugin: String,
        /// What it exports.
        interface: Interface,
    },
    /// It is for devices and for terminals.
    #[error(
        "plug-in {plugin} exports driver and {interface}; make two plug-ins of it, one for nodes and one for terminals"
    )]
    TwoKinds {
        /// Which plug-in.
        plugin: String,
        /// What it exports beside driver.
        interface: Interface,
    },
    /// It wants what the other kind of plug-in gets.
    #[error("plug-in {plugin} imports {interface}, which {} is lent", lent_to(*kind))]
    WrongKind {
        /// Which plug-in.
        plugin: String,
        /// What it imports.
        interface: Interface,
        /// What it is.
        kind: Kind,
    },
}

impl Component {
    /// Whether it exports this.
    #[must_use]
    pub fn offers(&self, offer: Offer) -> bool {
        self.exports.iter().any(|export| export.name == offer.interface())
    }
}

/// Reads what a component is.
///
/// # Errors
/// A [`Refusal`] that says why it can't be a plug-in here.
pub fn inspect(bytes: &[u8]) -> Result<Component, Refusal> {
    if bytes.len() > COMPONENT_LIMIT {
        return Err(Refusal::TooLarge(bytes.len()));
    }
    let outline = outline(bytes)?;
    let text = outline.manifest.ok_or(Refusal::NoManifest)?;
    let mut manifest = Manifest::parse(&text)?;
    let plugin = manifest.name.to_string();
    let imports =
        interfaces(&outline.imports).map_err(|import| Refusal::ForeignImport { plugin: plugin.clone(), import })?;
    // What it exports beside our interfaces is nobody's business.
    let exports: BTreeSet<Interface> = outline.exports.iter().filter_map(|name| interface(name)).collect();
    if let Some(interface) = imports.iter().chain(&exports).find(|i| !WIT_VERSIONS.contains(&i.version.as_str())) {
        return Err(Refusal::UnknownVersion { plugin, interface: interface.clone() });
    }
    let kind = kind(&plugin, &exports)?;
    if kind == Kind::Terminal {
        manifest = manifest.under(Budget::terminal());
    }
    for interface in &imports {
        if !lent(kind, &interface.name) {
            return Err(Refusal::WrongKind { plugin, interface: interface.clone(), kind });
        }
        let missing = match need(&interface.name) {
            None => return Err(Refusal::UnknownInterface { plugin, interface: interface.clone() }),
            Some(Need::Free) => None,
            Some(Need::Asked(capability, line)) => (!manifest.needs.contains(&capability)).then_some(line),
        };
        if let Some(need) = missing {
            return Err(Refusal::Undeclared { plugin, interface: interface.clone(), need });
        }
    }
    let digest = hex::encode(Sha256::digest(bytes));
    Ok(Component { kind, manifest, manifest_text: text, exports, imports, digest, size: bytes.len() })
}

/// What a plug-in with these exports is.
fn kind(plugin: &str, exports: &BTreeSet<Interface>) -> Result<Kind, Refusal> {
    let driver = exports.iter().any(|export| export.name == "driver");
    let terminal = exports.iter().find(|export| matches!(export.name.as_str(), "discovery" | "delivery"));
    if let Some(interface) = exports.iter().find(|export| Offer::named(&export.name).is_some())
        && !driver
    {
        return Err(Refusal::NoDriver { plugin: plugin.to_owned(), interface: interface.clone() });
    }
    match (driver, terminal) {
        (true, None) => Ok(Kind::Device),
        (false, Some(_)) => Ok(Kind::Terminal),
        (true, Some(interface)) => Err(Refusal::TwoKinds { plugin: plugin.to_owned(), interface: interface.clone() }),
        (false, None) => Err(Refusal::NoExport { plugin: plugin.to_owned() }),
    }
}

/// Whether a plug-in of this kind may have this interface. Only one without a device may name addresses.
fn lent(kind: Kind, interface: &str) -> bool {
    match interface {
        "types" | "log" | "clock" => true,
        "lan" | "progress" | "terminal-types" => kind == Kind::Terminal,
        "snmp" | "http" | "state" | "cache" | "events" | "random" | "settings" => kind == Kind::Device,
        // What doesn't exist is told as that.
        _ => true,
    }
}

fn lent_to(kind: Kind) -> &'static str {
    match kind {
        Kind::Device => "only a terminal plug-in, which exports no driver,",
        Kind::Terminal => "only a device plug-in, which exports driver,",
    }
}

enum Need {
    Free,
    Asked(Capability, &'static str),
}

fn need(interface: &str) -> Option<Need> {
    Some(match interface {
        "types" | "terminal-types" | "log" | "clock" | "progress" | "random" | "settings" => Need::Free,
        "lan" => Need::Asked(Capability::Lan, "lan = true"),
        "snmp" => Need::Asked(Capability::Snmp, "snmp = {}"),
        "http" => Need::Asked(Capability::Http, "http = {}"),
        "state" => Need::Asked(Capability::State, "state = true"),
        "cache" => Need::Asked(Capability::Cache, "cache = true"),
        "events" => Need::Asked(Capability::Events, "events = true"),
        _ => return None,
    })
}

fn interfaces(names: &[String]) -> Result<BTreeSet<Interface>, String> {
    names.iter().map(|name| interface(name).ok_or_else(|| name.clone())).collect()
}

fn interface(name: &str) -> Option<Interface> {
    let (name, version) = name.strip_prefix(WIT_PACKAGE)?.strip_prefix('/')?.split_once('@')?;
    Some(Interface { name: name.to_owned(), version: version.to_owned() })
}

#[derive(Default)]
struct Outline {
    manifest: Option<String>,
    imports: Vec<String>,
    exports: Vec<String>,
}

/// The names at the component's outermost level; what is nested in it is its own.
fn outline(bytes: &[u8]) -> Result<Outline, Refusal> {
    // It says what is wrong first; the bytes that it lists then are no help.
    let first = |message: &str| message.split(" - ").next().unwrap_or_default().to_owned();
    let broken = |error: wasmparser::BinaryReaderError| Refusal::NotAComponent(first(error.message()));
    let mut outline = Outline::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(Refusal::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    outline.imports.push(import.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    outline.exports.push(export.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if depth == 0 && section.name() == MANIFEST_SECTION => {
                let text = String::from_utf8(section.data().to_vec());
                let text = text.map_err(|_| ManifestError::Invalid { line: 1, why: "not UTF-8".to_owned() })?;
                if outline.manifest.replace(text).is_some() {
                    return Err(Refusal::ManyManifests);
                }
            }
            _ => {}
        }
    }
    Ok(outline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn p01_what_is_no_component_is_told_what_it_is() {
        assert!(matches!(inspect(b"hello"), Err(Refusal::NotAComponent(_))));
        assert_eq!(inspect(b"\0asm\x01\0\0\0"), Err(Refusal::CoreModule));
        assert_eq!(inspect(b"\0asm\x0d\0\x01\0"), Err(Refusal::NoManifest));
    }

    proptest! {
        #[test]
        fn p01_hostile_bytes_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = inspect(&[b"\0asm\x0d\0\x01\0".as_slice(), &tail].concat());
        }
    }
}
