//! What a user made: registrations, and the invitation behind each PIN or key.

use super::addresses::{Address, MOST_ADDRESSES};
use super::pin::PinDigest;
use crate::id::{RegistrationId, UserName};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What stands behind one PIN or key.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Invitation {
    /// What it is looked up by.
    pub digest: PinDigest,
    /// Who made it, and owns what comes in by it.
    pub by: UserName,
    /// Under which registration.
    pub registration: RegistrationId,
    /// Which of its invitations this is, from 0.
    pub index: u32,
    /// What shows it.
    pub means: Means,
    /// How many devices may still come in.
    pub places: Places,
    /// How many came in.
    pub taken: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it is good still.
    pub state: InvitationState,
}

/// What shows an invitation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// A PIN.
    Pin,
    /// The proof of a key.
    Key,
}

/// How many devices may come in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Places {
    /// So many more.
    Exactly {
        /// How many.
        left: u32,
    },
    /// Any number, where policy allows it.
    Any,
}

/// Whether an invitation is good still.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvitationState {
    /// Until it expires.
    Alive,
    /// Not any more.
    Withdrawn(Withdrawal),
}

/// Why an invitation isn't good any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withdrawal {
    /// Its user, or an administrator, wanted it so.
    ByUser,
    /// A backup was put back, and nobody knows who came in since it was made: a spent PIN must not revive.
    BackupRestored,
}

impl Invitation {
    /// The same with one place less; `None` when there is none left.
    #[must_use]
    pub fn with_one_taken(&self) -> Option<Self> {
        let places = match self.places {
            Places::Exactly { left } => Places::Exactly { left: left.checked_sub(1)? },
            Places::Any => Places::Any,
        };
        Some(Self { places, taken: self.taken.saturating_add(1), ..self.clone() })
    }

    /// The same, good for nothing any more; `None` when it is already, for the reason that it was given first. The devices
    /// that came in by it stay.
    #[must_use]
    pub fn withdrawn(&self, why: Withdrawal) -> Option<Self> {
        let alive = self.state == InvitationState::Alive;
        alive.then(|| Self { state: InvitationState::Withdrawn(why), ..self.clone() })
    }
}

/// Many devices that one user registered at once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Registration {
    /// Which.
    pub id: RegistrationId,
    /// Whose.
    pub user: UserName,
    /// When it was made.
    pub made_at: Timestamp,
    /// When its invitations end.
    pub expires_at: Timestamp,
    /// The addresses, in the order in which they were given; with a PIN for several there may be none.
    pub entries: Vec<Entry>,
    /// By what its devices come in.
    #[serde(flatten)]
    pub terms: Terms,
}

/// By what the devices of a registration come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// How they share PINs or keys.
    pub mode: Mode,
    /// Whether by PIN or by key.
    pub means: Means,
    /// How many characters a PIN has.
    pub pin_length: usize,
}

/// One address of a registration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Where the device is.
    pub address: Address,
    /// Which of the registration's invitations is for it, from 0.
    pub invitation: u32,
}

/// How devices share PINs (E4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// One for each device.
    OneEach,
    /// One, good for so many devices.
    Shared {
        /// How many.
        places: u32,
    },
    /// One, good for any number.
    Any,
}

/// Whether there may be invitations for any number of devices.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnyNumber {
    /// There may.
    Allowed,
    /// There may not, and those made while there might are good no more.
    Refused,
}

/// Why a registration can't be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadRegistration {
    /// No address, although each is to have a PIN.
    #[error("no address was given; give at least one, or ask for one PIN for several devices")]
    NoAddress,
    /// More than there may be.
    #[error("a registration has at most {MOST_ADDRESSES} devices; make several")]
    TooMany,
    /// A PIN for fewer devices than there are addresses, none included.
    #[error("one PIN for {places} devices doesn't do for {addresses} addresses; give it more places")]
    TooFewPlaces {
        /// For how many.
        places: u32,
        /// How many addresses there are.
        addresses: usize,
    },
    /// Policy doesn't allow it.
    #[error("PINs for any number of devices aren't allowed here; ask for one that is good for as many as you have")]
    AnyNotAllowed,
}

impl Registration {
    /// A registration of these addresses.
    ///
    /// # Errors
    /// [`BadRegistration`], when there are too many or too few, or policy doesn't allow it.
    pub fn new(
        (id, user): (RegistrationId, UserName),
        addresses: Vec<Address>,
        terms: Terms,
        any: AnyNumber,
        (made_at, expires_at): (Timestamp, Timestamp),
    ) -> Result<Self, BadRegistration> {
        let most = u32::try_from(MOST_ADDRESSES).unwrap_or(u32::MAX);
        let (count, mode) = (addresses.len(), terms.mode);
        match mode {
            _ if count > MOST_ADDRESSES => Err(BadRegistration::TooMany),
            Mode::OneEach if count == 0 => Err(BadRegistration::NoAddress),
            Mode::Shared { places } if places > most => Err(BadRegistration::TooMany),
            Mode::Shared { places } if places == 0 || (places as usize) < count => {
                Err(BadRegistration::TooFewPlaces { places, addresses: count })
            }
            Mode::Any if any == AnyNumber::Refused => Err(BadRegistration::AnyNotAllowed),
            Mode::OneEach | Mode::Shared { .. } | Mode::Any => Ok(()),
        }?;
        let invitation = |index| if mode == Mode::OneEach { index } else { 0 };
        let entries = addresses.into_iter().zip(0..);
        let entries = entries.map(|(address, index)| Entry { address, invitation: invitation(index) }).collect();
        Ok(Self { id, user, made_at, expires_at, entries, terms })
    }

