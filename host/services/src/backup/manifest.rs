//! What is in a backup. Names are types: what can't be in one can't be named, so no backup writes anywhere else.

use super::error::BackupError;
use crate::membership::KEY;
use hostler_core::{NodeId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// The format that this release writes, and the latest that it reads.
pub(super) const FORMAT: u32 = 1;
/// The manifest's own name, by which a backup is known.
pub(super) const NAME: &str = "hostler-backup.json";
/// The most bytes of a manifest.
pub(super) const LONGEST_MANIFEST: u64 = 1 << 20;
/// The most files in a backup.
const MOST_FILES: usize = 4_096;

const LONGEST_STORE: u64 = 1 << 40;
const LONGEST_KEY: u64 = 64 << 10;
const LONGEST_PLUGIN: u64 = 64 << 20;

/// One of the files of a node that are in its backups.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Part {
    /// The store.
    Store,
    /// A file of the certificate authority: a certificate or a key.
    Authority(AuthorityFile),
    /// A plug-in's component, by its digest.
    Plugin(Digest),
    /// The key by which the node is known to its manager, where it joined one.
    OwnKey,
}

/// The name of a file of the authority: letters, digits, dots and hyphens, and it begins with no dot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AuthorityFile(String);

/// A SHA-256 digest, in 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// A text that names no file of a backup.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} names nothing that is in a backup")]
pub struct BadPart(String);

impl Part {
    /// The most bytes that it may have.
    pub(super) fn longest(&self) -> u64 {
        match self {
            Self::Store => LONGEST_STORE,
            Self::Authority(_) | Self::OwnKey => LONGEST_KEY,
            Self::Plugin(_) => LONGEST_PLUGIN,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store => f.write_str(super::STORE),
            Self::OwnKey => f.write_str(KEY),
            Self::Authority(AuthorityFile(name)) => write!(f, "{}/{name}", super::AUTHORITY),
            Self::Plugin(Digest(digest)) => write!(f, "{}/{digest}.wasm", super::PLUGINS),
        }
    }
}

impl FromStr for Part {
    type Err = BadPart;
    fn from_str(text: &str) -> Result<Self, BadPart> {
        let bad = || BadPart(text.chars().take(100).collect());
        match text.split_once('/') {
            None if text == super::STORE => Ok(Self::Store),
            None if text == KEY => Ok(Self::OwnKey),
            Some((super::AUTHORITY, name)) => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
                let fits = (1..=64).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain);
                if fits { Ok(Self::Authority(AuthorityFile(name.to_owned()))) } else { Err(bad()) }
            }
            Some((super::PLUGINS, name)) => {
                let digest = name.strip_suffix(".wasm").and_then(|digest| digest.to_owned().try_into().ok());
                digest.map(Self::Plugin).ok_or_else(bad)
            }
            _ => Err(bad()),
        }
    }
}

impl TryFrom<String> for Part {
    type Error = BadPart;
    fn try_from(text: String) -> Result<Self, BadPart> {
        text.parse()
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.to_string()
    }
}

impl Digest {
    /// What a hash came to.
    pub(super) fn of(hash: sha2::Sha256) -> Self {
        Self(hex::encode(sha2::Digest::finalize(hash)))
    }
}

impl TryFrom<String> for Digest {
    type Error = BadPart;
    fn try_from(text: String) -> Result<Self, BadPart> {
        let fits = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text)) } else { Err(BadPart(text.chars().take(100).collect())) }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// One file in a backup.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Listed {
    /// Which.
    #[schema(value_type = String)]
    pub name: Part,
    /// How long it is.
    pub bytes: u64,
    /// Its SHA-256 digest.
    #[schema(value_type = String)]
    pub sha256: Digest,
}

/// What is in a backup, in this order, and where it comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Manifest {
    /// The backup's format.
    pub format: u32,
    /// The release that wrote it.
    pub hostler: String,
    /// Whose it is; a node that didn't run isn't asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// When the store was copied.
    pub at: Timestamp,
    /// The files.
    pub files: Vec<Listed>,
}

/// What is read of a manifest of whichever format.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
    #[serde(default)]
    hostler: String,
}

impl Manifest {
    /// Reads a manifest, and checks that all of it may be.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BackupError> {
        let foreign = |error: serde_json::Error| BackupError::Foreign(format!("what it says of itself: {error}"));
        let AnyFormat { format, hostler } = serde_json::from_slice(bytes).map_err(foreign)?;
        if format > FORMAT {
            return Err(BackupError::TooNew { found: format, known: FORMAT, by: hostler.chars().take(40).collect() });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(foreign)?;
        manifest.check().map_err(BackupError::Foreign)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.files.len() > MOST_FILES {
            return Err(format!("it lists {} files, and a backup has at most {MOST_FILES}", self.files.len()));
        }
        let mut names = BTreeSet::new();
        for Listed { name, bytes, .. } in &self.files {
            if !names.insert(name) {
                return Err(format!("{name} is in it twice"));
            }
            if *bytes > name.longest() {
                return Err(format!("{name} has {bytes} bytes, and may have {}", name.longest()));
            }
        }
        if names.contains(&Part::Store) { Ok(()) } else { Err(format!("there is no {} in it", Part::Store)) }
    }

    /// How many bytes its files have together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    /// What is in it, in one sentence for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |of: fn(&Part) -> bool| self.files.iter().filter(|file| of(&file.name)).count();
        let keys = match count(|part| matches!(part, Part::Authority(_))) {
            0 => String::new(),
            files => format!(", the certificate authority with its private keys ({files} files)"),
        };
        let plugins = match count(|part| matches!(part, Part::Plugin(_))) {
            0 => String::new(),
            one @ 1 => format!(", {one} plug-in's component"),
            more => format!(", {more} components of plug-ins"),
        };
        let whose = self.node.as_ref().map_or_else(String::new, |node| format!(" of {node}"));
        format!("the store{whose} as of {}{keys}{plugins}", self.at)
    }
}
