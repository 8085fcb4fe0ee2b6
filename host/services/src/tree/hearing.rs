//! What the messages of one exchange change here: a child speaks for itself and for the nodes below it, of its own devices,
//! and of nothing later than now. What is taken goes on to this node's own parent in the same commit.

use super::keeping_out::KeptOut;
use super::parent::Tree;
use super::set_aside::{Refused, SetAside};
use crate::requests::{Flights, Speaker};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Candidate, Device, Placement, device_id};
use hostler_core::enrollment::is_device;
use hostler_core::event::Event;
use hostler_core::message::{Ends, Message, Method, NotYours};
use hostler_core::reading::Severity;
use hostler_core::request::Said;
use hostler_core::routing::{NoRoute, Route, may_lead};
use hostler_core::trust::Signed;
use hostler_core::viewer::Right;
use hostler_core::{DeviceId, NodeId, RequestId, Timestamp};
use hostler_engine::now;
use hostler_store::StoreError;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The longest text of a child's event, in characters; what is longer is cut.
const LONGEST_TEXT: usize = 1_000;

/// So many of the newest events are compared with one of a node that moved.
const COMPARED: usize = 500;

/// By so much a clock may be further ahead than an exchange shows, which was on its way for a while.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// What a child told, as it may be kept and shown.
fn told(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect()
}

type Outcome = Result<Result<Changes, SetAside>, StoreError>;

/// What is taken of one child's messages, with what they themselves change: so that two of them fit together.
pub(super) struct Hearing<'a> {
    tree: &'a Tree,
    child: &'a NodeId,
    /// The node that each device is behind; none for one that goes.
    owners: BTreeMap<DeviceId, Option<NodeId>>,
    /// The way to each node; none for one that goes.
    routes: BTreeMap<NodeId, Option<Route>>,
    /// Nodes that the child speaks for and nobody here knows.
    pub(super) strangers: BTreeSet<NodeId>,
    /// Devices that the child speaks for and that aren't let in where they are said to be.
    pub(super) kept_out: BTreeSet<KeptOut>,
    /// What is heard of requests.
    flights: Flights,
    /// What the child's clock showed.
    clock: Timestamp,
    /// The newest events of devices, or of all, of which one may be told again.
    newest: BTreeMap<Option<DeviceId>, Vec<Event>>,
}

impl<'a> Hearing<'a> {
    pub(super) fn of(tree: &'a Tree, child: &'a NodeId, clock: Timestamp) -> Self {
        let (owners, routes, strangers, kept_out, flights, newest) = Default::default();
        Self { tree, child, owners, routes, strangers, kept_out, flights, clock, newest }
    }

    /// What one message changes. What isn't taken is said, once.
    pub(super) fn hear(&mut self, message: &Message) -> Result<Changes, StoreError> {
        let refused = match self.take(message)? {
            Ok(changes) => return Ok(changes),
            Err(refused) => refused,
        };
        let child = self.child;
        match refused {
            SetAside::Again => {
                tracing::debug!(%child, ?message, "a message was set aside, as before");
                Ok(Changes::none())
            }
            SetAside::Stranger(node) => {
                tracing::info!(%child, %node, "a child speaks for a node that isn't known here; it is asked");
                self.strangers.insert(node);
                Ok(Changes::none())
            }
            refused => {
                tracing::warn!(%refused, "a message was set aside");
                let event = Event {
                    at: now(),
                    node: None,
                    device: None,
                    name: "message.refused".to_owned(),
                    severity: Severity::Warning,
                    text: told(&refused.to_string()),
                };
                // Somebody further up may have to mend how nodes call each other.
                let above = self.tree.parent.as_ref().filter(|_| matches!(refused, SetAside::NoRoute(_)));
                Ok(Changes::from(Change::Happened(event.clone())).telling(above, Method::EventHappened(event)))
            }
        }
    }

    fn route(&self, node: &NodeId) -> Result<Option<Route>, StoreError> {
        match self.routes.get(node) {
            Some(route) => Ok(route.clone()),
            None => Ok(self.tree.store.route(node)?.map(|row| row.value)),
        }
    }

