//! Which certificate a device is known by. Most devices sign their own, so the first that one shows is what it is known
//! by from then on.

use hostler_core::Fingerprint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lets one device in by its certificate, and remembers which it showed.
#[derive(Debug)]
pub struct Trust {
    known: Mutex<Known>,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
struct Known {
    trusted: Option<Fingerprint>,
    shown: Option<Fingerprint>,
    /// The one that the handshake under way, or the last, was refused for.
    refused: Option<Fingerprint>,
}

impl Trust {
    /// For a device that is known by this certificate, or not yet by any.
    pub(crate) fn new(trusted: Option<Fingerprint>, provider: &Arc<CryptoProvider>) -> Arc<Self> {
        let known = Mutex::new(Known { trusted, shown: None, refused: None });
        Arc::new(Self { known, provider: Arc::clone(provider) })
    }

    /// The certificate that the device showed last and proved to have the key of.
    #[must_use]
    pub fn shown(&self) -> Option<Fingerprint> {
        self.known().shown.clone()
    }

    /// Forgets for what a handshake before was refused.
    pub(crate) fn begin(&self) {
        self.known().refused = None;
    }

    /// The certificate that a handshake was refused for since then.
    pub(crate) fn refused(&self) -> Option<Fingerprint> {
        self.known().refused.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges a certificate whose key was proved: what somebody merely copied is neither trusted nor asked about.
    fn judge(&self, certificate: &CertificateDer<'_>) -> Result<HandshakeSignatureValid, rustls::Error> {
        let shown = Fingerprint::of(certificate);
        let mut known = self.known();
        known.shown = Some(shown.clone());
        if *known.trusted.get_or_insert_with(|| shown.clone()) == shown {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            known.refused = Some(shown);
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    /// TLS by which the device is let in.
    pub(crate) fn tls(self: Arc<Self>) -> Result<rustls::ClientConfig, rustls::Error> {
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_safe_default_protocol_versions()?;
        Ok(builder.dangerous().with_custom_certificate_verifier(self).with_no_client_auth())
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // Nobody vouches for it. Whether it is trusted is judged with the signature, which every handshake has.
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)?;
        self.judge(certificate)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)?;
        self.judge(certificate)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
