//! Guessing is slowed: after a few wrong passwords for a user from one source each further one waits twice as long. After
//! many for a user from wherever, or from a source for whomever, these wait too. So nobody shuts another one out by typing
//! their name a few times, nor an office behind one address its people.
//!
//! Who tries typed PINs is slowed by source, and where a user was entered at the device by that user too: only that user's
//! PIN would do there. A PIN that is tried without a user may be anybody's. Below a gateway the gateway states the source, and
//! all that one gateway hands on are bounded together. What all sources may try together is bounded too, so
//! widely that nobody meets it who doesn't guess from thousands of networks, and tightly enough for the length of PINs.

use super::allowance::Allowance;
use crate::enrollment::Came;
use crate::error::ServiceError;
use hostler_core::{NodeId, Timestamp, UserName, source};
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
/// Wrong typed PINs at once from everywhere that cost nothing; afterwards as many a day.
const FREE_PINS: u32 = 50_000;
/// Names and sources that are remembered; when there are more, all are forgotten that wait no longer.
const REMEMBERED: usize = 100_000;

#[derive(PartialEq, Eq, Hash, Clone, Debug)]
enum Who {
    Both(String, IpAddr),
    User(String),
    Source(IpAddr),
    /// Who tries typed PINs from a source.
    Pins(IpAddr),
    /// Who tries typed PINs of a user.
    PinsOf(UserName),
    /// Who tries typed PINs below a gateway, from a source that it states.
    PinsBelow(NodeId, IpAddr),
    /// All who try typed PINs below a gateway: it could state any source.
    PinsThrough(NodeId),
}

impl Who {
    fn free(&self) -> u32 {
        match self {
            Self::Both(..) | Self::Pins(_) | Self::PinsBelow(..) => FREE_FOR_BOTH,
            Self::User(_) | Self::Source(_) | Self::PinsOf(_) | Self::PinsThrough(_) => FREE_FOR_ONE,
        }
    }

    fn all(user: &str, from: IpAddr) -> Vec<Self> {
        let (user, from): (String, _) = (user.chars().take(200).collect(), source(from));
        vec![Self::Both(user.clone(), from), Self::User(user), Self::Source(from)]
    }
}

/// The wrong tries that are remembered of somebody.
#[derive(Clone, Copy)]
struct Wrong {
    count: u32,
    /// When the last one was.
    at: Timestamp,
    /// When the next one is admitted.
    until: Timestamp,
}

impl Wrong {
    /// Half of them are forgotten for each longest wait without any.
    fn faded(self, now: Timestamp) -> Self {
        let halvings = now.since(self.at).as_secs() / LONGEST.as_secs();
        Self { count: self.count.checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0), ..self }
    }
}

#[derive(Default)]
pub(crate) struct Guesses(Mutex<HashMap<Who, Wrong>>);

/// How guessing typed PINs is slowed.
pub(crate) struct PinGuesses {
    by_whom: Guesses,
    together: Allowance,
}

impl Default for PinGuesses {
    fn default() -> Self {
        Self { by_whom: Guesses::default(), together: Allowance::of(FREE_PINS) }
    }
}

impl PinGuesses {
    /// Admits a further try now, or says when to come again. It counts as wrong until it is taken back.
    pub(crate) fn admit(
        &self,
        user: Option<&UserName>,
        came: impl Into<Came>,
        now: Timestamp,
    ) -> Result<Admitted, ServiceError> {
        let whose = user.cloned().map(Who::PinsOf);
        let from = match came.into() {
            Came::Directly(from) => vec![Who::Pins(source(from))],
            // The neighbour is who it is; what it says of others is bounded by itself.
            Came::Through { gateways, from } => match (gateways.first(), gateways.last()) {
                (Some(first), Some(last)) => {
                    vec![Who::PinsBelow(last.clone(), source(from)), Who::PinsThrough(first.clone())]
                }
                _ => vec![Who::Pins(source(from))],
            },
        };
        // Who waits already takes nothing of what all may try.
        let admitted = self.by_whom.admit_all(from.into_iter().chain(whose).collect(), now)?;
        if let Err(error) = self.together.take(now) {
            self.by_whom.take_back(admitted);
            return Err(error);
        }
        Ok(admitted)
    }

    /// Takes back this one try, for which nobody shall wait.
    pub(crate) fn take_back(&self, admitted: Admitted) {
        self.by_whom.take_back(admitted);
        self.together.give_back();
    }
}

