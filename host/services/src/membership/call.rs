//! Calling the manager for as long as there is a token.

use super::member::Member;
use crate::tree::ChildLoop;
use std::time::Duration;

/// Papers that don't fit are looked at again after so long: somebody may put the key back.
const AGAIN: Duration = Duration::from_secs(30);

impl Member {
    /// Calls the manager whenever this node is connected, for ever.
    pub async fn call_forever(&self, calling: ChildLoop) {
        let mut seen = self.follow();
        loop {
            let Some(papers) = seen.borrow_and_update().papers.clone() else {
                if seen.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let client = match self.client(&papers) {
                Ok(client) => client,
                Err(error) => {
                    tracing::error!(%error, "what this node got for its manager can't be used");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            let others =
                async { while seen.changed().await.is_ok() && seen.borrow().papers.as_ref() == Some(&papers) {} };
            tokio::select! {
                why = calling.run(&client, &self.renew_now) => self.rejected(papers.attempt, &why).await,
                () = others => {}
            }
        }
    }
}
