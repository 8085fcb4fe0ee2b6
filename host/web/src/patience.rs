//! Who sends a body a byte at a time, or promises one and sends none, is let go: nobody holds connections for nothing. Nor does
//! anybody fill the memory with long ones that don't end, or get done what they ask for when they are let in no more by its end.
//!
//! One rule for all that is sent here, from a log-in to a plug-in of many megabytes: [`AT_FIRST`], and longer the more has come,
//! as long as it comes as fast as [`SLOWEST`]. What is answered may take as long as it takes.

use crate::auth;
use crate::error::ApiError;
use crate::state::Web;
use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use hostler_core::{Secret, source};
use hostler_services::{Place, Places};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long somebody may take at least.
const AT_FIRST: Duration = Duration::from_secs(20);

/// Bytes a second, of the slowest line that is waited for.
const SLOWEST: u64 = 4 << 10;

/// A body is long that has more bytes. So many of these are read at a time, and so many of what comes from one source.
const LONG: u64 = 64 << 10;
const LONG_AT_A_TIME: usize = 64;
const LONG_FROM_ONE: usize = 8;

/// What watches over bodies.
#[derive(Clone)]
pub(crate) struct Guard {
    long: Arc<Places<IpAddr>>,
    /// Who knows whether somebody is still let in; `None` where somebody else does.
    web: Option<Web>,
}

/// Why a body was ended before its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
enum Broken {
    #[error("it didn't come in time")]
    Late,
    #[error("too much is being sent")]
    TooMany,
    #[error("whoever sends isn't let in any more")]
    LetGo,
}

impl Guard {
    pub(crate) fn new(web: Option<Web>) -> Self {
        Self { long: Arc::new(Places::new(LONG_AT_A_TIME, LONG_FROM_ONE)), web }
    }

    /// Whether whoever shows this was let in and is no more.
    fn who(&self, headers: &HeaderMap) -> Option<(Secret, Web)> {
        let web = self.web.clone()?;
        let token = Secret::new(auth::shown(headers, web.options)?.to_owned());
        web.services.access.viewer(token.expose()).ok().map(|_| (token, web))
    }
}

/// Middleware: ends a body that doesn't come in time, or whose sender was logged out while it came, and says so.
pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (path, broken) = (request.uri().path().to_owned(), Arc::new(OnceLock::new()));
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| source(from.0.ip()));
    let who = guard.who(request.headers());
    let coming = |body: Body| Coming {
        pieces: body.into_data_stream(),
        began: Instant::now(),
        came: 0,
        from,
        long: guard.long,
        place: None,
        who,
        broken: Arc::clone(&broken),
    };
    let request = if request.body().is_end_stream() { request } else { request.map(|body| coming(body).body()) };
    let response = next.run(request).await;
    let error = match broken.get() {
        None => return response,
        Some(Broken::Late) => ApiError::new(StatusCode::REQUEST_TIMEOUT, "what you sent didn't come in time")
            .advising("Try again.", "Send it again, all of it at once."),
        Some(Broken::TooMany) => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too much is being sent here at once")
            .advising("Try again in a moment.", "Send it again in a moment."),
        Some(Broken::LetGo) => ApiError::unauthorized(),
    };
    error.respond(&path)
}

/// A body on its way.
struct Coming {
    pieces: BodyDataStream,
    began: Instant,
    /// Bytes that came.
    came: u64,
    /// From where, if that is known.
    from: Option<IpAddr>,
    long: Arc<Places<IpAddr>>,
    /// What a long one holds.
    place: Option<Place<IpAddr>>,
    /// Whoever was let in when it began.
    who: Option<(Secret, Web)>,
    broken: Arc<OnceLock<Broken>>,
}

impl Coming {
    /// The same body, which ends with an error where it is broken.
    fn body(self) -> Body {
        Body::from_stream(futures::stream::unfold(Some(self), |coming| async { coming?.next().await }))
    }

