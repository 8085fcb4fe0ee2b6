//! The vocabulary and the procedures of hostler.
//!
//! Everything here is pure: no I/O, no clock, no randomness, no async. Times come in as [`Timestamp`]s, identifiers as
//! types that can't be wrong. What needs the world is an *effect* that a procedure returns and that
//! the engine performs (see [`adoption`] for the smallest procedure).

pub mod access;
pub mod adoption;
pub mod certificate;
pub mod changes;
pub mod command;
pub mod device;
pub mod enrollment;
pub mod event;
pub mod forward;
pub mod history;
pub mod id;
pub mod message;
pub mod plugin;
pub mod reading;
pub mod request;
pub mod routing;
pub mod schedule;
pub mod secret;
mod source;
pub mod time;
pub mod trust;
pub mod upkeep;
pub mod viewer;
pub mod waking;
pub mod watch;

pub use changes::{Change, Changes, Expect};
pub use id::{
    BadId, CredentialName, DeviceId, Fingerprint, KeyFingerprint, NodeId, PluginName, RegistrationId, RequestId,
    RuleName, ScheduleId, Serial, SiteId, UserName,
};
pub use secret::Secret;
pub use source::source;
pub use time::Timestamp;
