//! When something is due: a calendar expression in a time zone.
//!
//! An expression has five fields (minute, hour, day of month, month, day of week), as cron knows them, or is a name such as
//! `daily`. It is judged once, when it comes in; one that never comes is refused.
//!
//! Where the clocks are changed, it goes as cron does it. An expression for certain hours comes once a day as it says: a time
//! that doesn't exist comes at the next moment that does, several of them together once; a time that exists twice comes the
//! first time. One for every hour (`*/15 * * * *`) just goes on: it comes whenever the clock on the wall shows it, in both of
//! two hours of one name, and not in an hour that there isn't.

use super::LATE;
use super::fields;
use super::zone::{Instant, Zone};
use crate::time::Timestamp;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, date};
use serde::{Deserialize, Serialize};

/// What people call some expressions.
pub const NAMES: [(&str, &str); 5] = [
    ("hourly", "0 * * * *"),
    ("daily", "0 0 * * *"),
    ("weekly", "0 0 * * 0"),
    ("monthly", "0 0 1 * *"),
    ("yearly", "0 0 1 1 *"),
];

/// An expression longer than this is none that somebody wrote.
const LONGEST: usize = 200;

/// So many times on the wall may come to nothing before one is due: all minutes of a day that exists twice.
const TRIED: u32 = 1_500;

/// Why something is no calendar. Each says what was given and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCalendar {
    /// It hasn't five fields and is no name.
    #[error(
        "the calendar expression {given:?} has {count} fields, not five: minute, hour, day of month, month, day of week, \
         as in \"30 6 * * 1-5\"; or it is a name: hourly, daily, weekly, monthly, yearly"
    )]
    Fields {
        /// What was given.
        given: String,
        /// How many fields it has.
        count: usize,
    },
    /// One of its fields can't be.
    #[error("the {field} of the calendar expression can't be {given:?}; it is {rule}")]
    Field {
        /// Which.
        field: &'static str,
        /// What was given.
        given: String,
        /// What would be right, with an example.
        rule: &'static str,
    },
    /// No day is as it says.
    #[error(
        "the calendar expression {given:?} never comes: no month that it names has such a day; the last day of a month is L, \
         as in \"0 6 L * *\""
    )]
    Never {
        /// What was given.
        given: String,
    },
    /// It is far too long.
    #[error("the calendar expression is longer than {LONGEST} characters; one such as \"0,30 8-18 * * 1-5\" is enough")]
    TooLong,
    /// There is no such time zone.
    #[error("there is no time zone {given:?}; {instead}")]
    Zone {
        /// What was given.
        given: String,
        /// What would be right.
        instead: String,
    },
}

/// A calendar expression in a time zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Calendar {
    expression: String,
    zone: Zone,
    cron: Cron,
}

/// A calendar as it is stored.
#[derive(Clone, Serialize, Deserialize)]
struct Written {
    expression: String,
    zone: String,
}

impl TryFrom<Written> for Calendar {
    type Error = BadCalendar;
    fn try_from(written: Written) -> Result<Self, BadCalendar> {
        Self::parse(&written.expression, &written.zone)
    }
}

impl From<Calendar> for Written {
    fn from(calendar: Calendar) -> Self {
        Self { expression: calendar.expression, zone: calendar.zone.name().to_owned() }
    }
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression && self.zone == other.zone
    }
}

impl Eq for Calendar {}

impl std::hash::Hash for Calendar {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.expression, self.zone.name()).hash(state);
    }
}

impl Calendar {
    /// Reads an expression, or a name, in an IANA time zone such as `Europe/Berlin`.
    ///
    /// # Errors
    /// Says what is wrong and what would be right.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, BadCalendar> {
        let zone = Zone::named(zone)?;
        if expression.len() > LONGEST {
            return Err(BadCalendar::TooLong);
        }
        let written = expression.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = written.strip_prefix('@').unwrap_or(&written);
        let named = NAMES.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        let (expression, meant) = match named {
            Some((name, meant)) => (name.to_owned(), meant),
            None => (written.clone(), written.as_str()),
        };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        fields::check(meant, &parser)?;
        let never = || BadCalendar::Never { given: written.clone() };
        let cron = parser.parse(meant).map_err(|_| never())?;
        // Every kind of year has been by then, and whoever writes a row long after reads the same.
        if cron.find_next_occurrence(&date(2000, 1, 1).at(0, 0, 0, 0), true).is_err() {
            return Err(never());
        }
        Ok(Self { expression, zone, cron })
    }

    /// What was written: the five fields, or the name.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Where.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The first moment after this one that it says; `None` at the end of time.
    #[must_use]
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        if self.goes_on() { self.next_shown(at) } else { self.next_said(at) }
    }

    /// The next so many moments after this one.
    #[must_use]
    pub fn upcoming(&self, at: Timestamp, count: usize) -> Vec<Instant> {
        let next = |at: &Timestamp| self.next_after(*at);
        std::iter::successors(self.next_after(at), next).take(count).map(|at| self.zone.instant(at)).collect()
    }

    /// The latest moment from `first`, which is one that it says, to `now` that isn't too late.
    pub(super) fn latest(&self, first: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let bound = Timestamp(now.0.saturating_sub(u64::try_from(LATE.as_millis()).unwrap_or(u64::MAX)));
        let begin = if first >= bound { Some(first) } else { self.next_after(bound) };
        let next = |at: &Timestamp| self.next_after(*at);
        std::iter::successors(begin, next).take_while(|at| *at <= now).last()
    }

    /// Whether it is for every hour, so that it goes on while the clocks are changed.
    fn goes_on(&self) -> bool {
        self.cron.pattern.hours.values().len() == 24
    }

    /// Whenever the clock on the wall shows it.
    fn next_shown(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.cron.find_next_occurrence(&self.zone.zoned(at)?, false).ok()?;
        Timestamp::try_from(next.timestamp()).ok().filter(|next| *next > at)
    }

    /// Once for each time that it says. On the wall and among moments these have one order, so the first one later is it.
    fn next_said(&self, at: Timestamp) -> Option<Timestamp> {
        let mut said: DateTime = self.zone.zoned(at)?.datetime();
        for _ in 0..TRIED {
            said = self.cron.find_next_occurrence(&said, false).ok()?;
            // In the second of two hours of one name, what was said of the first is over.
            let next = self.zone.first_from(said)?;
            if next > at {
                return Some(next);
            }
        }
        None
    }
}
