//! The authority: opening what is there, issuing, renewing the intermediate.

use super::bundle::{Bundle, chain_pem, fits};
use super::certificate::{self, Facts, INTERMEDIATE_AHEAD, Validity};
use super::error::AuthorityError;
use super::gate::{Gate, Standings};
use super::making::{self, Names};
use super::numbers::Numbers;
use super::{folder, request};
use hostler_core::{Fingerprint, KeyFingerprint, NodeId, Serial, Timestamp};
use rcgen::{Certificate, CertificateParams, Issuer, KeyPair, PublicKeyData};
use rustls::pki_types::CertificateDer;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// How long a node's certificate may live, by configuration.
const LIFETIMES: RangeInclusive<Duration> = Duration::from_secs(3_600)..=Duration::from_secs(365 * 86_400);

/// The certificate authority of one manager. Its files are its folder's; one process at a time works with them.
pub struct Authority {
    pub(super) folder: PathBuf,
    names: Names,
    root: CertificateDer<'static>,
    root_validity: Validity,
    intermediate: RwLock<Arc<Intermediate>>,
    /// Held by whoever changes files.
    pub(super) changing: Mutex<()>,
}

/// What signs.
pub(super) struct Intermediate {
    pub certificate: CertificateDer<'static>,
    validity: Validity,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate that was issued. Whoever asked for it remembers the serial number, or it won't stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issued {
    /// The node's certificate, the intermediate and the root, as PEM.
    pub chain_pem: String,
    /// Its serial number, as [`Standings`] is asked for it.
    pub serial: Serial,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// The node's public key.
    pub key: KeyFingerprint,
    /// The same in whole (its SubjectPublicKeyInfo in DER), in hexadecimal digits.
    pub public_key: String,
}

/// What [`Authority::tend`] found to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tended {
    /// Nothing.
    NotDue,
    /// The intermediate was renewed.
    Renewed {
        /// When the new one ends.
        not_after: Timestamp,
    },
}

impl Authority {
    /// Opens the authority in a folder, and makes it where the folder is empty or isn't there. An intermediate that has
    /// ended is renewed where the root's key is at hand. Blocks.
    ///
    /// # Errors
    /// What is there isn't whole, doesn't fit together, or its time is over; the text names the file.
    pub fn open(folder: &Path, names: &Names, now: Timestamp) -> Result<Self, AuthorityError> {
        if making::is_absent(folder)? {
            making::make(folder, names, now)?;
        }
        folder::private(folder)?;
        folder::tidy(folder)?;
        let (root, root_validity) = open_root(folder, now)?;
        root_key(folder, &root)?;
        let intermediate = match open_intermediate(folder, &root) {
            Ok(found) if found.validity.to < now => {
                let pair = root_key(folder, &root)?.ok_or_else(|| AuthorityError::Expired {
                    path: making::intermediate(folder),
                    ended: found.validity.to,
                    now,
                    todo: format!("put root.key back into {} and start again", folder.display()),
                })?;
                making::renew_intermediate(folder, names, &root, pair, root_validity, now)?;
                open_intermediate(folder, &root)?
            }
            other => other?,
        };
        began(&making::intermediate(folder), intermediate.validity, now)?;
        Ok(Self {
            folder: folder.to_owned(),
            names: names.clone(),
            root,
            root_validity,
            intermediate: RwLock::new(Arc::new(intermediate)),
            changing: Mutex::new(()),
        })
    }

