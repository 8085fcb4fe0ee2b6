//! The registrar on a node of its own: what its pages need of the way to the manager, which is the transport's.

pub use hostler_transport::{NotHandedOn, Relay, Scheme};
