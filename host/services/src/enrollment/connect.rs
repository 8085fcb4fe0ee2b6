//! A device that asks to be let in.

use super::{Enrollment, LastRefused, broken};
use crate::error::ServiceError;
use crate::tree::TRIES;
use hostler_core::access::{Child, TokenDigest};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::{
    ConnectionRequest, Credential, Decision, Enrolled, EnrollmentKey, Granted, Holder, Invitation, Issued, Knock,
    Known, Means, PinDigest, Policy, RETRY_FOR, Refusal, Welcome, decide,
};
use hostler_core::event::Event;
use hostler_core::reading::Severity;
use hostler_core::{Secret, Serial, Timestamp};
use hostler_engine::now;
use hostler_store::{StoreError, Versioned};
use std::net::IpAddr;
use std::sync::PoisonError;

/// Refusals that are remembered for those who look; when there are more, all are forgotten.
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
        let Knock { connection: request, certificate_request } = knock;
        let tried = self.slow_down(&request, from)?;
        let outcome = self.let_in(&request, &certificate_request).await;
        if !matches!(outcome, Err(NotLetIn::Refused(Refusal::Unknown)))
            && let Some(tried) = tried
        {
            self.guesses.forgive(tried);
        }
        if let Err(NotLetIn::Refused(why)) = &outcome {
            tracing::warn!(device = %request.device, node = %request.node, %from, code = why.code(), "a device was not let in");
            self.remember(&request, *why);
        }
        outcome
    }

    async fn let_in(&self, request: &ConnectionRequest, certificate_request: &str) -> Result<Welcome, NotLetIn> {
        let signed = pem::parse(certificate_request).map_err(|_| no_certificate_request())?;
        for _ in 0..TRIES {
            let rows = self.rows(request)?;
            // A certificate is made only for who will get it.
            self.decide(request, &rows, nobodys()?).map_err(NotLetIn::Refused)?;
            let made = self.issue(request, signed.contents())?;
            let granted = self.decide(request, &rows, made.issued.clone()).map_err(NotLetIn::Refused)?;
            let owner = granted.next_enrolled.1.owner.clone();
            match self.store.commit(self.changes(request, &rows, granted)?).await {
                Ok(()) => {
                    return Ok(Welcome {
                        token: made.token.expose().to_owned(),
                        certificate: made.chain_pem,
                        certificate_ends_at: made.not_after,
                        manager: self.node.to_string(),
                        owner,
                    });
                }
                // Somebody else took the place, or changed the device: what is stored now decides.
                Err(StoreError::Conflict { what }) => tracing::debug!(%what, "a connection request is decided anew"),
                Err(error) => return Err(error.into()),
            }
        }
        Err(NotLetIn::Failed(ServiceError::Unavailable("too much happens with this PIN at once; ask again".to_owned())))
    }

    fn rows(&self, request: &ConnectionRequest) -> Result<Rows, ServiceError> {
        let digest = request.proof.digest();
        let invitation = self.store.invitations(std::slice::from_ref(&digest))?.pop().flatten();
        let known = match invitation {
            None => None,
            Some(row) => {
                let key = self.key_of(&row.value);
                Some(Known { version: row.version, invitation: row.value, key })
            }
        };
        let enrolled = self.store.enrolled(&request.device)?.map(|row| (row.version, row.value));
        let child = self.store.child(&request.node)?;
        let holder = match (self.roll.device_of(&request.node), &child) {
            (Some(device), _) => Holder::Device(device),
            (None, Some(_)) => Holder::Node,
            (None, None) if self.access.is_taken(&request.node) => Holder::Node,
            (None, None) => Holder::Nobody,
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
        let invalid = |error: crate::AuthorityError| ServiceError::Invalid(error.to_string());
        let lifetime = crate::authority::LIFETIME;
        let issued = self.authority.issue(signed, &request.node, lifetime, now()).map_err(invalid)?;
        if issued.key != request.key {
            let why = "the certificate request is for another key than the connection request names";
            return Err(NotLetIn::Failed(ServiceError::Invalid(why.to_owned())));
        }
        let token = crate::access::random_token()?;
        let fresh = Issued { token: TokenDigest::of(token.expose()), serial: issued.serial };
        Ok(Made { token, issued: fresh, chain_pem: issued.chain_pem, not_after: issued.not_after })
    }

    /// Everything that letting in changes, in one commit: the place, the device's row, the node that may call, the event.
    fn changes(&self, request: &ConnectionRequest, rows: &Rows, granted: Granted) -> Result<Changes, ServiceError> {
        let (expected, row) = granted.next_enrolled;
        let mut changes = Changes::none();
        if let Some((version, invitation)) = granted.next_invitation {
            let (digest, expect) = (invitation.digest.clone(), Expect::Version(version));
            changes = changes.and(Change::Invitation { digest, expect, value: Some(Box::new(invitation)) });
        }
        // A device that calls itself otherwise now leaves the node that it was.
        if let Some(former) = rows.enrolled.as_ref().map(|(_, row)| &row.node).filter(|node| **node != row.node) {
            changes.0.extend(self.access.leaving(former)?.0);
        }
        let child = Child {
            id: row.node.clone(),
            token: row.issued.token.clone(),
            created_at: rows.child.as_ref().map_or(now(), |child| child.value.created_at),
            called: rows.child.as_ref().is_some_and(|child| child.value.called),
        };
        let expect = rows.child.as_ref().map_or(Expect::Absent, |child| Expect::Version(child.version));
        changes = changes.and(Change::Child { id: row.node.clone(), expect, value: Some(child) });
        let first = rows.enrolled.as_ref().is_none_or(|(_, before)| before.key != row.key || before.at != row.at);
        if first {
            let text = format!("{} came in as node {}; it belongs to {}", row.device, row.node, row.owner);
            changes = changes.and(Change::Happened(Event {
                at: now(),
                device: None,
                name: "device.enrolled".to_owned(),
                severity: Severity::Info,
                text,
            }));
        }
        let expect = expected.map_or(Expect::Absent, Expect::Version);
        let device = request.device.clone();
        Ok(changes.and(Change::Enrolled { device, expect, value: Some(Box::new(row)) }))
    }

    /// PINs that are clicked or delivered, and keys, can't be guessed; those that are typed can, and are slowed.
    fn slow_down(
        &self,
        request: &ConnectionRequest,
        from: IpAddr,
    ) -> Result<Option<crate::access::Admitted>, ServiceError> {
        let typed = match &request.proof {
            Credential::Pin(pin) => pin.expose().len() < hostler_core::enrollment::pin::DELIVERED_LENGTH,
            Credential::Key { .. } => false,
        };
        if !typed {
            return Ok(None);
        }
        self.guesses.admit("typed PINs", from, now()).map(Some).map_err(|error| match error {
            ServiceError::TooMany { retry_after, .. } => {
                let text = "Too many wrong PINs came, from this device's network or altogether. Wait, then try again; a PIN \
                            that is clicked or delivered works meanwhile.";
                ServiceError::TooMany { text: text.to_owned(), retry_after }
            }
            other => other,
        })
    }

    fn remember(&self, request: &ConnectionRequest, why: Refusal) {
        let last = LastRefused { device: request.device.clone(), why, at: now() };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= REMEMBERED {
            refused.clear();
        }
        refused.insert(request.proof.digest(), last);
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
    Ok(Issued { token: TokenDigest(String::new()), serial })
}

fn no_certificate_request() -> ServiceError {
    let why =
        "the certificate request isn't PEM; `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 …` makes one";
    ServiceError::Invalid(why.to_owned())
}