    /// What nodes have in their configuration.
    #[must_use]
    pub fn root_fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.root)
    }

    /// The root's certificate.
    #[must_use]
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The numbers of orders. Blocks.
    ///
    /// # Errors
    /// Their file can't be read.
    pub(crate) fn order_numbers(&self) -> Result<Numbers, AuthorityError> {
        Numbers::open(&making::order_numbers(&self.folder))
    }

    /// Who checks what nodes present.
    ///
    /// # Errors
    /// [`AuthorityError::Crypto`].
    pub fn gate(&self, standings: Arc<dyn Standings>) -> Result<Gate, AuthorityError> {
        Gate::new(self.root.clone(), standings)
    }

    /// Issues a certificate to a node, first or anew. Whether that node may have one is decided before.
    ///
    /// It begins ten minutes ago, because clocks differ, and never outlives the intermediate.
    ///
    /// # Errors
    /// The request is refused, the node can't have a certificate, or the intermediate's time is over.
    pub fn issue(
        &self,
        request: &[u8],
        subject: &NodeId,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Issued, AuthorityError> {
        let key = request::key(request)?;
        if !LIFETIMES.contains(&lifetime) {
            return Err(AuthorityError::Lifetime(lifetime));
        }
        if *subject == self.names.manager {
            let name = subject.to_string();
            return Err(AuthorityError::Name { name, why: "it is the manager's own name; give the node another" });
        }
        let make = |validity| certificate::node(subject, validity);
        let (signed, facts, by) = self.sign(make, &key, Validity::leaf(now, lifetime), now)?;
        Ok(Issued {
            chain_pem: chain_pem(&[signed.der(), &by.certificate, &self.root]),
            serial: facts.serial,
            issued_at: now,
            not_after: facts.validity.to,
            key: facts.key,
            public_key: hex::encode(key.subject_public_key_info()),
        })
    }

    /// Signs by the intermediate.
    pub(super) fn sign(
        &self,
        make: impl FnOnce(Validity) -> Result<CertificateParams, AuthorityError>,
        key: &impl PublicKeyData,
        validity: Validity,
        now: Timestamp,
    ) -> Result<(Certificate, Facts, Arc<Intermediate>), AuthorityError> {
        let by = self.intermediate();
        let path = making::intermediate(&self.folder);
        began(&path, by.validity, now)?;
        if now >= by.validity.to {
            let ended = by.validity.to;
            let todo = format!("put root.key back into {} and restart the manager", self.folder.display());
            return Err(AuthorityError::Expired { path, ended, now, todo });
        }
        let params = make(validity.within(by.validity))?;
        let signed = params.signed_by(key, &by.issuer).map_err(AuthorityError::crypto)?;
        let facts = Facts::read(signed.der()).map_err(AuthorityError::Crypto)?;
        Ok((signed, facts, by))
    }

    /// Renews the intermediate when it has half a year left; to be called daily. What the one before signed goes on.
    /// Blocks.
    ///
    /// # Errors
    /// [`AuthorityError::RootKeyAway`] says what an operator does; until the intermediate ends everything else goes on.
    pub fn tend(&self, now: Timestamp) -> Result<Tended, AuthorityError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = self.intermediate().validity.to;
        // One that ends with the root can't be had longer.
        if now.plus(INTERMEDIATE_AHEAD) < ends || ends >= self.root_validity.to {
            return Ok(Tended::NotDue);
        }
        within(&making::root_certificate(&self.folder), self.root_validity, now, ROOT_ENDED)?;
        let away = || AuthorityError::RootKeyAway { folder: self.folder.clone(), ends };
        let pair = root_key(&self.folder, &self.root)?.ok_or_else(away)?;
        making::renew_intermediate(&self.folder, &self.names, &self.root, pair, self.root_validity, now)?;
        let renewed = open_intermediate(&self.folder, &self.root)?;
        let not_after = renewed.validity.to;
        *self.intermediate.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
        Ok(Tended::Renewed { not_after })
    }

    fn intermediate(&self) -> Arc<Intermediate> {
        Arc::clone(&self.intermediate.read().unwrap_or_else(PoisonError::into_inner))
    }
}

const ROOT_ENDED: &str = "start with an empty folder and enroll every node again";

fn began(path: &Path, validity: Validity, now: Timestamp) -> Result<(), AuthorityError> {
    if now < validity.from {
        return Err(AuthorityError::NotYetValid { path: path.to_owned(), begins: validity.from, now });
    }
    Ok(())
}

fn within(path: &Path, validity: Validity, now: Timestamp, todo: &str) -> Result<(), AuthorityError> {
    began(path, validity, now)?;
    if now > validity.to {
        let (path, todo) = (path.to_owned(), todo.to_owned());
        return Err(AuthorityError::Expired { path, ended: validity.to, now, todo });
    }
    Ok(())
}

fn present(path: &Path) -> Result<Bundle, AuthorityError> {
    Bundle::read(path)?.ok_or_else(|| AuthorityError::Missing { path: path.to_owned() })
}

fn foreign(path: &Path, why: &'static str) -> AuthorityError {
    AuthorityError::Foreign { path: path.to_owned(), why }
}

fn open_root(folder: &Path, now: Timestamp) -> Result<(CertificateDer<'static>, Validity), AuthorityError> {
    let path = making::root_certificate(folder);
    let (root, facts) = present(&path)?.first(&path)?;
    if !facts.authority || !certificate::is_signed_by(&root, &root) {
        return Err(foreign(&path, "it is no root: it isn't signed by its own key, or may not sign others"));
    }
    within(&path, facts.validity, now, ROOT_ENDED)?;
    Ok((root, facts.validity))
}

/// The root's key, where it wasn't taken away.
fn root_key(folder: &Path, root: &CertificateDer<'_>) -> Result<Option<KeyPair>, AuthorityError> {
    let path = making::root_key(folder);
    let Some(found) = Bundle::read(&path)? else { return Ok(None) };
    let key = found.key(&path)?;
    let facts = Facts::read(root).map_err(AuthorityError::Crypto)?;
    if !fits(&key, &facts) {
        return Err(foreign(&path, "it isn't the key of root.crt"));
    }
    Ok(Some(key))
}

fn open_intermediate(folder: &Path, root: &CertificateDer<'_>) -> Result<Intermediate, AuthorityError> {
    let path = making::intermediate(folder);
    let found = present(&path)?;
    let (certificate, facts) = found.first(&path)?;
    let key = found.key(&path)?;
    if !facts.authority || !certificate::is_signed_by(&certificate, root) {
        return Err(foreign(&path, "its certificate isn't signed by root.crt"));
    }
    if !fits(&key, &facts) {
        return Err(foreign(&path, "its key isn't its certificate's"));
    }
    let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(AuthorityError::crypto)?;
    Ok(Intermediate { certificate, validity: facts.validity, issuer })
}
