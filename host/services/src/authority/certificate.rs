//! What our certificates look like (RFC 5280), and what is read from one.

use super::error::AuthorityError;
use hostler_core::{BadId, KeyFingerprint, NodeId, Serial, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    SanType, SerialNumber,
};
use std::net::IpAddr;
use std::time::Duration;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

const DAY: Duration = Duration::from_secs(86_400);
/// How long a node's certificate lives, where nothing else is asked for.
pub const LIFETIME: Duration = Duration::from_secs(90 * 86_400);
/// How long the root lives.
pub(super) const ROOT_LIFETIME: Duration = Duration::from_secs(20 * 365 * 86_400);
/// How long an intermediate lives.
pub(super) const INTERMEDIATE_LIFETIME: Duration = Duration::from_secs(2 * 365 * 86_400);
/// An intermediate is renewed so long before its end: twice a node's lifetime, so that no certificate is cut short
/// while people look for the root's key.
pub(super) const INTERMEDIATE_AHEAD: Duration = Duration::from_secs(180 * 86_400);
/// How much earlier than now a certificate begins: clocks differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(600);
/// The same for root and intermediate: nothing that they sign begins before them.
const AUTHORITY_EARLIER: Duration = DAY;
/// The most that X.520 lets a common name have.
const LONGEST_NAME: usize = 64;
/// No certificate of ours comes near it.
const LONGEST: usize = 8 * 1024;
/// Where nodes have their names.
const NODES: &str = ".node.hostler.internal";
/// What a certificate for orders is for (an extended key usage, RFC 5280 4.2.1.12), and that as it is in a certificate. Nodes
/// take orders by no other.
const ORDERS: [u64; 3] = [2, 25, 1_034_165_121_009_148_913];
pub(super) const ORDERS_PURPOSE: &[u8] = &[0x69, 0x8e, 0xad, 0x85, 0xf6, 0xac, 0xa6, 0xe5, 0xc7, 0x71];
/// The end of what X.509 can say: 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// The DNS name that a node has in its certificate.
#[must_use]
pub fn node_name(node: &NodeId) -> String {
    format!("{node}{NODES}")
}

/// Whether a certificate should be renewed: it is at two thirds of its life, or beyond.
#[must_use]
pub fn should_renew(not_after: Timestamp, issued_at: Timestamp, now: Timestamp) -> bool {
    now >= issued_at.plus(not_after.since(issued_at) / 3 * 2)
}

/// From when until when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Validity {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Validity {
    /// For what the authority signs with.
    pub fn authority(now: Timestamp, lifetime: Duration) -> Self {
        Self { from: earlier(now, AUTHORITY_EARLIER), to: now.plus(lifetime) }
    }

    /// For everything else.
    pub fn leaf(now: Timestamp, lifetime: Duration) -> Self {
        Self { from: earlier(now, CLOCKS_DIFFER), to: now.plus(lifetime) }
    }

    /// The part of it that is within another: nobody outlives who signed.
    pub fn within(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}

/// A number that nobody guesses and that comes once: 128 random bits.
fn serial() -> Result<SerialNumber, AuthorityError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(AuthorityError::crypto)?;
    Ok(SerialNumber::from_slice(&bytes))
}

