//! The newest that is known of a thing, why there may be nothing newer, and how it stands.

use super::{Report, Status};
use crate::time::Timestamp;
use crate::trust::Signed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// Why the last attempt to read brought nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Trouble {
    /// What happened, for people.
    pub text: String,
    /// Since when every attempt failed.
    pub since: Timestamp,
    /// How many attempts in a row failed because of the thing; 0 where it wasn't the thing that failed.
    pub attempts: u32,
    /// What hindered on our side, where that was it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hindrance: Option<Hindrance>,
}

/// What on our side keeps a thing from being read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hindrance {
    /// Its plug-in isn't installed.
    NoPlugin,
    /// Its plug-in lacks a right, so it isn't called.
    RightsMissing,
    /// Anything else: the plug-in broke, or the disk.
    #[serde(other)]
    Other,
}

impl Trouble {
    /// What to say of it in a list: in full where the thing didn't answer, in a few words where we are to blame.
    #[must_use]
    pub fn headline(&self) -> &str {
        match self.hindrance {
            Some(Hindrance::NoPlugin) => "Its plug-in is not installed",
            Some(Hindrance::RightsMissing) => "Its plug-in lacks rights",
            Some(Hindrance::Other) => "Not read",
            None => &self.text,
        }
    }

    /// Whether what the thing said last says nothing about how it stands now, at the time of the last attempt. Nobody
    /// installs or grants by accident; anything else may pass.
    fn outdates(&self, tried_at: Timestamp) -> bool {
        match self.hindrance {
            Some(Hindrance::NoPlugin | Hindrance::RightsMissing) => true,
            Some(Hindrance::Other) => tried_at.since(self.since) >= HINDERED,
            None => false,
        }
    }
}

/// The newest that is known of a device. Replaced as a whole; not a message.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// When it was last tried.
    pub tried_at: Timestamp,
    /// When `report` was read.
    pub read_at: Option<Timestamp>,
    /// The last report; kept while the device is in trouble. Shared, because it is passed on much and never changes.
    #[schema(value_type = Option<Report>)]
    pub report: Option<Arc<Report>>,
    /// Why nothing newer could be had.
    pub trouble: Option<Trouble>,
    /// The supplies, by their series, that count as low: they ran low and weren't filled well above that since.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub low: BTreeSet<String>,
    /// Those that count as empty: nothing was left of them, and they weren't filled above what is low since.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub empty: BTreeSet<String>,
    /// What the node that read it vouches for, on its way to the manager. What is told of it is said there, and only there:
    /// beside it goes no report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub signed: Option<Box<Signed>>,
    /// The number under the signature, once the manager has verified that: an older reading replaces nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub number: Option<u64>,
}

impl Snapshot {
    /// The snapshot after a successful reading, where nothing was known before.
    #[must_use]
    pub fn read(at: Timestamp, report: Report) -> Self {
        Self { tried_at: at, read_at: Some(at), report: Some(Arc::new(report)), ..Self::default() }
    }

    /// The snapshot after an attempt that failed: what was known stays.
    #[must_use]
    pub fn failed(&self, at: Timestamp, text: String) -> Self {
        let (since, attempts) = self.trouble.as_ref().map_or((at, 0), |trouble| (trouble.since, trouble.attempts));
        Self {
            tried_at: at,
            read_at: self.read_at,
            report: self.report.clone(),
            trouble: Some(Trouble { text, since, attempts: attempts.saturating_add(1), hindrance: None }),
            low: self.low.clone(),
            empty: self.empty.clone(),
            ..Self::default()
        }
    }

    /// The snapshot after an attempt that failed on our side, for want of a plug-in or a disk: what was known stays, and
    /// the thing isn't to blame. One that didn't answer before still counts as unreachable.
    #[must_use]
    pub fn hindered(&self, at: Timestamp, by: Hindrance, text: String) -> Self {
        let failed = self.failed(at, text);
        let attempts = self.silent_for().filter(|attempts| *attempts >= PATIENCE).unwrap_or(0);
        Self { trouble: failed.trouble.map(|trouble| Trouble { attempts, hindrance: Some(by), ..trouble }), ..failed }
    }

    fn silent_for(&self) -> Option<u32> {
        self.trouble.as_ref().map(|trouble| trouble.attempts)
    }

    /// The same without times later than `now`: what comes from a clock that is wrong must not be newer than everything
    /// that follows.
    #[must_use]
    pub fn not_after(self, now: Timestamp) -> Self {
        let trouble = self.trouble.map(|trouble| Trouble { since: trouble.since.min(now), ..trouble });
        Self { tried_at: self.tried_at.min(now), read_at: self.read_at.map(|at| at.min(now)), trouble, ..self }
    }

    /// How the device stands, in one word for lists.
    #[must_use]
    pub fn condition(&self) -> Condition {
        match (&self.report, &self.trouble) {
            (_, Some(trouble)) if trouble.attempts >= PATIENCE => Condition::Unreachable,
            (_, Some(trouble)) if trouble.outdates(self.tried_at) => Condition::Unknown,
            (Some(report), _) => report.status.into(),
            (None, Some(trouble)) if trouble.attempts > 0 => Condition::Unreachable,
            (None, _) => Condition::Unknown,
        }
    }
}

