//! The credentials of a gateway's network, as its configuration names them. Their values never leave this crate.

use async_snmp::{Auth, AuthProtocol, MasterKeys, PrivProtocol, UsmConfig};
use hostler_core::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// How to speak to an SNMP agent, by version.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "version", deny_unknown_fields)]
pub enum SnmpCredential {
    /// SNMPv1 with a community.
    #[serde(rename = "1")]
    V1 {
        /// The community.
        community: Secret,
    },
    /// SNMPv2c with a community.
    #[serde(rename = "2c")]
    V2c {
        /// The community.
        community: Secret,
    },
    /// SNMPv3 with a user of the user-based security model (RFC 3414).
    #[serde(rename = "3")]
    V3 {
        /// The user's name.
        user: String,
        /// How messages are authenticated; at least eight characters of password.
        auth: Option<Keyed<AuthAlgorithm>>,
        /// How they are encrypted; only together with `auth`.
        privacy: Option<Keyed<PrivacyAlgorithm>>,
    },
}

/// An algorithm and the password that its key is made of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyed<A> {
    /// Which algorithm.
    pub algorithm: A,
    /// The password.
    pub password: Secret,
}

/// How SNMPv3 messages are authenticated.
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(missing_docs, reason = "they are their names")]
pub enum AuthAlgorithm {
    #[serde(rename = "MD5")]
    Md5,
    #[serde(rename = "SHA-1")]
    Sha1,
    #[serde(rename = "SHA-256")]
    Sha256,
    #[serde(rename = "SHA-512")]
    Sha512,
}

/// How SNMPv3 messages are encrypted.
#[derive(Clone, Copy, Debug, Deserialize)]
#[allow(missing_docs, reason = "they are their names")]
pub enum PrivacyAlgorithm {
    #[serde(rename = "DES")]
    Des,
    #[serde(rename = "AES-128")]
    Aes128,
    #[serde(rename = "AES-256")]
    Aes256,
}

/// A user name and a password for a device's web server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpCredential {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Octets that an SNMPv3 password has at least (RFC 3414, 11.2).
const PASSWORD: usize = 8;

/// Octets of an SNMPv3 user's name (RFC 3414, `usmUserName`).
const USER: std::ops::RangeInclusive<usize> = 1..=32;

impl SnmpCredential {
    /// Whether an agent could be spoken to like this.
    ///
    /// # Errors
    /// Says what is wrong: the user's name, a short password, or privacy without authentication.
    pub fn check(&self) -> Result<(), String> {
        let Self::V3 { user, auth, privacy } = self else { return Ok(()) };
        if !USER.contains(&user.len()) {
            return Err(format!("`user` has {} to {} characters", USER.start(), USER.end()));
        }
        if auth.is_none() && privacy.is_some() {
            return Err("`privacy` needs authentication as well; add `auth`".to_owned());
        }
        let passwords = auth.iter().map(|auth| &auth.password).chain(privacy.iter().map(|privacy| &privacy.password));
        if passwords.into_iter().any(|password| password.expose().len() < PASSWORD) {
            return Err(format!("a password of SNMPv3 has at least {PASSWORD} characters (RFC 3414)"));
        }
        Ok(())
    }
}

/// A credential can't be used.
#[derive(Debug, thiserror::Error)]
#[error("SNMP credential {name}: {why}")]
pub struct BadCredential {
    name: String,
    why: String,
}

/// One credential.
#[derive(Clone, Debug)]
pub enum Credential {
    /// For an SNMP agent.
    Snmp(SnmpCredential),
    /// For a device's web server.
    Http(HttpCredential),
}

impl Credential {
    /// Whether it could be used under this name.
    ///
    /// # Errors
    /// As [`Credentials::prepare`].
    pub fn check(&self, name: &str) -> Result<(), BadCredential> {
        match self {
            Self::Snmp(credential) => prepared(name, credential).map(drop),
            Self::Http(_) => Ok(()),
        }
    }
}

/// Every credential of a gateway, ready for use: those of its configuration, and those that were given to it since.
#[derive(Default)]
pub struct Credentials {
    snmp: RwLock<BTreeMap<String, Auth>>,
    http: RwLock<BTreeMap<String, HttpCredential>>,
}

impl Credentials {
    /// Makes keys of passwords, once.
    ///
    /// # Errors
    /// One does not pass [`SnmpCredential::check`], or its algorithms don't go together.
    pub fn prepare(
        snmp: &BTreeMap<String, SnmpCredential>,
        http: BTreeMap<String, HttpCredential>,
    ) -> Result<Self, BadCredential> {
        let prepared = snmp
            .iter()
            .map(|(name, credential)| Ok((name.clone(), prepared(name, credential)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self { snmp: RwLock::new(prepared), http: RwLock::new(http) })
    }

    /// Uses this one under this name from now on, in the place of one that has it.
    ///
    /// # Errors
    /// As [`Credentials::prepare`].
    pub fn give(&self, name: &str, credential: Credential) -> Result<(), BadCredential> {
        match credential {
            Credential::Snmp(credential) => {
                let auth = prepared(name, &credential)?;
                self.snmp.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), auth);
            }
            Credential::Http(credential) => {
                self.http.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), credential);
            }
        }
        Ok(())
    }

    /// Whether there is an SNMP credential of this name.
    #[must_use]
    pub fn has_snmp(&self, name: &str) -> bool {
        self.snmp(name).is_some()
    }

    pub(crate) fn snmp(&self, name: &str) -> Option<Auth> {
        self.snmp.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn http(&self, name: &str) -> Option<HttpCredential> {
        self.http.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

fn prepared(name: &str, credential: &SnmpCredential) -> Result<Auth, BadCredential> {
    auth(credential).map_err(|why| BadCredential { name: name.to_owned(), why })
}

fn auth(credential: &SnmpCredential) -> Result<Auth, String> {
    credential.check()?;
    match credential {
        SnmpCredential::V1 { community } => Ok(Auth::v1(community.expose().to_owned())),
        SnmpCredential::V2c { community } => Ok(Auth::v2c(community.expose().to_owned())),
        SnmpCredential::V3 { user, auth: None, .. } => Ok(Auth::usm(user)),
        SnmpCredential::V3 { user, auth: Some(auth), privacy } => {
            let protocol = match auth.algorithm {
                AuthAlgorithm::Md5 => AuthProtocol::Md5,
                AuthAlgorithm::Sha1 => AuthProtocol::Sha1,
                AuthAlgorithm::Sha256 => AuthProtocol::Sha256,
                AuthAlgorithm::Sha512 => AuthProtocol::Sha512,
            };
            let keys = MasterKeys::new(protocol, auth.password.expose().as_bytes()).map_err(|e| e.to_string())?;
            let keys = match privacy {
                None => keys,
                Some(privacy) => {
                    let protocol = match privacy.algorithm {
                        PrivacyAlgorithm::Des => PrivProtocol::Des,
                        PrivacyAlgorithm::Aes128 => PrivProtocol::Aes128,
                        PrivacyAlgorithm::Aes256 => PrivProtocol::Aes256Blumenthal,
                    };
                    let password = privacy.password.expose().as_bytes();
                    keys.with_privacy(protocol, password).map_err(|e| e.to_string())?
                }
            };
            let usm = UsmConfig::new(user.clone()).with_master_keys(keys).map_err(|e| e.to_string())?;
            Ok(usm.into())
        }
    }
}
