//! Plug-ins for the terminals of users: `hostler enroll` fetches them here.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::Path;
use crate::state::Web;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use hostler_core::PluginName;
use hostler_services::TerminalRelease;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(fetch))
}

/// The plug-ins for terminals
///
/// What finds devices in a user's network, and what brings them their PINs. Everybody who is logged in may fetch them.
#[utoipa::path(get, path = "/terminal", tag = "enrollment",
    responses((status = 200, description = "Each with its version and digest", body = Vec<TerminalRelease>), Problems))]
pub(crate) async fn list(State(web): State<Web>, who: Who) -> Result<axum::Json<Vec<TerminalRelease>>, ApiError> {
    Ok(axum::Json(web.services.catalogue.terminal(&who.viewer)?))
}

/// Fetch a plug-in for terminals
#[utoipa::path(get, path = "/terminal/{name}", tag = "enrollment",
    params(("name" = PluginName, Path, description = "Which")),
    responses((status = 200, description = "The component", body = inline(String), content_type = "application/wasm"), Problems))]
pub(crate) async fn fetch(
    State(web): State<Web>,
    who: Who,
    Path(name): Path<PluginName>,
) -> Result<impl IntoResponse, ApiError> {
    let bytes = web.services.catalogue.terminal_bytes(&who.viewer, &name)?;
    Ok(([(CONTENT_TYPE, "application/wasm")], bytes))
}
