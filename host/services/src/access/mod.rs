//! Who may come in: users and their passwords, sessions and tokens, the nodes below.

mod guesses;
mod password;

use crate::error::ServiceError;
use crate::need;
use crate::tree::TRIES;
use guesses::Guesses;
use hostler_core::access::{Child, Token, TokenDigest, TokenKind, User};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::event::Event;
use hostler_core::reading::Severity;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{NodeId, Secret, Timestamp, UserName};
use hostler_engine::now;
use hostler_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a browser stays logged in.
const SESSION: Duration = Duration::from_secs(12 * 3600);

/// The longest that a program's token may live, in days.
const TOKEN_DAYS: u32 = 3650;

/// Users, log-ins, tokens.
pub struct Access {
    store: Arc<dyn Store>,
    guesses: Guesses,
}

/// A token that somebody wants.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What its owner calls it.
    pub label: String,
    /// What it shall allow.
    pub right: Right,
    /// How many days it lives, 1 to 3650.
    pub days: u32,
}

/// A token that was made. The token itself is shown this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MadeToken {
    /// The token.
    pub token: String,
    /// What is kept of it.
    pub view: TokenView,
}

/// What is kept of a token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenView {
    /// The beginning of its digest, to name it by.
    pub id: String,
    /// Whose it is and what it allows.
    #[serde(flatten)]
    pub token: Token,
}

/// Somebody who may log in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserView {
    /// Who.
    pub name: UserName,
    /// What they may do.
    pub right: Right,
}

/// Somebody who shall be able to log in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Who.
    pub name: UserName,
    /// Their first password.
    #[schema(value_type = String)]
    pub password: Secret,
    /// What they may do.
    pub right: Right,
}

