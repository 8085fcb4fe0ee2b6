//! Explores a request in a line of three nodes exhaustively: messages late, doubled and lost, times that come at any moment
//! on any node's clock, a neighbour that is removed, and crashes of the node that does it between any two lines: the others keep
//! nothing that isn't stored. The invariants are checked in every state that can be reached.

use super::*;
use crate::changes::Change;
use crate::message::{Ends, Message, Method};
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};

const NODES: usize = 3;
const WHOLE: Duration = Duration::from_secs(60);
const NOTICE: Duration = Duration::from_secs(10);

/// The nodes of the line, the one that asks first.
fn name(index: usize) -> NodeId {
    ["asker", "between", "asked"][index].parse().unwrap()
}

fn index(node: &NodeId) -> usize {
    (0..NODES).find(|at| name(*at) == *node).unwrap()
}

/// What one node has: what it stores, and what it has only in memory.
#[derive(Clone, PartialEq, Debug, Default)]
struct Node {
    flight: Option<Flight>,
    /// Carries out what was asked, in memory.
    working: bool,
    /// Its clock runs: what was due comes.
    noticed: bool,
    over: bool,
}

/// What may still go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Mishaps {
    crashes: u8,
    losses: u8,
    doubles: u8,
    /// The way from the first to the second is removed.
    removals: u8,
    /// Times that come.
    times: bool,
}

#[derive(Clone, PartialEq, Debug)]
struct World {
    nodes: [Node; NODES],
    /// What waits from one neighbour for another, in its order; kept until it is taken.
    waiting: Vec<(usize, usize, Message)>,
    /// How often it was carried out.
    done: u8,
    /// What the asker was told last, and how it ended.
    told: Option<Outcome>,
    left: Mishaps,
}

impl Eq for World {}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Some of it is enough; what has the same hash is compared.
        (self.done, self.left, self.waiting.len(), self.told.is_some()).hash(state);
        for node in &self.nodes {
            let flight = node.flight.as_ref().map(|flight| {
                (std::mem::discriminant(&flight.phase), flight.notices, flight.delay.as_ref().map(|delay| &delay.by))
            });
            (node.working, node.noticed, node.over, flight).hash(state);
        }
        for (from, to, message) in &self.waiting {
            (from, to, std::mem::discriminant(&message.method)).hash(state);
        }
    }
}

/// A moment on one node's clock: before anything is due, when a notice is, when it is over. The clocks are hours apart.
fn clock(at: usize, node: &Node) -> Timestamp {
    let base = Timestamp(1_000_000_000).plus(Duration::from_secs(7_200) * u32::try_from(at).unwrap());
    match (node.over, node.noticed) {
        (true, _) => base.plus(WHOLE * 2),
        (_, true) => base.plus(NOTICE + Duration::from_secs(1)),
        _ => base,
    }
}

impl World {
    fn asking(question: Question, left: Mishaps) -> Self {
        let mut world = Self { nodes: Default::default(), waiting: Vec::new(), done: 0, told: None, left };
        let id = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let way = Way::On(name(1), Ends::to(&name(2), &name(1)));
        let step =
            Flight::begin((id, question), (Asker::Here(None), Some(name(2))), (NOTICE, WHOLE), way, &world.context(0));
        world.take(0, step);
        world
    }

    fn context(&self, at: usize) -> Context {
        Context { own: name(at), now: clock(at, &self.nodes[at]) }
    }

    /// Commits a step: the request and what is said, together.
    fn take(&mut self, at: usize, step: Step) {
        self.say(at, step.changes);
        if at == 0
            && let Some(outcome) = step.next.outcome()
        {
            if let Some(told) = &self.told {
                assert_eq!(told, outcome, "what was said to have ended ends otherwise");
            }
            self.told = Some(outcome.clone());
        }
        self.nodes[at].flight = Some(step.next);
    }

    fn say(&mut self, at: usize, changes: crate::changes::Changes) {
        for change in changes.0 {
            let Change::Send { to, message } = change else { panic!("a request only sends: {change:?}") };
            self.waiting.push((at, index(&to), *message));
        }
    }

