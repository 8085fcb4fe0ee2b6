//! Whether a device is let in: one pure function over the rows that it concerns.

use super::enrolled::{Ended, Enrolled, Issued, Standing};
use super::invitation::{AnyNumber, Invitation, InvitationState, Means, Places};
use super::pin::EnrollmentKey;
use super::refusal::Refusal;
use super::{ConnectionRequest, Credential};
use crate::id::DeviceId;
use crate::time::Timestamp;
use std::time::Duration;

/// How long after it took its place a device may ask again although its invitation has expired: longer than a device
/// keeps trying (see [`super::device::PATIENCE`]), with room for clocks that run apart.
pub const RETRY_FOR: Duration = Duration::from_secs(24 * 3600);

/// What is known under the digest that a request shows.
#[derive(Clone, Debug)]
pub struct Known {
    /// The row's version.
    pub version: u64,
    /// The invitation.
    pub invitation: Invitation,
    /// For an invitation by key, the key: it can't be verified from its digest. Without it nothing is proved.
    pub key: Option<EnrollmentKey>,
}

/// Who has the node ID that a request names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// A device that came in.
    Device(DeviceId),
    /// Some other node.
    Node,
}

/// What the operator decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Whether invitations may be for any number of devices.
    pub any: AnyNumber,
    /// How long a device may ask again although its invitation has expired; [`RETRY_FOR`] unless there is reason.
    pub retry_for: Duration,
}

/// How a request is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The device is let in, once all of this is committed together.
    Granted(Box<Granted>),
    /// It isn't, and nothing changes.
    Refused(Refusal),
}

/// What letting a device in changes, in one commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Granted {
    /// The invitation with one place less, and the version that it must have now; `None` when the device has its place.
    pub next_invitation: Option<(u64, Invitation)>,
    /// The version that the device's row must have now, or that there must be none, and the row afterwards.
    pub next_enrolled: (Option<u64>, Enrolled),
    /// What was issued before and ends. Whoever gives out the node ID expects to find what [`Holder`] said.
    pub ends: Option<Ended>,
}

/// Decides about a request.
///
/// `known` is what is stored under the digest that the request shows, `enrolled` the device's row with its version,
/// `holder` who has the node ID now, `fresh` what the device is to get, made for this request alone. All that it says about
/// a device is said to who showed a good PIN or key only.
#[must_use]
pub fn decide(
    request: &ConnectionRequest,
    known: Option<&Known>,
    enrolled: Option<&(u64, Enrolled)>,
    holder: &Holder,
    fresh: Issued,
    policy: &Policy,
    now: Timestamp,
) -> Decision {
    let considered = Considered { request, enrolled, holder, policy, now };
    match considered.grant(known, fresh) {
        Ok(granted) => Decision::Granted(Box::new(granted)),
        Err(refusal) => Decision::Refused(refusal),
    }
}

struct Considered<'a> {
    request: &'a ConnectionRequest,
    enrolled: Option<&'a (u64, Enrolled)>,
    holder: &'a Holder,
    policy: &'a Policy,
    now: Timestamp,
}

