//! What happened, to all that somebody may see.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::Query;
use crate::state::Web;
use axum::extract::State;
use hostler_services::StoredEvent;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const EVENTS: usize = 100;
const MOST_EVENTS: usize = 500;

/// Which part of a long list.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Span {
    /// Only events with a smaller `seq`: the last of one answer is the `before` of the next.
    #[serde(default)]
    pub before: Option<u64>,
    /// How many: 100 where not given, at most 500.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Span {
    pub(crate) fn limit(self) -> usize {
        self.limit.unwrap_or(EVENTS).clamp(1, MOST_EVENTS)
    }
}

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What happened
#[utoipa::path(get, path = "/events", tag = "events", params(Span),
    responses((status = 200, description = "Events, the newest first", body = Vec<StoredEvent>), Problems))]
pub(crate) async fn list(
    State(web): State<Web>,
    who: Who,
    Query(span): Query<Span>,
) -> Result<axum::Json<Vec<StoredEvent>>, ApiError> {
    Ok(axum::Json(web.services.inventory.events(&who.viewer, None, span.before, span.limit())?))
}
