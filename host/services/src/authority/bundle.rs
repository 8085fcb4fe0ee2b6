//! Certificates and a key in one PEM file: what belongs together is replaced together.

use super::certificate::Facts;
use super::error::AuthorityError;
use super::folder;
use hostler_core::KeyFingerprint;
use rcgen::{KeyPair, PublicKeyData};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use zeroize::Zeroizing;

/// No chain of ours is longer: a leaf, its intermediate, the root.
pub(super) const LONGEST_CHAIN: usize = 3;

/// What is in such a file.
pub(super) struct Bundle {
    /// The certificates, the owner's first.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: Option<KeyPair>,
}

impl Bundle {
    /// Reads one; `None` where there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, AuthorityError> {
        let Some(text) = folder::read(path)? else { return Ok(None) };
        Self::parse(&text).map(Some).map_err(|why| AuthorityError::Damaged { path: path.to_owned(), why })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let chain = CertificateDer::pem_slice_iter(text.as_bytes()).take(LONGEST_CHAIN + 1);
        let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let mut keys = PrivateKeyDer::pem_slice_iter(text.as_bytes());
        let key = keys.next().transpose().map_err(|error| error.to_string())?;
        if chain.len() > LONGEST_CHAIN || keys.next().is_some() {
            return Err("more is in it than belongs there".to_owned());
        }
        let key = key.map(|key| KeyPair::try_from(&key)).transpose();
        Ok(Self { chain, key: key.map_err(|error| format!("its key can't be used ({error})"))? })
    }

    /// Its first certificate, and what that says.
    pub fn first(&self, path: &Path) -> Result<(CertificateDer<'static>, Facts), AuthorityError> {
        let damaged = |why: &str| AuthorityError::Damaged { path: path.to_owned(), why: why.to_owned() };
        let first = self.chain.first().ok_or_else(|| damaged("there is no certificate in it"))?;
        let facts = Facts::read(first).map_err(|why| damaged(&why))?;
        Ok((first.clone(), facts))
    }

    /// Its key, which a file of this kind must have.
    pub fn key(self, path: &Path) -> Result<KeyPair, AuthorityError> {
        self.key.ok_or_else(|| AuthorityError::Damaged {
            path: path.to_owned(),
            why: "there is no private key in it".to_owned(),
        })
    }
}

/// Whether this is the key of a certificate.
pub(super) fn fits(key: &KeyPair, facts: &Facts) -> bool {
    KeyFingerprint::of(&key.subject_public_key_info()) == facts.key
}

/// Certificates as PEM.
pub(super) fn chain_pem(chain: &[&CertificateDer<'_>]) -> String {
    chain.iter().map(|certificate| pem::encode(&pem::Pem::new("CERTIFICATE", certificate.to_vec()))).collect()
}

/// A key as PEM.
pub(super) fn key_pem(key: &KeyPair) -> Zeroizing<String> {
    Zeroizing::new(key.serialize_pem())
}
