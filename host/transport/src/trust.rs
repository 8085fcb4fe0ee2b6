//! How a node knows its manager: by the fingerprint of the root in its configuration, never by what the operating system
//! trusts. Whoever answers sends the root along.

use hostler_core::{Fingerprint, Timestamp};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use std::sync::Arc;

/// By what a node knows whom it calls.
#[derive(Clone, Debug)]
pub struct Whom {
    /// The fingerprint of the manager's root.
    pub root: Fingerprint,
    /// The name that a gateway has in its certificate, where a gateway is called. Its address may change; the manager's is in its
    /// certificate.
    pub gateway: Option<String>,
}

impl From<Fingerprint> for Whom {
    fn from(root: Fingerprint) -> Self {
        Self { root, gateway: None }
    }
}

/// How a node speaks to its manager or gateway: TLS 1.3, and whoever answers shows a chain to the root with this
/// fingerprint. Before it is enrolled a node has no certificate of its own. The clock is the node's best knowledge of
/// the time.
///
/// # Errors
/// Key and certificate don't fit.
pub fn node_tls(
    whom: impl Into<Whom>,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    clock: Arc<dyn TimeProvider>,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let Whom { root, gateway } = whom.into();
    let config = ClientConfig::builder_with_details(Arc::clone(&provider), clock)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { root, gateway, provider }));
    let mut config = match own {
        Some((chain, key)) => config.with_client_auth_cert(chain, key)?,
        None => config.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Why a node doesn't talk to who answered.
#[derive(Debug, thiserror::Error)]
enum Untrusted {
    #[error(
        "{name} isn't the manager that this node's configuration names: no certificate that it sent has the \
             fingerprint {wanted}; compare it with the one that the manager shows, and see who answers at that address"
    )]
    OtherRoot { name: String, wanted: Fingerprint },
    #[error(
        "{name} shows a certificate of the right manager, but for another name ({why}); use an address that the \
             manager's certificate has, or add this one to the manager's configuration"
    )]
    OtherName { name: String, why: String },
    #[error(
        "{name} isn't the gateway {wanted}, but another node of the same manager ({why}); compare `url` and `gateway` of \
             this node's [parent] with what `hostler node join` prints at the gateway"
    )]
    OtherGateway { name: String, wanted: String, why: String },
    #[error(
        "the certificate of {name} isn't valid at {now}, which is this node's time ({why}); set the clock \
             that is wrong, or see why the manager didn't renew its certificate"
    )]
    OtherTime { name: String, now: Timestamp, why: String },
    #[error(
        "{name} shows the right root, but a certificate that doesn't follow from it ({why}): somebody \
             else answers there"
    )]
    Forged { name: String, why: String },
}

#[derive(Debug)]
struct Pinned {
    root: Fingerprint,
    gateway: Option<String>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Untrusted> {
        let name = server.to_str().into_owned();
        let root = sent.iter().find(|one| Fingerprint::of(one) == self.root);
        let other_root = || Untrusted::OtherRoot { name: name.clone(), wanted: self.root.clone() };
        let root = root.ok_or_else(other_root)?;
        let forged = |why: String| Untrusted::Forged { name: name.clone(), why };
        let mut roots = RootCertStore::empty();
        roots.add(root.clone().into_owned()).map_err(|error| forged(error.to_string()))?;
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider)).build();
        let chains = chains.map_err(|error| forged(error.to_string()))?;
        let gateway = self.gateway.as_deref().map(ServerName::try_from).transpose();
        let gateway = gateway.map_err(|error| forged(error.to_string()))?;
        let expected = gateway.as_ref().unwrap_or(server);
        chains.verify_server_cert(end_entity, sent, expected, &[], now).map_err(|error| {
            let (name, why) = (name.clone(), error.to_string());
            use CertificateError as E;
            match error {
                Error::InvalidCertificate(E::NotValidForName | E::NotValidForNameContext { .. })
                    if self.gateway.is_some() =>
                {
                    Untrusted::OtherGateway { name, wanted: self.gateway.clone().unwrap_or_default(), why }
                }
                Error::InvalidCertificate(E::NotValidForName | E::NotValidForNameContext { .. }) => {
                    Untrusted::OtherName { name, why }
                }
                Error::InvalidCertificate(
                    E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. },
                ) => Untrusted::OtherTime { name, now: Timestamp(now.as_secs().saturating_mul(1000)), why },
                _ => Untrusted::Forged { name, why },
            }
        })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, intermediates, server_name, now)
            .map_err(|why| Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What a failed connection of a node means, for people; `None` where the certificates aren't the reason.
#[must_use]
pub fn explain(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    meaning(tls(error)?)
}

/// Whether somebody says that this node's certificate was revoked. It needn't be the manager: an alert may come before it is
/// known who sends it.
pub(crate) fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(tls(error), Some(Error::AlertReceived(AlertDescription::CertificateRevoked)))
}

/// The TLS library's error in whatever other libraries have wrapped around it.
fn tls<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<Error>() {
            return Some(tls);
        }
        // An I/O error's source is the source of what it wraps, not what it wraps.
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn meaning(error: &Error) -> Option<String> {
    let text = match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => return Some(why.to_string()),
        Error::AlertReceived(AlertDescription::CertificateRevoked) => {
            "the manager has revoked this node's certificate; ask the owner to enroll this node again"
        }
        Error::AlertReceived(AlertDescription::CertificateExpired) => {
            "this node's certificate isn't valid yet by the manager's clock; set the clock that is wrong"
        }
        Error::AlertReceived(AlertDescription::UnknownCA) => {
            "this node's certificate is from another manager; enroll here, or check which manager the \
             configuration names"
        }
        Error::AlertReceived(AlertDescription::AccessDenied) => {
            "the manager doesn't know this node's certificate; ask the owner to enroll this node again"
        }
        Error::AlertReceived(AlertDescription::UnsupportedCertificate) => {
            "this certificate isn't a node's; enroll for one"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
