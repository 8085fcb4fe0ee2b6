//! This node's own membership in its manager's fleet, for who stands at the device; and what others need to join here.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::Json;
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::enrollment::device::By;
use hostler_core::viewer::Right;
use hostler_core::{Secret, UserName};
use hostler_services::membership::{MembershipError, Offered, Status};
use hostler_services::{JoinHere, Member, ServiceError};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(join_here))
        .routes(routes!(show))
        .routes(routes!(open_window, close_window))
        .routes(routes!(offer))
        .routes(routes!(set_user))
}

/// What a node needs to join this manager's fleet
#[utoipa::path(get, path = "/join", tag = "enrollment",
    responses((status = 200, description = "For the [parent] section of its configuration", body = JoinHere), Problems))]
pub(crate) async fn join_here(State(web): State<Web>, _: Who) -> Result<axum::Json<JoinHere>, ApiError> {
    let nowhere = || {
        let why =
            "nodes can't join here: the configuration has no `listen`, in [enrollment] of a manager or in [gateway]";
        ServiceError::NotFound(why.to_owned())
    };
    Ok(axum::Json(web.services.join.clone().ok_or_else(nowhere)?))
}

/// How this node stands with its manager
#[utoipa::path(get, path = "/membership", tag = "membership",
    responses((status = 200, description = "As its page and display show it", body = Status), Problems))]
pub(crate) async fn show(State(web): State<Web>, _: Who) -> Result<axum::Json<Status>, ApiError> {
    Ok(axum::Json(web.services.member()?.status()))
}

/// Take a PIN for a while
///
/// What a key at the device does.
#[utoipa::path(post, path = "/membership/window", tag = "membership",
    responses((status = 200, description = "It takes a PIN", body = Status), Problems))]
pub(crate) async fn open_window(State(web): State<Web>, who: Who) -> Result<axum::Json<Status>, ApiError> {
    let member = administered(&web, &who)?;
    member.open_window().await.map_err(failed)?;
    Ok(axum::Json(member.status()))
}

/// Take no PIN any more
///
/// One that is being tried is given up.
#[utoipa::path(delete, path = "/membership/window", tag = "membership",
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn close_window(State(web): State<Web>, who: Who) -> Result<StatusCode, ApiError> {
    administered(&web, &who)?.close_window().await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A PIN or key that was entered at the device.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Entered {
    /// A PIN.
    #[schema(value_type = String)]
    Pin(Secret),
    /// A key.
    #[schema(value_type = String)]
    Key(Secret),
}

/// Enter a PIN or key at the device
///
/// It needs no window, and takes the place of one that is being tried.
#[utoipa::path(post, path = "/membership", tag = "membership", request_body = Entered,
    responses((status = 202, description = "The manager is being asked", body = Status), Problems))]
pub(crate) async fn offer(
    State(web): State<Web>,
    who: Who,
    Json(entered): Json<Entered>,
) -> Result<(StatusCode, axum::Json<Status>), ApiError> {
    let member = administered(&web, &who)?;
    let invalid = |why: String| ServiceError::Invalid(why);
    let offered = match entered {
        Entered::Pin(pin) => Offered::Pin(pin.expose().parse().map_err(|why| invalid(format!("{why}")))?),
        Entered::Key(key) => Offered::Key(key.expose().parse().map_err(|why| invalid(format!("{why}")))?),
    };
    member.offer(offered, By::Hand).await.map_err(failed)?;
    Ok((StatusCode::ACCEPTED, axum::Json(member.status())))
}

/// Whose device it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// The user, or `null` for anybody.
    pub(crate) user: Option<UserName>,
}

/// Enter the device's user
///
/// Only their PIN connects it then.
#[utoipa::path(put, path = "/membership/user", tag = "membership", request_body = Expected,
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn set_user(
    State(web): State<Web>,
    who: Who,
    Json(expected): Json<Expected>,
) -> Result<StatusCode, ApiError> {
    administered(&web, &who)?.set_user(expected.user).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

fn administered<'a>(web: &'a Web, who: &Who) -> Result<&'a Arc<Member>, ApiError> {
    if !who.viewer.may(Right::Administer) {
        let why = "only an administrator of this node stands for somebody at the device";
        return Err(ServiceError::Forbidden(why.to_owned()).into());
    }
    Ok(web.services.member()?)
}

fn failed(error: MembershipError) -> ApiError {
    match error {
        MembershipError::Declined(why) => ServiceError::Conflict(why.to_string()).into(),
        MembershipError::Store(error) => ServiceError::from(error).into(),
        other => ServiceError::Internal(other.to_string()).into(),
    }
}