impl Considered<'_> {
    fn grant(&self, known: Option<&Known>, fresh: Issued) -> Result<Granted, Refusal> {
        let request = self.request;
        let known = shown(request, known).ok_or(Refusal::Unknown)?;
        let invitation = &known.invitation;
        let row = self.enrolled.map(|(_, row)| row);
        self.check_invitation(invitation)?;
        self.check_row(invitation, row)?;
        match self.holder {
            Holder::Node => return Err(Refusal::NodeTaken),
            Holder::Device(device) if *device != request.device => return Err(Refusal::NodeTaken),
            Holder::Device(_) | Holder::Nobody => {}
        }
        let same_key = row.filter(|row| row.key == request.key);
        let placed = same_key.filter(|row| self.has_its_place(row, invitation));
        let next_invitation = match placed {
            Some(_) => None,
            None => Some((known.version, self.with_one_taken(invitation)?)),
        };
        let next = Enrolled {
            device: request.device.clone(),
            node: request.node.clone(),
            owner: invitation.by.clone(),
            key: request.key.clone(),
            invitation: invitation.digest.clone(),
            attempt: request.attempt.unwrap_or(same_key.map_or(0, |row| row.attempt)),
            issued: fresh,
            former: None,
            at: placed.map_or(self.now, |row| row.at),
            state: Standing::Connected,
            through: None,
        };
        let next_enrolled = (self.enrolled.map(|(version, _)| *version), next);
        Ok(Granted { next_invitation, next_enrolled, ends: row.and_then(Enrolled::living) })
    }

    fn check_invitation(&self, invitation: &Invitation) -> Result<(), Refusal> {
        if let InvitationState::Withdrawn(why) = invitation.state {
            return Err(Refusal::Withdrawn { why });
        }
        if self.request.user.as_ref().is_some_and(|user| *user != invitation.by) {
            return Err(Refusal::OtherUser);
        }
        match &self.request.proof {
            // Who saw the proof could show it again, and get the token.
            Credential::Key { .. } if self.request.attempt.is_none() => Err(Refusal::AttemptMissing),
            Credential::Key { .. } | Credential::Pin(_) => Ok(()),
        }
    }

    fn check_row(&self, invitation: &Invitation, row: Option<&Enrolled>) -> Result<(), Refusal> {
        let Some(row) = row else { return Ok(()) };
        let same_owner = row.owner == invitation.by;
        let same_key = row.key == self.request.key;
        match row.state {
            Standing::Barred { .. } => return Err(Refusal::Barred),
            Standing::Connected | Standing::MayReturn { .. } if !same_owner => return Err(Refusal::OthersDevice),
            Standing::Connected if !same_key => return Err(Refusal::AlreadyConnected),
            Standing::Connected | Standing::MayReturn { .. } | Standing::Released { .. } => {}
        }
        // Whatever became of the device since, what it sent before is late.
        let late = same_key && self.request.attempt.is_some_and(|attempt| attempt <= row.attempt);
        if late { Err(Refusal::Stale) } else { Ok(()) }
    }

    /// Whether the device came in by this invitation, with this key, and only asks again. One that was let return or
    /// released begins anew: who has its old key and an old PIN gets nothing for them.
    fn has_its_place(&self, row: &Enrolled, invitation: &Invitation) -> bool {
        let in_time = self.now < invitation.expires_at || self.now.since(row.at) < self.policy.retry_for;
        row.state == Standing::Connected && row.invitation == invitation.digest && in_time
    }

    fn with_one_taken(&self, invitation: &Invitation) -> Result<Invitation, Refusal> {
        if invitation.expires_at <= self.now {
            return Err(Refusal::Expired);
        }
        if invitation.places == Places::Any && self.policy.any == AnyNumber::Refused {
            return Err(Refusal::NotAllowed);
        }
        invitation.with_one_taken().ok_or(Refusal::Spent)
    }
}

