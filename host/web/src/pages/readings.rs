//! What was read of a device, sorted for people: what runs out as bars, what counts with its history, the rest as facts.

use crate::chart::{Chart, Scale};
use crate::words::{capital, counted, decimal, duration, ink, percent, span, thousands};
use hostler_core::Timestamp;
use hostler_core::history::Series;
use hostler_core::reading::{Amount, Level, Reading, Value};
use std::collections::BTreeMap;

/// At or below this, somebody should think of a new one.
const LOW: f64 = 0.1;

/// Everything that was read, sorted.
#[derive(Default)]
pub(crate) struct Readings {
    pub levels: Vec<Group>,
    pub figures: Vec<Figure>,
    pub facts: Vec<(String, String)>,
}

/// Levels of one kind.
pub(crate) struct Group {
    pub title: String,
    pub bars: Vec<Bar>,
}

/// One level.
pub(crate) struct Bar {
    pub title: String,
    /// What is left, in words.
    pub said: String,
    /// The same as a count, where the words are a percentage of one.
    pub exactly: Option<String>,
    /// From 0 to 100, where that can be said.
    pub width: Option<String>,
    /// The classes of its colour and kind.
    pub class: String,
    pub low: bool,
    pub chart: Option<Chart>,
}

/// A number with its history.
pub(crate) struct Figure {
    pub title: String,
    pub value: String,
    /// By how much it grew, and in what time.
    pub grew: Option<String>,
    pub chart: Option<Chart>,
}

impl Readings {
    /// Sorts what was read.
    pub(crate) fn new(readings: &[Reading], series: &BTreeMap<String, Series>, now: Timestamp) -> Self {
        let mut sorted = Self::default();
        for reading in readings {
            let history = series.get(&reading.series());
            match &reading.value {
                // A time that passes by itself has no history worth drawing.
                Value::Counter(seconds) if is_time(reading) => sorted.add_time(reading, *seconds as f64),
                Value::Gauge(seconds) if is_time(reading) => sorted.add_time(reading, *seconds),
                Value::Level(level) => sorted.add_level(reading, *level, history, now),
                Value::Counter(count) => sorted.figures.push(Figure {
                    title: capital(&reading.title()),
                    value: counted(&thousands(*count), reading.unit.as_deref()),
                    grew: history.and_then(grew),
                    chart: history.and_then(|series| Chart::new(&reading.title(), series, Scale::Number, now)),
                }),
                Value::Gauge(value) => sorted.figures.push(Figure {
                    title: capital(&reading.title()),
                    value: counted(&decimal(*value), reading.unit.as_deref()),
                    grew: None,
                    chart: history.and_then(|series| Chart::new(&reading.title(), series, Scale::Number, now)),
                }),
                Value::State(text) | Value::Text(text) => {
                    let text = counted(text, reading.unit.as_deref());
                    sorted.facts.push((capital(&reading.title()), text));
                }
            }
        }
        // What has a history comes first, so that the drawings stand together.
        sorted.figures.sort_by_key(|figure| figure.chart.is_none());
        sorted
    }

    fn add_time(&mut self, reading: &Reading, seconds: f64) {
        self.facts.push((capital(&reading.title()), duration(seconds)));
    }

    fn add_level(&mut self, reading: &Reading, level: Level, history: Option<&Series>, now: Timestamp) {
        let title = group(&reading.name);
        let chart = history.and_then(|series| Chart::new(&reading.title(), series, Scale::Fraction, now));
        let bar = Bar { chart, ..bar(reading, level) };
        match self.levels.iter_mut().find(|group| group.title == title) {
            Some(group) => group.bars.push(bar),
            None => self.levels.push(Group { title, bars: vec![bar] }),
        }
    }
}

fn is_time(reading: &Reading) -> bool {
    reading.unit.as_deref() == Some("s")
}

/// The heading that a level stands under, by the first word of its name.
fn group(name: &str) -> String {
    match name.split('.').next().unwrap_or_default() {
        "supply" => "Supplies".to_owned(),
        "tray" | "input" => "Trays".to_owned(),
        "output" | "bin" => "Output".to_owned(),
        other => capital(&other.replace('-', " ")),
    }
}

