//! Explores enrollment exhaustively: devices that share invitations, one manager, requests and answers lost, doubled and
//! late, decisions made on rows that change meanwhile, restarts, resets and the owner's doings between any two steps. The
//! invariants are checked in every state that can be reached; planted faults show that they can fail.
//!
//! A manager that crashes loses what it is deciding and answering, each of which can be lost here on its own.
//!
//! Here is the world and the search; [`scenarios`] has what is explored.

mod scenarios;

use super::device::{By, Effect, Event, Joining, State};
use super::*;
use crate::access::TokenDigest;
use crate::id::RegistrationId;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

const START: Timestamp = Timestamp(0);
const END: Timestamp = Timestamp(1_000);
/// How many messages are on their way at most.
const FLYING: usize = 3;

/// A device, or somebody who says that he is one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Thing {
    device: DeviceId,
    /// Which key pair it has; a reset makes the next.
    key: u8,
    joining: Joining,
    /// Whose PIN or key it is given.
    invitation: usize,
    in_memory: bool,
    token: Option<TokenDigest>,
    /// How often it may be given the PIN, ask again, be restarted, be reset, and be told at the device to leave it.
    clicks: u8,
    retries: u8,
    restarts: u8,
    resets: u8,
    calls_off: u8,
    /// Whose PIN it may be given by hand while it tries another.
    by_hand: Option<usize>,
}

/// A request as it flies.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Ask {
    thing: usize,
    key: u8,
    attempt: u64,
    invitation: usize,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(clippy::large_enum_variant, reason = "three of them at most are on their way")]
enum Message {
    Request(Ask),
    /// The manager has read the rows and hasn't committed yet.
    Deciding(Ask, Option<(u64, Invitation)>, Option<(u64, Enrolled)>),
    Answer(Ask, Result<TokenDigest, Refusal>),
}

/// What the owner or an administrator does, once each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Act {
    LetReturn,
    Bar,
    Unbar,
    Release,
    Withdraw,
    /// Nobody does that: the invitations' time is over.
    Expire,
}

/// What a manager can get wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Fault {
    None,
    AttemptsUnread,
    PlacesUncounted,
    CommitsBlindly,
    FormerGoesOn,
    AnyKeyWillDo,
    RetryTakesPlace,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    /// Stored.
    invitations: Vec<(u64, Invitation)>,
    rows: BTreeMap<DeviceId, (u64, Enrolled)>,
    /// Tokens that the manager accepts, kept by what is issued and what ends alone.
    living: BTreeSet<TokenDigest>,
    things: Vec<Thing>,
    flying: Vec<Message>,
    now: Timestamp,
    acts: BTreeSet<Act>,
    doubles: u8,
    /// Who came in, seen from outside: by which invitation, as which device, with which key, how often let go before.
    came_in: BTreeSet<(usize, DeviceId, KeyFingerprint, u8)>,
    let_go: BTreeMap<DeviceId, u8>,
    ended_by_owner: BTreeSet<TokenDigest>,
    fault: Fault,
}

fn fingerprint(thing: usize, key: u8) -> KeyFingerprint {
    KeyFingerprint::of(&[u8::try_from(thing).unwrap(), key])
}

fn pin(invitation: usize) -> Pin {
    format!("000{invitation}").parse().unwrap()
}

fn secret(invitation: usize) -> EnrollmentKey {
    EnrollmentKey::from_bytes([u8::try_from(invitation).unwrap() + 1; 32])
}

fn invitation(index: usize, means: Means, places: Places, by: &str) -> (u64, Invitation) {
    let registration: RegistrationId = "r-1".parse().unwrap();
    let digest = if means == Means::Pin { pin(index).digest() } else { secret(index).id() };
    let (state, by) = (InvitationState::Alive, by.parse().unwrap());
    (
        0,
        Invitation {
            digest,
            by,
            registration,
            index: 0,
            means,
            places,
            taken: 0,
            made_at: START,
            expires_at: END,
            state,
        },
    )
}

