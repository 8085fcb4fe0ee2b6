//! Pages and the HTTP API of a manager or gateway.
//!
//! There is one way in: the API under `/api/v1` (see [`api`]), which calls the services and nothing else. The pages
//! (see [`pages`]) call the API's own handlers and draw what those return, so that whatever a page shows or does, a
//! program can see and do as well. The OpenAPI document is made from the same handlers, and what [`soap`] offers is done by them.
//!
//! Three rules hold for all of it, each in one file: nobody gets anything without having logged in ([`auth`]; a service
//! wants a [`Viewer`](hostler_core::viewer::Viewer), and only the extractor makes one), no other site can act for
//! somebody who is logged in ([`csrf`]), and a page runs no script but ours ([`headers`]).

pub mod api;
mod assets;
pub mod auth;
mod chart;
pub mod csrf;
pub mod error;
mod extract;
pub mod headers;
mod metrics;
pub mod own;
pub mod pages;
mod patience;
mod plain;
pub mod registrar;
pub mod soap;
mod state;
mod words;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use hostler_services::Services;
use std::sync::Arc;

pub use state::{Offer, Options, Scheme};

/// Request bodies longer than this are refused, but for plug-ins.
const BODY_LIMIT: usize = 64 << 10;

/// A plug-in longer than this is refused.
const PLUGIN_LIMIT: usize = 64 << 20;

/// Everything that a browser or a program may ask of this node.
///
/// Serve it with [`into_make_service_with_connect_info`](axum::Router::into_make_service_with_connect_info) of a
/// [`SocketAddr`](std::net::SocketAddr): the log-in counts wrong guesses for each address.
pub fn router(services: Arc<Services>, options: Options) -> axum::Router {
    let state = state::Web::new(services, options);
    let (api, document) = api::router();
    axum::Router::new()
        .merge(pages::router())
        .merge(api)
        .merge(api::openapi::router(document))
        .merge(soap::router())
        .route("/metrics", get(metrics::metrics))
        .route("/assets/{file}", get(assets::serve))
        .fallback(pages::not_found)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(state.clone(), csrf::guard))
        .layer(from_fn_with_state(patience::Guard::new(Some(state.clone())), patience::guard))
        .layer(axum::middleware::from_fn(headers::set))
        .with_state(state)
}
