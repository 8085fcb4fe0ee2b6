//! Explores waking together with the request that it is for: a device that wakes at any moment or never, falls asleep again, or
//! doesn't answer; orders to wake that are lost or come twice; times that come and crashes of the node between any two lines.
//! The request is the only thing that outlives a crash.

use super::*;
use crate::command::Engine;
use crate::request::{Answer, Asker, Context, Failure, Flight, Happening, Outcome, Phase, Question, Way};
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};

const BEGIN: Timestamp = Timestamp(1_000_000_000);
const WHOLE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Device {
    Asleep,
    WarmsUp,
    Ready,
}

/// What may still go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Mishaps {
    crashes: u8,
    losses: u8,
    doubles: u8,
    silences: u8,
    /// It falls asleep again.
    naps: u8,
    /// Its engine is never ready.
    broken: bool,
    /// The time is over at any moment.
    times: bool,
}

#[derive(Clone, PartialEq, Debug)]
struct World {
    flight: Flight,
    device: Device,
    needs: Readiness,
    /// What the node has in memory: how far it is with waking, and whether the last it heard was that the device is ready.
    memory: Option<(Waking, Next, bool)>,
    /// It works at the device.
    working: bool,
    /// An order to wake that is on the way once more.
    again: bool,
    over: bool,
    done: u8,
    left: Mishaps,
}

impl Eq for World {}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Some of it is enough; what has the same hash is compared.
        (self.device, self.working, self.again, self.over, self.done, self.left).hash(state);
        self.memory.as_ref().map(|(waking, ..)| waking).hash(state);
        std::mem::discriminant(&self.flight.phase).hash(state);
    }
}

impl World {
    fn asking(question: Question, needs: Readiness, left: Mishaps) -> Self {
        let id = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let context = Context { own: "gateway".parse().unwrap(), now: BEGIN };
        let times = (Duration::from_secs(10), WHOLE);
        let flight = Flight::begin((id, question), (Asker::Here(None), None), times, Way::Here, &context).next;
        let (memory, working, again, over, done) = Default::default();
        Self { flight, device: Device::Asleep, needs, memory, working, again, over, done, left }
    }

    fn now(&self) -> Timestamp {
        if self.over { BEGIN.plus(WHOLE) } else { BEGIN }
    }

    fn happens(&mut self, happening: Happening) {
        let context = Context { own: "gateway".parse().unwrap(), now: self.now() };
        self.flight = self.flight.clone().step(happening, &context).next;
    }

    fn hears(&mut self, heard: Heard) {
        let Some((waking, ..)) = self.memory.take() else { return };
        let ready = matches!(&heard, Heard::State(state) if self.needs.is_met_by(state));
        let (waking, next) = waking.step(heard, self.now());
        self.memory = Some((waking, next, ready));
    }

    fn says(&self) -> PowerState {
        let can = [PowerWish::Wake, PowerWish::Sleep].into();
        let (mode, engine) = match self.device {
            Device::Asleep => (PowerMode::Asleep, Engine::NotReady),
            Device::WarmsUp => (PowerMode::Waking, Engine::NotReady),
            Device::Ready => (PowerMode::On, Engine::Ready),
        };
        PowerState { mode, engine, can }
    }

    fn is_woken(&mut self) {
        if self.device == Device::Asleep {
            self.device = Device::WarmsUp;
        }
    }

