//! The embedded engine: one redb file, one thread that writes, readers that never wait for it.

mod apply;
mod read;
mod tables;
mod writer;

use crate::StoreError;
use hostler_core::message::Epoch;
use redb::{Builder, Database, DatabaseError, ReadableDatabase, backends::InMemoryBackend};
use std::path::Path;
use std::sync::Arc;

/// The format that this release writes. A later format gets a number of its own and a way from this one.
const FORMAT: u64 = 1;

/// Memory that the engine keeps of the file, in bytes.
const CACHE: usize = 64 << 20;

/// A store in one file, or in memory for tests.
pub struct RedbStore {
    database: Arc<Database>,
    epoch: Epoch,
    writer: writer::Writer,
}

impl RedbStore {
    /// Opens the store in this file, or makes it.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::TooNew`], or the disk's.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Builder::new().set_cache_size(CACHE).create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.to_owned() },
            other => other.into(),
        })?;
        Self::begin(database)
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// None that a test would meet.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::begin(Builder::new().create_with_backend(InMemoryBackend::new())?)
    }

    fn begin(database: Database) -> Result<Self, StoreError> {
        let fresh = {
            let write = database.begin_write()?;
            let fresh = tables::create(&write, FORMAT)?;
            write.commit()?;
            fresh
        };
        let (format, epoch) = tables::identity(&database.begin_read()?)?;
        if format > FORMAT {
            return Err(StoreError::TooNew { found: format, known: FORMAT });
        }
        tracing::debug!(format, epoch, fresh, "store opened");
        let database = Arc::new(database);
        Ok(Self { writer: writer::Writer::start(Arc::clone(&database), Epoch(epoch)), database, epoch: Epoch(epoch) })
    }
}