    /// The places of each invitation that it needs, in order.
    #[must_use]
    pub fn places(&self) -> Vec<Places> {
        match self.terms.mode {
            Mode::OneEach => vec![Places::Exactly { left: 1 }; self.entries.len()],
            Mode::Shared { places } => vec![Places::Exactly { left: places }],
            Mode::Any => vec![Places::Any],
        }
    }

    /// One of its invitations, behind the PIN or key with this digest.
    #[must_use]
    pub fn invitation(&self, digest: PinDigest, (index, places): (u32, Places)) -> Invitation {
        Invitation {
            digest,
            by: self.user.clone(),
            registration: self.id.clone(),
            index,
            means: self.terms.means,
            places,
            taken: 0,
            made_at: self.made_at,
            expires_at: self.expires_at,
            state: InvitationState::Alive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrollment::Pin;

    fn registration(count: usize, mode: Mode, any: AnyNumber) -> Result<Registration, BadRegistration> {
        let addresses = (0..count).map(|n| format!("printer-{n}").parse().unwrap()).collect();
        let who = ("r-1".parse().unwrap(), "u@example".parse().unwrap());
        let terms = Terms { mode, means: Means::Pin, pin_length: 26 };
        Registration::new(who, addresses, terms, any, (Timestamp(0), Timestamp(9)))
    }

    #[test]
    fn e04_one_each_one_for_several_or_one_for_all() {
        let each = registration(3, Mode::OneEach, AnyNumber::Refused).unwrap();
        assert_eq!(each.entries.iter().map(|entry| entry.invitation).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(each.places(), [Places::Exactly { left: 1 }; 3]);
        let shared = registration(3, Mode::Shared { places: 4 }, AnyNumber::Refused).unwrap();
        assert!(shared.entries.iter().all(|entry| entry.invitation == 0));
        assert_eq!(shared.places(), [Places::Exactly { left: 4 }]);
        assert_eq!(registration(0, Mode::Any, AnyNumber::Allowed).unwrap().places(), [Places::Any]);
    }

    #[test]
    fn e04_what_may_not_be_is_refused() {
        for (count, mode, why) in [
            (0, Mode::OneEach, BadRegistration::NoAddress),
            (MOST_ADDRESSES + 1, Mode::OneEach, BadRegistration::TooMany),
            (0, Mode::Shared { places: u32::MAX }, BadRegistration::TooMany),
            (0, Mode::Shared { places: 0 }, BadRegistration::TooFewPlaces { places: 0, addresses: 0 }),
            (3, Mode::Shared { places: 2 }, BadRegistration::TooFewPlaces { places: 2, addresses: 3 }),
            (1, Mode::Any, BadRegistration::AnyNotAllowed),
        ] {
            assert_eq!(registration(count, mode, AnyNumber::Refused), Err(why));
        }
    }

    #[test]
    fn e04_places_are_counted_down_to_none_and_withdrawing_keeps_the_first_reason() {
        let digest = "0123".parse::<Pin>().unwrap().digest();
        let all = registration(1, Mode::Any, AnyNumber::Allowed).unwrap();
        let one = all.invitation(digest.clone(), (0, Places::Exactly { left: 1 }));
        let none = one.with_one_taken().unwrap();
        assert_eq!((none.places, none.taken), (Places::Exactly { left: 0 }, 1));
        assert_eq!(none.with_one_taken(), None);
        assert_eq!(all.invitation(digest, (0, Places::Any)).with_one_taken().unwrap().places, Places::Any);
        let gone = one.withdrawn(Withdrawal::BackupRestored).unwrap();
        assert_eq!(gone.withdrawn(Withdrawal::ByUser), None);
    }

    #[test]
    fn e04_an_invitation_written_by_this_release_is_read_by_every_later_one() {
        let digest = "a".repeat(64);
        let text = format!(
            r#"{{"digest":"{digest}","by":"u@example","registration":"r-1","index":0,"means":"pin","places":{{"exactly":{{"left":2}}}},
            "taken":1,"made_at":1,"expires_at":2,"state":{{"withdrawn":"backup-restored"}}}}"#
        );
        let read: Invitation = serde_json::from_str(&text).unwrap();
        assert_eq!(read.state, InvitationState::Withdrawn(Withdrawal::BackupRestored));
        let text = r#"{"id":"r-1","user":"u@example","made_at":1,"expires_at":2,
            "entries":[{"address":"192.0.2.1","invitation":0}],"mode":{"shared":{"places":3}},"means":"pin","pin_length":26}"#;
        assert_eq!(serde_json::from_str::<Registration>(text).unwrap().places(), [Places::Exactly { left: 3 }]);
    }
}
