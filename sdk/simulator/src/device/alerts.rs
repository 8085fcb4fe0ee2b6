//! Alerts: what is wrong with a device, and how RFC 2790 and RFC 3805 tell of it.

use async_snmp::{Oid, Value};

use crate::mib::{Mib, Object};
use crate::oids;

/// Something that is wrong with a device and that it tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// A tray runs low: lowPaper, a warning.
    PaperLow,
    /// A tray is empty: noPaper, critical.
    PaperEmpty,
    /// A toner runs low: lowToner, a warning.
    TonerLow,
    /// A toner is empty: noToner, critical.
    TonerEmpty,
    /// A cover is open: doorOpen, critical.
    CoverOpen,
    /// Paper is stuck: jammed, critical.
    PaperJam,
    /// Taken off line at its panel: offline, critical.
    Offline,
    /// Only a technician helps: serviceRequested, critical.
    ServiceNeeded,
    /// A waste box is nearly full: a warning without a bit in hrPrinterDetectedErrorState.
    WasteNearlyFull,
    /// A waste box is full: serviceRequested, critical.
    WasteFull,
    /// An output bin is full: outputFull, critical.
    OutputFull,
    /// A part is nearly worn out: a warning without a bit in hrPrinterDetectedErrorState.
    PartWearing,
    /// A part is worn out: overduePreventMaint, a warning.
    PartWorn,
}

/// PrtAlertSeverityLevelTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The device stops.
    Critical = 3,
    /// The device goes on.
    Warning = 4,
}

/// How a condition is told.
struct Facts {
    /// Its bit in hrPrinterDetectedErrorState, 0 the topmost.
    bit: Option<u32>,
    severity: Severity,
    /// PrtAlertGroupTC.
    group: i32,
    /// PrtAlertCodeTC.
    code: i32,
    text: &'static str,
}

impl Condition {
    const ALL: [Self; 13] = [
        Self::PaperLow,
        Self::PaperEmpty,
        Self::TonerLow,
        Self::TonerEmpty,
        Self::CoverOpen,
        Self::PaperJam,
        Self::Offline,
        Self::ServiceNeeded,
        Self::WasteNearlyFull,
        Self::WasteFull,
        Self::OutputFull,
        Self::PartWearing,
        Self::PartWorn,
    ];

    fn facts(self) -> Facts {
        use Severity::{Critical, Warning};
        let (bit, severity, group, code, text) = match self {
            Self::PaperLow => (Some(0), Warning, 8, 807, "Paper low"),
            Self::PaperEmpty => (Some(1), Critical, 8, 808, "Load paper"),
            Self::TonerLow => (Some(2), Warning, 11, 1104, "Toner low"),
            Self::TonerEmpty => (Some(3), Critical, 11, 1101, "Replace toner"),
            Self::CoverOpen => (Some(4), Critical, 6, 3, "Close the cover"),
            Self::PaperJam => (Some(5), Critical, 13, 8, "Paper jam"),
            Self::Offline => (Some(6), Critical, 5, 22, "Offline"),
            Self::ServiceNeeded => (Some(7), Critical, 5, 30, "Call for service"),
            Self::WasteNearlyFull => (None, Warning, 11, 1107, "Waste box nearly full"),
            Self::WasteFull => (Some(7), Critical, 11, 1109, "Replace waste box"),
            Self::OutputFull => (Some(12), Critical, 9, 903, "Output bin full"),
            Self::PartWearing => (None, Warning, 11, 10, "Part nearly worn out"),
            Self::PartWorn => (Some(14), Warning, 11, 11, "Part worn out"),
        };
        Facts { bit, severity, group, code, text }
    }

    /// Whether it is about a supply.
    pub(crate) fn is_of_supply(self) -> bool {
        self.facts().group == 11
    }

    /// What the device says to people.
    pub fn text(self) -> &'static str {
        self.facts().text
    }

    pub(crate) fn severity(self) -> Severity {
        self.facts().severity
    }

    /// The conditions that an hrPrinterDetectedErrorState tells of.
    pub(crate) fn of_error_state(bits: &[u8]) -> Vec<Self> {
        let told = |condition: &Self| {
            let bit = condition.facts().bit?;
            let byte = bits.get(usize::try_from(bit / 8).ok()?)?;
            Some(byte & (0x80 >> (bit % 8)) != 0)
        };
        // A full waste box shares its bit with the call for service, which is the likelier meaning.
        let all = Self::ALL.into_iter().filter(|condition| *condition != Self::WasteFull);
        all.filter(|condition| told(condition) == Some(true)).collect()
    }
}

/// Who brought an alert about, and so who takes it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody ordered it.
    Order,
    /// A supply ran down.
    Wear,
}

/// One active alert.
#[derive(Debug)]
pub(crate) struct Alert {
    /// prtAlertIndex: never used twice.
    index: u32,
    pub(crate) condition: Condition,
    /// The tray, supply or cover it is about: prtAlertGroupIndex.
    pub(crate) part: u32,
    pub(crate) cause: Cause,
    /// What the console shows.
    pub(crate) text: String,
}

