//! The panel of a device of this node's own.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path};
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::DeviceId;
use hostler_services::PanelView;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(look)).routes(routes!(call))
}

/// A call for help.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallForHelp {
    /// What it is about.
    #[serde(default)]
    pub(crate) text: Option<String>,
}

/// What a device's panel shows
///
/// At the node that speaks for the device: its display, its lamp, and what became of the last call for help.
#[utoipa::path(get, path = "/devices/{id}/panel", tag = "devices",
    params(("id" = DeviceId, Path, description = "Which")),
    responses((status = 200, description = "The panel", body = PanelView), Problems))]
pub(crate) async fn look(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
) -> Result<axum::Json<PanelView>, ApiError> {
    web.services.inventory.device(&who.viewer, &id)?;
    Ok(axum::Json(web.services.panels.look(&id)?))
}

/// Press the key by which somebody at the device calls for help
///
/// Goes to the manager, through every gateway. The panel shows what becomes of it.
#[utoipa::path(post, path = "/devices/{id}/panel/call", tag = "devices", request_body = CallForHelp,
    params(("id" = DeviceId, Path, description = "Which")),
    responses((status = 202, description = "It is on its way, or another one already was", body = PanelView), Problems))]
pub(crate) async fn call(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
    Json(call): Json<CallForHelp>,
) -> Result<(StatusCode, axum::Json<PanelView>), ApiError> {
    web.services.inventory.device(&who.viewer, &id)?;
    Ok((StatusCode::ACCEPTED, axum::Json(web.services.panels.call_as(&who.viewer, &id, call.text).await?)))
}
