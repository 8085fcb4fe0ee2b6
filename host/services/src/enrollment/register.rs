//! A user's registrations: many addresses at once, a PIN or key for each or one for several, and how far each is.

use super::waiting::stored;
use super::{Enrollment, broken};
use crate::error::ServiceError;
use crate::need;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::addresses::{Address, Addresses, Network};
use hostler_core::enrollment::pin::{DELIVERED_LENGTH, GUESSES_A_DAY, LUCK, typed_length};
use hostler_core::enrollment::{
    Invitation, InvitationState, Means, Mode, Pin, PinDigest, Places, Registration, Standing, Terms, Withdrawal,
};
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{DeviceId, NodeId, RegistrationId, Timestamp, UserName};
use hostler_engine::now;
use hostler_store::{StoreError, Versioned};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::time::Duration;
use utoipa::ToSchema;

/// So many places behind typed PINs may wait at a time, of all users, for the length to hold.
pub(super) const TYPED_PLACES: u64 = 10_000;
/// So many places of one user may wait at a time.
pub(super) const PLACES_OF_ONE: u64 = 100_000;
/// So much is stored for one user at a time, with what ended and is kept: addresses, or PINs where these are more.
pub(super) const STORED_OF_ONE: u64 = 200_000;
/// So many registrations of one user who has the right to their own devices only.
pub(super) const REGISTRATIONS_OF_ONE: u64 = 1_000;
/// Invitations that are withdrawn in one commit, and how often that is begun anew for those that changed meanwhile.
const AT_A_TIME: usize = 200;
const WITHDRAWALS: u32 = 50;

/// How devices share PINs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// One for each.
    #[default]
    Each,
    /// One for so many.
    Shared(u32),
    /// One for any number, where that is allowed.
    Any,
}

/// Devices that a user wants to register.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRegistration {
    /// Their addresses, IP or host names, between spaces, commas or line ends. With a PIN for several there may be none.
    #[serde(default)]
    pub addresses: String,
    /// How they share PINs.
    #[serde(default)]
    pub sharing: Sharing,
    /// Whether they get keys, which they prove and never send, instead of PINs.
    #[serde(default)]
    pub keys: bool,
    /// Whether the PINs are typed by people: shorter then, and slowed.
    #[serde(default)]
    pub typed: bool,
    /// How many hours they live; a day where not said.
    #[serde(default)]
    pub hours: Option<u32>,
}

/// What was given as an address and isn't one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Refused {
    /// Its line, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
    /// Why it wasn't taken.
    pub why: String,
}

/// How far one device of a registration is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum EntryState {
    /// Its PIN wasn't used yet.
    Waiting,
    /// It came in.
    Connected {
        /// Which device it is.
        device: DeviceId,
        /// Its node.
        node: NodeId,
        /// When.
        at: Timestamp,
    },
    /// It came in once, and isn't let in any more.
    Ended {
        /// Which device it is.
        device: DeviceId,
    },
    /// The last that came with its PIN wasn't let in.
    Refused {
        /// Which device it was.
        device: DeviceId,
        /// Why, for people.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// Its PIN was used, by a device that came in by another one since.
    Used,
    /// Its time is over.
    Expired,
    /// It was withdrawn.
    Withdrawn {
        /// Why, for people.
        why: &'static str,
    },
}

/// One address of a registration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// The address, as it was given.
    pub address: String,
    /// What carries the PIN to the device when a browser in its network opens it. Only for who made the registration, and
    /// only while it helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether the address is a public one: the PIN leaves the user's network then.
    pub public: bool,
    /// How far it is; where several share a PIN nobody knows which address came in, and it is that of the PIN.
    #[serde(flatten)]
    pub state: EntryState,
}

/// A PIN that several devices share.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct SharedView {
    /// How many more may come in; `None` for any number.
    pub left: Option<u32>,
    /// How many came in.
    pub taken: u32,
    /// Those that did.
    pub devices: Vec<DeviceId>,
}

/// A registration, in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Summary {
    /// Which.
    pub id: RegistrationId,
    /// Whose.
    pub user: UserName,
    /// When it was made.
    pub made_at: Timestamp,
    /// When its PINs end.
    pub expires_at: Timestamp,
    /// How many addresses it has.
    pub addresses: usize,
    /// How many devices came in by it.
    pub connected: usize,
}