/// The alerts of one device.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    active: Vec<Alert>,
    last_index: u32,
    /// prtAlertCriticalEvents.
    pub(crate) critical_events: u32,
    /// prtAlertAllEvents.
    pub(crate) all_events: u32,
}

impl Alerts {
    pub(crate) fn is_active(&self, condition: Condition) -> bool {
        self.active.iter().any(|alert| alert.condition == condition)
    }

    pub(crate) fn is_active_at(&self, condition: Condition, part: u32) -> bool {
        self.active.iter().any(|alert| alert.condition == condition && alert.part == part)
    }

    /// The worst severity there is.
    pub(crate) fn worst(&self) -> Option<Severity> {
        if self.active.iter().any(|alert| alert.condition.severity() == Severity::Critical) {
            return Some(Severity::Critical);
        }
        (!self.active.is_empty()).then_some(Severity::Warning)
    }

    /// The texts for the console: critical ones first, then by age.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Alert> {
        let of = |severity| self.active.iter().filter(move |alert| alert.condition.severity() == severity);
        of(Severity::Critical).chain(of(Severity::Warning))
    }

    /// hrPrinterDetectedErrorState: one byte, or two when the second has a bit set.
    pub(crate) fn error_state(&self) -> Value {
        let bits = self.active.iter().filter_map(|alert| alert.condition.facts().bit);
        let state = bits.fold(0_u16, |state, bit| state | (0x8000 >> bit));
        match state.to_be_bytes() {
            [first, 0] => Value::OctetString(vec![first].into()),
            both => Value::OctetString(both.to_vec().into()),
        }
    }

    /// Adds an alert unless it is there, and its row in prtAlertTable if the device has one.
    pub(crate) fn raise(&mut self, new: NewAlert, table: Option<&mut Mib>) {
        if self.is_active_at(new.condition, new.part) {
            return;
        }
        self.last_index += 1;
        self.all_events = self.all_events.wrapping_add(1);
        if new.condition.severity() == Severity::Critical {
            self.critical_events = self.critical_events.wrapping_add(1);
        }
        let NewAlert { condition, part, cause, subject, ticks } = new;
        let text = match subject {
            Some(subject) => format!("{}: {subject}", condition.text()),
            None => condition.text().to_owned(),
        };
        let alert = Alert { index: self.last_index, condition, part, cause, text };
        if let Some(mib) = table {
            alert.row(ticks).into_iter().for_each(|(name, value)| mib.set(name, Object::Fixed(value)));
        }
        self.active.push(alert);
    }

    /// Takes alerts away, and their rows.
    pub(crate) fn clear(&mut self, mib: &mut Mib, chosen: impl Fn(&Alert) -> bool) {
        for alert in self.active.extract_if(.., |alert| chosen(alert)) {
            (2..=9).for_each(|column| mib.hide(alert.name(column)));
        }
    }
}

/// An alert about to be raised.
pub(crate) struct NewAlert {
    pub(crate) condition: Condition,
    pub(crate) part: u32,
    pub(crate) cause: Cause,
    /// What it is about, in words.
    pub(crate) subject: Option<String>,
    /// sysUpTime when it came up.
    pub(crate) ticks: u32,
}

impl Alert {
    fn name(&self, column: u32) -> Oid {
        Oid::new(oids::PRT_ALERT.iter().copied().chain([column, 1, self.index]))
    }

    /// Its row in prtAlertTable (RFC 3805 §2.2.13.1).
    fn row(&self, ticks: u32) -> [(Oid, Value); 8] {
        let facts = self.condition.facts();
        let part = i32::try_from(self.part).unwrap_or(-2);
        [
            (self.name(2), Value::Integer(facts.severity as i32)),
            (self.name(3), Value::Integer(3)),
            (self.name(4), Value::Integer(facts.group)),
            (self.name(5), Value::Integer(part)),
            (self.name(6), Value::Integer(-2)),
            (self.name(7), Value::Integer(facts.code)),
            (self.name(8), Value::from(self.text.as_str())),
            (self.name(9), Value::TimeTicks(ticks)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_recorded_error_states() {
        assert_eq!(Condition::of_error_state(&[0x80, 0]), [Condition::PaperLow]);
        assert_eq!(Condition::of_error_state(&[0x09]), [Condition::CoverOpen, Condition::ServiceNeeded]);
        assert_eq!(Condition::of_error_state(&[0, 0x08]), [Condition::OutputFull]);
        assert!(Condition::of_error_state(&[]).is_empty());
    }

    #[test]
    fn every_bit_is_read_back() {
        for condition in Condition::ALL {
            let mut alerts = Alerts::default();
            let new = NewAlert { condition, part: 1, cause: Cause::Order, subject: None, ticks: 0 };
            alerts.raise(new, None);
            let state = alerts.error_state();
            let told = Condition::of_error_state(state.as_bytes().expect("text"));
            let expected = match condition {
                Condition::WasteFull => vec![Condition::ServiceNeeded],
                Condition::WasteNearlyFull | Condition::PartWearing => vec![],
                other => vec![other],
            };
            assert_eq!(told, expected);
        }
    }
}
