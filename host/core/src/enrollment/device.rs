//! The device's side: from a PIN to a token, or to a reason.
//!
//! The state is stored whenever it changes, before its effects are performed; the PIN or key itself isn't part of it, it
//! stays in memory with whoever performs the effects. So after a restart there is no PIN, and the key pair and the count of
//! attempts go on.

use super::refusal::{Again, Refusal};
use crate::id::UserName;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// How long a device keeps trying with one PIN when no answer comes.
pub const PATIENCE: Duration = Duration::from_secs(4 * 3600);
/// How long it waits after the first attempt without an answer; each further one waits twice as long.
pub const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest that a window is open. One that seems to be open longer was opened before the clock was set back.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(3_600);
/// The longest of these waits.
pub const LONGEST_WAIT: Duration = Duration::from_secs(256);

/// How far a device is with joining.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Joining {
    /// Whether it is connected.
    pub state: State,
    /// The last attempt with this key pair; 0 before the first.
    pub attempt: u64,
    /// Until when it takes a PIN; `None` where no window is open.
    pub window: Option<Timestamp>,
}

/// Whether a device is connected: what its page and its panel show.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It has no owner and no token.
    NotConnected {
        /// Why not, where it tried or was.
        why: Option<Reason>,
    },
    /// It has a PIN and no token.
    Connecting {
        /// Since when.
        since: Timestamp,
        /// When it gives up.
        until: Timestamp,
        /// How many attempts with this PIN ended without a useful answer.
        failed: u32,
        /// When it asks next; `None` while it asks.
        next: Option<Timestamp>,
    },
    /// It has a token.
    Connected {
        /// What the manager calls itself.
        manager: String,
        /// Whose device it is.
        owner: UserName,
    },
}

/// Why a device isn't connected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The manager refused.
    #[error("{0}")]
    Refused(Refusal),
    /// No answer came for as long as it tried.
    #[error(
        "The manager didn't answer. Check this device's network and the manager's address, then give the PIN again."
    )]
    NoAnswer,
    /// Somebody at the device called it off.
    #[error(
        "It was called off at this device. If the manager had let it in by then, it shows it as connected: \
         give the same PIN again, or have its owner release it there."
    )]
    CalledOff,
    /// It was restarted on the way; the PIN was in memory only.
    #[error("This device was restarted before the manager answered. Give the PIN again.")]
    Restarted,
    /// The manager doesn't take its token any more.
    #[error("The manager ended this device's connection. Ask its owner for a new PIN.")]
    TokenRejected,
}

/// What happened to a device.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// Somebody opened the window: at the start, or with a key at the device.
    WindowOpened {
        /// Until when.
        until: Timestamp,
    },
    /// Somebody at the device wants it to take none, and to try none any more.
    WindowClosed,
    /// A PIN or key came.
    PinGiven(By),
    /// The manager let it in.
    Answered {
        /// Which attempt.
        attempt: u64,
        /// What the manager calls itself.
        manager: String,
        /// Whose device it is.
        owner: UserName,
    },
    /// The manager refused.
    Refused {
        /// Which attempt.
        attempt: u64,
        /// Why.
        why: Refusal,
    },
    /// An attempt ended without an answer, or with one that says to come later.
    TimedOut {
        /// Which attempt.
        attempt: u64,
    },
    /// The time to wait is over.
    Due,
    /// The manager doesn't take the token that an attempt got.
    TokenRejected {
        /// Which attempt's: a rejection that comes late says nothing about a newer one.
        attempt: u64,
    },
    /// The device begins again.
    Restarted,
}

/// Who gave a device a PIN or key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum By {
    /// Somebody in its network: it needs a window that somebody at the device opened, and waits for what is being tried.
    Network,
    /// Somebody at the device: it needs no window, and takes the place of what is being tried.
    Hand,
}

/// What is done for a device, after its state was stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Effect {
    /// Ask the manager, as this attempt. It always ends with [`Event::Answered`], [`Event::Refused`] or [`Event::TimedOut`].
    Ask {
        /// Which attempt.
        attempt: u64,
    },
    /// Keep the token and certificate of this answer; in the same commit as the state.
    KeepToken,
    /// Wipe the token and certificate; in the same commit as the state.
    DropToken,
    /// Keep the PIN or key that came, in memory.
    KeepPin,
    /// Wipe the PIN or key from memory.
    ForgetPin,
    /// Give [`Event::Due`] at this time.
    WakeAt(Timestamp),
    /// Tell who brought a PIN that it wasn't taken.
    Decline(Decline),
}

