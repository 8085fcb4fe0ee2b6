//! Log in, log out.

use super::shell::{Bare, Done};
use super::{Drawn, draw};
use crate::api::account::{self, Credentials};
use crate::auth::{self, Who};
use crate::error::{PageError, Problem};
use crate::extract::{Form, Json, Query};
use crate::state::Web;
use askama::Template;
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hostler_core::Secret;
use serde::Deserialize;
use std::net::SocketAddr;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/login", get(show).post(log_in)).route("/logout", post(log_out))
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

async fn show(State(web): State<Web>, Query(wanted): Query<Wanted>, Query(done): Query<Done>) -> Drawn {
    let (next, node) = (own_path(&wanted.next).to_owned(), web.services.node.id.to_string());
    let page = LoginPage { bare: Bare::default(), node, next, user: String::new(), error: None, note: done.note() };
    draw(&page)
}

async fn log_in(
    State(web): State<Web>,
    from: ConnectInfo<SocketAddr>,
    Form(attempt): Form<Attempt>,
) -> Result<Response, PageError> {
    let credentials = Credentials { user: attempt.user.clone(), password: attempt.password };
    let next = own_path(&attempt.next);
    match account::log_in(State(web.clone()), from, Json(credentials)).await {
        Ok(axum::Json(session)) => {
            let cookie = auth::set_cookie(Some(&Secret::new(session.token)), web.options.scheme)?;
            Ok(([(SET_COOKIE, cookie)], Redirect::to(next)).into_response())
        }
        Err(error) => {
            let (bare, node) = (Bare::default(), web.services.node.id.to_string());
            let (status, error) = (error.status(), error.for_people());
            let page =
                LoginPage { bare, node, next: next.to_owned(), user: attempt.user, error: Some(error), note: None };
            Ok((status, draw(&page)?).into_response())
        }
    }
}

async fn log_out(State(web): State<Web>, who: Who) -> Result<Response, PageError> {
    account::log_out(State(web.clone()), who).await?;
    let cookie = auth::set_cookie(None, web.options.scheme)?;
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
