//! A device that asks to be let in.

use super::{Came, Enrollment, LastRefused, broken};
use crate::authority::AuthorityError;
use crate::error::ServiceError;
use crate::live::LiveEvent;
use crate::tree::{Moved, NotMoved, TRIES};
use hostler_core::access::{Child, TokenDigest};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::Placement;
use hostler_core::enrollment::{
    ConnectionRequest, Credential, Decision, Enrolled, EnrollmentKey, Granted, Holder, Invitation, Issued, Knock,
    Known, Means, PinDigest, Policy, RETRY_FOR, Refusal, Welcome, Withdrawal, decide,
};
use hostler_core::event::Event;
use hostler_core::message::CallsNow;
use hostler_core::reading::Severity;
use hostler_core::routing::as_path;
use hostler_core::{Secret, Serial, Timestamp};
use hostler_engine::now;
use hostler_store::{StoreError, Versioned};
use std::net::IpAddr;
use std::sync::PoisonError;

/// Refusals that are remembered for those who look; when there are more, the oldest is forgotten.
const REMEMBERED: usize = 10_000;

/// Why a device wasn't let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotLetIn {
    /// The manager says no.
    Refused(Refusal),
    /// The request can't be understood, comes too often, or something broke here.
    Failed(ServiceError),
}

impl<E: Into<ServiceError>> From<E> for NotLetIn {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What decides about a request, as it is stored now.
struct Rows {
    known: Option<Known>,
    enrolled: Option<(u64, Enrolled)>,
    child: Option<Versioned<Child>>,
    holder: Holder,
}

impl Enrollment {
    /// Lets a device in, or says why not. One that lost the answer asks again with the same key pair.
    ///
    /// # Errors
    /// [`NotLetIn`]; nothing was changed then.
    pub async fn connect(&self, knock: Knock, from: IpAddr) -> Result<Welcome, NotLetIn> {
        self.come_in(knock, from.into()).await.map(|(welcome, _)| welcome)
    }

    /// The same, however it came; returns also what moved by it.
    pub(super) async fn come_in(&self, knock: Knock, came: Came) -> Result<(Welcome, Moved), NotLetIn> {
        let Knock { connection: request, certificate_request } = knock;
        let tried = self.slow_down(&request, came.clone())?;
        let outcome = self.let_in(&request, &certificate_request, &came).await;
        // Only who had a good PIN, or one that was good, is told so; anything else was a guess.
        let known = match &outcome {
            Ok(_) => true,
            Err(NotLetIn::Refused(why)) => *why != Refusal::Unknown,
            Err(NotLetIn::Failed(_)) => false,
        };
        if let Some(tried) = tried.filter(|_| known) {
            self.guesses.take_back(tried);
        }
        if let Err(why) = &outcome {
            self.say(&request, why, &came);
        }
        outcome
    }

    async fn let_in(
        &self,
        request: &ConnectionRequest,
        certificate_request: &str,
        came: &Came,
    ) -> Result<(Welcome, Moved), NotLetIn> {
        let signed = pem::parse(certificate_request).map_err(|_| no_certificate_request())?;
        // Many devices with one PIN take its places one after the other, instead of all but one in vain.
        let turn = self.turns.of(&request.proof.digest());
        let _turn = turn.lock().await;
        for _ in 0..TRIES {
            let rows = self.rows(request)?;
            // A certificate is made only for who will get it.
            self.decide(request, &rows, nobodys()?).map_err(NotLetIn::Refused)?;
            let made = self.issue(request, signed.contents())?;
            let granted = self.decide(request, &rows, made.issued.clone()).map_err(NotLetIn::Refused)?;
            let owner = granted.next_enrolled.1.owner.clone();
            let (changes, moved) = self.changes(request, &rows, granted, came)?;
            match self.commit_and_tell(changes).await {
                Ok(()) => {
                    let welcome = Welcome {
                        token: made.token.expose().to_owned(),
                        certificate: made.chain_pem,
                        certificate_ends_at: made.not_after,
                        manager: self.node.to_string(),
                        owner,
                    };
                    return Ok((welcome, moved));
                }
                // Somebody else took the place, or changed the device: what is stored now decides.
                Err(StoreError::Conflict { what }) => tracing::debug!(%what, "a connection request is decided anew"),
                Err(error) => return Err(error.into()),
            }
        }
        Err(NotLetIn::Failed(ServiceError::Unavailable("too much happens with this PIN at once; ask again".to_owned())))
    }

    /// A line in the log, seldom enough that nobody can fill it, and for those who look at the registration.
    fn say(&self, request: &ConnectionRequest, why: &NotLetIn, came: &Came) {
        if let NotLetIn::Refused(refusal) = why
            && *refusal != Refusal::Unknown
        {
            self.remember(request, *refusal);
        }
        let Some(others) = self.said.count() else { return };
        let (device, node) = (&request.device, &request.node);
        let from = match came {
            Came::Directly(from) => from.to_string(),
            Came::Through { gateways, from } => format!("{from} below {}", as_path(gateways)),
        };
        match why {
            NotLetIn::Refused(refusal) => {
                tracing::warn!(%device, %node, %from, code = refusal.code(), others, "a device was not let in");
            }
            NotLetIn::Failed(error) => tracing::warn!(%device, %node, %from, %error, others, "a device was not let in"),
        }
    }