/// Why a device doesn't take a PIN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum Decline {
    /// Nobody at the device asked for one.
    #[error(
        "This device takes a PIN only for a while after its start, or after the key for that is pressed at it. \
         Press it, then try again."
    )]
    NoWindow,
    /// It has an owner.
    #[error("This device is connected already. Its owner can release it at the manager.")]
    Connected,
    /// It tries one already.
    #[error(
        "This device is trying a PIN already. Wait until it says how that ended, or end that at the device: hostler join close."
    )]
    Connecting,
}

impl Default for State {
    fn default() -> Self {
        Self::NotConnected { why: None }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected { .. } => f.write_str("not connected"),
            Self::Connecting { .. } => f.write_str("connecting"),
            Self::Connected { manager, .. } => write!(f, "connected to {manager}"),
        }
    }
}

impl Joining {
    /// What an event does. One that the state isn't waiting for changes nothing.
    #[must_use]
    pub fn step(self, event: Event, now: Timestamp) -> (Self, Vec<Effect>) {
        let latest = self.attempt;
        match (self.state.clone(), event) {
            (_, Event::WindowOpened { until }) => (Self { window: Some(until), ..self }, Vec::new()),
            (State::Connecting { .. }, Event::WindowClosed) => Self { window: None, ..self }.give_up(Reason::CalledOff),
            (_, Event::WindowClosed) => (Self { window: None, ..self }, Vec::new()),
            (state, Event::PinGiven(by)) => match self.declines(&state, by, now) {
                Some(why) => (self, vec![Effect::Decline(why)]),
                None => {
                    let (next, asks) = self.ask(now, now.plus(PATIENCE), 0);
                    (next, [vec![Effect::KeepPin], asks].concat())
                }
            },
            (State::Connecting { .. }, Event::Answered { attempt, manager, owner }) if attempt == latest => {
                let state = State::Connected { manager, owner };
                (Self { state, window: None, ..self }, vec![Effect::KeepToken, Effect::ForgetPin])
            }
            (State::Connecting { since, until, failed, .. }, Event::Refused { attempt, why }) if attempt == latest => {
                match why.again() {
                    Again::Now => self.wait((since, until), failed, now),
                    Again::Never | Again::AfterChange => self.give_up(Reason::Refused(why)),
                }
            }
            (State::Connecting { since, until, failed, next: None }, Event::TimedOut { attempt })
                if attempt == latest =>
            {
                self.wait((since, until), failed, now)
            }
            (State::Connecting { since, until, failed, next: Some(next) }, Event::Due) => {
                // A clock that was set back doesn't make it wait longer.
                let due = next <= now || now.plus(LONGEST_WAIT) < next;
                // Nor does one that was set ahead, by more than it can be late, take its time away.
                let set_ahead = now.since(until) > PATIENCE;
                let (since, until) = if set_ahead { (now, now.plus(until.since(since))) } else { (since, until) };
                match due {
                    true if until <= now => self.give_up(Reason::NoAnswer),
                    true => self.ask(since, until, failed),
                    false => (self, vec![Effect::WakeAt(next)]),
                }
            }
            (State::Connected { .. }, Event::TokenRejected { attempt }) if attempt == latest => {
                let state = State::NotConnected { why: Some(Reason::TokenRejected) };
                (Self { state, ..self }, vec![Effect::DropToken])
            }
            (State::Connecting { .. }, Event::Restarted) => {
                let state = State::NotConnected { why: Some(Reason::Restarted) };
                (Self { state, window: None, ..self }, Vec::new())
            }
            (_, Event::Restarted) => (Self { window: None, ..self }, Vec::new()),
            _ => (self, Vec::new()),
        }
    }

    /// Why a PIN isn't taken now, if it isn't.
    fn declines(&self, state: &State, by: By, now: Timestamp) -> Option<Decline> {
        match (state, by) {
            (State::Connected { .. }, _) => Some(Decline::Connected),
            (State::Connecting { .. } | State::NotConnected { .. }, By::Hand) => None,
            (State::Connecting { .. }, By::Network) => Some(Decline::Connecting),
            (State::NotConnected { .. }, By::Network) => self.open_for(now).is_zero().then_some(Decline::NoWindow),
        }
    }

    /// For how long it takes a PIN yet.
    #[must_use]
    pub fn open_for(&self, now: Timestamp) -> Duration {
        let not_connected = matches!(self.state, State::NotConnected { .. });
        let left = self.window.filter(|_| not_connected).map_or(Duration::ZERO, |until| until.since(now));
        if left <= LONGEST_WINDOW { left } else { Duration::ZERO }
    }

    fn ask(self, since: Timestamp, until: Timestamp, failed: u32) -> (Self, Vec<Effect>) {
        let attempt = self.attempt.saturating_add(1);
        let state = State::Connecting { since, until, failed, next: None };
        (Self { state, attempt, ..self }, vec![Effect::Ask { attempt }])
    }

