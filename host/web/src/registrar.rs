//! A registrar on a node of its own, as users see it: the manager's pages for registering devices, through this node. What is
//! drawn here is what the manager can't draw: that it isn't reached, and the files that such a page needs.

use crate::error::ApiError;
use crate::{assets, headers, patience};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use hostler_services::registrar::{NotHandedOn, Relay, Scheme};
use std::net::SocketAddr;
use std::sync::Arc;

/// Where users begin.
const BEGIN: &str = "/registrations";

/// Hands on what users ask who reach this node so.
#[derive(Clone)]
struct Registrar {
    relay: Arc<Relay>,
    scheme: Scheme,
}

/// Everything that users of a registrar may ask.
pub fn router(relay: Arc<Relay>, scheme: Scheme) -> axum::Router {
    axum::Router::new()
        .route("/", get(async || ours(Redirect::to(BEGIN).into_response())).fallback(hand_on))
        .fallback(hand_on)
        .layer(from_fn_with_state(patience::Guard::new(None), patience::guard))
        .with_state(Registrar { relay, scheme })
}

async fn hand_on(
    State(registrar): State<Registrar>,
    ConnectInfo(user): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    // The pages that are drawn here use them while nobody else is there.
    if let Some(file) = assets::file(&path).filter(|_| matches!(*request.method(), Method::GET | Method::HEAD)) {
        return ours(assets::serve(Path(file.to_owned()), request.headers().clone()).await);
    }
    // These speak of the way here, not of what is there.
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return ours(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    match registrar.relay.hand_on(request, user, registrar.scheme).await {
        Ok(answer) => answer,
        Err(why) => ours(said(&why).respond_quietly(&path)),
    }
}

/// What isn't the manager's answer carries the headers that the manager's would.
fn ours(mut response: Response) -> Response {
    headers::harden(response.headers_mut());
    response
}

fn said(why: &NotHandedOn) -> ApiError {
    let (status, on_a_page, for_programs) = match why {
        NotHandedOn::NotHere => (
            StatusCode::NOT_FOUND,
            "Start from the page for registering devices. What else there is is at the manager.",
            "Ask the manager: a registrar has only what devices are registered with.",
        ),
        NotHandedOn::NotConnected => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Tell whoever runs this registrar: it joins its manager by a PIN, or shows a token that the manager knows.",
            "Connect this registrar: by a PIN (hostler join), or by a token file that its manager knows.",
        ),
        NotHandedOn::Unreachable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Try again in a moment. If you sent something, look first whether it was done.",
            "Try again in a moment. If something was sent, look first whether it was done.",
        ),
        NotHandedOn::Refused(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Tell whoever runs the manager and this registrar.",
            "Correct the manager's or the registrar's configuration.",
        ),
        NotHandedOn::TooLate => (
            StatusCode::GATEWAY_TIMEOUT,
            "Try again in a moment. If you sent something, look first whether it was done.",
            "Try again in a moment. If something was sent, look first whether it was done.",
        ),
        NotHandedOn::TooMany => {
            (StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment.", "Try again in a moment, and keep fewer open.")
        }
        NotHandedOn::BodyTooLong => {
            (StatusCode::PAYLOAD_TOO_LARGE, "Register fewer addresses at a time.", "Send less at a time.")
        }
        NotHandedOn::Garbled => (StatusCode::BAD_REQUEST, "Try again.", "Send a body as HTTP/1.1 has it."),
        NotHandedOn::HeadTooLong => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Delete the cookies of this site in your browser, then try again.",
            "Send shorter headers and a shorter address.",
        ),
    };
    ApiError::new(status, why.to_string()).advising(on_a_page, for_programs)
}
