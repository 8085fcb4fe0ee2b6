//! What changes while a device runs, and the changes that follow from each other: time brings pages, pages wear
//! supplies down, and a worn supply raises an alert.

use std::time::{Duration, Instant};

use async_snmp::Oid;
use bytes::Bytes;

use super::alerts::{Alerts, Cause, Condition, NewAlert, Severity};
use super::counters::Counters;
use super::power::{ORDERED_WARM_UP, Power};
use super::wear::Wear;
use crate::Fault;
use crate::mib::Mib;
use crate::oids;
use crate::profile::{Family, Profile, SupplyKind};
use crate::seed::Seed;

/// Hundredths of a second that a device may have been up before it is started.
const UPTIME: std::ops::RangeInclusive<u32> = 360_000..=400_000_000;

/// Stands for no part at all: the model doesn't say what its condition is about.
const NO_PART: u32 = 0;

/// The state of one device.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) mib: Mib,
    pub(crate) counters: Counters,
    pub(crate) wear: Vec<Wear>,
    pub(crate) alerts: Alerts,
    pub(crate) power: Power,
    /// How long it warms up that is woken by order.
    pub(crate) warm_up: Duration,
    pub(crate) fault: Option<Fault>,
    pub(crate) firmware: Bytes,
    /// What the console shows instead of its own words.
    pub(crate) message: Option<Bytes>,
    pub(crate) pages_per_hour: u32,
    started: Instant,
    /// Time that passed at once, by order.
    skipped: Duration,
    caught_up: Duration,
    /// When the device was last reset, and what sysUpTime read then.
    reset_at: Duration,
    uptime_base: u32,
}

impl State {
    pub(crate) fn new(profile: &Profile, seed: &mut Seed, pages_per_hour: u32) -> Self {
        let wear: Vec<Wear> = profile.supplies.iter().map(|supply| Wear::new(supply, seed)).collect();
        let on_rollers = wear.first().map_or(0, Wear::used);
        let pace = pages_per_hour / 2..=pages_per_hour.saturating_add(pages_per_hour / 2);
        let mut state = Self {
            mib: Mib::new(profile.image.clone()),
            counters: Counters::new(seed.within(&profile.life), on_rollers),
            wear,
            alerts: Alerts::default(),
            power: Power::Awake,
            warm_up: ORDERED_WARM_UP,
            fault: None,
            firmware: Bytes::copy_from_slice(profile.firmware.as_bytes()),
            message: None,
            pages_per_hour: seed.within(&pace),
            started: Instant::now(),
            skipped: Duration::ZERO,
            caught_up: Duration::ZERO,
            reset_at: Duration::ZERO,
            uptime_base: seed.within(&UPTIME),
        };
        for condition in &profile.conditions {
            state.raise(profile, *condition, Some(NO_PART), Cause::Order);
        }
        state.tell_wear(profile);
        state
    }

