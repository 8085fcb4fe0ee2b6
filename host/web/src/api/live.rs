//! What changes, while it changes: server-sent events, gathered so that a busy fleet doesn't drown a browser.

use crate::auth::Who;
use crate::error::Problems;
use crate::state::Web;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{DeviceId, RegistrationId, RequestId, UserName};
use hostler_services::LiveEvent;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout, timeout_at};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What changes within this time travels together.
const GATHER: Duration = Duration::from_secs(1);

/// How often is looked whether they may still know.
const LOOK: Duration = Duration::from_secs(15);

/// More of a kind than this in one message are told as "everything".
const MOST_TOLD: usize = 500;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(live))
}

/// What changed within a second. What didn't is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Changed {
    /// Devices that came, changed or went.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    devices: BTreeSet<DeviceId>,
    /// Whether something answered in a network, or doesn't any more.
    #[serde(skip_serializing_if = "is_not")]
    candidates: bool,
    /// Whether a node came, changed or went.
    #[serde(skip_serializing_if = "is_not")]
    nodes: bool,
    /// Whether the catalogue changed.
    #[serde(skip_serializing_if = "is_not")]
    plugins: bool,
    /// Whether a schedule came, changed, ran or went.
    #[serde(skip_serializing_if = "is_not")]
    schedules: bool,
    /// Whether something happened that is among the events.
    #[serde(skip_serializing_if = "is_not")]
    events: bool,
    /// Requests that were asked, or stand otherwise.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    requests: BTreeSet<RequestId>,
    /// Registrations that were made, or whose devices are further.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    registrations: BTreeSet<RegistrationId>,
    /// Whether a device came in, or stands otherwise.
    #[serde(skip_serializing_if = "is_not")]
    enrolled: bool,
    /// More changed than can be told: load anew whatever you show.
    #[serde(skip_serializing_if = "is_not")]
    everything: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_not(flag: &bool) -> bool {
    !flag
}

