//! Explores adoption exhaustively: two candidates, answers lost, doubled, late and swapped, devices that move or are
//! twins, and a crash between any two lines. The invariants are checked in every state that can be reached.

use super::*;
use crate::reading::DeviceType;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

/// What is stored, what is in flight, and what the world is like.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    /// Stored.
    adoptions: BTreeMap<IpAddr, Adoption>,
    devices: BTreeMap<DeviceId, (u64, Device)>,
    candidates: Vec<IpAddr>,
    /// What an operator let go.
    released: BTreeSet<DeviceId>,
    /// Who is adopted by hand: whoever asked must learn the end.
    asked: Vec<IpAddr>,
    /// Told to the parent: adopted and ended.
    told: Vec<String>,
    /// Answers on their way; a crash loses them.
    flying: Vec<(IpAddr, Event)>,
    /// Who stands where.
    standing: BTreeMap<IpAddr, Option<&'static str>>,
    now: Timestamp,
    crashes: u8,
    doubles: u8,
    /// How many devices an operator lets go, at any moment.
    releases: u8,
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn context(now: Timestamp) -> Context {
    Context { gateway: "gw".parse().unwrap(), parent: Some("root".parse().unwrap()), now }
}

fn identity(serial: &str) -> Identity {
    Identity { device_type: DeviceType::Mfp, serial: Some(serial.to_owned()), ..Identity::default() }
}

fn reach(address: IpAddr) -> Reach {
    Reach { address, snmp: None, http: None }
}

