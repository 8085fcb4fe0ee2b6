//! Time zones, by the rules that come with the program: the same on every machine, and no file is read.

use super::calendar::BadCalendar;
use crate::time::Timestamp;
use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::Serialize;
use utoipa::ToSchema;

/// How many zones are named to somebody who gave one that isn't.
const NEAR: usize = 3;

/// An IANA time zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// A moment, as programs and people read it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Instant {
    /// When.
    pub at: Timestamp,
    /// The same in the zone that was asked for.
    pub local: String,
    /// The same in UTC.
    pub utc: String,
}

impl Zone {
    /// The zone of this name, such as `Europe/Berlin` or `UTC`; capital and small letters are alike.
    ///
    /// # Errors
    /// There is none; the error names some that may have been meant.
    pub fn named(name: &str) -> Result<Self, BadCalendar> {
        let zones = TimeZoneDatabase::bundled();
        let name = name.trim();
        match zones.get(name) {
            Ok(rules) if rules != TimeZone::unknown() => {
                Ok(Self { name: rules.iana_name().unwrap_or(name).to_owned(), rules })
            }
            _ => Err(BadCalendar::Zone { given: name.chars().take(60).collect(), instead: instead(&zones, name) }),
        }
    }

    /// Every zone that there is, by name.
    #[must_use]
    pub fn all() -> Vec<String> {
        TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A moment as the clock on the wall shows it, to the minute: `2026-03-29 03:00 CEST`.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> String {
        self.zoned(at).map_or_else(|| at.to_string(), |zoned| zoned.strftime("%Y-%m-%d %H:%M %Z").to_string())
    }

    /// A moment, here and in UTC.
    #[must_use]
    pub fn instant(&self, at: Timestamp) -> Instant {
        let utc = Self { name: "UTC".to_owned(), rules: TimeZone::UTC };
        Instant { at, local: self.local(at), utc: utc.local(at) }
    }

    /// A moment with what the clock on the wall shows; `None` at the end of time.
    pub(super) fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        Some(jiff::Timestamp::try_from(at).ok()?.to_zoned(self.rules.clone()))
    }

    /// The first moment at which the clock on the wall shows this or, where it never does, goes past it.
    pub(super) fn first_from(&self, wall: DateTime) -> Option<Timestamp> {
        let ambiguous = self.rules.to_ambiguous_zoned(wall);
        let gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        // Where it shows it twice, the first; where it never does, a moment shortly before it goes past.
        let earlier = ambiguous.earlier().ok()?.timestamp();
        let first = if gap { self.rules.following(earlier).next()?.timestamp() } else { earlier };
        Timestamp::try_from(first).ok()
    }
}

/// What may have been meant.
fn instead(zones: &TimeZoneDatabase, given: &str) -> String {
    let wanted = given.to_lowercase().replace(' ', "_");
    let place = wanted.rsplit('/').next().unwrap_or_default();
    let all = zones.available();
    let near = all.filter(|zone| place.len() > 2 && zone.as_str().to_lowercase().contains(place));
    let near: Vec<String> = near.map(|zone| format!("{:?}", zone.as_str())).take(NEAR).collect();
    if near.is_empty() {
        return "zones have names such as \"Europe/Berlin\", \"America/New_York\" or \"UTC\"".to_owned();
    }
    format!("there is {}", near.join(" and "))
}

impl TryFrom<Timestamp> for jiff::Timestamp {
    type Error = jiff::Error;
    fn try_from(at: Timestamp) -> Result<Self, jiff::Error> {
        Self::from_millisecond(i64::try_from(at.0).unwrap_or(i64::MAX))
    }
}

impl TryFrom<jiff::Timestamp> for Timestamp {
    type Error = std::num::TryFromIntError;
    fn try_from(at: jiff::Timestamp) -> Result<Self, Self::Error> {
        Ok(Self(u64::try_from(at.as_millisecond())?))
    }
}
