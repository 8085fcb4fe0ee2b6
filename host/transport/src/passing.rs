//! What a gateway passes on for a registrar below it: what users ask goes up over the gateway's own channel, and the answer comes
//! back, both as they come. The gateway says whose registrar it is; the manager decides whether that is one.

use crate::client::{CallParentError, ParentClient};
use crate::desk::until_its_end;
use crate::handed::{REGISTRAR_NODE, is_handed_on, without_hops};
use crate::places::Places;
use crate::relay::answer;
use crate::server::{Caller, Parent, Refused, refusal};
use crate::{NotHandedOn, REGISTRAR};
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use hostler_core::NodeId;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long those above may take until their answer begins; a registrar waits for as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same where a body comes first, which the registrar bounds: here it is bounded for who isn't one.
const BODYS_PATIENCE: Duration = Duration::from_secs(300);

/// Requests at a time, and of one child.
const AT_A_TIME: usize = 4_096;
const OF_ONE: usize = 512;

/// A gateway's way to its own parent, for what it hands on; none while it has none.
#[derive(Default)]
pub struct Uplink(RwLock<Option<Arc<ParentClient>>>);

impl Uplink {
    /// From now on it is this way; none where there is none.
    pub fn lead(&self, way: Option<Arc<ParentClient>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = way;
    }

    /// The way, where there is one.
    #[must_use]
    pub fn way(&self) -> Option<Arc<ParentClient>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The route under which registrars below hand on what users ask, at a gateway.
pub fn passing(parent: Arc<impl Parent>, uplink: Arc<Uplink>) -> Router {
    Router::new()
        .route(&format!("{REGISTRAR}/{{*path}}"), any(pass))
        .layer(Extension(Arc::new(Places::<NodeId>::new(AT_A_TIME, OF_ONE))))
        .layer(Extension(uplink))
        .with_state(parent)
}

async fn pass<P: Parent>(
    State(parent): State<Arc<P>>,
    Extension(uplink): Extension<Arc<Uplink>>,
    Extension(places): Extension<Arc<Places<NodeId>>>,
    caller: Caller,
    request: Request,
) -> Response {
    let not_now = |why: &str| refusal(&Refused::NotNow(why.to_owned()));
    let caller = Arc::new(caller);
    let child = caller.node();
    // Who is a device and nothing else is no registrar, and leads to none.
    if let Err(why) = parent.speaks_for_users(child) {
        return refusal(&Refused::Forbidden(why));
    }
    // What comes long after its head, or is answered long after, is asked once more.
    let still = {
        let (caller, parent) = (Arc::clone(&caller), Arc::clone(&parent));
        move || caller.holds(&*parent)
    };
    // A gateway below says whose it is; anybody else is the registrar.
    let said = request.headers().get(&REGISTRAR_NODE).map(|said| said.to_str().ok()?.parse::<NodeId>().ok());
    let registrar = match said {
        None => child.clone(),
        Some(Some(node)) if parent.leads_to(child, &node) => node,
        Some(_) => return refusal(&Refused::Forbidden(format!("{child} speaks for a registrar that isn't below it"))),
    };
    let asked = request.uri().path_and_query().and_then(|asked| asked.as_str().strip_prefix(REGISTRAR));
    let asked = asked.filter(|asked| is_handed_on(asked.split_once('?').map_or(asked, |(path, _)| path)));
    let Some(asked) = asked.map(str::to_owned) else {
        return (StatusCode::NOT_FOUND, crate::handed::NOT_ASKED).into_response();
    };
    let Some(way) = uplink.way() else { return not_now("this gateway isn't connected with its manager") };
    let Some(place) = places.take(child.clone()) else {
        return not_now("too much is handed on here at once; try again in a moment");
    };
    let (parts, body) = request.into_parts();
    let mut headers = without_hops(parts.headers);
    headers.remove(AUTHORIZATION);
    headers.remove(HOST);
    let Ok(name) = HeaderValue::from_str(registrar.as_str()) else {
        return refusal(&Refused::Invalid("a registrar's name is no header".to_owned()));
    };
    headers.insert(REGISTRAR_NODE, name);
    let ended = still.clone();
    let body =
        (!body.is_end_stream()).then(|| reqwest::Body::wrap_stream(until_its_end(body, ended).into_data_stream()));
    let patience = if body.is_some() { BODYS_PATIENCE } else { PATIENCE };
    let answered = tokio::time::timeout(patience, way.hand_on(parts.method, &asked, headers, body)).await;
    if !still() {
        return refusal(&parent.ended());
    }
    match answered {
        Err(_) => not_now(&NotHandedOn::TooLate.to_string()),
        Ok(Ok(response)) => {
            let headers = without_hops(response.headers().clone());
            answer(response, headers, place)
        }
        Ok(Err(CallParentError::Refused { status, body, .. })) => {
            (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), body).into_response()
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, %registrar, "what a registrar handed on wasn't answered");
            not_now("this gateway can't reach its manager now")
        }
    }
}
