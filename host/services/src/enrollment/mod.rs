//! Enrollment: users register devices, and devices come in by what the users got for them.
//!
//! What is decided is decided in [`hostler_core::enrollment`]; this brings it the rows, the time and fresh tokens and
//! certificates, and commits what comes of it whole.
//!
//! | file | topic |
//! |---|---|
//! | `register` | a user's registrations: making, looking at, withdrawing |
//! | `connect` | a device that asks to be let in |
//! | `admit` | a device that came in: what its certificate allows, and another one in time |
//! | `below` | nodes that reach the manager through gateways only, and those that call another one now |
//! | `mistakes` | what was given as an address and isn't one, while somebody may look at it |
//! | `owner` | what owners and administrators do with devices that came in |
//! | `roll` | who came in, in memory; how certificates stand |
//! | `waiting` | the places that wait, in memory |
//! | `sweep` | what ended long ago is forgotten |
//! | `secret` | what PINs and keys follow from |

mod admit;
mod below;
mod connect;
mod mistakes;
mod owner;
mod register;
#[cfg(test)]
mod renewals;
mod roll;
mod secret;
mod sweep;
#[cfg(test)]
pub(crate) mod tests;
mod waiting;

pub(crate) use below::Came;
pub use connect::NotLetIn;
pub use owner::{EnrolledView, Stands};
pub use register::{EntryState, EntryView, NewRegistration, Refused, RegistrationView, SharedView, Sharing, Summary};

use crate::access::{Access, PinGuesses};
use crate::authority;
use crate::authority::{Authority, AuthorityError, Gate, Standings, Tended};
use crate::error::ServiceError;
use crate::live::{Live, LiveEvent};
use crate::turns::Turns;
use hostler_core::access::TokenDigest;
use hostler_core::enrollment::addresses::Loopback;
use hostler_core::enrollment::{AnyNumber, PinDigest, RETRY_FOR, Refusal};
use hostler_core::{DeviceId, Fingerprint, NodeId, Timestamp};
use hostler_engine::now;
use hostler_store::Store;
use hostler_transport::Seldom;
use mistakes::Mistakes;
use roll::Roll;
use rustls::time_provider::DefaultTimeProvider;
use secret::Seed;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use waiting::Waiting;

/// What an installation allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// Whether there may be PINs for any number of devices.
    pub any: AnyNumber,
    /// Whether this machine's own addresses are devices.
    pub loopback: Loopback,
    /// The port under which devices take a PIN.
    pub port: u16,
    /// The longest that a PIN may live.
    pub longest: Duration,
    /// How long what ended is kept for those who look; at least [`RETRY_FOR`], in which a device may still ask by it.
    pub keep: Duration,
    /// By what nodes that came in may call.
    pub nodes: NodesCall,
}

/// By what a node that came in may call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodesCall {
    /// By its certificate and its token: there is a listener that asks for certificates.
    ByCertificate,
    /// By its token: there is none.
    ByToken,
}

impl Default for Rules {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        let (any, loopback, nodes) = (AnyNumber::Refused, Loopback::Refused, NodesCall::ByToken);
        Self { any, loopback, port: 80, longest: days(30), keep: days(90), nodes }
    }
}

