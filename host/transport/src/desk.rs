//! The manager's side of a registrar on a node of its own: what users ask there is answered here, as if they had come
//! themselves. What the registrar says of them is believed of those nodes alone that the configuration names.

use crate::REGISTRAR;
use crate::handed::{
    ANSWERED, NOT_ASKED, REGISTRAR_NODE, Scheme, USER_ADDRESS, USER_AUTHORIZATION, USER_HOST, USER_SCHEME, end_to_end,
    is_handed_on,
};
use crate::server::{Caller, Parent, Refused, Strangers, refusal};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use futures::{StreamExt, stream};
use hostler_core::NodeId;
use std::collections::BTreeSet;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use tower_service::Service;

/// What answers the users of registrars.
pub struct Desk {
    /// The nodes that may hand on what users ask.
    pub registrars: BTreeSet<NodeId>,
    /// What answers users who reach their registrar by plain HTTP.
    pub http: Router,
    /// What answers those who reach it by TLS.
    pub https: Router,
}

/// The route under which registrars hand on what users ask.
pub fn desk(parent: Arc<impl Parent>, desk: Arc<Desk>) -> Router {
    Router::new()
        .route(&format!("{REGISTRAR}/{{*path}}"), any(take))
        .layer(Extension(Arc::new(Strangers::default())))
        .layer(Extension(desk))
        .with_state(parent)
}

async fn take<P: Parent>(
    State(parent): State<Arc<P>>,
    Extension(desk): Extension<Arc<Desk>>,
    Extension(strangers): Extension<Arc<Strangers>>,
    caller: Caller,
    request: Request,
) -> Response {
    let child = caller.node();
    // A gateway hands on for a registrar below it.
    let said = request.headers().get(&REGISTRAR_NODE).map(|said| said.to_str().ok()?.parse::<NodeId>().ok());
    let registrar = match said {
        None => Ok(child.clone()),
        Some(Some(node)) if parent.leads_to(child, &node) => Ok(node),
        Some(_) => Err(format!("{child} hands on for a registrar that isn't below it")),
    };
    let may = |registrar: NodeId| {
        desk.admits(&registrar).and_then(|()| parent.speaks_for_users(&registrar)).map(|()| registrar)
    };
    let registrar = match registrar.and_then(may) {
        Ok(registrar) => registrar,
        Err(why) => {
            strangers.note(request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0), &why);
            return refusal(&Refused::Forbidden(why));
        }
    };
    // A body may come long after its head. Whoever isn't let in any more by its end has asked for nothing.
    let (caller, watching) = (Arc::new(caller), Arc::clone(&parent));
    let still = {
        let caller = Arc::clone(&caller);
        move || {
            let leads = *caller.node() == registrar || watching.leads_to(caller.node(), &registrar);
            leads && caller.holds(&*watching) && watching.speaks_for_users(&registrar).is_ok()
        }
    };
    let request = request.map(|body| until_its_end(body, still.clone()));
    let (request, scheme) = match user_s(request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let mut site = match scheme {
        Scheme::Http => desk.http.clone(),
        Scheme::Https => desk.https.clone(),
    };
    let answered = site.call(request).await;
    // It may have been long under way; and what stays open ends when the registrar isn't let in any more.
    if !caller.holds(&*parent) {
        return refusal(&Refused::Unknown);
    }
    let (mut head, body) = answered.unwrap_or_else(|never| match never {}).into_parts();
    head.headers = end_to_end(head.headers);
    head.headers.insert(ANSWERED, HeaderValue::from_static("1"));
    let holding = body.into_data_stream().take_while(move |_| ready(still()));
    Response::from_parts(head, Body::from_stream(holding))
}

/// The same body, which is broken off where `still` doesn't hold at its end.
pub(crate) fn until_its_end(body: Body, still: impl Fn() -> bool + Send + 'static) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let end =
        stream::once(async move { if still() { Ok(Bytes::new()) } else { Err(axum::Error::new(Refused::Unknown)) } });
    Body::from_stream(body.into_data_stream().chain(end))
}

impl Desk {
    fn admits(&self, child: &NodeId) -> Result<(), String> {
        let why = || {
            format!(
                "{child} isn't named in `registrars` of the manager's [enrollment]; add it there if it is a registrar"
            )
        };
        if self.registrars.contains(child) { Ok(()) } else { Err(why()) }
    }
}

/// The request as the user sent it.
#[allow(clippy::result_large_err, reason = "what isn't handed on is answered so at once")]
fn user_s(request: Request) -> Result<(Request, Scheme), Response> {
    let (mut outer, body) = request.into_parts();
    let asked = outer.uri.path_and_query().and_then(|asked| asked.as_str().strip_prefix(REGISTRAR));
    let uri = asked.and_then(|asked| asked.parse::<axum::http::Uri>().ok()).filter(|uri| is_handed_on(uri.path()));
    let Some(uri) = uri else {
        return Err((StatusCode::NOT_FOUND, NOT_ASKED).into_response());
    };
    let said = |name: HeaderName| outer.headers.get(name).and_then(|value| value.to_str().ok());
    let from = said(USER_ADDRESS).and_then(|address| address.parse::<SocketAddr>().ok());
    let (Some(from), Some(scheme)) = (from, said(USER_SCHEME).and_then(Scheme::named)) else {
        let why = "a registrar says of each user from which address and how they came; this request doesn't";
        return Err(refusal(&Refused::Invalid(why.to_owned())));
    };
    // Its own token and host stand where the user's were.
    let restored = [(USER_AUTHORIZATION, AUTHORIZATION), (USER_HOST, HOST)]
        .map(|(carried, meant)| (meant, outer.headers.remove(carried)));
    let mut headers = end_to_end(outer.headers);
    for (name, value) in restored {
        match value {
            Some(value) => _ = headers.insert(name, value),
            None => _ = headers.remove(name),
        }
    }
    let mut request = Request::new(body);
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (outer.method, uri, headers);
    request.extensions_mut().insert(ConnectInfo(from));
    Ok((request, scheme))
}
