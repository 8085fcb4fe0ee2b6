//! What happened, to all that somebody may see.

use super::csv;
use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::extract::Query;
use crate::state::Web;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use hostler_core::event::Filter;
use hostler_services::{EventsPage, ServiceError, StoredEvent};
use serde::Deserialize;
use url::form_urlencoded::Serializer;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const EVENTS: usize = 100;
const MOST_EVENTS: usize = 500;

/// Which part of a long list.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Span {
    /// Only events with a smaller `seq`: the last of one answer is the `before` of the next.
    #[serde(default)]
    pub before: Option<u64>,
    /// How many: 100 where not given, at most 500.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Span {
    pub(crate) fn limit(self) -> usize {
        self.limit.unwrap_or(EVENTS).clamp(1, MOST_EVENTS)
    }
}

/// Where following begins.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Behind {
    /// Only events with a larger `seq`, and the oldest first, for who follows what happens; `before` is passed over then.
    #[serde(default)]
    pub after: Option<u64>,
}

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(table))
}

/// What happened
///
/// A question looks at a bounded number of events. Where there may be more, the header `Link` (RFC 8288, `rel="next"`) leads to
/// the question that goes on, whether this answer is full or not; with `after` it is always there.
#[utoipa::path(get, path = "/events", tag = "events", params(Span, Behind, Filter),
    responses((status = 200, description = "Events, the newest first", body = Vec<StoredEvent>,
        headers(("link" = Option<String>, description = "Where the list goes on"))), Problems))]
pub(crate) async fn list(
    State(web): State<Web>,
    who: Who,
    Query(span): Query<Span>,
    Query(behind): Query<Behind>,
    Query(filter): Query<Filter>,
) -> Result<Response, ApiError> {
    let page = find(&web, &who, span, behind, &filter)?;
    let key = if behind.after.is_some() { "after" } else { "before" };
    let next = page.next.map(|next| {
        format!("</api/v1/events?{}>; rel=\"next\"", asking(&filter, &[(key, next), ("limit", span.limit() as u64)]))
    });
    let mut answer = axum::Json(page.events).into_response();
    if let Some(link) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
        answer.headers_mut().insert(LINK, link);
    }
    Ok(answer)
}

/// The same, for pages.
pub(crate) fn find(web: &Web, who: &Who, span: Span, behind: Behind, filter: &Filter) -> Result<EventsPage, ApiError> {
    let inventory = &web.services.inventory;
    Ok(match behind.after {
        Some(after) => inventory.follow_events(&who.viewer, filter, after, span.limit())?,
        None => inventory.find_events(&who.viewer, filter, span.before, span.limit())?,
    })
}

/// What happened, as a table
///
/// CSV (RFC 4180): every event that fits, the newest first. Times are RFC 3339, in UTC.
#[utoipa::path(get, path = "/events.csv", tag = "events", params(Filter),
    responses((status = 200, description = "The table", content_type = "text/csv", body = String), Problems))]
pub(crate) async fn table(
    State(web): State<Web>,
    who: Who,
    Query(filter): Query<Filter>,
) -> Result<Response, ApiError> {
    let span = Span { limit: Some(MOST_EVENTS), before: None };
    let first = find(&web, &who, span, Behind::default(), &filter)?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"events.csv\"")),
    ];
    Ok((headers, Body::from_stream(rows((web, who, filter), first))).into_response())
}

/// The table's text, a bounded question at a time: two hundred thousand events aren't held at once, and others get their turn.
fn rows(asked: (Web, Who, Filter), first: EventsPage) -> impl Stream<Item = Result<String, ServiceError>> {
    let here = asked.0.services.node.id.clone();
    let mut head = String::new();
    csv::line(&mut head, ["time", "severity", "name", "node", "device", "text"]);
    futures::stream::unfold((asked, Some(Ok(first)), head), move |((web, who, filter), page, head)| {
        let here = here.clone();
        async move {
            let page = match page? {
                Ok(page) => page,
                // The answer breaks off, so that nobody takes it for whole.
                Err(error) => return Some((Err(error), ((web, who, filter), None, String::new()))),
            };
            let mut text = head;
            for StoredEvent { event, .. } in &page.events {
                let (time, severity) = (event.at.to_string(), event.severity.to_string());
                let node = event.node.as_ref().unwrap_or(&here).as_str();
                let device = event.device.as_ref().map_or("", |device| device.as_str());
                csv::line(&mut text, [&time, &severity, &event.name, node, device, &event.text]);
            }
            tokio::task::yield_now().await;
            // Who may see nothing any more gets no further page.
            let next = page.next.map(|before| {
                let viewer = web.services.access.viewer(who.token.expose())?;
                web.services.inventory.find_events(&viewer, &filter, Some(before), MOST_EVENTS)
            });
            Some((Ok(text), ((web, who, filter), next, String::new())))
        }
    })
}

/// A filter and more, as they stand behind a question mark.
pub(crate) fn asking(filter: &Filter, more: &[(&str, u64)]) -> String {
    let fields = serde_json::to_value(filter).unwrap_or_default();
    let mut query = Serializer::new(String::new());
    for (name, value) in fields.as_object().into_iter().flatten() {
        query.append_pair(name, value.as_str().unwrap_or_default());
    }
    for (name, value) in more {
        query.append_pair(name, &value.to_string());
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract;

    #[test]
    fn d07_a_link_asks_what_was_asked() {
        let asked = "severity=warning&name=supply.%2Calert.&device=sn-1&text=caf%C3%A9+%26&from=24h&to=2026-11-22";
        let filter: Filter = extract::read(asked).unwrap();
        let link = asking(&filter, &[("before", 7)]);
        assert_eq!(extract::read::<Filter>(&link).unwrap(), filter);
        assert_eq!(extract::read::<Span>(&link).unwrap().before, Some(7));
    }

    #[test]
    fn d07_what_is_no_filter_is_refused_in_words() {
        for (asked, word) in [("severity=loud", "info, warning and critical"), ("from=soon", "how long ago")] {
            let error = extract::read::<Filter>(asked).map(|_| ()).unwrap_err();
            assert_eq!(error.status(), 400);
            assert!(error.problem().error.contains(word), "{}", error.problem().error);
        }
    }
}
