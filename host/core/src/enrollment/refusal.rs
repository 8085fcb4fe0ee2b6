//! Why a device isn't let in: a sentence for who stands before it, a code for programs, and whether asking again may help.

use super::invitation::Withdrawal;
use serde::{Deserialize, Serialize};

/// Why a device isn't let in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Refusal {
    /// No such PIN or key, or the proof of the key is wrong.
    #[error("The manager doesn't know this PIN or key. Check it, or ask whoever registers devices for a new one.")]
    Unknown,
    /// It was withdrawn.
    #[error("{}", withdrawn(.why))]
    Withdrawn {
        /// Why.
        why: Withdrawal,
    },
    /// Its time is over.
    #[error("This PIN or key has expired. Ask whoever registers devices for a new one.")]
    Expired,
    /// As many devices came in by it as may.
    #[error(
        "This PIN or key is used up: as many devices as it was made for are connected. \
         Ask whoever registers devices for a new one."
    )]
    Spent,
    /// It is for any number of devices, which policy doesn't allow any more.
    #[error("PINs for any number of devices aren't allowed any more. Ask whoever registers devices for a new one.")]
    NotAllowed,
    /// Another user was entered at the device.
    #[error("The user entered at this device isn't the one whose PIN or key this is. Enter that user, or none.")]
    OtherUser,
    /// A later request with the same key was answered.
    #[error("A later request of this device was answered already. It asks again by itself.")]
    Stale,
    /// A proof without the attempt's number.
    #[error("The request proves a key without saying which attempt it is. The device's software must number them.")]
    AttemptMissing,
    /// A device with this ID is connected, with another key.
    #[error(
        "A device with this ID is connected already, with another key. If this is the same device after a reset, \
         its owner must let it return at the manager; then try again."
    )]
    AlreadyConnected,
    /// It belongs to somebody else.
    #[error(
        "A device with this ID belongs to another user. They must release it at the manager first; then try again."
    )]
    OthersDevice,
    /// Its node ID is another's.
    #[error(
        "Another node has this device's node ID already. Give this one another node ID in its settings, then try again."
    )]
    NodeTaken,
    /// It is barred.
    #[error("This device is barred. Ask its owner or an administrator of the manager.")]
    Barred,
    /// What a later manager says and this release doesn't know.
    #[error("The manager refused, for a reason that this device's software is too old to know. Look at the manager.")]
    #[serde(other)]
    Other,
}

fn withdrawn(why: &Withdrawal) -> &'static str {
    match why {
        Withdrawal::ByUser => "This PIN or key was withdrawn. Ask whoever registers devices for a new one.",
        Withdrawal::BackupRestored => {
            "This PIN or key ended when the manager was put back from a backup. \
             Ask whoever registers devices for a new one."
        }
    }
}

/// Whether asking again may help.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Again {
    /// Not with this PIN or key.
    Never,
    /// At once, as a further attempt.
    Now,
    /// With the same PIN or key, once somebody changed something.
    AfterChange,
}

impl Refusal {
    /// The code, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Expired => "expired",
            Self::Spent => "spent",
            Self::NotAllowed => "not-allowed",
            Self::OtherUser => "other-user",
            Self::Stale => "stale",
            Self::AttemptMissing => "attempt-missing",
            Self::AlreadyConnected => "already-connected",
            Self::OthersDevice => "others-device",
            Self::NodeTaken => "node-taken",
            Self::Barred => "barred",
            Self::Other => "other",
        }
    }

    /// Whether asking again may help.
    #[must_use]
    pub fn again(&self) -> Again {
        match self {
            Self::Stale => Again::Now,
            Self::OtherUser | Self::AlreadyConnected | Self::OthersDevice | Self::NodeTaken | Self::Barred => {
                Again::AfterChange
            }
            Self::Unknown | Self::Withdrawn { .. } | Self::Expired | Self::Spent => Again::Never,
            Self::NotAllowed | Self::AttemptMissing | Self::Other => Again::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e07_a_refusal_travels_under_its_code_and_says_what_to_do() {
        for refusal in [
            Refusal::Unknown,
            Refusal::Withdrawn { why: Withdrawal::ByUser },
            Refusal::Withdrawn { why: Withdrawal::BackupRestored },
            Refusal::Expired,
            Refusal::Spent,
            Refusal::NotAllowed,
            Refusal::OtherUser,
            Refusal::Stale,
            Refusal::AttemptMissing,
            Refusal::AlreadyConnected,
            Refusal::OthersDevice,
            Refusal::NodeTaken,
            Refusal::Barred,
        ] {
            let written = serde_json::to_value(refusal).unwrap();
            assert_eq!(written["code"], refusal.code());
            assert_eq!(serde_json::from_value::<Refusal>(written).unwrap(), refusal);
            assert!(refusal.to_string().split(". ").count() >= 2, "what happened, and what to do: {refusal}");
        }
    }

    #[test]
    fn e07_what_a_later_manager_says_is_read_as_a_refusal() {
        let read: Refusal = serde_json::from_str(r#"{"code":"moon-phase","phase":3}"#).unwrap();
        assert_eq!(read, Refusal::Other);
    }
}
