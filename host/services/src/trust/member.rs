//! The side of a node that came in: it carries out what its manager signed, and vouches for what it read and did.

use crate::authority::{self, AuthorityError, Identity, Numbers};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::event::Event;
use hostler_core::message::Method;
use hostler_core::reading::{Severity, Snapshot};
use hostler_core::request::Answer;
use hostler_core::trust::{
    Clocks, CredentialKind, Ledger, NotTaken, Sealed, SealedFor, Signed, Vouched, Witness, judge,
};
use hostler_core::{CredentialName, DeviceId, Fingerprint, NodeId, RequestId, Secret, Timestamp};
use hostler_engine::now;
use hostler_store::{Store, StoreError};
use hostler_transport::Seldom;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The file of the numbers of readings, in the data folder.
const NUMBERS: &str = "readings.number";

/// An order that isn't carried out is an event at most so often: nobody fills the events with them.
const SELDOM: Duration = Duration::from_secs(10);

/// The certificates that a node has now, as PEM; `None` while it isn't connected.
pub type Chain = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// By what a node knows its manager, and what it vouches by.
pub struct MembersTrust {
    store: Arc<dyn Store>,
    node: NodeId,
    root: Fingerprint,
    identity: Arc<Identity>,
    chain: Chain,
    numbers: Numbers,
    /// What the manager's clock showed at least, and when that was.
    time: Mutex<(Timestamp, Instant)>,
    said: Seldom,
}

impl MembersTrust {
    /// The trust of a node that knows its manager by this root. Blocks.
    ///
    /// # Errors
    /// The file with the numbers of readings can't be read.
    pub fn open(
        store: Arc<dyn Store>,
        (node, root): (NodeId, Fingerprint),
        (identity, chain): (Arc<Identity>, Chain),
        folder: &Path,
    ) -> Result<Arc<Self>, AuthorityError> {
        let numbers = Numbers::open(&folder.join(NUMBERS))?;
        let time = Mutex::new((Timestamp(0), Instant::now()));
        let said = Seldom::every(SELDOM);
        Ok(Arc::new(Self { store, node, root, identity, chain, numbers, time, said }))
    }

    /// Whether this node carries out what is said, and what it notes of that with the carrying out.
    pub(crate) fn takes(
        &self,
        said: &Method,
        signed: Option<&Signed>,
    ) -> Result<Result<Changes, NotTaken>, StoreError> {
        let kept = self.store.ledger()?;
        let expect = kept.as_ref().map_or(Expect::Absent, |kept| Expect::Version(kept.version));
        let kept = kept.map(|kept| kept.value).filter(|kept| kept.root == self.root);
        let ledger = kept.unwrap_or_else(|| Ledger::new(self.root.clone()));
        Ok(self.judge(said, signed, &ledger).map(|ledger| Change::Ledger { expect, value: Box::new(ledger) }.into()))
    }

    fn judge(&self, said: &Method, signed: Option<&Signed>, ledger: &Ledger) -> Result<Ledger, NotTaken> {
        let signed = signed.ok_or(NotTaken::Unsigned)?;
        let order = authority::order(signed, &self.root).map_err(NotTaken::NotTheManagers)?;
        let clocks = Clocks { known: self.managers_time(order.at), own: now() };
        judge(&self.node, said, &order, ledger, clocks)
    }

    /// What the manager's clock shows at least: what it signed, and what passed since that came. Nobody on the way can put it
    /// back, and this node's own clock has no part in it.
    fn managers_time(&self, signed: Timestamp) -> Timestamp {
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        let known = time.0.plus(time.1.elapsed());
        if signed > known {
            *time = (signed, Instant::now());
        }
        known.max(signed)
    }

    /// What is told here and above of an order that isn't carried out; seldom enough that nobody fills anything with it.
    pub(crate) fn refused(&self, parent: &NodeId, said: &Method, why: &NotTaken) -> Changes {
        let what = said.words();
        let Some(others) = self.said.count() else { return Changes::none() };
        tracing::warn!(%what, %why, others, "an order was not carried out");
        let event = Event {
            at: now(),
            node: None,
            device: None,
            name: "order.refused".to_owned(),
            severity: Severity::Warning,
            text: format!("an order was not carried out ({what}): {why}"),
        };
        Changes::from(Change::Happened(event.clone())).and(Change::send(parent, Method::EventHappened(event)))
    }

    /// Opens what was sealed to this node for this use.
    pub(crate) fn open_sealed(
        &self,
        sealed: &Sealed,
        kind: CredentialKind,
        name: &CredentialName,
    ) -> Result<Secret, String> {
        super::sealing::open(sealed, &SealedFor { node: &self.node, kind, name }, &self.identity)
    }

    /// The newest of a device of this node's, vouched for.
    pub(crate) fn reading(&self, device: &DeviceId, snapshot: &Snapshot) -> Option<Box<Signed>> {
        let number = self.numbers.next(now());
        let number = number.inspect_err(|error| tracing::error!(%error, "a reading can't be numbered")).ok()?;
        self.vouch(Witness::Reading { device: device.clone(), number, snapshot: Box::new(snapshot.clone()) })
    }

    /// An answer of this node's, vouched for.
    pub(crate) fn answer(&self, id: &RequestId, answer: &Answer) -> Option<Box<Signed>> {
        self.vouch(Witness::Answer { id: id.clone(), answer: Box::new(answer.clone()) })
    }

    fn vouch(&self, witness: Witness) -> Option<Box<Signed>> {
        let chain = (self.chain)()?;
        let text = serde_json::to_string(&Vouched { by: self.node.clone(), witness });
        let text = text.inspect_err(|error| tracing::error!(%error, "what was read can't be written")).ok()?;
        let signed = self.identity.vouch(text, chain);
        signed.inspect_err(|error| tracing::error!(%error, "this node can't vouch for what it read")).ok().map(Box::new)
    }
}
