//! Children that a manager let in, each with a token and a certificate of its own.

use super::Manager;
use crate::enrollment::registered;
use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use hostler_core::KeyFingerprint;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// So many are let in at a time.
const AT_A_TIME: usize = 64;

/// What a child shows.
pub struct Child {
    pub token: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Child {
    /// How it speaks to who shows a certificate of one of these authorities.
    pub fn tls(&self, authorities: &Arc<RootCertStore>) -> Result<Arc<ClientConfig>> {
        let config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_root_certificates(Arc::clone(authorities))
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())?;
        Ok(Arc::new(config))
    }
}

/// The authorities in these files.
pub fn authorities(files: &[&Path]) -> Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for file in files {
        roots.add(CertificateDer::from_pem_file(file)?)?;
    }
    Ok(Arc::new(roots))
}

/// Has so many let in; they share a key, and each has a certificate for it.
pub async fn enroll(manager: &Manager, count: usize) -> Result<Vec<Child>> {
    let made = registered(&manager.url, &manager.token, count).await?;
    let pins: Vec<String> =
        made["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    ensure!(pins.len() == count, "{} PINs were made for {count} children", pins.len());
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let request = CertificateParams::new(vec![])?.serialize_request(&key)?.pem()?;
    let fingerprint = KeyFingerprint::of(&key.subject_public_key_info());
    let (client, url) = (reqwest::Client::new(), format!("{}/node/v1/connect", manager.url));
    let knock = |(number, pin): (usize, String)| {
        let knock = json!({
            "connection": {
                "device": format!("SN-{number}"), "node": format!("device-{number}"), "proof": { "pin": pin },
                "key": fingerprint.to_string(), "attempt": 1,
            },
            "certificate-request": request,
        });
        let (asked, key) = (client.post(&url).json(&knock).send(), &key);
        async move {
            let welcome: Value = asked.await?.error_for_status()?.json().await?;
            let text = |field: &str| welcome[field].as_str().context("a device wasn't let in");
            let chain =
                CertificateDer::pem_slice_iter(text("certificate")?.as_bytes()).collect::<Result<Vec<_>, _>>()?;
            let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
            anyhow::Ok(Child { token: text("token")?.to_owned(), chain, key })
        }
    };
    futures::stream::iter(pins.into_iter().enumerate()).map(knock).buffer_unordered(AT_A_TIME).try_collect().await
}
