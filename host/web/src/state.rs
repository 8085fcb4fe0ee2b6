//! What every handler has at hand.

use hostler_services::Services;
use std::sync::Arc;

pub use hostler_services::registrar::Scheme;

/// What of this node is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Offer {
    /// All of it.
    #[default]
    Whole,
    /// What users register devices with: they come through a registrar on a node of its own, which hands on nothing else.
    Registrar,
}

/// What differs between installations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// How browsers reach this node.
    pub scheme: Scheme,
    /// What of it they are offered.
    pub offer: Offer,
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