    fn rows(&self, request: &ConnectionRequest) -> Result<Rows, ServiceError> {
        let digest = request.proof.digest();
        let invitation = self.store.invitations(std::slice::from_ref(&digest))?.pop().flatten();
        let known = match invitation {
            None => None,
            Some(row) => {
                let key = self.key_of(&row.value);
                // Nothing is issued for users whom the manager doesn't know any more.
                let invitation = match self.store.user(&row.value.by)? {
                    Some(_) => row.value,
                    None => row.value.withdrawn(Withdrawal::ByUser).unwrap_or(row.value),
                };
                Some(Known { version: row.version, invitation, key })
            }
        };
        let enrolled = self.store.enrolled(&request.device)?.map(|row| (row.version, row.value));
        let child = self.store.child(&request.node)?;
        let own = |child: &Versioned<Child>| enrolled.as_ref().is_some_and(|(_, row)| row.holds(&child.value));
        let holder = match &child {
            Some(child) if own(child) => Holder::Device(request.device.clone()),
            Some(_) => Holder::Node,
            // Below a gateway it is no child of this node.
            None if enrolled.as_ref().is_some_and(|(_, row)| row.node == request.node && row.through.is_some()) => {
                Holder::Device(request.device.clone())
            }
            None if self.roll.connected(&request.node).is_some_and(|other| other.device != request.device) => {
                Holder::Node
            }
            None if self.access.is_taken(&request.node) => Holder::Node,
            None => Holder::Nobody,
        };
        Ok(Rows { known, enrolled, child, holder })
    }

    /// The key behind an invitation, where it is one's.
    fn key_of(&self, invitation: &Invitation) -> Option<EnrollmentKey> {
        if invitation.means != Means::Key {
            return None;
        }
        let key = self.seed.key(&invitation.registration, invitation.index);
        key.filter(|key| key.id() == invitation.digest)
    }

    fn decide(&self, request: &ConnectionRequest, rows: &Rows, fresh: Issued) -> Result<Granted, Refusal> {
        let policy = Policy { any: self.rules.any, retry_for: RETRY_FOR };
        let (known, enrolled) = (rows.known.as_ref(), rows.enrolled.as_ref());
        match decide(request, known, enrolled, &rows.holder, fresh, &policy, now()) {
            Decision::Granted(granted) => Ok(*granted),
            Decision::Refused(refusal) => Err(refusal),
        }
    }

    fn issue(&self, request: &ConnectionRequest, signed: &[u8]) -> Result<Made, NotLetIn> {
        let invalid = |error: AuthorityError| match error {
            AuthorityError::Request(_) | AuthorityError::Name { .. } => ServiceError::Invalid(error.to_string()),
            other => {
                tracing::error!(error = %other, "no certificate can be issued");
                ServiceError::Unavailable("the manager can't issue certificates now; its log says why".to_owned())
            }
        };
        let lifetime = crate::authority::LIFETIME;
        let issued = self.authority.issue(signed, &request.node, lifetime, now()).map_err(invalid)?;
        if issued.key != request.key {
            let why = "the certificate request is for another key than the connection request names";
            return Err(NotLetIn::Failed(ServiceError::Invalid(why.to_owned())));
        }
        let token = crate::access::random_token()?;
        let public_key = Some(issued.public_key);
        let fresh = Issued { token: TokenDigest::of(token.expose()), serial: issued.serial, public_key };
        Ok(Made { token, issued: fresh, chain_pem: issued.chain_pem, not_after: issued.not_after })
    }

