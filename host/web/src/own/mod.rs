//! A device's own page, in the device's network: what it is and whether it is connected, for whoever stands before it; and
//! the address that a browser or a terminal brings a PIN to. Nobody logs in here, so nothing here changes anything but by a
//! PIN or key, which the device takes while its window is open; and whoever stands there may call for help.
//!
//! | | |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /enroll?pin=PIN` | a browser brings a PIN; it is sent on to a clean address |
//! | `POST /enroll` | a form with `pin`, or JSON with `pin` or `key` |
//! | `GET /enroll`, `GET /state` | how the device stands, as JSON |
//! | `GET /panel`, `GET /panel/state` | its panel, as a page and as JSON |
//! | `POST /panel/call` | the key by which somebody calls for help |

mod bring;
mod page;
mod panel;
#[cfg(test)]
mod tests;

use crate::{assets, headers};
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hostler_services::{Member, Panels};
use std::sync::Arc;
use std::time::Duration;

/// Nothing that somebody brings is longer.
const LONGEST_BODY: usize = 4 << 10;

/// How long somebody may take to bring it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the device's own page is about.
#[derive(Clone)]
struct Own {
    member: Arc<Member>,
    panels: Option<Arc<Panels>>,
}

impl FromRef<Own> for Arc<Member> {
    fn from_ref(own: &Own) -> Self {
        Self::clone(&own.member)
    }
}

impl FromRef<Own> for Option<Arc<Panels>> {
    fn from_ref(own: &Own) -> Self {
        own.panels.clone()
    }
}

/// Everything that a device shows in its own network.
pub fn router(member: Arc<Member>, panels: Option<Arc<Panels>>) -> axum::Router {
    axum::Router::new()
        .route("/", get(page::show))
        .route("/enroll", get(bring::by_address).post(bring::by_body))
        .route("/state", get(bring::state))
        .route("/panel", get(panel::show))
        .route("/panel/state", get(panel::state))
        .route("/panel/call", post(panel::call))
        .route("/assets/{file}", get(assets::serve))
        .fallback(page::not_found)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(axum::middleware::from_fn(in_time))
        .layer(axum::middleware::from_fn(headers::set))
        .layer(axum::middleware::from_fn(say_nothing_elsewhere))
        .with_state(Own { member, panels })
}

/// Who sends a body without end is let go.
async fn in_time(request: axum::extract::Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (axum::http::StatusCode::REQUEST_TIMEOUT, "this took too long; try again\n").into_response(),
    }
}

/// Where a PIN stands in the address, nothing that is loaded next says where it was come from. Other answers leave it at
/// [`headers`]' policy: with `no-referrer` browsers would send `Origin: null` with the page's own form.
async fn say_nothing_elsewhere(request: axum::extract::Request, next: Next) -> Response {
    let carries_pin = request.uri().path() == "/enroll" && request.uri().query().is_some();
    let mut response = next.run(request).await;
    if carries_pin {
        response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    response
}
