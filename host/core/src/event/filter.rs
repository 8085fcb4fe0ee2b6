//! Which events somebody wants to know of: one question for page, API, command line and forwarding rules.
//!
//! Everything is parsed once, where it comes in, and what can't be is said in words for whoever typed it. Whether an event
//! fits is a pure function of both, and of the time now and the node that keeps the event.

use super::Event;
use crate::id::{DeviceId, NodeId, is_standard_name};
use crate::reading::Severity;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use utoipa::IntoParams;

/// The most names in one filter.
const MOST_NAMES: usize = 32;

/// The longest text that is looked for, in characters.
const LONGEST_TEXT: usize = 200;

/// Why something is no filter.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadFilter {
    /// A name that no event has.
    #[error(
        "{0:?} is no name of events; write a whole one such as supply.low, or a beginning with its dot such as supply."
    )]
    Name(String),
    /// Too many of them.
    #[error("at most {MOST_NAMES} names of events fit into one filter; use beginnings such as supply.")]
    TooManyNames,
    /// No point in time.
    #[error(
        "{0:?} is no point in time; write 2026-11-22, 2026-11-22T14:30 (both in UTC), 2026-11-22T14:30:00+09:00, \
         milliseconds since 1970, or how long ago, such as 24h"
    )]
    Moment(String),
    /// No way to say how much something matters.
    #[error("{0:?} is no severity; there are info, warning and critical")]
    Severity(String),
    /// A text that nobody looks for.
    #[error("a text that is looked for has at most {LONGEST_TEXT} characters")]
    Text,
}

/// Which events. Everything that is given must fit; nothing given lets all through.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "kebab-case", default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// How much they matter at least: `info`, `warning` or `critical`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub severity: Option<AtLeast>,
    /// Their names, or beginnings that end with a dot, such as `supply.low,alert.`; one of them must fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub name: Option<Names>,
    /// To which device they happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Which node saw them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What their text contains, in whatever case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub text: Option<Words>,
    /// Not before this: a date, a time, milliseconds since 1970, or how long ago (`24h`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub from: Option<Moment>,
    /// Before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub to: Option<Moment>,
}

impl Filter {
    /// Whether it lets everything through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an event fits, at this time, where `here` keeps it.
    #[must_use]
    pub fn fits(&self, event: &Event, here: &NodeId, now: Timestamp) -> bool {
        self.severity.is_none_or(|least| event.severity >= least.0)
            && self.device.as_ref().is_none_or(|device| event.device.as_ref() == Some(device))
            && self.node.as_ref().is_none_or(|node| event.node.as_ref().unwrap_or(here) == node)
            && self.from.is_none_or(|from| event.at >= from.at(now))
            && self.to.is_none_or(|to| event.at < to.at(now))
            && self.name.as_ref().is_none_or(|names| names.have(&event.name))
            && self.text.as_ref().is_none_or(|words| words.occur_in(&event.text))
    }
}

/// How much something matters at least.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = Severity)]
pub struct AtLeast(pub Severity);

impl FromStr for AtLeast {
    type Err = BadFilter;
    fn from_str(text: &str) -> Result<Self, BadFilter> {
        match text {
            "info" => Ok(Self(Severity::Info)),
            "warning" => Ok(Self(Severity::Warning)),
            "critical" => Ok(Self(Severity::Critical)),
            _ => Err(BadFilter::Severity(start(text))),
        }
    }
}

impl fmt::Display for AtLeast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names of events, and beginnings of names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Names(Vec<String>);

impl Names {
    fn have(&self, name: &str) -> bool {
        self.0.iter().any(|known| if known.ends_with('.') { name.starts_with(known.as_str()) } else { known == name })
    }
}

impl FromStr for Names {
    type Err = BadFilter;
    fn from_str(text: &str) -> Result<Self, BadFilter> {
        let mut names = Vec::new();
        for name in text.split([',', ' ']).filter(|name| !name.is_empty()) {
            if !is_standard_name(name.strip_suffix('.').unwrap_or(name)) {
                return Err(BadFilter::Name(start(name)));
            }
            names.push(name.to_owned());
        }
        match names.len() {
            0 => Err(BadFilter::Name(start(text))),
            1..=MOST_NAMES => Ok(Self(names)),
            _ => Err(BadFilter::TooManyNames),
        }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// A text that is looked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Words {
    given: String,
    lower: String,
}

impl Words {
    fn occur_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.lower)
    }
}

impl FromStr for Words {
    type Err = BadFilter;
    fn from_str(text: &str) -> Result<Self, BadFilter> {
        if text.chars().count() > LONGEST_TEXT {
            return Err(BadFilter::Text);
        }
        Ok(Self { given: text.to_owned(), lower: text.to_lowercase() })
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

/// A point in time, as somebody names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Moment {
    /// This one.
    At(Timestamp),
    /// So long before now.
    Ago(Duration),
}

impl Moment {
    /// Which one it is, at this time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => Timestamp(now.0.saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX))),
        }
    }
}

