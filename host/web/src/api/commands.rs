//! What a device can be told to do, as its plug-in describes it.

use super::requests::limits;
use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path};
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::DeviceId;
use hostler_core::command::{Command, Given};
use hostler_services::RequestView;
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(run))
}

/// What a command is told.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    /// By the names of its parameters: text, whole numbers, `true` or `false`.
    #[serde(default)]
    pub(crate) arguments: BTreeMap<String, Given>,
    /// Within how many seconds it has ended: 3600 where not given.
    #[serde(default)]
    pub(crate) within_s: Option<u64>,
}

/// What a device can be told to do
#[utoipa::path(get, path = "/devices/{id}/commands", tag = "devices",
    params(("id" = DeviceId, Path, description = "Which")),
    responses((status = 200, description = "Its plug-in's commands", body = Vec<Command>), Problems))]
pub(crate) async fn list(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
) -> Result<axum::Json<Vec<Command>>, ApiError> {
    Ok(axum::Json(web.services.inventory.commands(&who.viewer, &id).await?.to_vec()))
}

/// Have a device carry out a command
///
/// What it is told is checked against the description, here and once more where it is carried out. How it ends is seen under the
/// request's own address.
#[utoipa::path(post, path = "/devices/{id}/commands/{name}", tag = "devices", request_body = Told,
    params(("id" = DeviceId, Path, description = "Which"), ("name" = String, Path, description = "Which command")),
    responses((status = 202, description = "It is on its way", body = RequestView), Problems))]
pub(crate) async fn run(
    State(web): State<Web>,
    who: Who,
    Path((id, name)): Path<(DeviceId, String)>,
    Json(told): Json<Told>,
) -> Result<(StatusCode, axum::Json<RequestView>), ApiError> {
    let limits = limits(told.within_s)?;
    let asked = web.services.requests.command_with(&who.viewer, &id, &name, told.arguments, limits).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(asked)))
}