impl World {
    fn new(standing: &[(u8, Option<&'static str>)]) -> Self {
        Self::adopting(&[1, 2], Origin::Person, standing)
    }

    fn adopting(at: &[u8], origin: Origin, standing: &[(u8, Option<&'static str>)]) -> Self {
        let plugin: PluginName = "mfp".parse().unwrap();
        let begin = |last: &u8| (address(*last), Adoption::begin(reach(address(*last)), plugin.clone(), origin));
        let candidates: Vec<IpAddr> = at.iter().map(|last| address(*last)).collect();
        Self {
            adoptions: at.iter().map(begin).collect(),
            devices: BTreeMap::new(),
            asked: if origin == Origin::Person { candidates.clone() } else { Vec::new() },
            candidates,
            released: BTreeSet::new(),
            told: Vec::new(),
            flying: Vec::new(),
            standing: standing.iter().map(|(last, who)| (address(*last), *who)).collect(),
            now: Timestamp(0),
            crashes: 0,
            doubles: 0,
            releases: 0,
        }
    }

    /// With a device that was adopted before.
    fn knowing(mut self, last: u8, serial: &str) -> Self {
        let before = Adoption::begin(reach(address(last)), "mfp".parse().unwrap(), Origin::Rule);
        let device = before.adopt((identity(serial), None), None, &context(self.now));
        for change in device.changes.0 {
            if let Change::Device { id, value: Some(device), .. } = change {
                self.devices.insert(id, (0, *device));
            }
        }
        self
    }

    fn known(&self, who: &Identity, at: IpAddr) -> Option<Box<(u64, Device)>> {
        self.devices.get(&device_id(who, &context(self.now).gateway, at)).cloned().map(Box::new)
    }

    /// Every event that performing what is outstanding can bring: an answer, or none in time.
    fn answers(&self, adoption: &Adoption) -> Vec<Event> {
        let silence = Event::Failed { why: "no answer".into(), again: true };
        let who = |at: &IpAddr| self.standing.get(at).copied().flatten().map(identity);
        let Some(effect) = adoption.outstanding() else { return Vec::new() };
        match effect {
            Effect::Identify(reach) => match who(&reach.address) {
                Some(identity) => {
                    let known = self.known(&identity, reach.address);
                    let id = device_id(&identity, &context(self.now).gateway, reach.address);
                    let released = self.released.contains(&id);
                    vec![silence, Event::Identified { identity, certificate: None, known, released }]
                }
                None => vec![silence, Event::Failed { why: "not one".into(), again: false }],
            },
            Effect::AskOldAddress(reach) => {
                let Phase::Comparing { known, .. } = &adoption.phase else { unreachable!() };
                let now = self.devices.get(known).cloned().map(Box::new);
                vec![Event::OldAddress { identity: who(&reach.address), at: reach, known: now }]
            }
            Effect::WakeAt(_) => vec![Event::Due],
        }
    }

    /// What the store does: all changes, or none where one finds what it doesn't expect.
    fn commit(&mut self, at: IpAddr, step: Step) {
        for change in &step.changes.0 {
            let stored = match change {
                Change::Device { id, .. } => self.devices.get(id).map(|(version, _)| *version),
                Change::Released { id, .. } => self.released.contains(id).then_some(0),
                _ => continue,
            };
            if let Change::Device { expect, .. } | Change::Released { expect, .. } = change {
                let fits = match expect {
                    Expect::Absent => stored.is_none(),
                    Expect::Version(version) => stored == Some(*version),
                    Expect::Anything => true,
                };
                if !fits {
                    return;
                }
            }
        }
        for change in step.changes.0 {
            match change {
                Change::Device { id, value: Some(device), .. } => {
                    let version = self.devices.get(&id).map_or(0, |(version, _)| version + 1);
                    self.devices.insert(id, (version, *device));
                }
                Change::Released { id, .. } => {
                    self.released.remove(&id);
                }
                Change::Candidate { address, .. } => self.candidates.retain(|candidate| *candidate != address),
                Change::Send { message, .. } => match message.method {
                    Method::DeviceAdopted(device) => self.told.push(format!("adopted {}", device.reach.address)),
                    Method::AdoptionEnded { address, .. } => self.told.push(format!("ended {address}")),
                    _ => {}
                },
                Change::Happened(_) => {}
                other => panic!("adoption has no business with {other:?}"),
            }
        }
        self.told.sort();
        match step.next {
            Some(next) => self.adoptions.insert(at, next),
            None => self.adoptions.remove(&at),
        };
    }

    fn successors(&self) -> Vec<World> {
        let mut successors = Vec::new();
        // Something outstanding is performed, and its answer flies.
        for (at, adoption) in &self.adoptions {
            if self.flying.len() < 3 {
                for event in self.answers(adoption) {
                    if !self.flying.contains(&(*at, event.clone())) {
                        let mut next = self.clone();
                        next.flying.push((*at, event));
                        successors.push(next);
                    }
                }
            }
        }
        // An answer arrives, in any order, once or twice; it may be late.
        for (index, (at, event)) in self.flying.iter().enumerate() {
            for twice in [false, true] {
                if twice && self.doubles == 1 {
                    continue;
                }
                let mut next = self.clone();
                if twice {
                    next.doubles += 1;
                } else {
                    next.flying.remove(index);
                }
                if let Some(adoption) = next.adoptions.get(at).cloned() {
                    let step = adoption.step(event.clone(), &context(next.now));
                    next.commit(*at, step);
                }
                successors.push(next);
            }
        }
        // An operator lets a device go.
        if self.releases > 0 {
            for (id, (_, device)) in &self.devices {
                let mut next = self.clone();
                next.releases -= 1;
                next.devices.remove(id);
                next.released.insert(id.clone());
                next.candidates.push(device.reach.address);
                successors.push(next);
            }
        }
        // A crash: what was flying is lost, what is stored stays.
        if self.crashes < 2 && !self.flying.is_empty() {
            let mut next = self.clone();
            next.flying.clear();
            next.crashes += 1;
            successors.push(next);
        }
        successors
    }

    fn check(&self, context: &str) {
        let mut addresses = HashSet::new();
        for (_, device) in self.devices.values() {
            assert!(addresses.insert(device.reach.address), "{context}: two devices at one address: {self:?}");
            assert!(
                !self.candidates.contains(&device.reach.address),
                "{context}: a device is a candidate still: {self:?}"
            );
        }
        assert!(self.released.iter().all(|id| !self.devices.contains_key(id)), "{context}: let go and there: {self:?}");
        for at in &self.asked {
            let ended = self.told.iter().filter(|told| **told == format!("ended {at}")).count();
            let adopted = self.told.iter().filter(|told| **told == format!("adopted {at}")).count();
            assert!(ended + adopted <= 1, "{context}: an adoption ended twice: {self:?}");
            let running = self.adoptions.contains_key(at);
            assert_eq!(running, ended + adopted == 0, "{context}: whoever asked must learn the end: {self:?}");
            if ended == 1 {
                assert!(self.candidates.contains(at), "{context}: a candidate was lost: {self:?}");
            }
        }
    }
}

fn explore(name: &str, standing: &[(u8, Option<&'static str>)]) -> Vec<World> {
    explore_from(name, World::new(standing))
}

fn explore_from(name: &str, start: World) -> Vec<World> {
    let mut seen = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([start]);
    let mut ends = Vec::new();
    while let Some(world) = queue.pop_front() {
        world.check(name);
        let successors = world.successors();
        if world.adoptions.values().all(|adoption| adoption.outstanding().is_none()) && world.flying.is_empty() {
            ends.push(world);
        } else {
            assert!(!successors.is_empty(), "{name}: stuck in {world:?}");
        }
        for next in successors {
            if seen.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    assert!(!ends.is_empty(), "{name}: never at rest");
    ends
}

#[test]
fn two_different_things_are_both_adopted_or_said_to_be_silent() {
    for end in explore("two things", &[(1, Some("A1")), (2, Some("B2"))]) {
        assert_eq!(end.devices.len() + end.candidates.len(), 2);
    }
}

#[test]
fn twins_never_become_one_device_twice() {
    for end in explore("twins", &[(1, Some("A1")), (2, Some("A1"))]) {
        assert!(end.devices.len() <= 1, "{end:?}");
        assert_eq!(end.devices.len() + end.candidates.len(), 2, "{end:?}");
    }
}

#[test]
fn twins_never_take_each_others_place() {
    // Two that say that they are the one which is silent at its address: one of them is it, or neither answers.
    let world = World::adopting(&[2, 3], Origin::Person, &[(1, None), (2, Some("A1")), (3, Some("A1"))]);
    for end in explore_from("twins of a silent one", world.knowing(1, "A1")) {
        assert_eq!(end.devices.len(), 1, "{end:?}");
        let adopted = end.told.iter().filter(|told| told.starts_with("adopted")).count();
        assert!(adopted <= 1, "one took the other's place: {end:?}");
        assert_eq!(end.candidates.len(), 2 - adopted, "{end:?}");
    }
}

#[test]
fn what_was_let_go_is_not_brought_back_by_a_rule() {
    let mut world = World::adopting(&[2], Origin::Rule, &[(1, None), (2, Some("A1"))]).knowing(1, "A1");
    world.releases = 1;
    let ends = explore_from("let go while it moves", world);
    assert!(ends.iter().any(|end| end.devices.is_empty() && !end.released.is_empty()));
    assert!(ends.iter().any(|end| end.devices.len() == 1), "let go too late to matter, or not at all");
}

#[test]
fn what_was_let_go_is_brought_back_by_hand() {
    let mut world = World::adopting(&[2], Origin::Person, &[(2, Some("A1"))]);
    world.released.insert(device_id(&identity("A1"), &context(world.now).gateway, address(2)));
    let ends = explore_from("wanted back", world);
    assert!(ends.iter().all(|end| end.devices.is_empty() != end.released.is_empty()), "{ends:?}");
    assert!(ends.iter().any(|end| end.devices.len() == 1));
}

#[test]
fn how_a_rule_failed_is_told_once_and_upwards() {
    let begin = || Adoption::begin(reach(address(1)), "mfp".parse().unwrap(), Origin::Rule);
    let fail = |adoption: Adoption, why: &str| {
        adoption.step(Event::Failed { why: why.to_owned(), again: false }, &context(Timestamp(1_000)))
    };
    let first = fail(begin(), "two devices with one serial number");
    let told_above = |change: &Change| matches!(change, Change::Send { message, .. } if matches!(message.method, Method::EventHappened(_)));
    assert!(first.changes.0.iter().any(told_above), "{first:?}");
    let ended = first.next.unwrap();
    assert_eq!(ended.outstanding(), None);
    let same = fail(begin().after(&ended), "two devices with one serial number");
    assert!(same.changes.is_empty(), "{same:?}");
    assert!(!fail(begin().after(&ended), "it refused").changes.is_empty(), "something else is told");
}

#[test]
fn what_a_rule_could_not_adopt_rests_until_something_changed() {
    let ended = |again| Adoption {
        phase: Phase::Ended { why: "a twin".into(), at: Timestamp(1_000), again },
        ..Adoption::begin(reach(address(1)), "mfp".parse().unwrap(), Origin::Rule)
    };
    let day = Timestamp(1_000).plus(REST);
    assert!(ended(false).rests(Some(Timestamp(999)), Timestamp(1_001)));
    assert!(!ended(false).rests(Some(Timestamp(999)), day), "a day has passed");
    assert!(!ended(false).rests(Some(Timestamp(1_001)), Timestamp(1_002)), "another plug-in may know better");
    assert!(!ended(false).rests(None, Timestamp(0)), "the clock was wrong");
    assert!(!ended(true).rests(None, Timestamp(1_001)), "it may answer now");
}

#[test]
fn the_longest_wait_is_what_the_last_attempt_waits() {
    let last = Phase::Identifying { attempt: ATTEMPTS - 1 };
    let adoption = Adoption { phase: last, ..Adoption::begin(reach(address(1)), "mfp".parse().unwrap(), Origin::Rule) };
    let silence = Event::Failed { why: "no answer".into(), again: true };
    let next = adoption.step(silence, &context(Timestamp(0))).next.unwrap();
    assert_eq!(next.outstanding(), Some(Effect::WakeAt(Timestamp(0).plus(LONGEST_WAIT))));
}

#[test]
fn what_is_not_one_stays_a_candidate() {
    for end in explore("one and none", &[(1, Some("A1")), (2, None)]) {
        assert!(end.candidates.contains(&address(2)));
    }
}

#[test]
fn a_device_that_moved_is_found_again() {
    let mut world = World::new(&[(1, None), (2, Some("A1"))]);
    world.adoptions.remove(&address(1));
    let old = Adoption::begin(reach(address(1)), "mfp".parse().unwrap(), Origin::Rule);
    let adopted = old.adopt((identity("A1"), None), None, &context(world.now));
    world.commit(address(1), adopted);
    let shown = Certificate::after(None, Fingerprint::of(b"its own"));
    world.devices.values_mut().for_each(|(_, device)| device.certificate = Some(shown.clone()));
    let mover = world.adoptions[&address(2)].clone();
    let answer = world.answers(&mover).pop().unwrap();
    world.commit(address(2), mover.step(answer, &context(world.now)));
    let comparing = world.adoptions[&address(2)].clone();
    let answer = world.answers(&comparing).pop().unwrap();
    world.commit(address(2), comparing.step(answer, &context(world.now)));
    assert_eq!(world.devices.len(), 1);
    let (_, device) = world.devices.values().next().unwrap();
    assert_eq!(device.reach.address, address(2));
    assert_eq!(device.certificate, Some(shown), "it is the same thing");
}

#[test]
fn a_state_written_by_this_release_is_read_by_every_later_one() {
    let text = r#"{"reach":{"address":"192.0.2.1","snmp":{"port":161,"credential":"public"},"http":null},
        "plugin":"mfp","origin":"person","phase":{"phase":"waiting","attempt":2,"until":10000}}"#;
    let read: Adoption = serde_json::from_str(text).unwrap();
    assert_eq!(read.outstanding(), Some(Effect::WakeAt(Timestamp(10_000))));
}
