//! What answered in a network and isn't managed yet: look, search, adopt.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::Json;
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::{NodeId, PluginName};
use hostler_services::{CandidateView, Choice, Ordered};
use serde::Deserialize;
use std::net::IpAddr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(adopt)).routes(routes!(search))
}

/// What to adopt, and as what.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Adopt {
    /// In whose network it answered.
    pub gateway: NodeId,
    /// Where it answered.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// The plug-in that shall know its type.
    pub plugin: PluginName,
    /// `true` takes it though that plug-in didn't recognise it.
    #[serde(default)]
    pub anyway: bool,
}

/// Where to search.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Search {
    /// In whose networks; in all where not given.
    #[serde(default)]
    pub gateway: Option<NodeId>,
}

/// What answered and isn't managed yet
#[utoipa::path(get, path = "/candidates", tag = "candidates",
    responses((status = 200, description = "Each with the plug-ins that recognise it", body = Vec<CandidateView>), Problems))]
pub(crate) async fn list(State(web): State<Web>, who: Who) -> Result<axum::Json<Vec<CandidateView>>, ApiError> {
    Ok(axum::Json(web.services.inventory.candidates(&who.viewer)?))
}

/// Adopt a candidate
///
/// Its gateway identifies it and speaks for it from then on. Doesn't wait for that; the outcome is an event.
#[utoipa::path(post, path = "/candidates/adopt", tag = "candidates", request_body = Adopt,
    responses((status = 202, description = "Its gateway is told, or will be", body = Ordered), Problems))]
pub(crate) async fn adopt(
    State(web): State<Web>,
    who: Who,
    Json(what): Json<Adopt>,
) -> Result<(StatusCode, axum::Json<Ordered>), ApiError> {
    let choice = if what.anyway { Choice::Anyway } else { Choice::Recognised };
    let inventory = &web.services.inventory;
    let ordered = inventory.adopt(&who.viewer, &what.gateway, what.address, &what.plugin, choice).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(ordered)))
}

/// Search the networks now
#[utoipa::path(post, path = "/candidates/search", tag = "candidates", request_body = Search,
    responses((status = 202, description = "The gateways are told"), Problems))]
pub(crate) async fn search(
    State(web): State<Web>,
    who: Who,
    Json(search): Json<Search>,
) -> Result<StatusCode, ApiError> {
    web.services.inventory.discover_now(&who.viewer, search.gateway.as_ref()).await?;
    Ok(StatusCode::ACCEPTED)
}
