//! Random moments that can be had again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Moments that look random and are the same for the same seed.
pub struct Moments(u64);

impl Moments {
    /// From `HOSTLER_SEED`, else from the clock; printed, so that a story that failed can be told again.
    #[must_use]
    pub fn new() -> Self {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| u64::from(time.subsec_nanos()));
        let seed = std::env::var("HOSTLER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(clock);
        println!("HOSTLER_SEED={seed}");
        Self(seed)
    }

    /// Others, for somebody who lives beside; the same again for the same seed.
    #[must_use]
    #[allow(dead_code, reason = "the store's tests take this file and don't split")]
    pub fn split(&mut self) -> Self {
        self.turn();
        Self(self.0.rotate_left(32))
    }

    fn turn(&mut self) {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    }

    /// The next one, at most so late.
    pub fn next(&mut self, most: Duration) -> Duration {
        self.turn();
        most.mul_f64(f64::from(u32::try_from(self.0 >> 32).unwrap_or_default()) / f64::from(u32::MAX))
    }
}

impl Default for Moments {
    fn default() -> Self {
        Self::new()
    }
}
