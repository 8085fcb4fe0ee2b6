//! The embedded engine: one redb file, one thread that writes, readers that never wait for it.

mod apply;
mod copy;
mod file;
mod read;
mod tables;
mod writer;

use crate::StoreError;
use file::File;
use hostler_core::message::Epoch;
use redb::{Builder, backends::InMemoryBackend};
use std::path::Path;
use std::sync::Arc;

/// The format that this release writes. A later format gets a number of its own and a way from this one.
const FORMAT: u64 = 1;

/// A store in one file, or in memory for tests.
pub struct RedbStore {
    database: Arc<File>,
    /// The epoch of an outbox that has none of its own.
    epoch: Epoch,
    writer: writer::Writer,
}

impl RedbStore {
    /// Opens the store in this file, or makes it.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Damaged`], [`StoreError::TooNew`], or the disk's.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            make(path)?;
        }
        Self::begin(File::open(path)?)
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// None that a test would meet.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::begin(File::in_memory(Builder::new().create_with_backend(InMemoryBackend::new())?))
    }

    fn begin(database: File) -> Result<Self, StoreError> {
        let write = database.begin_write()?;
        let fresh = tables::create(&write, FORMAT)?;
        let (format, epoch) = tables::identity(&write)?;
        if format > FORMAT {
            return Err(StoreError::TooNew { found: format, known: FORMAT });
        }
        tables::forget_meetings(&write)?;
        write.commit()?;
        tracing::debug!(format, epoch, fresh, "store opened");
        let (database, epoch) = (Arc::new(database), Epoch(epoch));
        Ok(Self { writer: writer::Writer::start(Arc::clone(&database), epoch), database, epoch })
    }
}

/// Makes a store beside its place and puts it there when it is whole: what a crash leaves in the middle of this is no store.
fn make(path: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::from(redb::Error::Io(error));
    let unfinished = path.with_extension("new");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let database = Builder::new().create(&unfinished)?;
    let write = database.begin_write()?;
    tables::create(&write, FORMAT)?;
    write.commit()?;
    drop(database);
    std::fs::rename(&unfinished, path).map_err(failed)?;
    // The name is as durable as what it names.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