    fn successors(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut also = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            all.push(next);
        };
        // The device and the clock.
        match self.device {
            Device::WarmsUp if !self.left.broken => also(&|next| next.device = Device::Ready),
            Device::Ready if self.left.naps > 0 => also(&|next| {
                next.left.naps -= 1;
                next.device = Device::Asleep;
            }),
            _ => {}
        }
        if self.again {
            also(&|next| {
                next.again = false;
                next.is_woken();
            });
        }
        if self.left.times && !self.over {
            also(&|next| next.over = true);
        }
        if self.over && self.flight.outcome().is_none() {
            also(&|next| next.happens(Happening::Due("it wakes".to_owned())));
        }
        // The node.
        if self.left.crashes > 0 && (self.memory.is_some() || self.working) {
            also(&|next| {
                next.left.crashes -= 1;
                (next.memory, next.working) = (None, false);
            });
        }
        if self.working {
            also(&|next| {
                next.done += 1;
                next.working = false;
                next.happens(Happening::Done(Ok(Answer::Done { lines: Vec::new() }), None));
            });
            if self.left.crashes > 0 {
                also(&|next| {
                    next.left.crashes -= 1;
                    next.done += 1;
                    next.working = false;
                });
            }
        } else if let Some((_, next, _)) = &self.memory {
            self.goes_on(next, &mut also);
        } else if self.flight.is_to_be_done() {
            also(&|next| {
                if next.flight.may_be_begun() {
                    let (waking, first) = Waking::begin(next.needs, next.now(), next.flight.until);
                    next.memory = Some((waking, first, next.needs == Readiness::Any));
                } else {
                    next.happens(Happening::Begin);
                }
            });
        }
        all
    }

    fn goes_on(&self, next: &Next, also: &mut impl FnMut(&dyn Fn(&mut Self))) {
        match next {
            Next::Ask(_) => {
                also(&|next| {
                    let says = next.says();
                    next.hears(Heard::State(says));
                });
                if self.left.silences > 0 {
                    also(&|next| {
                        next.left.silences -= 1;
                        next.hears(Heard::Silent("it does not answer".to_owned()));
                    });
                }
            }
            Next::Wake => {
                also(&|next| {
                    next.is_woken();
                    next.hears(Heard::Told);
                });
                if self.left.losses > 0 {
                    also(&|next| {
                        next.left.losses -= 1;
                        next.hears(Heard::Told);
                    });
                }
                if self.left.doubles > 0 {
                    also(&|next| {
                        next.left.doubles -= 1;
                        next.again = true;
                        next.is_woken();
                        next.hears(Heard::Told);
                    });
                }
            }
            Next::Work => also(&|next| {
                let said = next.memory.take().is_some_and(|(_, _, ready)| ready);
                next.happens(Happening::Begin);
                next.working = next.flight.is_to_be_done();
                assert!(said || !next.working, "it begins before the device said that it is ready: {next:?}");
            }),
            Next::GiveUp(failing, why) => {
                let (failing, why) = (*failing, why.clone());
                also(&|next| {
                    next.memory = None;
                    next.happens(Happening::Done(Err((failing, why.clone())), None));
                });
            }
        }
    }

    fn check(&self) {
        if !self.flight.question.may_be_repeated() {
            assert!(self.done <= 1, "it was done twice: {self:?}");
        }
        let begun = matches!(self.flight.phase, Phase::Begun | Phase::Ended { .. });
        assert!(begun || self.done == 0, "it was done before that it begins was stored: {self:?}");
        match self.flight.outcome() {
            Some(Outcome::Answered(_)) => assert!(self.done > 0, "answered and not done: {self:?}"),
            Some(Outcome::Failed(Failure { failing, why, .. })) => {
                let sure =
                    matches!(failing, Failing::Refused | Failing::Unreachable) || why.contains("nothing was done");
                let once = !self.flight.question.may_be_repeated();
                assert!(!(sure && once) || self.done == 0, "said not to be done, and done: {self:?}");
            }
            None => {}
        }
    }
}

