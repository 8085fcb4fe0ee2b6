//! The tree: what a node says to its parent, and what it hears from its children.

mod child;
mod parent;
mod presence;

pub use child::ChildLoop;
pub use parent::Tree;
pub use presence::Presence;

/// So many messages one exchange carries each way.
const BATCH: usize = 500;
