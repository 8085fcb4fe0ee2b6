//! Who is let in: a certificate's chain, its time and its standing, at every handshake and for every request.
//!
//! The handshake refuses what isn't ours, isn't a node's, was revoked or isn't valid yet. An expired certificate passes
//! it, because its node may renew it; what it may do is for [`Gate::check`] to say, which a server asks for every
//! request, so that a revocation ends what an open connection may do.

use super::bundle::LONGEST_CHAIN;
use super::certificate::{Facts, Validity};
use super::error::AuthorityError;
use hostler_core::enrollment::Peer;
use hostler_core::{NodeId, Serial, Timestamp};
use hostler_transport::Seldom;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How a certificate stands with whoever issued it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It was issued and stands.
    Good,
    /// It was issued and withdrawn.
    Revoked,
    /// Nobody remembers that it was issued.
    Unknown,
}

/// Who knows how certificates stand. It is asked at every handshake and for every request, on the threads that serve:
/// it answers from memory and doesn't block.
pub trait Standings: Send + Sync {
    /// How the certificate with this serial number ([`Issued::serial`](super::Issued::serial)) stands now.
    fn stands(&self, serial: &Serial) -> Standing;
}

/// What a certificate allows.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum Verdict {
    /// Its node may act.
    Good(Peer),
    /// It has expired: its node may renew it, and nothing else.
    ExpiredMayRenew(Peer),
    /// Nothing.
    Refused(Refusal),
}

impl Verdict {
    /// Who acts, for every request but a renewal.
    ///
    /// # Errors
    /// Why they may not.
    pub fn to_act(self) -> Result<Peer, Refusal> {
        match self {
            Self::Good(peer) => Ok(peer),
            Self::ExpiredMayRenew(peer) => Err(Refusal::Expired { not_after: peer.not_after }),
            Self::Refused(refusal) => Err(refusal),
        }
    }

    /// Who renews a certificate.
    ///
    /// # Errors
    /// Why they may not.
    pub fn to_renew(self) -> Result<Peer, Refusal> {
        match self {
            Self::Good(peer) | Self::ExpiredMayRenew(peer) => Ok(peer),
            Self::Refused(refusal) => Err(refusal),
        }
    }
}

/// Why a certificate allows nothing. The text is for whoever presented it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is none.
    #[error("no certificate was presented; a node that has none enrolls first")]
    NoCertificate,
    /// It can't be read.
    #[error("the certificate can't be read: {0}; enroll again")]
    Unreadable(String),
    /// Another authority signed it, or nobody whom we know.
    #[error(
        "the certificate isn't from this manager ({0}); enroll here, or check which manager the configuration names"
    )]
    Foreign(String),
    /// It is of ours, for something else.
    #[error("the certificate isn't a node's: {0}; enroll for one")]
    WrongUse(&'static str),
    /// It was withdrawn.
    #[error("the certificate was revoked; ask the owner to enroll this node again")]
    Revoked,
    /// Nobody remembers it: the manager was restored from an older backup, or somebody has the authority's key.
    #[error(
        "the manager doesn't know this certificate, although it is signed by its authority; ask the owner to enroll \
             this node again"
    )]
    Unknown,
    /// It is from the future: a clock is wrong.
    #[error(
        "the certificate is valid from {not_before} and the manager's clock says {now}; set the clock that is wrong"
    )]
    NotYetValid {
        /// When it begins.
        not_before: Timestamp,
        /// What the clock here says.
        now: Timestamp,
    },
    /// It is over.
    #[error("the certificate ended {not_after}; renew it first")]
    Expired {
        /// When it ended.
        not_after: Timestamp,
    },
}

/// Who decides. It is a [`ClientCertVerifier`] for rustls, and is asked again for each request.
pub struct Gate {
    chains: Arc<dyn ClientCertVerifier>,
    standings: Arc<dyn Standings>,
    /// That somebody was refused in a handshake.
    said: Seldom,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    /// Lets in whom this root vouches for and who stands.
    ///
    /// # Errors
    /// The root is no certificate.
    pub fn new(root: CertificateDer<'static>, standings: Arc<dyn Standings>) -> Result<Self, AuthorityError> {
        let mut roots = RootCertStore::empty();
        roots.add(root).map_err(AuthorityError::crypto)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chains = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(Self { chains: chains.map_err(AuthorityError::crypto)?, standings, said: Seldom::default() })
    }

