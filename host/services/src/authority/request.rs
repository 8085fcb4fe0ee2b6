//! Certificate requests (PKCS #10, RFC 2986). Nothing is taken from one but the public key: who somebody is and what
//! they may do is for the manager to say.

use rcgen::{PublicKeyData, SubjectPublicKeyInfo};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

/// So many bytes of a request are read; one with an elliptic key has some hundreds.
pub const LONGEST_REQUEST: usize = 4 * 1024;

/// Why a certificate request isn't granted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestError {
    /// It is too long.
    #[error("the certificate request has {0} bytes; {LONGEST_REQUEST} at most are read")]
    TooLong(usize),
    /// It can't be read.
    #[error("the certificate request can't be read ({0}); send PKCS #10 in DER")]
    Unreadable(String),
    /// Its key is of another kind.
    #[error("the certificate request has a key that isn't taken ({0}); use ECDSA with P-256, or Ed25519")]
    Key(String),
    /// Whoever sent it hasn't the key.
    #[error("the certificate request isn't signed with its own key; sign it with the key that it names")]
    NotSigned,
}

/// The key in a request, after whoever made the request has shown that the private half is theirs.
pub(super) fn key(der: &[u8]) -> Result<SubjectPublicKeyInfo, RequestError> {
    if der.len() > LONGEST_REQUEST {
        return Err(RequestError::TooLong(der.len()));
    }
    let request = match X509CertificationRequest::from_der(der) {
        Ok(([], request)) => request,
        Ok(_) => return Err(RequestError::Unreadable("more follows after it".to_owned())),
        Err(error) => return Err(RequestError::Unreadable(error.to_string())),
    };
    // The kind of key first: a signature of another kind is never computed.
    let public = &request.certification_request_info.subject_pki;
    let foreign = || RequestError::Key(format!("algorithm {}", public.algorithm.algorithm));
    let key = SubjectPublicKeyInfo::from_der(public.raw).map_err(|_| foreign())?;
    if ![&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ED25519].contains(&key.algorithm()) {
        return Err(foreign());
    }
    request.verify_signature().map_err(|_| RequestError::NotSigned)?;
    Ok(key)
}
