//! What happened, the newest first.

use super::{Drawn, Section, Shell, draw};
use crate::api::events::{self, Span};
use crate::auth::Who;
use crate::extract::Query;
use crate::state::Web;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hostler_services::StoredEvent;

const ROWS: usize = 50;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/events", get(show))
}

#[derive(Template)]
#[template(path = "events.html")]
pub(super) struct EventsPage {
    pub(super) shell: Shell,
    pub(super) events: Vec<StoredEvent>,
    /// Whether these are the newest.
    pub(super) newest: bool,
}

async fn show(State(web): State<Web>, who: Who, Query(span): Query<Span>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Events);
    let newest = span.before.is_none();
    let span = Span { limit: Some(ROWS), ..span };
    let axum::Json(events) = events::list(State(web), who, Query(span)).await?;
    draw(&EventsPage { shell, events, newest })
}

impl EventsPage {
    /// Where the list goes on.
    fn older(&self) -> Option<u64> {
        self.events.last().filter(|_| self.events.len() >= ROWS).map(|last| last.seq)
    }
}
