//! The controller of a device's engine: it switches the engine's power on for work, and off when nothing was to be done for a
//! while. The engine itself says when it is ready.
//!
//! Pure: it hears what is wanted and what time it is, and says how the power is to be switched. It isn't stored: after a restart
//! the power is as it was, and the time in which nothing is done begins anew.

use crate::command::{Engine, PowerMode, PowerState, PowerWish};
use crate::time::Timestamp;
use std::time::Duration;

/// How the engine's power is switched.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Switch {
    /// It has power.
    On,
    /// It has none; its controller answers.
    Off,
}

/// What the controller knows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Controller {
    switch: Switch,
    /// How much work is under way.
    works: u32,
    /// Since when there is none.
    idle_since: Timestamp,
    off_after: Duration,
}

impl Controller {
    /// A controller whose engine's power is switched like this, and is to be switched off when nothing was done for so long.
    #[must_use]
    pub fn new(switch: Switch, off_after: Duration, now: Timestamp) -> Self {
        Self { switch, works: 0, idle_since: now, off_after }
    }

    /// How the power is to be switched.
    #[must_use]
    pub fn switch(&self) -> Switch {
        self.switch
    }

    /// Work begins that needs the engine, or waits for it.
    #[must_use]
    pub fn begun(self) -> Self {
        Self { works: self.works.saturating_add(1), ..self }
    }

    /// Such work has ended.
    #[must_use]
    pub fn ended(self, now: Timestamp) -> Self {
        Self { works: self.works.saturating_sub(1), idle_since: now, ..self }
    }

    /// The engine is wanted.
    #[must_use]
    pub fn woken(self, now: Timestamp) -> Self {
        Self { switch: Switch::On, idle_since: now, ..self }
    }

    /// Somebody wants the engine off. Not while it works: the error says so.
    ///
    /// # Errors
    /// It works.
    pub fn put_to_sleep(self) -> Result<Self, Self> {
        if self.works > 0 { Err(self) } else { Ok(Self { switch: Switch::Off, ..self }) }
    }

    /// Time has passed. A clock that was set back begins the time anew.
    #[must_use]
    pub fn looked(self, now: Timestamp) -> Self {
        let idle_since = self.idle_since.min(now);
        let rests = self.works == 0 && now.since(idle_since) >= self.off_after;
        let switch = if rests { Switch::Off } else { self.switch };
        Self { switch, idle_since, ..self }
    }

    /// How the device is powered, where its engine says this of itself.
    #[must_use]
    pub fn state(&self, is_ready: bool) -> PowerState {
        let (mode, engine) = match (self.switch, is_ready) {
            (Switch::Off, _) => (PowerMode::Off, Engine::NotReady),
            (Switch::On, false) => (PowerMode::Waking, Engine::NotReady),
            (Switch::On, true) => (PowerMode::On, Engine::Ready),
        };
        PowerState { mode, engine, can: [PowerWish::Wake, PowerWish::Sleep].into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHILE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Timestamp {
        Timestamp(1_000_000 + seconds * 1_000)
    }

    #[test]
    fn d20_the_engine_is_off_when_nothing_was_done_for_a_while_and_never_while_it_works() {
        let on = Controller::new(Switch::On, WHILE, at(0));
        assert_eq!(on.clone().looked(at(59)).switch(), Switch::On);
        assert_eq!(on.clone().looked(at(60)).switch(), Switch::Off);
        let works = on.begun().begun().looked(at(600));
        assert_eq!(works.switch(), Switch::On);
        assert!(works.clone().put_to_sleep().is_err());
        let one_left = works.ended(at(601)).looked(at(900));
        assert_eq!(one_left.switch(), Switch::On, "the other goes on");
        let idle = one_left.ended(at(901));
        assert_eq!(idle.clone().looked(at(960)).switch(), Switch::On);
        assert_eq!(idle.looked(at(961)).switch(), Switch::Off);
    }

    #[test]
    fn d20_the_engine_is_ready_when_it_has_power_and_says_so() {
        let off = Controller::new(Switch::Off, WHILE, at(0));
        assert_eq!(off.state(true).mode, PowerMode::Off, "what a signal without power says counts for nothing");
        let on = off.woken(at(5));
        assert_eq!((on.state(false).mode, on.state(false).engine), (PowerMode::Waking, Engine::NotReady));
        assert_eq!((on.state(true).mode, on.state(true).engine), (PowerMode::On, Engine::Ready));
        assert_eq!(on.clone().looked(at(64)).switch(), Switch::On);
        assert_eq!(on.put_to_sleep().unwrap().switch(), Switch::Off);
    }

    #[test]
    fn d20_a_clock_that_is_set_back_keeps_no_engine_on_for_hours() {
        let on = Controller::new(Switch::On, WHILE, at(7_200)).looked(at(0));
        assert_eq!(on.looked(at(60)).switch(), Switch::Off);
    }
}
