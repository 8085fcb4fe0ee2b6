//! What happened, the newest first: filters in the address, so that what somebody looks at can be passed on.

use super::{Drawn, Section, Shell, draw};
use crate::api::events::{self, Behind, Span, asking};
use crate::auth::Who;
use crate::error::ApiError;
use crate::extract::Query;
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hostler_core::NodeId;
use hostler_core::event::Filter;
use hostler_services::{EventsPage as Found, ForwardView, StoredEvent};

const ROWS: usize = 50;

/// What somebody looks for, by the names that stand for it. `docs/notices.md` lists all.
const KINDS: [(&str, &str); 5] = [
    ("supply.", "Supplies"),
    ("alert.,device.unreachable,device.reachable,action.", "Faults"),
    ("node.started,device.restarted", "Starts"),
    (
        "device.adopted,device.moved,device.released,device.enrolled,device.standing,node.joined,node.removed,node.gone",
        "Installation",
    ),
    ("plugin.", "Plug-ins"),
];

const SEVERITIES: [(&str, &str); 3] = [("", "All"), ("warning", "Warnings and worse"), ("critical", "Critical")];

const SPANS: [(&str, &str); 5] =
    [("", "Whenever"), ("1h", "Last hour"), ("24h", "Last 24 hours"), ("7d", "Last 7 days"), ("30d", "Last 30 days")];

pub(super) fn router() -> Router<Web> {
    Router::new().route("/events", get(show))
}

#[derive(Template)]
#[template(path = "events.html")]
pub(super) struct EventsPage {
    pub(super) shell: Shell,
    pub(super) found: Found,
    pub(super) filter: Filter,
    /// Whether these are the newest.
    pub(super) newest: bool,
    /// Where notices are forwarded to, for who administers.
    pub(super) forwards: Vec<ForwardView>,
}

async fn show(State(web): State<Web>, who: Who, Query(span): Query<Span>, Query(filter): Query<Filter>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Events);
    let newest = span.before.is_none();
    let span = Span { limit: Some(ROWS), ..span };
    let found = events::find(&web, &who, span, Behind::default(), &filter)?;
    let forwards =
        if shell.administers() { web.services.forwards.list(&who.viewer).map_err(ApiError::from)? } else { Vec::new() };
    draw(&EventsPage { shell, found, filter, newest, forwards })
}

/// What can be chosen in a field: the value, what to call it, whether it is.
type Choices = Vec<(String, String, bool)>;

fn choices(offered: &[(&str, &str)], given: Option<String>) -> Choices {
    let is_given = |value: &str| given.as_deref().unwrap_or_default() == value;
    let mut all: Choices =
        offered.iter().map(|(value, title)| ((*value).to_owned(), (*title).to_owned(), is_given(value))).collect();
    if let Some(other) = given.filter(|given| !offered.iter().any(|(value, _)| value == given)) {
        all.push((other.clone(), other, true));
    }
    all
}

impl EventsPage {
    /// Where the list goes on.
    fn older(&self) -> Option<String> {
        self.found.next.map(|before| format!("/events?{}", asking(&self.filter, &[("before", before)])))
    }

    /// Whether looking ended before the page was full.
    fn stopped(&self) -> bool {
        self.found.next.is_some() && self.found.events.len() < ROWS
    }

    fn address(&self, path: &str, filter: &Filter) -> String {
        match asking(filter, &[]) {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }

    fn first(&self) -> String {
        self.address("/events", &self.filter)
    }

    fn table(&self) -> String {
        self.address("/api/v1/events.csv", &self.filter)
    }

    fn searched(&self) -> String {
        self.filter.text.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    fn severities(&self) -> Choices {
        let given = self.filter.severity.map(|least| least.to_string());
        choices(&SEVERITIES, given.filter(|least| least != "info"))
    }

    fn kinds(&self) -> Choices {
        let mut all = choices(&[("", "All kinds")], None);
        all.extend(choices(&KINDS, self.filter.name.as_ref().map(ToString::to_string)));
        for first in all.iter_mut().take(1) {
            first.2 = self.filter.name.is_none();
        }
        all
    }

    fn spans(&self) -> Choices {
        choices(&SPANS, self.filter.from.map(|from| from.to_string()))
    }

    /// What else is asked for, each with the name of its field, to keep it and to drop it.
    fn kept(&self) -> Vec<(&'static str, String, String)> {
        let filter = &self.filter;
        let without = |filter: Filter| self.address("/events", &filter);
        let fields = [
            (
                "device",
                filter.device.as_ref().map(ToString::to_string),
                without(Filter { device: None, ..filter.clone() }),
            ),
            ("node", filter.node.as_ref().map(ToString::to_string), without(Filter { node: None, ..filter.clone() })),
            ("to", filter.to.map(|to| to.to_string()), without(Filter { to: None, ..filter.clone() })),
        ];
        fields.into_iter().filter_map(|(name, value, drop)| Some((name, value?, drop))).collect()
    }

    fn of_node(&self, node: &NodeId) -> String {
        self.address("/events", &Filter { node: Some(node.clone()), ..self.filter.clone() })
    }

    fn count(&self, number: &u64) -> String {
        words::thousands(*number)
    }

    /// Who saw it, where that wasn't this node.
    fn seen_by<'a>(&self, stored: &'a StoredEvent) -> Option<&'a NodeId> {
        stored.event.node.as_ref()
    }
}