    /// Everything that letting in changes, in one commit: the place, the device's row, the node that may call, the event.
    fn changes(
        &self,
        request: &ConnectionRequest,
        rows: &Rows,
        granted: Granted,
        came: &Came,
    ) -> Result<(Changes, Moved), ServiceError> {
        let (expected, row) = granted.next_enrolled;
        let row = Enrolled { through: came.gateways().last().cloned(), ..row };
        let mut changes = Changes::none();
        // Its former gateway lets it in no longer by what it had.
        if let Some((_, before)) = &rows.enrolled {
            let same = before.through == row.through && before.node == row.node;
            changes =
                changes.with(self.calls_no_more(before, if same { CallsNow::Nobody } else { CallsNow::Another })?);
        }
        if let Some((version, invitation)) = granted.next_invitation {
            let (digest, expect) = (invitation.digest.clone(), Expect::Version(version));
            changes = changes.and(Change::Invitation { digest, expect, value: Some(Box::new(invitation)) });
        }
        // A device that calls itself otherwise now leaves the node that it was.
        if let Some((_, before)) = rows.enrolled.as_ref().filter(|(_, before)| before.node != row.node)
            && self.store.child(&before.node)?.is_some_and(|child| before.holds(&child.value))
        {
            changes.0.extend(self.access.leaving(&before.node)?.0);
        }
        // Who takes a device over sees it, and who had it doesn't.
        if let Some((_, before)) = rows.enrolled.as_ref().filter(|(_, before)| before.owner != row.owner) {
            changes.0.extend(self.handed_over(before, &row)?.0);
        }
        let child = Child {
            id: row.node.clone(),
            token: row.issued.token.clone(),
            created_at: rows.child.as_ref().map_or(now(), |child| child.value.created_at),
            called: rows.child.as_ref().is_some_and(|child| child.value.called),
            vouched: None,
        };
        let near = came.gateways().is_empty();
        let moved = self.moving_to(came.gateways(), &row.node, near.then(|| child.clone()));
        let moved = moved.map_err(|why| match why {
            NotMoved::NoRoute(why) => ServiceError::Invalid(why.to_string()),
            NotMoved::Store(error) => error.into(),
        })?;
        changes = changes.with(moved.changes.clone());
        // What moves here is a child already; below a gateway it is the gateway's.
        if near && moved.former.is_none() {
            let expect = rows.child.as_ref().map_or(Expect::Absent, |child| Expect::Version(child.version));
            changes = changes.and(Change::Child { id: row.node.clone(), expect, value: Some(child) });
        }
        let first = rows.enrolled.as_ref().is_none_or(|(_, before)| before.key != row.key || before.at != row.at);
        if first {
            let text = format!("{} came in as node {}; it belongs to {}", row.device, row.node, row.owner);
            changes = changes.and(Change::Happened(Event {
                at: now(),
                node: None,
                device: None,
                name: "device.enrolled".to_owned(),
                severity: Severity::Info,
                text,
            }));
        }
        let expect = expected.map_or(Expect::Absent, Expect::Version);
        let device = request.device.clone();
        Ok((changes.and(Change::Enrolled { device, expect, value: Some(Box::new(row)) }), moved))
    }

    /// The thing that a device brought as itself follows it to its new owner.
    fn handed_over(&self, before: &Enrolled, row: &Enrolled) -> Result<Changes, ServiceError> {
        let things = self.store.devices()?.into_iter().map(|thing| thing.value);
        let own = things.filter(|thing| thing.gateway == before.node && before.is(&thing.identity));
        let mut changes = Changes::none();
        for id in own.map(|thing| thing.id) {
            if let Some(placed) =
                self.store.placement(&id)?.filter(|placed| placed.value.owner.as_ref() == Some(&before.owner))
            {
                let value = Placement { owner: Some(row.owner.clone()), ..placed.value };
                changes = changes.and(Change::Placement { id, expect: Expect::Version(placed.version), value });
            }
        }
        Ok(changes)
    }

    /// PINs that are clicked or delivered, and keys, can't be guessed; those that are typed can, and are slowed.
    fn slow_down(
        &self,
        request: &ConnectionRequest,
        came: Came,
    ) -> Result<Option<crate::access::Admitted>, ServiceError> {
        let typed = match &request.proof {
            Credential::Pin(pin) => pin.expose().len() < hostler_core::enrollment::pin::DELIVERED_LENGTH,
            Credential::Key { .. } => false,
        };
        if !typed {
            return Ok(None);
        }
        self.guesses.admit(request.user.as_ref(), came, now()).map(Some).map_err(|error| match error {
            ServiceError::TooMany { retry_after, .. } => {
                let text = "Too many wrong PINs came: from this device's network, for its user, or altogether. Wait, then \
                            try again; a PIN that is clicked or delivered works meanwhile.";
                ServiceError::TooMany { text: text.to_owned(), retry_after }
            }
            other => other,
        })
    }

    fn remember(&self, request: &ConnectionRequest, why: Refusal) {
        let last = LastRefused { device: request.device.clone(), why, at: now() };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= REMEMBERED
            && let Some(oldest) = refused.iter().min_by_key(|(_, last)| last.at).map(|(digest, _)| digest.clone())
        {
            refused.remove(&oldest);
        }
        refused.insert(request.proof.digest(), last);
        drop(refused);
        if let Ok(Some(row)) = self.store.invitations(&[request.proof.digest()]).map(|mut rows| rows.pop().flatten()) {
            self.announce(LiveEvent::Registration { id: row.value.registration, by: row.value.by });
        }
    }

    pub(super) fn last_refused(&self, digest: &PinDigest) -> Option<LastRefused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }
}

/// What was made for a device.
struct Made {
    token: Secret,
    issued: Issued,
    chain_pem: String,
    not_after: Timestamp,
}

/// What is issued to nobody: whether a device is let in doesn't depend on what it gets.
fn nobodys() -> Result<Issued, ServiceError> {
    let serial: Serial = "00".parse().map_err(|error| broken(&error))?;
    Ok(Issued { token: TokenDigest(String::new()), serial, public_key: None })
}

fn no_certificate_request() -> ServiceError {
    let why =
        "the certificate request isn't PEM; `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 …` makes one";
    ServiceError::Invalid(why.to_owned())
}
