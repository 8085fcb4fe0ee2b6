//! Questions to nodes and devices below, and how they ended.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::{Json, Path, Query};
use crate::state::Web;
use axum::extract::State;
use axum::http::StatusCode;
use hostler_core::request::Question;
use hostler_core::{NodeId, RequestId};
use hostler_services::{Limits, NewRequest, RequestView, Target};
use serde::Deserialize;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A call that waits isn't held longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

const LISTED: usize = 100;
const MOST_LISTED: usize = 1_000;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list, ask)).routes(routes!(show))
}

/// A question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// What is asked.
    pub(crate) question: Question,
    /// Which node is asked: for questions that are about no device.
    #[serde(default)]
    pub(crate) node: Option<NodeId>,
    /// Within how many seconds it has ended: 3600 where not given, from 1 to 604800. A piece of a log has 300 at most.
    #[serde(default)]
    pub(crate) within_s: Option<u64>,
}

impl Ask {
    /// A question about a device, with the usual patience.
    pub(crate) fn of(question: Question) -> Self {
        Self { question, node: None, within_s: None }
    }

    /// A question to a node, with the usual patience.
    pub(crate) fn to(node: NodeId, question: Question) -> Self {
        Self { question, node: Some(node), within_s: None }
    }

    fn checked(self) -> Result<NewRequest, ApiError> {
        let Self { question, node, within_s } = self;
        let limits = limits(within_s)?;
        let target = match (&question, node) {
            (Question::UserCall { .. }, None) => Target::Manager,
            (asked, Some(node)) if asked.device().is_none() => Target::Node(node),
            (asked, None) if asked.device().is_none() => {
                let said = format!("{} is asked of a node, and none is named", asked.words());
                return Err(ApiError::new(StatusCode::BAD_REQUEST, said)
                    .advising("Name one.", "Add \"node\"; GET /api/v1/nodes lists them."));
            }
            (_, None) => Target::Device,
            (_, Some(_)) => {
                let said = "the question is about a device, so whoever speaks for it is asked";
                return Err(ApiError::new(StatusCode::BAD_REQUEST, said)
                    .advising("Leave the node out.", "Leave \"node\" out of the body."));
            }
        };
        Ok(NewRequest { target, question, limits })
    }
}

/// How long somebody waits who gave this, or nothing.
pub(super) fn limits(within_s: Option<u64>) -> Result<Limits, ApiError> {
    Ok(within_s.map_or(Ok(Limits::USUAL), |within| Limits::within(Duration::from_secs(within)))?)
}

/// Which requests.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Span {
    /// How many: 100 where not given, at most 1000.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// Whether to wait.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wait {
    /// Seconds to wait until more is known than now, at most 30; none where not given.
    #[serde(default)]
    pub wait_s: Option<u64>,
}

/// The newest requests that this node knows of
///
/// Those that were asked here, and those that it passes on or does for others.
#[utoipa::path(get, path = "/requests", tag = "requests", params(Span),
    responses((status = 200, description = "The newest first", body = Vec<RequestView>), Problems))]
pub(crate) async fn list(
    State(web): State<Web>,
    who: Who,
    Query(span): Query<Span>,
) -> Result<axum::Json<Vec<RequestView>>, ApiError> {
    let most = span.limit.unwrap_or(LISTED).clamp(1, MOST_LISTED);
    Ok(axum::Json(web.services.requests.list(&who.viewer, most)?))
}

/// Ask a device, or a node below
///
/// Answers at once; how it ends is seen under the request's own address. Where whoever is asked can't answer soon, the request says
/// within ten seconds that it takes longer, and why.
#[utoipa::path(post, path = "/requests", tag = "requests", request_body = Ask,
    responses((status = 202, description = "It is on its way", body = RequestView), Problems))]
pub(crate) async fn ask(
    State(web): State<Web>,
    who: Who,
    Json(ask): Json<Ask>,
) -> Result<(StatusCode, axum::Json<RequestView>), ApiError> {
    let asked = web.services.requests.ask(&who.viewer, ask.checked()?).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(asked)))
}

/// How a request stands
#[utoipa::path(get, path = "/requests/{id}", tag = "requests",
    params(("id" = RequestId, Path, description = "Which"), Wait),
    responses((status = 200, description = "How it stands, or how it ended", body = RequestView), Problems))]
pub(crate) async fn show(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<RequestId>,
    Query(wait): Query<Wait>,
) -> Result<axum::Json<RequestView>, ApiError> {
    let requests = &web.services.requests;
    Ok(axum::Json(match wait.wait_s {
        None => requests.get(&who.viewer, &id)?,
        Some(seconds) => requests.wait(&who.viewer, &id, Duration::from_secs(seconds).min(LONGEST_WAIT)).await?,
    }))
}
