//! Where notices are forwarded to, and how that goes.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::Path;
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::RuleName;
use hostler_services::ForwardView;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(test))
}

/// Where notices are forwarded to
///
/// The rules of this node's configuration, each with what was taken, what waits, and why it fails.
#[utoipa::path(get, path = "/forwards", tag = "events",
    responses((status = 200, description = "How each rule stands", body = Vec<ForwardView>), Problems))]
pub(crate) async fn list(State(web): State<Web>, who: Who) -> Result<axum::Json<Vec<ForwardView>>, ApiError> {
    Ok(axum::Json(web.services.forwards.list(&who.viewer)?))
}

/// Send a test notice
///
/// One notice named `forward.test`, whatever the rule's filter says. Answers when the receiver took it, and else why it didn't.
#[utoipa::path(post, path = "/forwards/{name}/test", tag = "events",
    params(("name" = RuleName, Path, description = "The rule's name")),
    responses((status = 204, description = "The receiver took it"), Problems))]
pub(crate) async fn test(State(web): State<Web>, who: Who, Path(name): Path<RuleName>) -> Result<StatusCode, ApiError> {
    web.services.forwards.test(&who.viewer, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