/// Every state that can be reached; those in which the request has ended.
fn explore(start: World) -> Vec<World> {
    let mut seen = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([start]);
    let mut ends = Vec::new();
    while let Some(world) = queue.pop_front() {
        world.check();
        if world.flight.outcome().is_some() && !world.working {
            ends.push(world);
            continue;
        }
        let successors = world.successors();
        assert!(!successors.is_empty(), "stuck: {world:?}");
        for next in successors {
            if seen.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    assert!(!ends.is_empty(), "it never ends");
    ends
}

fn print() -> Question {
    let device = "SN-1".parse().unwrap();
    Question::Command { device, name: "test-page".to_owned(), arguments: Default::default() }
}

fn failing(end: &World) -> Option<Failing> {
    match end.flight.outcome()? {
        Outcome::Answered(_) => None,
        Outcome::Failed(failure) => Some(failure.failing),
    }
}

const ALL: Mishaps = Mishaps { crashes: 2, losses: 2, doubles: 1, silences: 2, naps: 1, broken: false, times: true };

#[test]
fn d20_a_sleeper_is_woken_and_does_the_work_once() {
    for end in explore(World::asking(print(), Readiness::Ready, Mishaps::default())) {
        assert_eq!((failing(&end), end.done), (None, 1), "{end:?}");
    }
    // What wakes nobody waits for nobody.
    for end in explore(World::asking(print(), Readiness::Any, Mishaps::default())) {
        assert_eq!((failing(&end), end.done, end.device), (None, 1, Device::Asleep), "{end:?}");
    }
}

#[test]
fn d20_an_order_to_wake_that_is_lost_or_comes_twice_changes_nothing() {
    let mishaps = Mishaps { losses: 2, doubles: 2, silences: 2, naps: 2, ..Mishaps::default() };
    for end in explore(World::asking(print(), Readiness::Ready, mishaps)) {
        assert_eq!((failing(&end), end.done), (None, 1), "{end:?}");
    }
}

#[test]
fn d20_a_crash_while_it_is_woken_leaves_no_doubt_and_one_while_it_works_does() {
    let mishaps = Mishaps { crashes: 2, ..Mishaps::default() };
    let ends = explore(World::asking(print(), Readiness::Ready, mishaps));
    assert!(ends.iter().all(|end| matches!(failing(end), None | Some(Failing::InDoubt))), "{ends:?}");
    assert!(
        ends.iter().any(|end| failing(end).is_none() && end.left.crashes == 0),
        "both crashes came before the work"
    );
    assert!(ends.iter().any(|end| failing(end) == Some(Failing::InDoubt) && end.done == 1));
    assert!(ends.iter().any(|end| failing(end) == Some(Failing::InDoubt) && end.done == 0));
}

#[test]
fn d20_it_ends_whatever_happens_and_whenever_times_come() {
    let show = Question::ShowOnPanel {
        device: "SN-1".parse().unwrap(),
        text: crate::command::PanelText::new(vec!["x".to_owned()]).unwrap(),
    };
    for (question, needs) in [(print(), Readiness::Ready), (show, Readiness::Awake)] {
        let ends = explore(World::asking(question, needs, ALL));
        assert!(ends.iter().any(|end| failing(end).is_none()));
        assert!(ends.iter().any(|end| failing(end) == Some(Failing::Late) && end.done == 0));
        assert!(ends.iter().any(|end| failing(end) == Some(Failing::Unreachable)));
    }
}

#[test]
fn d20_an_engine_that_is_never_ready_is_said_and_nothing_is_done() {
    let ends = explore(World::asking(print(), Readiness::Ready, Mishaps { broken: true, ..ALL }));
    assert!(ends.iter().all(|end| end.done == 0 && failing(end).is_some()), "{ends:?}");
    assert!(ends.iter().any(|end| {
        let Some(Outcome::Failed(failure)) = end.flight.outcome() else { return false };
        failure.why.contains("wasn't ready in time: it says that it is waking up; nothing was done")
    }));
}

#[test]
fn d20_it_is_asked_less_and_less_often_and_given_up_before_its_time_is_over() {
    let (mut waking, mut next) = Waking::begin(Readiness::Ready, BEGIN, BEGIN.plus(WHOLE));
    let (mut now, mut asked) = (BEGIN, 0);
    let state = PowerState { mode: PowerMode::Waking, engine: Engine::NotReady, can: Default::default() };
    while let Next::Ask(after) = next {
        asked += 1;
        now = now.plus(after);
        (waking, next) = waking.step(Heard::State(state.clone()), now);
    }
    assert!(matches!(next, Next::GiveUp(Failing::Late, _)), "{next:?}");
    assert_eq!((now.since(BEGIN), asked), (WHOLE - FOR_THE_WORK, 9));
}

#[test]
fn d20_what_cannot_be_woken_is_told_to_work_as_it_is_or_refused() {
    let asleep = |can: &[PowerWish]| {
        let can = can.iter().copied().collect();
        Heard::State(PowerState { mode: PowerMode::Asleep, engine: Engine::NotReady, can })
    };
    let first = |needs, heard| Waking::begin(needs, BEGIN, BEGIN.plus(WHOLE)).0.step(heard, BEGIN).1;
    assert_eq!(first(Readiness::Awake, asleep(&[])), Next::Work);
    assert!(
        matches!(first(Readiness::Ready, asleep(&[])), Next::GiveUp(Failing::Refused, why) if why.contains("nothing wakes it"))
    );
    assert_eq!(first(Readiness::Awake, asleep(&[PowerWish::Wake])), Next::Wake);
    assert_eq!(first(Readiness::Ready, Heard::Mute), Next::Work, "it says itself where it can't");
    // On, and waiting for somebody: good enough to be found, not to print.
    let jammed = || Heard::State(PowerState { mode: PowerMode::On, engine: Engine::NotReady, can: Default::default() });
    assert_eq!(first(Readiness::Awake, jammed()), Next::Work);
    assert_eq!(first(Readiness::Ready, jammed()), Next::Ask(SOON));
}

#[test]
fn d20_only_what_was_told_to_wake_is_said_to_be_woken() {
    let (waking, _) = Waking::begin(Readiness::Ready, BEGIN, BEGIN.plus(WHOLE));
    let (waking, _) = waking.step(Heard::Silent("no answer".to_owned()), BEGIN);
    assert_eq!(waking.waits(), "is being asked how it is: it doesn't answer (no answer)");
    let (waking, _) = waking.step(Heard::Told, BEGIN);
    assert!(waking.waits().starts_with("is being woken: "), "{}", waking.waits());
}
