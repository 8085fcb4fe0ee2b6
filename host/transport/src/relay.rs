//! The registrar's side, where it is a node of its own: what a user asks goes to the manager over this node's own channel, and
//! the answer comes back, both as they come. Nothing of it is kept here.

use crate::Seldom;
use crate::client::{CallParentError, ParentClient};
use crate::handed::{
    NOT_ASKED, Scheme, USER_ADDRESS, USER_AUTHORIZATION, USER_HOST, USER_SCHEME, end_to_end, is_handed_on,
};
use crate::places::{Place, Places};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures::{StreamExt, stream};
use hostler_core::source;
use std::hash::Hash;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// How long the manager may take until its answer begins, once all of the request came.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an answer may say nothing after it began, and how long a user may read nothing of what it says. Pages that are told what changes hear something every 15 seconds.
const QUIET: Duration = Duration::from_secs(60);

/// Requests at a time, and how many of them from one source. Those that are told what changes stay open, and have as many places
/// of their own.
const AT_A_TIME: usize = 4_096;
const FROM_ONE_SOURCE: usize = 512;
const LIVE: &str = "/api/v1/live";

/// Trouble with the manager is said at most so often.
const SAID_FOR: Duration = Duration::from_secs(60);

/// The longest body: longer than the manager takes of any that registering needs.
const LONGEST_BODY: u64 = 4 << 20;
/// The longest path with its query.
const LONGEST_PATH: usize = 8 << 10;
/// All headers together, and how many.
const LONGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// Why a user's request wasn't answered by the manager.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotHandedOn {
    /// Users of a registrar don't ask for this.
    #[error("there is no such page or endpoint at this registrar")]
    NotHere,
    /// This node is no member of a fleet, or not any more.
    #[error("this registrar isn't connected with its manager")]
    NotConnected,
    /// The manager can't be reached; why is in the log.
    #[error("this registrar can't reach its manager now")]
    Unreachable,
    /// The manager doesn't take what this node hands on, and says why.
    #[error("the manager doesn't take what this registrar hands on: {0}")]
    Refused(String),
    /// It took too long.
    #[error("this took too long to send, or the manager to answer")]
    TooLate,
    /// More at a time than this node hands on.
    #[error("too many pages are open at this registrar")]
    TooMany,
    /// The body is longer than any may be.
    #[error("that is more than can be sent here at once")]
    BodyTooLong,
    /// The body can't be read.
    #[error("what was sent can't be read")]
    Garbled,
    /// The address or the headers are.
    #[error("the address or the headers of this request are too long")]
    HeadTooLong,
}

/// Hands requests on for as long as there is a way to the manager.
pub struct Relay {
    way: RwLock<Option<Arc<ParentClient>>>,
    places: Places<IpAddr>,
    live: Places<IpAddr>,
    troubles: Seldom,
}

impl Default for Relay {
    fn default() -> Self {
        let (places, live) = (Places::new(AT_A_TIME, FROM_ONE_SOURCE), Places::new(AT_A_TIME, FROM_ONE_SOURCE));
        Self { way: RwLock::default(), places, live, troubles: Seldom::every(SAID_FOR) }
    }
}

impl Relay {
    /// From now on requests go this way; nowhere where there is none.
    pub fn lead(&self, way: Option<Arc<ParentClient>>) {
        *self.way.write().unwrap_or_else(PoisonError::into_inner) = way;
    }

    /// Hands a request on. The answer's body comes as the manager sends it.
    ///
    /// # Errors
    /// [`NotHandedOn`]. The manager may have done what was asked where it was reached.
    pub async fn hand_on(&self, request: Request, user: SocketAddr, scheme: Scheme) -> Result<Response, NotHandedOn> {
        let path = request.uri().path();
        if !is_handed_on(path) {
            return Err(NotHandedOn::NotHere);
        }
        let way = self.way.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(NotHandedOn::NotConnected)?;
        let places = if path == LIVE { &self.live } else { &self.places };
        let place = places.take(source(user.ip())).ok_or(NotHandedOn::TooMany)?;
        let (parts, body) = request.into_parts();
        let asked = asked(&parts)?;
        let headers = headers(&parts, user, scheme)?;
        let (wrong, whole) = (Arc::new(OnceLock::new()), Arc::new(Notify::new()));
        let body = (!body.is_end_stream()).then(|| limited(body, Arc::clone(&wrong), Arc::clone(&whole)));
        if body.is_none() {
            whole.notify_one();
        }
        let sending = way.hand_on(parts.method.clone(), asked, headers, body);
        let late = async {
            whole.notified().await;
            tokio::time::sleep(PATIENCE).await;
        };
        let sent = tokio::select! {
            sent = sending => sent,
            () = late => return Err(NotHandedOn::TooLate),
        };
        match sent {
            Ok(response) => {
                let headers = end_to_end(response.headers().clone());
                Ok(answer(response, headers, place))
            }
            Err(error) => {
                // What is wrong with what the user sent is no trouble with the manager.
                if let Some(wrong) = wrong.get() {
                    return Err(wrong.clone());
                }
                let meaning = meaning(&error);
                // What somebody asks who plays with addresses is no trouble with the manager.
                if meaning != NotHandedOn::NotHere
                    && let Some(others) = self.troubles.count()
                {
                    tracing::warn!(%error, others, "what users ask here isn't answered");
                }
                Err(meaning)
            }
        }
    }
}

