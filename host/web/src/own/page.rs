//! The page itself.

use super::bring;
use crate::pages::Bare;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use hostler_core::enrollment::device::Decline;
use hostler_services::Member;
use hostler_services::membership::{Connection, Status};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "own.html")]
struct OwnPage {
    bare: Bare,
    status: Status,
    said: Option<String>,
    /// After so many seconds the page is loaded again: it changes by itself, with and without script. Not while somebody
    /// may be typing on it.
    again_s: Option<u32>,
}

impl OwnPage {
    fn minutes(&self) -> u64 {
        self.status.takes_pin_for_s.div_ceil(60)
    }
}

/// What was said of the PIN that somebody brought. Only these sentences can be shown, so no link puts words in our mouth.
#[derive(Deserialize, Default)]
pub(super) struct Said {
    #[serde(default)]
    said: String,
}

impl Said {
    fn sentence(&self) -> Option<String> {
        let declines = [Decline::NoWindow, Decline::Connected, Decline::Connecting];
        match self.said.as_str() {
            "no-pin" => {
                return Some(
                    "That is no PIN: it has letters and digits only. Enter it as it was given out.".to_owned(),
                );
            }
            "not-stored" => {
                return Some("This device can't store what it is told now. See its log, then try again.".to_owned());
            }
            _ => {}
        }
        declines.into_iter().find(|why| bring::code(*why) == self.said).map(|why| why.to_string())
    }
}

pub(super) async fn show(State(member): State<Arc<Member>>, Query(said): Query<Said>) -> Response {
    let status = member.status();
    // While it connects somebody watches; later nobody may.
    let again_s = match status.state {
        Connection::Connecting => Some(1),
        _ if status.takes_pin_for_s > 0 => None,
        _ => Some(10),
    };
    let page = OwnPage { bare: Bare::default(), said: said.sentence(), status, again_s };
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

pub(super) async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "there is no such page on this device; its page is at /\n").into_response()
}
