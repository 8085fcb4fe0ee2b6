//! Tokens for programs: make, list, revoke.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path};
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_services::{MadeToken, NewToken, TokenView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(revoke))
}

/// The tokens that were given out
///
/// Without the tokens themselves, of which only digests are kept.
#[utoipa::path(get, path = "/tokens", tag = "access",
    responses((status = 200, description = "Whose they are, what they allow, when they end", body = Vec<TokenView>), Problems))]
pub(crate) async fn list(State(web): State<Web>, who: Who) -> Result<axum::Json<Vec<TokenView>>, ApiError> {
    Ok(axum::Json(web.services.access.tokens(&who.viewer)?))
}

/// Make a token for a program
///
/// The answer is the only place where it is shown. It allows at most what its maker may, and no program's token makes
/// another.
#[utoipa::path(post, path = "/tokens", tag = "access", request_body = NewToken,
    responses((status = 201, description = "The token", body = MadeToken), Problems))]
pub(crate) async fn make(
    State(web): State<Web>,
    who: Who,
    Json(new): Json<NewToken>,
) -> Result<(StatusCode, axum::Json<MadeToken>), ApiError> {
    let made = web.services.access.make_token(&who.person(&web)?, new).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// End a token now
///
/// A program ends its own with `DELETE /session`; others are ended by people.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "access",
    params(("id" = String, Path, description = "The `id` it is listed with")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn revoke(State(web): State<Web>, who: Who, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    web.services.access.revoke(&who.person(&web)?, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
