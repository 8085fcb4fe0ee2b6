//! One device: who it is, how it stands, what it counts, how it is reached, what happened.

use super::pace::Pace;
use super::readings::Readings;
use super::shell::Done;
use super::{Drawn, Section, Shell, again, draw};
use crate::api::{commands, devices, events::Span, requests};
use crate::auth::Who;
use crate::error::{ApiError, PageError};
use crate::extract::{Json, Path, Query, Sent};
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hostler_core::command::{Argument, Command, Given, Kind, Parameter};
use hostler_core::device::Placement;
use hostler_core::reading::{Alert, Status};
use hostler_core::request::Question;
use hostler_core::viewer::Right;
use hostler_core::{BadId, DeviceId, Fingerprint};
use hostler_services::{DeviceView, StoredEvent};
use serde::Deserialize;
use std::net::SocketAddr;
use url::Url;

const EVENTS: usize = 10;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/devices/{id}", get(show))
        .route("/devices/{id}/read", post(read))
        .route("/devices/{id}/counters", post(counters))
        .route("/devices/{id}/commands/{name}", post(command))
        .route("/devices/{id}/place", post(place))
        .route("/devices/{id}/trust", post(trust))
        .route("/devices/{id}/release", post(release))
}

#[derive(Template)]
#[template(path = "device.html")]
pub(super) struct DevicePage {
    pub(super) shell: Shell,
    pub(super) view: DeviceView,
    pub(super) readings: Readings,
    pub(super) events: Vec<StoredEvent>,
    /// What it can be told to do, and who looks may tell it.
    pub(super) commands: Vec<Command>,
    /// What was told last of how often it is asked.
    pub(super) pace: Option<Pace>,
}

async fn show(State(web): State<Web>, who: Who, Path(id): Path<DeviceId>, Query(done): Query<Done>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Fleet).after(&done);
    with(web, who, id, shell).await
}

async fn with(web: Web, who: Who, id: DeviceId, shell: Shell) -> Drawn {
    let axum::Json(view) = devices::show(State(web.clone()), who.clone(), Path(id.clone())).await?;
    let axum::Json(series) = devices::series(State(web.clone()), who.clone(), Path(id.clone())).await?;
    let span = Span { before: None, limit: Some(EVENTS) };
    let axum::Json(events) = devices::events(State(web.clone()), who.clone(), Path(id.clone()), Query(span)).await?;
    let pace = Pace::of_device(&web, &who, &id);
    let viewer = who.viewer.clone();
    // A plug-in that can't be asked here offers nothing; the rest of the page says why.
    let commands = commands::list(State(web), who, Path(id)).await.map_or_else(|_| Vec::new(), |axum::Json(all)| all);
    let commands = commands.into_iter().filter(|command| viewer.may(command.may.right())).collect();
    let read = view.snapshot.report.as_ref().map(|report| report.readings.as_slice());
    let readings = Readings::new(read.unwrap_or_default(), &series, shell.now);
    draw(&DevicePage { shell, view, readings, events, commands, pace })
}

async fn read(State(web): State<Web>, who: Who, Path(id): Path<DeviceId>) -> Result<Redirect, PageError> {
    let (_, axum::Json(ordered)) = devices::read(State(web), who, Path(id.clone())).await?;
    Ok(back(&id, if ordered.away.is_some() { "waits" } else { "read" }))
}

async fn counters(State(web): State<Web>, who: Who, Path(id): Path<DeviceId>) -> Result<Redirect, PageError> {
    let question = Question::Counters { device: id };
    super::requests::sent(web, who, requests::Ask::of(question)).await
}

async fn command(
    State(web): State<Web>,
    who: Who,
    Path((id, name)): Path<(DeviceId, String)>,
    Sent(typed): Sent,
) -> Result<Redirect, PageError> {
    let arguments = typed.into_iter().map(|(name, value)| (name, Given::Text(value))).collect();
    let told = commands::Told { arguments, within_s: None };
    let (_, axum::Json(asked)) = commands::run(State(web), who, Path((id, name)), Json(told)).await?;
    Ok(Redirect::to(&format!("/requests/{}", asked.id)))
}

async fn trust(State(web): State<Web>, who: Who, Path(id): Path<DeviceId>, sent: Sent) -> Result<Redirect, PageError> {
    let trust = sent.read::<devices::Trust>().await?;
    let (_, axum::Json(ordered)) = devices::trust(State(web), who, Path(id.clone()), Json(trust)).await?;
    Ok(back(&id, if ordered.away.is_some() { "waits" } else { "trusted" }))
}

/// Where a device stands, as a form sends it.
#[derive(Deserialize)]
pub(super) struct Place {
    #[serde(default)]
    owner: String,
    #[serde(default)]
    site: String,
    /// With commas between them: a tag may have spaces.
    #[serde(default)]
    tags: String,
}

impl Place {
    fn checked(&self) -> Result<Placement, ApiError> {
        let bad = |why: BadId| ApiError::new(StatusCode::BAD_REQUEST, why.to_string());
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(Placement {
            owner: given(&self.owner).map(|text| text.parse()).transpose().map_err(bad)?,
            site: given(&self.site).map(|text| text.parse()).transpose().map_err(bad)?,
            tags: self.tags.split(',').filter_map(given).collect(),
        })
    }
}

