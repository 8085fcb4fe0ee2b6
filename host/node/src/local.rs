//! The local administrator's token: in a file of the data folder, for the command line on the same machine.
//!
//! It lives a day and is made anew in time, so that an old copy of the data folder holds nothing usable for long.

use crate::node::{StartError, private_file};
use hostler_core::{Secret, Timestamp};
use hostler_engine::now;
use hostler_services::Access;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the clock is looked at. Often, because a machine that slept is behind.
const LOOK: Duration = Duration::from_secs(60);

/// A token that ends within this is replaced: half of its life.
const EARLY: Duration = Duration::from_secs(12 * 3600);

pub(crate) struct LocalToken {
    access: Arc<Access>,
    path: PathBuf,
    token: Secret,
    ends: Timestamp,
}

impl LocalToken {
    /// Makes one, writes it, and ends those of former runs.
    pub(crate) async fn make(access: Arc<Access>, path: PathBuf) -> Result<Self, StartError> {
        let (token, ends) = access.local_token(None).await?;
        private_file(&path, token.expose())?;
        Ok(Self { access, path, token, ends })
    }

    /// Replaces it in time, for ever.
    pub(crate) async fn renew_forever(mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = self.renew_at(now()).await {
                tracing::error!(%error, "the command line's token can't be renewed; it is tried again");
            }
        }
    }

    /// Replaces it if that is due at this time. The one in the file holds until the other stands there.
    async fn renew_at(&mut self, now: Timestamp) -> Result<(), StartError> {
        if self.ends > now.plus(EARLY) {
            return Ok(());
        }
        let (token, ends) = self.access.local_token(Some(&self.token)).await?;
        private_file(&self.path, token.expose())?;
        (self.token, self.ends) = (token, ends);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_store::{RedbStore, Store};
    use std::path::Path;

    /// A node with an administrator and a token in this file.
    async fn node(path: &Path) -> (Arc<dyn Store>, Arc<Access>, LocalToken) {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let access = Access::new(Arc::clone(&store), []);
        access.first_user("admin".parse().unwrap()).await.unwrap();
        let local = LocalToken::make(Arc::clone(&access), path.to_owned()).await.unwrap();
        (store, access, local)
    }

    #[tokio::test]
    async fn it_is_replaced_in_time_and_the_former_ends_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("local.token");
        let (store, access, mut local) = node(&path).await;
        let written = || std::fs::read_to_string(&path).unwrap();
        let first = written();
        assert!(access.person(&first).is_ok());

        local.renew_at(now()).await.unwrap();
        assert_eq!(written(), first, "not due");
        local.renew_at(now().plus(EARLY + LOOK)).await.unwrap();
        let second = written();
        assert_ne!(second, first);
        assert!(access.person(&second).is_ok() && access.person(&first).is_ok(), "a command has just read it");
        let day = Duration::from_secs(86_400);
        assert!(store.tokens().unwrap().iter().all(|(_, token)| token.expires_at <= now().plus(day)));
    }

    #[tokio::test]
    async fn where_the_file_can_t_be_written_the_token_in_it_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("local.token");
        let (store, access, mut local) = node(&path).await;
        let first = std::fs::read_to_string(&path).unwrap();
        local.path = folder.path().join("gone").join("local.token");
        for _ in 0..3 {
            assert!(local.renew_at(now().plus(EARLY + LOOK)).await.is_err());
        }
        assert!(access.person(&first).is_ok());
        assert_eq!(store.tokens().unwrap().len(), 2, "they don't pile up");
    }
}