impl Access {
    /// Access as the store has it.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store, guesses: Guesses::default() })
    }

    /// Makes the first user of a new node, an administrator, where there is nobody yet. Returns the password that was made.
    ///
    /// # Errors
    /// The store's.
    pub async fn first_user(&self, name: UserName) -> Result<Option<Secret>, ServiceError> {
        if !self.store.users()?.is_empty() {
            return Ok(None);
        }
        let password = password::generate()?;
        let user = User { name, password_hash: password::hash(password.clone()).await?, right: Right::Administer };
        let change = Change::User { name: user.name.clone(), expect: Expect::Absent, value: Some(user) };
        self.store.commit(change.into()).await?;
        Ok(Some(password))
    }

    /// Logs in. Returns the session's token.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for a wrong name or password (the same words for both), [`ServiceError::TooMany`] after too many.
    pub async fn log_in(&self, user: &str, password: Secret, from: IpAddr) -> Result<Secret, ServiceError> {
        self.guesses.admit(user, from, now())?;
        let known = user.parse().ok().map(|name: UserName| self.store.user(&name)).transpose()?.flatten();
        let right = password::verify(password, known.as_ref().map(|user| user.value.password_hash.clone())).await?;
        match known.filter(|_| right) {
            Some(user) => {
                self.guesses.forgive(&user.value.name, from);
                let session = Token {
                    kind: TokenKind::Session,
                    label: format!("browser at {from}"),
                    user: user.value.name,
                    right: user.value.right,
                    created_at: now(),
                    expires_at: now().plus(SESSION),
                };
                self.give_out(session).await.map(|(token, _)| token)
            }
            None => {
                self.guesses.count(user, from, now());
                tracing::warn!(%from, "a log-in failed");
                Err(ServiceError::Forbidden("The user ID or the password is wrong.".to_owned()))
            }
        }
    }

    /// Who shows this token.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] when nobody does, or not any more.
    pub fn viewer(&self, token: &str) -> Result<Viewer, ServiceError> {
        let refused =
            || ServiceError::Forbidden("Please log in: the session or token is unknown or has ended.".to_owned());
        let token = self.store.token(&TokenDigest::of(token))?.filter(|token| token.expires_at > now());
        let token = token.ok_or_else(refused)?;
        // Who was removed, or may do less now, doesn't keep old rights in a token.
        let user = self.store.user(&token.user)?.ok_or_else(refused)?;
        Ok(Viewer { user: token.user, right: token.right.min(user.value.right) })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The store's.
    pub async fn log_out(&self, token: &str) -> Result<(), ServiceError> {
        Ok(self.store.commit(Change::Token { digest: TokenDigest::of(token), value: None }.into()).await?)
    }

    /// Makes a token for a program.
    ///
    /// # Errors
    /// It may not allow more than whoever makes it may do.
    pub async fn make_token(&self, viewer: &Viewer, new: NewToken) -> Result<MadeToken, ServiceError> {
        need(viewer, new.right)?;
        if !(1..=TOKEN_DAYS).contains(&new.days) {
            return Err(ServiceError::Invalid(format!("a token lives 1 to {TOKEN_DAYS} days, not {}", new.days)));
        }
        let label: String = new.label.trim().chars().filter(|c| !c.is_control()).take(80).collect();
        if label.is_empty() {
            return Err(ServiceError::Invalid("give the token a name, so that you know it again".to_owned()));
        }
        let created_at = now();
        let token = Token {
            kind: TokenKind::Program,
            label,
            user: viewer.user.clone(),
            right: new.right,
            created_at,
            expires_at: created_at.plus(Duration::from_secs(u64::from(new.days) * 86_400)),
        };
        let (secret, view) = self.give_out(token).await?;
        Ok(MadeToken { token: secret.expose().to_owned(), view })
    }

    async fn give_out(&self, token: Token) -> Result<(Secret, TokenView), ServiceError> {
        let secret = password::random_token()?;
        let digest = TokenDigest::of(secret.expose());
        let view = view(&digest, token.clone());
        let ended = self.store.tokens()?.into_iter().filter(|(_, token)| token.expires_at <= now());
        let changes: Changes = ended.map(|(digest, _)| Change::Token { digest, value: None }).collect();
        self.store.commit(changes.and(Change::Token { digest, value: Some(token) })).await?;
        Ok((secret, view))
    }

    /// The tokens that live: one's own, or everybody's for an administrator.
    ///
    /// # Errors
    /// The store's.
    pub fn tokens(&self, viewer: &Viewer) -> Result<Vec<TokenView>, ServiceError> {
        let tokens = self.store.tokens()?.into_iter();
        let mine = tokens.filter(|(_, token)| viewer.may(Right::Administer) || token.user == viewer.user);
        Ok(mine.filter(|(_, token)| token.expires_at > now()).map(|(digest, token)| view(&digest, token)).collect())
    }

    /// Ends a token at once.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn revoke(&self, viewer: &Viewer, id: &str) -> Result<(), ServiceError> {
        let mut mine = self.store.tokens()?.into_iter().filter(|(digest, token)| {
            !id.is_empty() && digest.0.starts_with(id) && (viewer.may(Right::Administer) || token.user == viewer.user)
        });
        let (Some((digest, _)), None) = (mine.next(), mine.next()) else {
            return Err(ServiceError::NotFound(format!(
                "there is no one token {id:?}; `hostler token list` shows them"
            )));
        };
        Ok(self.store.commit(Change::Token { digest, value: None }.into()).await?)
    }

    /// Everybody who may log in.
    ///
    /// # Errors
    /// For administrators only.
    pub fn users(&self, viewer: &Viewer) -> Result<Vec<UserView>, ServiceError> {
        need(viewer, Right::Administer)?;
        let users = self.store.users()?.into_iter();
        Ok(users.map(|user| UserView { name: user.value.name, right: user.value.right }).collect())
    }

    /// Lets somebody log in.
    ///
    /// # Errors
    /// The name is taken, or the password too weak.
    pub async fn add_user(&self, viewer: &Viewer, new: NewUser) -> Result<(), ServiceError> {
        need(viewer, Right::Administer)?;
        password::check(&new.password)?;
        let user = User { name: new.name, password_hash: password::hash(new.password).await?, right: new.right };
        let name = user.name.clone();
        let change = Change::User { name: name.clone(), expect: Expect::Absent, value: Some(user) };
        self.store.commit(change.into()).await.map_err(|error| match error {
            StoreError::Conflict { .. } => ServiceError::Conflict(format!("there is a user {name} already")),
            other => other.into(),
        })
    }

    /// Changes one's own password and ends one's sessions: whoever knew the old one is out.
    ///
    /// # Errors
    /// The old one is wrong, or the new one too weak.
    pub async fn change_password(&self, viewer: &Viewer, old: Secret, new: Secret) -> Result<(), ServiceError> {
        password::check(&new)?;
        let gone = || ServiceError::NotFound("this user is gone".to_owned());
        let user = self.store.user(&viewer.user)?.ok_or_else(gone)?;
        if !password::verify(old, Some(user.value.password_hash.clone())).await? {
            return Err(ServiceError::Forbidden("The old password is wrong; nothing was changed.".to_owned()));
        }
        let value = User { password_hash: password::hash(new).await?, ..user.value };
        let sessions = self.store.tokens()?.into_iter();
        let ended = sessions.filter(|(_, token)| token.user == viewer.user && token.kind == TokenKind::Session);
        let changes: Changes = ended.map(|(digest, _)| Change::Token { digest, value: None }).collect();
        let change =
            Change::User { name: viewer.user.clone(), expect: Expect::Version(user.version), value: Some(value) };
        Ok(self.store.commit(changes.and(change)).await?)
    }

    /// Lets a node call this one, and returns the token that it shows. A node that was there gets a new one; the
    /// former dies.
    ///
    /// # Errors
    /// For administrators only.
    pub async fn add_child(&self, viewer: &Viewer, id: NodeId) -> Result<Secret, ServiceError> {
        need(viewer, Right::Administer)?;
        let token = password::random_token()?;
        self.accept_child(id, &token).await?;
        Ok(token)
    }

    /// Lets a node call this one with a token made elsewhere.
    ///
    /// # Errors
    /// The store's.
    pub async fn accept_child(&self, id: NodeId, token: &Secret) -> Result<(), ServiceError> {
        let child = Child { id: id.clone(), token: TokenDigest::of(token.expose()), created_at: now() };
        let known = self.store.child(&id)?;
        if known.as_ref().is_some_and(|known| known.value.token == child.token) {
            return Ok(());
        }
        let expect = known.map_or(Expect::Absent, |known| Expect::Version(known.version));
        Ok(self.store.commit(Change::Child { id, expect, value: Some(child) }.into()).await?)
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
        let child = self.store.child(id)?.ok_or_else(unknown)?;
        let devices = self.store.devices()?.into_iter().filter(|device| device.value.gateway == *id);
        let changes: Changes = devices
            .map(|device| {
                let expect = Expect::Version(device.version);
                Change::Device { id: device.value.id, expect, value: None }
            })
            .collect();
        let text = format!("node {id} was removed by {}, and with it {} devices", viewer.user, changes.0.len());
        let event =
            Event { at: now(), device: None, name: "node.removed".to_owned(), severity: Severity::Warning, text };
        let gone = Change::Child { id: id.clone(), expect: Expect::Version(child.version), value: None };
        Ok(changes.and(gone).and(Change::Happened(event)))
    }

    /// The node that shows this token.
    #[must_use]
    pub fn child(&self, token: &str) -> Option<NodeId> {
        let digest = TokenDigest::of(token);
        let children = self.store.children().ok()?;
        children.into_iter().find(|child| child.value.token == digest).map(|child| child.value.id)
    }

    /// A token for the command line on this machine: an administrator's, for a day.
    ///
    /// # Errors
    /// There is no administrator.
    pub async fn local_token(&self, right: Right) -> Result<Secret, ServiceError> {
        let admin = self.store.users()?.into_iter().find(|user| user.value.right == Right::Administer);
        let admin = admin.ok_or_else(|| ServiceError::NotFound("this node has no administrator".to_owned()))?;
        let token = Token {
            kind: TokenKind::Program,
            label: "command line on the node itself".to_owned(),
            user: admin.value.name,
            right,
            created_at: now(),
            expires_at: Timestamp(u64::MAX),
        };
        let old = self.store.tokens()?.into_iter().filter(|(_, old)| old.label == token.label);
        let changes: Changes = old.map(|(digest, _)| Change::Token { digest, value: None }).collect();
        self.store.commit(changes).await?;
        self.give_out(token).await.map(|(token, _)| token)
    }
}

