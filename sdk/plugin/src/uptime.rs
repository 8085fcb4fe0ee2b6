//! How long a device has been up, from a TimeTicks that starts again after 497 days.
//!
//! What is remembered is the moment of the start, which stays the same while the device runs: `state` is written when
//! it was started and at no other time.

use crate::types::{Reading, Severity, Value};
use crate::{cache, clock, events, state};

const KEY: &str = "started";
/// Milliseconds in which TimeTicks come round.
const ROUND: u64 = (1 << 32) * 10;
/// Clocks of devices are off by a second a day or so, and readings take their time.
const TOLERANCE: u64 = 120_000;

/// How long a device has been up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Uptime {
    /// Seconds since its start, rounds of its counter included.
    pub seconds: u64,
    /// Whether it was started since the last call.
    pub restarted: bool,
}

impl Uptime {
    /// The reading `uptime`.
    #[must_use]
    pub fn reading(self) -> Reading {
        Reading::new("uptime", Value::Gauge(self.seconds as f64)).in_unit("s")
    }
}

/// Takes note of what the device says. Emits `device.restarted` when it was started since the last call.
#[must_use]
pub fn observe(ticks: u32) -> Uptime {
    let up = u64::from(ticks) * 10;
    let now = clock::now();
    let last = cache::text(KEY).and_then(|text| text.parse::<u32>().ok());
    cache::set(KEY, ticks.to_string().as_bytes());

    let stored = state::text(KEY).and_then(|text| text.parse::<u64>().ok());
    let since_start = now.saturating_sub(stored.unwrap_or(now));
    let rounds = (since_start + TOLERANCE).saturating_sub(up) / ROUND;
    let whole = up + rounds * ROUND;
    let started = now.saturating_sub(whole);
    if stored.is_some_and(|stored| started.abs_diff(stored) <= TOLERANCE) {
        return Uptime { seconds: whole / 1000, restarted: false };
    }
    // The start is new or moved. Where the counter went on, it was a clock that moved: the node's when it was set, or
    // the device's by and by.
    state::set(KEY, now.saturating_sub(up).to_string().as_bytes());
    let went_on = last.is_some_and(|last| ticks >= last);
    let restarted = !went_on && stored.is_some_and(|stored| started > stored);
    if restarted {
        events::emit("device.restarted", Severity::Info, &format!("The device was started {} ago.", ago(up / 1000)));
    }
    Uptime { seconds: up / 1000, restarted }
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;
    use crate::types::Failure;

    fn read(host: &mut Host, ticks: u32) -> u64 {
        host.call(|| Ok::<_, Failure>(observe(ticks).seconds)).unwrap()
    }

    #[test]
    fn a_running_device_is_written_once() {
        let mut host = Host::new();
        for minute in 0..100 {
            assert_eq!(read(&mut host, minute * 6_000), u64::from(minute) * 60);
            host.now += 60_100;
        }
        assert_eq!(host.traffic.state_writes, 1);
        assert!(host.events.is_empty());
    }

    #[test]
    fn a_restart_is_told_even_after_one_of_the_node() {
        for node_restarts in [false, true] {
            let mut host = Host::new();
            let _ = read(&mut host, 1_000_000);
            host.now += 600_000;
            if node_restarts {
                host.restart();
            }
            assert_eq!(read(&mut host, 30_000), 300);
            assert_eq!(host.events.len(), 1);
            assert_eq!(host.events[0].name, "device.restarted");
        }
    }

    #[test]
    fn the_counter_coming_round_is_no_restart() {
        let mut host = Host::new();
        let before = read(&mut host, u32::MAX - 1_000);
        host.now += 60_000;
        assert_eq!(read(&mut host, 4_999), before + 60);
        assert!(host.events.is_empty());
        assert_eq!(host.traffic.state_writes, 1);
    }

    #[test]
    fn a_clock_that_was_set_is_no_restart() {
        let mut host = Host::new();
        let _ = read(&mut host, 1_000_000);
        host.now += 86_400_000;
        assert_eq!(read(&mut host, 1_006_000), 10_060);
        assert!(host.events.is_empty());
    }
}
