//! The open file. After an error of the disk the engine refuses whatever comes until the file is opened anew: a full
//! disk that has room again shall not need a restart.

use crate::StoreError;
use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, WriteTransaction};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// Memory that the engine keeps of the file, in bytes.
const CACHE: usize = 64 << 20;

/// Readers that are still at it hold the file open: it is tried so often to open it anew, after such a pause each.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// A database that can be opened anew while others hold this.
pub(super) struct File {
    /// Where it is; `None` for one in memory, which no disk can fail.
    path: Option<PathBuf>,
    /// `None` while it can't be opened.
    database: RwLock<Option<Database>>,
}

impl File {
    /// Opens the file, which is there.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let damaged = |why: &str| StoreError::Damaged { path: path.to_owned(), why: why.to_owned() };
        // The engine would take it for one that is yet to be made.
        if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
            return Err(damaged("the file is empty"));
        }
        // A file that somebody wrote into may lead the engine anywhere.
        let opened = std::panic::catch_unwind(|| open(path)).map_err(|_| damaged("its pages make no sense"))?;
        let database = opened.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.to_owned() },
            other => damaged(&other.to_string()),
        })?;
        Ok(Self { path: Some(path.to_owned()), database: RwLock::new(Some(database)) })
    }

    /// A database without a file.
    pub(super) fn in_memory(database: Database) -> Self {
        Self { path: None, database: RwLock::new(Some(database)) }
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        Ok(database.as_ref().ok_or(redb::Error::PreviousIo)?.begin_read()?)
    }

    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        Ok(database.as_ref().ok_or(redb::Error::PreviousIo)?.begin_write()?)
    }

    /// Opens the file anew if this error, of a transaction that has ended, asks for it. Where that fails, the next
    /// write that fails tries it again.
    pub(super) fn recover_from(&self, error: &StoreError) {
        let StoreError::Storage(cause) = error else { return };
        let (Some(path), redb::Error::Io(_) | redb::Error::PreviousIo) = (&self.path, &**cause) else { return };
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // A process opens a file once, so the former is let go first.
        *database = None;
        for _ in 0..TRIES {
            match open(path) {
                Ok(anew) => {
                    tracing::warn!(file = %path.display(), "the store was opened anew after an error of the disk");
                    *database = Some(anew);
                    return;
                }
                Err(DatabaseError::DatabaseAlreadyOpen) => std::thread::sleep(PAUSE),
                Err(error) => {
                    tracing::error!(file = %path.display(), %error, "the store can't be opened anew");
                    return;
                }
            }
        }
        tracing::error!(file = %path.display(), "the store can't be opened anew: somebody still reads it");
    }
}

fn open(path: &Path) -> Result<Database, DatabaseError> {
    Builder::new().set_cache_size(CACHE).create(path)
}
