//! What must outlive a crash.
//!
//! [`Store`] speaks the domain: it applies a procedure's [`Changes`] whole or refuses them, and answers questions about
//! what is stored. [`RedbStore`] is the embedded engine; [`conformance`] is the suite that every engine passes.
//!
//! Commits that arrive together share one write to the disk. Empty changes write nothing.

pub mod conformance;
mod error;
mod redb;

pub use self::error::StoreError;
pub use self::redb::RedbStore;

use futures::future::BoxFuture;
use hostler_core::access::{Child, Token, TokenDigest, User};
use hostler_core::adoption::Adoption;
use hostler_core::changes::{Changes, StartedAction};
use hostler_core::device::{Candidate, Device, Placement};
use hostler_core::enrollment::{Enrolled, Invitation, Membership, PinDigest, Registration};
use hostler_core::event::Event;
use hostler_core::forward::Cursor;
use hostler_core::history::Series;
use hostler_core::message::{Acks, Numbers, Outbox, Portion};
use hostler_core::plugin::PluginRecord;
use hostler_core::reading::Snapshot;
use hostler_core::request::Flight;
use hostler_core::routing::Route;
use hostler_core::schedule::Schedule;
use hostler_core::trust::Ledger;
use hostler_core::upkeep::Standing;
use hostler_core::{
    DeviceId, NodeId, PluginName, RegistrationId, RequestId, RuleName, ScheduleId, Timestamp, UserName,
};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// At most so many events are kept; the oldest go first.
pub const EVENTS_KEPT: u64 = 200_000;

/// A row and its version, which [`hostler_core::Expect`] refers to.
#[derive(Clone, PartialEq, Debug)]
pub struct Versioned<T> {
    /// Counts the changes of this row.
    pub version: u64,
    /// The row.
    pub value: T,
}

/// The newest of one device and what its history gains by it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Which device.
    pub device: DeviceId,
    /// The newest.
    pub snapshot: Snapshot,
    /// The histories that changed, by their names.
    pub series: BTreeMap<String, Series>,
}

/// What is looked for among the events. Looking is bounded, and goes on from [`Found::next`].
pub struct Search<'a> {
    /// Only those of this device.
    pub device: Option<&'a DeviceId>,
    /// Only those with smaller numbers.
    pub before: Option<u64>,
    /// At most so many are looked at.
    pub look: usize,
    /// At most so many are found.
    pub most: usize,
    /// Whether one is looked for.
    pub fits: &'a dyn Fn(&Event) -> bool,
}

/// What was found, the newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The events and their numbers.
    pub events: Vec<(u64, Event)>,
    /// Where to go on: [`Search::before`] of the next search. `None` where nothing more is kept.
    pub next: Option<u64>,
}

/// Events in the order in which they were stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Following {
    /// The events and their numbers.
    pub events: Vec<(u64, Event)>,
    /// The numbers of the oldest and the newest that are kept; `None` where there are none.
    pub kept: Option<(u64, u64)>,
}

/// Called with every commit once it is on the disk and before whoever asked for it is told.
pub type Observer = Arc<dyn Fn(&Changes) + Send + Sync>;

type Read<T> = Result<T, StoreError>;

