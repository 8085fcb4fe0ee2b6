//! Log in, register, log out.

use super::shell::{Bare, Done};
use super::{Drawn, draw};
use crate::api::account::{self, Credentials};
use crate::auth::{self, Who};
use crate::error::{ApiError, PageError, Problem};
use crate::extract::{Form, Json, Query};
use crate::state::Web;
use askama::Template;
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hostler_core::Secret;
use hostler_core::viewer::Right;
use hostler_services::Entered;
use serde::Deserialize;
use std::net::SocketAddr;

pub(super) fn router() -> Router<Web> {
    let to_log_in = async || Redirect::to("/login");
    Router::new()
        .route("/login", get(show).post(log_in))
        .route("/register", get(to_log_in).post(register))
        .route("/logout", post(log_out))
}

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    pub(super) bare: Bare,
    pub(super) node: String,
    pub(super) next: String,
    pub(super) user: String,
    pub(super) error: Option<Problem>,
    pub(super) note: Option<&'static str>,
    /// Whether somebody new may register.
    pub(super) open: bool,
}

/// Somebody new is asked whether they want to register.
#[derive(Template)]
#[template(path = "register.html")]
pub(super) struct RegisterPage {
    pub(super) bare: Bare,
    pub(super) node: String,
    pub(super) next: String,
    pub(super) user: String,
    pub(super) error: Option<Problem>,
}

#[derive(Deserialize, Default)]
struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Attempt {
    user: String,
    password: Secret,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Newcomer {
    user: String,
    password: Secret,
    again: Secret,
    #[serde(default)]
    next: String,
}

async fn show(State(web): State<Web>, Query(wanted): Query<Wanted>, Query(done): Query<Done>) -> Drawn {
    let page = LoginPage {
        bare: Bare::default(),
        node: web.services.node.id.to_string(),
        next: own_path(&wanted.next).to_owned(),
        user: String::new(),
        error: None,
        note: done.note(),
        open: web.services.access.is_open(),
    };
    draw(&page)
}

async fn log_in(
    State(web): State<Web>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Form(attempt): Form<Attempt>,
) -> Result<Response, PageError> {
    let credentials = Credentials { user: attempt.user.clone(), password: attempt.password };
    let next = own_path(&attempt.next).to_owned();
    match account::enter(&web, from, credentials).await {
        Ok(Entered::In(token)) => begin(&web, &token, &next),
        Ok(Entered::MayRegister(user)) => {
            let (bare, node) = (Bare::default(), web.services.node.id.to_string());
            let page = RegisterPage { bare, node, next, user: user.to_string(), error: None };
            Ok(draw(&page)?.into_response())
        }
        Err(error) => {
            let (bare, node, open) = (Bare::default(), web.services.node.id.to_string(), web.services.access.is_open());
            let (status, error) = (error.status(), Some(error.for_people()));
            let page = LoginPage { bare, node, next, user: attempt.user, error, note: None, open };
            Ok((status, draw(&page)?).into_response())
        }
    }
}

async fn register(
    State(web): State<Web>,
    from: ConnectInfo<SocketAddr>,
    Form(new): Form<Newcomer>,
) -> Result<Response, PageError> {
    let next = own_path(&new.next).to_owned();
    let registered = if new.password.expose() == new.again.expose() {
        let credentials = Credentials { user: new.user.clone(), password: new.password };
        account::register(State(web.clone()), from, Json(credentials)).await
    } else {
        let error = ApiError::new(StatusCode::BAD_REQUEST, "the two passwords differ");
        Err(error.advising("Type the same password twice.", "Send the same password twice."))
    };
    match registered {
        Ok((_, axum::Json(session))) => begin(&web, &Secret::new(session.token), &next),
        Err(error) => {
            let (bare, node) = (Bare::default(), web.services.node.id.to_string());
            let (status, error) = (error.status(), Some(error.for_people()));
            let page = RegisterPage { bare, node, next, user: new.user, error };
            Ok((status, draw(&page)?).into_response())
        }
    }
}

/// Gives a browser its session, and sends it where it wanted to go. Who sees only their own devices begins by
/// registering them.
fn begin(web: &Web, token: &Secret, next: &str) -> Result<Response, PageError> {
    let cookie = auth::set_cookie(Some(token), web.options)?;
    let own = web.services.access.viewer(token.expose()).is_ok_and(|viewer| !viewer.may(Right::See));
    let next = if own && next == "/" && web.services.enrollment.is_some() { "/registrations" } else { next };
    Ok(([(SET_COOKIE, cookie)], Redirect::to(next)).into_response())
}

async fn log_out(State(web): State<Web>, who: Who) -> Result<Response, PageError> {
    account::log_out(State(web.clone()), who).await?;
    let cookie = auth::set_cookie(None, web.options)?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}

/// Where to go after the log-in: a path of ours, whatever a link says.
fn own_path(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t'])
        && next.chars().all(|c| c.is_ascii_graphic());
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_log_in_nobody_is_sent_elsewhere() {
        for bad in ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:x", ""]
        {
            assert_eq!(own_path(bad), "/", "{bad}");
        }
        assert_eq!(own_path("/devices/x?done=read"), "/devices/x?done=read");
    }
}