    fn step(&mut self, at: usize, happening: Happening) {
        if let Some(flight) = self.nodes[at].flight.clone() {
            let step = flight.step(happening, &self.context(at));
            self.take(at, step);
        }
    }

    /// A neighbour takes a message: what the services do with one.
    fn hear(&mut self, from: usize, at: usize, message: Message) {
        match message.method {
            Method::Request(request) => {
                if let Some(known) = &self.nodes[at].flight {
                    let again = known.answer_again();
                    return self.say(at, again);
                }
                let asker = Asker::Neighbour { next: name(from), from: None };
                // Both clocks run: the sender's says how much is left.
                let sent = clock(from, &self.nodes[from]);
                let Some(left) = request.left.when(sent) else { return };
                let way = if at == 2 { Way::Here } else { Way::On(name(2), Ends::neighbours()) };
                let step =
                    Flight::begin((request.id, request.question), (asker, Some(name(2))), left, way, &self.context(at));
                self.take(at, step);
            }
            Method::Delay { delay, .. } => {
                self.step(at, Happening::Heard { from: name(from), said: Said::Delay(delay) })
            }
            Method::Response { outcome, .. } => {
                self.step(at, Happening::Heard { from: name(from), said: Said::Outcome(*outcome) });
            }
            other => panic!("{other:?}"),
        }
    }

    fn successors(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut also = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            all.push(next);
        };
        // The first that waits between two neighbours is taken; perhaps it comes once more.
        for (position, (from, to, message)) in self.waiting.iter().enumerate() {
            if self.waiting.iter().take(position).any(|(f, t, _)| (f, t) == (from, to)) {
                continue;
            }
            also(&|next| {
                next.waiting.remove(position);
                next.hear(*from, *to, message.clone());
            });
            if self.left.doubles > 0 {
                also(&|next| {
                    next.left.doubles -= 1;
                    next.hear(*from, *to, message.clone());
                });
            }
            if self.left.losses > 0 {
                also(&|next| {
                    next.left.losses -= 1;
                    next.waiting.remove(position);
                });
            }
        }
        // Who was asked begins, which is stored first; does it; says how it ended.
        let asked = &self.nodes[2];
        if let Some(flight) = &asked.flight {
            if flight.is_to_be_done() && !asked.working {
                also(&|next| {
                    next.step(2, Happening::Begin);
                    next.nodes[2].working = next.nodes[2].flight.as_ref().is_some_and(Flight::is_to_be_done);
                });
            }
            if asked.working {
                also(&|next| {
                    next.done += 1;
                    next.nodes[2].working = false;
                    next.step(2, Happening::Done(Ok(Answer::Done { lines: Vec::new() }), None));
                });
                // Done, and a crash before that is stored.
                if self.left.crashes > 0 {
                    also(&|next| {
                        next.left.crashes -= 1;
                        next.done += 1;
                        next.nodes[2].working = false;
                    });
                    also(&|next| {
                        next.left.crashes -= 1;
                        next.nodes[2].working = false;
                    });
                }
            }
        }
        for at in 0..NODES {
            if !self.left.times || self.nodes[at].flight.is_none() {
                continue;
            }
            if !self.nodes[at].noticed {
                also(&|next| {
                    next.nodes[at].noticed = true;
                    next.step(at, Happening::Due("no answer yet".to_owned()));
                });
            } else if !self.nodes[at].over {
                also(&|next| {
                    next.nodes[at].over = true;
                    next.step(at, Happening::Due("no answer".to_owned()));
                });
            }
        }
        if self.left.removals > 0 {
            also(&|next| {
                next.left.removals -= 1;
                // With a neighbour goes what waits for it, and what it would say isn't taken.
                next.waiting.retain(|(from, to, _)| (*from, *to) != (0, 1) && (*from, *to) != (1, 0));
                next.step(0, Happening::WayLost("it was removed".to_owned()));
            });
        }
        all
    }

    fn flight(&self, at: usize) -> Option<&Flight> {
        self.nodes[at].flight.as_ref()
    }

    fn check(&self) {
        let asker = self.flight(0).unwrap();
        if !asker.question.may_be_repeated() {
            assert!(self.done <= 1, "it was done twice: {self:?}");
        }
        match asker.outcome() {
            Some(Outcome::Answered(_)) => assert!(self.done > 0, "answered and not done: {self:?}"),
            Some(Outcome::Failed(failure)) => {
                let sure = matches!(failure.failing, Failing::Refused | Failing::Full);
                assert!(!sure || self.done == 0, "refused and done: {self:?}");
                assert!(!failure.why.is_empty());
            }
            None => {
                // Who was to hear something by now has.
                assert!(!self.nodes[0].noticed || asker.delay.is_some(), "patience is over in silence: {self:?}");
                assert!(!self.nodes[0].over, "its limit has come and it goes on: {self:?}");
            }
        }
        for at in 1..NODES {
            let Some(flight) = self.flight(at) else { continue };
            assert!(!self.nodes[at].over || flight.outcome().is_some(), "{at} goes on behind its limit: {self:?}");
            assert!(flight.notices <= MOST_NOTICES);
        }
    }

    /// Nothing more happens by itself.
    fn is_at_rest(&self) -> bool {
        self.waiting.is_empty()
            && self.nodes.iter().all(|node| node.flight.as_ref().is_none_or(|flight| flight.outcome().is_some()))
    }
}

