//! A node's own log: fetched in pieces, and told how much to say.
//!
//! A place in the log is the number of bytes that were ever written before it, so it stays true while files come and go, and
//! a fetch that was broken off goes on from there.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::time::Duration;
use utoipa::ToSchema;

/// The longest that a level is set for.
pub const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// At most so many levels are set at a time.
pub const MOST: usize = 20;

/// From where on a log is fetched. As JSON: `"start"`, `"newest"`, `{"at":4096}`, `{"since":1790000000000}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFrom {
    /// From the oldest line that is kept.
    Start,
    /// The newest lines, as many as fit.
    Newest,
    /// From this place.
    At(u64),
    /// From the first line that was written at this time or later.
    Since(Timestamp),
}

/// A piece of a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogPiece {
    /// Where it begins.
    pub at: u64,
    /// Where the next one begins.
    pub next: u64,
    /// Where the log ends for now; the same as `next` where there is no more.
    pub end: u64,
    /// Where the oldest line begins that is kept.
    pub oldest: u64,
    /// Whether what was asked for isn't kept any more, so that lines are missing before this piece.
    pub turned_over: bool,
    /// Lines.
    pub text: String,
}

/// How much is said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "they are their names, each with those before it")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// A part of hostler that says something: `hostler` for all of it, `hostler_services`, `hostler_services::tree`. Libraries
/// aren't among it: what they say of themselves may be what they were given to keep.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct LogTarget(String);

/// A text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no part of hostler that logs; name hostler, or a part of it such as hostler_services or hostler_services::tree"
)]
pub struct BadTarget(String);

impl LogTarget {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogTarget {
    type Err = BadTarget;
    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let rest = text.strip_prefix("hostler");
        let fits = rest.is_some_and(|rest| {
            (rest.is_empty() || rest.starts_with('_') || rest.starts_with("::"))
                && rest.len() <= 100
                && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ':')
        });
        if fits { Ok(Self(text.to_owned())) } else { Err(BadTarget(text.chars().take(60).collect())) }
    }
}

impl TryFrom<String> for LogTarget {
    type Error = BadTarget;
    fn try_from(text: String) -> Result<Self, BadTarget> {
        text.parse()
    }
}

impl From<LogTarget> for String {
    fn from(target: LogTarget) -> Self {
        target.0
    }
}

/// How much a part says, for a while.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelWish {
    /// Which part.
    pub target: LogTarget,
    /// How much; nothing for as much as it says by itself, at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// For how many seconds; at most a day.
    #[serde(default)]
    pub for_s: u64,
}

/// How much a part says until then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LevelSet {
    /// Which part.
    pub target: LogTarget,
    /// How much.
    pub level: LogLevel,
    /// Until when, by the node's clock.
    pub until: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d07_only_hostlers_own_parts_can_be_told_to_say_more() {
        for fits in ["hostler", "hostler_services", "hostler_links::snmp", "hostler::verbs"] {
            assert!(fits.parse::<LogTarget>().is_ok(), "{fits}");
        }
        for not in ["", "hyper", "rustls=trace", "hostlers", "hostler=trace,hyper", "hostler_x[span]", "HOSTLER"] {
            assert!(not.parse::<LogTarget>().is_err(), "{not}");
        }
    }
}