fn meaning(error: &CallParentError) -> NotHandedOn {
    match error {
        CallParentError::Unknown(_) | CallParentError::Ended { .. } => NotHandedOn::NotConnected,
        // An address that means another one.
        CallParentError::Setup(_) => NotHandedOn::NotHere,
        // A path that a manager of another release doesn't hand out.
        CallParentError::Refused { status: 404, body, .. } if body.contains(NOT_ASKED) => NotHandedOn::NotHere,
        CallParentError::Refused { status: 404, .. } => {
            NotHandedOn::Refused("what this node calls its parent takes no registrars".to_owned())
        }
        CallParentError::Refused { body, .. } => NotHandedOn::Refused(body.clone()),
        CallParentError::Unreachable { .. } | CallParentError::Cut { .. } | CallParentError::Garbled { .. } => {
            NotHandedOn::Unreachable
        }
    }
}

fn asked(parts: &Parts) -> Result<&str, NotHandedOn> {
    let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str());
    if asked.len() > LONGEST_PATH { Err(NotHandedOn::HeadTooLong) } else { Ok(asked) }
}

/// What the manager reads: the user's headers, and what only this node knows of the user.
fn headers(parts: &Parts, user: SocketAddr, scheme: Scheme) -> Result<HeaderMap, NotHandedOn> {
    let length: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if length > LONGEST_HEAD || parts.headers.len() > MOST_HEADERS {
        return Err(NotHandedOn::HeadTooLong);
    }
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LONGEST_BODY) {
        return Err(NotHandedOn::BodyTooLong);
    }
    let mut headers = end_to_end(parts.headers.clone());
    if let Some(mut shown) = headers.remove(AUTHORIZATION) {
        shown.set_sensitive(true);
        headers.insert(USER_AUTHORIZATION, shown);
    }
    if let Some(host) = headers.remove(HOST) {
        headers.insert(USER_HOST, host);
    }
    if let Ok(address) = HeaderValue::from_str(&user.to_string()) {
        headers.insert(USER_ADDRESS, address);
    }
    headers.insert(USER_SCHEME, HeaderValue::from_static(scheme.as_str()));
    Ok(headers)
}

/// A user's body as it comes, up to the longest; `whole` is told when it ends.
fn limited(body: Body, wrong: Arc<OnceLock<NotHandedOn>>, whole: Arc<Notify>) -> reqwest::Body {
    let mut length = 0_u64;
    let end = stream::poll_fn(move |_| {
        whole.notify_one();
        Poll::Ready(None)
    });
    let portions = body.into_data_stream().chain(end).map(move |portion| {
        let portion = portion.map_err(|error| {
            let _ = wrong.set(NotHandedOn::Garbled);
            io::Error::other(error)
        })?;
        length = length.saturating_add(portion.len() as u64);
        if length > LONGEST_BODY {
            let _ = wrong.set(NotHandedOn::BodyTooLong);
            return Err(io::Error::other("longer than any body may be"));
        }
        Ok(portion)
    });
    reqwest::Body::wrap_stream(portions)
}

/// The answer of those above as it comes, with these headers. It keeps its place until it ends, the user goes, or reads nothing any more.
pub(crate) fn answer<Who: Eq + Hash + Send + 'static>(
    mut response: reqwest::Response,
    headers: HeaderMap,
    place: Place<Who>,
) -> Response {
    let status = response.status();
    let (give, portions) = mpsc::channel(1);
    tokio::spawn(async move {
        let _place = place;
        loop {
            let portion = tokio::select! {
                portion = tokio::time::timeout(QUIET, response.chunk()) => portion,
                () = give.closed() => return,
            };
            let portion = match portion {
                Ok(Ok(portion)) => Ok(portion),
                Ok(Err(error)) => Err(io::Error::other(error)),
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
            };
            let last = !matches!(portion, Ok(Some(_)));
            let given = tokio::time::timeout(QUIET, give.send(portion)).await;
            if last || !matches!(given, Ok(Ok(()))) {
                return;
            }
        }
    });
    // What ends without its end being told was given up, and isn't whole.
    let portions = stream::try_unfold(portions, async |mut portions| match portions.recv().await {
        Some(portion) => portion.map(|portion: Option<Bytes>| portion.map(|portion| (portion, portions))),
        None => Err(io::Error::from(io::ErrorKind::TimedOut)),
    });
    let mut answer = Response::new(Body::from_stream(portions));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}
