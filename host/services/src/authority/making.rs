//! The authority's files, and how they are made first: in a folder beside, which then gets its name. So a crash leaves
//! nothing, or a whole authority; what it left beside is removed by the next making.

use super::bundle::{chain_pem, key_pem};
use super::certificate::{self, INTERMEDIATE_LIFETIME, ROOT_LIFETIME, Validity};
use super::error::AuthorityError;
use super::folder;
use hostler_core::{NodeId, Timestamp};
use rcgen::{Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Whose authority it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names {
    /// The manager, which no node is called like.
    pub manager: NodeId,
    /// The organisation; it gives the root its name, and the manager does where there is none. An authority that exists
    /// keeps the name that it has.
    pub organisation: Option<String>,
}

impl Names {
    fn whose(&self) -> &str {
        self.organisation.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(self.manager.as_str())
    }

    fn root(&self) -> String {
        format!("hostler root of {}", self.whose())
    }

    fn intermediate(&self) -> String {
        format!("hostler intermediate of {}", self.whose())
    }
}

/// The root's certificate.
pub(super) fn root_certificate(folder: &Path) -> PathBuf {
    folder.join("root.crt")
}

/// The root's key, alone, so that it can be taken away.
pub(super) fn root_key(folder: &Path) -> PathBuf {
    folder.join("root.key")
}

/// The intermediate's certificate and key.
pub(super) fn intermediate(folder: &Path) -> PathBuf {
    folder.join("intermediate.pem")
}

/// The manager's own chain and key.
pub(super) fn server(folder: &Path) -> PathBuf {
    folder.join("server.pem")
}

/// What orders are signed with: chain and key.
pub(super) fn orders(folder: &Path) -> PathBuf {
    folder.join("orders.pem")
}

/// The numbers of orders.
pub(super) fn order_numbers(folder: &Path) -> PathBuf {
    folder.join("orders.number")
}

/// Where it is made before it has its name.
pub(super) fn beside(folder: &Path) -> Result<PathBuf, AuthorityError> {
    let nameless = || folder::failed(folder, "made")(ErrorKind::InvalidInput.into());
    let name = folder.file_name().ok_or_else(nameless)?;
    Ok(folder.with_file_name(format!(".{}.making", name.to_string_lossy())))
}

/// Whether there is nothing yet.
pub(super) fn is_absent(folder: &Path) -> Result<bool, AuthorityError> {
    match std::fs::read_dir(folder) {
        Ok(mut files) => Ok(files.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(folder::failed(folder, "read")(error)),
    }
}

/// Makes a whole authority in a folder that is empty or isn't there.
pub(super) fn make(folder: &Path, names: &Names, now: Timestamp) -> Result<(), AuthorityError> {
    let beside = beside(folder)?;
    match std::fs::remove_dir_all(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(folder::failed(&beside, "removed")(error)),
        _ => {}
    }
    folder::private(&beside)?;
    let root_pair = KeyPair::generate().map_err(AuthorityError::crypto)?;
    let validity = Validity::authority(now, ROOT_LIFETIME);
    let params = certificate::authority(&names.root(), 1, validity)?;
    let root = params.self_signed(&root_pair).map_err(AuthorityError::crypto)?;
    folder::write(&root_certificate(&beside), &chain_pem(&[root.der()]))?;
    folder::write(&root_key(&beside), &key_pem(&root_pair))?;
    let signed = sign_intermediate(&names.intermediate(), root.der(), root_pair, validity, now)?;
    folder::write(&intermediate(&beside), &signed)?;
    std::fs::rename(&beside, folder).map_err(folder::failed(folder, "made"))?;
    folder::settle_above(folder)
}

/// A new intermediate and its key, as they are in their file.
fn sign_intermediate(
    name: &str,
    root: &CertificateDer<'_>,
    root_pair: KeyPair,
    root_validity: Validity,
    now: Timestamp,
) -> Result<Zeroizing<String>, AuthorityError> {
    let pair = KeyPair::generate().map_err(AuthorityError::crypto)?;
    let issuer = Issuer::from_ca_cert_der(root, root_pair).map_err(AuthorityError::crypto)?;
    let validity = Validity::authority(now, INTERMEDIATE_LIFETIME).within(root_validity);
    let mut params = certificate::authority(name, 0, validity)?;
    params.use_authority_key_identifier_extension = true;
    let signed = params.signed_by(&pair, &issuer).map_err(AuthorityError::crypto)?;
    Ok(Zeroizing::new(chain_pem(&[signed.der()]) + &key_pem(&pair)))
}

/// Puts a new intermediate in the place of the one before.
pub(super) fn renew_intermediate(
    folder: &Path,
    names: &Names,
    root: &CertificateDer<'_>,
    root_pair: KeyPair,
    root_validity: Validity,
    now: Timestamp,
) -> Result<(), AuthorityError> {
    let signed = sign_intermediate(&names.intermediate(), root, root_pair, root_validity, now)?;
    folder::write(&intermediate(folder), &signed)
}