/// A registration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct RegistrationView {
    /// What lists say of it.
    #[serde(flatten)]
    pub summary: Summary,
    /// Its addresses, in the order in which they were given.
    pub entries: Vec<EntryView>,
    /// The PIN that several share, where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedView>,
    /// The PINs or keys themselves, in order: one for each entry, or one for all. Only for who made the registration, and
    /// only while they help; `null` for one that doesn't.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Option<String>>,
    /// Whether they are keys.
    pub keys: bool,
    /// How many characters each PIN has, where PINs are typed: it follows from the guesses that are let through and from how
    /// long they live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_length: Option<usize>,
    /// What was given as an address and wasn't taken; for who made the registration, and for a while only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
}

impl Enrollment {
    /// Registers devices: makes their PINs or keys. What isn't an address is said beside those that were taken.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when nothing of it can be, or policy doesn't allow it; [`ServiceError::Conflict`] when too
    /// many wait already.
    pub async fn register(&self, viewer: &Viewer, new: NewRegistration) -> Result<RegistrationView, ServiceError> {
        need(viewer, Right::Own)?;
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3_600);
        let lives = new.hours.map_or_else(|| hours(24).min(self.rules.longest), hours);
        if lives.is_zero() || lives > self.rules.longest {
            let most = self.rules.longest.as_secs() / 3_600;
            return Err(ServiceError::Invalid(format!("PINs live 1 to {most} hours here")));
        }
        let given = Addresses::parse(&new.addresses, self.rules.loopback);
        let refused: Vec<Refused> = given
            .refused
            .into_iter()
            .map(|refused| Refused { line: refused.line, text: refused.text, why: refused.why.to_string() })
            .collect();
        if let (true, Some(first)) = (given.taken.is_empty(), refused.first()) {
            return Err(ServiceError::Invalid(format!("line {}: {:?}: {}", first.line, first.text, first.why)));
        }
        let mode = match new.sharing {
            Sharing::Each => Mode::OneEach,
            Sharing::Shared(places) => Mode::Shared { places },
            Sharing::Any => Mode::Any,
        };
        let days = lives.as_secs().div_ceil(86_400);
        let pin_length = if new.typed && !new.keys {
            typed_length(GUESSES_A_DAY * days, TYPED_PLACES, LUCK)
        } else {
            DELIVERED_LENGTH
        };
        let terms = Terms { mode, means: if new.keys { Means::Key } else { Means::Pin }, pin_length };
        let who = (random_id()?, viewer.user.clone());
        let times = (now(), now().plus(lives));
        let registration = Registration::new(who, given.taken, terms, self.rules.any, times)
            .map_err(|why| ServiceError::Invalid(why.to_string()))?;
        let id = registration.id.clone();
        let _registering = self.registering.lock().await;
        self.check_places(viewer, &registration)?;
        let mut changes = Changes::none();
        for (index, places) in (0..).zip(registration.places()) {
            let digest = self.secret(&registration, index)?.digest();
            let value = Some(Box::new(registration.invitation(digest.clone(), (index, places))));
            changes = changes.and(Change::Invitation { digest, expect: Expect::Absent, value });
        }
        let value = Some(Box::new(registration));
        self.store.commit(changes.and(Change::Registration { id: id.clone(), expect: Expect::Absent, value })).await?;
        self.mistakes.remember(id.clone(), refused);
        self.registration(viewer, &id)
    }

    /// Refuses a registration with which more places would wait than may, or more would be stored.
    fn check_places(&self, viewer: &Viewer, registration: &Registration) -> Result<(), ServiceError> {
        let more = registration.places().into_iter().map(|places| match places {
            Places::Exactly { left } => u64::from(left),
            Places::Any => 1,
        });
        let (more, waiting) = (more.sum::<u64>(), self.waiting.count(&registration.user, registration.made_at));
        if waiting.own + more > PLACES_OF_ONE {
            return Err(ServiceError::Conflict(format!(
                "{} devices of yours are waited for already, and {more} more would be more than the {PLACES_OF_ONE} that \
                 may be; withdraw a registration that you don't need any more, or wait until one expires",
                waiting.own
            )));
        }
        if is_typed(&registration.terms) && waiting.typed + more > TYPED_PLACES {
            return Err(ServiceError::Conflict(format!(
                "{} devices are waited for by PINs that are typed, and {more} more would be more than the {TYPED_PLACES} \
                 that may be, or such PINs could be guessed; take PINs that are clicked or delivered, or keys",
                waiting.typed
            )));
        }
        // What was withdrawn is stored for long yet.
        let days = self.rules.keep.as_secs().div_ceil(86_400);
        let forgotten = format!(
            "those that ended count too; they are forgotten {days} days after their time, but for those by which devices are \
             connected"
        );
        let stored = stored(registration);
        if waiting.stored + stored > STORED_OF_ONE {
            return Err(ServiceError::Conflict(format!(
                "{} addresses and PINs of yours are stored already, and {stored} more would be more than the \
                 {STORED_OF_ONE} that may be; {forgotten}",
                waiting.stored
            )));
        }
        if viewer.right == Right::Own && waiting.registrations >= REGISTRATIONS_OF_ONE {
            return Err(ServiceError::Conflict(format!(
                "you have {} registrations already, and no more may be; {forgotten}. Register more addresses at once",
                waiting.registrations
            )));
        }
        Ok(())
    }

    /// A user's registrations, or everybody's for an administrator; the newest first. Only those that are wanted, counted
    /// from 0: how far one is takes as long to find out as it has addresses.
    ///
    /// # Errors
    /// The store's.
    pub fn registrations(&self, viewer: &Viewer, wanted: Range<usize>) -> Result<Vec<Summary>, ServiceError> {
        let mut rows = self.store.registrations()?;
        rows.retain(|row| sees(viewer, &row.value));
        rows.sort_by_key(|row| std::cmp::Reverse(row.value.made_at));
        let shown = rows.iter().skip(wanted.start).take(wanted.len());
        shown.map(|row| Ok(summary(&row.value, &self.invitations(&row.value)?))).collect()
    }

    /// One registration. Its PINs are shown to whoever made it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], also for who may not see it.
    pub fn registration(&self, viewer: &Viewer, id: &RegistrationId) -> Result<RegistrationView, ServiceError> {
        let registration = self.known(viewer, id)?.value;
        let invitations = self.invitations(&registration)?;
        let now = now();
        let states: Vec<EntryState> = invitations.iter().map(|invitation| self.state(invitation, now)).collect();
        let secrets = if viewer.user == registration.user {
            let secret = |invitation: &Invitation| {
                let secret = self.secret(&registration, invitation.index)?;
                let shown = helps(invitation, now) && secret.digest() == invitation.digest;
                Ok(shown.then(|| secret.said()))
            };
            invitations.iter().map(secret).collect::<Result<Vec<_>, ServiceError>>()?
        } else {
            Vec::new()
        };
        let keys = registration.terms.means == Means::Key;
        let entry = |entry: &hostler_core::enrollment::Entry| {
            let at = entry.invitation as usize;
            let pin = secrets.get(at).and_then(Option::as_ref).filter(|_| !keys);
            EntryView {
                address: entry.address.to_string(),
                url: pin.map(|pin| self.url(&entry.address, pin)),
                public: entry.address.network() == Network::Public,
                state: states.get(at).cloned().unwrap_or(EntryState::Expired),
            }
        };
        let shared = match (registration.terms.mode, invitations.first()) {
            (Mode::Shared { .. } | Mode::Any, Some(invitation)) => Some(self.shared(invitation)),
            _ => None,
        };
        Ok(RegistrationView {
            summary: summary(&registration, &invitations),
            entries: registration.entries.iter().map(entry).collect(),
            shared,
            secrets,
            keys,
            pin_length: is_typed(&registration.terms).then_some(registration.terms.pin_length),
            refused: if viewer.user == registration.user { self.mistakes.of(id) } else { Vec::new() },
        })
    }

    /// Makes the PINs of a registration good for nothing any more. The devices that came in by it stay.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], also for who may not see it.
    pub async fn withdraw(&self, viewer: &Viewer, id: &RegistrationId) -> Result<(), ServiceError> {
        self.known(viewer, id)?;
        // By a few at a time, so that a device which comes in meanwhile doesn't undo it all.
        for _ in 0..WITHDRAWALS {
            let alive = |row: &Versioned<Invitation>| row.value.state == InvitationState::Alive;
            let rows: Vec<_> = self.store.invitations_of(id)?.into_iter().filter(alive).collect();
            if rows.is_empty() {
                return Ok(());
            }
            for few in rows.chunks(AT_A_TIME) {
                let changes = few.iter().filter_map(|row| {
                    let value = Some(Box::new(row.value.withdrawn(Withdrawal::ByUser)?));
                    let (digest, expect) = (row.value.digest.clone(), Expect::Version(row.version));
                    Some(Change::Invitation { digest, expect, value })
                });
                match self.store.commit(changes.collect()).await {
                    Ok(()) | Err(StoreError::Conflict { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let why = "devices come in by these PINs all the time; withdraw them again";
        Err(ServiceError::Conflict(why.to_owned()))
    }

    fn known(&self, viewer: &Viewer, id: &RegistrationId) -> Result<Versioned<Registration>, ServiceError> {
        let row = self.store.registration(id)?.filter(|row| sees(viewer, &row.value));
        row.ok_or_else(|| ServiceError::NotFound(format!("there is no registration {id}")))
    }

    fn digests(&self, registration: &Registration) -> Result<Vec<PinDigest>, ServiceError> {
        let count = registration.places().len();
        (0..).take(count).map(|index| Ok(self.secret(registration, index)?.digest())).collect()
    }

    fn invitations(&self, registration: &Registration) -> Result<Vec<Invitation>, ServiceError> {
        let rows: Option<Vec<_>> = self.store.invitations(&self.digests(registration)?)?.into_iter().collect();
        // With another secret than the one that they were made from, they are found by looking at all.
        let rows = rows.map_or_else(|| self.store.invitations_of(&registration.id), Ok)?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    fn secret(&self, registration: &Registration, index: u32) -> Result<Given, ServiceError> {
        let Terms { means, pin_length, .. } = registration.terms;
        let given = match means {
            Means::Pin => self.seed.pin(&registration.id, index, pin_length).map(Given::Pin),
            Means::Key => self.seed.key(&registration.id, index).map(Given::Key),
        };
        given.ok_or_else(|| broken(&"no PIN follows from the secret"))
    }

    fn state(&self, invitation: &Invitation, now: Timestamp) -> EntryState {
        if let Some(row) = self.roll.came_by(&invitation.digest).pop() {
            return match row.state {
                Standing::Connected => EntryState::Connected { device: row.device, node: row.node, at: row.at },
                _ => EntryState::Ended { device: row.device },
            };
        }
        match invitation.state {
            InvitationState::Withdrawn(Withdrawal::ByUser) => EntryState::Withdrawn { why: "withdrawn" },
            InvitationState::Withdrawn(Withdrawal::BackupRestored) => {
                EntryState::Withdrawn { why: "ended when a backup was put back" }
            }
            InvitationState::Alive if invitation.places == (Places::Exactly { left: 0 }) => EntryState::Used,
            InvitationState::Alive if invitation.expires_at <= now => EntryState::Expired,
            InvitationState::Alive => match self.last_refused(&invitation.digest) {
                Some(last) => EntryState::Refused { device: last.device, why: last.why.to_string(), at: last.at },
                None => EntryState::Waiting,
            },
        }
    }

    fn shared(&self, invitation: &Invitation) -> SharedView {
        let left = match invitation.places {
            Places::Exactly { left } => Some(left),
            Places::Any => None,
        };
        let devices = self.roll.came_by(&invitation.digest).into_iter().map(|row| row.device).collect();
        SharedView { left, taken: invitation.taken, devices }
    }

    /// The URL that makes a browser carry a PIN to a device.
    fn url(&self, address: &Address, pin: &str) -> String {
        let host = address.url_host();
        match self.rules.port {
            80 => format!("http://{host}/enroll?pin={pin}"),
            port => format!("http://{host}:{port}/enroll?pin={pin}"),
        }
    }
}

/// What a user is given for a device.
enum Given {
    Pin(Pin),
    Key(hostler_core::enrollment::EnrollmentKey),
}

impl Given {
    fn digest(&self) -> PinDigest {
        match self {
            Self::Pin(pin) => pin.digest(),
            Self::Key(key) => key.id(),
        }
    }

    fn said(&self) -> String {
        match self {
            Self::Pin(pin) => pin.expose().to_owned(),
            Self::Key(key) => key.expose().to_string(),
        }
    }
}

/// Whether PINs are for people to type, and so short that they can be guessed.
pub(super) fn is_typed(terms: &Terms) -> bool {
    terms.means == Means::Pin && terms.pin_length < DELIVERED_LENGTH
}

fn sees(viewer: &Viewer, registration: &Registration) -> bool {
    viewer.user == registration.user || viewer.may(Right::Administer)
}

/// Whether an invitation lets anybody in.
fn helps(invitation: &Invitation, now: Timestamp) -> bool {
    let left = !matches!(invitation.places, Places::Exactly { left: 0 });
    invitation.state == InvitationState::Alive && now < invitation.expires_at && left
}

fn summary(registration: &Registration, invitations: &[Invitation]) -> Summary {
    Summary {
        id: registration.id.clone(),
        user: registration.user.clone(),
        made_at: registration.made_at,
        expires_at: registration.expires_at,
        addresses: registration.entries.len(),
        connected: invitations.iter().map(|invitation| invitation.taken as usize).sum(),
    }
}

fn random_id() -> Result<RegistrationId, ServiceError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| broken(&error))?;
    format!("r-{}", hex::encode(bytes)).parse().map_err(|error| broken(&error))
}
