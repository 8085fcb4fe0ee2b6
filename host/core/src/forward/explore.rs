//! Everything that can become of a few events, up to a number of faults: deliveries that fail or are refused, acknowledgements
//! that are lost, crashes at every step, events that come at every moment, one that is never taken.

use super::*;
use std::collections::{HashSet, VecDeque};

const NOW: Timestamp = Timestamp(1_000);
const EVENTS: u64 = 4;
/// So many attempts in a row are looked at: more than it takes until it is told, and until another one is sent.
const TRIES: u32 = 7;

/// The third doesn't fit.
fn fits(number: u64) -> bool {
    number != 3
}

/// The world: what is stored, what runs, what the receiver has.
#[derive(Clone, PartialEq, Eq, Debug)]
struct World {
    stored: u64,
    kept: Cursor,
    running: Forwarding,
    taken: Vec<u64>,
    now: Timestamp,
    faults: u8,
    /// An event that the receiver refuses for what it is.
    poison: u64,
}

fn pace() -> Pace {
    Pace { gather: Duration::from_secs(1), most: 2 }
}

fn keep(mut world: World, outcome: &Outcome) -> World {
    if outcome.keep {
        world.kept = world.running.cursor().clone();
    }
    world
}

/// What may happen next.
fn steps(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    if world.stored < EVENTS {
        let mut more = world.clone();
        more.stored += 1;
        more.running.stored();
        all.push(more);
    }
    if world.faults > 0 {
        let mut crashed = world.clone();
        crashed.faults -= 1;
        crashed.running = Forwarding::new(world.kept.clone(), pace());
        all.push(crashed);
    }
    match world.running.next(world.now) {
        Next::Idle => {}
        Next::Rest(at) | Next::Gather(at) => all.push(World { now: at, ..world.clone() }),
        Next::Look { after, most } => {
            let mut looked = world.clone();
            let mut found = Looked { oldest: (world.stored > 0).then_some(1), through: after, ..Looked::default() };
            for number in after + 1..=world.stored {
                if found.fitting.len() >= most {
                    found.more = true;
                    break;
                }
                found.through = number;
                found.fitting.extend(fits(number).then_some(number));
            }
            let outcome = looked.running.looked(found, world.now);
            all.push(keep(looked, &outcome));
        }
        Next::Send(numbers) => {
            assert!(!numbers.is_empty() && numbers.len() <= 2, "{numbers:?}");
            if numbers.contains(&world.poison) {
                let mut refused = world.clone();
                let outcome = refused.running.failed(numbers.len(), Verdict::Refused, "no".to_owned(), world.now);
                all.push(keep(refused, &outcome));
                return all;
            }
            let mut took = world.clone();
            took.taken.extend(&numbers);
            if world.faults > 0 {
                // It took them, and nobody heard that; or it didn't.
                for (of, verdict) in [(&took, Verdict::Again), (world, Verdict::Again), (world, Verdict::Refused)] {
                    let mut failed = of.clone();
                    failed.faults -= 1;
                    let outcome = failed.running.failed(numbers.len(), verdict, "down".to_owned(), world.now);
                    all.push(keep(failed, &outcome));
                }
                let mut crashed = took.clone();
                crashed.faults -= 1;
                crashed.running = Forwarding::new(world.kept.clone(), pace());
                all.push(crashed);
            }
            let outcome = took.running.sent(numbers.len(), world.now);
            all.push(keep(took, &outcome));
        }
    }
    all
}

#[test]
fn d07_whatever_fails_each_fitting_event_is_taken_and_nothing_is_taken_again_without_a_fault() {
    explore(0, &[1, 2, 4]);
}

#[test]
fn d07_what_is_refused_for_what_it_is_is_passed_over_once_another_was_taken() {
    explore(2, &[1, 4]);
}

fn explore(poison: u64, expected: &[u64]) {
    let running = Forwarding::new(Cursor::default(), pace());
    let kept = Cursor::default();
    let first = World { stored: 0, kept, running, taken: Vec::new(), now: NOW, faults: 2, poison };
    let (mut seen, mut todo) = (HashSet::new(), VecDeque::from([first]));
    let mut ends = 0;
    while let Some(world) = todo.pop_front() {
        // One that is refused and has no other behind it is tried for ever: nothing new comes of that.
        let tried = world.running.cursor().trouble.as_ref().map_or(0, |trouble| trouble.attempts);
        if tried > TRIES || !seen.insert(format!("{world:?}")) {
            continue;
        }
        let through = world.kept.through;
        let settled = (1..=through).filter(|number| fits(*number) && *number != poison);
        assert!(settled.into_iter().all(|number| world.taken.contains(&number)), "settled and not taken: {world:?}");
        let mut firsts = HashSet::new();
        let order: Vec<u64> = world.taken.iter().filter(|number| firsts.insert(**number)).copied().collect();
        assert!(order.is_sorted(), "{world:?}");
        if world.faults == 2 {
            assert_eq!(order.len(), world.taken.len(), "taken twice without a fault: {world:?}");
        }
        let next = steps(&world);
        if world.stored == EVENTS && world.running.next(world.now) == Next::Idle {
            ends += 1;
            assert_eq!(order, expected, "{world:?}");
            assert_eq!((world.kept.lost, world.kept.refused), (0, u64::from(poison > 0)), "{world:?}");
        }
        todo.extend(next);
    }
    assert!(ends > 3 && seen.len() > 300, "{ends} ends, {} worlds", seen.len());
}

