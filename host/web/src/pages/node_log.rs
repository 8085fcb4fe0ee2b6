//! A node's own log: pieces of it, and how much it says.

use super::requests::sent;
use crate::api::requests::Ask;
use crate::auth::Who;
use crate::error::{ApiError, PageError};
use crate::extract::{Path, Sent};
use crate::state::Web;
use crate::words;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::post;
use hostler_core::request::{Answer, Question, Topic};
use hostler_core::upkeep::{LevelSet, LevelWish, LogFrom, LogLevel, LogTarget};
use hostler_core::{NodeId, Timestamp};
use serde::Deserialize;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/nodes/{id}/log", post(log))
        .route("/nodes/{id}/log-levels", post(ask))
        .route("/nodes/{id}/log-level", post(set))
}

/// What was told last, and when.
pub(super) struct Levels {
    pub(super) at: Timestamp,
    levels: Vec<LevelSet>,
}

impl Levels {
    /// What was told last of a node to who looks.
    pub(super) fn of(web: &Web, who: &Who, id: &NodeId) -> Option<Self> {
        match web.services.requests.told_of_node(&who.viewer, id, Topic::LogLevels).ok()?? {
            (at, Answer::LogLevels { levels }) => Some(Self { at, levels }),
            _ => None,
        }
    }

    /// In sentences.
    pub(super) fn lines(&self) -> Vec<String> {
        levels(&self.levels)
    }
}

/// In sentences.
pub(super) fn levels(levels: &[LevelSet]) -> Vec<String> {
    if levels.is_empty() {
        return vec!["Each part says as much as usual.".to_owned()];
    }
    let said = |set: &LevelSet| {
        format!("{} says {} until {}.", set.target.as_str(), set.level.as_str(), words::absolute(set.until))
    };
    levels.iter().map(said).collect()
}

/// Where a piece begins, as a form sends it: nothing for the newest lines, `start`, or a place.
#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    from: String,
}

async fn log(State(web): State<Web>, who: Who, Path(id): Path<NodeId>, form: Sent) -> Result<Redirect, PageError> {
    let piece = form.read::<Piece>().await?;
    let from = match piece.from.trim() {
        "" => LogFrom::Newest,
        "start" => LogFrom::Start,
        place => LogFrom::At(
            place
                .parse()
                .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, format!("{place:?} is no place in a log")))?,
        ),
    };
    sent(web, who, Ask::to(id, Question::Log { from })).await
}

async fn ask(State(web): State<Web>, who: Who, Path(id): Path<NodeId>) -> Result<Redirect, PageError> {
    sent(web, who, Ask::to(id, Question::LogLevels)).await
}

/// A level, as a form sends it.
#[derive(Deserialize)]
struct Typed {
    target: String,
    #[serde(default)]
    level: Option<LogLevel>,
    #[serde(default)]
    minutes: Option<u64>,
}

async fn set(State(web): State<Web>, who: Who, Path(id): Path<NodeId>, form: Sent) -> Result<Redirect, PageError> {
    let typed = form.read::<Typed>().await?;
    let target: Result<LogTarget, _> = typed.target.trim().parse();
    let target = target.map_err(|why| ApiError::new(StatusCode::BAD_REQUEST, why.to_string()))?;
    let for_s = typed.minutes.unwrap_or(10).saturating_mul(60);
    sent(web, who, Ask::to(id, Question::SetLogLevel { wish: LevelWish { target, level: typed.level, for_s } })).await
}
