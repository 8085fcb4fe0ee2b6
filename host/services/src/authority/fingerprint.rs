//! Fingerprints: what people and configurations know a certificate or a key by.

use rcgen::PublicKeyData;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a certificate's or a public key's DER, as 64 hexadecimal digits in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of bytes.
    pub(super) fn of(der: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(der)))
    }

    /// Of a certificate, the whole of it.
    #[must_use]
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Self {
        Self::of(certificate)
    }

    /// Of a public key, as its `SubjectPublicKeyInfo`.
    pub(super) fn of_key(key: &impl PublicKeyData) -> Self {
        Self::of(&key.subject_public_key_info())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text is no fingerprint.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a fingerprint has 64 hexadecimal digits; `openssl x509 -fingerprint -sha256` shows a certificate's")]
pub struct BadFingerprint;

impl FromStr for Fingerprint {
    type Err = BadFingerprint;

    /// With or without the colons that other programs write, in capitals or not.
    fn from_str(text: &str) -> Result<Self, BadFingerprint> {
        let digits: String = text.trim().chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect();
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(digits))
        } else {
            Err(BadFingerprint)
        }
    }
}
