//! Follows the parent's catalogue: what differs is fetched, what fails in passing is tried again with patience.

use crate::catalogue::Catalogue;
use crate::error::ServiceError;
use hostler_transport::{CallParentError, ParentClient};
use std::time::Duration;
use tokio::time::Instant;

/// What failed in passing is tried again after so long, and after twice as long each time, up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

/// How far the parent's catalogue was followed.
#[derive(Default)]
pub(super) struct Following {
    /// The catalogue of the parent that was looked at last. What of it can't run here is said once, not asked for again
    /// and again.
    looked_at: String,
    /// What failed in passing is tried again then; and how long was waited for that.
    again: Option<(Instant, Duration)>,
}

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Parent(#[from] CallParentError),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Following {
    /// The catalogue that the parent needn't announce.
    pub(super) fn looked_at(&self) -> &str {
        &self.looked_at
    }

    /// For how long there is nothing to do here, unless the parent's catalogue changes.
    pub(super) fn quiet_for(&self) -> Duration {
        self.again.map_or(Duration::MAX, |(at, _)| at.saturating_duration_since(Instant::now()))
    }

    /// Follows the parent to this catalogue, where that wasn't done or failed in passing. Never fails: orders don't wait
    /// for plug-ins.
    pub(super) async fn follow(&mut self, client: &ParentClient, catalogue: &Catalogue, now: String) {
        if now == self.looked_at && self.quiet_for() > Duration::ZERO {
            return;
        }
        self.again = match fetch(client, catalogue).await {
            Ok(()) => None,
            Err(error) => {
                let waited = self.again.filter(|_| now == self.looked_at).map(|(_, waited)| waited);
                let wait = waited.map_or(FIRST, |waited| (waited * 2).min(LONGEST));
                tracing::warn!(%error, again_in_s = wait.as_secs(), "the parent's plug-ins could not be followed");
                Some((Instant::now() + wait, wait))
            }
        };
        self.looked_at = now;
    }
}

/// Makes this node's catalogue the parent's. What can't run here is said and left out; what failed in passing is the
/// error, after everything else was tried.
async fn fetch(client: &ParentClient, catalogue: &Catalogue) -> Result<(), FollowError> {
    let entries = client.catalogue().await?;
    let mut passing = Ok(());
    for entry in entries.iter().filter(|entry| !catalogue.has(entry)) {
        let followed = match client.component(&entry.digest).await {
            Ok(bytes) => catalogue.follow(entry, &bytes).await.map_err(FollowError::from),
            Err(error) => Err(error.into()),
        };
        match followed {
            Ok(()) => tracing::info!(plugin = %entry.name, "a plug-in came from the parent"),
            Err(FollowError::Service(error @ ServiceError::Invalid(_))) => {
                tracing::error!(plugin = %entry.name, %error, "a plug-in of the parent can't run here");
            }
            Err(error) => passing = Err(error),
        }
    }
    catalogue.keep_only(&entries).await?;
    passing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::{client, no_plugins, serve};
    use hostler_core::NodeId;
    use hostler_core::message::{CatalogueEntry, ExchangeDown, ExchangeUp};
    use hostler_core::plugin::Grant;
    use hostler_transport::{Parent, Refused};
    use sha2::Digest;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// No plug-in at all, but bytes that a parent may hand out as one.
    const BYTES: &[u8] = b"not a component";

    /// A parent with one plug-in, which it can't hand out the first time.
    #[derive(Default)]
    struct Shop {
        asked: AtomicU32,
    }

    impl Parent for Shop {
        fn child(&self, _: &str) -> Option<NodeId> {
            "gateway-1".parse().ok()
        }

        fn exchange(
            self: Arc<Self>,
            _: NodeId,
            _: ExchangeUp,
        ) -> Pin<Box<dyn Future<Output = Result<ExchangeDown, Refused>> + Send>> {
            Box::pin(async { Ok(ExchangeDown::default()) })
        }

        fn catalogue(&self) -> Vec<CatalogueEntry> {
            let digest = hex::encode(sha2::Sha256::digest(BYTES));
            vec![CatalogueEntry { name: "mfp".parse().unwrap(), digest, grant: Grant::default() }]
        }

        fn component(&self, _: &str) -> Option<Vec<u8>> {
            (self.asked.fetch_add(1, Ordering::Relaxed) > 0).then(|| BYTES.to_vec())
        }
    }

    #[tokio::test]
    async fn p05_what_failed_in_passing_is_fetched_again_and_what_cannot_run_is_not() {
        let shop = Arc::new(Shop::default());
        let address = serve(Arc::clone(&shop)).await;
        let (client, catalogue) = (client(address, "token"), no_plugins().await);
        let mut following = Following::default();
        let asked = || shop.asked.load(Ordering::Relaxed);
        following.follow(&client, &catalogue, "1".to_owned()).await;
        assert_eq!((asked(), following.looked_at()), (1, "1"));
        assert!(following.quiet_for() <= FIRST, "it is tried again");
        following.follow(&client, &catalogue, "1".to_owned()).await;
        assert_eq!(asked(), 1, "with patience");
        following.again = Some((Instant::now(), FIRST));
        following.follow(&client, &catalogue, "1".to_owned()).await;
        assert_eq!((asked(), following.quiet_for()), (2, Duration::MAX), "it came, and can't run here");
        following.follow(&client, &catalogue, "1".to_owned()).await;
        assert_eq!(asked(), 2);
        following.follow(&client, &catalogue, "2".to_owned()).await;
        assert_eq!(asked(), 3, "another catalogue is looked at");
    }
}
