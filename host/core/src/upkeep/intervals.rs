//! How often a node asks: its devices, each of them, and its networks for new ones.
//!
//! The node's configuration says how often to begin with, and within which [`Bounds`] somebody above may change it.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Who said how often.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SetAt {
    /// The node's own configuration.
    Configuration,
    /// Somebody above, for the node.
    Node,
    /// Somebody above, for this device.
    Device,
}

/// How often something is done, in milliseconds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Interval {
    /// How often now.
    pub every_ms: u64,
    /// Who said so.
    pub set_at: SetAt,
    /// How often where nobody above says anything.
    pub configured_ms: u64,
    /// It may not be done more often.
    pub shortest_ms: u64,
    /// It may not be done less often.
    pub longest_ms: u64,
}

/// How often a node asks, or how often one of its devices is asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Intervals {
    /// How often is read.
    pub read: Interval,
    /// How often the networks are searched; said of a node alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Interval>,
    /// How many devices are read at intervals of their own; said of a node alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices_apart: Option<usize>,
}

/// What becomes of an interval. As JSON: `{"every-s":300}` or `"as-configured"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IntervalChange {
    /// So many seconds.
    EveryS(u64),
    /// As it is where nobody says anything.
    AsConfigured,
}

/// What is to be changed; what isn't named stays as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntervalWish {
    /// How often is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<IntervalChange>,
    /// How often the networks are searched; of a node alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<IntervalChange>,
}

/// Within what somebody may set an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Where nobody says anything.
    pub configured: Duration,
    /// Not more often.
    pub shortest: Duration,
    /// Not less often.
    pub longest: Duration,
}

/// Why an interval can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadInterval {
    /// Beyond the bounds.
    #[error("{what} can't be done every {given_s} s; this node's configuration allows {shortest} to {longest}")]
    Beyond {
        /// What is done.
        what: &'static str,
        /// What was given.
        given_s: u64,
        /// The shortest, for people.
        shortest: String,
        /// The longest, for people.
        longest: String,
    },
    /// Of one device.
    #[error("networks are searched by a node and not by a device; set it for the node")]
    NotOfADevice,
    /// Nothing was named.
    #[error("nothing to change was named; say how often to read or to search")]
    Nothing,
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A length of time, for people: "10 s", "5 min", "2 h", "1 d".
#[must_use]
pub fn spelled(every_ms: u64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    match units.into_iter().find(|(unit, _)| every_ms > 0 && every_ms.is_multiple_of(*unit)) {
        Some((unit, word)) => format!("{} {word}", every_ms / unit),
        None => format!("{every_ms} ms"),
    }
}

impl Bounds {
    /// So many seconds, where that is within the bounds.
    ///
    /// # Errors
    /// [`BadInterval::Beyond`].
    pub fn take(&self, what: &'static str, every_s: u64) -> Result<Duration, BadInterval> {
        let every = Duration::from_secs(every_s);
        if (self.shortest..=self.longest).contains(&every) {
            return Ok(every);
        }
        let [shortest, longest] = [self.shortest, self.longest].map(|bound| spelled(ms(bound)));
        Err(BadInterval::Beyond { what, given_s: every_s, shortest, longest })
    }

    /// What was set before, as far as the bounds of today allow it.
    #[must_use]
    pub fn clamp(&self, every_ms: u64) -> Duration {
        Duration::from_millis(every_ms).clamp(self.shortest, self.longest.max(self.shortest))
    }

    /// For people and programs.
    #[must_use]
    pub fn view(&self, every: Duration, set_at: SetAt) -> Interval {
        let [every_ms, configured_ms, shortest_ms, longest_ms] =
            [every, self.configured, self.shortest, self.longest].map(ms);
        Interval { every_ms, set_at, configured_ms, shortest_ms, longest_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        configured: Duration::from_secs(60),
        shortest: Duration::from_secs(10),
        longest: Duration::from_secs(86_400),
    };

    #[test]
    fn d07_an_interval_is_within_the_bounds_and_who_asks_for_another_hears_which() {
        assert_eq!(BOUNDS.take("reading", 10), Ok(Duration::from_secs(10)));
        assert_eq!(BOUNDS.take("reading", 86_400), Ok(Duration::from_secs(86_400)));
        for given in [0, 9, 86_401, u64::MAX] {
            let said = BOUNDS.take("reading", given).unwrap_err().to_string();
            assert!(said.contains("10 s to 1 d"), "{said}");
        }
        assert_eq!(BOUNDS.clamp(1), Duration::from_secs(10), "the bounds were narrowed since");
    }

    #[test]
    fn d07_a_length_of_time_is_spelled() {
        for (ms, said) in [(0, "0 ms"), (100, "100 ms"), (90_000, "90 s"), (300_000, "5 min"), (86_400_000, "1 d")] {
            assert_eq!(spelled(ms), said);
        }
    }

    #[test]
    fn d07_a_wish_has_one_form() {
        let wish = IntervalWish { read: Some(IntervalChange::EveryS(300)), search: Some(IntervalChange::AsConfigured) };
        let json = r#"{"read":{"every-s":300},"search":"as-configured"}"#;
        assert_eq!(serde_json::to_string(&wish).unwrap(), json);
        assert_eq!(serde_json::from_str::<IntervalWish>(json).unwrap(), wish);
    }
}
