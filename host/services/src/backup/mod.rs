//! Backups: one file with all that a node can't be without, made while it runs, and the way back from it.
//!
//! The file is a gzipped tar. First comes [`Manifest`], which says what follows, how long it is and its digest; then the
//! store, the certificate authority and the plug-ins. What only helps while the node runs isn't in it, nor is
//! `enrollment.key`: every PIN that follows from it ends when the backup is put back.
//!
//! The store in it is a copy that knows that it is one ([`hostler_store::Store::copied_at`]). However it was put back, the
//! first start withdraws what lived when it was made ([`reconcile`]), because nobody knows what was spent since.
//!
//! | file | topic |
//! |---|---|
//! | `manifest` | what is in a backup, and what may be |
//! | `gather`, `archive` | making one |
//! | `read` | reading one, with its limits |
//! | `restore` | putting one back |
//! | `reconcile` | what follows at the first start |
//! | `live` | a backup of the node that runs |

mod archive;
mod error;
mod gather;
mod live;
mod manifest;
mod read;
mod reconcile;
mod restore;
#[cfg(test)]
mod tests;

pub use error::BackupError;
pub use gather::{Gathered, gather_stopped};
pub use live::{Backups, Stream};
pub use manifest::{Listed, Manifest, Part};
pub use read::verify;
pub use reconcile::reconcile;
pub use restore::{Present, Restored, restore};

/// The store's file in the data folder.
pub const STORE: &str = "hostler.redb";
/// The folder of the certificate authority in it.
pub const AUTHORITY: &str = "authority";
/// The folder of the plug-ins' components in it.
pub const PLUGINS: &str = "plugins";
