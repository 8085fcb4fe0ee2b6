//! What the manager gave this node to reach its devices with: in a file of its own beside the configuration, and in use at
//! once. It stands before what the configuration says under the same name.

use crate::authority::{AuthorityError, read_private, write_private};
use hostler_core::trust::CredentialKind;
use hostler_core::{CredentialName, Secret};
use hostler_links::{Credential, Credentials};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The file, in the data folder. It is in no backup: the manager has it given anew.
pub const FILE: &str = "credentials.json";

/// At most so many are kept.
const MOST: usize = 1_000;

/// The file is no longer than what is read at a start, in bytes.
const LARGEST: usize = 60 << 10;

/// What is in the file: each as its text is in a configuration.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    snmp: BTreeMap<String, Secret>,
    http: BTreeMap<String, Secret>,
}

/// The credentials that were given to this node.
pub struct Keyring {
    path: PathBuf,
    credentials: Arc<Credentials>,
    kept: Mutex<Kept>,
}

/// A credential can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It is none.
    #[error("{0}")]
    Bad(String),
    /// The file.
    #[error(transparent)]
    File(#[from] AuthorityError),
}

/// What somebody writes as a credential, such as `version = "2c"` and `community = "…"`, read. What is wrong with it is said
/// without what is in it.
pub(crate) fn parse(kind: CredentialKind, text: &Secret) -> Result<Credential, String> {
    let read = match kind {
        CredentialKind::Snmp => toml::from_str(text.expose()).map(Credential::Snmp),
        CredentialKind::Http => toml::from_str(text.expose()).map(Credential::Http),
    };
    let written = match kind {
        CredentialKind::Snmp => "version = \"2c\" and, on another line, community = \"…\"",
        CredentialKind::Http => "user = \"…\" and, on another line, password = \"…\"",
    };
    let wrong = || {
        let section = kind.as_str();
        format!("it isn't written as below [credentials.{section}.…] in a configuration; write {written}")
    };
    read.map_err(|_| wrong())
}

impl Keyring {
    /// What the file holds, in use from now on. Blocks.
    ///
    /// # Errors
    /// The file can't be read, or isn't what this wrote.
    pub fn open(folder: &Path, credentials: Arc<Credentials>) -> Result<Arc<Self>, KeyringError> {
        let path = folder.join(FILE);
        let damaged = |why: String| AuthorityError::Damaged { path: path.clone(), why };
        let kept: Kept = match read_private(&path)? {
            None => Kept::default(),
            // What serde says could show what is in it.
            Some(text) => serde_json::from_str(&text).map_err(|_| damaged("it can't be read".to_owned()))?,
        };
        for (kind, named) in [(CredentialKind::Snmp, &kept.snmp), (CredentialKind::Http, &kept.http)] {
            for (name, text) in named {
                let given = parse(kind, text).map_err(|why| damaged(format!("{name}: {why}")))?;
                credentials.give(name, given).map_err(|why| damaged(why.to_string()))?;
            }
        }
        Ok(Arc::new(Self { path, credentials, kept: Mutex::new(kept) }))
    }

    /// Keeps one and uses it from now on. Blocks.
    ///
    /// # Errors
    /// It is none, or can't be kept; then what was there is used on.
    pub(crate) fn set(&self, kind: CredentialKind, name: &CredentialName, text: &Secret) -> Result<(), KeyringError> {
        let given = parse(kind, text).map_err(KeyringError::Bad)?;
        given.check(name.as_str()).map_err(|why| KeyringError::Bad(why.to_string()))?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = kept.clone();
        let named = match kind {
            CredentialKind::Snmp => &mut next.snmp,
            CredentialKind::Http => &mut next.http,
        };
        named.insert(name.to_string(), text.clone());
        if next.snmp.len() + next.http.len() > MOST {
            return Err(KeyringError::Bad(format!("{MOST} credentials were given to this node already")));
        }
        let text = written(&next);
        if text.len() > LARGEST {
            let why =
                format!("what was given to this node would have more than {LARGEST} bytes in all; give shorter ones");
            return Err(KeyringError::Bad(why));
        }
        write_private(&self.path, &text)?;
        *kept = next;
        self.credentials.give(name.as_str(), given).map_err(|why| KeyringError::Bad(why.to_string()))
    }
}

/// As it is in the file.
fn written(kept: &Kept) -> Zeroizing<String> {
    // A secret has no `Serialize`; here is its owner's own file.
    let section = |named: &BTreeMap<String, Secret>| {
        let mut section = Zeroizing::new(String::new());
        for (name, text) in named {
            let between = if section.is_empty() { "" } else { "," };
            let text = Zeroizing::new(serde_json::Value::from(text.expose()).to_string());
            let line = Zeroizing::new(format!("{between}{}:{}", serde_json::Value::from(name.as_str()), *text));
            section.push_str(&line);
        }
        section
    };
    Zeroizing::new(format!("{{\"snmp\":{{{}}},\"http\":{{{}}}}}", *section(&kept.snmp), *section(&kept.http)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn d02_a_given_credential_is_kept_for_its_owner_only_and_is_there_after_a_start() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = || Arc::new(Credentials::default());
        let keyring = Keyring::open(folder.path(), credentials()).unwrap();
        let (office, admin) = ("office".parse().unwrap(), "admin".parse().unwrap());
        keyring.set(CredentialKind::Snmp, &office, &secret("version = \"2c\"\ncommunity = \"orchid\\\"\"")).unwrap();
        keyring.set(CredentialKind::Http, &admin, &secret("user = \"a\"\npassword = \"fern\"")).unwrap();
        let path = folder.path().join(FILE);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let anew = credentials();
        let _ = Keyring::open(folder.path(), Arc::clone(&anew)).unwrap();
        assert!(anew.has_snmp("office") && !anew.has_snmp("admin"));
    }

    #[test]
    fn d02_what_is_no_credential_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::open(folder.path(), Arc::new(Credentials::default())).unwrap();
        let office = "office".parse().unwrap();
        for bad in ["orchid", "community = \"orchid\"", "version = \"2c\"\ncommunity = 0rchid", "version = \"orchid\""]
        {
            let why = keyring.set(CredentialKind::Snmp, &office, &secret(bad)).unwrap_err().to_string();
            assert!(!why.contains("rchid") && why.contains("version = "), "{why}");
        }
        let short = "version = \"3\"\nuser = \"u\"\nauth = { algorithm = \"SHA-256\", password = \"orchid\" }";
        let why = keyring.set(CredentialKind::Snmp, &office, &secret(short)).unwrap_err().to_string();
        assert!(why.contains("at least 8") && !why.contains("orchid"), "{why}");
        assert!(!folder.path().join(FILE).exists());
    }
}
