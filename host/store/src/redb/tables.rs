//! The tables, and how rows are written: a version of eight bytes, little end first, then JSON.

use crate::{StoreError, Versioned};
use hostler_core::access::Child;
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

pub(super) type Rows = TableDefinition<'static, &'static str, &'static [u8]>;

pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// In a copy's META, until somebody saw to it that it was put back: when it was made
pub(super) const COPIED: &str = "copied";
pub(super) const DEVICES: Rows = TableDefinition::new("devices");
pub(super) const PLACEMENTS: Rows = TableDefinition::new("placements");
/// Devices that an operator let go: since when
pub(super) const RELEASED: Rows = TableDefinition::new("released");
/// (gateway, address)
pub(super) const CANDIDATES: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("candidates");
pub(super) const ADOPTIONS: Rows = TableDefinition::new("adoptions");
/// (device, plug-in, key); the values are the plug-in's own bytes.
pub(super) const PLUGIN_STATE: TableDefinition<(&str, &str, &str), &[u8]> = TableDefinition::new("plugin-state");
/// (device, action)
pub(super) const ACTIONS: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("actions");
pub(super) const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");
/// (device, event)
pub(super) const EVENTS_OF: TableDefinition<(&str, u64), ()> = TableDefinition::new("events-of");
/// (neighbour, class, number)
pub(super) const OUTBOX: TableDefinition<(&str, u8, u64), &[u8]> = TableDefinition::new("outbox");
/// (neighbour, class): the last number given out, and how many wait
pub(super) const QUEUES: TableDefinition<(&str, u8), (u64, u64)> = TableDefinition::new("queues");
/// (neighbour, class): its epoch, and the last number taken
pub(super) const INBOX: TableDefinition<(&str, u8), (u64, u64)> = TableDefinition::new("inbox");
/// neighbour: the epoch of its outbox, where it isn't the one that the store began with
pub(super) const EPOCHS: TableDefinition<&str, u64> = TableDefinition::new("epochs");
/// neighbour: who was heard since the store was opened
pub(super) const MET: TableDefinition<&str, ()> = TableDefinition::new("met");
/// (neighbour, class): the last number that may have been given to it before it was met again
pub(super) const GIVEN: TableDefinition<(&str, u8), u64> = TableDefinition::new("given");
pub(super) const PLUGINS: Rows = TableDefinition::new("plugins");
pub(super) const USERS: Rows = TableDefinition::new("users");
pub(super) const TOKENS: Rows = TableDefinition::new("tokens");
pub(super) const CHILDREN: Rows = TableDefinition::new("children");
/// token digest: the node that shows the token
pub(super) const CHILD_TOKENS: TableDefinition<&str, &str> = TableDefinition::new("child-tokens");
/// By node: the way to one that another calls
pub(super) const ROUTES: Rows = TableDefinition::new("routes");
/// By request
pub(super) const FLIGHTS: Rows = TableDefinition::new("flights");
pub(super) const REGISTRATIONS: Rows = TableDefinition::new("registrations");
/// By the digest of the PIN or key
pub(super) const INVITATIONS: Rows = TableDefinition::new("invitations");
/// By device
pub(super) const ENROLLED: Rows = TableDefinition::new("enrolled");
/// This node's own, under [`OWN`]
pub(super) const MEMBERSHIP: Rows = TableDefinition::new("membership");
/// This node's own, under [`OWN`]: the orders that it took
pub(super) const LEDGER: Rows = TableDefinition::new("ledger");
/// By schedule
pub(super) const SCHEDULES: Rows = TableDefinition::new("schedules");
/// By rule: how far forwarding is
pub(super) const FORWARDS: Rows = TableDefinition::new("forwards");
/// By its key: what was set from above and stays so
pub(super) const STANDING: Rows = TableDefinition::new("standing");
/// The one key of what a node has of itself
pub(super) const OWN: &str = "own";
pub(super) const SNAPSHOTS: Rows = TableDefinition::new("snapshots");
/// (device, series)
pub(super) const HISTORIES: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("histories");

