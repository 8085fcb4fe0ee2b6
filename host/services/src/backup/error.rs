//! Why a backup can't be made or put back.

use hostler_store::StoreError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a backup can't be made or put back. A data folder is as it was then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder can't be used.
    #[error("{} can't be {what}: {source}", path.display())]
    Files {
        /// Which.
        path: PathBuf,
        /// What was to be done with it.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The store can't be copied, or what is in the backup is no store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no node.
    #[error("{} holds no node's data: there is no {} in it", path.display(), super::STORE)]
    NoNode {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the node is longer than a backup takes.
    #[error("{name} has {bytes} bytes; a backup takes at most {most}")]
    TooLong {
        /// Which.
        name: String,
        /// How long it is.
        bytes: u64,
        /// How long it may be.
        most: u64,
    },
    /// Plug-ins are installed and removed all the time.
    #[error("plug-ins were installed or removed all the while; make the backup again")]
    Busy,
    /// What goes into the backup can't be written to where it goes.
    #[error("the backup can't be written: {0}")]
    Write(io::Error),
    /// The file is no backup.
    #[error("this is no backup of hostler: {0}")]
    Foreign(String),
    /// The file was one.
    #[error("the backup is damaged: {0}. Take another copy of it")]
    Damaged(String),
    /// A later release wrote it.
    #[error("the backup has format {found}, and this release reads up to {known}; use hostler {by} or a later one")]
    TooNew {
        /// Its format.
        found: u32,
        /// What this release reads.
        known: u32,
        /// What wrote it.
        by: String,
    },
    /// There is something in the way.
    #[error(
        "{} isn't empty. Name a new folder, or add --replace: then what is there now is kept beside it, under another name",
        path.display()
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// A node works with the folder.
    #[error("a node is running with {}; stop it first", path.display())]
    Running {
        /// The folder.
        path: PathBuf,
    },
    /// The disk is too small.
    #[error("the backup needs {needed} bytes, and there are {free} at {}", path.display())]
    NoRoom {
        /// What it needs.
        needed: u64,
        /// What there is.
        free: u64,
        /// Where.
        path: PathBuf,
    },
    /// The folder can't be put in its place.
    #[error(
        "{} can't take its place: {source}. If it is where a file system is mounted, name a folder inside it; \
         else move away what is there and restore into its place",
        path.display()
    )]
    Place {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// For `map_err`: what was to be done with a file.
pub(super) fn failed(path: &Path, what: &'static str) -> impl Fn(io::Error) -> BackupError {
    move |source| BackupError::Files { path: path.to_owned(), what, source }
}
