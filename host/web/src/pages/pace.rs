//! How often a node asks, and a device is asked: what was told of it last, and forms to ask and to set it.

use super::requests::sent;
use crate::api::requests::Ask;
use crate::auth::Who;
use crate::error::{ApiError, PageError};
use crate::extract::{Path, Sent};
use crate::state::Web;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::post;
use hostler_core::request::{Answer, Question, Topic};
use hostler_core::upkeep::intervals::spelled;
use hostler_core::upkeep::{Interval, IntervalChange, IntervalWish, Intervals, SetAt};
use hostler_core::{DeviceId, NodeId, Timestamp};
use serde::Deserialize;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/nodes/{id}/intervals", post(ask_node))
        .route("/nodes/{id}/intervals/set", post(set_node))
        .route("/devices/{id}/intervals", post(ask_device))
        .route("/devices/{id}/intervals/set", post(set_device))
}

/// What was told last, and when.
pub(super) struct Pace {
    pub(super) at: Timestamp,
    pub(super) intervals: Intervals,
}

impl Pace {
    /// What was told last of a node to who looks.
    pub(super) fn of_node(web: &Web, who: &Who, id: &NodeId) -> Option<Self> {
        Self::from(web.services.requests.told_of_node(&who.viewer, id, Topic::Intervals).ok()??)
    }

    /// The same of a device.
    pub(super) fn of_device(web: &Web, who: &Who, id: &DeviceId) -> Option<Self> {
        Self::from(web.services.requests.told_of_device(&who.viewer, id, Topic::Intervals).ok()??)
    }

    fn from((at, answer): (Timestamp, Answer)) -> Option<Self> {
        match answer {
            Answer::Intervals { intervals } => Some(Self { at, intervals }),
            _ => None,
        }
    }

    /// In sentences.
    pub(super) fn lines(&self) -> Vec<String> {
        lines(&self.intervals)
    }
}

/// In sentences.
pub(super) fn lines(intervals: &Intervals) -> Vec<String> {
    let said = |what: &str, interval: &Interval| {
        let set_at = match interval.set_at {
            SetAt::Configuration => "as its gateway is configured".to_owned(),
            SetAt::Node => format!("set for the node; configured are {}", spelled(interval.configured_ms)),
            SetAt::Device => format!("set for this device; configured are {}", spelled(interval.configured_ms)),
        };
        let [every, shortest, longest] = [interval.every_ms, interval.shortest_ms, interval.longest_ms].map(spelled);
        format!("{what} every {every} ({set_at}; {shortest} to {longest} are possible).")
    };
    let search = intervals.search.as_ref().map(|search| said("Searched", search));
    let apart = intervals.devices_apart.filter(|apart| *apart > 0);
    let apart = apart.map(|apart| format!("{apart} of its devices are read at intervals of their own."));
    [Some(said("Read", &intervals.read)), search, apart].into_iter().flatten().collect()
}

/// As a form sends it: seconds, nothing to leave it as it is, or a word for as it was configured.
#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    read: String,
    #[serde(default)]
    search: String,
}

impl Typed {
    fn wish(&self) -> Result<IntervalWish, ApiError> {
        let change = |typed: &str| match typed.trim() {
            "" => Ok(None),
            "as-configured" => Ok(Some(IntervalChange::AsConfigured)),
            seconds => seconds.parse().map(|seconds| Some(IntervalChange::EveryS(seconds))).map_err(|_| {
                ApiError::new(StatusCode::BAD_REQUEST, format!("{seconds:?} is no whole number of seconds"))
            }),
        };
        Ok(IntervalWish { read: change(&self.read)?, search: change(&self.search)? })
    }
}

async fn ask_node(State(web): State<Web>, who: Who, Path(id): Path<NodeId>) -> Result<Redirect, PageError> {
    sent(web, who, Ask::to(id, Question::Intervals { device: None })).await
}

async fn set_node(State(web): State<Web>, who: Who, Path(id): Path<NodeId>, form: Sent) -> Result<Redirect, PageError> {
    let wish = form.read::<Typed>().await?.wish()?;
    sent(web, who, Ask::to(id, Question::SetIntervals { device: None, wish })).await
}

async fn ask_device(State(web): State<Web>, who: Who, Path(id): Path<DeviceId>) -> Result<Redirect, PageError> {
    sent(web, who, Ask::of(Question::Intervals { device: Some(id) })).await
}

async fn set_device(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<DeviceId>,
    form: Sent,
) -> Result<Redirect, PageError> {
    let wish = form.read::<Typed>().await?.wish()?;
    sent(web, who, Ask::of(Question::SetIntervals { device: Some(id), wish })).await
}
