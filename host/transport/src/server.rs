//! The parent's side.

use crate::{CATALOGUE, COMPONENTS, EXCHANGE, EXCHANGE_LIMIT};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hostler_core::NodeId;
use hostler_core::message::{CatalogueEntry, ExchangeDown, ExchangeUp};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Why an exchange was not taken. Nothing of it was committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It can't be what a child says.
    #[error("{0}")]
    Invalid(String),
    /// It can't be taken now; the child keeps what it has.
    #[error("{0}")]
    NotNow(String),
}

/// What a node does for its children.
pub trait Parent: Send + Sync + 'static {
    /// The child that shows this token.
    fn child(&self, token: &str) -> Option<NodeId>;

    /// Takes what the child says, commits it, and answers; holds the call for as long as the child allows
    /// when there is nothing to say.
    fn exchange(
        self: Arc<Self>,
        child: NodeId,
        up: ExchangeUp,
    ) -> Pin<Box<dyn Future<Output = Result<ExchangeDown, Refused>> + Send>>;

    /// The plug-ins that children run.
    fn catalogue(&self) -> Vec<CatalogueEntry>;

    /// The bytes of a component of the catalogue.
    fn component(&self, digest: &str) -> Option<Vec<u8>>;
}

/// The routes under which children call.
pub fn router(parent: Arc<impl Parent>) -> Router {
    Router::new()
        .route(EXCHANGE, post(exchange))
        .route(CATALOGUE, get(catalogue))
        .route(&format!("{COMPONENTS}/{{digest}}"), get(component))
        .layer(DefaultBodyLimit::max(EXCHANGE_LIMIT))
        .with_state(parent)
}

fn child<P: Parent>(parent: &P, headers: &HeaderMap) -> Result<NodeId, Box<Response>> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let child = token.and_then(|token| parent.child(token));
    child.ok_or_else(|| Box::new((StatusCode::UNAUTHORIZED, "this node is not known here").into_response()))
}

async fn exchange<P: Parent>(State(parent): State<Arc<P>>, headers: HeaderMap, body: Bytes) -> Response {
    let child = match child(&*parent, &headers) {
        Ok(child) => child,
        Err(refusal) => return *refusal,
    };
    let up: ExchangeUp = match serde_json::from_slice(&body) {
        Ok(up) => up,
        Err(error) => {
            tracing::warn!(%child, %error, "an exchange can't be understood");
            return (StatusCode::BAD_REQUEST, format!("the exchange can't be understood: {error}")).into_response();
        }
    };
    match parent.exchange(child.clone(), up).await {
        Ok(down) => Json(down).into_response(),
        Err(refused) => {
            tracing::warn!(%child, %refused, "an exchange was refused");
            let status = match refused {
                Refused::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Refused::NotNow(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, refused.to_string()).into_response()
        }
    }
}

async fn catalogue<P: Parent>(State(parent): State<Arc<P>>, headers: HeaderMap) -> Response {
    match child(&*parent, &headers) {
        Ok(_) => Json(parent.catalogue()).into_response(),
        Err(refusal) => *refusal,
    }
}

async fn component<P: Parent>(
    State(parent): State<Arc<P>>,
    headers: HeaderMap,
    Path(digest): Path<String>,
) -> Response {
    if let Err(refusal) = child(&*parent, &headers) {
        return *refusal;
    }
    match parent.component(&digest) {
        Some(bytes) => ([(header::CONTENT_TYPE, "application/wasm")], bytes).into_response(),
        None => (StatusCode::NOT_FOUND, "no such component").into_response(),
    }
}
