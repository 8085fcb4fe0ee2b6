//! Guessing is slowed: after a few wrong passwords for a user from one source each further one waits twice as long. After
//! many for a user from wherever, or from a source for whomever, these wait too. So nobody shuts another one out by typing
//! their name a few times, nor an office behind one address its people.

use crate::error::ServiceError;
use hostler_core::{Timestamp, UserName};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Wrong ones for a user from one source that cost nothing.
const FREE_FOR_BOTH: u32 = 5;
/// Wrong ones for a user from anywhere, and from a source for anybody, that cost nothing.
const FREE_FOR_ONE: u32 = 50;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Names and sources that are remembered; when there are more, all are forgotten that wait no longer.
const REMEMBERED: usize = 100_000;

#[derive(PartialEq, Eq, Hash, Clone, Debug)]
enum Who {
    Both(String, IpAddr),
    User(String),
    Source(IpAddr),
}

impl Who {
    fn free(&self) -> u32 {
        match self {
            Self::Both(..) => FREE_FOR_BOTH,
            Self::User(_) | Self::Source(_) => FREE_FOR_ONE,
        }
    }

    fn all(user: &str, from: IpAddr) -> [Self; 3] {
        let user: String = user.chars().take(200).collect();
        [Self::Both(user.clone(), from), Self::User(user), Self::Source(from)]
    }
}

#[derive(Default)]
pub(super) struct Guesses(Mutex<HashMap<Who, (u32, Timestamp)>>);

impl Guesses {
    /// Admits a further try now, or says when to come again. One that is admitted counts as wrong until it is forgiven:
    /// many at the same time are as slow as many one after the other.
    pub(super) fn admit(&self, user: &str, from: IpAddr, now: Timestamp) -> Result<(), ServiceError> {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Who::all(user, from).iter().filter_map(|who| guesses.get(who)).map(|(_, until)| *until).max();
        if let Some(wait) = until.map(|until| until.since(now)).filter(|wait| !wait.is_zero()) {
            let text = "too many wrong passwords for this user or from this address".to_owned();
            return Err(ServiceError::TooMany { text, retry_after: wait });
        }
        if guesses.len() > REMEMBERED {
            guesses.retain(|_, (_, until)| *until > now);
        }
        for who in Who::all(user, from) {
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

    /// Forgets the tries of somebody who knew the password: theirs, not those of others for them or beside them.
    pub(super) fn forgive(&self, user: &UserName, from: IpAddr) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [both, user, source] = Who::all(user.as_str(), from);
        let (own, _) = guesses.remove(&both).unwrap_or_default();
        for who in [user, source] {
            let Some((wrong, _)) = guesses.get_mut(&who) else { continue };
            *wrong = wrong.saturating_sub(own);
            if *wrong == 0 {
                guesses.remove(&who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    /// How many of so many tries are admitted at one moment.
    fn admitted(guesses: &Guesses, user: &str, from: IpAddr, tries: u32) -> usize {
        (0..tries).filter(|_| guesses.admit(user, from, Timestamp(1)).is_ok()).count()
    }

    #[test]
    fn e02_who_guesses_waits_and_its_victim_logs_in_elsewhere() {
        let guesses = Guesses::default();
        assert_eq!(admitted(&guesses, "ann", HERE, 20), 6, "five are free, the sixth makes the next wait");
        assert_eq!(admitted(&guesses, "ann", THERE, 1), 1);
        assert_eq!(admitted(&guesses, "bob", HERE, 1), 1);
    }

    #[test]
    fn e02_guessing_from_everywhere_and_for_everybody_is_slowed_too() {
        let guesses = Guesses::default();
        let sources = |n: u8| IpAddr::from([198, 51, 100, n]);
        assert_eq!((0..200).filter(|n| admitted(&guesses, "ann", sources(*n), 1) == 1).count(), 51);
        assert_eq!((0..200).filter(|n| admitted(&guesses, &format!("user{n}"), HERE, 1) == 1).count(), 51);
    }

    #[test]
    fn e02_who_knows_one_password_does_not_wipe_out_guesses_at_others() {
        let guesses = Guesses::default();
        assert_eq!(admitted(&guesses, "ann", HERE, 3), 3);
        for victim in 0..200 {
            guesses.admit("mallory", HERE, Timestamp(1)).ok();
            guesses.forgive(&"mallory".parse().unwrap(), HERE);
            guesses.admit(&format!("user{victim}"), HERE, Timestamp(1)).ok();
        }
        assert_eq!(admitted(&guesses, "ann", HERE, 1), 0);
        let fresh = Guesses::default();
        assert_eq!(admitted(&fresh, "ann", HERE, 5), 5);
        fresh.forgive(&"ann".parse().unwrap(), HERE);
        assert!(fresh.0.lock().unwrap().is_empty(), "nothing is kept of who knew it");
    }
}
