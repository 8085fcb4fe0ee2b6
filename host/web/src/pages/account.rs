//! Who is logged in: password, tokens for programs, and for administrators the users.

use super::shell::Done;
use super::{Drawn, Section, Shell, again, draw};
use crate::api::account::{self, PasswordChange};
use crate::api::{tokens, users};
use crate::auth::Who;
use crate::error::{ApiError, PageError};
use crate::extract::{Json, Path, Query, Sent};
use crate::state::Web;
use crate::words::{self, RIGHTS};
use askama::Template;
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hostler_core::UserName;
use hostler_core::access::{TokenDigest, TokenKind};
use hostler_core::viewer::Right;
use hostler_services::{MadePassword, MadeToken, NewToken, NewUser, TokenView, UserView};
use std::cmp::Reverse;
use std::net::SocketAddr;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/account", get(show))
        .route("/account/password", post(change_password))
        .route("/account/tokens", post(make_token))
        .route("/account/tokens/{id}/revoke", post(revoke))
        .route("/account/users", post(add_user))
        .route("/account/users/{name}/password", post(new_password))
        .route("/account/users/{name}/remove", post(remove_user))
}

#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    pub(super) shell: Shell,
    /// The session that looks at the page.
    pub(super) own: TokenDigest,
    /// The newest first.
    pub(super) tokens: Vec<TokenView>,
    pub(super) users: Vec<UserView>,
    /// A token that was just made: shown this once.
    pub(super) made: Option<MadeToken>,
    /// A password that was just made for somebody: shown this once.
    pub(super) password: Option<MadePassword>,
}

/// What was just made and is shown this once.
#[derive(Default)]
struct Made {
    token: Option<MadeToken>,
    password: Option<MadePassword>,
}

async fn show(State(web): State<Web>, who: Who, Query(done): Query<Done>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Account).after(&done);
    with(web, who, shell, Made::default()).await
}

async fn with(web: Web, who: Who, shell: Shell, made: Made) -> Drawn {
    let own = TokenDigest::of(who.token.expose());
    let axum::Json(mut tokens) = tokens::list(State(web.clone()), who.clone()).await?;
    tokens.sort_by_key(|view| Reverse(view.token.created_at));
    let users = if who.viewer.may(Right::Administer) { users::list(State(web), who).await?.0 } else { Vec::new() };
    draw(&AccountPage { shell, own, tokens, users, made: made.token, password: made.password })
}

/// The page once more, with the form that was refused.
async fn refused(web: Web, who: Who, form: &'static str, error: ApiError, sent: Sent) -> Result<Response, PageError> {
    let shell = Shell::new(&web, &who, Section::Account).refusing(form, &error, sent);
    again(error, with(web, who, shell, Made::default())).await
}

async fn change_password(
    State(web): State<Web>,
    from: ConnectInfo<SocketAddr>,
    who: Who,
    sent: Sent,
) -> Result<Response, PageError> {
    let changed = async {
        let change = sent.read::<PasswordChange>().await?;
        account::change_password(State(web.clone()), from, who.clone(), Json(change)).await
    };
    match changed.await {
        Ok(_ended) => Ok(Redirect::to("/account?done=password").into_response()),
        Err(error) => refused(web, who, "password", error, sent).await,
    }
}

async fn make_token(State(web): State<Web>, who: Who, sent: Sent) -> Result<Response, PageError> {
    let made = async {
        let new = sent.read::<NewToken>().await?;
        tokens::make(State(web.clone()), who.clone(), Json(new)).await
    };
    match made.await {
        Ok((_, axum::Json(made))) => {
            let shell = Shell::new(&web, &who, Section::Account);
            Ok(with(web, who, shell, Made { token: Some(made), ..Made::default() }).await?.into_response())
        }
        Err(error) => refused(web, who, "token", error, sent).await,
    }
}

async fn revoke(State(web): State<Web>, who: Who, Path(id): Path<String>) -> Result<Redirect, PageError> {
    tokens::revoke(State(web), who, Path(id)).await?;
    Ok(Redirect::to("/account?done=revoked"))
}

async fn add_user(State(web): State<Web>, who: Who, sent: Sent) -> Result<Response, PageError> {
    let added = async {
        let new = sent.read::<NewUser>().await?;
        users::add(State(web.clone()), who.clone(), Json(new)).await
    };
    match added.await {
        Ok(_) => Ok(Redirect::to("/account?done=added").into_response()),
        // The form is an administrator's.
        Err(error) if !who.viewer.may(Right::Administer) => Err(error.into()),
        Err(error) => refused(web, who, "user", error, sent).await,
    }
}

async fn new_password(State(web): State<Web>, who: Who, Path(name): Path<UserName>) -> Drawn {
    let axum::Json(made) = users::new_password(State(web.clone()), who.clone(), Path(name)).await?;
    let shell = Shell::new(&web, &who, Section::Account);
    with(web, who, shell, Made { password: Some(made), ..Made::default() }).await
}

async fn remove_user(State(web): State<Web>, who: Who, Path(name): Path<UserName>) -> Result<Redirect, PageError> {
    users::remove(State(web), who, Path(name)).await?;
    Ok(Redirect::to("/account?done=parted"))
}

impl AccountPage {
    /// The rights that this user can give to a token.
    fn rights(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let own = self.shell.viewer.right;
        RIGHTS.into_iter().filter(move |(right, ..)| *right <= own).map(|(_, word, allows)| (word, allows))
    }

    fn every_right(&self) -> [(&'static str, &'static str); 4] {
        RIGHTS.map(|(_, word, allows)| (word, allows))
    }

    fn right(&self, right: &Right) -> &'static str {
        words::right(*right)
    }

    fn is_own(&self, token: &TokenView) -> bool {
        self.own.0.starts_with(&token.id)
    }

    fn is_session(&self, token: &TokenView) -> bool {
        token.token.kind == TokenKind::Session
    }
}