fn view(digest: &TokenDigest, token: Token) -> TokenView {
    TokenView { id: digest.0.chars().take(12).collect(), token }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_store::RedbStore;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    async fn access() -> (Arc<Access>, Secret) {
        let access = Access::new(Arc::new(RedbStore::in_memory().unwrap()));
        let password = access.first_user("admin".parse().unwrap()).await.unwrap().unwrap();
        (access, password)
    }

    #[tokio::test]
    async fn the_first_user_logs_in_and_out() {
        let (access, password) = access().await;
        assert!(access.first_user("admin2".parse().unwrap()).await.unwrap().is_none(), "there is somebody already");
        let session = access.log_in("admin", password, HOME).await.unwrap();
        assert_eq!(access.viewer(session.expose()).unwrap().right, Right::Administer);
        access.log_out(session.expose()).await.unwrap();
        assert!(access.viewer(session.expose()).is_err());
    }

    #[tokio::test]
    async fn a_wrong_name_and_a_wrong_password_look_the_same_and_are_slowed_down() {
        let (access, password) = access().await;
        let wrong = || Secret::new("wrong".to_owned());
        let one = access.log_in("admin", wrong(), HOME).await.unwrap_err();
        let other = access.log_in("nobody", wrong(), HOME).await.unwrap_err();
        assert_eq!(one, other);
        for _ in 0..20 {
            let _ = access.log_in("admin", wrong(), HOME).await;
        }
        let slowed = access.log_in("admin", password, HOME).await.unwrap_err();
        assert!(matches!(slowed, ServiceError::TooMany { .. }), "{slowed}");
    }

    #[tokio::test]
    async fn a_token_never_allows_more_than_its_maker() {
        let (access, password) = access().await;
        let session = access.log_in("admin", password, HOME).await.unwrap();
        let admin = access.viewer(session.expose()).unwrap();
        let new = NewToken { label: "ci".into(), right: Right::See, days: 1 };
        let made = access.make_token(&admin, new).await.unwrap();
        let program = access.viewer(&made.token).unwrap();
        assert_eq!(program.right, Right::See);
        let more = NewToken { label: "more".into(), right: Right::Administer, days: 1 };
        assert!(access.make_token(&program, more).await.is_err());
        access.revoke(&admin, &made.view.id).await.unwrap();
        assert!(access.viewer(&made.token).is_err());
    }

    #[tokio::test]
    async fn a_node_that_gets_a_new_token_loses_the_former() {
        let (access, password) = access().await;
        let session = access.log_in("admin", password, HOME).await.unwrap();
        let admin = access.viewer(session.expose()).unwrap();
        let id: NodeId = "gateway-1".parse().unwrap();
        let first = access.add_child(&admin, id.clone()).await.unwrap();
        let second = access.add_child(&admin, id.clone()).await.unwrap();
        assert_eq!(access.child(first.expose()), None);
        assert_eq!(access.child(second.expose()), Some(id));
    }

    #[tokio::test]
    async fn e08_only_an_administrator_removes_a_node_and_only_one_that_is_there() {
        let (access, password) = access().await;
        let session = access.log_in("admin", password, HOME).await.unwrap();
        let admin = access.viewer(session.expose()).unwrap();
        let id: NodeId = "gateway-1".parse().unwrap();
        let token = access.add_child(&admin, id.clone()).await.unwrap();
        let operator = Viewer { right: Right::Operate, ..admin.clone() };
        let refused = access.remove_child(&operator, &id).await.unwrap_err();
        assert!(matches!(refused, ServiceError::Forbidden(_)), "{refused}");
        assert_eq!(access.child(token.expose()), Some(id.clone()));
        access.remove_child(&admin, &id).await.unwrap();
        assert_eq!(access.child(token.expose()), None);
        let gone = access.remove_child(&admin, &id).await.unwrap_err();
        assert!(matches!(gone, ServiceError::NotFound(_)), "{gone}");
    }
}
