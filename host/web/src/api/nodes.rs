//! This node and the gateways below it.

use super::requests::limits;
use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path};
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::trust::CredentialKind;
use hostler_core::{CredentialName, NodeId, Secret, Timestamp};
use hostler_services::{Former, NodeDetail, NodeView, RequestView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, remove))
        .routes(routes!(own))
        .routes(routes!(give_credential))
}

/// The node that answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnNode {
    /// Its name.
    pub id: NodeId,
    /// Whether it is a manager.
    pub manager: bool,
    /// Whether it is a gateway.
    pub gateway: bool,
    /// The version of hostler that it runs.
    pub version: &'static str,
    /// Since when it runs.
    pub started_at: Timestamp,
}

/// Every node that devices are reached through
#[utoipa::path(get, path = "/nodes", tag = "nodes",
    responses((status = 200, description = "Each with when it was seen last", body = Vec<NodeView>), Problems))]
pub(crate) async fn list(State(web): State<Web>, who: Who) -> Result<axum::Json<Vec<NodeView>>, ApiError> {
    Ok(axum::Json(web.services.inventory.nodes(&who.viewer)?))
}

/// One node, and what waits for it
///
/// What waits is what waits for the neighbour through which it is reached, the first hundred.
#[utoipa::path(get, path = "/nodes/{id}", tag = "nodes", params(("id" = NodeId, Path, description = "Its name")),
    responses((status = 200, description = "The node", body = NodeDetail), Problems))]
pub(crate) async fn show(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<NodeId>,
) -> Result<axum::Json<NodeDetail>, ApiError> {
    Ok(axum::Json(web.services.inventory.node(&who.viewer, &id)?))
}

/// A node that shall be able to call this one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNode {
    /// Its name, as in its own configuration.
    pub id: NodeId,
    /// `true` ends the token that it has already.
    #[serde(default)]
    pub replace: bool,
}

/// The token that a node shows when it calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodeToken {
    /// Its name.
    pub id: NodeId,
    /// The token; only its digest is kept.
    pub token: String,
}

/// Let a gateway call this node
///
/// The answer is the only place where its token is shown. A gateway that has one already gets a new one only with
/// `replace`, and the former ends.
#[utoipa::path(post, path = "/nodes", tag = "nodes", request_body = NewNode,
    responses((status = 201, description = "The token", body = NodeToken), Problems))]
pub(crate) async fn add(
    State(web): State<Web>,
    who: Who,
    Json(new): Json<NewNode>,
) -> Result<(StatusCode, axum::Json<NodeToken>), ApiError> {
    let former = if new.replace { Former::Ends } else { Former::Stays };
    let token = web.services.access.add_child(&who.viewer, new.id.clone(), former).await?;
    Ok((StatusCode::CREATED, axum::Json(NodeToken { id: new.id, token: token.expose().to_owned() })))
}

/// Let a gateway call this node no longer
///
/// What waits for it goes, and so does what is known of its devices and of what is behind it, all at once. Its token is refused from then on.
#[utoipa::path(delete, path = "/nodes/{id}", tag = "nodes",
    params(("id" = NodeId, Path, description = "Its name")),
    responses((status = 204, description = "Done"), Problems))]
pub(crate) async fn remove(State(web): State<Web>, who: Who, Path(id): Path<NodeId>) -> Result<StatusCode, ApiError> {
    web.services.access.remove_child(&who.viewer, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a node shall reach its devices with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCredential {
    /// What it is.
    pub kind: CredentialKind,
    /// What is written below `[credentials.snmp.…]` or `[credentials.http.…]` in a configuration.
    #[schema(value_type = String)]
    pub value: Secret,
    /// Within how many seconds it has ended: 3600 where not given, from 1 to 604800.
    #[serde(default)]
    pub within_s: Option<u64>,
}

/// Give a node what it reaches its devices with
///
/// For a node below that joined by a PIN or key. It is sealed to that node before it is stored or sent, so nobody on the way
/// reads it, and it is kept until the request has ended. The node uses it at once, in the place of what has the same name in
/// its configuration.
#[utoipa::path(post, path = "/nodes/{id}/credentials/{name}", tag = "nodes", request_body = NewCredential,
    params(("id" = NodeId, Path, description = "The node"), ("name" = CredentialName, Path, description = "The credential")),
    responses((status = 202, description = "It is on its way", body = RequestView), Problems))]
pub(crate) async fn give_credential(
    State(web): State<Web>,
    who: Who,
    Path((id, name)): Path<(NodeId, CredentialName)>,
    Json(new): Json<NewCredential>,
) -> Result<(StatusCode, axum::Json<RequestView>), ApiError> {
    let (to, limits) = ((id, new.kind, name), limits(new.within_s)?);
    let asked = web.services.requests.give_credential(&who.viewer, to, &new.value, limits).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(asked)))
}

/// The node that answers
#[utoipa::path(get, path = "/node", tag = "nodes",
    responses((status = 200, description = "Its name, roles and version", body = OwnNode), Problems))]
pub(crate) async fn own(State(web): State<Web>, _: Who) -> axum::Json<OwnNode> {
    let node = &web.services.node;
    axum::Json(OwnNode {
        id: node.id.clone(),
        manager: node.manager,
        gateway: node.gateway,
        version: node.version,
        started_at: node.started_at,
    })
}
