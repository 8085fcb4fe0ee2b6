//! What the manager signs orders with: a key of its own beside the authority's, and a certificate for nothing else.

use super::bundle::{Bundle, chain_pem, fits, key_pem};
use super::certificate::{self, Facts, LIFETIME, Validity, should_renew};
use super::error::AuthorityError;
use super::issuer::Authority;
use super::{folder, making};
use hostler_core::Timestamp;
use hostler_core::trust::{Purpose, Signed};
use rcgen::{KeyPair, SigningKey};
use rustls::pki_types::CertificateDer;
use std::path::Path;
use std::sync::PoisonError;
use zeroize::Zeroizing;

/// A key that orders are signed with.
pub(crate) struct OrderKey {
    chain: String,
    key: KeyPair,
    validity: Validity,
}

impl OrderKey {
    /// Whether it should be replaced, or is of no use at this time.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let Validity { from, to } = self.validity;
        now < from || should_renew(to, from, now)
    }

    /// Signs a text.
    ///
    /// # Errors
    /// [`AuthorityError::Crypto`].
    pub(crate) fn sign(&self, text: String) -> Result<Signed, AuthorityError> {
        sign(&self.key, Purpose::Order, text, self.chain.clone())
    }
}

/// A text, signed.
pub(super) fn sign(key: &KeyPair, purpose: Purpose, text: String, chain: String) -> Result<Signed, AuthorityError> {
    let signature = key.sign(&[purpose.prefix().as_bytes(), text.as_bytes()].concat());
    Ok(Signed { signature: hex::encode(signature.map_err(AuthorityError::crypto)?), text, chain })
}

impl Authority {
    /// What orders are signed with now: what is kept, or a new key where that is at two thirds of its life. What the one
    /// before signed holds on. Blocks.
    ///
    /// # Errors
    /// What signing says.
    pub(crate) fn order_key(&self, now: Timestamp) -> Result<OrderKey, AuthorityError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = making::orders(&self.folder);
        match self.kept_order_key(&path, now) {
            Ok(Some(kept)) => return Ok(kept),
            Ok(None) => {}
            // Nobody has pinned it, so a new one heals what is broken.
            Err(error) => tracing::warn!(%error, "the key that orders are signed with is made anew"),
        }
        let key = KeyPair::generate().map_err(AuthorityError::crypto)?;
        let (signed, facts, by) = self.sign(certificate::orders, &key, Validity::leaf(now, LIFETIME), now)?;
        let chain = chain_pem(&[signed.der(), &by.certificate, self.root()]);
        folder::write(&path, &Zeroizing::new(chain.clone() + &key_pem(&key)))?;
        Ok(OrderKey { chain, key, validity: facts.validity })
    }

    fn kept_order_key(&self, path: &Path, now: Timestamp) -> Result<Option<OrderKey>, AuthorityError> {
        let Some(kept) = Bundle::read(path)? else { return Ok(None) };
        let (_, facts): (_, Facts) = kept.first(path)?;
        let chain = kept.chain.clone();
        let key = kept.key(path)?;
        let good = fits(&key, &facts) && self.is_ours(&chain);
        let chain = chain_pem(&chain.iter().collect::<Vec<&CertificateDer<'_>>>());
        let kept = OrderKey { chain, key, validity: facts.validity };
        Ok((good && !kept.is_due(now)).then_some(kept))
    }
}