impl Changed {
    /// The same for who sees their own devices only.
    fn of_own(mut self, sees: impl Fn(&DeviceId) -> bool) -> Self {
        self.devices.retain(sees);
        let events = self.events && !self.devices.is_empty();
        Self {
            candidates: false,
            nodes: false,
            plugins: false,
            schedules: false,
            events,
            requests: BTreeSet::new(),
            ..self
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What changed, with whose it is where only they and administrators may know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Gathered {
    changed: Changed,
    registrations: BTreeMap<RegistrationId, UserName>,
    enrolled: BTreeSet<UserName>,
}

impl Gathered {
    fn add(&mut self, event: LiveEvent) {
        let changed = &mut self.changed;
        match event {
            LiveEvent::Device { id } if changed.devices.len() < MOST_TOLD => _ = changed.devices.insert(id),
            LiveEvent::Registration { id, by } if self.registrations.len() < MOST_TOLD => {
                self.registrations.insert(id, by);
            }
            LiveEvent::Enrolled { owner } if self.enrolled.len() < MOST_TOLD => _ = self.enrolled.insert(owner),
            LiveEvent::Request { id } if changed.requests.len() < MOST_TOLD => _ = changed.requests.insert(id),
            LiveEvent::Device { .. }
            | LiveEvent::Request { .. }
            | LiveEvent::Registration { .. }
            | LiveEvent::Enrolled { .. } => changed.everything = true,
            LiveEvent::Candidates => changed.candidates = true,
            LiveEvent::Nodes => changed.nodes = true,
            LiveEvent::Plugins => changed.plugins = true,
            LiveEvent::Schedules => changed.schedules = true,
            LiveEvent::Events => changed.events = true,
        }
    }

    /// What of it somebody may know; of devices, those that they see.
    fn told(self, viewer: &Viewer, sees: impl Fn(&DeviceId) -> bool) -> Changed {
        let theirs = |user: &UserName| viewer.may(Right::Administer) || viewer.user == *user;
        let registrations = self.registrations.into_iter().filter(|(_, by)| theirs(by)).map(|(id, _)| id).collect();
        let changed = Changed { registrations, enrolled: self.enrolled.iter().any(theirs), ..self.changed };
        if viewer.may(Right::See) { changed } else { changed.of_own(sees) }
    }
}

/// What changes, while it changes
///
/// Server-sent events named `changed`, at most one a second. The stream ends when the session or token does.
#[utoipa::path(get, path = "/live", tag = "live",
    responses((status = 200, description = "What changed", content_type = "text/event-stream", body = Changed), Problems))]
pub(crate) async fn live(State(web): State<Web>, who: Who) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let receiver = web.services.live.subscribe();
    let stream = futures::stream::unfold((receiver, web, who), async |(mut receiver, web, who)| {
        let changed = next(&mut receiver, &web, &who).await?;
        let event = Event::default().event("changed").json_data(changed).ok()?;
        Some((Ok(event), (receiver, web, who)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// Waits for what they may know; `None` when they may know nothing more.
async fn next(receiver: &mut Receiver<LiveEvent>, web: &Web, who: &Who) -> Option<Changed> {
    loop {
        let gathered = gather(receiver).await?;
        // Also where nothing happened: who logged out keeps no connection.
        let viewer = web.services.access.viewer(who.token.expose()).ok()?;
        let changed = gathered.told(&viewer, |id| web.services.inventory.device(&viewer, id).is_ok());
        if !changed.is_empty() {
            return Some(changed);
        }
    }
}

/// Waits for something, though not for ever, then a moment longer for what comes with it.
async fn gather(receiver: &mut Receiver<LiveEvent>) -> Option<Gathered> {
    let mut gathered = Gathered::default();
    let mut until = None;
    loop {
        let received = match until {
            None => match timeout(LOOK, receiver.recv()).await {
                Ok(received) => received,
                Err(_) => return Some(gathered),
            },
            Some(until) => match timeout_at(until, receiver.recv()).await {
                Ok(received) => received,
                Err(_) => return Some(gathered),
            },
        };
        match received {
            Ok(event) => gathered.add(event),
            Err(RecvError::Lagged(_)) => gathered.changed.everything = true,
            Err(RecvError::Closed) => return (gathered != Gathered::default()).then_some(gathered),
        }
        until = until.or_else(|| Some(Instant::now() + GATHER));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::broadcast::channel;

    fn device(id: &str) -> LiveEvent {
        LiveEvent::Device { id: id.parse().unwrap() }
    }

    fn told(gathered: Gathered, user: &str, right: Right) -> String {
        let viewer = Viewer { user: user.parse().unwrap(), right };
        serde_json::to_string(&gathered.told(&viewer, |id| id.as_str() == "mine")).unwrap()
    }

    #[tokio::test]
    async fn a_device_that_changes_often_is_told_once() {
        let (sender, mut receiver) = channel(16);
        for event in [device("a"), device("b"), device("a"), LiveEvent::Events] {
            sender.send(event).unwrap();
        }
        let gathered = gather(&mut receiver).await.unwrap();
        assert_eq!(told(gathered, "eve", Right::See), r#"{"devices":["a","b"],"events":true}"#);
    }

    #[tokio::test]
    async fn who_was_too_slow_is_told_to_load_anew() {
        let (sender, mut receiver) = channel(2);
        for _ in 0..9 {
            sender.send(device("a")).unwrap();
        }
        assert!(gather(&mut receiver).await.unwrap().changed.everything);
    }

    #[tokio::test]
    async fn ends_when_nothing_can_come() {
        let (sender, mut receiver) = channel(2);
        sender.send(LiveEvent::Nodes).unwrap();
        drop(sender);
        assert!(gather(&mut receiver).await.unwrap().changed.nodes, "what was said before the end is told");
        assert_eq!(gather(&mut receiver).await, None);
    }

    #[test]
    fn who_sees_only_their_own_hears_only_of_their_own() {
        let mut all = Gathered::default();
        for event in [device("mine"), device("other"), LiveEvent::Nodes, LiveEvent::Events] {
            all.add(event);
        }
        assert_eq!(told(all.clone(), "ada", Right::Own), r#"{"devices":["mine"],"events":true}"#);
        all.changed.devices.clear();
        assert_eq!(told(all, "ada", Right::Own), "{}");
    }

    #[test]
    fn e05_registrations_are_told_to_who_made_them_and_to_administrators() {
        let mut all = Gathered::default();
        let (ada, bob): (UserName, UserName) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        all.add(LiveEvent::Registration { id: "r-1".parse().unwrap(), by: ada.clone() });
        all.add(LiveEvent::Registration { id: "r-2".parse().unwrap(), by: bob });
        all.add(LiveEvent::Enrolled { owner: ada });
        assert_eq!(told(all.clone(), "ada", Right::Own), r#"{"registrations":["r-1"],"enrolled":true}"#);
        assert_eq!(told(all.clone(), "bob", Right::Operate), r#"{"registrations":["r-2"]}"#);
        assert_eq!(told(all.clone(), "eve", Right::See), "{}");
        assert_eq!(told(all, "eve", Right::Administer), r#"{"registrations":["r-1","r-2"],"enrolled":true}"#);
    }
}
