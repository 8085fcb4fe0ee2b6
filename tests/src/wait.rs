//! Waiting for what shall happen, and saying what didn't.

use std::fmt::Display;
use std::time::Duration;
use tokio::time::Instant;

/// How long something may take that should happen soon. Long, because the machine may be slow; nobody waits in vain.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often is looked.
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until there is something. `what` completes "waited in vain until …".
///
/// # Panics
/// When it isn't there after two minutes.
pub async fn until<T>(what: impl Display, look: impl AsyncFn() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "waited {} s in vain until {what}", PATIENCE.as_secs());
        tokio::time::sleep(PAUSE).await;
    }
}
