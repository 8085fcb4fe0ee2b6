//! A device's panel, for the node that speaks for it.

use super::{Drawn, Section, Shell, draw};
use crate::api::panel::{self, CallForHelp};
use crate::auth::Who;
use crate::error::PageError;
use crate::extract::{Json, Path, Sent};
use crate::state::Web;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::{get, post};
use hostler_core::DeviceId;
use hostler_services::{Call, Lamp, PanelView};

pub(super) fn router() -> Router<Web> {
    Router::new().route("/devices/{id}/panel", get(show)).route("/devices/{id}/panel/call", post(call))
}

#[derive(Template)]
#[template(path = "device-panel.html")]
struct PanelPage {
    shell: Shell,
    panel: PanelView,
    action: String,
}

async fn show(State(web): State<Web>, who: Who, Path(id): Path<DeviceId>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Fleet);
    let action = format!("/devices/{id}/panel/call");
    let axum::Json(panel) = panel::look(State(web), who, Path(id)).await?;
    draw(&PanelPage { shell, panel, action })
}

async fn call(State(web): State<Web>, who: Who, Path(id): Path<DeviceId>, sent: Sent) -> Result<Redirect, PageError> {
    let call = sent.read::<CallForHelp>().await?;
    let text = call.text.filter(|text| !text.trim().is_empty());
    let _ = panel::call(State(web), who, Path(id.clone()), Json(CallForHelp { text })).await?;
    Ok(Redirect::to(&format!("/devices/{id}/panel")))
}
