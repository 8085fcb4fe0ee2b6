//! Guessing is slowed: after a few wrong passwords for a user each further one waits twice as long. After many from one
//! source, whoever they were for, that source waits too: an office behind one address isn't shut out by one of its people.

use crate::error::ServiceError;
use hostler_core::{Timestamp, UserName};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Wrong ones for a user that cost nothing.
const FREE_FOR_A_USER: u32 = 5;
/// Wrong ones from a source that cost nothing.
const FREE_FROM_A_SOURCE: u32 = 50;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Names and sources that are remembered; when there are more, all are forgotten that wait no longer.
const REMEMBERED: usize = 100_000;

#[derive(PartialEq, Eq, Hash, Clone, Debug)]
enum Who {
    User(String),
    Source(IpAddr),
}

impl Who {
    fn free(&self) -> u32 {
        match self {
            Self::User(_) => FREE_FOR_A_USER,
            Self::Source(_) => FREE_FROM_A_SOURCE,
        }
    }
}

#[derive(Default)]
pub(super) struct Guesses(Mutex<HashMap<Who, (u32, Timestamp)>>);

fn both(user: &str, from: IpAddr) -> [Who; 2] {
    [Who::User(user.chars().take(200).collect()), Who::Source(from)]
}

impl Guesses {
    /// Admits a further try now, or says when to come again. One that is admitted counts as wrong until it is forgiven:
    /// many at the same time are as slow as many one after the other.
    pub(super) fn admit(&self, user: &str, from: IpAddr, now: Timestamp) -> Result<(), ServiceError> {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = both(user, from).iter().filter_map(|who| guesses.get(who)).map(|(_, until)| *until).max();
        if let Some(wait) = until.map(|until| until.since(now)).filter(|wait| !wait.is_zero()) {
            let text = "too many wrong passwords for this user or from this address".to_owned();
            return Err(ServiceError::TooMany { text, retry_after: wait });
        }
        if guesses.len() > REMEMBERED {
            guesses.retain(|_, (_, until)| *until > now);
        }
        for who in both(user, from) {
            let free = who.free();
            let (wrong, until) = guesses.entry(who).or_insert((0, now));
            *wrong = wrong.saturating_add(1);
            let doublings = wrong.saturating_sub(free).min(20);
            if doublings > 0 {
                *until = now.plus(Duration::from_secs(1 << doublings).min(LONGEST));
            }
        }
        Ok(())
    }

    /// Forgets the tries of somebody who knew the password.
    pub(super) fn forgive(&self, user: &UserName, from: IpAddr) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for who in both(user.as_str(), from) {
            guesses.remove(&who);
        }
    }
}