impl FromStr for Moment {
    type Err = BadFilter;
    fn from_str(text: &str) -> Result<Self, BadFilter> {
        let text = text.trim();
        let bad = || BadFilter::Moment(start(text));
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(|at| Self::At(Timestamp(at))).map_err(|_| bad());
        }
        let utc = |civil: jiff::civil::DateTime| civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp());
        let at = text.parse::<jiff::Timestamp>().ok();
        // A date is a beginning of a date and time, so that is tried behind it.
        if let Some(at) = at.or_else(|| text.parse().ok().and_then(utc)) {
            return u64::try_from(at.as_millisecond()).map(|at| Self::At(Timestamp(at))).map_err(|_| bad());
        }
        let ago = text.parse::<jiff::SignedDuration>().ok().or_else(|| days(text)).ok_or_else(bad)?;
        Duration::try_from(ago).map(Self::Ago).map_err(|_| bad())
    }
}

/// `7d`: a length of time has no days where days may be longer or shorter; here they have 24 hours.
fn days(text: &str) -> Option<jiff::SignedDuration> {
    let days: i64 = text.strip_suffix('d')?.trim().parse().ok()?;
    days.checked_mul(24).and_then(jiff::SignedDuration::try_from_hours)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => at.0.fmt(f),
            Self::Ago(ago) => match jiff::SignedDuration::try_from(*ago) {
                Ok(ago) => write!(f, "{ago:#}"),
                Err(_) => write!(f, "{}s", ago.as_secs()),
            },
        }
    }
}

/// The beginning of what somebody typed, to say it back.
fn start(text: &str) -> String {
    text.chars().take(60).collect()
}

macro_rules! as_text {
    ($($name:ident),*) => { $(
        impl TryFrom<String> for $name {
            type Error = BadFilter;
            fn try_from(text: String) -> Result<Self, BadFilter> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )* };
}

as_text!(AtLeast, Names, Words, Moment);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn event() -> Event {
        Event {
            at: Timestamp(NOW.0 - 3_600_000),
            node: None,
            device: Some("sn-1".parse().unwrap()),
            name: "supply.low".to_owned(),
            severity: Severity::Warning,
            text: "Cyan toner is LOW: Ünder 10 %".to_owned(),
        }
    }

    fn filter(text: &str) -> Result<Filter, String> {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let map = pairs.map(|(name, value)| (name.to_owned(), value.into())).collect();
        serde_json::from_value(serde_json::Value::Object(map)).map_err(|error| error.to_string())
    }

    #[test]
    fn d07_everything_that_is_given_must_fit() {
        let here = "manager".parse().unwrap();
        for (text, fits) in [
            ("", true),
            ("severity=info", true),
            ("severity=warning", true),
            ("severity=critical", false),
            ("name=supply.low", true),
            ("name=supply.", true),
            ("name=supply", false),
            ("name=supply.lo", false),
            ("name=alert.,supply.empty, supply.low", true),
            ("device=sn-1", true),
            ("device=sn-2", false),
            ("node=manager", true),
            ("node=gateway-1", false),
            ("text=toner is low", true),
            ("text=ünder", true),
            ("text=magenta", false),
            ("from=2h", true),
            ("from=30m", false),
            ("to=30m", true),
            ("from=1d&to=2h", false),
            ("from=2026-09-21", true),
            ("to=2026-09-21T13:13", false),
            ("to=2026-09-21T13:14", true),
            ("from=2026-09-21T22:13:21+09:00", false),
            ("from=1789996400000", true),
            ("from=1789996400001", false),
            ("name=supply.&severity=critical", false),
        ] {
            assert_eq!(filter(text).unwrap().fits(&event(), &here, NOW), fits, "{text}");
        }
        let told = Event { node: Some("gateway-1".parse().unwrap()), ..event() };
        assert!(filter("node=gateway-1").unwrap().fits(&told, &here, NOW));
        assert!(!filter("node=manager").unwrap().fits(&told, &here, NOW));
    }

    #[test]
    fn d07_what_is_no_filter_is_said() {
        for (text, word) in [
            ("severity=loud", "info, warning and critical"),
            ("name=Supply Low!", "supply."),
            ("name=,", "supply."),
            ("device= ", "device ID"),
            ("node=Gateway 1", "node ID"),
            ("from=soon", "how long ago"),
            ("to=-3h", "no point in time"),
        ] {
            let said = filter(text).unwrap_err();
            assert!(said.contains(word), "{text}: {said}");
        }
        assert!(filter(&format!("name={}", "a.,".repeat(33))).unwrap_err().contains("at most 32"));
        assert!(filter(&format!("text={}", "a".repeat(201))).unwrap_err().contains("at most 200"));
    }

    proptest! {
        #[test]
        fn a_moment_that_was_read_is_written_so_that_it_is_read_the_same(text in "[0-9]{1,13}|[0-9]{1,4}[smhd]|\\PC{0,20}") {
            if let Ok(moment) = text.parse::<Moment>() {
                prop_assert_eq!(moment.to_string().parse::<Moment>(), Ok(moment));
            }
        }
    }
}
