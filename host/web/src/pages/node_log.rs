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
use hostler_core::upkeep::{BadTarget, LevelSet, LevelWish, LogFrom, LogLevel, LogTarget};
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

/// A level, as a form sends it: its word, or nothing for as much as usual; and minutes, where somebody typed them.
#[derive(Deserialize)]
struct Typed {
    target: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    minutes: String,
}

impl Typed {
    fn wish(&self) -> Result<LevelWish, ApiError> {
        let bad = |why: String| ApiError::new(StatusCode::BAD_REQUEST, why);
        let target: LogTarget = self.target.trim().parse().map_err(|why: BadTarget| bad(why.to_string()))?;
        let level: Option<LogLevel> = match self.level.trim() {
            "" => None,
            word => Some(
                serde_json::from_value(word.into())
                    .map_err(|_| bad(format!("{word:?} is no level; there are error, warn, info, debug and trace")))?,
            ),
        };
        let minutes: u64 = match self.minutes.trim() {
            "" => 10,
            typed => typed.parse().map_err(|_| bad(format!("{typed:?} is no whole number of minutes")))?,
        };
        Ok(LevelWish { target, level, for_s: minutes.saturating_mul(60) })
    }
}

async fn set(State(web): State<Web>, who: Who, Path(id): Path<NodeId>, form: Sent) -> Result<Redirect, PageError> {
    let wish = form.read::<Typed>().await?.wish()?;
    sent(web, who, Ask::to(id, Question::SetLogLevel { wish })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn wish(level: &str, minutes: &str) -> Result<LevelWish, ApiError> {
        let fields = [("target", " hostler_services "), ("level", level), ("minutes", minutes)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Sent(fields.into()).read::<Typed>().await?.wish()
    }

    #[tokio::test]
    async fn d07_a_level_is_taken_as_the_form_sends_it_and_back_by_its_empty_word() {
        let target: LogTarget = "hostler_services".parse().unwrap();
        let debug = wish("debug", "30").await.unwrap();
        assert_eq!(debug, LevelWish { target: target.clone(), level: Some(LogLevel::Debug), for_s: 1_800 });
        assert_eq!(wish("", "").await.unwrap(), LevelWish { target, level: None, for_s: 600 });
        for (level, minutes) in [("loud", "1"), ("debug", "soon")] {
            assert_eq!(wish(level, minutes).await.unwrap_err().status(), 400);
        }
    }
}
