//! The tree: what a node says to its parent, and what it hears from its children.

mod below;
#[cfg(test)]
mod below_tests;
mod child;
mod following;
mod handing;
mod hearing;
mod held;
mod keeping_out;
mod moving;
#[cfg(test)]
mod moving_tests;
mod orders;
#[cfg(test)]
mod own_tests;
mod parent;
mod passing;
mod presence;
#[cfg(test)]
mod request_tests;
mod set_aside;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trust_tests;

pub(crate) use below::without;
pub use child::ChildLoop;
pub(crate) use moving::{Moved, NotMoved, moved};
pub use parent::Tree;
pub(crate) use passing::way_to;
pub use presence::Presence;

use hostler_core::changes::{Change, Changes};

/// How often something is tried when somebody else changed one of its rows meanwhile.
pub(crate) const TRIES: u32 = 5;

/// Says it when a neighbour has shown that this node's store was put back to an earlier state.
fn say_if_renumbered(changes: &Changes) {
    for change in &changes.0 {
        if let Change::Renumber { to, .. } = change {
            tracing::warn!(
                neighbour = %to,
                "the neighbour has messages of this node that its store doesn't know: the store was put back to an \
                 earlier state; what waits is numbered anew"
            );
        }
    }
}
