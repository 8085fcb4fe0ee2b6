//! Sealing a secret to a node's key, and opening it there: HPKE (RFC 9180) with the curve of the certificates, so that a node
//! needs no other key than the one that it came in with.

use crate::authority::Identity;
use hostler_core::Secret;
use hostler_core::trust::{Sealed, SealedFor};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal};
use p256::pkcs8::DecodePrivateKey;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

type PublicKey = <DhP256HkdfSha256 as Kem>::PublicKey;
type PrivateKey = <DhP256HkdfSha256 as Kem>::PrivateKey;
type Encapsulated = <DhP256HkdfSha256 as Kem>::EncappedKey;

/// Seals a secret to a public key (its SubjectPublicKeyInfo in DER, as hexadecimal digits).
///
/// # Errors
/// Nothing can be sealed to such a key; says why.
pub(crate) fn seal(secret: &Secret, to: &SealedFor<'_>, public_key: &str) -> Result<Sealed, String> {
    let der = hex::decode(public_key).map_err(|error| error.to_string())?;
    let (_, info) = SubjectPublicKeyInfo::from_der(&der).map_err(|error| error.to_string())?;
    let key = PublicKey::from_bytes(&info.subject_public_key.data);
    let key = key.map_err(|_| "its key isn't ECDSA with P-256; let it join anew with such a one".to_owned())?;
    let sealed = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, DhP256HkdfSha256>(
        &OpModeS::Base,
        &key,
        &to.info(),
        secret.expose().as_bytes(),
        &[],
    );
    let (encapsulated, text) = sealed.map_err(|error| error.to_string())?;
    Ok(Sealed { encapsulated: hex::encode(encapsulated.to_bytes()), text: hex::encode(text) })
}

/// Opens what was sealed to this node's key, for this use.
///
/// # Errors
/// It was sealed to another key or for another use, or was altered: which of them can't be told.
pub(crate) fn open(sealed: &Sealed, to: &SealedFor<'_>, identity: &Identity) -> Result<Secret, String> {
    let not = || "it wasn't sealed to this node for this use, or was altered on the way".to_owned();
    let key = identity.private_key();
    let key =
        p256::SecretKey::from_pkcs8_der(key.secret_der()).map_err(|_| "this node's key isn't P-256".to_owned())?;
    let key = PrivateKey::from_bytes(&Zeroizing::new(key.to_bytes())).map_err(|_| not())?;
    let encapsulated = hex::decode(&sealed.encapsulated).map_err(|_| not())?;
    let encapsulated = Encapsulated::from_bytes(&encapsulated).map_err(|_| not())?;
    let text = hex::decode(&sealed.text).map_err(|_| not())?;
    let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, DhP256HkdfSha256>(
        &OpModeR::Base,
        &key,
        &encapsulated,
        &to.info(),
        &text,
        &[],
    );
    let opened = Zeroizing::new(opened.map_err(|_| not())?);
    let text = std::str::from_utf8(&opened).map_err(|_| not())?;
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_core::trust::CredentialKind;

    fn public(identity: &Identity) -> String {
        let request = identity.request().unwrap();
        let (_, request) = x509_parser::certification_request::X509CertificationRequest::from_der(&request).unwrap();
        hex::encode(request.certification_request_info.subject_pki.raw)
    }

    #[test]
    fn d02_only_the_node_opens_it_and_for_that_use_only() {
        let (node, other) = (Identity::make().unwrap(), Identity::make().unwrap());
        let (gateway, another) = ("gateway-1".parse().unwrap(), "gateway-2".parse().unwrap());
        let (office, lab) = ("office".parse().unwrap(), "lab".parse().unwrap());
        let kind = CredentialKind::Snmp;
        let to = SealedFor { node: &gateway, kind, name: &office };
        let secret = Secret::new("orchid-and-fern".to_owned());
        let sealed = seal(&secret, &to, &public(&node)).unwrap();
        assert_eq!(open(&sealed, &to, &node).unwrap(), secret);
        assert!(open(&sealed, &to, &other).is_err());
        let http = CredentialKind::Http;
        for wrong in [
            SealedFor { node: &another, ..to.clone() },
            SealedFor { name: &lab, ..to.clone() },
            SealedFor { kind: http, ..to.clone() },
        ] {
            assert!(open(&sealed, &wrong, &node).is_err(), "{wrong:?}");
        }
        let mut bytes = hex::decode(&sealed.text).unwrap();
        if let Some(first) = bytes.first_mut() {
            *first ^= 1;
        }
        assert!(open(&Sealed { text: hex::encode(bytes), ..sealed.clone() }, &to, &node).is_err());
        for garbage in [Sealed::default(), Sealed { encapsulated: "04".repeat(65), ..sealed.clone() }] {
            assert!(open(&garbage, &to, &node).is_err());
        }
        assert_ne!(seal(&secret, &to, &public(&node)).unwrap(), sealed, "two of them can't be told to be the same");
        assert!(seal(&secret, &to, "00").is_err());
    }
}