/// How many attempts in a row may fail before a device counts as unreachable: one lost datagram is no fault.
pub const PATIENCE: u32 = 3;

/// For how long what a device said last counts while something on our side keeps it from being read.
const HINDERED: Duration = Duration::from_secs(180);

/// How a device stands, worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Ready or busy.
    Fine,
    /// Saves energy.
    Asleep,
    /// It doesn't say, or nobody asked yet.
    Unknown,
    /// Somebody should come.
    Warning,
    /// It doesn't work.
    Stopped,
    /// It doesn't answer.
    Unreachable,
}

impl Condition {
    /// Every condition, best first.
    pub const ALL: [Self; 6] =
        [Self::Fine, Self::Asleep, Self::Unknown, Self::Warning, Self::Stopped, Self::Unreachable];
}

impl From<Status> for Condition {
    fn from(status: Status) -> Self {
        match status {
            Status::Ready | Status::Busy | Status::WarmingUp => Self::Fine,
            Status::Asleep => Self::Asleep,
            Status::Warning => Self::Warning,
            Status::Stopped => Self::Stopped,
            Status::Unknown => Self::Unknown,
        }
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Fine => "fine",
            Self::Asleep => "asleep",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Stopped => "stopped",
            Self::Unreachable => "unreachable",
        })
    }
}

impl std::str::FromStr for Condition {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|c| c.to_string() == text).ok_or_else(|| {
            format!("{text:?} is no condition; there are fine, asleep, unknown, warning, stopped and unreachable")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lost_datagram_is_no_fault() {
        let fine = Snapshot::read(Timestamp(1), Report { status: Status::Ready, ..Report::default() });
        let once = fine.failed(Timestamp(2), "no answer".into());
        assert_eq!(once.condition(), Condition::Fine);
        let thrice = once.failed(Timestamp(3), "no answer".into()).failed(Timestamp(4), "no answer".into());
        assert_eq!(thrice.condition(), Condition::Unreachable);
        assert_eq!(thrice.trouble.unwrap().since, Timestamp(2));
        assert!(thrice.report.is_some(), "what was known stays");
    }

    #[test]
    fn e09_what_fails_on_our_side_is_no_silence_of_the_device() {
        let fine = Snapshot::read(Timestamp(1), Report { status: Status::Ready, ..Report::default() });
        let hindered =
            (2..9).fold(fine, |last, at| last.hindered(Timestamp(at), Hindrance::Other, "the disk is full".into()));
        assert_eq!(hindered.condition(), Condition::Fine);
        let trouble = hindered.trouble.clone().unwrap();
        assert_eq!((trouble.since, trouble.attempts), (Timestamp(2), 0));
        assert_eq!(
            Snapshot::default().hindered(Timestamp(1), Hindrance::Other, "the disk is full".into()).condition(),
            Condition::Unknown
        );
        // Patience begins when the device itself is asked again.
        assert_eq!(hindered.failed(Timestamp(9), "no answer".into()).condition(), Condition::Fine);
        let silent = (2..5).fold(Snapshot::default(), |last, at| last.failed(Timestamp(at), "no answer".into()));
        assert_eq!(
            silent.hindered(Timestamp(9), Hindrance::NoPlugin, "no plug-in".into()).condition(),
            Condition::Unreachable
        );
    }

    #[test]
    fn e09_what_is_not_read_for_long_is_not_known_to_be_fine() {
        let fine = Snapshot::read(Timestamp(1), Report { status: Status::Ready, ..Report::default() });
        let without = fine.hindered(Timestamp(2), Hindrance::NoPlugin, "there is no plug-in mfp".into());
        assert_eq!(without.condition(), Condition::Unknown);
        assert_eq!(without.trouble.unwrap().headline(), "Its plug-in is not installed");
        let hindered = fine.hindered(Timestamp(2), Hindrance::Other, "the disk is full".into());
        assert_eq!(hindered.condition(), Condition::Fine, "it may pass");
        let later = hindered.hindered(Timestamp(2).plus(HINDERED), Hindrance::Other, "the disk is full".into());
        assert_eq!(later.condition(), Condition::Unknown);
        assert_eq!(later.failed(Timestamp(200_000), "no answer".into()).condition(), Condition::Fine);
    }

    #[test]
    fn what_another_release_stored_of_a_trouble_is_read() {
        let stored = r#"{"text":"no plug-in","since":2,"attempts":0}"#;
        let trouble: Trouble = serde_json::from_str(stored).unwrap();
        assert_eq!(trouble.hindrance, None);
        assert_eq!(serde_json::to_string(&trouble).unwrap(), stored);
        let later = r#"{"text":"no moon","since":2,"attempts":0,"hindrance":"no-moon"}"#;
        assert_eq!(serde_json::from_str::<Trouble>(later).unwrap().hindrance, Some(Hindrance::Other));
    }

    #[test]
    fn e09_times_of_a_clock_that_is_wrong_are_no_later_than_now() {
        let wrong = Snapshot::read(Timestamp(90), Report::default()).failed(Timestamp(99), "no answer".into());
        let right = wrong.not_after(Timestamp(10));
        assert_eq!((right.tried_at, right.read_at), (Timestamp(10), Some(Timestamp(10))));
        assert_eq!(right.trouble.unwrap().since, Timestamp(10));
    }
}