/// Makes every table, and for a new store its format and epoch. Returns whether it is new.
pub(super) fn create(write: &WriteTransaction, format: u64) -> Result<bool, StoreError> {
    let own = [DEVICES, PLACEMENTS, RELEASED, ADOPTIONS, PLUGINS, USERS, TOKENS, CHILDREN, SNAPSHOTS];
    let later =
        [ROUTES, FLIGHTS, REGISTRATIONS, INVITATIONS, ENROLLED, MEMBERSHIP, LEDGER, SCHEDULES, FORWARDS, STANDING];
    for table in own.into_iter().chain(later) {
        write.open_table(table)?;
    }
    index_children(write)?;
    write.open_table(CANDIDATES)?;
    write.open_table(PLUGIN_STATE)?;
    write.open_table(ACTIONS)?;
    write.open_table(EVENTS)?;
    write.open_table(EVENTS_OF)?;
    write.open_table(OUTBOX)?;
    write.open_table(QUEUES)?;
    write.open_table(INBOX)?;
    write.open_table(EPOCHS)?;
    write.open_table(MET)?;
    write.open_table(GIVEN)?;
    write.open_table(HISTORIES)?;
    let mut meta = write.open_table(META)?;
    if meta.get("format")?.is_some() {
        return Ok(false);
    }
    meta.insert("format", format)?;
    meta.insert("epoch", new_epoch()?)?;
    Ok(true)
}

/// Notes each child by its token, anew with each opening: a release that knows nothing of that may have changed children.
fn index_children(write: &WriteTransaction) -> Result<(), StoreError> {
    let mut tokens = write.open_table(CHILD_TOKENS)?;
    tokens.retain(|_, _| false)?;
    for row in write.open_table(CHILDREN)?.iter()? {
        let (id, child) = row?;
        let child: Versioned<Child> = decode("node", child.value())?;
        tokens.insert(child.value.token.0.as_str(), id.value())?;
    }
    Ok(())
}

/// Opens a new time in which neighbours are met. What may have been given to those that were met in the last one is noted;
/// one that wasn't met then has been given nothing since its last note.
pub(super) fn forget_meetings(write: &WriteTransaction) -> Result<(), StoreError> {
    let (mut met, mut given) = (write.open_table(MET)?, write.open_table(GIVEN)?);
    for row in write.open_table(QUEUES)?.iter()? {
        let (key, queue) = row?;
        if met.get(key.value().0)?.is_some() {
            given.insert(key.value(), queue.value().0)?;
        }
    }
    met.retain(|_, ()| false)?;
    Ok(())
}

/// An epoch that there never was.
pub(super) fn new_epoch() -> Result<u64, StoreError> {
    let mut epoch = [0; 8];
    getrandom::fill(&mut epoch).map_err(|error| redb::Error::Io(std::io::Error::other(error.to_string())))?;
    Ok(u64::from_le_bytes(epoch) >> 1)
}

/// The store's format and epoch.
pub(super) fn identity(write: &WriteTransaction) -> Result<(u64, u64), StoreError> {
    let meta = write.open_table(META)?;
    let number = |key| -> Result<u64, StoreError> { Ok(meta.get(key)?.map_or(0, |value| value.value())) };
    Ok((number("format")?, number("epoch")?))
}

pub(super) fn encode<T: Serialize>(what: &'static str, version: u64, value: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = version.to_le_bytes().to_vec();
    serde_json::to_writer(&mut bytes, value).map_err(|source| garbled(what, source))?;
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<Versioned<T>, StoreError> {
    let (version, json) = bytes.split_at_checked(8).unwrap_or((&[], bytes));
    let value = serde_json::from_slice(json).map_err(|source| garbled(what, source))?;
    Ok(Versioned { version: version_of(version), value })
}

/// The version at the head of a row.
pub(super) fn version_of(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
}

pub(super) fn garbled(what: &'static str, source: serde_json::Error) -> StoreError {
    StoreError::Garbled { what, source: Arc::new(source) }
}
