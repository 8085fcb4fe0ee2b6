//! Levels and capacities of RFC 3805, sentinels and all.

use crate::words::{self, PERCENT};
use hostler_plugin::types::{Amount, Level};

/// A level as it was told: -1 means no limit, -2 unknown, -3 that some is left. Other negative numbers mean nothing.
pub(crate) fn level(raw: i64, capacity: i32, unit: i32) -> Level {
    let divisor = f64::from(words::unit(unit).divisor);
    let capacity = match unit {
        // Percent is of a hundred, whatever the maximum says.
        PERCENT => Some(100.0),
        _ => (capacity > 0).then(|| f64::from(capacity) / divisor),
    };
    let remaining = match raw {
        -1 => Amount::Unlimited,
        -3 => Amount::SomeLeft,
        0.. => {
            let level = raw as f64 / divisor;
            // A level over the capacity happens, with refilled cartridges and overfull trays.
            Amount::Exact(capacity.map_or(level, |capacity| level.min(capacity)))
        }
        _ => Amount::Unknown,
    };
    Level { remaining, capacity }
}

/// How full, in whole percent; `None` where that isn't known.
pub(crate) fn percent(level: &Level) -> Option<u32> {
    match (&level.remaining, level.capacity) {
        (Amount::Exact(remaining), Some(capacity)) if capacity > 0.0 => Some((remaining / capacity * 100.0) as u32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentinels_are_words() {
        assert_eq!(level(-1, -1, 0), Level { remaining: Amount::Unlimited, capacity: None });
        assert_eq!(level(-2, 100, 0), Level { remaining: Amount::Unknown, capacity: Some(100.0) });
        assert_eq!(level(-3, -2, 0), Level { remaining: Amount::SomeLeft, capacity: None });
        assert_eq!(level(-99, 0, 0), Level { remaining: Amount::Unknown, capacity: None });
    }

    #[test]
    fn percent_is_of_a_hundred_whatever_the_maximum() {
        assert_eq!(level(63, 26_000, PERCENT), Level { remaining: Amount::Exact(63.0), capacity: Some(100.0) });
        assert_eq!(level(63, -2, PERCENT).capacity, Some(100.0));
        assert_eq!(percent(&level(63, -2, PERCENT)), Some(63));
    }

    #[test]
    fn tenths_become_wholes_and_too_much_is_cut() {
        assert_eq!(level(4_500, 9_000, 13), Level { remaining: Amount::Exact(450.0), capacity: Some(900.0) });
        assert_eq!(level(120, 100, 8).remaining, Amount::Exact(100.0));
        assert_eq!(level(120, -2, 8).remaining, Amount::Exact(120.0), "nothing to cut by");
        assert_eq!(level(i64::from(u32::MAX), 0, 0).capacity, None);
    }
}
