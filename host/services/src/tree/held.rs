//! How long the parent may hold a call that has nothing to say: less where a proxy or a firewall on the way ends calls over
//! which nothing goes.
//!
//! Nobody tells a node of such a limit, so it shows by calls that end without an answer. Each of them halves the time; when
//! none did for long, the time grows again by a quarter, up to what it was. A parent that goes away ends a call as well, but
//! then the next call doesn't come through either, and the time is left as it was.

use hostler_transport::CallParentError;
use std::time::Duration;
use tokio::time::Instant;

/// At first, and at most: less than the longest that a parent would.
const LONGEST: Duration = Duration::from_secs(25);

/// Calls that can't be held for so long aren't held at all: the child waits for so long before each.
const SHORTEST: Duration = Duration::from_secs(2);

/// A call that failed sooner wasn't ended for its silence.
const SILENT: Duration = Duration::from_secs(1);

/// It grows when none was cut for so long.
const QUIET: Duration = Duration::from_secs(600);

/// How long calls may be held now.
pub(super) struct Held {
    now: Duration,
    /// When that changed last.
    since: Instant,
    /// What it was before a cut of which isn't known yet whether the parent went away.
    before: Option<Duration>,
}

impl Default for Held {
    fn default() -> Self {
        Self { now: LONGEST, since: Instant::now(), before: None }
    }
}

impl Held {
    /// How long the next call may be held.
    pub(super) fn at_most(&mut self) -> Duration {
        if self.since.elapsed() >= QUIET {
            self.set((self.now * 5 / 4).clamp(SHORTEST, LONGEST));
        }
        self.now
    }

    /// How long to wait before a call that has nothing to say: where none is held, the child does the waiting.
    pub(super) fn pause(&self) -> Duration {
        if self.now.is_zero() { SHORTEST } else { Duration::ZERO }
    }

    /// A call was answered: whatever cut the one before, the parent is there.
    pub(super) fn answered(&mut self) {
        self.before = None;
    }

    /// A call failed; `held` is how long it took where it had nothing to say. Returns how long the next may be held where
    /// this one was cut for its silence, and none where it failed otherwise.
    pub(super) fn failed(&mut self, held: Option<Duration>, why: &CallParentError) -> Option<Duration> {
        let silent = held.is_some_and(|held| held >= SILENT) && !self.now.is_zero();
        if !silent || !ends_silence(why) {
            if let Some(before) = self.before.take() {
                self.set(before);
            }
            return None;
        }
        self.before = Some(self.now);
        let half = self.now / 2;
        self.set(if half < SHORTEST { Duration::ZERO } else { half });
        Some(self.now)
    }

    fn set(&mut self, to: Duration) {
        (self.now, self.since) = (to, Instant::now());
    }
}

/// Whether that is how a call ends that somebody on the way found silent for too long. Proxies say it by themselves, with
/// any of several numbers.
fn ends_silence(why: &CallParentError) -> bool {
    match why {
        CallParentError::Cut { .. } => true,
        CallParentError::Refused { status, .. } => *status == 408 || *status >= 500,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> url::Url {
        "https://192.0.2.1/".parse().unwrap()
    }

    fn cut() -> CallParentError {
        CallParentError::Cut { url: url(), why: "closed".to_owned() }
    }

    fn refused(status: u16) -> CallParentError {
        CallParentError::Refused { url: url(), status, body: String::new() }
    }

    fn gone() -> CallParentError {
        CallParentError::Unreachable { url: url(), why: "refused".to_owned() }
    }

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn d03_calls_that_are_cut_are_held_for_half_as_long_and_longer_again_in_time() {
        let mut held = Held::default();
        assert_eq!(held.at_most(), LONGEST);
        for why in [cut(), refused(504), refused(408)] {
            let then = held.failed(seconds(5), &why);
            assert_eq!(then, Some(held.at_most()));
        }
        assert_eq!(held.at_most(), LONGEST / 8);
        held.answered();
        tokio::time::advance(QUIET - Duration::from_secs(1)).await;
        assert_eq!(held.at_most(), LONGEST / 8);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(held.at_most(), LONGEST / 8 * 5 / 4);
        assert_eq!(held.at_most(), LONGEST / 8 * 5 / 4, "once for each quiet time");
        for _ in 0..12 {
            tokio::time::advance(QUIET).await;
            let _ = held.at_most();
        }
        assert_eq!(held.at_most(), LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn d03_a_parent_that_goes_away_is_no_reason_to_call_more_often() {
        let mut held = Held::default();
        assert!(held.failed(seconds(7), &cut()).is_some());
        assert_eq!(held.failed(seconds(10), &gone()), None, "a connection that isn't made may take long");
        assert_eq!(held.at_most(), LONGEST);
        // A proxy whose parent is away says so at once.
        assert!(held.failed(seconds(7), &refused(502)).is_some());
        assert_eq!(held.failed(Some(Duration::ZERO), &refused(502)), None);
        assert_eq!(held.at_most(), LONGEST);
        // What has something to say is answered at once, and not held.
        assert_eq!(held.failed(None, &cut()), None);
        assert_eq!(held.failed(seconds(9), &refused(401)), None);
        assert_eq!(held.at_most(), LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn d03_where_no_call_can_be_held_the_child_asks_now_and_then() {
        let mut held = Held::default();
        while held.pause().is_zero() {
            assert!(held.failed(seconds(1), &cut()).is_some());
            held.answered();
        }
        assert_eq!((held.at_most(), held.pause()), (Duration::ZERO, SHORTEST));
        assert_eq!(held.failed(seconds(2), &cut()), None, "it wasn't held: a failure like any other");
        tokio::time::advance(QUIET).await;
        assert_eq!((held.at_most(), held.pause()), (SHORTEST, Duration::ZERO), "it is tried once more");
    }
}
