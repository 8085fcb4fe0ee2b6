//! Performs what core decides.
//!
//! A procedure says in its state what is outstanding; [`Adopter`] performs it and feeds what comes of it back as an event, whose
//! step is committed whole. After a crash everything goes on from what is stored. [`Doorbells`] tell who waits for an outbox that
//! something is in it.

mod adoption;
mod bells;

pub use adoption::{Adopter, Ask, AskError, Identified};
pub use bells::Doorbells;

use hostler_core::Timestamp;

/// The time, from the system's clock.
#[must_use]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
