//! The fleet: find devices, look at one, place it, read it now, let it go.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path, Query};
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::device::Placement;
use hostler_core::history::Series;
use hostler_core::{DeviceId, Fingerprint};
use hostler_services::{DeviceView, Ordered, Page, Query as Find, StoredEvent};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, release))
        .routes(routes!(series))
        .routes(routes!(events))
        .routes(routes!(place))
        .routes(routes!(read))
        .routes(routes!(trust))
}

/// Find devices
///
/// Everything given must match. `limit` is 100 where not given.
#[utoipa::path(get, path = "/devices", tag = "devices", params(Find),
    responses((status = 200, description = "The devices that match, with counts by condition", body = Page), Problems))]
pub(crate) async fn list(
    State(web): State<Web>,
    who: Who,
    Query(find): Query<Find>,
) -> Result<axum::Json<Page>, ApiError> {
    let limit = find.limit.min(Find::MOST);
    Ok(axum::Json(web.services.inventory.list(&who.viewer, &Find { limit, ..find })))
}

/// Look at one device
#[utoipa::path(get, path = "/devices/{id}", tag = "devices", params(("id" = DeviceId, Path, description = "Which")),
    responses((status = 200, description = "What is known of it", body = DeviceView), Problems))]
pub(crate) async fn show(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
) -> Result<axum::Json<DeviceView>, ApiError> {
    Ok(axum::Json(web.services.inventory.device(&who.viewer, &id)?))
}

/// Let a device go
///
/// It isn't managed any more; its history is forgotten.
#[utoipa::path(delete, path = "/devices/{id}", tag = "devices", params(("id" = DeviceId, Path, description = "Which")),
    responses((status = 202, description = "Its gateway is told, or will be", body = Ordered), Problems))]
pub(crate) async fn release(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
) -> Result<(StatusCode, axum::Json<Ordered>), ApiError> {
    Ok((StatusCode::ACCEPTED, axum::Json(web.services.inventory.release(&who.viewer, &id).await?)))
}

/// The history of a device's readings
///
/// A series for each number, under `name` or `name/instance`.
#[utoipa::path(get, path = "/devices/{id}/series", tag = "devices",
    params(("id" = DeviceId, Path, description = "Which")),
    responses((status = 200, description = "The series", body = BTreeMap<String, Series>), Problems))]
pub(crate) async fn series(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
) -> Result<axum::Json<BTreeMap<String, Series>>, ApiError> {
    Ok(axum::Json(web.services.inventory.series(&who.viewer, &id)?))
}

/// What happened to a device
#[utoipa::path(get, path = "/devices/{id}/events", tag = "devices",
    params(("id" = DeviceId, Path, description = "Which"), super::events::Span),
    responses((status = 200, description = "Its events, the newest first", body = Vec<StoredEvent>), Problems))]
pub(crate) async fn events(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
    Query(span): Query<super::events::Span>,
) -> Result<axum::Json<Vec<StoredEvent>>, ApiError> {
    Ok(axum::Json(web.services.inventory.events(&who.viewer, Some(&id), span.before, span.limit())?))
}

/// Give a device an owner, a site and tags
///
/// Replaces all three.
#[utoipa::path(put, path = "/devices/{id}/placement", tag = "devices", request_body = Placement,
    params(("id" = DeviceId, Path, description = "Which")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn place(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
    Json(placement): Json<Placement>,
) -> Result<StatusCode, ApiError> {
    web.services.inventory.place(&who.viewer, &id, placement).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read a device now
///
/// Doesn't wait for the reading; the device changes when it is there (see `/live`).
#[utoipa::path(post, path = "/devices/{id}/read", tag = "devices",
    params(("id" = DeviceId, Path, description = "Which")),
    responses((status = 202, description = "It will be read", body = Ordered), Problems))]
pub(crate) async fn read(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
) -> Result<(StatusCode, axum::Json<Ordered>), ApiError> {
    Ok((StatusCode::ACCEPTED, axum::Json(web.services.inventory.read_now(&who.viewer, &id).await?)))
}

/// A certificate to trust.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trust {
    /// One of the two: `device.certificate.shown`, or `device.certificate.trusted` where the other is a stranger's.
    pub(crate) certificate: Fingerprint,
}

/// Say by which certificate a device is known
///
/// For a device that shows another one than before: nothing is sent to whoever shows that until somebody trusts it.
#[utoipa::path(post, path = "/devices/{id}/trust", tag = "devices", request_body = Trust,
    params(("id" = DeviceId, Path, description = "Which")),
    responses((status = 202, description = "Its gateway is told, or will be", body = Ordered), Problems))]
pub(crate) async fn trust(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
    Json(trust): Json<Trust>,
) -> Result<(StatusCode, axum::Json<Ordered>), ApiError> {
    let ordered = web.services.inventory.trust(&who.viewer, &id, trust.certificate).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(ordered)))
}
