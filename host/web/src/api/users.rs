//! Who may log in.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::Json;
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_services::{NewUser, UserView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list, add))
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
    web.services.access.add_user(&who.viewer, new).await?;
    Ok(StatusCode::CREATED)
}
