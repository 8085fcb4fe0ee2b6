//! The nodes that devices are reached through.

use super::{Drawn, Section, Shell, draw};
use crate::api::nodes::{self, OwnNode};
use crate::auth::Who;
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hostler_services::NodeView;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/nodes", get(show))
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
