//! Supplies of one device: how far each is used, and when that is worth an alert.

use super::alerts::Condition;
use crate::profile::{Supply, SupplyKind};
use crate::seed::Seed;

/// Percent left below which a supply is low.
const LOW: u32 = 10;

/// How far one supply is used.
#[derive(Debug)]
pub(crate) struct Wear {
    /// Pages since it was replaced, at most what it is good for.
    used: u32,
    /// What was told of it last.
    told: Option<Condition>,
}

impl Wear {
    /// A supply that somebody has used before.
    pub(crate) fn new(supply: &Supply, seed: &mut Seed) -> Self {
        let level = u64::from(seed.within(&supply.start).min(supply.full));
        let left = u64::from(supply.pages) * level / u64::from(supply.full.max(1));
        Self { used: supply.pages.saturating_sub(u32::try_from(left).unwrap_or(supply.pages)), told: None }
    }

    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    pub(crate) fn left(&self, supply: &Supply) -> u32 {
        supply.pages.saturating_sub(self.used)
    }

    pub(crate) fn add(&mut self, pages: u32, supply: &Supply) {
        self.used = self.used.saturating_add(pages).min(supply.pages);
    }

    pub(crate) fn replace(&mut self) {
        self.used = 0;
    }

    /// prtMarkerSuppliesLevel: what is left, or for a receptacle the space that is left.
    pub(crate) fn level(&self, supply: &Supply) -> u32 {
        let left = u64::from(self.left(supply));
        let level = (u64::from(supply.full) * left).div_ceil(u64::from(supply.pages.max(1)));
        u32::try_from(level).unwrap_or(supply.full)
    }

    /// What is to be told of it, if that has changed: the condition before and the condition now.
    pub(crate) fn news(&mut self, supply: &Supply) -> Option<News> {
        let now = self.condition(supply);
        (now != self.told).then(|| News { before: std::mem::replace(&mut self.told, now), now })
    }

    fn condition(&self, supply: &Supply) -> Option<Condition> {
        let left = self.left(supply);
        let (low, out) = match supply.kind {
            SupplyKind::Toner => (Condition::TonerLow, Condition::TonerEmpty),
            SupplyKind::WasteBox => (Condition::WasteNearlyFull, Condition::WasteFull),
            SupplyKind::Part => (Condition::PartWearing, Condition::PartWorn),
        };
        match left {
            0 => Some(out),
            left if left <= share(supply.pages, LOW) => Some(low),
            _ => None,
        }
    }
}

/// A change in what is to be told of a supply.
pub(crate) struct News {
    pub(crate) before: Option<Condition>,
    pub(crate) now: Option<Condition>,
}

/// So many percent of a number.
pub(crate) fn share(whole: u32, percent: u32) -> u32 {
    u32::try_from(u64::from(whole) * u64::from(percent) / 100).unwrap_or(whole)
}
