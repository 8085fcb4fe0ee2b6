//! What every handler has at hand.

use hostler_services::Services;
use std::sync::Arc;

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
