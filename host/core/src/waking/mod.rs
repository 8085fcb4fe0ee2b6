//! Waking: a device that sleeps is made ready before work that needs it.
//!
//! A pure procedure, `(state, heard) → step`: it says what to ask or tell the device next, and hears what came of that. Nothing
//! of it is stored. All that it does may be done again (to wake what wakes already does nothing, and asking is harmless), so
//! after a crash it begins anew. The work itself begins after [`Next::Work`] and not before, and that it has begun is stored
//! first ([`crate::request::Happening::Begin`]): it is done once, or in doubt.
//!
//! A device that was woken isn't put back. It falls asleep by itself, as after any other job; and somebody may have come to it
//! meanwhile, whom nobody wants to find it going dark, whoever had it sleep before. Where this node itself controls an engine,
//! [`Controller`] decides when that is.

mod controller;
#[cfg(test)]
mod explore;

pub use controller::{Controller, Switch};

use crate::command::{PowerMode, PowerState, PowerWish, Readiness};
use crate::request::Failing;
use crate::time::Timestamp;
use std::time::Duration;

/// A device is asked again how it is after so long, and after twice as long each time, up to [`SELDOM`].
pub const SOON: Duration = Duration::from_millis(500);

/// No less often than this.
pub const SELDOM: Duration = Duration::from_secs(15);

/// What of the time is kept for the work itself: an eighth, and no more than this.
const FOR_THE_WORK: Duration = Duration::from_secs(5);

/// A device that is being made ready.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Waking {
    needs: Readiness,
    /// When it is given up.
    until: Timestamp,
    /// How long it isn't asked next time.
    pause: Duration,
    /// How it was when it was asked last, for people.
    was: String,
    /// Whether it was told to wake.
    told: bool,
}

/// What came of what was asked or told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// How it is powered.
    State(PowerState),
    /// Nothing here tells how it is powered: it is told to work, and says itself where it can't.
    Mute,
    /// It doesn't answer. It may sleep so deeply that to be asked is what wakes it.
    Silent(String),
    /// It can't be asked from here at all.
    Refused(String),
    /// It was told to wake; perhaps it didn't hear that.
    Told,
    /// It was told to wake, and won't.
    Wont(String),
}

/// What is to be done next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Ask how it is, after so long.
    Ask(Duration),
    /// Tell it to wake.
    Wake,
    /// It is as the work needs it.
    Work,
    /// It isn't, and the work doesn't begin.
    GiveUp(Failing, String),
}

impl Waking {
    /// Begins to make a device ready for work that needs this and must be done by then, and says what is to be done first.
    #[must_use]
    pub fn begin(needs: Readiness, now: Timestamp, until: Timestamp) -> (Self, Next) {
        let whole = until.since(now);
        let until = now.plus(whole.saturating_sub((whole / 8).min(FOR_THE_WORK)));
        let waking = Self { needs, until, pause: SOON, was: "hasn't said yet how it is".to_owned(), told: false };
        let next = if needs == Readiness::Any { Next::Work } else { Next::Ask(Duration::ZERO) };
        (waking, next)
    }

    /// What is waited for, for people: the end of a sentence that begins with the device.
    #[must_use]
    pub fn waits(&self) -> String {
        let what = if self.told { "woken" } else { "asked how it is" };
        format!("is being {what}: it {}", self.was)
    }

    /// What follows from what was heard.
    #[must_use]
    pub fn step(self, heard: Heard, now: Timestamp) -> (Self, Next) {
        match heard {
            Heard::Mute => (self, Next::Work),
            Heard::State(state) if self.needs.is_met_by(&state) => (self, Next::Work),
            Heard::State(state) => {
                let tells = Self { was: words(&state).to_owned(), ..self };
                match (state.is_asleep(), state.can.contains(&PowerWish::Wake)) {
                    (true, false) => {
                        let why = format!("it {}, and nothing wakes it from here; nothing was done", tells.was);
                        (tells, Next::GiveUp(Failing::Refused, why))
                    }
                    (true, true) if now < tells.until => (tells, Next::Wake),
                    _ => tells.again(Failing::Late, now),
                }
            }
            Heard::Silent(why) => {
                Self { was: format!("doesn't answer ({why})"), ..self }.again(Failing::Unreachable, now)
            }
            Heard::Told => Self { told: true, ..self }.again(Failing::Late, now),
            Heard::Refused(why) => (self, Next::GiveUp(Failing::Refused, why)),
            Heard::Wont(why) => {
                let why = format!("it {} and couldn't be woken: {why}; nothing was done", self.was);
                (self, Next::GiveUp(Failing::Refused, why))
            }
        }
    }

    /// Asks once more, or not any more.
    fn again(self, failing: Failing, now: Timestamp) -> (Self, Next) {
        let left = self.until.since(now);
        if left.is_zero() {
            let why =
                format!("it was to be woken for this and wasn't ready in time: it {}; nothing was done", self.was);
            return (self, Next::GiveUp(failing, why));
        }
        let after = self.pause.min(left);
        let pause = (self.pause * 2).min(SELDOM);
        (Self { pause, ..self }, Next::Ask(after))
    }
}

/// What a device says of its power: the end of a sentence that begins with it.
fn words(state: &PowerState) -> &'static str {
    match state.mode {
        PowerMode::Asleep => "says that it is asleep",
        PowerMode::Off => "says that its engine is off",
        PowerMode::Waking => "says that it is waking up",
        PowerMode::On | PowerMode::Unknown => "says that its engine isn't ready",
    }
}
