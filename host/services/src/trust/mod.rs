//! What makes that gateways need not be believed: orders are signed by the manager and checked where they are carried out;
//! readings and answers are signed where they come from and checked by the manager.
//!
//! What follows from a good signature is decided in [`hostler_core::trust`].
//!
//! | file | topic |
//! |---|---|
//! | `manager` | signing orders, and checking what nodes vouch for |
//! | `member` | checking orders, and vouching |
//! | `sealing` | secrets for one node |

mod manager;
mod member;
mod sealing;

pub use manager::ManagersTrust;
pub use member::{Chain, MembersTrust};
pub(crate) use sealing::seal;

use crate::error::ServiceError;
use hostler_core::NodeId;
use hostler_core::message::Method;
use hostler_core::trust::Signed;
use std::sync::Arc;

/// What a node signs and checks. One that is neither a manager nor came in by a PIN or key has none of both: it knows nobody
/// by anything but the token in a file, and believes its neighbours.
#[derive(Clone)]
pub enum Trust {
    /// The manager's.
    Manager(Arc<ManagersTrust>),
    /// A node's that came in.
    Member(Arc<MembersTrust>),
}

impl Trust {
    /// The manager's order to a node; `None` where this isn't the manager.
    pub(crate) fn order(&self, to: &NodeId, method: &Method) -> Result<Option<Box<Signed>>, ServiceError> {
        match self {
            Self::Manager(manager) => manager.order(to, method).map(Some),
            Self::Member(_) => Ok(None),
        }
    }

    pub(crate) fn manager(&self) -> Option<&Arc<ManagersTrust>> {
        match self {
            Self::Manager(manager) => Some(manager),
            Self::Member(_) => None,
        }
    }

    pub(crate) fn member(&self) -> Option<&Arc<MembersTrust>> {
        match self {
            Self::Manager(_) => None,
            Self::Member(member) => Some(member),
        }
    }
}