/// Why enrollment can't begin.
#[derive(Debug, thiserror::Error)]
pub enum EnrollmentError {
    /// The secret that PINs follow from.
    #[error("{}: {source}", path.display())]
    Secret {
        /// Its file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The store.
    #[error(transparent)]
    Store(#[from] hostler_store::StoreError),
}

/// The last request that wasn't let in by an invitation.
#[derive(Clone, Debug)]
struct LastRefused {
    device: DeviceId,
    why: Refusal,
    at: Timestamp,
}

/// Registrations, and who came in by them.
pub struct Enrollment {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    authority: Arc<Authority>,
    node: NodeId,
    rules: Rules,
    seed: Seed,
    roll: Arc<Roll>,
    gate: Arc<Gate>,
    waiting: Arc<Waiting>,
    /// One registration at a time: what waits was counted with all before.
    registering: tokio::sync::Mutex<()>,
    guesses: PinGuesses,
    /// For those who look at a registration; forgotten with the process.
    refused: Mutex<HashMap<PinDigest, LastRefused>>,
    /// For those who registered something; forgotten with the process.
    mistakes: Mistakes,
    /// Where it is said that a device was refused, which no commit tells.
    live: OnceLock<Live>,
    /// Who takes places of one invitation does so one at a time.
    turns: Turns<PinDigest>,
    /// That somebody wasn't let in.
    said: Seldom,
}

impl Enrollment {
    /// Enrollment as the store has it. Blocks.
    ///
    /// # Errors
    /// [`EnrollmentError`].
    pub fn open(
        store: Arc<dyn Store>,
        access: Arc<Access>,
        authority: Arc<Authority>,
        (node, folder): (NodeId, &Path),
        rules: Rules,
    ) -> Result<Arc<Self>, EnrollmentError> {
        let path = folder.join(secret::FILE);
        let seed = Seed::open(&path).map_err(|source| EnrollmentError::Secret { path, source })?;
        let roll = Arc::new(Roll::default());
        let following = Arc::clone(&roll);
        store.observe(Arc::new(move |changes| changes.0.iter().for_each(|change| following.follow(change))));
        roll.fill(store.all_enrolled()?.into_iter().map(|row| row.value));
        let gate = Arc::new(authority.gate(Arc::clone(&roll) as Arc<dyn Standings>)?);
        // Nobody registers before this is open.
        let waiting = Arc::new(Waiting::default());
        waiting.fill(&values(store.registrations()?), &values(store.all_invitations()?));
        let following = Arc::clone(&waiting);
        store.observe(Arc::new(move |changes| changes.0.iter().for_each(|change| following.follow(change))));
        let rules = Rules { keep: rules.keep.max(RETRY_FOR), ..rules };
        let (registering, guesses, refused, mistakes, turns, said) = Default::default();
        Ok(Arc::new(Self {
            store,
            access,
            authority,
            node,
            rules,
            seed,
            roll,
            gate,
            waiting,
            registering,
            guesses,
            refused,
            mistakes,
            live: OnceLock::new(),
            turns,
            said,
        }))
    }

    /// Renews what the authority needs in time and forgets what ended long ago, for ever.
    pub async fn tend_forever(self: Arc<Self>) {
        loop {
            let authority = Arc::clone(&self.authority);
            match tokio::task::spawn_blocking(move || authority.tend(now())).await {
                Ok(Ok(Tended::NotDue)) => {}
                Ok(Ok(Tended::Renewed { not_after })) => {
                    tracing::info!(%not_after, "the authority's intermediate certificate was renewed");
                }
                Ok(Err(error)) => tracing::error!(%error, "the authority can't renew its intermediate certificate"),
                Err(error) => tracing::error!(%error, "the authority can't be tended"),
            }
            match self.sweep(now()).await {
                Ok(0) => {}
                Ok(registrations) => tracing::info!(registrations, "registrations that ended long ago were forgotten"),
                Err(error) => tracing::error!(%error, "registrations that ended long ago can't be forgotten"),
            }
            tokio::time::sleep(Duration::from_secs(86_400)).await;
        }
    }

    /// What nodes have in their configuration to know this manager by.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.authority.root_fingerprint()
    }

    /// Who checks what nodes present.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    /// How this manager speaks to nodes at these names and addresses. To be asked for at the start and then daily: the
    /// certificate is renewed in time. Blocks.
    ///
    /// # Errors
    /// A name that isn't one, or what signing says.
    pub fn tls(&self, names: &[String]) -> Result<rustls::ServerConfig, AuthorityError> {
        let certificate = self.authority.server_certificate(names, now())?;
        authority::server_tls(certificate, self.gate(), Arc::new(DefaultTimeProvider))
    }

    /// From now on pages that stay open hear of refusals too.
    pub fn tell(&self, live: &Live) {
        let _ = self.live.set(live.clone());
    }

    fn announce(&self, event: LiveEvent) {
        if let Some(live) = self.live.get() {
            live.announce(event);
        }
    }

    /// What this installation allows.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What certificates are issued by.
    pub(crate) fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// This manager.
    pub(crate) fn node(&self) -> &NodeId {
        &self.node
    }

    /// The device that is connected as this node, where one came in so.
    pub(crate) fn came_in_as(&self, node: &NodeId) -> Option<hostler_core::enrollment::Enrolled> {
        self.roll.connected(node)
    }

    /// Whether a device that is connected has this token.
    pub(crate) fn has_living(&self, token: &TokenDigest) -> bool {
        self.roll.has_living(token)
    }

    /// The device that came in as this node and isn't let in where it is said to call this gateway, or anywhere where nobody knows
    /// which. None for one that is, and for a node that didn't come in here.
    pub(crate) fn keeps_out(&self, node: &NodeId, gateway: Option<&NodeId>) -> Option<DeviceId> {
        let rows = match self.roll.connected(node) {
            Some(row) => vec![row],
            None => self.roll.came_in(node),
        };
        rows.into_iter().find(|row| !below::is_let_in(row, gateway)).map(|row| row.device)
    }
}

fn values<T>(rows: Vec<hostler_store::Versioned<T>>) -> Vec<T> {
    rows.into_iter().map(|row| row.value).collect()
}

fn broken(error: &impl std::fmt::Display) -> ServiceError {
    ServiceError::Internal(format!("what enrollment keeps can't be used: {error}"))
}
