//! What is done by the calendar.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path, Query};
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::ScheduleId;
use hostler_core::schedule::Standing;
use hostler_services::{Coming, NewSchedule, ScheduleView};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, edit, remove))
        .routes(routes!(run))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(coming))
}

/// Every schedule
#[utoipa::path(get, path = "/schedules", tag = "schedules",
    responses((status = 200, description = "Each with when it is due and how it ended last", body = Vec<ScheduleView>), Problems))]
pub(crate) async fn list(State(web): State<Web>, who: Who) -> Result<axum::Json<Vec<ScheduleView>>, ApiError> {
    Ok(axum::Json(web.services.schedules.list(&who.viewer)?))
}

/// Make a schedule
///
/// Its ID follows from its name.
#[utoipa::path(post, path = "/schedules", tag = "schedules", request_body = NewSchedule,
    responses((status = 201, description = "The schedule", body = ScheduleView), Problems))]
pub(crate) async fn add(
    State(web): State<Web>,
    who: Who,
    Json(new): Json<NewSchedule>,
) -> Result<(StatusCode, axum::Json<ScheduleView>), ApiError> {
    Ok((StatusCode::CREATED, axum::Json(web.services.schedules.add(&who.viewer, new).await?)))
}

/// Look at one schedule
#[utoipa::path(get, path = "/schedules/{id}", tag = "schedules", params(("id" = ScheduleId, Path, description = "Which")),
    responses((status = 200, description = "The schedule", body = ScheduleView), Problems))]
pub(crate) async fn show(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<ScheduleId>,
) -> Result<axum::Json<ScheduleView>, ApiError> {
    Ok(axum::Json(web.services.schedules.show(&who.viewer, &id)?))
}

/// Want something else of a schedule
///
/// Everything is given anew. A run that is under way ends as it began.
#[utoipa::path(put, path = "/schedules/{id}", tag = "schedules", params(("id" = ScheduleId, Path, description = "Which")),
    request_body = NewSchedule, responses((status = 200, description = "The schedule", body = ScheduleView), Problems))]
pub(crate) async fn edit(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<ScheduleId>,
    Json(new): Json<NewSchedule>,
) -> Result<axum::Json<ScheduleView>, ApiError> {
    Ok(axum::Json(web.services.schedules.edit(&who.viewer, &id, new).await?))
}

/// Remove a schedule
#[utoipa::path(delete, path = "/schedules/{id}", tag = "schedules", params(("id" = ScheduleId, Path, description = "Which")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn remove(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<ScheduleId>,
) -> Result<StatusCode, ApiError> {
    web.services.schedules.remove(&who.viewer, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Run a schedule now
///
/// Its times stay as they are. How it ended is told by an event, and shown with the schedule.
#[utoipa::path(post, path = "/schedules/{id}/run", tag = "schedules", params(("id" = ScheduleId, Path, description = "Which")),
    responses((status = 202, description = "It runs", body = ScheduleView), Problems))]
pub(crate) async fn run(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<ScheduleId>,
) -> Result<(StatusCode, axum::Json<ScheduleView>), ApiError> {
    Ok((StatusCode::ACCEPTED, axum::Json(web.services.schedules.run_now(&who.viewer, &id).await?)))
}

/// Let a schedule rest
#[utoipa::path(post, path = "/schedules/{id}/pause", tag = "schedules", params(("id" = ScheduleId, Path, description = "Which")),
    responses((status = 200, description = "The schedule", body = ScheduleView), Problems))]
pub(crate) async fn pause(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<ScheduleId>,
) -> Result<axum::Json<ScheduleView>, ApiError> {
    Ok(axum::Json(web.services.schedules.set(&who.viewer, &id, Standing::Paused).await?))
}

/// Let a schedule run again
///
/// What was due while it rested wasn't missed.
#[utoipa::path(post, path = "/schedules/{id}/resume", tag = "schedules", params(("id" = ScheduleId, Path, description = "Which")),
    responses((status = 200, description = "The schedule", body = ScheduleView), Problems))]
pub(crate) async fn resume(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<ScheduleId>,
) -> Result<axum::Json<ScheduleView>, ApiError> {
    Ok(axum::Json(web.services.schedules.set(&who.viewer, &id, Standing::Active).await?))
}

/// A calendar expression and where it is meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Five fields such as `30 2 * * 1-5`, or `hourly`, `daily`, `weekly`, `monthly`, `yearly`.
    pub calendar: String,
    /// An IANA time zone such as `Europe/Berlin`; UTC where it isn't given.
    #[serde(default)]
    pub zone: Option<String>,
}

/// When a calendar expression comes next
#[utoipa::path(get, path = "/calendar", tag = "schedules", params(Asked),
    responses((status = 200, description = "The next five times, in the zone and in UTC", body = Coming), Problems))]
pub(crate) async fn coming(
    State(web): State<Web>,
    who: Who,
    Query(asked): Query<Asked>,
) -> Result<axum::Json<Coming>, ApiError> {
    let zone = asked.zone.as_deref().unwrap_or("UTC");
    Ok(axum::Json(web.services.schedules.coming(&who.viewer, &asked.calendar, zone)?))
}