    fn wait(self, (since, until): (Timestamp, Timestamp), failed: u32, now: Timestamp) -> (Self, Vec<Effect>) {
        let next = now.plus((FIRST_WAIT * 2_u32.saturating_pow(failed.min(16))).min(LONGEST_WAIT));
        let state = State::Connecting { since, until, failed: failed.saturating_add(1), next: Some(next) };
        (Self { state, ..self }, vec![Effect::WakeAt(next)])
    }

    fn give_up(self, why: Reason) -> (Self, Vec<Effect>) {
        (Self { state: State::NotConnected { why: Some(why) }, ..self }, vec![Effect::ForgetPin])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);
    const PIN: Event = Event::PinGiven(By::Network);
    const BY_HAND: Event = Event::PinGiven(By::Hand);

    fn open() -> Joining {
        Joining { window: Some(Timestamp(2_000)), ..Joining::default() }
    }

    fn asking() -> Joining {
        open().step(PIN, NOW).0
    }

    fn answer(attempt: u64) -> Event {
        Event::Answered { attempt, manager: "hq".into(), owner: "u@example".parse().unwrap() }
    }

    #[test]
    fn e06_a_pin_is_taken_in_a_window_and_without_an_owner_only() {
        let declined = |joining: Joining, now| joining.step(PIN, now).1;
        assert_eq!(declined(Joining::default(), NOW), [Effect::Decline(Decline::NoWindow)]);
        assert_eq!(declined(open(), Timestamp(2_000)), [Effect::Decline(Decline::NoWindow)]);
        let closed = open().step(Event::WindowClosed, NOW).0;
        assert_eq!(declined(closed, NOW), [Effect::Decline(Decline::NoWindow)]);
        assert_eq!(declined(asking(), NOW), [Effect::Decline(Decline::Connecting)]);
        let connected = asking().step(answer(1), NOW).0.step(Event::WindowOpened { until: Timestamp(9_000) }, NOW).0;
        assert_eq!(declined(connected, NOW), [Effect::Decline(Decline::Connected)]);
        assert_eq!(open().step(PIN, NOW).1, [Effect::KeepPin, Effect::Ask { attempt: 1 }]);
    }

    #[test]
    fn e06_whoever_stands_at_the_device_needs_no_window_and_waits_for_nobody() {
        assert_eq!(Joining::default().step(BY_HAND, NOW).1, [Effect::KeepPin, Effect::Ask { attempt: 1 }]);
        let (replaced, effects) = asking().step(BY_HAND, NOW);
        assert_eq!(effects, [Effect::KeepPin, Effect::Ask { attempt: 2 }]);
        assert_eq!(replaced.clone().step(answer(1), NOW).0, replaced, "the former PIN connects it no more");
        let connected = replaced.step(answer(2), NOW).0;
        assert_eq!(connected.step(BY_HAND, NOW).1, [Effect::Decline(Decline::Connected)]);
        let (closed, effects) = asking().step(Event::WindowClosed, NOW);
        assert_eq!((closed.window, effects), (None, vec![Effect::ForgetPin]));
        assert_eq!(closed.state, State::NotConnected { why: Some(Reason::CalledOff) });
        assert_eq!(closed.clone().step(answer(1), NOW).0, closed, "what it was granted is nobody's");
    }

    #[test]
    fn e08_the_token_is_kept_and_the_pin_forgotten() {
        let (connected, effects) = asking().step(answer(1), NOW);
        assert_eq!(effects, [Effect::KeepToken, Effect::ForgetPin]);
        assert_eq!((connected.state.to_string().as_str(), connected.window), ("connected to hq", None));
        assert_eq!(connected.clone().step(Event::Restarted, NOW).0, connected, "a restart doesn't disconnect");
        assert_eq!(connected.clone().step(Event::TokenRejected { attempt: 0 }, NOW).0, connected, "an older one's");
        let (rejected, effects) = connected.step(Event::TokenRejected { attempt: 1 }, NOW);
        assert_eq!(effects, [Effect::DropToken]);
        assert_eq!(rejected.state, State::NotConnected { why: Some(Reason::TokenRejected) });
    }

