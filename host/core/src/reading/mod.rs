//! What a thing says about itself: identity, status, readings, alerts. The same words as `wit/types.wit`. What is known
//! of it at a time, and how it stands then, is in `snapshot`.

mod snapshot;

pub use snapshot::{Condition, Hindrance, PATIENCE, Snapshot, Trouble};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What kind of thing it is, as people sort a fleet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceType {
    /// Prints, copies, scans, faxes.
    Mfp,
    /// Prints.
    Printer,
    /// Scans.
    Scanner,
    /// Household appliance.
    Appliance,
    /// Sells things.
    VendingMachine,
    /// Anything else.
    #[default]
    Other,
}

impl std::fmt::Display for DeviceType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Mfp => "MFP",
            Self::Printer => "printer",
            Self::Scanner => "scanner",
            Self::Appliance => "appliance",
            Self::VendingMachine => "vending machine",
            Self::Other => "other",
        })
    }
}

/// Who a thing says that it is.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// What kind of thing.
    pub device_type: DeviceType,
    /// Its maker.
    pub manufacturer: Option<String>,
    /// The maker's name for the model.
    pub model: Option<String>,
    /// The maker's serial number.
    pub serial: Option<String>,
    /// The hardware address, lower-case hexadecimal with colons.
    pub mac: Option<String>,
    /// The version of its firmware.
    pub firmware: Option<String>,
    /// The name that its administrator gave it.
    pub name: Option<String>,
    /// Where its administrator says that it stands.
    pub location: Option<String>,
}

impl Identity {
    /// What to call it before people: its name, else maker and model, else nothing.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        let model = match (&self.manufacturer, &self.model) {
            (Some(maker), Some(model)) if !model.starts_with(maker.as_str()) => Some(format!("{maker} {model}")),
            (_, Some(model)) => Some(model.clone()),
            (Some(maker), None) => Some(maker.clone()),
            (None, None) => None,
        };
        model.or_else(|| self.name.clone())
    }
}

/// What a thing is up to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Waits for work.
    Ready,
    /// Works.
    Busy,
    /// Will be ready soon.
    WarmingUp,
    /// Saves energy; not a fault.
    Asleep,
    /// Works, but somebody should come.
    Warning,
    /// Doesn't work until somebody comes.
    Stopped,
    /// It doesn't say.
    #[default]
    Unknown,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Ready => "ready",
            Self::Busy => "busy",
            Self::WarmingUp => "warming up",
            Self::Asleep => "asleep",
            Self::Warning => "warning",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        })
    }
}

/// How many of something are left (RFC 3805's -1, -2, -3 as words).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// This many.
    Exact(f64),
    /// At least one.
    SomeLeft,
    /// The thing doesn't know.
    Unknown,
    /// There is no limit.
    Unlimited,
}

/// Something that runs out or fills up.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Level {
    /// What is left; for a waste box the space that is left.
    pub remaining: Amount,
    /// What `remaining` is when full.
    pub capacity: Option<f64>,
}

impl Level {
    /// What is left, from 0 to 1, where that can be said.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        match (self.remaining, self.capacity) {
            (Amount::Exact(left), Some(capacity)) if capacity > 0.0 => Some((left / capacity).clamp(0.0, 1.0)),
            _ => None,
        }
    }
}

/// A value and its kind.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Only ever grows.
    Counter(u64),
    /// Goes up and down.
    Gauge(f64),
    /// Runs out or fills up.
    Level(Level),
    /// A word from a closed list.
    State(String),
    /// Any text.
    Text(String),
}

impl Value {
    /// The number to draw and to export, where there is one: a level's is its fraction.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a chart needs no more than 53 bits")]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Counter(count) => Some(*count as f64),
            Self::Gauge(value) => Some(*value),
            Self::Level(level) => level.fraction(),
            Self::State(_) | Self::Text(_) => None,
        }
    }
}

/// One thing that was read.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Reading {
    /// Dotted lower-case standard name, such as `supply.level`.
    pub name: String,
    /// Which one, where there are several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instance: Option<String>,
    /// What to call it before people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
    /// What is counted: UCUM, or in braces.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    /// The value.
    pub value: Value,
    /// More that belongs to it.
    #[serde(skip_serializing_if = "Attributes::is_empty", default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub attributes: Attributes,
}

