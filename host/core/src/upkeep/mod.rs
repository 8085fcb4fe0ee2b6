//! Upkeep: what is looked after at a node from above, beside its devices: how often it asks, what it logs.
//!
//! One file a topic. [`standing`] is what was set from above and outlives restarts; the rest are the words of questions and
//! answers ([`crate::request`]).

pub mod intervals;
pub mod log;
pub mod standing;

pub use intervals::{BadInterval, Bounds, Interval, IntervalChange, IntervalWish, Intervals, SetAt};
pub use log::{BadTarget, LevelSet, LevelWish, LogFrom, LogLevel, LogPiece, LogTarget};
pub use standing::Standing;
