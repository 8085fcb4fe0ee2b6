//! A node's own key and its certificate request.

use super::bundle::{Bundle, key_pem};
use super::error::AuthorityError;
use super::{folder, orders};
use hostler_core::KeyFingerprint;
use hostler_core::trust::{Purpose, Signed};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData};
use rustls::pki_types::PrivateKeyDer;
use std::path::Path;

/// A node's key pair. The private key stays on the node.
pub struct Identity(KeyPair);

impl Identity {
    /// A new one, ECDSA with P-256.
    ///
    /// # Errors
    /// [`AuthorityError::Crypto`].
    pub fn make() -> Result<Self, AuthorityError> {
        KeyPair::generate().map(Self).map_err(AuthorityError::crypto)
    }

    /// The one in a file; `None` where there is no such file. Blocks.
    ///
    /// # Errors
    /// The file can't be read, or isn't what [`Identity::save`] wrote.
    pub fn load(path: &Path) -> Result<Option<Self>, AuthorityError> {
        Bundle::read(path)?.map(|found| found.key(path).map(Self)).transpose()
    }

    /// Writes it as PEM into a file that only its owner may read, whole or not at all. Blocks.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn save(&self, path: &Path) -> Result<(), AuthorityError> {
        folder::write(path, &key_pem(&self.0))
    }

    /// What the node sends to get a certificate: PKCS #10 in DER. It says nothing but the key: the manager knows the
    /// rest.
    ///
    /// # Errors
    /// [`AuthorityError::Crypto`].
    pub fn request(&self) -> Result<Vec<u8>, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&self.0).map_err(AuthorityError::crypto)?;
        Ok(request.der().to_vec())
    }

    /// The public key's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint::of(&self.0.subject_public_key_info())
    }

    /// A text that this key vouches for, with the certificates that say whose key it is.
    ///
    /// # Errors
    /// [`AuthorityError::Crypto`].
    pub fn vouch(&self, text: String, chain: String) -> Result<Signed, AuthorityError> {
        orders::sign(&self.0, Purpose::Vouched, text, chain)
    }

    /// The private key, for TLS.
    #[must_use]
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.0.serialize_der().into())
    }
}
