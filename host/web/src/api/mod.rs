//! The HTTP API, under `/api/v1`: a function an endpoint, each of which asks one service and returns what it says.
//!
//! The OpenAPI document is made from these functions ([`openapi`]); the pages call them as functions.

pub mod account;
pub mod backup;
pub mod candidates;
pub mod commands;
mod csv;
pub mod devices;
pub mod events;
pub mod forwards;
pub mod live;
pub mod membership;
pub mod nodes;
pub mod openapi;
pub mod panel;
pub mod plugins;
pub mod registrations;
pub mod requests;
pub mod schedules;
pub mod terminal;
pub mod tokens;
pub mod users;

use crate::state::Web;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

/// Every endpoint, and the document that describes them.
pub(crate) fn router() -> (axum::Router<Web>, utoipa::openapi::OpenApi) {
    let endpoints = OpenApiRouter::new()
        .merge(account::router())
        .merge(devices::router())
        .merge(candidates::router())
        .merge(events::router())
        .merge(forwards::router())
        .merge(plugins::router())
        .merge(nodes::router())
        .merge(requests::router())
        .merge(commands::router())
        .merge(panel::router())
        .merge(backup::router())
        .merge(tokens::router())
        .merge(users::router())
        .merge(registrations::router())
        .merge(schedules::router())
        .merge(terminal::router())
        .merge(membership::router())
        .merge(live::router());
    OpenApiRouter::with_openapi(openapi::Document::openapi()).nest("/api/v1", endpoints).split_for_parts()
}