/// Everything that a node stores.
pub trait Store: Send + Sync {
    /// Applies all changes, or none. Returns when they are on the disk.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a row isn't as expected, [`StoreError::OutboxFull`] when a message can't wait,
    /// [`StoreError::Storage`] when the disk fails; in each case nothing was applied.
    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Keeps the newest of many devices together. They replace what was there.
    ///
    /// # Errors
    /// [`StoreError::Storage`] when the disk fails.
    fn keep(&self, kept: Vec<Kept>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Calls `observer` with every later commit.
    fn observe(&self, observer: Observer);

    /// Writes everything, as it is at one moment, into a new file, while commits go on. What was deleted isn't in it. The
    /// copy knows that it is one ([`Store::copied_at`]). Blocks.
    ///
    /// # Errors
    /// [`StoreError::Storage`] when the disk fails; what is in the file then is no store.
    fn copy_to(&self, path: &Path, at: Timestamp) -> Result<(), StoreError>;

    /// When the copy was made that this store is, where it was put back and nobody has seen to what follows from that yet
    /// ([`hostler_core::changes::Change::Reconciled`]).
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    fn copied_at(&self) -> Read<Option<Timestamp>>;

    /// Every device.
    ///
    /// # Errors
    /// Like every question: [`StoreError::Storage`] or [`StoreError::Garbled`].
    fn devices(&self) -> Read<Vec<Versioned<Device>>>;
    /// One device.
    fn device(&self, id: &DeviceId) -> Read<Option<Versioned<Device>>>;
    /// Whose each device is.
    fn placements(&self) -> Read<BTreeMap<DeviceId, Versioned<Placement>>>;
    /// Whose one device is.
    fn placement(&self, id: &DeviceId) -> Read<Option<Versioned<Placement>>>;
    /// Whether an operator let this device go.
    fn is_released(&self, id: &DeviceId) -> Read<bool>;
    /// Everything that answered and isn't managed.
    fn candidates(&self) -> Read<Vec<(NodeId, Candidate)>>;
    /// The adoptions under way.
    fn adoptions(&self) -> Read<Vec<Versioned<Adoption>>>;
    /// The adoption of what is at this address.
    fn adoption(&self, address: IpAddr) -> Read<Option<Versioned<Adoption>>>;
    /// What a plug-in remembers of a device.
    fn plugin_state(&self, device: &DeviceId, plugin: &PluginName) -> Read<BTreeMap<String, Vec<u8>>>;
    /// The actions that were started and aren't done, oldest first.
    fn actions(&self) -> Read<Vec<(DeviceId, u64, StartedAction)>>;
    /// The newest events before `before`, newest first, of one device or of all.
    fn events(&self, device: Option<&DeviceId>, before: Option<u64>, limit: usize) -> Read<Vec<(u64, Event)>>;
    /// Looks for events, the newest first.
    fn find_events(&self, search: &Search<'_>) -> Read<Found>;
    /// The events behind this number, oldest first, at most so many.
    fn events_after(&self, after: u64, most: usize) -> Read<Following>;
    /// The first messages that wait for a neighbour, most urgent class first, in order within each.
    fn outbox(&self, to: &NodeId, most: Portion) -> Read<Outbox>;
    /// How the messages for a neighbour are numbered.
    fn numbers(&self, to: &NodeId) -> Read<Numbers>;
    /// How many messages wait for a neighbour.
    fn waiting(&self, to: &NodeId) -> Read<u64>;
    /// What was taken of a neighbour's messages.
    fn received(&self, from: &NodeId) -> Read<Acks>;
    /// The catalogue.
    fn plugins(&self) -> Read<Vec<Versioned<PluginRecord>>>;
    /// One plug-in of the catalogue.
    fn plugin(&self, name: &PluginName) -> Read<Option<Versioned<PluginRecord>>>;
    /// Everybody who may log in.
    fn users(&self) -> Read<Vec<Versioned<User>>>;
    /// Somebody who may log in.
    fn user(&self, name: &UserName) -> Read<Option<Versioned<User>>>;
    /// Every token that was given out.
    fn tokens(&self) -> Read<Vec<(TokenDigest, Token)>>;
    /// One of them.
    fn token(&self, digest: &TokenDigest) -> Read<Option<Token>>;
    /// The nodes that may call this one.
    fn children(&self) -> Read<Vec<Versioned<Child>>>;
    /// One of them.
    fn child(&self, id: &NodeId) -> Read<Option<Versioned<Child>>>;
    /// The one that shows the token with this digest.
    fn child_by_token(&self, token: &TokenDigest) -> Read<Option<Versioned<Child>>>;
    /// The ways to the nodes below that another node below calls.
    fn routes(&self) -> Read<Vec<Versioned<Route>>>;
    /// One of them.
    fn route(&self, node: &NodeId) -> Read<Option<Versioned<Route>>>;
    /// The requests that this node knows of.
    fn flights(&self) -> Read<Vec<Versioned<Flight>>>;
    /// One of them.
    fn flight(&self, id: &RequestId) -> Read<Option<Versioned<Flight>>>;
    /// What users registered.
    fn registrations(&self) -> Read<Vec<Versioned<Registration>>>;
    /// One of them.
    fn registration(&self, id: &RegistrationId) -> Read<Option<Versioned<Registration>>>;
    /// What stands behind each of these PINs and keys, in their order.
    fn invitations(&self, digests: &[PinDigest]) -> Read<Vec<Option<Versioned<Invitation>>>>;
    /// Every invitation.
    fn all_invitations(&self) -> Read<Vec<Versioned<Invitation>>>;
    /// The invitations of one registration, in order. It looks at all that there are.
    fn invitations_of(&self, registration: &RegistrationId) -> Read<Vec<Versioned<Invitation>>>;
    /// Every device that came in by an invitation.
    fn all_enrolled(&self) -> Read<Vec<Versioned<Enrolled>>>;
    /// One of them.
    fn enrolled(&self, device: &DeviceId) -> Read<Option<Versioned<Enrolled>>>;
    /// Every schedule.
    fn schedules(&self) -> Read<Vec<Versioned<Schedule>>>;
    /// One of them.
    fn schedule(&self, id: &ScheduleId) -> Read<Option<Versioned<Schedule>>>;
    /// This node's own membership in its manager's fleet.
    fn membership(&self) -> Read<Option<Versioned<Membership>>>;
    /// Which orders of its manager this node took.
    fn ledger(&self) -> Read<Option<Versioned<Ledger>>>;
    /// How far each forwarding rule is.
    fn forwards(&self) -> Read<BTreeMap<RuleName, Cursor>>;
    /// Everything that was set from above and stays so.
    fn standing(&self) -> Read<BTreeMap<Standing, u64>>;
    /// The newest of every device.
    fn snapshots(&self) -> Read<BTreeMap<DeviceId, Snapshot>>;
    /// The histories of one device, by their names.
    fn histories(&self, device: &DeviceId) -> Read<BTreeMap<String, Series>>;
}
