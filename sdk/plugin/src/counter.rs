//! Counters of 32 bits that wrap, made into counters that only ever grow.
//!
//! # What is stored, and how often
//!
//! A counter's value is `base + raw`, where `base` grows by 2³² with each wrap. The exact last `raw` is kept in `cache`,
//! which costs nothing. `state`, where each change costs the node a write to disk, holds `base` and a `raw` that is at
//! most [`STEP`] old: it is written when the counter is first seen, after a wrap or a reset, and when `raw` has moved
//! by [`STEP`]. A printer of 1,000 pages a day thus costs one write a day.
//!
//! # Why that is enough
//!
//! - *A wrap* is a drop from the top quarter of the range to the bottom quarter: between two readings the counter then
//!   moved by less than 2³¹. Being up to [`STEP`] off doesn't move a value out of its quarter in a way that matters.
//! - *Any other drop* is a reset (or a device that lost its newest pages at a power cut). With the exact last value at
//!   hand, the base becomes what was last reported less what is counted now: the value stands still once, then
//!   grows. The event `counter.reset` tells people.
//! - *A reset while the node was down* is judged by the stored `raw`, which is less than [`STEP`] below what was last
//!   reported; the base is raised by [`STEP`] on top, so that the value doesn't go backwards. It is then too large by at
//!   most that.
//! - What can't be seen: a reset after which the counter passed its old value before it was read, and a
//!   drop by less than [`STEP`] while the node was down; the latter can set the value back by less than [`STEP`].
//! - The cache is believed only where its base is that of the state. A call that fails leaves the cache's base ahead
//!   of the state's, and a state that was restored from a backup behind: both are then judged by the state alone.

use crate::types::Severity;
use crate::{cache, events, state};

/// How far a counter moves before its state is written again.
pub const STEP: u32 = 1024;

const QUARTER: u32 = 1 << 30;
const WRAP: u64 = 1 << 32;

/// What a Counter32 has counted since hostler knows the device. `key` names the counter, such as `pages.1`.
///
/// Emits `counter.reset` when the device set it back.
#[must_use]
pub fn extend(key: &str, raw: u32) -> u64 {
    let counted = observe(key, raw);
    if let Some(from) = counted.reset_from {
        let text = format!("The device's counter {key} went back from {from} to {raw}; hostler goes on counting.");
        events::emit("counter.reset", Severity::Warning, &text);
    }
    counted.value
}

/// What a counter comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counted {
    /// What it has counted since hostler knows the device.
    pub value: u64,
    /// What the device said last, where it has set the counter back since.
    pub reset_from: Option<u32>,
}

/// The same without the event, for a counter that is set back on purpose, such as when the part was replaced whose use
/// it counts.
#[must_use]
pub fn observe(key: &str, raw: u32) -> Counted {
    let key = format!("counter/{key}");
    let stored = state::text(&key).and_then(|text| Memory::parse(&text));
    let cached = cache::text(&key).and_then(|text| Memory::parse(&text));
    let (memory, change) = match stored {
        None => (Memory { base: 0, last: raw }, Change::First),
        Some(stored) => match cached.filter(|cached| cached.base == stored.base && cached.last >= stored.last) {
            Some(exact) => exact.next(raw, 0),
            None => stored.next(raw, STEP),
        },
    };
    let moved = stored.is_some_and(|stored| raw.wrapping_sub(stored.last) >= STEP);
    if moved || !matches!(change, Change::Grown) {
        state::set(&key, memory.to_text().as_bytes());
    }
    cache::set(&key, memory.to_text().as_bytes());
    let reset_from = if let Change::Reset { from } = change { Some(from) } else { None };
    Counted { value: memory.base.saturating_add(u64::from(memory.last)), reset_from }
}

/// A counter's past: `base + last` was its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Memory {
    base: u64,
    last: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    First,
    Grown,
    Wrapped,
    Reset { from: u32 },
}

impl Memory {
    /// What becomes of it when the device now says `raw`; `last` may be up to `doubt` too small.
    fn next(self, raw: u32, doubt: u32) -> (Self, Change) {
        if raw >= self.last {
            (Self { last: raw, ..self }, Change::Grown)
        } else if self.last >= u32::MAX - QUARTER && raw < QUARTER {
            (Self { base: self.base.saturating_add(WRAP), last: raw }, Change::Wrapped)
        } else {
            let reached = self.base.saturating_add(u64::from(self.last)).saturating_add(u64::from(doubt));
            (Self { base: reached.saturating_sub(u64::from(raw)), last: raw }, Change::Reset { from: self.last })
        }
    }

    fn to_text(self) -> String {
        format!("{} {}", self.base, self.last)
    }

    fn parse(text: &str) -> Option<Self> {
        let (base, last) = text.split_once(' ')?;
        Some(Self { base: base.parse().ok()?, last: last.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;
    use crate::types::Failure;

    fn read(host: &mut Host, raw: u32) -> u64 {
        host.call(|| Ok::<_, Failure>(extend("pages", raw))).unwrap()
    }

    #[test]
    fn a_wrap_goes_on() {
        let mut host = Host::new();
        assert_eq!(read(&mut host, u32::MAX - 5), u64::from(u32::MAX) - 5);
        assert_eq!(read(&mut host, 10), WRAP + 10);
        assert_eq!(read(&mut host, 20), WRAP + 20);
        assert!(host.events.is_empty());
    }

    #[test]
    fn a_wrap_while_the_node_was_down_goes_on() {
        let mut host = Host::new();
        let _ = read(&mut host, u32::MAX - 2_000);
        let _ = read(&mut host, u32::MAX - 1_500);
        host.restart();
        assert_eq!(read(&mut host, 7), WRAP + 7);
    }

    #[test]
    fn a_reset_never_goes_backwards_and_is_told() {
        let mut host = Host::new();
        let _ = read(&mut host, 400_000);
        let before = read(&mut host, 400_500);
        assert_eq!(read(&mut host, 0), before, "exact while the node is up");
        assert_eq!(read(&mut host, 12), before + 12);
        assert_eq!(host.events.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["counter.reset"]);
    }

    #[test]
    fn a_reset_while_the_node_was_down_is_off_by_a_step_at_most() {
        let mut host = Host::new();
        let _ = read(&mut host, 400_000);
        let before = read(&mut host, 400_900);
        host.restart();
        let after = read(&mut host, 3);
        assert!(after >= before && after <= before + u64::from(STEP), "{before} then {after}");
    }

    #[test]
    fn what_a_failed_call_left_in_the_cache_is_not_believed() {
        let mut host = Host::new();
        let before = read(&mut host, 5_000);
        let failed: Result<u64, Failure> = host.call(|| {
            let _ = extend("pages", 10);
            Err(Failure::Garbled(String::new()))
        });
        assert!(failed.is_err());
        let after = read(&mut host, 11);
        assert!(after >= before && after <= before + u64::from(STEP));
        assert_eq!(host.events.len(), 1, "the reset is told once, with the call that succeeded");
    }

    #[test]
    fn the_state_is_written_once_a_step() {
        let mut host = Host::new();
        for raw in 0..10_000 {
            assert_eq!(read(&mut host, raw), u64::from(raw));
        }
        assert_eq!(host.traffic.state_writes, 10);
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_device_says_the_value_never_goes_backwards(raws: Vec<u32>) {
            let mut host = Host::new();
            let mut last = 0;
            for raw in raws {
                let value = read(&mut host, raw);
                proptest::prop_assert!(value >= last, "{last} then {value}");
                last = value;
            }
        }
    }
}
