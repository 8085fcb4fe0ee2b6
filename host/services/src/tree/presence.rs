//! Who of the children is here: kept in memory, because an exchange that says nothing writes nothing.

use hostler_core::{NodeId, Timestamp};
use hostler_engine::now;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A child that didn't call for so long isn't here.
const GONE: Duration = Duration::from_secs(60);

/// Who of the children is here.
#[derive(Default)]
pub struct Presence(Mutex<HashMap<NodeId, Seen>>);

#[derive(Default, Clone, Copy)]
struct Seen {
    at: Timestamp,
    calling: usize,
}

/// A call under way; the child is here for as long as this lives.
pub(super) struct Calling {
    presence: Arc<Presence>,
    child: NodeId,
}

impl Presence {
    /// When the child called last, and whether it is here now.
    #[must_use]
    pub fn of(&self, child: &NodeId) -> (Option<Timestamp>, bool) {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(child).copied();
        match seen {
            None => (None, false),
            Some(seen) => (Some(seen.at), seen.calling > 0 || now().since(seen.at) < GONE),
        }
    }

    /// The child calls. Returns whether it wasn't here before.
    pub(super) fn enter(self: &Arc<Self>, child: &NodeId) -> (Calling, bool) {
        let (_, here) = self.of(child);
        self.change(child, |seen| seen.calling += 1);
        (Calling { presence: Arc::clone(self), child: child.clone() }, !here)
    }

    fn change(&self, child: &NodeId, change: impl FnOnce(&mut Seen)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(child.clone()).or_default();
        seen.at = now();
        change(seen);
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.presence.change(&self.child, |seen| seen.calling = seen.calling.saturating_sub(1));
    }
}
