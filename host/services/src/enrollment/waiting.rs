//! The places that wait for devices, in memory: how many each user has, and how many are behind typed PINs. It follows every
//! commit.

use super::register::is_typed;
use hostler_core::changes::Change;
use hostler_core::enrollment::{Invitation, InvitationState, Places, Registration};
use hostler_core::{RegistrationId, Timestamp, UserName};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// How many places wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct PlacesWaiting {
    /// A user's.
    pub(super) own: u64,
    /// Everybody's behind typed PINs.
    pub(super) typed: u64,
}

#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<RegistrationId, Row>>);

#[derive(Default)]
struct Row {
    /// Whose it is, when it ends and whether its PINs are typed; `None` until that is known.
    about: Option<(UserName, Timestamp, bool)>,
    /// The places of each of its invitations that has any.
    places: BTreeMap<u32, u64>,
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

    /// What waits now.
    pub(super) fn count(&self, user: &UserName, now: Timestamp) -> PlacesWaiting {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = PlacesWaiting::default();
        for Row { about, places } in rows.values() {
            let Some((whose, _, typed)) = about.as_ref().filter(|(_, ends, _)| *ends > now) else { continue };
            let places: u64 = places.values().sum();
            count.own += if whose == user { places } else { 0 };
            count.typed += if *typed { places } else { 0 };
        }
        count
    }
}

fn put_registration(rows: &mut HashMap<RegistrationId, Row>, registration: &Registration) {
    let about = (registration.user.clone(), registration.expires_at, is_typed(&registration.terms));
    rows.entry(registration.id.clone()).or_default().about = Some(about);
}

fn put_invitation(rows: &mut HashMap<RegistrationId, Row>, invitation: &Invitation) {
    let of = &mut rows.entry(invitation.registration.clone()).or_default().places;
    match places(invitation) {
        0 => _ = of.remove(&invitation.index),
        some => _ = of.insert(invitation.index, some),
    }
}