    /// The neighbour that a node is or that leads to it; this node for itself.
    fn holder(&self, node: &NodeId) -> Result<Option<NodeId>, StoreError> {
        if *node == self.tree.node {
            return Ok(Some(node.clone()));
        }
        match self.route(node)? {
            Some(route) => Ok(Some(route.next_hop().clone())),
            None => Ok(self.tree.store.child(node)?.map(|child| child.value.id)),
        }
    }

    /// The node that a device is behind now.
    fn behind(&self, device: &DeviceId) -> Result<Option<NodeId>, StoreError> {
        match self.owners.get(device) {
            Some(owner) => Ok(owner.clone()),
            None => Ok(self.tree.store.device(device)?.map(|known| known.value.gateway)),
        }
    }

    /// Whether the child may speak for this node; `None` where nobody here knows the node.
    fn may_speak_for(&self, node: &NodeId) -> Result<Option<bool>, StoreError> {
        Ok(self.holder(node)?.map(|holder| holder == *self.child && (*node != self.tree.node)))
    }

    /// A node that isn't known: asked for, unless it was refused and that still stands.
    fn stranger(&self, node: &NodeId) -> SetAside {
        if self.tree.remembered.refused(self.child, node) == Some(Refused::Unreachable) {
            return SetAside::Again;
        }
        self.tree.remembered.take(self.child, node);
        SetAside::Stranger(node.clone())
    }

    /// What a node is that is a device and nothing else.
    fn only_itself(&self, node: &NodeId) -> Result<Option<Only>, StoreError> {
        self.tree.only_itself(node)
    }

    /// Whether a node below the child isn't let in, or one on the way to it: nothing is taken that is said in its name.
    fn keeps_out(&mut self, node: &NodeId) -> Result<bool, StoreError> {
        let kept_out = self.route(node)?.and_then(|route| self.tree.kept_out(&route.path()));
        let keeps_out = kept_out.is_some() || self.tree.has_ended(node);
        self.kept_out.extend(kept_out);
        Ok(keeps_out)
    }

    /// Passes on what was taken, said by this node.
    fn on(&self, changes: Changes, speaker: &NodeId, method: Method) -> Changes {
        match &self.tree.parent {
            Some(parent) => changes.and(Change::send_between(parent, Ends::from(speaker.clone()), method)),
            None => changes,
        }
    }

    fn take(&mut self, message: &Message) -> Outcome {
        match &message.method {
            Method::NodeBelow { path } => return self.node_below(path),
            Method::NodeGone(node) => return self.node_gone(node),
            Method::Delay { id, delay } => return self.heard(id, Said::Delay(delay.clone()), None),
            Method::Response { id, outcome, signed } => {
                return self.heard(id, Said::Outcome((**outcome).clone()), signed.as_deref());
            }
            _ => {}
        }
        let speaker = message.ends.from.as_ref().filter(|from| *from != self.child);
        let Some(speaker) = speaker else { return self.said(self.child, &message.method) };
        let (child, node) = (self.child.clone(), speaker.clone());
        if self.only_itself(&child)?.is_some() {
            return Ok(Err(SetAside::NotBelow { child, node }));
        }
        if self.keeps_out(speaker)? {
            if let Method::DeviceAdopted(device) = &message.method {
                self.tree.remembered.leave(&child, &device.id, &node);
                self.tree.remembered.refuse(&child, &node, Refused::KeptOut);
            }
            return Ok(Err(SetAside::Again));
        }
        match self.may_speak_for(speaker)? {
            Some(true) => self.said(speaker, &message.method),
            // What comes back to where it began is a circle, which was said when the nodes were told.
            Some(false) if *speaker == self.tree.node => Ok(Err(SetAside::Again)),
            Some(false) => {
                if let Method::DeviceAdopted(device) = &message.method {
                    self.tree.remembered.leave(&child, &device.id, &node);
                }
                let first = self.tree.remembered.refuse(&child, &node, Refused::Known);
                Ok(Err(if first { SetAside::NotBelow { child, node } } else { SetAside::Again }))
            }
            None => match &message.method {
                // What is told once shall not be lost; what can be told again is asked for.
                Method::EventHappened(_) | Method::AdoptionEnded { .. } | Method::DeviceReleased(_) => {
                    self.said(speaker, &message.method)
                }
                Method::DeviceAdopted(device) => {
                    let refused = self.stranger(speaker);
                    if matches!(refused, SetAside::Again) {
                        self.tree.remembered.leave(&child, &device.id, &node);
                    }
                    Ok(Err(refused))
                }
                _ => Ok(Err(self.stranger(speaker))),
            },
        }
    }