    /// What a connection's certificates allow at this moment.
    pub fn check(&self, presented: &[CertificateDer<'_>], now: Timestamp) -> Verdict {
        match self.known(presented, now) {
            Ok(peer) => self.stands(peer, now),
            Err(refusal) => Verdict::Refused(refusal),
        }
    }

    /// Who presented these certificates, by their signatures. It takes the time of two verifications, so it is done once for
    /// a connection; what they may do is asked for every request ([`Gate::stands`]).
    ///
    /// # Errors
    /// They aren't a node's of ours.
    pub fn known(&self, presented: &[CertificateDer<'_>], now: Timestamp) -> Result<Peer, Refusal> {
        let (leaf, above) = presented.split_first().ok_or(Refusal::NoCertificate)?;
        if above.len() >= LONGEST_CHAIN {
            return Err(Refusal::Unreadable(format!("a chain has {LONGEST_CHAIN} certificates at most")));
        }
        let facts = Facts::read(leaf).map_err(Refusal::Unreadable)?;
        let Validity { from, to } = facts.validity;
        // Out of its time a certificate is verified as of the nearest moment within: so it is known to be ours before
        // anything is said about it. Both ends were signed; a stranger can't choose them.
        let at = now.max(from).min(to);
        let at = UnixTime::since_unix_epoch(Duration::from_millis(at.0));
        self.chains.verify_client_cert(leaf, above, at).map_err(chain_refused)?;
        let node = facts.node().ok_or(Refusal::WrongUse("it doesn't name one node"))?;
        Ok(Peer { node, serial: facts.serial, key: facts.key, not_before: from, not_after: to })
    }

    /// What who was known may do at this moment.
    pub fn stands(&self, peer: Peer, now: Timestamp) -> Verdict {
        match self.standings.stands(&peer.serial) {
            Standing::Good if now < peer.not_before => {
                Verdict::Refused(Refusal::NotYetValid { not_before: peer.not_before, now })
            }
            Standing::Good if now > peer.not_after => Verdict::ExpiredMayRenew(peer),
            Standing::Good => Verdict::Good(peer),
            Standing::Revoked => Verdict::Refused(Refusal::Revoked),
            Standing::Unknown => Verdict::Refused(Refusal::Unknown),
        }
    }
}

fn chain_refused(error: Error) -> Refusal {
    match error {
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => Refusal::WrongUse("it isn't for clients"),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Refusal::Foreign("another authority signed it".to_owned())
        }
        other => Refusal::Foreign(other.to_string()),
    }
}

/// What rustls tells the other side: an alert has no room for more.
fn alert(refusal: Refusal) -> CertificateError {
    match refusal {
        Refusal::NoCertificate | Refusal::Unreadable(_) => CertificateError::BadEncoding,
        Refusal::Foreign(_) => CertificateError::UnknownIssuer,
        Refusal::WrongUse(_) => CertificateError::InvalidPurpose,
        Refusal::Revoked => CertificateError::Revoked,
        Refusal::Unknown => CertificateError::ApplicationVerificationFailure,
        Refusal::NotYetValid { .. } => CertificateError::NotValidYet,
        Refusal::Expired { .. } => CertificateError::Expired,
    }
}

impl ClientCertVerifier for Gate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chains.root_hint_subjects()
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let now = Timestamp(now.as_secs().saturating_mul(1000));
        let presented: Vec<_> = std::iter::once(end_entity).chain(intermediates).cloned().collect();
        match self.check(&presented, now) {
            Verdict::Good(_) | Verdict::ExpiredMayRenew(_) => Ok(ClientCertVerified::assertion()),
            // Ours, and forgotten by a store that was put back: its node may have it renewed, and nothing else.
            Verdict::Refused(Refusal::Unknown) => Ok(ClientCertVerified::assertion()),
            Verdict::Refused(refusal) => {
                if let Some(others) = self.said.count() {
                    // Whose it says it is: of a certificate that isn't ours nobody knows more.
                    let named = Facts::read(end_entity).ok().and_then(|facts| facts.node());
                    let named = named.as_ref().map_or("nobody", NodeId::as_str);
                    tracing::info!(%refusal, named, others, "a certificate was refused");
                }
                Err(Error::InvalidCertificate(alert(refusal)))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}