    /// Time since the device was made.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed() + self.skipped
    }

    /// sysUpTime in hundredths of a second; it wraps after 497 days.
    pub(crate) fn ticks(&self, now: Duration) -> u32 {
        let hundredths = now.saturating_sub(self.reset_at).as_millis() / 10;
        let wrapped = u32::try_from(hundredths % (1 << 32)).unwrap_or(0);
        self.uptime_base.wrapping_add(wrapped)
    }

    /// Brings the device to this time: pages are printed unless something stops it.
    pub(crate) fn catch_up(&mut self, profile: &Profile, now: Duration) {
        let time = now.saturating_sub(self.caught_up);
        self.caught_up = now;
        if self.pages_per_hour == 0 || self.power.is_asleep() || self.is_stopped() {
            return;
        }
        let pages = self.counters.pages_in(time, self.pages_per_hour).min(self.pages_left(profile));
        self.print(profile, pages);
    }

    /// Counts pages and wears supplies, whatever stands in the way.
    pub(crate) fn print(&mut self, profile: &Profile, pages: u32) {
        if pages == 0 {
            return;
        }
        self.counters.add(pages);
        for (wear, supply) in self.wear.iter_mut().zip(&profile.supplies) {
            wear.add(pages, supply);
        }
        self.tell_wear(profile);
    }

    /// Raises and clears the alerts that come from supplies.
    pub(crate) fn tell_wear(&mut self, profile: &Profile) {
        for (place, supply) in profile.supplies.iter().enumerate() {
            let Some(news) = self.wear.get_mut(place).and_then(|wear| wear.news(supply)) else { continue };
            if let Some(before) = news.before {
                let told = |alert: &super::alerts::Alert| {
                    alert.condition == before && alert.part == supply.index && alert.cause == Cause::Wear
                };
                self.alerts.clear(&mut self.mib, told);
            }
            if let Some(condition) = news.now {
                self.raise(profile, condition, Some(supply.index), Cause::Wear);
            }
        }
    }

    /// Raises an alert about this part, or about the one that suits the condition best.
    pub(crate) fn raise(&mut self, profile: &Profile, condition: Condition, part: Option<u32>, cause: Cause) {
        let part = part.unwrap_or_else(|| usual_part(profile, condition));
        let ticks = self.ticks(self.now());
        let subject = subject(profile, condition, part);
        let table = (profile.family == Family::Printer).then_some(&mut self.mib);
        self.alerts.raise(NewAlert { condition, part, cause, subject, ticks }, table);
    }

    /// Whether no page can come out.
    pub(crate) fn is_stopped(&self) -> bool {
        self.alerts.worst() == Some(Severity::Critical)
    }

    /// Lets time pass at once.
    pub(crate) fn skip(&mut self, time: Duration) {
        self.skipped += time;
    }

    /// Switches the device off and on: uptime and power-on count start anew, the console shows its own words; alerts
    /// somebody ordered stay.
    pub(crate) fn reset(&mut self, now: Duration) {
        for written in [oids::PRT_CONSOLE_TEXT, oids::PRT_LIGHT_ON, oids::PRT_LIGHT_OFF] {
            self.mib.restore(&Oid::from_slice(written));
        }
        self.reset_at = now;
        self.uptime_base = 0;
        self.counters.power_on();
        self.power = Power::Awake;
    }

    /// The same, and what people wrote is gone as well.
    pub(crate) fn reset_to_factory_defaults(&mut self, now: Duration) {
        for written in [oids::SYSTEM, oids::PRT_OPERATOR, oids::PRT_PRINTER_NAME] {
            self.mib.restore(&Oid::from_slice(written));
        }
        self.reset(now);
    }

    fn pages_left(&self, profile: &Profile) -> u32 {
        let supplies = self.wear.iter().zip(&profile.supplies);
        let needed = supplies.filter(|(_, supply)| supply.kind != SupplyKind::Part);
        needed.map(|(wear, supply)| wear.left(supply)).min().unwrap_or(u32::MAX)
    }
}

/// What an alert is about in words, where the profile has them.
fn subject(profile: &Profile, condition: Condition, part: u32) -> Option<String> {
    use Condition::{PaperEmpty, PaperLow, PartWearing, PartWorn, TonerEmpty, TonerLow, WasteFull, WasteNearlyFull};
    match condition {
        TonerLow | TonerEmpty | WasteNearlyFull | WasteFull | PartWearing | PartWorn => {
            profile.supplies.iter().find(|supply| supply.index == part).map(|supply| supply.name.clone())
        }
        PaperLow | PaperEmpty if part != NO_PART => Some(format!("input {part}")),
        _ => None,
    }
}

/// The part an alert is about when nobody says: the first supply that can have it, the tray after the manual feed.
fn usual_part(profile: &Profile, condition: Condition) -> u32 {
    use Condition::{PaperEmpty, PaperLow, PartWearing, PartWorn, TonerEmpty, TonerLow, WasteFull, WasteNearlyFull};
    let first = |kind| profile.supplies.iter().find(|supply| supply.kind == kind).map_or(1, |supply| supply.index);
    match condition {
        TonerLow | TonerEmpty => first(SupplyKind::Toner),
        WasteNearlyFull | WasteFull => first(SupplyKind::WasteBox),
        PartWearing | PartWorn => first(SupplyKind::Part),
        PaperLow | PaperEmpty => u32::try_from(profile.trays.len().clamp(1, 2)).unwrap_or(1),
        _ => 1,
    }
}
