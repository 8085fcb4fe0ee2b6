//! An allowance for everybody together: so many at once, then as many a day, whoever they are.

use crate::error::ServiceError;
use hostler_core::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// So many tries at once, and so many more in a day. Before the first it is whole.
pub(crate) struct Allowance {
    /// So long it takes until one more is allowed.
    each: Duration,
    /// When it is whole again: as far ahead as tries were made.
    whole_at: Mutex<Timestamp>,
}

impl Allowance {
    /// So many at once, and afterwards so many a day: on the worst day together.
    pub(crate) fn of(at_once: u32) -> Self {
        Self { each: DAY / at_once.max(1), whole_at: Mutex::new(Timestamp(0)) }
    }

    /// Takes one now, or says when there is one.
    pub(crate) fn take(&self, now: Timestamp) -> Result<(), ServiceError> {
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back shall not stop it for longer than it ever waits.
        *whole_at = (*whole_at).min(now.plus(DAY));
        let next = (*whole_at).max(now).plus(self.each);
        let wait = next.since(now.plus(DAY));
        if !wait.is_zero() {
            let text = "too many wrong PINs from everywhere".to_owned();
            return Err(ServiceError::TooMany { text, retry_after: wait.max(Duration::from_secs(1)) });
        }
        *whole_at = next;
        Ok(())
    }

    /// Gives one back.
    pub(crate) fn give_back(&self) {
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let each = u64::try_from(self.each.as_millis()).unwrap_or(u64::MAX);
        *whole_at = Timestamp(whole_at.0.saturating_sub(each));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e04_so_many_at_once_then_one_after_the_other_and_a_clock_that_is_set_stops_nothing() {
        let allowance = Allowance::of(100);
        let start = Timestamp(1_000_000_000_000);
        let taken = |now| (0..1_000).filter(|_| allowance.take(now).is_ok()).count();
        assert_eq!((taken(start), taken(start)), (100, 0));
        allowance.give_back();
        assert_eq!(taken(start), 1);
        assert_eq!(taken(start.plus(DAY / 10)), 10);
        let back = Timestamp(1_000_000);
        assert_eq!((taken(back), taken(back.plus(DAY))), (0, 100));
    }
}
