//! Counters: pages and what follows from them.

use std::time::Duration;

use crate::profile::TURNS_PER_SHEET;

/// Milliseconds in an hour.
const HOUR: u128 = 3_600_000;

/// A counter that can be set from outside and then goes on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counter {
    /// prtMarkerLifeCount of a printer, documents fed of a scanner.
    Life,
    /// Revolutions of a scanner's feed rollers since they were replaced.
    RollerTurns,
    /// prtGeneralConfigChanges.
    ConfigChanges,
}

/// The counters of one device. All of them wrap at 2^32, as a Counter32 does.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Pages since the device was made.
    pages: u32,
    /// Part of a page that is done, in page-milliseconds per hour.
    begun: u128,
    life_base: u32,
    turns_base: u32,
    power_on_base: u32,
    pub(crate) config_changes: u32,
}

impl Counters {
    /// Counters of a device with this life behind it, and this much on its rollers.
    pub(crate) fn new(life: u32, sheets_on_rollers: u32) -> Self {
        let turns_base = sheets_on_rollers.wrapping_mul(TURNS_PER_SHEET);
        Self { life_base: life, turns_base, config_changes: 1, ..Self::default() }
    }

    /// Whole pages that come out in this time; what is begun counts the next time.
    pub(crate) fn pages_in(&mut self, time: Duration, pages_per_hour: u32) -> u32 {
        let work = self.begun + time.as_millis() * u128::from(pages_per_hour);
        self.begun = work % HOUR;
        u32::try_from(work / HOUR).unwrap_or(u32::MAX)
    }

    pub(crate) fn add(&mut self, pages: u32) {
        self.pages = self.pages.wrapping_add(pages);
    }

    pub(crate) fn pages(&self) -> u32 {
        self.pages
    }

    pub(crate) fn life(&self) -> u32 {
        self.life_base.wrapping_add(self.pages)
    }

    pub(crate) fn since_power_on(&self) -> u32 {
        self.pages.wrapping_sub(self.power_on_base)
    }

    pub(crate) fn turns(&self) -> u32 {
        self.turns_base.wrapping_add(self.pages.wrapping_mul(TURNS_PER_SHEET))
    }

    pub(crate) fn power_on(&mut self) {
        self.power_on_base = self.pages;
    }

    pub(crate) fn set(&mut self, counter: Counter, value: u32) {
        match counter {
            Counter::Life => self.life_base = value.wrapping_sub(self.pages),
            Counter::RollerTurns => self.turns_base = value.wrapping_sub(self.pages.wrapping_mul(TURNS_PER_SHEET)),
            Counter::ConfigChanges => self.config_changes = value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_page_are_not_lost() {
        let mut counters = Counters::new(0, 0);
        let pages: u32 = (0..3600).map(|_| counters.pages_in(Duration::from_secs(1), 90)).sum();
        assert_eq!(pages, 90);
    }

    #[test]
    fn a_counter_set_goes_on_and_wraps() {
        let mut counters = Counters::new(500, 0);
        counters.add(7);
        counters.set(Counter::Life, u32::MAX);
        assert_eq!(counters.life(), u32::MAX);
        counters.add(2);
        assert_eq!(counters.life(), 1);
    }
}
