//! The service that devices call which speak SOAP and nothing else.
//!
//! Such a device is a child of this node like any other: it was let in with a token, and what it says becomes an exchange.
//! But it doesn't count. Its messages get the next numbers after those that the store has of it, one call after the other;
//! what is asked of it waits in its outbox until it shows the receipt of the answer that it kept. So everything that must
//! outlive a crash is where it is for other children, and both sides may end at any moment (docs/decisions/0016).

mod describe;
mod field;
mod said;

pub use describe::SERVICE;

use super::envelope::{Announced, Call};
use super::http::{Asked, asked, done, failed};
use super::{Fault, Limits, Version};
use crate::server::{Caller, Strangers};
use crate::{EXCHANGE_LIMIT, Parent, Places, Refused, Scheme};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, http::request::Parts};
use field::Field;
use hostler_core::NodeId;
use std::net::SocketAddr;
use std::sync::Arc;

/// Where devices call.
pub(super) const PATH: &str = "/soap/device";

/// The route.
pub(crate) fn router<P: Parent>() -> Router<Arc<P>> {
    Router::new().route(PATH, any(call::<P>))
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        let reason = refused.to_string();
        match refused {
            Refused::Invalid(_) => Self::sender("invalid", reason),
            Refused::NotNow(_) => Self::receiver("unavailable", reason).advising("Send the same again in a moment."),
            Refused::Unknown => unknown(),
            Refused::Forbidden(_) => Self::sender("forbidden", reason).with_status(403),
        }
    }
}

fn unknown() -> Fault {
    let why = "the token that is shown isn't known here, or not any more";
    Fault::sender("unauthorized", why)
        .advising("Send Authorization: Bearer with the token that `hostler node add` made for this device.")
        .with_status(401)
}

async fn call<P: Parent>(
    State(parent): State<Arc<P>>,
    Extension(large): Extension<Arc<Places<NodeId>>>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let scheme = parts.extensions.get::<Scheme>().copied().unwrap_or(Scheme::Http);
    let announced = match asked(&parts, &SERVICE, scheme) {
        Asked::Call(announced) => announced,
        Asked::Answered(response) => return response,
    };
    let answer = answer(&parent, &large, (&announced, &mut parts), body).await;
    answer.unwrap_or_else(|fault| refused(announced.version, &fault))
}

fn refused(version: Version, fault: &Fault) -> Response {
    let mut response = failed(version, fault);
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

async fn answer<P: Parent>(
    parent: &Arc<P>,
    large: &Places<NodeId>,
    (announced, parts): (&Announced, &mut Parts),
    body: Body,
) -> Result<Response, Fault> {
    let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|from| from.0);
    let caller = Caller::from_request_parts(parts, parent).await.map_err(|refused| match refused.status() {
        StatusCode::FORBIDDEN => {
            Fault::sender("forbidden", "what the device shows beside its token doesn't allow this").with_status(403)
        }
        _ => unknown(),
    })?;
    let child = caller.node().clone();
    let read = crate::server::read(large, &child, body).await;
    let (bytes, place) = read.map_err(|(status, why)| match status {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::sender("too-large", why).with_status(413),
        StatusCode::SERVICE_UNAVAILABLE => Fault::receiver("unavailable", why),
        other => Fault::sender("body", why).with_status(other.as_u16()),
    })?;
    if !caller.holds(&**parent) {
        return Err(unknown());
    }
    let Call { operation, input } = announced.read(&bytes, Limits::of(EXCHANGE_LIMIT), &SERVICE)?;
    drop((bytes, place));
    let (parent_of, turn) = (Arc::clone(parent), parent.turn(&child));
    let field = Field { parent: parent_of, child, turn, from: from.map(|from| from.ip().to_canonical()) };
    // What was begun is done to its end, whether or not somebody still waits: a number that is being stored is no other's.
    let calling = tokio::spawn(async move { field.call(operation.name, input).await });
    let output = calling.await.unwrap_or_else(|error| Err(Fault::receiver("internal", error.to_string())));
    if !caller.holds(&**parent) {
        return Err(unknown());
    }
    let output = output.inspect_err(|fault| {
        if let Some(strangers) = parts.extensions.get::<Arc<Strangers>>() {
            strangers.note(from, &format!("{} by SOAP: {}", caller.node(), fault.reason));
        }
    })?;
    Ok(done(announced.version, &SERVICE, operation, &output))
}
