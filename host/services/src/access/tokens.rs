//! Tokens: a program's, a session's, and the local administrator's.

use super::{Access, Person, password};
use crate::error::ServiceError;
use crate::need;
use hostler_core::access::{Token, TokenDigest, TokenKind};
use hostler_core::changes::{Change, Changes};
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{Secret, Timestamp};
use hostler_engine::now;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// The longest that a program's token may live, in days.
const TOKEN_DAYS: u32 = 3650;

/// How long a token of the local administrator lives. The node makes a new one in time.
const LOCAL: Duration = Duration::from_secs(86_400);

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

impl Access {
    /// Makes a token for a program.
    ///
    /// # Errors
    /// It may not allow more than whoever makes it may do.
    pub async fn make_token(&self, person: &Person, new: NewToken) -> Result<MadeToken, ServiceError> {
        if !(1..=TOKEN_DAYS).contains(&new.days) {
            return Err(ServiceError::Invalid(format!("a token lives 1 to {TOKEN_DAYS} days, not {}", new.days)));
        }
        let label: String = new.label.trim().chars().filter(|c| !c.is_control()).take(80).collect();
        if label.is_empty() {
            return Err(ServiceError::Invalid("give the token a name, so that you know it again".to_owned()));
        }
        let _changing = self.changing.lock().await;
        // Who was shut out meanwhile gets none.
        let viewer = self.shown(&person.token)?.viewer;
        need(&viewer, new.right)?;
        let created_at = now();
        let token = Token {
            kind: TokenKind::Program,
            label,
            user: viewer.user,
            right: new.right,
            created_at,
            expires_at: created_at.plus(Duration::from_secs(u64::from(new.days) * 86_400)),
        };
        let (secret, view) = self.give_out(token).await?;
        Ok(MadeToken { token: secret.expose().to_owned(), view })
    }

    /// Stores a new token, for whoever holds `changing`, and forgets those that have ended.
    pub(super) async fn give_out(&self, token: Token) -> Result<(Secret, TokenView), ServiceError> {
        let secret = password::random_token()?;
        let digest = TokenDigest::of(secret.expose());
        let view = view(&digest, token.clone());
        let changes = self.ending(|_, token| token.expires_at <= now())?;
        self.store.commit(changes.and(Change::Token { digest, value: Some(token) })).await?;
        Ok((secret, view))
    }

    /// The end of every token of which this holds.
    pub(super) fn ending(&self, ends: impl Fn(&TokenDigest, &Token) -> bool) -> Result<Changes, ServiceError> {
        let ended = self.store.tokens()?.into_iter().filter(|(digest, token)| ends(digest, token));
        Ok(ended.map(|(digest, _)| Change::Token { digest, value: None }).collect())
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
    pub async fn revoke(&self, person: &Person, id: &str) -> Result<(), ServiceError> {
        let viewer = person.viewer();
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

    /// A token for the command line on this machine, an administrator's, and when it ends: after a day. Of those before,
    /// only `former` lives on until its own end, for a command that has just read it.
    ///
    /// # Errors
    /// There is no administrator.
    pub async fn local_token(&self, former: Option<&Secret>) -> Result<(Secret, Timestamp), ServiceError> {
        let _changing = self.changing.lock().await;
        let admin = self.store.users()?.into_iter().find(|user| user.value.right == Right::Administer);
        let admin = admin.ok_or_else(|| ServiceError::NotFound("this node has no administrator".to_owned()))?;
        let former = former.map(|token| TokenDigest::of(token.expose()));
        // Those of the first releases were a program's and had no end.
        let is_local = |token: &Token| token.kind == TokenKind::Local || token.expires_at == Timestamp(u64::MAX);
        let ended = self.ending(|digest, token| is_local(token) && Some(digest) != former.as_ref())?;
        self.store.commit(ended).await?;
        let created_at = now();
        let token = Token {
            kind: TokenKind::Local,
            label: "command line on the node itself".to_owned(),
            user: admin.value.name,
            right: admin.value.right,
            created_at,
            expires_at: created_at.plus(LOCAL),
        };
        let (secret, view) = self.give_out(token).await?;
        Ok((secret, view.token.expires_at))
    }
}

fn view(digest: &TokenDigest, token: Token) -> TokenView {
    TokenView { id: digest.0.chars().take(12).collect(), token }
}