    #[test]
    fn e06_a_lost_answer_is_asked_for_again_with_patience() {
        let (mut joining, mut now, mut asked) = (asking(), NOW, 1);
        while joining.state.to_string() == "connecting" {
            let (waiting, effects) = joining.step(Event::TimedOut { attempt: asked }, now);
            let [Effect::WakeAt(at)] = effects[..] else { panic!("{effects:?}") };
            assert!(at.since(now) <= LONGEST_WAIT);
            assert_eq!(waiting.clone().step(Event::Due, now), (waiting.clone(), vec![Effect::WakeAt(at)]), "too early");
            now = at;
            joining = waiting.step(Event::Due, now).0;
            asked = joining.attempt;
        }
        assert_eq!(joining.state, State::NotConnected { why: Some(Reason::NoAnswer) });
        assert!(now.since(NOW) >= PATIENCE && now.since(NOW) < PATIENCE + LONGEST_WAIT);
        assert!((50..100).contains(&asked), "{asked} attempts");
    }

    #[test]
    fn e06_answers_to_earlier_attempts_are_passed_over() {
        let waiting = asking().step(Event::TimedOut { attempt: 1 }, NOW).0;
        let second = waiting.clone().step(Event::Due, NOW.plus(FIRST_WAIT)).0;
        assert_eq!(second.attempt, 2);
        assert_eq!(second.clone().step(answer(1), NOW).0, second, "what it got has ended or will");
        assert!(matches!(waiting.step(answer(1), NOW).0.state, State::Connected { .. }), "nothing newer was asked");
        for event in [Event::TimedOut { attempt: 1 }, Event::Refused { attempt: 1, why: Refusal::Spent }, Event::Due] {
            assert_eq!(second.clone().step(event, NOW).0, second);
        }
    }

    #[test]
    fn e07_a_refusal_ends_it_with_its_reason_unless_asking_again_helps() {
        let refused = |why| asking().step(Event::Refused { attempt: 1, why }, NOW);
        let (ended, effects) = refused(Refusal::Spent);
        assert_eq!(ended.state, State::NotConnected { why: Some(Reason::Refused(Refusal::Spent)) });
        assert_eq!(effects, [Effect::ForgetPin]);
        assert_eq!(refused(Refusal::Stale).1, [Effect::WakeAt(NOW.plus(FIRST_WAIT))]);
    }

    #[test]
    fn e06_a_restart_loses_the_pin_and_keeps_the_count() {
        let (restarted, effects) = asking().step(Event::Restarted, NOW);
        assert_eq!((restarted.attempt, restarted.window, effects.len()), (1, None, 0));
        assert_eq!(restarted.state, State::NotConnected { why: Some(Reason::Restarted) });
        assert_eq!(restarted.clone().step(answer(1), NOW).0, restarted, "nobody waits for it any more");
        let opened = restarted.step(Event::WindowOpened { until: Timestamp(2_000) }, NOW).0;
        assert_eq!(opened.step(PIN, NOW).1, [Effect::KeepPin, Effect::Ask { attempt: 2 }]);
    }

    #[test]
    fn e06_a_clock_that_was_set_back_makes_nobody_wait() {
        let waiting = asking().step(Event::TimedOut { attempt: 1 }, Timestamp(u64::MAX / 2)).0;
        assert_eq!(waiting.step(Event::Due, NOW).1, [Effect::Ask { attempt: 2 }]);
    }

    #[test]
    fn e06_a_clock_that_was_set_ahead_takes_nobodys_time_away() {
        let right = NOW.plus(Duration::from_secs(400 * 86_400));
        // While it waited, and while it asked.
        for (asked, due) in [(NOW, right), (right, right.plus(FIRST_WAIT))] {
            let waiting = asking().step(Event::TimedOut { attempt: 1 }, asked).0;
            let (again, effects) = waiting.step(Event::Due, due);
            assert_eq!(effects, [Effect::Ask { attempt: 2 }]);
            let State::Connecting { until, .. } = again.state else { panic!("{:?}", again.state) };
            assert_eq!(until.since(due), PATIENCE);
        }
    }

    #[test]
    fn e06_a_window_that_was_opened_by_a_wrong_clock_isnt_open_for_years() {
        let opened = Joining { window: Some(Timestamp(u64::MAX / 2)), ..Joining::default() };
        assert_eq!(opened.open_for(NOW), Duration::ZERO);
        assert_eq!(opened.step(PIN, NOW).1, [Effect::Decline(Decline::NoWindow)]);
        assert_eq!(open().open_for(NOW), Duration::from_secs(1));
    }

    #[test]
    fn e10_a_state_written_by_this_release_is_read_by_every_later_one() {
        for text in [
            r#"{"state":{"state":"not-connected","why":{"refused":{"code":"spent"}}},"attempt":3,"window":null}"#,
            r#"{"state":{"state":"connecting","since":1,"until":9,"failed":2,"next":5},"attempt":3,"window":7}"#,
            r#"{"state":{"state":"connected","manager":"hq","owner":"u@example"},"attempt":3,"window":null}"#,
        ] {
            let read: Joining = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }
}
