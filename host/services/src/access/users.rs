//! Users: adding and removing them, and their passwords.

use super::{Access, Person, password};
use crate::error::ServiceError;
use crate::need;
use hostler_core::access::{Token, TokenKind, User};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::Withdrawal;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{Secret, UserName};
use hostler_store::{StoreError, Versioned};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::ToSchema;

/// How often a user is removed anew, when devices come in by what they made at the same time.
const REMOVALS: u32 = 50;

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

/// What ended because a password was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Ended {
    /// How many sessions; not the one that changed it.
    pub sessions: usize,
    /// How many programs' tokens.
    pub tokens: usize,
}

/// A password that was made. It is shown this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MadePassword {
    /// Whose.
    pub user: UserName,
    /// The password.
    pub password: String,
    /// What ended because of it.
    pub ended: Ended,
}

impl Access {
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
    pub async fn add_user(&self, person: &Person, new: NewUser) -> Result<(), ServiceError> {
        need(person.viewer(), Right::Administer)?;
        password::check(&new.password)?;
        let user = User { name: new.name, password_hash: password::hash(new.password).await?, right: new.right };
        let _changing = self.changing.lock().await;
        need(&self.shown(&person.token)?.viewer, Right::Administer)?;
        let name = user.name.clone();
        let change = Change::User { name: name.clone(), expect: Expect::Absent, value: Some(user) };
        self.store.commit(change.into()).await.map_err(|error| match error {
            StoreError::Conflict { .. } => ServiceError::Conflict(format!("there is a user {name} already")),
            other => other.into(),
        })
    }

    /// Removes somebody, with their sessions and tokens, and what they invited devices by: who gets the name later has none
    /// of it. The name stays with the devices that are theirs, so nobody registers with it themselves; an administrator gives
    /// it again by [`Access::add_user`].
    ///
    /// # Errors
    /// There is no such user, or nobody else is an administrator.
    pub async fn remove_user(&self, person: &Person, name: &UserName) -> Result<(), ServiceError> {
        let _changing = self.changing.lock().await;
        need(&self.shown(&person.token)?.viewer, Right::Administer)?;
        // Devices come in by what is withdrawn until it is.
        for _ in 1..REMOVALS {
            match self.store.commit(self.without_user(name)?).await {
                Err(StoreError::Conflict { what }) => tracing::debug!(%what, "a user is removed anew"),
                outcome => return Ok(outcome?),
            }
        }
        Ok(self.store.commit(self.without_user(name)?).await?)
    }

    fn without_user(&self, name: &UserName) -> Result<Changes, ServiceError> {
        let user = self.known(name)?;
        let administrators = self.store.users()?.into_iter().filter(|user| user.value.right == Right::Administer);
        let heir = administrators.map(|user| user.value.name).find(|other| other != name);
        let Some(heir) = heir else {
            return Err(ServiceError::Conflict(format!(
                "the last administrator, {name}, stays; add another one first"
            )));
        };
        let tokens = self.store.tokens()?.into_iter().filter(|(_, token)| token.user == *name);
        let ended: Changes = tokens
            .map(|(digest, token)| {
                // The command line on the node is an administrator's, whoever that is.
                let kept = token.kind == TokenKind::Local;
                Change::Token { digest, value: kept.then(|| Token { user: heir.clone(), ..token }) }
            })
            .collect();
        let invitations = self.store.all_invitations()?.into_iter().filter(|row| row.value.by == *name);
        let withdrawn = invitations.filter_map(|row| {
            let value = Some(Box::new(row.value.withdrawn(Withdrawal::ByUser)?));
            Some(Change::Invitation { digest: row.value.digest, expect: Expect::Version(row.version), value })
        });
        let gone = Change::User { name: name.clone(), expect: Expect::Version(user.version), value: None };
        Ok(ended.0.into_iter().chain(withdrawn).chain([gone]).collect())
    }

    /// Changes one's own password. Every other session and all tokens end: whoever knew the old one is out.
    ///
    /// # Errors
    /// The old one is wrong, or the new one too weak; [`ServiceError::TooMany`] after too many wrong ones.
    pub async fn change_password(
        &self,
        person: &Person,
        old: Secret,
        new: Secret,
        from: IpAddr,
    ) -> Result<Ended, ServiceError> {
        password::check(&new)?;
        let name = &person.viewer().user;
        let tried = self.guesses.admit(name.as_str(), from, hostler_engine::now())?;
        let user = self.known(name)?;
        if !password::verify(old, Some(user.value.password_hash.clone())).await? {
            return Err(ServiceError::Forbidden("The old password is wrong; nothing was changed.".to_owned()));
        }
        self.guesses.forgive(tried);
        let hash = password::hash(new).await?;
        let _changing = self.changing.lock().await;
        self.shown(&person.token)?;
        self.put_password(user, hash, Some(person)).await
    }

    /// Gives somebody a new password, for an administrator. All their sessions and tokens end.
    ///
    /// # Errors
    /// There is no such user, or it is one's own password and one is logged in: then the old one is asked for.
    pub async fn new_password(&self, person: &Person, name: &UserName) -> Result<MadePassword, ServiceError> {
        need(person.viewer(), Right::Administer)?;
        if person.kind == TokenKind::Session && person.viewer().user == *name {
            return Err(ServiceError::Invalid("your own password is changed with the old one".to_owned()));
        }
        self.known(name)?;
        let password = password::generate()?;
        let hash = password::hash(password.clone()).await?;
        let _changing = self.changing.lock().await;
        need(&self.shown(&person.token)?.viewer, Right::Administer)?;
        let ended = self.put_password(self.known(name)?, hash, None).await?;
        Ok(MadePassword { user: name.clone(), password: password.expose().to_owned(), ended })
    }

    /// Stores a password, for whoever holds `changing`, and ends what the user has but what `except` shows.
    async fn put_password(
        &self,
        user: Versioned<User>,
        password_hash: String,
        except: Option<&Person>,
    ) -> Result<Ended, ServiceError> {
        let name = user.value.name.clone();
        let mine = self.store.tokens()?.into_iter().filter(|(digest, token)| {
            token.user == name && token.kind != TokenKind::Local && except.is_none_or(|except| except.token != *digest)
        });
        let mut ended = Ended { sessions: 0, tokens: 0 };
        let mut changes = Changes::none();
        for (digest, token) in mine {
            match token.kind {
                TokenKind::Session => ended.sessions += 1,
                TokenKind::Program | TokenKind::Local => ended.tokens += 1,
            }
            changes = changes.and(Change::Token { digest, value: None });
        }
        let value = Some(User { password_hash, ..user.value });
        let change = Change::User { name, expect: Expect::Version(user.version), value };
        self.store.commit(changes.and(change)).await?;
        Ok(ended)
    }

    fn known(&self, name: &UserName) -> Result<Versioned<User>, ServiceError> {
        let unknown = || ServiceError::NotFound(format!("there is no user {name}; `hostler user list` shows them"));
        self.store.user(name)?.ok_or_else(unknown)
    }
}
