//! The catalogue: install, grant, go back, remove.

use crate::PLUGIN_LIMIT;
use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path, Query};
use crate::state::Web;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use hostler_core::PluginName;
use hostler_core::plugin::Grant;
use hostler_services::{Installed, PluginView};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .merge(OpenApiRouter::new().routes(routes!(install)).layer(DefaultBodyLimit::max(PLUGIN_LIMIT)))
        .routes(routes!(show, remove))
        .routes(routes!(grant))
        .routes(routes!(rollback))
}

/// How to install.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Approval {
    /// `true` grants everything that the plug-in asks for.
    #[serde(default)]
    pub approve: bool,
}

/// Every plug-in in the catalogue
#[utoipa::path(get, path = "/plugins", tag = "plugins",
    responses((status = 200, description = "What each is for and what it may do", body = Vec<PluginView>), Problems))]
pub(crate) async fn list(State(web): State<Web>, who: Who) -> Result<axum::Json<Vec<PluginView>>, ApiError> {
    Ok(axum::Json(web.services.catalogue.list(&who.viewer)?))
}

/// Look at one plug-in
#[utoipa::path(get, path = "/plugins/{name}", tag = "plugins",
    params(("name" = PluginName, Path, description = "Which")),
    responses((status = 200, description = "What it is for and what it may do", body = PluginView), Problems))]
pub(crate) async fn show(
    State(web): State<Web>,
    who: Who,
    Path(name): Path<PluginName>,
) -> Result<axum::Json<PluginView>, ApiError> {
    Ok(axum::Json(web.services.catalogue.inspect(&who.viewer, &name)?))
}

/// Install or upgrade a plug-in
///
/// The body is the component, at most 64 MiB. One that asks for more than was granted waits until somebody grants it.
#[utoipa::path(post, path = "/plugins", tag = "plugins", params(Approval),
    request_body(content = inline(String), content_type = "application/wasm", description = "The component"),
    responses((status = 200, description = "It is used from the next call on, or waits", body = Installed), Problems))]
pub(crate) async fn install(
    State(web): State<Web>,
    who: Who,
    Query(approval): Query<Approval>,
    component: Bytes,
) -> Result<axum::Json<Installed>, ApiError> {
    Ok(axum::Json(web.services.catalogue.install(&who.viewer, component.into(), approval.approve).await?))
}

/// Say what a plug-in may do
///
/// Replaces what was granted. A waiting upgrade that asks for no more than this becomes active.
#[utoipa::path(put, path = "/plugins/{name}/grant", tag = "plugins", request_body = Grant,
    params(("name" = PluginName, Path, description = "Which")),
    responses((status = 200, description = "The plug-in afterwards", body = PluginView), Problems))]
pub(crate) async fn grant(
    State(web): State<Web>,
    who: Who,
    Path(name): Path<PluginName>,
    Json(grant): Json<Grant>,
) -> Result<axum::Json<PluginView>, ApiError> {
    Ok(axum::Json(web.services.catalogue.grant(&who.viewer, &name, grant).await?))
}

/// Go back to the release before
#[utoipa::path(post, path = "/plugins/{name}/rollback", tag = "plugins",
    params(("name" = PluginName, Path, description = "Which")),
    responses((status = 200, description = "The plug-in afterwards", body = PluginView), Problems))]
pub(crate) async fn rollback(
    State(web): State<Web>,
    who: Who,
    Path(name): Path<PluginName>,
) -> Result<axum::Json<PluginView>, ApiError> {
    Ok(axum::Json(web.services.catalogue.rollback(&who.viewer, &name).await?))
}

/// Remove a plug-in
#[utoipa::path(delete, path = "/plugins/{name}", tag = "plugins",
    params(("name" = PluginName, Path, description = "Which")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn remove(
    State(web): State<Web>,
    who: Who,
    Path(name): Path<PluginName>,
) -> Result<StatusCode, ApiError> {
    web.services.catalogue.remove(&who.viewer, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