    /// The next piece; after an error there is none.
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Option<Self>)> {
        let end = self.began + AT_FIRST + Duration::from_secs(self.came / SLOWEST);
        let broken = match timeout_at(end, self.pieces.next()).await {
            Ok(Some(Ok(piece))) => {
                self.came = self.came.saturating_add(piece.len() as u64);
                if self.has_place() {
                    return Some((Ok(piece), Some(self)));
                }
                Broken::TooMany
            }
            Ok(Some(Err(error))) => return Some((Err(error), None)),
            Ok(None) if self.is_let_in() => return None,
            Ok(None) => Broken::LetGo,
            Err(_) => Broken::Late,
        };
        let _ = self.broken.set(broken);
        Some((Err(axum::Error::new(broken)), None))
    }

    /// Whether it may go on: a short one may always.
    fn has_place(&mut self) -> bool {
        let Some(from) = self.from.filter(|_| self.came > LONG && self.place.is_none()) else { return true };
        self.place = self.long.take(from);
        self.place.is_some()
    }

    /// Whether its sender still is who they were when it began.
    fn is_let_in(&self) -> bool {
        self.who.as_ref().is_none_or(|(token, web)| web.services.access.viewer(token.expose()).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// How long it took until a body of pieces of this length, each a second after the other, was there or late.
    async fn taken(pieces: usize, length: usize) -> (Duration, bool) {
        let slow = futures::stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            (sent < pieces).then(|| (Ok::<_, Infallible>(Bytes::from(vec![b'a'; length])), sent + 1))
        });
        let began = Instant::now();
        let (coming, broken) = coming(Body::from_stream(slow), &Guard::new(None));
        let whole = axum::body::to_bytes(coming.body(), usize::MAX).await;
        assert_eq!(broken.get().copied(), whole.is_err().then_some(Broken::Late));
        (began.elapsed(), whole.is_err())
    }

    /// A body from one source.
    fn coming(body: Body, guard: &Guard) -> (Coming, Arc<OnceLock<Broken>>) {
        let (broken, from) = (Arc::new(OnceLock::new()), Some([192, 0, 2, 1].into()));
        let (pieces, long) = (body.into_data_stream(), Arc::clone(&guard.long));
        let (began, came, place, who) = (Instant::now(), 0, None, None);
        (Coming { pieces, began, came, from, long, place, who, broken: Arc::clone(&broken) }, broken)
    }

    #[tokio::test]
    async fn e06_of_long_bodies_that_do_not_end_one_source_sends_a_few() {
        let guard = Guard::new(None);
        let mut held = Vec::new();
        for n in 0..20 {
            let long = futures::stream::iter([Ok::<_, Infallible>(Bytes::from(vec![b'a'; 65 << 10]))]);
            let (coming, broken) = coming(Body::from_stream(long.chain(futures::stream::pending())), &guard);
            let mut pieces = coming.body().into_data_stream();
            let piece = pieces.next().await.unwrap();
            assert_eq!(
                (piece.is_ok(), broken.get().copied()),
                (n < LONG_FROM_ONE, (n >= LONG_FROM_ONE).then_some(Broken::TooMany))
            );
            held.push(pieces);
        }
        held.clear();
        let (coming, _) = coming(Body::from(vec![b'a'; 1 << 20]), &guard);
        assert!(axum::body::to_bytes(coming.body(), usize::MAX).await.is_ok(), "who left gave their places back");
    }

    #[tokio::test(start_paused = true)]
    async fn e06_a_body_that_comes_a_byte_at_a_time_is_ended_and_a_slow_line_is_waited_for() {
        let (after, late) = taken(usize::MAX, 1).await;
        assert!(late && after < AT_FIRST + Duration::from_secs(1), "{after:?}");
        let (after, late) = taken(600, 8 << 10).await;
        assert!(!late && after > Duration::from_secs(600), "{after:?}");
        let (after, late) = taken(600, 2 << 10).await;
        assert!(late && after < Duration::from_secs(60), "{after:?}");
    }
}
