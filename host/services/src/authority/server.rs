//! The manager's own certificate, from the same intermediate: so a node knows its manager by the root's fingerprint.

use super::bundle::{Bundle, chain_pem, fits, key_pem};
use super::certificate::{self, Facts, LIFETIME, Validity, should_renew};
use super::error::AuthorityError;
use super::gate::Gate;
use super::issuer::Authority;
use super::{folder, making};
use hostler_core::Timestamp;
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::time_provider::TimeProvider;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use zeroize::Zeroizing;

/// What a server shows to nodes.
pub struct ServerCertificate {
    /// Its certificate, the intermediate, the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
    /// When the certificate ends.
    pub not_after: Timestamp,
}

impl Authority {
    /// The manager's certificate for these DNS names and addresses: the one that is kept, or a new one where that one
    /// has other names or is at two thirds of its life. To be called at the start and then daily. Blocks.
    ///
    /// # Errors
    /// A name that isn't one, or what signing says.
    pub fn server_certificate(&self, names: &[String], now: Timestamp) -> Result<ServerCertificate, AuthorityError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
        if names.is_empty() {
            let why = "nothing was named; name the addresses that nodes reach the manager at";
            return Err(AuthorityError::Name { name: String::new(), why });
        }
        let path = making::server(&self.folder);
        match self.kept(&path, &names, now) {
            Ok(Some(kept)) => return Ok(kept),
            Ok(None) => {}
            // Nobody has pinned it, so a new one heals what is broken.
            Err(error) => tracing::warn!(%error, "the manager's own certificate is made anew"),
        }
        let pair = KeyPair::generate().map_err(AuthorityError::crypto)?;
        let make = |validity| certificate::server(&names, validity);
        let (signed, facts, by) = self.sign(make, &pair, Validity::leaf(now, LIFETIME), now)?;
        let chain = vec![signed.der().clone(), by.certificate.clone(), self.root().clone()];
        let text = Zeroizing::new(chain_pem(&chain.iter().collect::<Vec<_>>()) + &key_pem(&pair));
        folder::write(&path, &text)?;
        Ok(ServerCertificate { chain, key: pair.into(), not_after: facts.validity.to })
    }

    /// The one in the file, where it is for these names and lives long enough.
    fn kept(&self, path: &Path, names: &[String], now: Timestamp) -> Result<Option<ServerCertificate>, AuthorityError> {
        let Some(kept) = Bundle::read(path)? else { return Ok(None) };
        let (_, facts) = kept.first(path)?;
        let chain = kept.chain.clone();
        let key = kept.key(path)?;
        let Validity { from, to } = facts.validity;
        let fresh = from <= now && !should_renew(to, from, now);
        if fresh && same(&facts, names) && fits(&key, &facts) && self.is_ours(&chain) {
            return Ok(Some(ServerCertificate { chain, key: key.into(), not_after: to }));
        }
        Ok(None)
    }

    pub(super) fn is_ours(&self, chain: &[CertificateDer<'_>]) -> bool {
        let [leaf, intermediate, root] = chain else { return false };
        root == self.root()
            && certificate::is_signed_by(intermediate, root)
            && certificate::is_signed_by(leaf, intermediate)
    }
}

/// A name as certificates have it.
fn plain(name: &str) -> String {
    name.parse::<IpAddr>().map_or_else(|_| name.to_ascii_lowercase(), |address| address.to_string())
}

fn same(facts: &Facts, names: &[String]) -> bool {
    facts.names.iter().collect::<BTreeSet<_>>() == names.iter().collect()
}

/// How a server speaks to nodes: TLS 1.3; a certificate is asked for and may be absent, because a node that enrolls has
/// none. What a request may do follows from [`Gate::check`]. Sessions aren't resumed: every connection asks the gate.
///
/// # Errors
/// Key and certificate don't fit.
pub fn server_tls(
    certificate: ServerCertificate,
    gate: Arc<Gate>,
    clock: Arc<dyn TimeProvider>,
) -> Result<ServerConfig, AuthorityError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_details(provider, clock)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(AuthorityError::crypto)?
        .with_client_cert_verifier(gate)
        .with_single_cert(certificate.chain, certificate.key)
        .map_err(AuthorityError::crypto)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}