/// Names and values that belong to a reading. A fleet has hundreds of thousands of them, most with two or three names: a
/// list takes a tenth of a map's memory.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Attributes(Box<[(String, String)]>);

impl Attributes {
    /// The value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

impl FromIterator<(String, String)> for Attributes {
    /// The last of each name counts.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        // Later ones first, because the first of those that are equal stays.
        pairs.reverse();
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        pairs.dedup_by(|(later, _), (first, _)| later == first);
        Self(pairs.into())
    }
}

impl From<BTreeMap<String, String>> for Attributes {
    fn from(map: BTreeMap<String, String>) -> Self {
        Self(map.into_iter().collect())
    }
}

impl From<Attributes> for BTreeMap<String, String> {
    fn from(attributes: Attributes) -> Self {
        attributes.0.into_iter().collect()
    }
}

impl Reading {
    /// The name of its history: `name` or `name/instance`.
    #[must_use]
    pub fn series(&self) -> String {
        match &self.instance {
            Some(instance) => format!("{}/{instance}", self.name),
            None => self.name.clone(),
        }
    }

    /// What to call it before people, where the plug-in gave no label too.
    #[must_use]
    pub fn title(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.name.replace('.', " "))
    }
}

/// How much something matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should come.
    Warning,
    /// It doesn't work until somebody comes.
    Critical,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

/// Something that a thing complains about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Stable lower-case name, such as `cover-open`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// The part concerned.
    pub part: Option<String>,
    /// The thing's own words.
    pub text: Option<String>,
}

/// Everything that one reading of a thing brought.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// What it is up to.
    pub status: Status,
    /// What was read.
    pub readings: Vec<Reading>,
    /// What it complains about.
    pub alerts: Vec<Alert>,
    /// What its console shows, a line each.
    pub console: Vec<String>,
}

impl Report {
    /// Bytes that it takes as JSON at most, counted quickly. Its texts have no control characters, so that none of their
    /// bytes is written as more than two.
    #[must_use]
    pub fn weight_at_most(&self) -> usize {
        /// More than all that stands between the texts of a row.
        const ROW: usize = 250;
        let some = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let reading = |reading: &Reading| {
            let value = match &reading.value {
                Value::State(text) | Value::Text(text) => text.len(),
                Value::Counter(_) | Value::Gauge(_) | Value::Level(_) => 0,
            };
            let attributes: usize = reading.attributes.iter().map(|(name, value)| name.len() + value.len() + 6).sum();
            let texts = some(&reading.instance) + some(&reading.label) + some(&reading.unit);
            reading.name.len() + texts + value + attributes
        };
        let texts = self.readings.iter().map(reading).sum::<usize>()
            + self.alerts.iter().map(|alert| alert.code.len() + some(&alert.part) + some(&alert.text)).sum::<usize>()
            + self.console.iter().map(String::len).sum::<usize>();
        2 * texts + ROW * (1 + self.readings.len() + self.alerts.len() + self.console.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e09_a_level_over_capacity_is_full_and_sentinels_have_no_fraction() {
        let level = |remaining, capacity| Level { remaining, capacity }.fraction();
        assert_eq!(level(Amount::Exact(120.0), Some(100.0)), Some(1.0));
        assert_eq!(level(Amount::Exact(5.0), Some(0.0)), None);
        assert_eq!(level(Amount::SomeLeft, Some(100.0)), None);
    }

    #[test]
    fn a_report_never_weighs_more_than_was_counted_quickly() {
        let text = || Some("\"\\".repeat(100));
        let row = |value: Value| Reading {
            name: "supply.level".to_owned(),
            instance: text(),
            label: text(),
            unit: text(),
            value,
            attributes: (0..20).map(|n| (format!("\"{n}"), "\\".to_owned())).collect(),
        };
        let level = Level { remaining: Amount::Exact(f64::MIN_POSITIVE), capacity: Some(f64::MAX) };
        let alert = Alert { code: String::new(), severity: Severity::Critical, part: None, text: text() };
        let report = Report {
            status: Status::WarmingUp,
            readings: vec![row(Value::Counter(u64::MAX)), row(Value::Level(level)), row(Value::Text("x".to_owned()))],
            alerts: vec![alert],
            console: vec![String::new(); 20],
        };
        assert!(crate::message::weight(&report) <= report.weight_at_most());
        assert!(crate::message::weight(&Report::default()) <= Report::default().weight_at_most());
    }
}
