//! The bytes of components, each in a file that has its digest's name. Written whole or not at all.

use crate::error::ServiceError;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;

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
        let sound = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if sound {
            Ok(self.0.join(format!("{digest}.wasm")))
        } else {
            Err(ServiceError::Invalid("not a digest".to_owned()))
        }
    }

    pub(super) fn write(&self, digest: &str, bytes: &[u8]) -> Result<(), ServiceError> {
        let path = self.path(digest)?;
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            std::fs::File::open(&self.0)?.sync_all()
        };
        write().map_err(|error| self.broken("be written", &error))
    }

    /// The bytes, if they are still what they were.
    pub(super) fn read(&self, digest: &str) -> Result<Vec<u8>, ServiceError> {
        let bytes = std::fs::read(self.path(digest)?).map_err(|error| self.broken("be read", &error))?;
        if hex::encode(Sha256::digest(&bytes)) != digest {
            return Err(ServiceError::Internal(format!("plug-in {digest} was changed on the disk; install it again")));
        }
        Ok(bytes)
    }

    pub(super) fn remove(&self, digest: &str) {
        if let Ok(path) = self.path(digest) {
            let _ = std::fs::remove_file(path);
        }
    }
}
