//! Whether a signature is the manager's, or a node's: by the certificate that comes with it.

use super::bundle::LONGEST_CHAIN;
use super::certificate::{ORDERS_PURPOSE, is_for_orders};
use hostler_core::Fingerprint;
use hostler_core::trust::{LONGEST_TEXT, Order, Purpose, Signed};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use std::time::Duration;
use webpki::ring::{ECDSA_P256_SHA256, ED25519};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// The kinds of keys that are certified here.
const KINDS: &[&dyn SignatureVerificationAlgorithm] = &[ECDSA_P256_SHA256, ED25519];

/// No chain of ours is longer, as PEM.
const LONGEST_PEM: usize = 32 << 10;

/// The order that the manager with this root signed.
///
/// # Errors
/// How it shows that it didn't.
pub(crate) fn order(signed: &Signed, root: &Fingerprint) -> Result<Order, String> {
    let chain = chain(signed)?;
    let Some((leaf, above)) = chain.split_first() else { return Err("no certificate came with it".to_owned()) };
    let root = above.iter().find(|one| Fingerprint::of(one) == *root);
    let root = root.ok_or("its certificates don't lead to the manager that this node's configuration names")?;
    let order: Order = serde_json::from_str(&signed.text).map_err(|error| format!("it can't be read ({error})"))?;
    // The library asks those above for it as well, where they name what they are for; these name nothing.
    if !is_for_orders(leaf) {
        return Err("its certificate isn't one for orders".to_owned());
    }
    let anchor = anchor_from_trusted_cert(root).map_err(|error| error.to_string())?;
    let leaf = EndEntityCert::try_from(leaf).map_err(|error| error.to_string())?;
    // When it was signed the certificate had to be good. How old an order may be is judged by the order's own time.
    let at = UnixTime::since_unix_epoch(Duration::from_millis(order.at.0));
    leaf.verify_for_usage(KINDS, &[anchor], above, at, KeyUsage::required_if_present(ORDERS_PURPOSE), None, None)
        .map_err(|error| format!("its certificate isn't this manager's ({error})"))?;
    fits(&leaf, signed, Purpose::Order)?;
    Ok(order)
}

/// Whether the key of its first certificate signed it. Whose certificate that is, and whether it stands, is for others to
/// say.
///
/// # Errors
/// How it shows that it didn't.
pub(crate) fn by_its_key(signed: &Signed, leaf: &CertificateDer<'_>) -> Result<(), String> {
    let leaf = EndEntityCert::try_from(leaf).map_err(|error| error.to_string())?;
    fits(&leaf, signed, Purpose::Vouched)
}

/// The certificates that came with it, the signer's first.
///
/// # Errors
/// They can't be read, or are more than a chain of ours has.
pub(crate) fn chain(signed: &Signed) -> Result<Vec<CertificateDer<'static>>, String> {
    if signed.text.len() > LONGEST_TEXT || signed.chain.len() > LONGEST_PEM {
        return Err("it is longer than what is read".to_owned());
    }
    let chain = CertificateDer::pem_slice_iter(signed.chain.as_bytes()).take(LONGEST_CHAIN + 1);
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| format!("its certificates: {error}"))?;
    if chain.len() > LONGEST_CHAIN { Err("it came with too many certificates".to_owned()) } else { Ok(chain) }
}

fn fits(leaf: &EndEntityCert<'_>, signed: &Signed, purpose: Purpose) -> Result<(), String> {
    let signature = hex::decode(&signed.signature).map_err(|_| "its signature can't be read".to_owned())?;
    let text = [purpose.prefix().as_bytes(), signed.text.as_bytes()].concat();
    let good = KINDS.iter().any(|kind| leaf.verify_signature(*kind, &text, &signature).is_ok());
    if good { Ok(()) } else { Err("its signature doesn't fit".to_owned()) }
}