    /// A node below the child can be reached.
    fn node_below(&mut self, path: &[NodeId]) -> Outcome {
        let (tree, child) = (self.tree, self.child);
        let calls = path.len().checked_sub(2).and_then(|above| path.get(above)).unwrap_or(child);
        if self.only_itself(child)?.is_some() || self.only_itself(calls)?.is_some() {
            let node = path.last().unwrap_or(child).clone();
            return Ok(Err(SetAside::NotBelow { child: child.clone(), node }));
        }
        let again = |node: Option<&NodeId>, why: Refused, refused: NoRoute| {
            let first = node.is_none_or(|node| tree.remembered.refuse(child, node, why));
            Ok(Err(if first { refused.into() } else { SetAside::Again }))
        };
        let route = match Route::told(&tree.node, child, path) {
            Ok(route) => route,
            Err(refused) => return again(path.last(), Refused::Unreachable, refused),
        };
        let node = route.node().clone();
        if let Some(kept_out) = tree.kept_out(&route.path()) {
            let first = tree.remembered.refuse(child, &node, Refused::KeptOut);
            // That one which is known here has ended isn't news.
            let known = self.route(&node)?.as_ref() == Some(&route);
            let (child, device) = (child.clone(), kept_out.device.clone());
            self.kept_out.insert(kept_out);
            return Ok(Err(if first && !known { SetAside::KeptOut { child, node, device } } else { SetAside::Again }));
        }
        let known = self.holder(&node)?;
        let above = self.route(route.above())?;
        match may_lead(&route, known.as_ref(), above.as_ref()) {
            Ok(()) => {}
            Err(NoRoute::Unheard { above, .. }) => {
                // As with the one that it calls, which was refused, or is asked for.
                let refused = tree.remembered.refused(child, &above).filter(|why| *why != Refused::KeptOut);
                return Ok(Err(match refused {
                    Some(why) => {
                        tree.remembered.refuse(child, &node, why);
                        SetAside::Again
                    }
                    // Whoever isn't let in was told of above.
                    None => SetAside::Stranger(above),
                }));
            }
            Err(refused) => return again(Some(&node), Refused::Known, refused),
        }
        tree.remembered.take(child, &node);
        if self.route(&node)?.as_ref() == Some(&route) {
            return Ok(Ok(Changes::none()));
        }
        let expect = match (self.routes.contains_key(&node), tree.store.route(&node)?) {
            (true, _) => Expect::Anything,
            (false, None) => Expect::Absent,
            (false, Some(known)) => Expect::Version(known.version),
        };
        let came = self.routes.insert(node.clone(), Some(route.clone())).is_none() && expect == Expect::Absent;
        let path = route.path();
        let joined = came.then(|| joined(&node, Some(child)));
        let again = tree.requests.ask_again_below(child, &node)?;
        let mut taken = again.and(Change::Route { node, expect, value: Some(Box::new(route)) });
        taken.0.extend(joined);
        Ok(Ok(taken.telling(tree.parent.as_ref(), Method::NodeBelow { path })))
    }

    /// Whether the manager knows that a node calls this gateway.
    fn came_in_through(&self, node: &NodeId, gateway: &NodeId) -> bool {
        let came_in = self.tree.door.as_ref().and_then(|door| door.came_in_as(node));
        came_in.is_some_and(|row| row.through.as_ref() == Some(gateway))
    }

