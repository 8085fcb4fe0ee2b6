//! What answered in a network and isn't managed yet.

use super::shell::Done;
use super::{Drawn, Section, Shell, draw};
use crate::api::candidates::{self, Adopt, Search};
use crate::auth::Who;
use crate::error::PageError;
use crate::extract::{Form, Json, Query};
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::{get, post};
use hostler_core::device::{Certainty, Claim};
use hostler_services::CandidateView;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/discovered", get(show))
        .route("/discovered/adopt", post(adopt))
        .route("/discovered/search", post(search))
}

#[derive(Template)]
#[template(path = "discovered.html")]
pub(super) struct DiscoveredPage {
    pub(super) shell: Shell,
    pub(super) candidates: Vec<CandidateView>,
}

async fn show(State(web): State<Web>, who: Who, Query(done): Query<Done>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Discovered).after(&done);
    let axum::Json(candidates) = candidates::list(State(web), who).await?;
    draw(&DiscoveredPage { shell, candidates })
}

async fn adopt(State(web): State<Web>, who: Who, Form(what): Form<Adopt>) -> Result<Redirect, PageError> {
    let (_, axum::Json(ordered)) = candidates::adopt(State(web), who, Json(what)).await?;
    Ok(Redirect::to(if ordered.away.is_some() { "/discovered?done=waits" } else { "/discovered?done=adopting" }))
}

async fn search(State(web): State<Web>, who: Who) -> Result<Redirect, PageError> {
    candidates::search(State(web), who, Json(Search { gateway: None })).await?;
    Ok(Redirect::to("/discovered?done=searching"))
}

impl DiscoveredPage {
    fn kind(&self, claim: &Claim) -> String {
        words::capital(&claim.device_type.to_string())
    }

    fn sure(&self, claim: &Claim) -> &'static str {
        match claim.certainty {
            Certainty::Certain => "knows it",
            Certainty::Likely => "probably",
            Certainty::Possible => "possibly",
        }
    }
}
