//! What can go wrong in a store.

use hostler_core::NodeId;
use hostler_core::message::Class;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the store didn't do what it was asked for. Nothing was applied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the row first.
    #[error("{what} was changed by somebody else in the meantime; look at it again and repeat")]
    Conflict {
        /// Which row.
        what: String,
    },
    /// Too many messages wait for a neighbour.
    #[error("{count} messages of class {class:?} wait for {to} already; they must be fetched before more are taken")]
    OutboxFull {
        /// For whom.
        to: NodeId,
        /// Of which class.
        class: Class,
        /// How many wait.
        count: u64,
    },
    /// Another process has the store.
    #[error("{} is in use by another hostler; end it, or give this one a data folder of its own", path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// What is there is no store.
    #[error("{} can't be opened as hostler's store: {why}. Put a copy back in its place, or move it away to begin anew", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The store was written by a later release.
    #[error("the store has format {found}, this release reads up to {known}; use the newer hostler again")]
    TooNew {
        /// The store's format.
        found: u64,
        /// What this release reads.
        known: u64,
    },
    /// The disk is full or broken.
    #[error("writing to the store failed: {0}; nothing was changed. Is the disk full?")]
    Storage(Arc<redb::Error>),
    /// A row can't be understood.
    #[error("{what} in the store can't be read: {source}")]
    Garbled {
        /// Which row.
        what: &'static str,
        /// Why.
        source: Arc<serde_json::Error>,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether another process has the store.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }
}

macro_rules! storage {
    ($($error:ty),*) => { $(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Storage(Arc::new(error.into()))
            }
        }
    )* };
}

storage!(
    redb::Error,
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError
);