    /// A node below the child can't be reached any more, nor what is behind it.
    fn node_gone(&mut self, node: &NodeId) -> Outcome {
        let above = self.tree.parent.as_ref();
        let gone = || Method::NodeGone(node.clone());
        self.tree.remembered.take(self.child, node);
        match self.route(node)? {
            // It was told twice that this node calls another one, which called it again in between: it goes by the manager's word.
            Some(route) if self.came_in_through(node, route.above()) => return Ok(Err(SetAside::Again)),
            Some(route) if route.next_hop() == self.child => {}
            // It may be known further up all the same.
            None if self.holder(node)?.is_none() => return Ok(Ok(Changes::none().telling(above, gone()))),
            _ => return Ok(Err(SetAside::Again)),
        }
        let mut nodes: BTreeSet<NodeId> = self
            .tree
            .store
            .routes()?
            .into_iter()
            .filter(|row| row.value.passes(node))
            .map(|row| row.value.node().clone())
            .collect();
        for (known, route) in &self.routes {
            match route {
                Some(route) if route.passes(node) => nodes.insert(known.clone()),
                _ => nodes.remove(known),
            };
        }
        let theirs = |owner: &NodeId| nodes.contains(owner);
        let mut devices: BTreeSet<DeviceId> =
            self.tree.inventory.devices_where(theirs).into_iter().map(|device| device.id.clone()).collect();
        for (device, owner) in &self.owners {
            match owner {
                Some(owner) if theirs(owner) => devices.insert(device.clone()),
                _ => devices.remove(device),
            };
        }
        let event = Event {
            at: now(),
            node: None,
            device: None,
            name: "node.gone".to_owned(),
            severity: Severity::Warning,
            text: format!("node {node} was removed below {}, and with it {} devices", self.child, devices.len()),
        };
        let mut changes = Changes::from(Change::Happened(event));
        for id in devices {
            self.owners.insert(id.clone(), None);
            changes = changes.and(Change::Device { id, expect: Expect::Anything, value: None });
        }
        for node in nodes {
            self.routes.insert(node.clone(), None);
            changes = changes.and(Change::Route { node, expect: Expect::Anything, value: None });
        }
        Ok(Ok(changes.telling(above, gone())))
    }

