//! Registering devices, and the devices that came in.

use super::csv;
use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path, Query};
use crate::state::Web;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use hostler_core::{DeviceId, RegistrationId};
use hostler_services::{EnrolledView, NewRegistration, RegistrationSummary, RegistrationView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Ten thousand of the longest host names.
pub(crate) const ADDRESSES_LIMIT: usize = 3 << 20;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list, register))
        .layer(DefaultBodyLimit::max(ADDRESSES_LIMIT))
        .routes(routes!(show, withdraw))
        .routes(routes!(table))
        .routes(routes!(enrolled))
        .routes(routes!(let_return))
        .routes(routes!(bar, unbar))
        .routes(routes!(release))
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// How many come before it.
    pub(crate) offset: usize,
    /// How many it has at most; all where not given.
    pub(crate) limit: Option<usize>,
}

/// One's registrations
///
/// Everybody's for an administrator; the newest first.
#[utoipa::path(get, path = "/registrations", tag = "enrollment", params(Part),
    responses((status = 200, description = "What was registered, and how much of it came in", body = Vec<RegistrationSummary>), Problems))]
pub(crate) async fn list(
    State(web): State<Web>,
    who: Who,
    Query(part): Query<Part>,
) -> Result<axum::Json<Vec<RegistrationSummary>>, ApiError> {
    let wanted = part.offset..part.offset.saturating_add(part.limit.unwrap_or(usize::MAX));
    Ok(axum::Json(web.services.enrollment()?.registrations(&who.viewer, wanted)?))
}

/// Register devices
///
/// Makes a PIN or a key for each address, or one for several, and says for each address the URL that carries its PIN.
#[utoipa::path(post, path = "/registrations", tag = "enrollment", request_body = NewRegistration,
    responses((status = 201, description = "The registration, with what wasn't taken", body = RegistrationView), Problems))]
pub(crate) async fn register(
    State(web): State<Web>,
    who: Who,
    Json(new): Json<NewRegistration>,
) -> Result<(StatusCode, axum::Json<RegistrationView>), ApiError> {
    let made = web.services.enrollment()?.register(&who.viewer, new).await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Look at one registration
///
/// PINs are shown to whoever made it, and only while they let somebody in.
#[utoipa::path(get, path = "/registrations/{id}", tag = "enrollment",
    params(("id" = RegistrationId, Path, description = "Which")),
    responses((status = 200, description = "Its addresses and how far each is", body = RegistrationView), Problems))]
pub(crate) async fn show(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<RegistrationId>,
) -> Result<axum::Json<RegistrationView>, ApiError> {
    Ok(axum::Json(web.services.enrollment()?.registration(&who.viewer, &id)?))
}

/// One registration as a table
///
/// Each address with its URL, its PIN or key and how far it is, as CSV.
#[utoipa::path(get, path = "/registrations/{id}/table.csv", tag = "enrollment",
    params(("id" = RegistrationId, Path, description = "Which")),
    responses((status = 200, description = "The table", content_type = "text/csv", body = String), Problems))]
pub(crate) async fn table(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<RegistrationId>,
) -> Result<impl IntoResponse, ApiError> {
    let view = web.services.enrollment()?.registration(&who.viewer, &id)?;
    let name = format!("attachment; filename=\"registration-{id}.csv\"");
    let head = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((head, csv::table(&view)))
}

/// Withdraw a registration's PINs
///
/// The devices that came in by them stay.
#[utoipa::path(delete, path = "/registrations/{id}", tag = "enrollment",
    params(("id" = RegistrationId, Path, description = "Which")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn withdraw(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<RegistrationId>,
) -> Result<StatusCode, ApiError> {
    web.services.enrollment()?.withdraw(&who.viewer, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices that came in
///
/// One's own; everybody's for an administrator.
#[utoipa::path(get, path = "/enrolled", tag = "enrollment",
    responses((status = 200, description = "Each with its node, its owner and how it stands", body = Vec<EnrolledView>), Problems))]
pub(crate) async fn enrolled(State(web): State<Web>, who: Who) -> Result<axum::Json<Vec<EnrolledView>>, ApiError> {
    Ok(axum::Json(web.services.enrollment()?.enrolled(&who.viewer)))
}

/// Let a device connect anew
///
/// For one that was reset and has another key. What was issued to it ends at once; a PIN of its owner lets it in again.
#[utoipa::path(post, path = "/enrolled/{device}/return", tag = "enrollment",
    params(("device" = DeviceId, Path, description = "Which")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn let_return(
    State(web): State<Web>,
    who: Who,
    Path(device): Path<DeviceId>,
) -> Result<StatusCode, ApiError> {
    web.services.enrollment()?.let_return(&who.viewer, &device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why a device is barred.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bar {
    /// For those who see it barred; 200 characters are kept.
    pub(crate) why: String,
}

/// Bar a device
///
/// For one that was lost. What was issued to it ends at once, and no PIN lets it in until the bar is lifted.
#[utoipa::path(put, path = "/enrolled/{device}/bar", tag = "enrollment", request_body = Bar,
    params(("device" = DeviceId, Path, description = "Which")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn bar(
    State(web): State<Web>,
    who: Who,
    Path(device): Path<DeviceId>,
    Json(bar): Json<Bar>,
) -> Result<StatusCode, ApiError> {
    web.services.enrollment()?.bar(&who.viewer, &device, &bar.why).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lift a bar
#[utoipa::path(delete, path = "/enrolled/{device}/bar", tag = "enrollment",
    params(("device" = DeviceId, Path, description = "Which")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn unbar(
    State(web): State<Web>,
    who: Who,
    Path(device): Path<DeviceId>,
) -> Result<StatusCode, ApiError> {
    web.services.enrollment()?.unbar(&who.viewer, &device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Release a device
///
/// It has no owner then; any user's PIN lets it in.
#[utoipa::path(post, path = "/enrolled/{device}/release", tag = "enrollment",
    params(("device" = DeviceId, Path, description = "Which")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn release(
    State(web): State<Web>,
    who: Who,
    Path(device): Path<DeviceId>,
) -> Result<StatusCode, ApiError> {
    web.services.enrollment()?.release(&who.viewer, &device).await?;
    Ok(StatusCode::NO_CONTENT)
}
