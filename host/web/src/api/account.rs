//! Who is asking: log in, log out, change the password.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::Json;
use crate::state::Web;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use hostler_core::viewer::Right;
use hostler_core::{Secret, UserName};
use hostler_services::{Ended, Entered, ServiceError};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(log_in, log_out))
        .routes(routes!(register))
        .routes(routes!(show))
        .routes(routes!(change_password))
}

/// What to do about a wrong user or password.
const CHECK: &str = "Check both, then try again.";
const ADD: &str = "Ask an administrator to add you.";
const NEW: &str =
    "Check both, then try again. Who is new registers: POST /api/v1/register, with a user ID and a password.";

/// What somebody logs in with.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Credentials {
    /// Who.
    pub user: String,
    /// Their password.
    #[schema(value_type = String, format = Password)]
    pub password: Secret,
}

/// A session that began.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// To send as `Authorization: Bearer`, until it ends.
    pub token: String,
}

/// Who is asking.
#[derive(Serialize, ToSchema)]
pub(crate) struct Account {
    /// Who.
    pub user: UserName,
    /// What they may do with what they logged in with.
    pub right: Right,
}

/// A password and the one to follow it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordChange {
    /// The one that holds.
    #[schema(value_type = String, format = Password)]
    pub old: Secret,
    /// The one that shall hold.
    #[schema(value_type = String, format = Password)]
    pub new: Secret,
}

/// Log in with a password
///
/// For a program that acts for a person at a terminal; others use a token that was made for them.
#[utoipa::path(post, path = "/session", tag = "account", request_body = Credentials, security(()),
    responses((status = 200, description = "A session's token", body = Session), Problems))]
pub(crate) async fn log_in(
    State(web): State<Web>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Json(credentials): Json<Credentials>,
) -> Result<axum::Json<Session>, ApiError> {
    match enter(&web, from, credentials).await? {
        Entered::In(token) => Ok(axum::Json(Session { token: token.expose().to_owned() })),
        Entered::MayRegister(_) => Err(wrong().advising(CHECK, NEW)),
    }
}

/// Logs in, or learns that whoever tries may register.
pub(crate) async fn enter(web: &Web, from: SocketAddr, credentials: Credentials) -> Result<Entered, ApiError> {
    match web.services.access.enter(&credentials.user, credentials.password, from.ip()).await {
        // Nothing is forbidden to somebody who isn't known yet.
        Err(ServiceError::Forbidden(_)) => Err(wrong()),
        entered => Ok(entered?),
    }
}

fn wrong() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "The user ID or the password is wrong.").advising(CHECK, CHECK)
}

/// Register as a user
///
/// Where this manager lets people register themselves. Who did sees their own devices, and is logged in at once.
#[utoipa::path(post, path = "/register", tag = "account", request_body = Credentials, security(()),
    responses((status = 201, description = "A session's token", body = Session), Problems))]
pub(crate) async fn register(
    State(web): State<Web>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Json(credentials): Json<Credentials>,
) -> Result<(StatusCode, axum::Json<Session>), ApiError> {
    let registered = web.services.access.register(&credentials.user, credentials.password, from.ip()).await;
    let token = registered.map_err(|error| {
        let forbidden = matches!(error, ServiceError::Forbidden(_));
        let error = ApiError::from(error);
        if forbidden { error.advising(ADD, ADD) } else { error }
    })?;
    Ok((StatusCode::CREATED, axum::Json(Session { token: token.expose().to_owned() })))
}

/// End the session or token that is shown
#[utoipa::path(delete, path = "/session", tag = "account",
    responses((status = 204, description = "It doesn't hold any more"), Problems))]
pub(crate) async fn log_out(State(web): State<Web>, who: Who) -> Result<StatusCode, ApiError> {
    web.services.access.log_out(who.token.expose()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is asking
#[utoipa::path(get, path = "/account", tag = "account",
    responses((status = 200, description = "The user and the right", body = Account), Problems))]
pub(crate) async fn show(who: Who) -> axum::Json<Account> {
    axum::Json(Account { user: who.viewer.user, right: who.viewer.right })
}

/// Change the own password
///
/// Every other session and all tokens of this user end. A program's token may not.
#[utoipa::path(put, path = "/account/password", tag = "account", request_body = PasswordChange,
    responses((status = 200, description = "Done; how many sessions and tokens ended", body = Ended), Problems))]
pub(crate) async fn change_password(
    State(web): State<Web>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    who: Who,
    Json(change): Json<PasswordChange>,
) -> Result<axum::Json<Ended>, ApiError> {
    let person = who.person(&web)?;
    Ok(axum::Json(web.services.access.change_password(&person, change.old, change.new, from.ip()).await?))
}
