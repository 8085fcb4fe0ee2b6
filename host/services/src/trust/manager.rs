//! The manager's side: it signs orders, and checks what nodes vouch for.

use crate::authority::{self, Authority, AuthorityError, Numbers, OrderKey};
use crate::enrollment::Enrollment;
use crate::error::ServiceError;
use hostler_core::NodeId;
use hostler_core::enrollment::Peer;
use hostler_core::message::Method;
use hostler_core::trust::{Nothing, Order, Signed, Vouched};
use hostler_engine::now;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What the manager signs orders with, and whom it knows.
pub struct ManagersTrust {
    enrollment: Arc<Enrollment>,
    authority: Arc<Authority>,
    numbers: Numbers,
    key: Mutex<Arc<OrderKey>>,
    /// Whose certificate a node showed last: what was verified isn't verified again with each reading.
    known: Mutex<HashMap<NodeId, (String, Peer)>>,
}

impl ManagersTrust {
    /// The trust of the manager with this authority. Blocks.
    ///
    /// # Errors
    /// The key for orders can't be made or kept.
    pub fn open(enrollment: &Arc<Enrollment>) -> Result<Arc<Self>, AuthorityError> {
        let authority = Arc::clone(enrollment.authority());
        let (numbers, key) = (authority.order_numbers()?, authority.order_key(now())?);
        let (enrollment, key) = (Arc::clone(enrollment), Mutex::new(Arc::new(key)));
        Ok(Arc::new(Self { enrollment, authority, numbers, key, known: Mutex::default() }))
    }

    /// An order to a node.
    pub(crate) fn order(&self, to: &NodeId, method: &Method) -> Result<Box<Signed>, ServiceError> {
        self.sign(to, method).map(Box::new).map_err(|error| {
            tracing::error!(%error, "an order can't be signed");
            ServiceError::Unavailable(format!("the manager can't sign orders now: {error}"))
        })
    }

    fn sign(&self, to: &NodeId, method: &Method) -> Result<Signed, AuthorityError> {
        let at = now();
        let key = self.key(at)?;
        let order = Order { to: to.clone(), number: self.numbers.next(at)?, at, method: method.clone() };
        key.sign(serde_json::to_string(&order).map_err(|error| AuthorityError::Crypto(error.to_string()))?)
    }

    fn key(&self, now: hostler_core::Timestamp) -> Result<Arc<OrderKey>, AuthorityError> {
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if key.is_due(now) {
            *key = Arc::new(self.authority.order_key(now)?);
        }
        Ok(Arc::clone(&key))
    }

    /// Whether a node came in here, and so vouches for what it says.
    pub(crate) fn vouches(&self, node: &NodeId) -> bool {
        self.enrollment.came_in_as(node).is_some()
    }

    /// The public key of a node that came in, where it is known in whole.
    pub(crate) fn public_key(&self, node: &NodeId) -> Option<String> {
        self.enrollment.came_in_as(node)?.issued.public_key
    }

    /// What a node that came in vouches for.
    pub(crate) fn vouched(&self, by: &NodeId, signed: Option<&Signed>) -> Result<Vouched, Nothing> {
        let signed = signed.ok_or_else(|| Nothing::Unsigned { by: by.clone() })?;
        let not = |why: String| Nothing::NotSigned { by: by.clone(), why };
        let chain = authority::chain(signed).map_err(not)?;
        let leaf = chain.first().ok_or_else(|| not("no certificate came with it".to_owned()))?;
        let peer = self.peer(by, &signed.chain, &chain).map_err(not)?;
        // Of two certificates of one chain text the first is the same, so it's the one that was verified.
        authority::by_its_key(signed, leaf).map_err(not)?;
        let peer = self.enrollment.gate().stands(peer, now()).to_act().map_err(|refusal| not(refusal.to_string()))?;
        if peer.node != *by {
            return Err(not(format!("the certificate is {}'s", peer.node)));
        }
        Vouched::read(signed).ok_or_else(|| not("it can't be read".to_owned()))
    }

    /// Whose certificates these are, by the signatures above them.
    fn peer(&self, by: &NodeId, text: &str, chain: &[rustls::pki_types::CertificateDer<'_>]) -> Result<Peer, String> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, peer)) = known().get(by).filter(|(shown, _)| shown == text) {
            return Ok(peer.clone());
        }
        let peer = self.enrollment.gate().known(chain, now()).map_err(|refusal| refusal.to_string())?;
        known().insert(by.clone(), (text.to_owned(), peer.clone()));
        Ok(peer)
    }
}
