//! What is issued, and what is refused.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PublicKeyData, SanType};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

/// A request for an RSA key of 2048 bits, correctly signed, made by OpenSSL.
const RSA: &str = include_str!("rsa-request.pem");

fn open() -> (TempDir, Authority) {
    let (above, folder) = place();
    let authority = Authority::open(&folder, &names(), START).unwrap();
    (above, authority)
}

fn request(pair: &KeyPair) -> Vec<u8> {
    CertificateParams::default().serialize_request(pair).unwrap().der().to_vec()
}

fn refused(authority: &Authority, request: &[u8]) -> RequestError {
    match authority.issue(request, &id("printer"), LIFETIME, START) {
        Err(AuthorityError::Request(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn e08_a_certificate_says_which_node_and_nothing_that_was_asked_for() {
    let (_above, authority) = open();
    let pair = KeyPair::generate().unwrap();
    let mut asked = CertificateParams::default();
    asked.distinguished_name.push(DnType::CommonName, "manager");
    asked.subject_alt_names = vec![SanType::DnsName("manager.node.hostler.internal".try_into().unwrap())];
    asked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let asked = asked.serialize_request(&pair).unwrap();
    let issued = authority.issue(asked.der(), &id("printer"), LIFETIME, START).unwrap();

    let chain = chain(&issued.chain_pem);
    assert_eq!(Fingerprint::of(&chain[2]), authority.root_fingerprint());
    let leaf = x509_parser::parse_x509_certificate(&chain[0]).unwrap().1;
    assert_eq!(leaf.subject().to_string(), "CN=printer");
    let sans = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(sans.len(), 1);
    assert!(sans[0].to_string().contains("printer.node.hostler.internal"), "{}", sans[0]);
    assert!(!leaf.is_ca() & !leaf.key_usage().unwrap().unwrap().value.key_cert_sign());
    let uses = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(uses.client_auth & uses.server_auth && !uses.any && !uses.code_signing);
    assert_eq!(leaf.validity().not_before.timestamp(), i64::try_from(START.0 / 1000).unwrap() - 600);
    assert_eq!(issued.not_after, days(90));
    assert_eq!(issued.key, KeyFingerprint::of(leaf.public_key().raw));
    assert!((20..=32).contains(&issued.serial.as_str().len()));
    let again = authority.issue(asked.der(), &id("printer"), LIFETIME, START).unwrap();
    assert_ne!(again.serial, issued.serial);
}

#[test]
fn e08_only_p256_and_ed25519_are_taken() {
    let (_above, authority) = open();
    for taken in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ED25519] {
        let pair = KeyPair::generate_for(taken).unwrap();
        authority.issue(&request(&pair), &id("printer"), LIFETIME, START).unwrap();
    }
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let rsa = pem::parse(RSA).unwrap();
    for other in [request(&p384), rsa.contents().to_vec()] {
        let why = refused(&authority, &other);
        assert!(matches!(why, RequestError::Key(_)), "{why}");
        assert!(why.to_string().contains("P-256"));
    }
}

#[test]
fn e08_garbage_is_refused_before_anything_is_issued() {
    let (_above, authority) = open();
    let pair = KeyPair::generate().unwrap();
    let good = request(&pair);
    assert!(matches!(refused(&authority, &[]), RequestError::Unreadable(_)));
    assert!(matches!(refused(&authority, b"-----BEGIN CERTIFICATE REQUEST-----"), RequestError::Unreadable(_)));
    assert_eq!(refused(&authority, &vec![0x30; LONGEST_REQUEST + 1]), RequestError::TooLong(LONGEST_REQUEST + 1));
    assert!(matches!(refused(&authority, &[good.clone(), vec![0]].concat()), RequestError::Unreadable(_)));
    for cut in 0..good.len() {
        refused(&authority, &good[..cut]);
    }
    let signed = X509CertificationRequest::from_der(&good).unwrap().1.certification_request_info.raw.to_vec();
    let begins = good.windows(signed.len()).position(|window| window == signed).unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut turned = good.clone();
            turned[at] ^= 1 << bit;
            // Of what isn't signed some bits mean nothing; nothing else follows from them.
            match authority.issue(&turned, &id("printer"), LIFETIME, START) {
                Err(AuthorityError::Request(_)) => {}
                Ok(issued) if !(begins..begins + signed.len()).contains(&at) => {
                    assert_eq!(issued.key, KeyFingerprint::of(&pair.subject_public_key_info()));
                }
                other => panic!("byte {at}, bit {bit}: {other:?}"),
            }
        }
    }
}

#[test]
fn e08_somebody_elses_key_is_refused() {
    let (_above, authority) = open();
    let (mine, theirs) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (mine_der, theirs_der) = (request(&mine), request(&theirs));
    // Their public key with a signature of mine.
    let (from, to) = (mine.public_key_raw(), theirs.public_key_raw());
    let at = mine_der.windows(from.len()).position(|window| window == from).unwrap();
    let mut forged = mine_der.clone();
    forged[at..at + to.len()].copy_from_slice(to);
    assert_eq!(refused(&authority, &forged), RequestError::NotSigned);
    assert!(authority.issue(&theirs_der, &id("printer"), LIFETIME, START).is_ok());
}

#[test]
fn e08_the_managers_name_and_names_that_tls_cannot_say_are_refused() {
    let (_above, authority) = open();
    let request = Identity::make().unwrap().request().unwrap();
    for node in ["manager", "ends-with-"] {
        let why = authority.issue(&request, &id(node), LIFETIME, START).unwrap_err();
        assert!(matches!(why, AuthorityError::Name { .. }), "{why}");
    }
    for lifetime in [Duration::ZERO, DAY * 366] {
        let why = authority.issue(&request, &id("printer"), lifetime, START).unwrap_err();
        assert!(matches!(why, AuthorityError::Lifetime(_)), "{why}");
    }
    assert!(matches!(
        authority.issue(&request, &id("printer"), LIFETIME, Timestamp(0)),
        Err(AuthorityError::NotYetValid { .. })
    ));
}

#[test]
fn e08_renewal_is_due_at_two_thirds_of_a_life() {
    assert!(!should_renew(days(90), START, START));
    assert!(!should_renew(days(90), START, Timestamp(days(60).0 - 1)));
    assert!(should_renew(days(90), START, days(60)));
    assert!(should_renew(days(90), START, days(400)));
    assert!(!should_renew(days(90), START, Timestamp(0)));
}

#[test]
fn e08_the_managers_own_certificate_is_kept_renewed_and_healed() {
    let (above, authority) = open();
    let names = ["Manager.Example".to_owned(), "192.0.2.7".to_owned(), "2001:DB8::7".to_owned()];
    let first = authority.server_certificate(&names, START).unwrap();
    assert_eq!(first.not_after, days(90));
    let same = |at, names: &[String]| authority.server_certificate(names, at).unwrap().chain == first.chain;
    assert!(same(days(1), &names));
    assert!(same(days(59), &names));
    let file = above.path().join("authority/server.pem");
    let kept = std::fs::read(&file).unwrap();
    assert!(!same(days(61), &names));
    std::fs::write(&file, &kept).unwrap();
    assert!(!same(days(1), &names[..1]));
    std::fs::write(&file, "broken").unwrap();
    assert!(!same(days(1), &names));
    for bad in [vec![], vec!["not a name".to_owned()], vec!["a_b.example".to_owned()]] {
        assert!(matches!(authority.server_certificate(&bad, START), Err(AuthorityError::Name { .. })), "{bad:?}");
    }
}
