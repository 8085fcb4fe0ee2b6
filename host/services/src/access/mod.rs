//! Who may come in: users and their passwords, sessions and tokens, the nodes below.
//!
//! A token allows what it says and nothing about itself: making and ending tokens, users and passwords needs a [`Person`],
//! so that whoever finds a program's token can't outlive it.

mod allowance;
mod guesses;
mod guests;
mod password;
mod register;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

pub(crate) use guesses::{Admitted, PinGuesses};
pub use guests::{Directory, DirectoryError, GuestFile, Guests, SelfRegistration};
pub(crate) use password::random_token;
pub use register::Entered;
pub use tokens::{MadeToken, NewToken, TokenView};
pub use users::{Ended, MadePassword, NewUser, UserView};

use crate::error::ServiceError;
use crate::need;
use crate::tree::TRIES;
use guesses::Guesses;
use hostler_core::access::{Child, Token, TokenDigest, TokenKind, User};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::Moved;
use hostler_core::event::Event;
use hostler_core::message::Method;
use hostler_core::reading::Severity;
use hostler_core::routing::as_path;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{NodeId, Secret, UserName};
use hostler_engine::now;
use hostler_store::{Store, StoreError, Versioned};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a browser stays logged in.
const SESSION: Duration = Duration::from_secs(12 * 3600);

/// Users, log-ins, tokens.
pub struct Access {
    store: Arc<dyn Store>,
    taken: Vec<NodeId>,
    /// This node's own parent, where it has one.
    parent: OnceLock<NodeId>,
    guesses: Guesses,
    /// Who may register themselves, and how often that was tried.
    open_to: SelfRegistration,
    registering: Guesses,
    /// One change of users and tokens at a time: an administrator remains, and nobody who was shut out meanwhile gets a token.
    changing: tokio::sync::Mutex<()>,
}

/// What becomes of the token that a node has already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Former {
    /// It goes on, and none is made.
    Stays,
    /// It ends.
    Ends,
}

/// Somebody who acts in person: logged in with a password, or at the command line of the node itself.
pub struct Person {
    viewer: Viewer,
    kind: TokenKind,
    token: TokenDigest,
}

impl Person {
    /// Who it is.
    #[must_use]
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }
}