async fn place(State(web): State<Web>, who: Who, Path(id): Path<DeviceId>, sent: Sent) -> Result<Response, PageError> {
    let Err(error) = placed(&web, &who, &id, &sent).await else { return Ok(back(&id, "placed").into_response()) };
    if !who.viewer.may(Right::Operate) {
        return Err(error.into());
    }
    let shell = Shell::new(&web, &who, Section::Fleet).refusing("place", &error, sent);
    again(error, with(web, who, id, shell)).await
}

async fn placed(web: &Web, who: &Who, id: &DeviceId, sent: &Sent) -> Result<(), ApiError> {
    let placement = sent.read::<Place>().await?.checked()?;
    devices::place(State(web.clone()), who.clone(), Path(id.clone()), Json(placement)).await?;
    Ok(())
}

async fn release(State(web): State<Web>, who: Who, Path(id): Path<DeviceId>) -> Result<Redirect, PageError> {
    let (_, axum::Json(ordered)) = devices::release(State(web), who, Path(id.clone())).await?;
    Ok(if ordered.away.is_some() { back(&id, "waits") } else { Redirect::to("/?done=released") })
}

fn back(id: &DeviceId, done: &str) -> Redirect {
    Redirect::to(&format!("/devices/{id}?done={done}"))
}

impl DevicePage {
    /// The nodes that it is behind, as people read them.
    fn path(&self) -> String {
        hostler_core::routing::as_path(&self.view.path)
    }

    /// What a form's field holds before somebody says anything.
    fn default(&self, parameter: &Parameter) -> String {
        match &parameter.default {
            Some(Argument::Text(text) | Argument::Choice(text)) => text.clone(),
            Some(Argument::Integer(number)) => number.to_string(),
            Some(Argument::Boolean(yes)) => yes.to_string(),
            None => String::new(),
        }
    }

    fn kind(&self) -> String {
        words::capital(&self.view.device.identity.device_type.to_string())
    }

    /// What it is up to, where the condition doesn't say it already.
    fn busy_with(&self) -> Option<String> {
        let status = self.view.snapshot.report.as_ref()?.status;
        matches!(status, Status::Busy | Status::WarmingUp).then(|| status.to_string())
    }

    fn identity(&self) -> Vec<(&'static str, String)> {
        let identity = &self.view.device.identity;
        let told = [
            ("Maker", &identity.manufacturer),
            ("Model", &identity.model),
            ("Serial number", &identity.serial),
            ("Hardware address", &identity.mac),
            ("Firmware", &identity.firmware),
            ("Name", &identity.name),
            ("Location", &identity.location),
        ];
        told.into_iter().filter_map(|(title, value)| Some((title, value.clone()?))).collect()
    }

    /// The device's own web page, as a link.
    fn web_page(&self) -> Option<String> {
        let reach = &self.view.device.reach;
        let http = reach.http.as_ref()?;
        let scheme = if http.tls { "https" } else { "http" };
        let address = format!("{scheme}://{}/", SocketAddr::new(reach.address, http.port));
        Url::parse(&address).ok().map(String::from)
    }

    /// The certificate that it shows and isn't known by.
    fn other_certificate(&self) -> Option<&Fingerprint> {
        self.view.device.certificate.as_ref()?.shown.as_ref()
    }

    /// What stands in the form of its place.
    fn place(&self) -> Place {
        let placement = &self.view.placement;
        let text = |id: Option<String>| id.unwrap_or_default();
        let tags: Vec<&str> = placement.tags.iter().map(String::as_str).collect();
        let typed = |field: &str, stored: String| self.shell.typed("place", field, &stored).to_owned();
        Place {
            site: typed("site", text(placement.site.as_ref().map(ToString::to_string))),
            owner: typed("owner", text(placement.owner.as_ref().map(ToString::to_string))),
            tags: typed("tags", tags.join(", ")),
        }
    }

    /// The part that an alert is about, where its text doesn't name it.
    fn part<'a>(&self, alert: &'a Alert) -> Option<&'a str> {
        let names =
            |part: &str| alert.text.as_ref().is_some_and(|text| text.to_lowercase().contains(&part.to_lowercase()));
        alert.part.as_deref().filter(|part| !names(part))
    }

    fn console(&self) -> &[String] {
        self.view.snapshot.report.as_ref().map(|report| report.console.as_slice()).unwrap_or_default()
    }

    fn has_level_history(&self) -> bool {
        self.readings.levels.iter().flat_map(|group| &group.bars).any(|bar| bar.chart.is_some())
    }

    /// An alert's name as words, where the device has none of its own.
    fn spelled(&self, code: &str) -> String {
        words::capital(&code.replace('-', " "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_checked_and_tags_are_split() {
        let form = |site: &str, tags: &str| Place { owner: " ".into(), site: site.into(), tags: tags.into() };
        let place = form("berlin", "Second Floor,  loan ,").checked().unwrap();
        assert_eq!(place.owner, None);
        assert_eq!(place.tags.iter().map(String::as_str).collect::<Vec<_>>(), ["Second Floor", "loan"]);
        let error = form("Über", "").checked().unwrap_err();
        assert_eq!(error.status(), StatusCode::BAD_REQUEST);
        assert!(error.problem().error.contains("site ID"));
    }
}
