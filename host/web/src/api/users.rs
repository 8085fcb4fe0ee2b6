//! Who may log in.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path};
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::UserName;
use hostler_services::{MadePassword, NewUser, UserView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove)).routes(routes!(new_password))
}

/// Everybody who may log in
#[utoipa::path(get, path = "/users", tag = "access",
    responses((status = 200, description = "Their names and rights", body = Vec<UserView>), Problems))]
pub(crate) async fn list(State(web): State<Web>, who: Who) -> Result<axum::Json<Vec<UserView>>, ApiError> {
    Ok(axum::Json(web.services.access.users(&who.viewer)?))
}

/// Let somebody log in
#[utoipa::path(post, path = "/users", tag = "access", request_body = NewUser,
    responses((status = 201, description = "Done"), Problems))]
pub(crate) async fn add(State(web): State<Web>, who: Who, Json(new): Json<NewUser>) -> Result<StatusCode, ApiError> {
    web.services.access.add_user(&who.person(&web)?, new).await?;
    Ok(StatusCode::CREATED)
}

/// Remove a user
///
/// Their sessions and tokens end. The last administrator can't be removed.
#[utoipa::path(delete, path = "/users/{name}", tag = "access",
    params(("name" = UserName, Path, description = "Who")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn remove(
    State(web): State<Web>,
    who: Who,
    Path(name): Path<UserName>,
) -> Result<StatusCode, ApiError> {
    web.services.access.remove_user(&who.person(&web)?, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a user a new password
///
/// For who lost theirs. It is made here and shown this once; their sessions and tokens end. One's own is changed with
/// the old one, but at the command line of the node itself.
#[utoipa::path(post, path = "/users/{name}/password", tag = "access",
    params(("name" = UserName, Path, description = "Who")),
    responses((status = 200, description = "The password", body = MadePassword), Problems))]
pub(crate) async fn new_password(
    State(web): State<Web>,
    who: Who,
    Path(name): Path<UserName>,
) -> Result<axum::Json<MadePassword>, ApiError> {
    Ok(axum::Json(web.services.access.new_password(&who.person(&web)?, &name).await?))
}
