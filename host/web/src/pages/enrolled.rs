//! The devices that came in, and what their owners do with them.

use super::shell::Done;
use super::{Drawn, Section, Shell, draw};
use crate::api::registrations::{self, Bar};
use crate::auth::Who;
use crate::error::PageError;
use crate::extract::{Form, Json, Path, Query};
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::{get, post};
use hostler_core::DeviceId;
use hostler_services::{EnrolledView, Stands};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

/// Devices on a page.
const ROWS: usize = 50;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/enrolled", get(show))
        .route("/enrolled/{device}/return", post(let_return))
        .route("/enrolled/{device}/bar", post(bar))
        .route("/enrolled/{device}/unbar", post(unbar))
        .route("/enrolled/{device}/release", post(release))
}

#[derive(Template)]
#[template(path = "enrolled.html")]
pub(super) struct EnrolledPage {
    pub(super) shell: Shell,
    pub(super) rows: Vec<EnrolledView>,
    /// How many fit what is looked for.
    pub(super) total: usize,
    pub(super) find: Find,
}

/// Which devices are shown.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Find {
    pub(super) text: String,
    pub(super) offset: usize,
}

async fn show(State(web): State<Web>, who: Who, Query(find): Query<Find>, Query(done): Query<Done>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Registrations).after(&done);
    let axum::Json(mut rows) = registrations::enrolled(State(web), who).await?;
    let wanted = find.text.trim().to_lowercase();
    rows.retain(|row| fits(row, &wanted));
    let total = rows.len();
    let rows = rows.into_iter().skip(find.offset).take(ROWS).collect();
    draw(&EnrolledPage { shell, rows, total, find })
}

fn fits(row: &EnrolledView, wanted: &str) -> bool {
    let fields = [row.device.as_str(), row.node.as_str(), row.owner.as_str(), row.standing.as_str()];
    wanted.is_empty() || fields.into_iter().any(|field| field.to_lowercase().contains(wanted))
}

async fn let_return(State(web): State<Web>, who: Who, Path(device): Path<DeviceId>) -> Result<Redirect, PageError> {
    registrations::let_return(State(web), who, Path(device)).await?;
    Ok(Redirect::to("/enrolled?done=returns"))
}

async fn bar(
    State(web): State<Web>,
    who: Who,
    Path(device): Path<DeviceId>,
    Form(bar): Form<Bar>,
) -> Result<Redirect, PageError> {
    registrations::bar(State(web), who, Path(device), Json(bar)).await?;
    Ok(Redirect::to("/enrolled?done=barred"))
}

async fn unbar(State(web): State<Web>, who: Who, Path(device): Path<DeviceId>) -> Result<Redirect, PageError> {
    registrations::unbar(State(web), who, Path(device)).await?;
    Ok(Redirect::to("/enrolled?done=unbarred"))
}

async fn release(State(web): State<Web>, who: Who, Path(device): Path<DeviceId>) -> Result<Redirect, PageError> {
    registrations::release(State(web), who, Path(device)).await?;
    Ok(Redirect::to("/enrolled?done=left"))
}

impl EnrolledPage {
    fn badge(&self, row: &EnrolledView) -> (&'static str, &'static str) {
        match row.standing {
            Stands::Connected => ("fine", "Connected"),
            Stands::MayReturn => ("asleep", "May return"),
            Stands::Barred => ("stopped", "Barred"),
            Stands::Released => ("unknown", "Released"),
        }
    }

    fn may_return(&self, row: &EnrolledView) -> bool {
        row.standing == Stands::Connected
    }

    fn may_release(&self, row: &EnrolledView) -> bool {
        matches!(row.standing, Stands::Connected | Stands::MayReturn)
    }

    fn is_barred(&self, row: &EnrolledView) -> bool {
        row.standing == Stands::Barred
    }

    fn link(&self, offset: usize) -> String {
        let mut query = Serializer::new(String::new());
        if !self.find.text.trim().is_empty() {
            query.append_pair("text", &self.find.text);
        }
        if offset > 0 {
            query.append_pair("offset", &offset.to_string());
        }
        match query.finish() {
            query if query.is_empty() => "/enrolled".to_owned(),
            query => format!("/enrolled?{query}"),
        }
    }

    fn before(&self) -> Option<String> {
        (self.find.offset > 0).then(|| self.link(self.find.offset.saturating_sub(ROWS)))
    }

    fn after(&self) -> Option<String> {
        let offset = self.find.offset.saturating_add(ROWS);
        (offset < self.total).then(|| self.link(offset))
    }

    fn span(&self) -> String {
        let total = words::thousands(self.total as u64);
        let first = words::thousands(self.find.offset.saturating_add(1) as u64);
        let last = words::thousands(self.find.offset.saturating_add(self.rows.len()) as u64);
        match self.rows.len() {
            0 => "No devices".to_owned(),
            _ if self.total == 1 => "1 device".to_owned(),
            rows if rows == self.total => format!("{total} devices"),
            _ => format!("{first}–{last} of {total} devices"),
        }
    }
}