/// A try that was admitted. It counts as wrong until it is forgiven.
#[must_use]
pub(crate) struct Admitted {
    /// Whom it counts for, the narrowest first.
    all: Vec<Who>,
    /// What stood before it, and until when it makes the next one wait, for each of them.
    effects: Vec<(Timestamp, Timestamp)>,
}

impl Guesses {
    /// Admits a further try now, or says when to come again. One that is admitted counts as wrong until it is forgiven:
    /// many at the same time are as slow as many one after the other.
    pub(crate) fn admit(&self, user: &str, from: IpAddr, now: Timestamp) -> Result<Admitted, ServiceError> {
        self.admit_all(Who::all(user, from), now)
    }

    fn admit_all(&self, all: Vec<Who>, now: Timestamp) -> Result<Admitted, ServiceError> {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = all.iter().filter_map(|who| guesses.get(who)).map(|wrong| wrong.until).max();
        if let Some(wait) = until.map(|until| until.since(now)).filter(|wait| !wait.is_zero()) {
            let text = "too many wrong passwords for this user or from this address".to_owned();
            return Err(ServiceError::TooMany { text, retry_after: wait });
        }
        if guesses.len() > REMEMBERED {
            guesses.retain(|_, wrong| wrong.until > now);
        }
        let effects = all.iter().map(|who| {
            let before = guesses.get(who).copied().unwrap_or(Wrong { count: 0, at: now, until: now }).faded(now);
            let count = before.count.saturating_add(1);
            let doublings = count.saturating_sub(who.free()).min(20);
            let wait = if doublings > 0 { Duration::from_secs(1 << doublings).min(LONGEST) } else { Duration::ZERO };
            let until = before.until.max(now.plus(wait));
            guesses.insert(who.clone(), Wrong { count, at: now, until });
            (before.until, until)
        });
        Ok(Admitted { effects: effects.collect(), all })
    }

    /// Takes back this one try, for which nobody shall wait. What was tried before it stays.
    pub(crate) fn take_back(&self, admitted: Admitted) {
        self.undo(admitted, |_| 1);
    }

    /// Takes back a try of somebody who knew the password, and their wrong ones before it from this source. Those of others
    /// stay, for them or beside them.
    pub(crate) fn forgive(&self, admitted: Admitted) {
        self.undo(admitted, |both| both);
    }

