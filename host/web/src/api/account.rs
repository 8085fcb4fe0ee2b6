//! Who is asking: log in, log out, change the password.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::Json;
use crate::state::Web;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use hostler_core::viewer::Right;
use hostler_core::{Secret, UserName};
use hostler_services::{Ended, ServiceError};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(log_in, log_out)).routes(routes!(show)).routes(routes!(change_password))
}

/// What to do about a wrong user or password.
const CHECK: &str = "Check both, then try again.";

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
    match web.services.access.log_in(&credentials.user, credentials.password, from.ip()).await {
        Ok(token) => Ok(axum::Json(Session { token: token.expose().to_owned() })),
        // Nothing is forbidden to somebody who isn't known yet.
        Err(ServiceError::Forbidden(text)) => Err(ApiError::new(StatusCode::UNAUTHORIZED, text).advising(CHECK, CHECK)),
        Err(other) => Err(other.into()),
    }
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