fn thing(device: &str, invitation: usize) -> Thing {
    Thing {
        device: device.parse().unwrap(),
        key: 0,
        joining: Joining::default(),
        invitation,
        in_memory: false,
        token: None,
        clicks: 1,
        retries: 1,
        restarts: 0,
        resets: 0,
        calls_off: 0,
        by_hand: None,
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl World {
    fn new(invitations: Vec<(u64, Invitation)>, things: Vec<Thing>) -> Self {
        Self {
            invitations,
            rows: BTreeMap::new(),
            living: BTreeSet::new(),
            things,
            flying: Vec::new(),
            now: START,
            acts: BTreeSet::new(),
            doubles: 1,
            came_in: BTreeSet::new(),
            let_go: BTreeMap::new(),
            ended_by_owner: BTreeSet::new(),
            fault: Fault::None,
        }
    }

    /// One invitation by PIN, and things that are given it.
    fn sharing(places: Places, things: Vec<Thing>) -> Self {
        Self::new(vec![invitation(0, Means::Pin, places, "u@example")], things)
    }

    fn request(&self, ask: &Ask) -> ConnectionRequest {
        let device = self.things[ask.thing].device.clone();
        let mut request = ConnectionRequest {
            node: format!("node-{}", device.as_str().to_ascii_lowercase()).parse().unwrap(),
            device,
            proof: Credential::Pin(pin(ask.invitation)),
            user: None,
            key: fingerprint(ask.thing, ask.key),
            attempt: Some(ask.attempt),
        };
        if self.invitations.get(ask.invitation).is_some_and(|(_, invitation)| invitation.means == Means::Key) {
            let key = secret(ask.invitation);
            request.proof = Credential::Key { id: key.id(), mac: key.proof(&request.claim()) };
        }
        request
    }

    /// What the manager reads for a request.
    fn read(&self, ask: Ask) -> Message {
        let digest = self.request(&ask).proof.digest();
        let known = self.invitations.iter().find(|(_, invitation)| invitation.digest == digest).cloned();
        let row = self.rows.get(&self.things[ask.thing].device).cloned();
        Message::Deciding(ask, known, row)
    }

    fn decide(&self, ask: &Ask, known: Option<(u64, Invitation)>, mut row: Option<(u64, Enrolled)>) -> Decision {
        let mut request = self.request(ask);
        let key = known.as_ref().filter(|(_, known)| known.means == Means::Key).map(|_| secret(ask.invitation));
        let known = known.map(|(version, invitation)| Known { version, invitation, key });
        match self.fault {
            Fault::AttemptsUnread => request.attempt = None,
            Fault::AnyKeyWillDo => row.iter_mut().for_each(|(_, row)| row.key = request.key.clone()),
            _ => {}
        }
        let holder = if row.is_some() { Holder::Device(request.device.clone()) } else { Holder::Nobody };
        let version = row.as_ref().map_or(0, |(version, _)| version + 1);
        let name = format!("{} {} {} {version}", request.device, ask.thing, ask.attempt);
        let fresh = Issued { token: TokenDigest(name), serial: "0a".parse().unwrap(), public_key: None };
        let policy = Policy { any: AnyNumber::Allowed, retry_for: RETRY_FOR };
        let mut decision = decide(&request, known.as_ref(), row.as_ref(), &holder, fresh, &policy, self.now);
        if let Decision::Granted(granted) = &mut decision {
            match self.fault {
                Fault::PlacesUncounted => granted.next_invitation = None,
                Fault::FormerGoesOn => granted.ends = None,
                Fault::RetryTakesPlace if granted.next_invitation.is_none() => {
                    let taken = known.as_ref().and_then(|known| known.invitation.with_one_taken());
                    granted.next_invitation = known.as_ref().map(|known| known.version).zip(taken);
                }
                _ => {}
            }
        }
        decision
    }

    /// What the store does: all of it, or nothing where a row isn't what it was.
    fn commit(&mut self, ask: &Ask, granted: Granted) -> Option<TokenDigest> {
        let device = self.things[ask.thing].device.clone();
        let before = self.rows.get(&device).cloned();
        let index = self.invitations.iter().position(|(_, row)| row.digest == granted.next_enrolled.1.invitation)?;
        let fits = granted.next_enrolled.0 == before.as_ref().map(|(version, _)| *version)
            && granted.next_invitation.as_ref().is_none_or(|(version, _)| *version == self.invitations[index].0);
        if !fits && self.fault != Fault::CommitsBlindly {
            return None;
        }
        if let Some((version, invitation)) = granted.next_invitation {
            self.invitations[index] = (version + 1, invitation);
        }
        let row = granted.next_enrolled.1;
        let token = row.issued.token.clone();
        self.end(granted.ends.as_ref());
        self.living.insert(token.clone());
        let times = self.let_go.get(&device).copied().unwrap_or(0);
        self.came_in.insert((index, device.clone(), row.key.clone(), times));
        self.rows.insert(device, (before.map_or(0, |(version, _)| version + 1), row));
        Some(token)
    }

    fn end(&mut self, ended: Option<&Ended>) {
        ended.iter().for_each(|ended| _ = self.living.remove(&ended.issued.token));
    }

    /// An event at a thing, and what it does about it; with an answer comes a token.
    fn happens(&mut self, index: usize, event: Event, token: Option<TokenDigest>, now: Timestamp) {
        let thing = &mut self.things[index];
        let (next, effects) = thing.joining.clone().step(event, now);
        thing.joining = next;
        for effect in effects {
            match effect {
                Effect::Ask { attempt } => {
                    let ask = Ask { thing: index, key: thing.key, attempt, invitation: thing.invitation };
                    self.flying.push(Message::Request(ask));
                }
                Effect::KeepPin => thing.in_memory = true,
                Effect::ForgetPin => thing.in_memory = false,
                Effect::DropToken => thing.token = None,
                Effect::KeepToken => thing.token = token.clone(),
                Effect::WakeAt(_) => {}
                Effect::Decline(why) => panic!("nobody gives a PIN now: {why}"),
            }
        }
    }

    fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next
    }

    fn successors(&self) -> Vec<World> {
        let mut successors = Vec::new();
        (0..self.things.len()).for_each(|index| self.at_a_thing(index, &mut successors));
        (0..self.flying.len()).for_each(|index| self.on_the_way(index, &mut successors));
        for act in &self.acts {
            successors.push(self.but(|next| {
                next.acts.remove(act);
                next.act(*act);
            }));
        }
        // In which order they were sent makes no difference.
        successors.iter_mut().for_each(|next| next.flying.sort_by_cached_key(hash));
        successors
    }

    /// What can happen at a thing.
    fn at_a_thing(&self, index: usize, successors: &mut Vec<World>) {
        let thing = &self.things[index];
        let may_ask = self.flying.len() < FLYING;
        match &thing.joining.state {
            State::NotConnected { .. } if thing.clicks > 0 && may_ask => successors.push(self.but(|next| {
                next.things[index].clicks -= 1;
                next.happens(index, Event::WindowOpened { until: END }, None, START);
                next.happens(index, Event::PinGiven(By::Network), None, START);
            })),
            State::NotConnected { .. } => {}
            State::Connecting { next: None, .. } => {
                let attempt = thing.joining.attempt;
                successors.push(self.but(|next| next.happens(index, Event::TimedOut { attempt }, None, START)));
            }
            State::Connecting { next: Some(due), until, .. } => {
                if thing.retries > 0 && may_ask {
                    successors.push(self.but(|next| {
                        next.things[index].retries -= 1;
                        next.happens(index, Event::Due, None, *due);
                    }));
                }
                successors.push(self.but(|next| next.happens(index, Event::Due, None, *until)));
            }
            State::Connected { .. } => {
                let attempt = thing.joining.attempt;
                if thing.token.as_ref().is_some_and(|token| self.ended_by_owner.contains(token)) {
                    successors
                        .push(self.but(|next| next.happens(index, Event::TokenRejected { attempt }, None, START)));
                }
            }
        }
        if thing.restarts > 0 && matches!(thing.joining.state, State::Connecting { .. }) {
            successors.push(self.but(|next| {
                next.things[index].restarts -= 1;
                next.things[index].in_memory = false;
                next.happens(index, Event::Restarted, None, START);
            }));
        }
        if thing.calls_off > 0 && matches!(thing.joining.state, State::Connecting { .. }) {
            successors.push(self.but(|next| {
                next.things[index].calls_off -= 1;
                next.happens(index, Event::WindowClosed, None, START);
            }));
        }
        if let (Some(other), State::Connecting { .. }, true) = (thing.by_hand, &thing.joining.state, may_ask) {
            successors.push(self.but(|next| {
                (next.things[index].invitation, next.things[index].by_hand) = (other, None);
                next.happens(index, Event::PinGiven(By::Hand), None, START);
            }));
        }
        if thing.resets > 0 && thing.joining.attempt > 0 {
            successors.push(self.but(|next| {
                let thing = &mut next.things[index];
                let (key, resets, clicks) = (thing.key + 1, thing.resets - 1, thing.clicks + 1);
                let (joining, token) = (Joining::default(), None);
                *thing = Thing { key, resets, clicks, joining, token, in_memory: false, ..thing.clone() };
            }));
        }
    }

    /// What can happen to a message: it is lost, or it arrives, in any order, maybe once more later.
    fn on_the_way(&self, index: usize, successors: &mut Vec<World>) {
        let lost = self.but(|next| _ = next.flying.remove(index));
        successors.push(lost.but(|next| next.arrive(self.flying[index].clone())));
        let is_decision = matches!(self.flying[index], Message::Deciding(..));
        if self.doubles > 0 && !is_decision && self.flying.len() < FLYING {
            successors.push(self.but(|next| {
                next.doubles -= 1;
                next.arrive(self.flying[index].clone());
            }));
        }
        successors.push(lost);
    }

    fn arrive(&mut self, message: Message) {
        let next = match message {
            Message::Request(ask) => Some(self.read(ask)),
            Message::Deciding(ask, known, row) => match self.decide(&ask, known, row) {
                Decision::Refused(why) => Some(Message::Answer(ask, Err(why))),
                Decision::Granted(granted) => match self.commit(&ask, *granted) {
                    Some(token) => Some(Message::Answer(ask, Ok(token))),
                    None => Some(self.read(ask)),
                },
            },
            Message::Answer(ask, _) if self.things[ask.thing].key != ask.key => None,
            Message::Answer(Ask { thing, attempt, .. }, answer) => {
                let event = match &answer {
                    Ok(_) => Event::Answered { attempt, manager: "hq".into(), owner: "u@example".parse().unwrap() },
                    Err(why) => Event::Refused { attempt, why: *why },
                };
                self.happens(thing, event, answer.ok(), START);
                None
            }
        };
        self.flying.extend(next);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Expire => self.now = END,
            Act::Withdraw => {
                let (version, row) = &mut self.invitations[0];
                (*version, *row) = (*version + 1, row.withdrawn(Withdrawal::ByUser).unwrap());
            }
            Act::LetReturn | Act::Bar | Act::Unbar | Act::Release => {
                let Some((device, (version, row))) = self.rows.pop_first() else { return };
                let moved = match act {
                    Act::LetReturn => row.clone().let_return(START).ok(),
                    Act::Unbar => row.clone().unbar(START).ok(),
                    Act::Release => row.clone().release(START).ok(),
                    _ => Some(row.clone().bar("lost", START)),
                };
                let moved = moved.unwrap_or(Moved { next: row, ends: None });
                self.ended_by_owner.extend(moved.ends.iter().map(|ended| ended.issued.token.clone()));
                self.end(moved.ends.as_ref());
                *self.let_go.entry(device.clone()).or_default() += u8::from(moved.ends.is_some());
                self.rows.insert(device, (version + 1, moved.next));
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        let due = |thing: &Thing| match thing.joining.state {
            State::Connecting { .. } => true,
            State::Connected { .. } => thing.token.as_ref().is_some_and(|token| self.ended_by_owner.contains(token)),
            State::NotConnected { .. } => false,
        };
        self.flying.is_empty() && !self.things.iter().any(due)
    }

    /// What must hold always; at rest, that each thing has a token that is good or knows why not.
    fn check(&self) -> Result<(), &'static str> {
        let ensure = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
        for (index, (_, invitation)) in self.invitations.iter().enumerate() {
            let came_in = self.came_in.iter().filter(|(by, ..)| *by == index).count();
            ensure(invitation.taken as usize == came_in, "a place was lost, or used twice")?;
        }
        let living = self.rows.values().filter_map(|(_, row)| row.living());
        let good: BTreeSet<_> = living.map(|living| living.issued.token).collect();
        ensure(self.living == good, "a token lives that no row has, or the other way round")?;
        for (index, thing) in self.things.iter().enumerate() {
            let connecting = matches!(thing.joining.state, State::Connecting { .. });
            ensure(thing.in_memory == connecting, "a PIN is kept longer than needed, or not as long")?;
            let connected = matches!(thing.joining.state, State::Connected { .. });
            ensure(thing.token.is_some() == connected, "a thing says what isn't so")?;
            let Some(token) = &thing.token else {
                let silent = thing.joining.state == State::NotConnected { why: None };
                ensure(!silent || thing.joining.attempt == 0, "a thing isn't connected and doesn't know why")?;
                continue;
            };
            ensure(thing.invitation < self.invitations.len(), "a thing came in that nobody invited")?;
            let good = self.living.contains(token);
            ensure(good || self.ended_by_owner.contains(token), "a thing's token ended, and its owner didn't end it")?;
            let own = |row: &Enrolled| row.key == fingerprint(index, thing.key) && row.issued.token == *token;
            let row = self.rows.get(&thing.device).is_some_and(|(_, row)| own(row));
            ensure(!good || row, "a thing has a token that is another's")?;
        }
        Ok(())
    }

    /// How many things have a token that is good.
    fn connected(&self) -> usize {
        let holds = |thing: &&Thing| thing.token.as_ref().is_some_and(|token| self.living.contains(token));
        self.things.iter().filter(holds).count()
    }

    fn refused(&self, index: usize) -> Option<Refusal> {
        match self.things[index].joining.state {
            State::NotConnected { why: Some(device::Reason::Refused(why)) } => Some(why),
            _ => None,
        }
    }
}

/// Goes through every state that can be reached. Returns those at rest, or what was found wrong.
fn search(name: &str, start: World) -> Result<Vec<World>, String> {
    let places: Vec<Places> = start.invitations.iter().map(|(_, invitation)| invitation.places).collect();
    // Of a state its hash is kept: two of a million alike would be a chance of one in ten million.
    let mut seen = HashSet::from([hash(&start)]);
    let mut queue = VecDeque::from([start]);
    let mut ends = Vec::new();
    while let Some(world) = queue.pop_front() {
        world.check().map_err(|what| format!("{name}: {what}: {world:#?}"))?;
        for ((_, now), places) in world.invitations.iter().zip(&places) {
            let Places::Exactly { left: had } = places else { continue };
            if now.places != (Places::Exactly { left: had.saturating_sub(now.taken) }) || now.taken > *had {
                return Err(format!("{name}: places were miscounted: {world:#?}"));
            }
        }
        let successors = world.successors();
        if world.is_at_rest() {
            ends.push(world);
        } else if successors.is_empty() {
            return Err(format!("{name}: stuck: {world:#?}"));
        }
        for next in successors {
            if seen.insert(hash(&next)) {
                queue.push_back(next);
            }
        }
    }
    println!("{name}: {} states, {} of them at rest", seen.len(), ends.len());
    Ok(ends)
}

fn explore(name: &str, start: World) -> Vec<World> {
    let ends = search(name, start).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(!ends.is_empty(), "{name}: never at rest");
    ends
}
