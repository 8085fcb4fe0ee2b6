//! A node's own log, as somebody above sees to it: read in pieces, and told how much to say for a while.
//!
//! How much is said is of the running program: it ends with its time, and with a restart.

use crate::journal::Journal;
use hostler_core::Timestamp;
use hostler_core::upkeep::log::{LONGEST, MOST};
use hostler_core::upkeep::{LevelSet, LevelWish, LogFrom, LogLevel, LogPiece, LogTarget};
use hostler_engine::now;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A clock may be set while this waits, so it looks at it now and then.
const LOOK: Duration = Duration::from_secs(30);

/// Has the program's log say so much of each of these parts, and as usual of the rest.
pub type SayMore = Box<dyn Fn(&[LevelSet]) -> Result<(), String> + Send + Sync>;

/// How much each part says, and until when.
type Levels = BTreeMap<LogTarget, (LogLevel, Timestamp)>;

/// Why a log can't be seen to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// There is none.
    #[error("this node keeps no log of its own; what it says is in the log of the program that it runs in")]
    None,
    /// The disk.
    #[error("the log can't be read: {0}")]
    Unreadable(String),
    /// For too long, or for no time.
    #[error("a level is set for 1 second to {} hours; {given_s} s were given", LONGEST.as_secs() / 3600)]
    Time {
        /// How many seconds.
        given_s: u64,
    },
    /// Too many.
    #[error("{MOST} levels are set already; take one of them back")]
    TooMany,
    /// The program can't.
    #[error("the level can't be set: {0}")]
    Level(String),
}

/// A node's own log.
pub struct NodeLog {
    journal: Option<Arc<Journal>>,
    say_more: Option<SayMore>,
    /// What was set. It is locked until the program has it, so that the last that was set is the last that the program hears.
    set: Mutex<Levels>,
    changed: Notify,
}

impl NodeLog {
    /// Of a node that has no log of its own.
    #[must_use]
    pub fn none() -> Arc<Self> {
        Arc::new(Self { journal: None, say_more: None, set: Mutex::default(), changed: Notify::new() })
    }

    /// In this journal.
    #[must_use]
    pub fn new(journal: Arc<Journal>, say_more: SayMore) -> Arc<Self> {
        let (journal, say_more) = (Some(journal), Some(say_more));
        Arc::new(Self { journal, say_more, set: Mutex::default(), changed: Notify::new() })
    }

    /// A piece of it.
    pub(crate) async fn read(&self, from: LogFrom) -> Result<LogPiece, LogError> {
        let journal = Arc::clone(self.journal.as_ref().ok_or(LogError::None)?);
        let read = tokio::task::spawn_blocking(move || journal.read(from)).await;
        let read = read.map_err(|error| LogError::Unreadable(error.to_string()))?;
        read.map_err(|error| LogError::Unreadable(error.to_string()))
    }

    fn set(&self) -> MutexGuard<'_, Levels> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was set and still holds.
    pub(crate) fn levels(&self) -> Vec<LevelSet> {
        listed(&self.set())
    }

    /// Has a part say so much for a while.
    pub(crate) fn set_level(&self, wish: &LevelWish) -> Result<Vec<LevelSet>, LogError> {
        let LevelWish { target, level, for_s } = wish;
        let mut set = self.set();
        let mut next = set.clone();
        match level {
            None => _ = next.remove(target),
            Some(level) => {
                if !(1..=LONGEST.as_secs()).contains(for_s) {
                    return Err(LogError::Time { given_s: *for_s });
                }
                if next.len() >= MOST && !next.contains_key(target) {
                    return Err(LogError::TooMany);
                }
                next.insert(target.clone(), (*level, now().plus(Duration::from_secs(*for_s))));
            }
        }
        let levels = self.apply(&mut set, next)?;
        self.changed.notify_one();
        Ok(levels)
    }