/// Every state that can be reached; the ends among them.
fn explore(start: World) -> Vec<World> {
    let mut seen = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([start]);
    let mut ends = Vec::new();
    while let Some(world) = queue.pop_front() {
        world.check();
        let successors = world.successors();
        if world.is_at_rest() {
            ends.push(world.clone());
        } else {
            assert!(!successors.is_empty(), "stuck: {world:?}");
        }
        for next in successors {
            if seen.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    assert!(!ends.is_empty(), "never at rest");
    ends
}

const NONE: Mishaps = Mishaps { crashes: 0, losses: 0, doubles: 0, removals: 0, times: false };

fn reset() -> Question {
    Question::Command { device: "SN-1".parse().unwrap(), name: "reset".to_owned(), arguments: Default::default() }
}

fn counters() -> Question {
    Question::Counters { device: "SN-1".parse().unwrap() }
}

fn failing(end: &World) -> Option<Failing> {
    match end.flight(0)?.outcome()? {
        Outcome::Answered(_) => None,
        Outcome::Failed(failure) => Some(failure.failing),
    }
}

#[test]
fn d02_a_request_is_answered_where_nothing_goes_wrong() {
    for question in [reset(), counters()] {
        let ends = explore(World::asking(question, NONE));
        assert!(ends.iter().all(|end| failing(end).is_none() && end.done == 1), "{ends:?}");
    }
}

#[test]
fn d04_what_comes_twice_does_nothing_twice() {
    for end in explore(World::asking(reset(), Mishaps { doubles: 2, ..NONE })) {
        assert_eq!((failing(&end), end.done), (None, 1), "{end:?}");
    }
}

#[test]
fn d04_after_a_crash_what_may_have_been_done_is_in_doubt_and_the_rest_is_done_again() {
    let ends = explore(World::asking(reset(), Mishaps { crashes: 2, doubles: 1, ..NONE }));
    assert!(ends.iter().all(|end| matches!(failing(end), None | Some(Failing::InDoubt))), "{ends:?}");
    assert!(ends.iter().any(|end| failing(end) == Some(Failing::InDoubt) && end.done == 1));
    assert!(ends.iter().any(|end| failing(end) == Some(Failing::InDoubt) && end.done == 0));
    let ends = explore(World::asking(counters(), Mishaps { crashes: 2, ..NONE }));
    assert!(ends.iter().all(|end| failing(end).is_none()), "{ends:?}");
}

#[test]
fn d04_every_request_ends_whatever_is_lost_and_whenever_times_come() {
    for question in [reset(), counters()] {
        let mishaps = Mishaps { crashes: 1, losses: 1, doubles: 1, removals: 0, times: true };
        let ends = explore(World::asking(question, mishaps));
        assert!(ends.iter().all(|end| end.flight(0).unwrap().outcome().is_some()));
        assert!(ends.iter().any(|end| failing(end).is_none()), "it may be answered all the same");
        assert!(ends.iter().any(|end| failing(end) == Some(Failing::Late)));
        // A delay is passed on through every level, and the answer follows.
        assert!(ends.iter().any(|end| {
            let asker = end.flight(0).unwrap();
            failing(end).is_none() && asker.delay.as_ref().is_some_and(|delay| delay.by == name(2))
        }));
    }
}

#[test]
fn d04_whose_way_is_removed_is_told_so() {
    let ends = explore(World::asking(reset(), Mishaps { removals: 1, times: true, ..NONE }));
    assert!(ends.iter().any(|end| failing(end) == Some(Failing::InDoubt) && end.done == 1), "it may have been done");
    assert!(ends.iter().all(|end| end.flight(0).unwrap().outcome().is_some()));
    let ends = explore(World::asking(counters(), Mishaps { removals: 1, times: true, ..NONE }));
    assert!(ends.iter().any(|end| failing(end) == Some(Failing::Unreachable)));
}

#[test]
fn d03_what_cannot_go_on_ends_at_once_and_whoever_asked_is_told() {
    let context = Context { own: name(1), now: Timestamp(5) };
    let id: crate::id::RequestId = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let asker = Asker::Neighbour { next: name(0), from: None };
    let way = Way::No(Failing::Full, "too much waits there".to_owned());
    let step = Flight::begin((id, reset()), (asker, Some(name(2))), (NOTICE, WHOLE), way, &context);
    assert!(matches!(step.next.outcome(), Some(Outcome::Failed(Failure { failing: Failing::Full, .. }))));
    assert_eq!(step.changes.0.len(), 1, "{:?}", step.changes);
    assert_eq!(step.next.due_at(), Some(Timestamp(5).plus(WHOLE)), "what comes twice until then does nothing");
}

#[test]
fn d04_each_level_speaks_before_the_one_above_gives_up() {
    // Eight levels, and whoever asks waits ten seconds.
    let mut left = (NOTICE, WHOLE);
    for level in 0..crate::routing::MOST_LEVELS {
        let way = Way::On(name(1), Ends::neighbours());
        let id = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let context = Context { own: name(0), now: Timestamp(0) };
        let step = Flight::begin((id, reset()), (Asker::Here(None), None), left, way, &context);
        let Some(Change::Send { message, .. }) = step.changes.0.first() else { panic!("{step:?}") };
        let Method::Request(request) = &message.method else { panic!("{message:?}") };
        let below = request.left.when(Timestamp(0)).unwrap();
        assert!(below.0 < left.0 && below.1 < left.1, "level {level}: {below:?} of {left:?}");
        left = below;
    }
    assert!(left.0 >= Duration::from_millis(900) && left.1 >= Duration::from_secs(30), "{left:?}");
}

#[test]
fn d01_who_is_reached_another_way_is_asked_again_and_answered_there_with_what_is_left() {
    let context = |now| Context { own: name(1), now: Timestamp(now) };
    let id = || "0123456789abcdef0123456789abcdef".parse().unwrap();
    let (near, far, asker): (NodeId, NodeId, NodeId) = (name(2), "far".parse().unwrap(), name(0));
    let from = Asker::Neighbour { next: asker.clone(), from: None };
    let way = Way::Later(near.clone());
    let begun = Flight::begin((id(), reset()), (from, Some(near.clone())), (NOTICE, WHOLE), way, &context(0));
    assert!(begun.changes.is_empty() && begun.next.waits_for() == Some(&near), "it is asked when it can be");
    let again = begun.next.ask_again(far.clone(), Ends::to(&near, &far), &context(20_000));
    assert_eq!(again.next.waits_for(), Some(&far));
    let Some(Change::Send { to, message }) = again.changes.0.first() else { panic!("{again:?}") };
    let Method::Request(request) = &message.method else { panic!("{message:?}") };
    let (_, whole) = request.left.when(Timestamp(20_000)).unwrap();
    assert!(*to == far && message.ends.to.as_ref() == Some(&near) && request.id == id());
    assert!(whole < Duration::from_secs(40), "{whole:?} of 40 s");
    assert!(again.next.clone().ask_again(far.clone(), Ends::neighbours(), &context(60_000)).changes.is_empty());

    // Nobody else gets the answer by naming the request.
    assert!(again.next.clone().asked_through(&far, None).is_none());
    assert!(again.next.clone().asked_through(&far, Some(&far)).is_none());
    let there = again.next.asked_through(&far, Some(&asker)).unwrap();
    assert_eq!(there.asker, Asker::Neighbour { next: far.clone(), from: Some(asker) });
    let said = Said::Outcome(Outcome::Failed(Failure { by: near, failing: Failing::Refused, why: String::new() }));
    let ended = there.step(Happening::Heard { from: far.clone(), said }, &context(21_000));
    assert!(matches!(ended.changes.0.first(), Some(Change::Send { to, .. }) if *to == far));
    let over = ended.next.ask_again(far, Ends::neighbours(), &context(22_000));
    assert!(over.changes.is_empty(), "what has ended isn't asked again");
}

#[test]
fn d04_a_clock_that_was_set_back_gives_no_request_more_time_than_it_had() {
    let context = |now| Context { own: name(0), now };
    let id = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let way = Way::On(name(1), Ends::neighbours());
    let later = Timestamp(1_000_000_000);
    let step = Flight::begin((id, reset()), (Asker::Here(None), None), (NOTICE, WHOLE), way, &context(later));
    let now = Timestamp(500);
    let back = step.next.step(Happening::Due(String::new()), &context(now)).next;
    assert_eq!((back.notice_by, back.until), (now.plus(NOTICE), now.plus(WHOLE)));
}

#[test]
fn d07_a_piece_that_ends_at_its_limit_is_kept_until_who_waits_for_it_has_seen_that() {
    let context = |now| Context { own: name(0), now };
    let (id, question) = ("0123456789abcdef0123456789abcdef".parse().unwrap(), Question::Log { from: LogFrom::Start });
    let way = Way::On(name(1), Ends::neighbours());
    let step = Flight::begin((id, question), (Asker::Here(None), None), (NOTICE, WHOLE), way, &context(Timestamp(0)));
    let limit = step.next.until;
    let ended = step.next.step(Happening::Due(String::new()), &context(limit)).next;
    assert!(matches!(ended.outcome(), Some(Outcome::Failed(Failure { failing: Failing::Late, .. }))), "{ended:?}");
    let kept = limit.plus(Duration::from_secs(59));
    assert!(!ended.is_over(limit) && !ended.is_over(kept), "it is seen");
    assert_eq!(ended.due_at(), Some(limit.plus(Duration::from_secs(60))));
    assert!(ended.is_over(limit.plus(Duration::from_secs(60))), "and then forgotten");
}

#[test]
fn d07_no_piece_is_kept_for_days_whatever_time_it_was_given() {
    let begin = |question| {
        let (id, context) =
            ("0123456789abcdef0123456789abcdef".parse().unwrap(), Context { own: name(0), now: Timestamp(0) });
        let asker = Asker::Neighbour { next: name(1), from: None };
        Flight::begin((id, question), (asker, None), (NOTICE, LONGEST), Way::Here, &context).next.until
    };
    assert_eq!(begin(Question::Log { from: LogFrom::Start }), Timestamp(0).plus(LONGEST_PIECE));
    assert_eq!(begin(reset()), Timestamp(0).plus(LONGEST));
}

#[test]
fn d04_a_state_written_by_this_release_is_read_by_every_later_one() {
    let text = r#"{"id":"0123456789abcdef0123456789abcdef","asker":{"neighbour":{"next":"parent","from":null}},"to":"gateway-2",
        "question":{"ask":"counters","device":"SN-1"},"since":1,"notice_by":2,"until":3,
        "phase":{"phase":"passed","next":"gateway-2"},"delay":null,"notices":0}"#;
    let read: Flight = serde_json::from_str(text).unwrap();
    assert_eq!(read.due_at(), Some(Timestamp(2)));
}
