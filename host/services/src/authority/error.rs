//! What goes wrong with the authority, for people.

use super::request::RequestError;
use hostler_core::Timestamp;
use std::path::PathBuf;

/// Why the authority didn't do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file or folder can't be read or written.
    #[error("{} can't be {what}: {source}; see to it that the user that hostler runs as owns the folder and \
             that the disk isn't full", path.display())]
    Files {
        /// Which.
        path: PathBuf,
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file of the authority isn't there although others are.
    #[error("{} is missing; put it back from a backup. A new authority is made in an empty folder only; \
             every node would have to enroll again", path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// A file of the authority isn't what we wrote.
    #[error("{} is damaged: {why}; put it back from a backup", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file doesn't belong to this authority.
    #[error("{} doesn't belong to this authority: {why}; put the right one back from a backup", path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
        /// How that shows.
        why: &'static str,
    },
    /// A certificate of the authority is too old.
    #[error("the certificate in {} ended {ended} and it is {now}: {todo}, or correct this machine's clock",
            path.display())]
    Expired {
        /// Which file.
        path: PathBuf,
        /// When it ended.
        ended: Timestamp,
        /// What this machine's clock says.
        now: Timestamp,
        /// What to do where the clock is right.
        todo: String,
    },
    /// A certificate of the authority is from the future.
    #[error("the certificate in {} is valid from {begins} and it is {now}: this machine's clock is likely wrong; \
             set it", path.display())]
    NotYetValid {
        /// Which file.
        path: PathBuf,
        /// When it begins.
        begins: Timestamp,
        /// What this machine's clock says.
        now: Timestamp,
    },
    /// The intermediate must be renewed and the root's key was taken away.
    #[error("the intermediate certificate ends {ends} and must be renewed, but the root's key isn't here: put root.key \
             back into {} and restart the manager, or wait for its next daily check; then take it away again. \
             Until {ends} everything else goes on", folder.display())]
    RootKeyAway {
        /// Where it belongs.
        folder: PathBuf,
        /// When the intermediate ends.
        ends: Timestamp,
    },
    /// A certificate request can't be granted.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A name can't be in a certificate.
    #[error("{name:?} can't be in a certificate: {why}")]
    Name {
        /// Which.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// A lifetime of nothing or beyond what the authority gives.
    #[error("a certificate lives an hour to a year, not {0:?}")]
    Lifetime(std::time::Duration),
    /// The cryptography failed; nothing that was asked for explains it.
    #[error("a certificate could not be made: {0}")]
    Crypto(String),
}

impl AuthorityError {
    pub(crate) fn crypto(error: impl std::fmt::Display) -> Self {
        Self::Crypto(error.to_string())
    }
}
