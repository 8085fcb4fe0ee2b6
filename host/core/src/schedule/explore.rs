//! Explores schedules exhaustively: a clock that goes on, jumps ahead and is set back, a node that ends between any two lines
//! and comes back, runs that end early, late or not at all, edits, pauses and orders by hand in between.

use super::*;
use std::collections::{HashSet, VecDeque};

const MINUTE: u64 = 60_000;
const HORIZON: u64 = 30 * MINUTE;
/// What a clock goes on by; less than the times lie apart, and more than what is still in time.
const TICK: u64 = 5 * MINUTE;

/// What is stored, who performs what, and what has been so far.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    /// Stored.
    stored: Schedule,
    now: Timestamp,
    /// The run that somebody performs, if the node lives.
    performing: Option<u64>,
    down: bool,
    /// For which times runs have begun by the calendar; each of them stands in the calendar once.
    begun: Vec<Timestamp>,
    /// Runs that are over.
    over: Vec<u64>,
    /// How many gaps were told.
    told: u8,
    /// Whether somebody meddled, so that what was due isn't known from the calendar alone.
    meddled: bool,
    /// How often each thing may yet happen.
    crashes: u8,
    jumps: u8,
    meddles: u8,
}

fn start(missed: Missed) -> World {
    let calendar = Calendar::parse("*/10 * * * *", "UTC").unwrap();
    let work = Work::DiscoverNetworks { gateway: None };
    let plan = Plan { name: "n".to_owned(), calendar, work, missed, by: "ada".parse().unwrap() };
    let now = Timestamp(5 * MINUTE);
    World {
        stored: Schedule::new("n".parse().unwrap(), plan, now),
        now,
        performing: None,
        down: false,
        begun: Vec::new(),
        over: Vec::new(),
        told: 0,
        meddled: false,
        crashes: 1,
        jumps: 1,
        meddles: 1,
    }
}

impl World {
    /// Takes an event and commits what follows, as the engine does: in one commit, or not at all.
    fn took(&self, event: Event) -> Self {
        let mut world = self.clone();
        let before = world.stored.runs;
        let step = world.stored.clone().step(event, &Context { parent: None, now: world.now });
        let gaps = step
            .changes
            .0
            .iter()
            .filter(|change| matches!(change, Change::Happened(event) if event.name == "schedule.missed"));
        world.told += u8::try_from(gaps.count()).unwrap();
        if let Some(run) = step.next.run.as_ref().filter(|run| run.number > before) {
            assert_eq!(run.number, before + 1, "{self:?}");
            world.begun.extend(run.due);
        }
        world.stored = step.next;
        world
    }

    fn successors(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut later = self.clone();
        later.now = Timestamp(self.now.0 + TICK);
        if later.now.0 <= HORIZON {
            all.push(later);
        }
        if self.jumps > 0 {
            for to in [self.now.0 + 3 * TICK, self.now.0.saturating_sub(2 * TICK)] {
                if to <= HORIZON {
                    all.push(Self { now: Timestamp(to), jumps: self.jumps - 1, ..self.clone() });
                }
            }
        }
        if self.down {
            // It comes back: what is under way is taken up again, if it may be.
            let mut back = self.took(Event::Restarted);
            back.down = false;
            all.push(back);
            return all;
        }
        if self.crashes > 0 {
            all.push(Self { down: true, performing: None, crashes: self.crashes - 1, ..self.clone() });
        }
        all.push(self.took(Event::Looked));
        match (self.performing, self.stored.outstanding()) {
            (None, Some(run)) => all.push(Self { performing: Some(run.number), ..self.clone() }),
            (Some(number), _) => {
                let mut over = self.took(Event::Ran { number, outcome: Outcome::default() });
                over.performing = None;
                over.over.push(number);
                all.push(over);
            }
            (None, None) => {}
        }
        if self.meddles > 0 {
            let paused = Event::Edited(Box::new(Plan { name: "m".to_owned(), ..self.stored.plan.clone() }));
            for event in [paused, Event::Paused, Event::Wanted] {
                let meddled = self.took(event);
                all.push(Self { meddles: self.meddles - 1, meddled: true, ..meddled });
            }
        } else if self.stored.standing == Standing::Paused {
            all.push(self.took(Event::Resumed));
        }
        all
    }

    fn check(&self) {
        let twice = self.begun.windows(2).find(|pair| pair[1] <= pair[0]);
        assert_eq!(twice, None, "a time was run twice, or after a later one: {self:?}");
        let mut over = HashSet::new();
        assert!(self.over.iter().all(|number| over.insert(*number)), "a run ended twice: {self:?}");
        let under_way = self.stored.run.as_ref().map(|run| run.number);
        let ended = self.over.len() as u64 + u64::from(under_way.is_some());
        assert_eq!(ended, self.stored.runs, "a run was lost: {self:?}");
        assert!(self.performing.is_none() || self.performing == under_way, "performed and not stored: {self:?}");
        // Looked at once more, everything that was due by now is run, or told as missed.
        if self.down || under_way.is_some() || self.stored.standing == Standing::Paused {
            return;
        }
        let looked = self.took(Event::Looked);
        assert!(looked.stored.next.is_none_or(|next| next > self.now), "it forgot to go on: {self:?}");
        assert!(looked.stored.decided <= self.now || self.jumps < 1, "it decided what is yet to come: {self:?}");
        // With two minutes' grace and ten between the times, one that nobody told as missed has a run of its own.
        if looked.told == 0 && self.jumps == 1 && !self.meddled {
            let due = (self.now.0 / (10 * MINUTE)) as usize;
            assert_eq!(looked.begun.len(), due, "a time was lost: {self:?}");
        }
        if looked.told > self.told {
            let runs = looked.begun.len() > self.begun.len();
            let late = looked.begun.last().is_some_and(|due| self.now.since(*due) <= LATE);
            assert!(runs == (self.stored.plan.missed == Missed::RunOnce) || late, "{self:?}");
        }
    }
}

fn explore(missed: Missed) -> usize {
    let first = start(missed);
    let mut seen = HashSet::from([first.clone()]);
    let mut queue = VecDeque::from([first]);
    while let Some(world) = queue.pop_front() {
        world.check();
        for next in world.successors() {
            if seen.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    seen.len()
}

#[test]
fn d07_no_run_is_doubled_or_lost_and_what_was_missed_is_run_once() {
    assert!(explore(Missed::RunOnce) > 1_000);
}

#[test]
fn d07_no_run_is_doubled_or_lost_and_what_was_missed_is_skipped() {
    assert!(explore(Missed::Skip) > 1_000);
}