    /// Undoes so many of the tries that were for this user from this source.
    fn undo(&self, admitted: Admitted, how_many: impl Fn(u32) -> u32) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let narrowest = admitted.all.first().and_then(|who| guesses.get(who));
        let own = how_many(narrowest.map_or(0, |wrong| wrong.count));
        for (who, (before, until)) in admitted.all.iter().zip(admitted.effects) {
            let Some(wrong) = guesses.get_mut(who) else { continue };
            wrong.count = wrong.count.saturating_sub(own);
            // Nobody waits for what was right.
            if wrong.until == until {
                wrong.until = before;
            }
            if wrong.count == 0 {
                guesses.remove(who);
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
    fn d01_who_guesses_below_a_gateway_waits_and_so_does_a_gateway_that_states_many_sources() {
        let guesses = PinGuesses::default();
        let below = |gateway: &str, n: u8| Came::Through {
            gateways: vec![gateway.parse().unwrap()],
            from: std::net::Ipv4Addr::new(192, 168, 0, n).into(),
        };
        let tried = |came: &dyn Fn(u8) -> Came, count: u8| {
            (0..count).filter(|n| guesses.admit(None, came(*n), Timestamp(1)).is_ok()).count()
        };
        assert_eq!(tried(&|_| below("gateway-1", 1), 20), 6);
        assert_eq!(tried(&|_| below("gateway-1", 2), 1), 1, "its neighbour doesn't wait");
        assert_eq!(tried(&|_| below("gateway-2", 1), 1), 1, "nor the same address in another network");
        assert_eq!(tried(&|_| Came::Directly(std::net::Ipv4Addr::new(192, 168, 0, 1).into()), 1), 1);
        assert_eq!(tried(&|n| below("gateway-1", 10 + n), 200), 44, "51 of one gateway");
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
            if let Ok(right) = guesses.admit("mallory", HERE, Timestamp(1)) {
                guesses.forgive(right);
            }
            let _ = guesses.admit(&format!("user{victim}"), HERE, Timestamp(1));
        }
        assert_eq!(admitted(&guesses, "ann", HERE, 1), 0);
        let fresh = Guesses::default();
        assert_eq!(admitted(&fresh, "ann", HERE, 4), 4);
        fresh.forgive(fresh.admit("ann", HERE, Timestamp(1)).unwrap());
        assert!(fresh.0.lock().unwrap().is_empty(), "nothing is kept of who knew it");
    }

    #[test]
    fn e02_right_passwords_make_nobody_wait_and_wrong_ones_fade() {
        let guesses = Guesses::default();
        for n in 0..50 {
            assert_eq!(admitted(&guesses, &format!("misspelt{n}"), HERE, 1), 1);
        }
        for _ in 0..10 {
            guesses.forgive(guesses.admit("ann", HERE, Timestamp(1)).unwrap());
        }
        assert_eq!(admitted(&guesses, "bob", HERE, 2), 1, "the first wrong one makes the next wait");
        let later = Timestamp(1).plus(8 * LONGEST);
        let tries = (0..50).filter(|n| guesses.admit(&format!("misspelt{n}"), HERE, later).is_ok());
        assert_eq!(tries.count(), 50, "after two hours it is as if nothing had been");
    }

    #[test]
    fn e02_all_addresses_of_one_ipv6_network_are_one_source() {
        let guesses = Guesses::default();
        let from = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]);
        assert_eq!((0..20).filter(|n| admitted(&guesses, "ann", from(*n), 1) == 1).count(), 6);
        assert_eq!(admitted(&guesses, "ann", IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]), 1), 1);
    }

    #[test]
    fn e04_a_day_of_guessing_from_everywhere_is_no_more_than_the_length_of_pins_reckons_with() {
        // Whoever guesses at once whenever they may, and whoever lets wrong ones fade before they go on.
        for pause in [1, 60, 900, 1_800, 3_600] {
            let guesses = PinGuesses::default();
            let (mut tried, mut second) = (0_u32, 0);
            while second < 86_400 {
                let from = IpAddr::V4(tried.wrapping_mul(2_654_435_761).into());
                match guesses.admit(None, from, Timestamp(1).plus(Duration::from_secs(second))) {
                    Ok(_) => tried += 1,
                    Err(_) => second += pause,
                }
            }
            assert!(
                u64::from(tried) <= hostler_core::enrollment::pin::GUESSES_A_DAY,
                "{tried} with pauses of {pause} s"
            );
            assert!(tried > FREE_PINS, "{tried}: it is the bound for all that is met");
        }
    }

    #[test]
    fn e04_who_guesses_pins_makes_nobody_else_wait() {
        let guesses = PinGuesses::default();
        let tries =
            |from: IpAddr, count: u32| (0..count).filter(|_| guesses.admit(None, from, Timestamp(1)).is_ok()).count();
        for n in 0..250 {
            assert_eq!(tries(IpAddr::from([198, 51, 100, n]), 50), 6, "each source is slowed by itself");
        }
        assert_eq!(tries(THERE, 1), 1, "1,500 wrong ones from 250 sources, and others still try");
        for _ in 0..200 {
            guesses.take_back(guesses.admit(None, HERE, Timestamp(1)).unwrap());
        }
        // What is refused counts for nobody.
        let all = PinGuesses { together: Allowance::of(2), ..PinGuesses::default() };
        let from = |n: u8| all.admit(None, IpAddr::from([198, 51, 100, n]), Timestamp(1));
        assert_eq!([1, 2, 3, 4].map(|n| from(n).is_ok()), [true, true, false, false]);
        assert_eq!(all.by_whom.0.lock().unwrap().len(), 2);
    }

    #[test]
    fn e07_who_guesses_a_users_pins_from_everywhere_is_slowed_and_other_users_devices_are_not() {
        let guesses = PinGuesses::default();
        let (ann, bob): (UserName, UserName) = ("ann@example".parse().unwrap(), "bob@example".parse().unwrap());
        let from = |n: u8| IpAddr::from([198, 51, 100, n]);
        let tried = |user: Option<&UserName>, n| guesses.admit(user, from(n), Timestamp(1)).is_ok();
        assert_eq!((0..200).filter(|n| tried(Some(&ann), *n)).count(), 51);
        assert!(tried(Some(&bob), 201) && tried(None, 202));
    }
}
