//! Lines in the log about strangers: seldom enough that nobody can fill it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When something was said last, and how often it happened unsaid since.
pub struct Seldom {
    /// How long nothing is said after it.
    quiet: Duration,
    said: Mutex<(Option<Instant>, u64)>,
}

impl Default for Seldom {
    /// Once a second at most.
    fn default() -> Self {
        Self::every(Duration::from_secs(1))
    }
}

impl Seldom {
    /// As often as this at most.
    #[must_use]
    pub fn every(quiet: Duration) -> Self {
        Self { quiet, said: Mutex::default() }
    }

    /// Counts one. Where it is to be said now, returns how many weren't said since the last.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, unsaid) = &mut *said;
        if at.is_some_and(|at| at.elapsed() < self.quiet) {
            *unsaid += 1;
            return None;
        }
        *at = Some(Instant::now());
        Some(std::mem::take(unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e07_the_first_is_said_and_those_right_after_are_counted() {
        let seldom = Seldom::default();
        assert_eq!([seldom.count(), seldom.count(), seldom.count()], [Some(0), None, None]);
        seldom.said.lock().unwrap().0 = None;
        assert_eq!((seldom.count(), seldom.count()), (Some(2), None));
    }
}
