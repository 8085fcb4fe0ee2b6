//! Places for what is under way at a time: so many in all, and of these a share for each who takes them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Places that are taken and given back. `Who` is whom they are counted for.
pub struct Places<Who> {
    in_all: usize,
    for_one: usize,
    taken: Arc<Mutex<Taken<Who>>>,
}

struct Taken<Who> {
    in_all: usize,
    by: HashMap<Who, usize>,
}

/// A place; it is given back when this is dropped.
pub struct Place<Who: Eq + Hash> {
    who: Who,
    taken: Arc<Mutex<Taken<Who>>>,
}

impl<Who: Eq + Hash + Clone> Places<Who> {
    /// So many in all, and so many for each.
    #[must_use]
    pub fn new(in_all: usize, for_one: usize) -> Self {
        Self { in_all, for_one, taken: Arc::new(Mutex::new(Taken { in_all: 0, by: HashMap::new() })) }
    }

    /// A place, where there is one.
    #[must_use]
    pub fn take(&self, who: Who) -> Option<Place<Who>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by.get(&who).copied().unwrap_or_default();
        if taken.in_all >= self.in_all || own >= self.for_one {
            return None;
        }
        taken.in_all += 1;
        taken.by.insert(who.clone(), own + 1);
        Some(Place { who, taken: Arc::clone(&self.taken) })
    }
}

impl<Who: Eq + Hash> Drop for Place<Who> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(1);
        if let Some(own) = taken.by.get_mut(&self.who) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.by.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e01_who_takes_their_share_leaves_places_for_others_and_gives_them_back() {
        let places = Places::new(5, 3);
        let mut first: Vec<_> = (0..9).filter_map(|_| places.take(1)).collect();
        let others: Vec<_> = (2..9).filter_map(|who| places.take(who)).collect();
        assert_eq!((first.len(), others.len()), (3, 2));
        first.pop();
        assert!(places.take(9).is_some(), "one was given back");
        drop((first, others));
        let taken = places.taken.lock().unwrap();
        assert!(taken.in_all == 0 && taken.by.is_empty(), "nothing is kept of who left");
    }
}
