//! The device's panel: what stands on its display, its lamp, and the key by which somebody calls for help.

use super::bring::is_foreign;
use crate::pages::Bare;
use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use hostler_services::{Call, Lamp, PanelView, Panels, ServiceError};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "panel.html")]
struct PanelPage {
    bare: Bare,
    panel: PanelView,
    /// Where the key sends its form.
    action: &'static str,
}

type Here = State<Option<Arc<Panels>>>;

/// `GET /panel`
pub(super) async fn show(State(panels): Here) -> Response {
    let page = look(panels.as_deref()).map(|panel| PanelPage { bare: Bare::default(), panel, action: "/panel/call" });
    match page.map(|page| page.render()) {
        Ok(Ok(text)) => Html(text).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => refused(&error),
    }
}

/// `GET /panel/state`
pub(super) async fn state(State(panels): Here) -> Response {
    match look(panels.as_deref()) {
        Ok(panel) => Json(panel).into_response(),
        Err(error) => refused(&error),
    }
}

/// `POST /panel/call`
pub(super) async fn call(State(panels): Here, head: HeaderMap, body: Bytes) -> Response {
    if is_foreign(&head) {
        let said = "this was sent from another site; press the key on this device's own panel\n";
        return (StatusCode::FORBIDDEN, said).into_response();
    }
    let said = url::form_urlencoded::parse(&body).find(|(name, _)| name == "text").map(|(_, text)| text.into_owned());
    let text = said.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let called = match panels.as_deref().and_then(|panels| Some((panels, panels.own()?))) {
        Some((panels, device)) => panels.call(&device, text).await,
        None => Err(nothing_here()),
    };
    match called {
        Ok(_) => Redirect::to("/panel").into_response(),
        Err(error) => refused(&error),
    }
}

fn look(panels: Option<&Panels>) -> Result<PanelView, ServiceError> {
    let panels = panels.ok_or_else(nothing_here)?;
    panels.look(&panels.own().ok_or_else(nothing_here)?)
}

fn nothing_here() -> ServiceError {
    ServiceError::NotFound("this device has no panel yet: it hasn't found what it is part of".to_owned())
}

fn refused(error: &ServiceError) -> Response {
    let status = match error {
        ServiceError::NotFound(_) => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{error}\n")).into_response()
}
