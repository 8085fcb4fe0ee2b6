//! Who of the children is here: kept in memory, because an exchange that says nothing writes nothing.

use hostler_core::changes::Change;
use hostler_core::{NodeId, Timestamp};
use hostler_engine::now;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A child that got its answer and doesn't call again for so long isn't here: it may be busy with what it heard.
const GONE: Duration = Duration::from_secs(60);

/// A child that gave its call up calls again at once, or was ended.
const GIVEN_UP: Duration = Duration::from_secs(3);

/// Who of the children is here.
#[derive(Default)]
pub struct Presence(Mutex<HashMap<NodeId, Arc<Mutex<Seen>>>>);

#[derive(Default, Clone, Copy)]
struct Seen {
    at: Timestamp,
    /// Since when it is here without a gap.
    since: Timestamp,
    calling: usize,
    /// For how long it is still here after `at`, without a call.
    patience: Duration,
    /// What was told of it last.
    told: bool,
}

impl Seen {
    fn here(&self) -> bool {
        self.calling > 0 || now().since(self.at) < self.patience
    }
}

/// A call under way; the child is here for as long as this lives. It was given up where nobody says that it was answered.
pub(super) struct Calling {
    seen: Arc<Mutex<Seen>>,
    patience: Duration,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Presence {
    /// When the child called last since this node was started, and whether it is here now.
    #[must_use]
    pub fn of(&self, child: &NodeId) -> (Option<Timestamp>, bool) {
        let seen = lock(&self.0).get(child).map(|seen| *lock(seen));
        seen.map_or((None, false), |seen| (Some(seen.at), seen.here()))
    }

    /// Since when the child is here, where it is.
    #[must_use]
    pub fn since(&self, child: &NodeId) -> Option<Timestamp> {
        let seen = lock(&self.0).get(child).map(|seen| *lock(seen));
        seen.filter(Seen::here).map(|seen| seen.since)
    }

    /// The child calls.
    pub(super) fn enter(&self, child: &NodeId) -> Calling {
        let seen = Arc::clone(lock(&self.0).entry(child.clone()).or_default());
        {
            let mut seen = lock(&seen);
            if !seen.here() {
                seen.since = now();
            }
            seen.at = now();
            seen.calling += 1;
        }
        Calling { seen, patience: GIVEN_UP }
    }

    /// Whoever was removed was never here: another may take its name.
    pub(crate) fn follow(&self, change: &Change) {
        if let Change::Child { id, value: None, .. } = change {
            self.forget(id);
        }
    }

    pub(super) fn forget(&self, child: &NodeId) {
        lock(&self.0).remove(child);
    }

    /// Who came or went since this was asked last.
    pub(super) fn turned(&self) -> Vec<NodeId> {
        let all = lock(&self.0);
        let turned = all.iter().filter(|(_, seen)| {
            let mut seen = lock(seen);
            let here = seen.here();
            std::mem::replace(&mut seen.told, here) != here
        });
        turned.map(|(child, _)| child.clone()).collect()
    }
}

impl Calling {
    /// The child has its answer.
    pub(super) fn answered(mut self) {
        self.patience = GONE;
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        let mut seen = lock(&self.seen);
        seen.at = now();
        seen.patience = self.patience;
        seen.calling = seen.calling.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d03_who_gave_its_call_up_is_away_sooner_than_who_has_its_answer() {
        let presence = Presence::default();
        let child: NodeId = "gateway-1".parse().unwrap();
        assert_eq!(presence.of(&child), (None, false));
        let patience = |presence: &Presence| lock(&lock(&presence.0)[&child]).patience;
        let first = presence.enter(&child);
        assert!(presence.of(&child).1);
        assert_eq!(presence.turned(), std::slice::from_ref(&child));
        first.answered();
        assert_eq!(patience(&presence), GONE);
        drop(presence.enter(&child));
        assert_eq!(patience(&presence), GIVEN_UP);
        assert!(presence.of(&child).1 && presence.turned().is_empty(), "it may have something new to say");
    }

    #[test]
    fn d03_a_call_of_who_was_removed_meanwhile_counts_for_nobody() {
        let presence = Presence::default();
        let child: NodeId = "gateway-1".parse().unwrap();
        let former = presence.enter(&child);
        presence.follow(&Change::Child {
            id: child.clone(),
            expect: hostler_core::changes::Expect::Anything,
            value: None,
        });
        assert_eq!(presence.of(&child), (None, false), "it never called");
        let anew = presence.enter(&child);
        former.answered();
        assert!(presence.of(&child).1);
        drop(anew);
    }
}