    /// Has the program say so much. Where it can't, it stays as it was.
    fn apply(&self, set: &mut Levels, next: Levels) -> Result<Vec<LevelSet>, LogError> {
        let say_more = self.say_more.as_ref().ok_or(LogError::None)?;
        let levels = listed(&next);
        say_more(&levels).map_err(LogError::Level)?;
        *set = next;
        Ok(levels)
    }

    /// Takes back what has had its time; when the next one has.
    fn take_back(&self) -> Option<Duration> {
        let (now, mut set) = (now(), self.set());
        let mut next = set.clone();
        // One that was set when the clock showed a later time holds no longer than it was to.
        next.retain(|_, (_, until)| *until > now && until.since(now) <= LONGEST);
        if next.len() != set.len() {
            match self.apply(&mut set, next) {
                Ok(_) => tracing::info!("the log says as much as usual again"),
                // It is tried again at the next look.
                Err(error) => tracing::error!(%error, "the log can't be told to say as much as usual"),
            }
        }
        set.values().map(|(_, until)| until.since(now)).filter(|left| !left.is_zero()).min()
    }

    /// Takes back each level when its time is over, until this is dropped.
    pub async fn tend_forever(self: Arc<Self>) {
        loop {
            let wait = self.take_back().map_or(LOOK, |next| next.min(LOOK));
            let _ = tokio::time::timeout(wait, self.changed.notified()).await;
        }
    }
}

fn listed(set: &Levels) -> Vec<LevelSet> {
    let level = |(target, (level, until)): (&LogTarget, &(LogLevel, Timestamp))| LevelSet {
        target: target.clone(),
        level: *level,
        until: *until,
    };
    set.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d07_a_level_that_cannot_be_set_is_not_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let refusing: SayMore = Box::new(|levels| if levels.len() > 1 { Err("full".to_owned()) } else { Ok(()) });
        let log = NodeLog::new(Journal::open(folder.path()).unwrap(), refusing);
        let wish =
            |target: &str| LevelWish { target: target.parse().unwrap(), level: Some(LogLevel::Debug), for_s: 60 };
        let set = log.set_level(&wish("hostler_core")).unwrap();
        assert_eq!(log.set_level(&wish("hostler_web")), Err(LogError::Level("full".to_owned())));
        assert_eq!(log.levels(), set);
    }

    #[tokio::test]
    async fn d07_a_level_is_set_for_a_while_and_then_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let told: Arc<Mutex<Vec<usize>>> = Arc::default();
        let telling = Arc::clone(&told);
        let say_more: SayMore = Box::new(move |levels| {
            telling.lock().unwrap().push(levels.len());
            Ok(())
        });
        let log = NodeLog::new(Journal::open(folder.path()).unwrap(), say_more);
        let wish = |target: &str, level, for_s| LevelWish { target: target.parse().unwrap(), level, for_s };
        for for_s in [0, 86_401] {
            let why = log.set_level(&wish("hostler", Some(LogLevel::Debug), for_s)).unwrap_err();
            assert_eq!(why, LogError::Time { given_s: for_s });
        }
        assert_eq!(log.set_level(&wish("hostler", Some(LogLevel::Debug), 1)).unwrap().len(), 1);
        let tending = tokio::spawn(Arc::clone(&log).tend_forever());
        while !log.levels().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tending.abort();
        assert_eq!(told.lock().unwrap().last(), Some(&0));
        for number in 0..MOST {
            let _ = log.set_level(&wish(&format!("hostler_{number}"), Some(LogLevel::Warn), 60)).unwrap();
        }
        assert_eq!(log.set_level(&wish("hostler", Some(LogLevel::Warn), 60)), Err(LogError::TooMany));
        assert_eq!(log.set_level(&wish("hostler_0", None, 0)).unwrap().len(), MOST - 1);
        assert_eq!(NodeLog::none().read(LogFrom::Start).await, Err(LogError::None));
    }
}
