//! Who sends a body a byte at a time, or promises one and sends none, is let go: nobody holds connections for nothing.
//!
//! One rule for all that is sent here, from a log-in to a plug-in of many megabytes: [`AT_FIRST`], and longer the more has come,
//! as long as it comes as fast as [`SLOWEST`]. What is answered may take as long as it takes.

use crate::error::ApiError;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long somebody may take at least.
const AT_FIRST: Duration = Duration::from_secs(20);

/// Bytes a second, of the slowest line that is waited for.
const SLOWEST: u64 = 4 << 10;

/// Middleware: ends a body that doesn't come in time, and says so.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let (path, late) = (request.uri().path().to_owned(), Arc::new(AtomicBool::new(false)));
    let response = next.run(request.map(|body| in_time(body, Arc::clone(&late)))).await;
    if !late.load(Ordering::Relaxed) {
        return response;
    }
    let error = ApiError::new(StatusCode::REQUEST_TIMEOUT, "what you sent didn't come in time");
    error.advising("Try again.", "Send it again, all of it at once.").respond(&path)
}

/// A body on its way.
struct Coming {
    pieces: BodyDataStream,
    began: Instant,
    /// Bytes that came.
    came: u64,
    late: Arc<AtomicBool>,
}

/// The same body, which ends with an error when it is late.
fn in_time(body: Body, late: Arc<AtomicBool>) -> Body {
    let coming = Coming { pieces: body.into_data_stream(), began: Instant::now(), came: 0, late };
    Body::from_stream(futures::stream::unfold(Some(coming), |coming| async { coming?.next().await }))
}

impl Coming {
    /// The next piece; after an error there is none.
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Option<Self>)> {
        let end = self.began + AT_FIRST + Duration::from_secs(self.came / SLOWEST);
        match timeout_at(end, self.pieces.next()).await {
            Ok(Some(Ok(piece))) => {
                self.came = self.came.saturating_add(piece.len() as u64);
                Some((Ok(piece), Some(self)))
            }
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(late) => {
                self.late.store(true, Ordering::Relaxed);
                Some((Err(axum::Error::new(late)), None))
            }
        }
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
        let (began, late) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let whole = axum::body::to_bytes(in_time(Body::from_stream(slow), Arc::clone(&late)), usize::MAX).await;
        assert_eq!(whole.is_err(), late.load(Ordering::Relaxed));
        (began.elapsed(), whole.is_err())
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
