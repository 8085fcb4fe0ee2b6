//! The places that wait for devices, in memory: how many each user has, and how many are behind typed PINs; and how much is
//! stored for each user, ended or not. It follows every commit.

use super::register::is_typed;
use hostler_core::changes::Change;
use hostler_core::enrollment::{Invitation, InvitationState, Places, Registration};
use hostler_core::{RegistrationId, Timestamp, UserName};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// How many places wait, and what is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct PlacesWaiting {
    /// A user's places.
    pub(super) own: u64,
    /// Everybody's places behind typed PINs.
    pub(super) typed: u64,
    /// A user's registrations, those that ended included.
    pub(super) registrations: u64,
    /// How much these store: see [`stored`].
    pub(super) stored: u64,
}

#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<RegistrationId, Row>>);

#[derive(Default)]
struct Row {
    /// `None` until that is known.
    about: Option<About>,
    /// The places of each of its invitations that has any.
    places: BTreeMap<u32, u64>,
}

/// What is known of a registration.
struct About {
    user: UserName,
    expires_at: Timestamp,
    typed: bool,
    stored: u64,
}

/// What a registration stores: its addresses, or its PINs where these are more. Places behind one PIN are no rows.
pub(super) fn stored(registration: &Registration) -> u64 {
    registration.entries.len().max(registration.places().len()) as u64
}

/// The places behind an invitation, whenever it ends. One for any number is one PIN that somebody may guess.
fn places(invitation: &Invitation) -> u64 {
    match (invitation.state, invitation.places) {
        (InvitationState::Withdrawn(_), _) => 0,
        (InvitationState::Alive, Places::Exactly { left }) => left.into(),
        (InvitationState::Alive, Places::Any) => 1,
    }
}

impl Waiting {
    /// Takes what is stored.
    pub(super) fn fill(&self, registrations: &[Registration], invitations: &[Invitation]) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        registrations.iter().for_each(|registration| put_registration(&mut rows, registration));
        invitations.iter().for_each(|invitation| put_invitation(&mut rows, invitation));
    }

    pub(super) fn follow(&self, change: &Change) {
        let mut rows = match change {
            Change::Registration { .. } | Change::Invitation { .. } => {
                self.0.lock().unwrap_or_else(PoisonError::into_inner)
            }
            _ => return,
        };
        match change {
            Change::Registration { value: Some(registration), .. } => put_registration(&mut rows, registration),
            // Its invitations go in the same commit.
            Change::Registration { id, value: None, .. } => _ = rows.remove(id),
            Change::Invitation { value: Some(invitation), .. } => put_invitation(&mut rows, invitation),
            _ => {}
        }
    }

    /// What waits now, and what is stored.
    pub(super) fn count(&self, user: &UserName, now: Timestamp) -> PlacesWaiting {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = PlacesWaiting::default();
        for Row { about, places } in rows.values() {
            let Some(about) = about else { continue };
            let own = about.user == *user;
            if own {
                count.registrations += 1;
                count.stored += about.stored;
            }
            if about.expires_at > now && (own || about.typed) {
                let places: u64 = places.values().sum();
                count.own += if own { places } else { 0 };
                count.typed += if about.typed { places } else { 0 };
            }
        }
        count
    }
}

fn put_registration(rows: &mut HashMap<RegistrationId, Row>, registration: &Registration) {
    let Registration { user, expires_at, terms, .. } = registration;
    let (user, expires_at, typed) = (user.clone(), *expires_at, is_typed(terms));
    let about = About { user, expires_at, typed, stored: stored(registration) };
    rows.entry(registration.id.clone()).or_default().about = Some(about);
}

fn put_invitation(rows: &mut HashMap<RegistrationId, Row>, invitation: &Invitation) {
    let of = &mut rows.entry(invitation.registration.clone()).or_default().places;
    match places(invitation) {
        0 => _ = of.remove(&invitation.index),
        some => _ = of.insert(invitation.index, some),
    }
}