fn params(name: &str, validity: Validity) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    let second =
        |time: Timestamp| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs((time.0 / 1000).min(LAST_SECOND));
    params.not_before = second(validity.from);
    params.not_after = second(validity.to);
    params.serial_number = Some(serial()?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

/// What signs others; `below` so many more authorities may stand below it.
pub(super) fn authority(name: &str, below: u8, validity: Validity) -> Result<CertificateParams, AuthorityError> {
    let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let mut params = params(&name, validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// A node, which is a client above and a server below.
pub(super) fn node(node: &NodeId, validity: Validity) -> Result<CertificateParams, AuthorityError> {
    let name = node_name(node);
    let mut params = params(node.as_str(), validity)?;
    leaf(&mut params, vec![dns(&name)?]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// The manager itself, a server only: nobody acts as a node by it.
pub(super) fn server(names: &[String], validity: Validity) -> Result<CertificateParams, AuthorityError> {
    let mut params = params("hostler manager", validity)?;
    let names = names.iter().map(|name| match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => dns(name),
    });
    leaf(&mut params, names.collect::<Result<_, _>>()?);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// What the manager signs orders with: nobody is let in by it, as a node or as a server.
pub(super) fn orders(validity: Validity) -> Result<CertificateParams, AuthorityError> {
    let mut params = params("hostler orders", validity)?;
    leaf(&mut params, Vec::new());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(ORDERS.to_vec())];
    Ok(params)
}

fn leaf(params: &mut CertificateParams, names: Vec<SanType>) {
    params.subject_alt_names = names;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
}

/// A name that TLS libraries can ask for.
fn dns(name: &str) -> Result<SanType, AuthorityError> {
    let refused = |why| AuthorityError::Name { name: name.to_owned(), why };
    // What a library can't ask for would be found out by a node that never connects.
    if rustls::pki_types::DnsName::try_from(name).is_err() || name.contains('_') || name.ends_with('.') {
        return Err(refused("it is no DNS name (letters, digits, hyphens within; no hyphen at an end of a part)"));
    }
    Ok(SanType::DnsName(name.try_into().map_err(|_| refused("it is no DNS name"))?))
}

/// What a certificate says. Nothing of it is true before somebody has verified the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    pub serial: Serial,
    pub validity: Validity,
    pub key: KeyFingerprint,
    /// Whether it may sign others.
    pub authority: bool,
    /// DNS names and addresses, as text.
    pub names: Vec<String>,
}

impl Facts {
    /// Reads a certificate.
    pub fn read(der: &[u8]) -> Result<Self, String> {
        if der.len() > LONGEST {
            return Err(format!("it has {} bytes, {LONGEST} at most are read", der.len()));
        }
        let parsed = parse(der)?;
        let time = |seconds: i64| Timestamp(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000));
        let validity = parsed.validity();
        let names = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
        let names = names.map(|names| names.value.general_names.iter().filter_map(text).collect());
        Ok(Self {
            serial: number(parsed.raw_serial())?,
            validity: Validity {
                from: time(validity.not_before.timestamp()),
                to: time(validity.not_after.timestamp()),
            },
            key: KeyFingerprint::of(parsed.public_key().raw),
            authority: parsed.is_ca(),
            names: names.unwrap_or_default(),
        })
    }

    /// The node that it names; `None` where that isn't exactly one.
    pub fn node(&self) -> Option<NodeId> {
        match self.names.as_slice() {
            [name] => name.strip_suffix(NODES)?.parse().ok(),
            _ => None,
        }
    }
}

/// Whether a certificate is for orders, and for nothing else.
pub(super) fn is_for_orders(der: &[u8]) -> bool {
    let Ok(parsed) = parse(der) else { return false };
    let Ok(Some(usage)) = parsed.extended_key_usage() else { return false };
    let usage = usage.value;
    let others = [usage.any, usage.server_auth, usage.client_auth, usage.code_signing, usage.email_protection];
    let others = others.into_iter().chain([usage.time_stamping, usage.ocsp_signing]).any(|other| other);
    !others && matches!(usage.other.as_slice(), [only] if only.as_bytes() == ORDERS_PURPOSE)
}

/// Whether one certificate was signed by another's key, and names it.
pub(super) fn is_signed_by(certificate: &[u8], by: &[u8]) -> bool {
    let (Ok(certificate), Ok(by)) = (parse(certificate), parse(by)) else { return false };
    certificate.issuer().as_raw() == by.subject().as_raw()
        && certificate.verify_signature(Some(by.public_key())).is_ok()
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err("more follows after the certificate".to_owned()),
        Err(error) => Err(format!("it is no certificate ({error})")),
    }
}

/// The serial number, without zeros in front.
fn number(bytes: &[u8]) -> Result<Serial, String> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    hex::encode(bytes.get(zeros..).unwrap_or_default()).parse().map_err(|error: BadId| error.to_string())
}

fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).map(|address| address.to_string()).ok()
        }
        // Not ours; as a text of its own it makes a node's certificate name more than one thing.
        other => Some(format!("{other:?}")),
    }
}
