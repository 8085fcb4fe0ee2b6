//! A backup of the node that runs, for an administrator who acts in person: the authority's private keys are in it.

use super::error::BackupError;
use super::gather::{COPY, gather};
use crate::access::Person;
use crate::error::ServiceError;
use crate::need;
use hostler_core::NodeId;
use hostler_core::viewer::Right;
use hostler_store::Store;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// A piece of a backup on its way, in bytes, and how many pieces wait for whoever takes them.
const PIECE: usize = 128 << 10;
const WAITING: usize = 4;

/// A backup on its way, piece by piece. Where it ends with an error, what came before is none.
pub type Stream = mpsc::Receiver<io::Result<Vec<u8>>>;

/// Makes backups of this node, one at a time.
pub struct Backups {
    store: Arc<dyn Store>,
    data: PathBuf,
    node: NodeId,
    making: Arc<Mutex<()>>,
}

impl Backups {
    /// Backups of the node with this store, in this data folder. What a crash left of one is removed. Blocks.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, data: PathBuf, node: NodeId) -> Self {
        for entry in std::fs::read_dir(&data).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(COPY)) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        Self { store, data, node, making: Arc::default() }
    }

    /// Makes a backup. What can fail at first, does so before the first piece.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for who is no administrator, [`ServiceError::Conflict`] while another is made.
    pub async fn make(&self, person: &Person) -> Result<Stream, ServiceError> {
        need(person.viewer(), Right::Administer)?;
        let busy = |_| ServiceError::Conflict("a backup is being made already; wait until it is done".to_owned());
        let making = Arc::clone(&self.making).try_lock_owned().map_err(busy)?;
        let (store, data, node) = (Arc::clone(&self.store), self.data.clone(), self.node.clone());
        let gathered = tokio::task::spawn_blocking(move || gather(&*store, &data, Some(node))).await;
        let gathered = gathered.map_err(|error| ServiceError::Internal(error.to_string()))?.map_err(refused)?;
        tracing::info!(user = %person.viewer().user, "a backup is made");
        let (pieces, stream) = mpsc::channel(WAITING);
        tokio::task::spawn_blocking(move || {
            let to = BufWriter::with_capacity(PIECE, Pieces(pieces.clone()));
            if let Err(error) = gathered.write(to) {
                tracing::warn!(%error, "a backup was not made to its end");
                let _ = pieces.blocking_send(Err(io::Error::other(error.to_string())));
            }
            drop(making);
        });
        Ok(stream)
    }
}

fn refused(error: BackupError) -> ServiceError {
    match error {
        BackupError::Store(error) => error.into(),
        BackupError::Busy => ServiceError::Unavailable(error.to_string()),
        other => {
            tracing::error!(error = %other, "no backup can be made");
            ServiceError::Internal(other.to_string())
        }
    }
}

/// Hands on what is written; an error when nobody takes it any more.
struct Pieces(mpsc::Sender<io::Result<Vec<u8>>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "whoever asked for it has gone");
        self.0.blocking_send(Ok(bytes.to_vec())).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