    /// What a node says that the child may speak for.
    fn said(&mut self, speaker: &NodeId, method: &Method) -> Outcome {
        let not_yours = |device: &DeviceId, owner| {
            SetAside::from(NotYours { child: speaker.clone(), device: device.clone(), owner })
        };
        let (changes, on) = match method {
            Method::DeviceAdopted(device) => match self.adopted(speaker, device)? {
                Ok((changes, device)) => (changes, Method::DeviceAdopted(Box::new(device))),
                Err(owner) => return Ok(Err(not_yours(&device.id, owner))),
            },
            Method::DeviceReleased(id) => match self.behind(id)? {
                // Further up it may be known otherwise.
                None => (Changes::none(), method.clone()),
                Some(owner) if owner != *speaker => return Ok(Err(not_yours(id, owner))),
                Some(_) => {
                    self.owners.insert(id.clone(), None);
                    let gone = Change::Device { id: id.clone(), expect: Expect::Anything, value: None };
                    (gone.into(), method.clone())
                }
            },
            Method::CandidateSeen(_) | Method::AdoptionEnded { .. } if self.only_itself(speaker)?.is_some() => {
                return Ok(Ok(Changes::none()));
            }
            Method::CandidateSeen(candidate) => {
                let seen_at = candidate.seen_at.min(now());
                let candidate = Box::new(Candidate { seen_at, ..(**candidate).clone() });
                let (gateway, address) = (speaker.clone(), candidate.reach.address);
                let seen = Change::Candidate { gateway, address, value: Some(candidate.clone()) };
                (seen.into(), Method::CandidateSeen(candidate))
            }
            Method::CandidateGone(address) => {
                let (gateway, address) = (speaker.clone(), *address);
                (Change::Candidate { gateway, address, value: None }.into(), method.clone())
            }
            Method::EventHappened(event) => {
                let owner = match &event.device {
                    Some(id) => self.behind(id)?,
                    None => None,
                };
                if let (Some(owner), Some(id)) = (owner, &event.device) {
                    if owner != *speaker && self.may_speak_for(&owner)? != Some(true) {
                        return Ok(Err(not_yours(id, owner)));
                    }
                } else if self.only_itself(speaker)?.is_some() {
                    // Of nothing that is its: a gateway may, for its network; a device tells of itself only. That it was started is
                    // said in our words: in its own it could say anything of anybody.
                    if event.name == STARTED && event.device.is_none() {
                        let (at, node) = (event.at.min(now()), Some(speaker.clone()));
                        let (severity, text) = (Severity::Info, format!("node {speaker} was started"));
                        let event = Event { at, node, device: None, name: STARTED.to_owned(), severity, text };
                        return Ok(Ok(self.on(
                            Change::Happened(event.clone()).into(),
                            speaker,
                            Method::EventHappened(event),
                        )));
                    }
                    let (child, name) = (self.child, &event.name);
                    tracing::warn!(%child, %name, "an event was set aside: a device tells of itself only");
                    return Ok(Ok(Changes::none()));
                }
                let event = Event { node: Some(speaker.clone()), text: told(&event.text), ..event.clone() };
                if self.tree.remembered.moved_lately(speaker) && self.was_told(&event)? {
                    return Ok(Err(SetAside::Again));
                }
                let event = Event { at: event.at.min(now()), ..event };
                (Change::Happened(event.clone()).into(), Method::EventHappened(event))
            }
            Method::AdoptionEnded { address, why } => {
                let text = told(&format!("{speaker} did not adopt what answers at {address}: {why}"));
                let (name, severity) = ("adoption.ended".to_owned(), Severity::Warning);
                let (at, node) = (now(), Some(speaker.clone()));
                let event = Event { at, node, device: None, name, severity, text };
                (Change::Happened(event).into(), method.clone())
            }
            Method::Request(request) => {
                let from = (speaker != self.child).then_some(speaker);
                let said = Speaker { next: self.child, from, clock: self.clock, signed: None };
                return Ok(Ok(self.tree.requests.asked(&mut self.flights, said, None, request)?));
            }
            Method::NodeBelow { .. }
            | Method::NodeGone(_)
            | Method::Delay { .. }
            | Method::Response { .. }
            | Method::Adopt { .. }
            | Method::Release(_)
            | Method::ReadNow(_)
            | Method::Trust { .. }
            | Method::CallsNoMore { .. }
            | Method::DiscoverNow => {
                tracing::warn!(child = %self.child, ?method, "an order came from below; it was set aside");
                return Ok(Ok(Changes::none()));
            }
        };
        Ok(Ok(self.on(changes, speaker, on)))
    }

    /// Whether this is among the newest that happened: a node that moved tells again what its former parent took and couldn't
    /// acknowledge any more. What came from a clock that is ahead was kept with the time at which it came.
    fn was_told(&mut self, event: &Event) -> Result<bool, StoreError> {
        let newest = match self.newest.entry(event.device.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(none) => {
                let newest = self.tree.store.events(event.device.as_ref(), None, COMPARED)?;
                none.insert(newest.into_iter().map(|(_, known)| known).collect())
            }
        };
        let ahead = self.clock.since(now()) + ON_ITS_WAY;
        let same = |known: &Event| known.at <= event.at && event.at.since(known.at) <= ahead;
        Ok(newest.iter().any(|known| same(known) && *known == Event { at: known.at, ..event.clone() }))
    }

    /// The child says something of what it was asked.
    fn heard(&mut self, id: &RequestId, said: Said, signed: Option<&Signed>) -> Outcome {
        Ok(Ok(self.tree.requests.heard(&mut self.flights, self.child, id, said, signed)?))
    }

