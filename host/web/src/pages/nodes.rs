//! The nodes that devices are reached through.

use super::node_log::Levels;
use super::pace::Pace;
use super::requests::sent;
use super::{Drawn, Section, Shell, draw};
use crate::api::nodes::{self, OwnNode};
use crate::api::requests;
use crate::auth::Who;
use crate::error::PageError;
use crate::extract::{Path, Query};
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::{get, post};
use hostler_core::NodeId;
use hostler_core::request::Question;
use hostler_services::{NodeDetail, NodeView, RequestView};

pub(super) fn router() -> Router<Web> {
    Router::new().route("/nodes", get(show)).route("/nodes/{id}", get(one)).route("/nodes/{id}/check", post(check))
}

#[derive(Template)]
#[template(path = "nodes.html")]
pub(super) struct NodesPage {
    pub(super) shell: Shell,
    pub(super) nodes: Vec<NodeView>,
    pub(super) own: OwnNode,
}

async fn show(State(web): State<Web>, who: Who) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Nodes);
    let axum::Json(own) = nodes::own(State(web.clone()), who.clone()).await;
    let axum::Json(nodes) = nodes::list(State(web), who).await?;
    draw(&NodesPage { shell, nodes, own })
}

#[derive(Template)]
#[template(path = "node.html")]
pub(super) struct NodePage {
    pub(super) shell: Shell,
    pub(super) detail: NodeDetail,
    /// What was asked of it or through it, and hasn't ended.
    pub(super) requests: Vec<RequestView>,
    /// What it said last of how often it asks.
    pub(super) pace: Option<Pace>,
    /// What it said last of how much it logs.
    pub(super) levels: Option<Levels>,
}

async fn one(State(web): State<Web>, who: Who, Path(id): Path<NodeId>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Nodes);
    let pace = Pace::of_node(&web, &who, &id);
    let levels = Levels::of(&web, &who, &id);
    let axum::Json(detail) = nodes::show(State(web.clone()), who.clone(), Path(id.clone())).await?;
    let axum::Json(mut requests) = requests::list(State(web), who, Query(requests::Span::default())).await?;
    requests.retain(|request| !request.has_ended() && request.path.contains(&id));
    draw(&NodePage { shell, detail, requests, pace, levels })
}

async fn check(State(web): State<Web>, who: Who, Path(id): Path<NodeId>) -> Result<Redirect, PageError> {
    sent(web, who, requests::Ask::to(id, Question::Alive)).await
}

impl NodesPage {
    fn roles(&self) -> &'static str {
        match (self.own.manager, self.own.gateway) {
            (true, true) => "manager and gateway",
            (true, false) => "manager",
            (false, true) => "gateway",
            (false, false) => "node",
        }
    }

    fn count(&self, number: &u64) -> String {
        words::thousands(*number)
    }
}