impl Access {
    /// Access as the store has it. Names that are `taken`, this node's own and its parent's, are no child's.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, taken: impl IntoIterator<Item = NodeId>) -> Arc<Self> {
        Self::open_to(store, taken, SelfRegistration::Off)
    }

    /// The same, where some may register without an administrator.
    #[must_use]
    pub fn open_to(
        store: Arc<dyn Store>,
        taken: impl IntoIterator<Item = NodeId>,
        open_to: SelfRegistration,
    ) -> Arc<Self> {
        let (taken, changing) = (taken.into_iter().collect(), tokio::sync::Mutex::default());
        let (guesses, registering, parent) = Default::default();
        Arc::new(Self { store, taken, parent, guesses, open_to, registering, changing })
    }

    /// Logs in. Returns the session's token.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for a wrong name or password (the same words for both), [`ServiceError::TooMany`] after too many.
    pub async fn log_in(&self, user: &str, password: Secret, from: IpAddr) -> Result<Secret, ServiceError> {
        let tried = self.guesses.admit(user, from, now())?;
        let known = user.parse().ok().map(|name: UserName| self.store.user(&name)).transpose()?.flatten();
        let hash = known.as_ref().map(|user| user.value.password_hash.clone());
        let right = password::verify(password, hash).await?;
        let _changing = self.changing.lock().await;
        let Some(user) = known.filter(|known| right && self.is_unchanged(known)) else {
            tracing::warn!(%from, "a log-in failed");
            return Err(ServiceError::Forbidden("The user ID or the password is wrong.".to_owned()));
        };
        self.guesses.forgive(tried);
        self.begin_session(user.value, from).await
    }

    /// A session of somebody who may have one, for whoever holds `changing`.
    async fn begin_session(&self, user: User, from: IpAddr) -> Result<Secret, ServiceError> {
        let session = Token {
            kind: TokenKind::Session,
            label: format!("browser at {from}"),
            user: user.name,
            right: user.right,
            created_at: now(),
            expires_at: now().plus(SESSION),
        };
        self.give_out(session).await.map(|(token, _)| token)
    }

    /// Whether nobody removed this user or changed the password since it was looked up.
    fn is_unchanged(&self, user: &Versioned<User>) -> bool {
        matches!(self.store.user(&user.value.name), Ok(Some(stored)) if stored.version == user.version)
    }

    /// Who shows this token.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] when nobody does, or not any more.
    pub fn viewer(&self, token: &str) -> Result<Viewer, ServiceError> {
        self.shown(&TokenDigest::of(token)).map(|person| person.viewer)
    }

    /// Who shows this token, where it isn't a program's.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] when nobody does, or a program.
    pub fn person(&self, token: &str) -> Result<Person, ServiceError> {
        let person = self.shown(&TokenDigest::of(token))?;
        match person.kind {
            TokenKind::Session | TokenKind::Local => Ok(person),
            TokenKind::Program => Err(ServiceError::Forbidden(
                "A program's token can't make or end tokens, users and passwords; people do that.".to_owned(),
            )),
        }
    }

    fn shown(&self, digest: &TokenDigest) -> Result<Person, ServiceError> {
        let refused =
            || ServiceError::Forbidden("Please log in: the session or token is unknown or has ended.".to_owned());
        let token = self.store.token(digest)?.filter(|token| token.expires_at > now()).ok_or_else(refused)?;
        // Who was removed, or may do less now, doesn't keep old rights in a token.
        let user = self.store.user(&token.user)?.ok_or_else(refused)?;
        let viewer = Viewer { user: token.user, right: token.right.min(user.value.right) };
        Ok(Person { viewer, kind: token.kind, token: digest.clone() })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The store's.
    pub async fn log_out(&self, token: &str) -> Result<(), ServiceError> {
        Ok(self.store.commit(Change::Token { digest: TokenDigest::of(token), value: None }.into()).await?)
    }

    /// Lets a node call this one, and returns the token that it shows.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] for one that has a token which shall stay; for administrators only.
    pub async fn add_child(&self, viewer: &Viewer, id: NodeId, former: Former) -> Result<Secret, ServiceError> {
        need(viewer, Right::Administer)?;
        if former == Former::Stays && self.store.child(&id)?.is_some() {
            return Err(ServiceError::Conflict(format!(
                "{id} has a token already; with `--replace` (in the API: `replace`) it gets a new one, and the former ends"
            )));
        }
        let token = password::random_token()?;
        self.accept_child(id, &token).await?;
        Ok(token)
    }

    /// Lets a node call this one with a token made elsewhere.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a name that is taken, or the store's.
    pub async fn accept_child(&self, id: NodeId, token: &Secret) -> Result<(), ServiceError> {
        if let Some(route) = self.store.route(&id)? {
            return Err(ServiceError::Conflict(format!(
                "there is a node {id} already, at {}; choose another name, or remove that one there first",
                as_path(&route.value.path())
            )));
        }
        if self.is_taken(&id) {
            return Err(ServiceError::Invalid(format!(
                "{id} is the name of this node or of its parent; choose another"
            )));
        }
        let known = self.store.child(&id)?;
        let called = known.as_ref().is_some_and(|known| known.value.called);
        let (token, created_at) = (TokenDigest::of(token.expose()), now());
        let child = Child { id: id.clone(), token, created_at, called, vouched: None };
        if known.as_ref().is_some_and(|known| known.value.token == child.token) {
            return Ok(());
        }
        let mut changes = Changes::none();
        if let Some(known) = &known {
            stands_by_token(&known.value)?;
            changes = self.ending_enrollment(&known.value)?;
        }
        let expect = known.map_or(Expect::Absent, |known| Expect::Version(known.version));
        Ok(self.store.commit(changes.and(Change::Child { id, expect, value: Some(child) })).await?)
    }

    /// Lets a node call this one no longer. What waits for it, its devices and what it discovered go with it; the events
    /// stay. It needs a new token to come again, and announces its devices anew then.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; for administrators only.
    pub async fn remove_child(&self, viewer: &Viewer, id: &NodeId) -> Result<(), ServiceError> {
        need(viewer, Right::Administer)?;
        for _ in 1..TRIES {
            match self.store.commit(self.without_child(viewer, id)?).await {
                Err(StoreError::Conflict { what }) => tracing::debug!(%what, "a node is removed anew"),
                outcome => return Ok(outcome?),
            }
        }
        Ok(self.store.commit(self.without_child(viewer, id)?).await?)
    }

    fn without_child(&self, viewer: &Viewer, id: &NodeId) -> Result<Changes, ServiceError> {
        let unknown =
            || ServiceError::NotFound(format!("no node {id} may call this one; `hostler node list` shows them"));
        let child = self.store.child(id)?.ok_or_else(unknown)?.value;
        stands_by_token(&child)?;
        let mut changes = self.leaving(id)?;
        let devices = changes.0.iter().filter(|change| matches!(change, Change::Device { .. })).count();
        let text = format!("node {id} was removed by {}, and with it {devices} devices", viewer.user);
        let event = Event {
            at: now(),
            node: None,
            device: None,
            name: "node.removed".to_owned(),
            severity: Severity::Warning,
            text,
        };
        changes.0.extend(self.ending_enrollment(&child)?.0);
        Ok(changes.and(Change::Happened(event)).telling(self.parent.get(), Method::NodeGone(id.clone())))
    }

    /// The end of how a node came in by a PIN, where it did: it comes in by a new one, if ever, and its certificate ends.
    fn ending_enrollment(&self, child: &Child) -> Result<Changes, ServiceError> {
        let enrolled = self.store.all_enrolled()?.into_iter().find(|row| row.value.holds(child));
        let Some(row) = enrolled else { return Ok(Changes::none()) };
        let Ok(Moved { next, .. }) = row.value.release(now()) else { return Ok(Changes::none()) };
        let (device, expect) = (next.device.clone(), Expect::Version(row.version));
        Ok(Change::Enrolled { device, expect, value: Some(Box::new(next)) }.into())
    }

    /// Whether a node of this name may call this one.
    ///
    /// # Errors
    /// The store's.
    pub fn knows(&self, id: &NodeId) -> Result<bool, ServiceError> {
        Ok(self.store.child(id)?.is_some())
    }

    /// Whether a node can't have this name, because this one, its parent or one further below has it.
    pub(crate) fn is_taken(&self, id: &NodeId) -> bool {
        // What can't be looked up isn't given away.
        self.taken.contains(id) || !matches!(self.store.route(id), Ok(None))
    }

    /// Where nodes go, this parent is told.
    pub fn tell(&self, parent: NodeId) {
        let _ = self.parent.set(parent);
    }

    /// A node goes, where it may call this one, and with it its devices and everything that is reached through it.
    pub(crate) fn leaving(&self, id: &NodeId) -> Result<Changes, ServiceError> {
        let Some(child) = self.store.child(id)? else { return Ok(Changes::none()) };
        let changes = crate::tree::without(&*self.store, id)?;
        Ok(changes.and(Change::Child { id: id.clone(), expect: Expect::Version(child.version), value: None }))
    }

    /// The node that shows this token.
    #[must_use]
    pub fn child(&self, token: &str) -> Option<NodeId> {
        Some(self.store.child_by_token(&TokenDigest::of(token)).ok()??.value.id)
    }
}

/// Whether a node may call by a token that was made here; the error is for one that calls by the manager's word.
fn stands_by_token(child: &Child) -> Result<(), ServiceError> {
    match child.vouched.as_ref().filter(|vouched| vouched.token == child.token) {
        None => Ok(()),
        Some(vouched) => Err(ServiceError::Conflict(format!(
            "{} came in by a PIN or key, so it would be let in again: bar or release {} at the manager, with `hostler enrolled`",
            child.id, vouched.device
        ))),
    }
}