    /// A device is this node's, or is known better. The error is whose it is instead.
    fn adopted(&mut self, speaker: &NodeId, device: &Device) -> Result<Result<(Changes, Device), NodeId>, StoreError> {
        let known = self.tree.store.device(&device.id)?;
        let owner = match self.owners.get(&device.id) {
            Some(owner) => owner.clone(),
            None => known.as_ref().map(|known| known.value.gateway.clone()),
        };
        let anothers = match owner.filter(|owner| owner != speaker) {
            None => self.not_its_own(speaker, device)?,
            anothers => anothers,
        };
        if let Some(owner) = anothers {
            return Ok(Err(owner));
        }
        let adopted_at = device.adopted_at.min(now());
        let commands = match device.check_commands() {
            Ok(()) => device.commands.clone(),
            Err(why) => {
                tracing::warn!(%speaker, device = %device.id, %why, "what a device says of its commands is left out");
                Vec::new()
            }
        };
        let device = Device { gateway: speaker.clone(), adopted_at, commands, ..device.clone() };
        let expect = match (self.owners.insert(device.id.clone(), Some(speaker.clone())), known) {
            (Some(_), _) => Expect::Anything,
            (None, None) => Expect::Absent,
            (None, Some(known)) => Expect::Version(known.version),
        };
        // Behind the device: who follows the commits places what they know.
        let owned = self.owner(speaker, &device)?;
        let adopted = Change::Device { id: device.id.clone(), expect, value: Some(Box::new(device.clone())) };
        Ok(Ok((Changes::from(adopted).with(owned), device)))
    }

    /// The manager, where a node speaks for a device that it can't: a device brings itself, once, and under the ID that follows
    /// from what it says of itself.
    fn not_its_own(&self, speaker: &NodeId, device: &Device) -> Result<Option<NodeId>, StoreError> {
        let Some(only) = self.only_itself(speaker)? else { return Ok(None) };
        let named = device_id(&device.identity, speaker, device.reach.address) == device.id;
        let known = self.tree.inventory.devices_where(|gateway| gateway == speaker);
        let now = self.owners.iter().filter(|(_, owner)| owner.as_ref() == Some(speaker)).map(|(id, _)| id);
        let alone = known.iter().map(|other| &other.id).chain(now).all(|other| *other == device.id);
        Ok((!(is_device(&only.device, &device.identity) && named && alone)).then_some(only.said_by))
    }

    /// Whose a device is that a node brings: that of whoever enrolled it, where it is that node's very device.
    fn owner(&self, speaker: &NodeId, device: &Device) -> Result<Changes, StoreError> {
        let door = self.tree.door.as_ref();
        let enrolled = door.and_then(|door| door.came_in_as(speaker)).filter(|row| row.is(&device.identity));
        let (Some(row), None) = (enrolled, self.tree.store.placement(&device.id)?) else { return Ok(Changes::none()) };
        let value = Placement { owner: Some(row.owner), ..Placement::default() };
        Ok(Change::Placement { id: device.id.clone(), expect: Expect::Absent, value }.into())
    }
}

/// What a node tells when it was started.
const STARTED: &str = "node.started";

/// A node called for the first time, or was heard of for the first time behind another.
pub(super) fn joined(node: &NodeId, behind: Option<&NodeId>) -> Change {
    let text = match behind {
        None => format!("node {node} called for the first time"),
        Some(above) => format!("node {node} is reached through {above} for the first time"),
    };
    let (at, name, severity) = (now(), "node.joined".to_owned(), Severity::Info);
    Change::Happened(Event { at, node: None, device: None, name, severity, text })
}

impl Tree {
    /// What a node is that is a device and nothing else: one that came in by the PIN of a user who operates nothing is a device
    /// and no gateway. The manager knows that itself; a gateway has it from the manager, for those that call it.
    pub(super) fn only_itself(&self, node: &NodeId) -> Result<Option<Only>, StoreError> {
        let Some(door) = &self.door else {
            let vouched =
                self.store.child(node)?.and_then(|child| child.value.vouched).filter(|vouched| !vouched.gateway);
            return Ok(vouched.map(|vouched| Only { device: vouched.device, said_by: self.node.clone() }));
        };
        let Some(row) = door.came_in_as(node) else { return Ok(None) };
        let operates = self.store.user(&row.owner)?.is_some_and(|user| user.value.right >= Right::Operate);
        Ok((!operates).then(|| Only { device: row.device, said_by: door.node().clone() }))
    }
}

/// A node that is a device and nothing else.
pub(super) struct Only {
    /// Which device.
    pub(super) device: DeviceId,
    /// Whose word for it is taken here.
    said_by: NodeId,
}
