//! The bytes of components, each in a file that has its digest's name. Written whole or not at all.

use crate::error::ServiceError;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::io::Write;
use std::path::PathBuf;

/// How the name of a file begins that isn't whole yet.
const HALF_WRITTEN: &str = ".tmp";

pub(super) struct Blobs(PathBuf);

impl Blobs {
    pub(super) fn open(folder: PathBuf) -> Result<Self, ServiceError> {
        let blobs = Self(folder);
        std::fs::create_dir_all(&blobs.0).map_err(|error| blobs.broken("be made", &error))?;
        Ok(blobs)
    }

    fn broken(&self, what: &str, error: &std::io::Error) -> ServiceError {
        ServiceError::Internal(format!("the folder for plug-ins, {}, can't {what}: {error}", self.0.display()))
    }

    /// A digest has 64 hexadecimal digits: nothing else becomes a path.
    fn path(&self, digest: &str) -> Result<PathBuf, ServiceError> {
        if is_digest(digest) {
            Ok(self.0.join(format!("{digest}.wasm")))
        } else {
            Err(ServiceError::Invalid("not a digest".to_owned()))
        }
    }

    pub(super) fn write(&self, digest: &str, bytes: &[u8]) -> Result<(), ServiceError> {
        let path = self.path(digest)?;
        let write = || {
            let mut file = tempfile::Builder::new().prefix(HALF_WRITTEN).tempfile_in(&self.0)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            std::fs::File::open(&self.0)?.sync_all()
        };
        write().map_err(|error| self.broken("be written", &error))
    }

    /// The bytes, if they are still what they were.
    pub(super) fn read(&self, digest: &str) -> Result<Vec<u8>, ServiceError> {
        let path = self.path(digest)?;
        let bytes = std::fs::read(&path).map_err(|error| {
            ServiceError::Internal(format!(
                "the component can't be read ({}: {error}); install that release again",
                path.display()
            ))
        })?;
        if hex::encode(Sha256::digest(&bytes)) != digest {
            let path = path.display();
            return Err(ServiceError::Internal(format!(
                "the component was changed on the disk ({path}); install that release again"
            )));
        }
        Ok(bytes)
    }

    /// Deletes other components than these, and what a crash left half-written. A failure costs space and nothing else.
    pub(super) fn keep_only(&self, digests: &BTreeSet<String>) {
        let files = match std::fs::read_dir(&self.0) {
            Ok(files) => files,
            Err(error) => return tracing::warn!(error = %self.broken("be listed", &error), "old components stay"),
        };
        for file in files.flatten().filter(|file| is_ours(file) && !is_one_of(file, digests)) {
            if let Err(error) = std::fs::remove_file(file.path()) {
                tracing::warn!(%error, path = %file.path().display(), "an old component can't be removed");
            }
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The digest in a component's file name.
fn digest_of(file: &DirEntry) -> Option<String> {
    let name = file.file_name();
    name.to_str()?.strip_suffix(".wasm").filter(|digest| is_digest(digest)).map(str::to_owned)
}

/// Whether we wrote it: what somebody else put here isn't ours to delete.
fn is_ours(file: &DirEntry) -> bool {
    digest_of(file).is_some() || file.file_name().to_str().is_some_and(|name| name.starts_with(HALF_WRITTEN))
}

fn is_one_of(file: &DirEntry, digests: &BTreeSet<String>) -> bool {
    digest_of(file).is_some_and(|digest| digests.contains(&digest))
}