/// What is known, if the request shows it indeed. A key that nobody knows takes the work of one that somebody does.
fn shown<'a>(request: &ConnectionRequest, known: Option<&'a Known>) -> Option<&'a Known> {
    match &request.proof {
        Credential::Pin(pin) => {
            let digest = pin.digest();
            known.filter(|known| known.invitation.means == Means::Pin && known.invitation.digest == digest)
        }
        Credential::Key { id, mac } => {
            let by_key = known.filter(|known| known.invitation.means == Means::Key && known.invitation.digest == *id);
            let nobodys = EnrollmentKey::from_bytes([0; 32]);
            let (key, real) = match by_key.and_then(|known| known.key.as_ref()) {
                Some(key) => (key, true),
                None => (&nobodys, false),
            };
            let proved = key.proves(&request.claim(), mac) & (key.id() == *id) & real;
            by_key.filter(|_| proved)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::TokenDigest;
    use crate::enrollment::invitation::Withdrawal;
    use crate::enrollment::pin::Pin;
    use crate::id::KeyFingerprint;

    const NOW: Timestamp = Timestamp(1_000);
    const END: Timestamp = Timestamp(2_000);

    fn pin() -> Pin {
        "0123ABCD".parse().unwrap()
    }

    fn fresh(n: u8) -> Issued {
        Issued { token: TokenDigest::of(&n.to_string()), serial: format!("{n:02x}").parse().unwrap(), public_key: None }
    }

    fn known(places: Places) -> Known {
        let invitation = Invitation {
            digest: pin().digest(),
            by: "u@example".parse().unwrap(),
            registration: "r-1".parse().unwrap(),
            index: 0,
            means: Means::Pin,
            places,
            taken: 0,
            made_at: Timestamp(0),
            expires_at: END,
            state: InvitationState::Alive,
        };
        Known { version: 3, invitation, key: None }
    }

    fn one() -> Known {
        known(Places::Exactly { left: 1 })
    }

    fn request() -> ConnectionRequest {
        ConnectionRequest {
            device: "A1".parse().unwrap(),
            node: "mfp-1".parse().unwrap(),
            proof: Credential::Pin(pin()),
            user: None,
            key: KeyFingerprint::of(b"key"),
            attempt: Some(1),
        }
    }

    /// A case: a request and what it finds.
    struct Case {
        request: ConnectionRequest,
        known: Option<Known>,
        enrolled: Option<(u64, Enrolled)>,
        holder: Holder,
        any: AnyNumber,
        now: Timestamp,
    }

    fn case() -> Case {
        let (known, enrolled, holder) = (Some(one()), None, Holder::Nobody);
        Case { request: request(), known, enrolled, holder, any: AnyNumber::Refused, now: NOW }
    }

    /// The device connected by the invitation's only place; the next request is its second.
    fn connected() -> Case {
        let granted = case().granted();
        let known = Some(Known { version: 4, invitation: granted.next_invitation.unwrap().1, key: None });
        let holder = Holder::Device(request().device);
        let request = ConnectionRequest { attempt: Some(2), ..request() };
        Case { request, known, enrolled: Some((5, granted.next_enrolled.1)), holder, ..case() }
    }

    impl Case {
        fn decide(&self) -> Decision {
            let policy = Policy { any: self.any, retry_for: RETRY_FOR };
            let (known, enrolled) = (self.known.as_ref(), self.enrolled.as_ref());
            decide(&self.request, known, enrolled, &self.holder, fresh(2), &policy, self.now)
        }

        fn granted(&self) -> Granted {
            match self.decide() {
                Decision::Granted(granted) => *granted,
                Decision::Refused(why) => panic!("{why}"),
            }
        }

        fn refused(&self) -> Refusal {
            match self.decide() {
                Decision::Refused(why) => why,
                Decision::Granted(granted) => panic!("{granted:?}"),
            }
        }

        fn standing(mut self, state: Standing) -> Self {
            self.enrolled.as_mut().unwrap().1.state = state;
            self
        }

        /// With another invitation, of this user.
        fn invited_anew(mut self, by: &str) -> Self {
            let anew: Pin = "ANEW".parse().unwrap();
            let mut known = one();
            known.invitation = Invitation { digest: anew.digest(), by: by.parse().unwrap(), ..known.invitation };
            self.request.proof = Credential::Pin(anew);
            Self { known: Some(known), ..self }
        }
    }

    #[test]
    fn e07_a_device_takes_a_place_and_gets_what_was_made_for_it() {
        let granted = case().granted();
        let (version, invitation) = granted.next_invitation.unwrap();
        assert_eq!((version, invitation.places, invitation.taken), (3, Places::Exactly { left: 0 }, 1));
        let (expect, row) = granted.next_enrolled;
        assert_eq!((expect, row.owner.as_str(), row.attempt, &row.issued), (None, "u@example", 1, &fresh(2)));
        assert_eq!(granted.ends, None);
    }

    #[test]
    fn e07_what_nobody_knows_is_refused_and_so_is_what_belongs_to_another_digest() {
        assert_eq!(Case { known: None, ..case() }.refused(), Refusal::Unknown);
        let mut swapped = case();
        swapped.request.proof = Credential::Pin("0123ABCE".parse().unwrap());
        assert_eq!(swapped.refused(), Refusal::Unknown);
        let mut by_key = case();
        by_key.known.as_mut().unwrap().invitation.means = Means::Key;
        assert_eq!(by_key.refused(), Refusal::Unknown);
    }

    #[test]
    fn e07_each_refusal_says_why() {
        let none_left = Some(known(Places::Exactly { left: 0 }));
        assert_eq!(Case { known: none_left, ..case() }.refused(), Refusal::Spent);
        assert_eq!(Case { now: END, ..case() }.refused(), Refusal::Expired);
        let mut other = case();
        other.request.user = Some("v@example".parse().unwrap());
        assert_eq!(other.refused(), Refusal::OtherUser);
        other.request.user = Some("u@example".parse().unwrap());
        other.granted();
        for why in [Withdrawal::ByUser, Withdrawal::BackupRestored] {
            let mut withdrawn = connected();
            withdrawn.known.as_mut().unwrap().invitation.state = InvitationState::Withdrawn(why);
            assert_eq!(withdrawn.refused(), Refusal::Withdrawn { why }, "asking again included");
        }
        let any = Case { known: Some(known(Places::Any)), ..case() };
        assert_eq!(any.refused(), Refusal::NotAllowed);
        let allowed = Case { any: AnyNumber::Allowed, ..any };
        assert_eq!(allowed.granted().next_invitation.unwrap().1.taken, 1);
    }

    #[test]
    fn e07_a_node_id_is_nobody_elses() {
        assert_eq!(Case { holder: Holder::Node, ..case() }.refused(), Refusal::NodeTaken);
        let other = Holder::Device("B2".parse().unwrap());
        assert_eq!(Case { holder: other, ..case() }.refused(), Refusal::NodeTaken);
        Case { holder: Holder::Device(request().device), ..case() }.granted();
    }

    #[test]
    fn e07_asking_again_takes_no_place_and_ends_what_was_issued_before() {
        let again = connected();
        let before = again.enrolled.clone().unwrap().1;
        for now in [NOW, END, NOW.plus(RETRY_FOR - Duration::from_millis(1))] {
            let granted = Case { now, ..connected() }.granted();
            assert_eq!(granted.next_invitation, None);
            assert_eq!(granted.next_enrolled.0, Some(5));
            assert_eq!((granted.next_enrolled.1.attempt, granted.next_enrolled.1.at), (2, NOW));
            assert_eq!(granted.ends, before.living());
        }
        assert_eq!(
            Case { now: NOW.plus(RETRY_FOR), ..connected() }.refused(),
            Refusal::Expired,
            "an old PIN is no key"
        );
        let mut uncounted = connected();
        uncounted.request.attempt = None;
        assert_eq!(uncounted.granted().next_enrolled.1.attempt, 1, "the count goes on");
    }

    #[test]
    fn e07_what_comes_late_ends_nothing() {
        for state in [Standing::Connected, Standing::MayReturn { since: NOW }, Standing::Released { since: NOW }] {
            let mut late = connected().standing(state);
            late.request.attempt = Some(1);
            assert_eq!(late.refused(), Refusal::Stale);
            assert_eq!(late.invited_anew("u@example").refused(), Refusal::Stale);
        }
    }

    #[test]
    fn e07_another_pin_of_the_same_owner_takes_its_place() {
        let granted = connected().invited_anew("u@example").granted();
        assert_eq!(granted.next_invitation.unwrap().1.places, Places::Exactly { left: 0 });
        assert!(granted.ends.is_some());
    }

    #[test]
    fn e07_who_has_the_device_id_and_not_the_key_waits_for_the_owner() {
        let reset = |case: Case| {
            let request = ConnectionRequest { key: KeyFingerprint::of(b"after"), attempt: Some(1), ..case.request };
            Case { request, ..case }
        };
        assert_eq!(reset(connected()).refused(), Refusal::AlreadyConnected);
        let may = |case: Case| case.standing(Standing::MayReturn { since: NOW });
        let back = reset(may(connected()).invited_anew("u@example")).granted();
        assert_eq!((back.ends, back.next_enrolled.1.attempt), (None, 1));
        assert_eq!(reset(may(connected())).refused(), Refusal::Spent, "its place was taken by the key before");
        assert_eq!(may(connected()).refused(), Refusal::Spent, "and the old key with the old PIN is no way back");
    }

    #[test]
    fn e07_another_owner_waits_for_the_release_and_nobody_passes_a_bar() {
        let others = || connected().invited_anew("v@example");
        assert_eq!(others().refused(), Refusal::OthersDevice);
        assert_eq!(others().standing(Standing::MayReturn { since: NOW }).refused(), Refusal::OthersDevice);
        let released = others().standing(Standing::Released { since: NOW }).granted();
        assert_eq!((released.next_enrolled.1.owner.as_str(), released.ends), ("v@example", None));
        let barred = Standing::Barred { since: NOW, why: "lost".into() };
        assert_eq!(connected().standing(barred.clone()).refused(), Refusal::Barred);
        assert_eq!(others().standing(barred).refused(), Refusal::Barred);
    }

    #[test]
    fn e13_a_key_lets_in_who_proves_it_for_this_very_request() {
        let key = EnrollmentKey::from_bytes([1; 32]);
        let by_key = || {
            let mut case = case();
            let known = case.known.as_mut().unwrap();
            (known.invitation.means, known.invitation.digest) = (Means::Key, key.id());
            known.key = Some(key.clone());
            case.request.proof = Credential::Key { id: key.id(), mac: key.proof(&case.request.claim()) };
            case
        };
        by_key().granted();
        let mut forgotten = by_key();
        forgotten.known.as_mut().unwrap().key = None;
        assert_eq!(forgotten.refused(), Refusal::Unknown);
        let mut anothers = by_key();
        anothers.known.as_mut().unwrap().key = Some(EnrollmentKey::from_bytes([2; 32]));
        assert_eq!(anothers.refused(), Refusal::Unknown);
        let mut replayed = by_key();
        replayed.request.key = KeyFingerprint::of(b"thief");
        assert_eq!(replayed.refused(), Refusal::Unknown);
        let mut nobodys = by_key();
        let zero = EnrollmentKey::from_bytes([0; 32]);
        nobodys.request.proof = Credential::Key { id: zero.id(), mac: zero.proof(&nobodys.request.claim()) };
        assert_eq!(Case { known: None, ..nobodys }.refused(), Refusal::Unknown);
        let mut uncounted = by_key();
        uncounted.request.attempt = None;
        let mac = key.proof(&uncounted.request.claim());
        uncounted.request.proof = Credential::Key { id: key.id(), mac };
        assert_eq!(uncounted.refused(), Refusal::AttemptMissing);
    }
}