/// A rule whose batch is these.
fn with(numbers: impl IntoIterator<Item = u64>) -> Forwarding {
    let mut forwarding = Forwarding::new(Cursor::default(), Pace { gather: Duration::ZERO, most: 4 });
    let fitting: Vec<u64> = numbers.into_iter().collect();
    let through = fitting.last().copied().unwrap_or_default();
    let _ = forwarding.looked(Looked { oldest: Some(1), through, fitting, more: false }, NOW);
    forwarding
}

#[test]
fn d07_a_receiver_that_is_down_for_days_is_tried_less_and_less_and_what_fell_out_is_told() {
    let mut forwarding = with([1, 2]);
    let mut now = NOW;
    let mut told = Vec::new();
    for _ in 0..20 {
        told.extend(forwarding.failed(2, Verdict::Again, "it answered 503".to_owned(), now).tell);
        let Next::Rest(at) = forwarding.next(now) else { panic!("{forwarding:?}") };
        assert!(at.since(now) <= LONGEST);
        now = at;
        assert!(matches!(forwarding.next(now), Next::Look { after: 2, most: 2 }));
        let _ = forwarding.looked(Looked { oldest: Some(1), through: 2, ..Looked::default() }, now);
    }
    assert_eq!(told.iter().map(|notice| notice.name).collect::<Vec<_>>(), ["forward.failing"], "once");
    let _ = forwarding.failed(2, Verdict::Again, "it answered 503".to_owned(), now);
    let looked = Looked { oldest: Some(11), through: 12, fitting: vec![12], more: false };
    let outcome = forwarding.looked(looked, now);
    assert_eq!(outcome.tell[0].name, "forward.lost");
    assert!(outcome.keep && outcome.tell[0].text.starts_with("10 events"), "{outcome:?}");
    assert_eq!(forwarding.cursor().through, 11);
    let outcome = forwarding.sent(1, now);
    assert_eq!(outcome.tell.iter().map(|notice| notice.name).collect::<Vec<_>>(), ["forward.works-again"]);
    assert_eq!((forwarding.cursor().through, forwarding.next(now)), (12, Next::Idle));
}

#[test]
fn d07_a_clock_that_is_put_back_holds_up_nothing() {
    let mut forwarding = Forwarding::new(Cursor::default(), pace());
    let later = Timestamp(NOW.0 + 86_400_000);
    let _ = forwarding.looked(Looked { oldest: Some(1), through: 1, fitting: vec![1], more: false }, later);
    assert!(matches!(forwarding.next(later), Next::Gather(_)));
    assert_eq!(forwarding.next(NOW), Next::Send(vec![1]));
    let _ = forwarding.failed(1, Verdict::Again, "it answered 503".to_owned(), later);
    assert!(matches!(forwarding.next(later), Next::Rest(_)));
    assert_eq!(forwarding.next(NOW), Next::Look { after: 1, most: 1 });
}

#[test]
fn d07_one_notice_that_is_refused_does_not_hold_up_the_others() {
    let mut forwarding = with([1, 2, 3, 4]);
    let (mut taken, mut told, mut now): (Vec<u64>, Vec<Notice>, _) = (Vec::new(), Vec::new(), NOW);
    loop {
        match forwarding.next(now) {
            Next::Send(numbers) if numbers.contains(&2) => {
                told.extend(forwarding.failed(numbers.len(), Verdict::Refused, "it answered 422".to_owned(), now).tell);
            }
            Next::Send(numbers) => {
                taken.extend(&numbers);
                told.extend(forwarding.sent(numbers.len(), now).tell);
            }
            Next::Look { after, .. } => {
                let looked = Looked { oldest: Some(1), through: after, ..Looked::default() };
                told.extend(forwarding.looked(looked, now).tell);
            }
            Next::Rest(at) | Next::Gather(at) => now = at,
            Next::Idle => break,
        }
    }
    assert_eq!(taken, [1, 3, 4]);
    assert_eq!(told.iter().map(|notice| notice.name).collect::<Vec<_>>(), ["forward.refused"]);
    assert_eq!((forwarding.cursor().refused, forwarding.cursor().delivered), (1, 3));
}

#[test]
fn d07_a_receiver_that_refuses_everything_loses_nothing_and_is_told() {
    let mut forwarding = with([1, 2, 3, 4]);
    let (mut now, mut told) = (NOW, Vec::new());
    for _ in 0..100 {
        match forwarding.next(now) {
            Next::Send(numbers) => {
                told.extend(forwarding.failed(numbers.len(), Verdict::Refused, "it answered 400".to_owned(), now).tell);
            }
            Next::Look { after, .. } => {
                told.extend(
                    forwarding.looked(Looked { oldest: Some(1), through: after, ..Looked::default() }, now).tell,
                );
            }
            Next::Rest(at) | Next::Gather(at) => now = at,
            Next::Idle => panic!("{forwarding:?}"),
        }
    }
    assert_eq!(told.iter().map(|notice| notice.name).collect::<Vec<_>>(), ["forward.failing"]);
    let cursor = forwarding.cursor();
    assert_eq!((cursor.through, cursor.refused, cursor.lost), (0, 0, 0));
    assert!(cursor.trouble.is_some());
}

#[test]
fn d07_what_is_told_of_a_rule_is_not_forwarded_by_it() {
    let (rule, other): (RuleName, RuleName) = ("on-call".parse().unwrap(), "on".parse().unwrap());
    let notice = Notice { name: "forward.failing", severity: Severity::Warning, text: "down".to_owned() };
    let event = notice.event(&rule, NOW);
    assert!(is_about(&event, &rule) && !is_about(&event, &other));
    assert!(!is_about(&Event { node: "gateway-1".parse().ok(), ..event }, &rule), "of a rule of that name elsewhere");
}