fn bar(reading: &Reading, level: Level) -> Bar {
    let filled = reading.attributes.get("class").is_some_and(|class| class.to_ascii_lowercase().contains("filled"));
    let fraction = level.fraction();
    let unit = reading.unit.as_deref();
    let said = match (level.remaining, fraction) {
        (_, Some(fraction)) => percent(fraction),
        (Amount::Exact(left), None) => counted(&decimal(left), unit),
        (Amount::SomeLeft, None) => "some left".to_owned(),
        (Amount::Unknown, None) => "unknown".to_owned(),
        (Amount::Unlimited, None) => "no limit".to_owned(),
    };
    let exactly = match (level.remaining, level.capacity, fraction) {
        (Amount::Exact(left), Some(capacity), Some(_)) if unit.is_some_and(|unit| unit != "%" && unit != "1") => {
            Some(format!("{} of {}", decimal(left), counted(&decimal(capacity), unit)))
        }
        _ => None,
    };
    let kind = match level.remaining {
        Amount::Exact(_) => "exact",
        Amount::SomeLeft => "some",
        Amount::Unknown => "untold",
        Amount::Unlimited => "unlimited",
    };
    let low = fraction.is_some_and(|fraction| fraction <= LOW);
    Bar {
        title: capital(&reading.title()),
        said: if filled && fraction.is_some() { format!("{said} space left") } else { said },
        exactly,
        width: fraction.map(|fraction| format!("{:.1}", fraction * 100.0)),
        class: format!("{kind} {}", ink(reading.attributes.get("colour").map(String::as_str))),
        low,
        chart: None,
    }
}

/// By how much a counter grew in the time that is known.
fn grew(series: &Series) -> Option<String> {
    let (first, last) = (series.points.first()?, series.points.last()?);
    let passed = last.at.since(first.at).as_secs();
    (passed > 0 && last.value > first.value)
        .then(|| format!("+{} in {}", decimal(last.value - first.value), span(passed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(remaining: Amount, capacity: Option<f64>, unit: Option<&str>, attributes: &[(&str, &str)]) -> Bar {
        let level = Level { remaining, capacity };
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let reading = Reading {
            name: "supply.level".into(),
            instance: None,
            label: Some("black toner".into()),
            unit: unit.map(str::to_owned),
            value: Value::Level(level),
            attributes,
        };
        bar(&reading, level)
    }

    #[test]
    fn what_isnt_told_exactly_is_said_in_words() {
        assert_eq!(level(Amount::SomeLeft, Some(100.0), None, &[]).said, "some left");
        assert_eq!(level(Amount::Unknown, None, None, &[]).said, "unknown");
        assert_eq!(level(Amount::Unlimited, None, None, &[]).said, "no limit");
        let counted = level(Amount::Exact(12.0), None, Some("{sheet}"), &[]);
        assert_eq!((counted.said.as_str(), counted.width), ("12 sheets", None));
    }

    #[test]
    fn what_is_told_exactly_is_a_bar_in_its_colour() {
        let bar = level(Amount::Exact(50.0), Some(1000.0), Some("{page}"), &[("colour", "Cyan")]);
        assert_eq!(bar.said, "5 %");
        assert_eq!(bar.exactly.as_deref(), Some("50 of 1,000 pages"));
        assert_eq!(bar.width.as_deref(), Some("5.0"));
        assert_eq!(bar.class, "exact ink-cyan");
        assert!(bar.low);
    }

    #[test]
    fn a_waste_box_tells_its_space_left() {
        for class in ["filled", "receptacleThatIsFilled"] {
            let bar = level(Amount::Exact(40.0), Some(100.0), Some("%"), &[("class", class)]);
            assert_eq!(bar.said, "40 % space left");
        }
    }

    #[test]
    fn a_time_is_said_as_one_and_isnt_drawn() {
        let uptime = Reading {
            name: "uptime".into(),
            instance: None,
            label: None,
            unit: Some("s".into()),
            value: Value::Counter(1_394_613),
            attributes: Default::default(),
        };
        let sorted = Readings::new(&[uptime], &BTreeMap::new(), Timestamp(0));
        assert_eq!(sorted.facts, [("Uptime".to_owned(), "16 days".to_owned())]);
        assert!(sorted.figures.is_empty());
    }

    #[test]
    fn levels_of_a_kind_stand_together() {
        let reading = |name: &str, label: &str| Reading {
            name: name.into(),
            instance: None,
            label: Some(label.into()),
            unit: None,
            value: Value::Level(Level { remaining: Amount::Unknown, capacity: None }),
            attributes: Default::default(),
        };
        let list = [reading("supply.level", "a"), reading("tray.level", "b"), reading("supply.level", "c")];
        let sorted = Readings::new(&list, &BTreeMap::new(), Timestamp(0));
        let titles: Vec<_> = sorted.levels.iter().map(|group| (group.title.as_str(), group.bars.len())).collect();
        assert_eq!(titles, [("Supplies", 2), ("Trays", 1)]);
    }
}
