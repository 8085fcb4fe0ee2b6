//! What every handler has at hand.

use hostler_core::Timestamp;
use hostler_services::Services;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How browsers reach this node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// Plain HTTP: for a loopback address or behind something that speaks TLS.
    Http,
    /// TLS, here or in front of us. The session's cookie is bound to it.
    Https,
}

/// What differs between installations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// How browsers reach this node.
    pub scheme: Scheme,
}

/// The state that axum hands to each handler; cheap to clone.
#[derive(Clone)]
pub struct Web {
    /// What this node does for its users.
    pub services: Arc<Services>,
    /// What differs between installations.
    pub options: Options,
}

impl Web {
    pub(crate) fn new(services: Arc<Services>, options: Options) -> Self {
        Self { services, options }
    }
}

/// The time. Pages say how long ago things were; nothing is decided by it.
pub(crate) fn now() -> Timestamp {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
}
