//! Sleep: a device that saves power and what it takes to wake it.

use std::time::{Duration, Instant};

/// How a device sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sleep {
    /// Answers at once and goes on sleeping: standby as RFC 3805 §2.2.13.2 has it, "Sleep" on the console.
    Light,
    /// The first request wakes it, but isn't answered.
    Deep {
        /// After the first request, how long nothing is answered.
        silent: Duration,
        /// After that, how long the device says that it warms up and answers late.
        warm_up: Duration,
        /// How late its answers are while it warms up.
        delay: Duration,
    },
}

/// How long a device warms up that is woken by order, where nobody says otherwise.
pub(crate) const ORDERED_WARM_UP: Duration = Duration::from_millis(500);

/// Where the device is between asleep and awake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    Awake,
    Standby,
    Asleep { silent: Duration, warm_up: Duration, delay: Duration },
    Waking { answers_from: Instant, awake_from: Instant, delay: Duration },
}

/// What the device does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attention {
    Ignores,
    AnswersAfter(Duration),
}

impl From<Sleep> for Power {
    fn from(sleep: Sleep) -> Self {
        match sleep {
            Sleep::Light => Self::Standby,
            Sleep::Deep { silent, warm_up, delay } => Self::Asleep { silent, warm_up, delay },
        }
    }
}

impl Power {
    /// A request arrives: a sleeping device begins to wake.
    pub(crate) fn request(&mut self, now: Instant) -> Attention {
        if let Self::Asleep { silent, warm_up, delay } = *self {
            let answers_from = now + silent;
            *self = Self::Waking { answers_from, awake_from: answers_from + warm_up, delay };
        }
        match *self {
            Self::Waking { answers_from, .. } if now < answers_from => Attention::Ignores,
            Self::Waking { awake_from, delay, .. } if now < awake_from => Attention::AnswersAfter(delay),
            Self::Waking { .. } => {
                *self = Self::Awake;
                Attention::AnswersAfter(Duration::ZERO)
            }
            Self::Awake | Self::Standby | Self::Asleep { .. } => Attention::AnswersAfter(Duration::ZERO),
        }
    }

    /// Somebody orders it to wake: it answers at once, and warms up for so long.
    pub(crate) fn wake(&mut self, now: Instant, warm_up: Duration) {
        if self.is_asleep() {
            *self = Self::Waking { answers_from: now, awake_from: now + warm_up, delay: Duration::ZERO };
        }
    }

    /// 1 awake, 2 asleep, 3 waking.
    pub(crate) fn mode(&self) -> i32 {
        match self {
            Self::Awake => 1,
            Self::Standby | Self::Asleep { .. } => 2,
            Self::Waking { .. } => 3,
        }
    }

    pub(crate) fn is_warming_up(&self) -> bool {
        matches!(self, Self::Waking { .. })
    }

    pub(crate) fn is_awake(&self) -> bool {
        matches!(self, Self::Awake)
    }

    pub(crate) fn is_asleep(&self) -> bool {
        matches!(self, Self::Standby | Self::Asleep { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_in_steps() {
        let second = Duration::from_secs(1);
        let start = Instant::now();
        let mut power = Power::from(Sleep::Deep { silent: 2 * second, warm_up: 5 * second, delay: second });
        assert_eq!(power.request(start), Attention::Ignores);
        assert_eq!(power.request(start + second), Attention::Ignores);
        assert_eq!(power.request(start + 3 * second), Attention::AnswersAfter(second));
        assert!(power.is_warming_up());
        assert_eq!(power.request(start + 8 * second), Attention::AnswersAfter(Duration::ZERO));
        assert_eq!(power, Power::Awake);
    }

    #[test]
    fn d20_what_is_woken_by_order_warms_up_and_answers_meanwhile() {
        let start = Instant::now();
        let mut power = Power::from(Sleep::Light);
        assert_eq!(power.mode(), 2);
        power.wake(start, ORDERED_WARM_UP);
        assert_eq!(power.request(start), Attention::AnswersAfter(Duration::ZERO));
        assert_eq!(power.mode(), 3);
        power.request(start + ORDERED_WARM_UP);
        assert_eq!(power, Power::Awake);
        power.wake(start, ORDERED_WARM_UP);
        assert_eq!(power, Power::Awake, "who is awake stays it");
    }

    #[test]
    fn light_sleep_goes_on() {
        let mut power = Power::from(Sleep::Light);
        assert_eq!(power.request(Instant::now()), Attention::AnswersAfter(Duration::ZERO));
        assert!(power.is_asleep());
    }
}
