//! The history of one reading, bounded whatever happens.
//!
//! A series keeps at most [`POINTS`] points. When it is full, every second point goes and points are kept twice as
//! far apart from then on: an hour in seconds becomes a year in hours, in the same space.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// At most so many points are kept of a series.
pub const POINTS: usize = 512;

/// One value at one time.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// When it was read.
    pub at: Timestamp,
    /// What was read.
    pub value: f64,
}

/// The history of one reading, oldest first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// The points, oldest first.
    pub points: Vec<Point>,
    /// Milliseconds that two kept points are apart at least.
    pub spacing_ms: u64,
}

impl Default for Series {
    fn default() -> Self {
        Self { points: Vec::new(), spacing_ms: 5_000 }
    }
}

impl Series {
    /// Adds a point, which is no later than `now`. The newest is always there: one that comes too soon, or that only
    /// makes a flat stretch longer, replaces the last instead of following it. What is there and later than `now` was
    /// written by a clock that was wrong and goes, or nothing could follow it until then.
    pub fn push(&mut self, point: Point, now: Timestamp) {
        while self.points.last().is_some_and(|last| last.at > now) {
            self.points.pop();
        }
        if !point.value.is_finite() || self.points.last().is_some_and(|last| last.at > point.at) {
            return;
        }
        let replaces = match self.points.as_slice() {
            [.., before, last] => {
                let crowded = last.at.0.saturating_sub(before.at.0) < self.spacing_ms;
                let flat = before.value == last.value && last.value == point.value;
                crowded || flat
            }
            _ => false,
        };
        if replaces {
            self.points.pop();
        }
        self.points.push(point);
        if self.points.len() > POINTS {
            self.spacing_ms = self.spacing_ms.saturating_mul(2);
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn e09_stays_bounded_ordered_and_current(steps in proptest::collection::vec(0_u64..5_000, 0..3_000)) {
            let mut series = Series::default();
            let mut at = 0;
            for step in &steps {
                at += step;
                series.push(Point { at: Timestamp(at), value: at as f64 }, Timestamp(at));
            }
            prop_assert!(series.points.len() <= POINTS);
            prop_assert!(series.points.windows(2).all(|pair| pair[0].at <= pair[1].at));
            if !steps.is_empty() {
                prop_assert_eq!(series.points.last().unwrap().at, Timestamp(at));
                prop_assert_eq!(series.points[0].at, Timestamp(steps[0]), "the beginning stays");
            }
        }
    }

    #[test]
    fn a_clock_that_jumped_back_changes_nothing() {
        let mut series = Series::default();
        series.push(Point { at: Timestamp(10_000), value: 1.0 }, Timestamp(10_000));
        series.push(Point { at: Timestamp(5), value: 2.0 }, Timestamp(10_000));
        assert_eq!(series.points, [Point { at: Timestamp(10_000), value: 1.0 }]);
    }

    #[test]
    fn e09_a_point_of_a_clock_that_was_wrong_freezes_nothing() {
        let mut series = Series::default();
        let (now, wrong) = (Timestamp(10_000), Timestamp(4_000_000_000_000));
        series.push(Point { at: Timestamp(5), value: 1.0 }, Timestamp(5));
        series.push(Point { at: wrong, value: 2.0 }, wrong);
        series.push(Point { at: now, value: 3.0 }, now);
        let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
        assert_eq!(values, [1.0, 3.0]);
    }
}
