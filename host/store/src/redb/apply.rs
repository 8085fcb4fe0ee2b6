//! How each change is checked and applied. Checking reads only; applying follows when the whole of a commit fits.

use super::tables::{self as t, encode, version_of};
use crate::{EVENTS_KEPT, Kept, StoreError};
use hostler_core::access::Child;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::Device;
use hostler_core::event::Event;
use hostler_core::message::{Class, Epoch, Message};
use hostler_core::reading::Snapshot;
use hostler_core::routing::Route;
use hostler_core::{NodeId, Timestamp};
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

type Rows<'t> = Table<'t, &'static str, &'static [u8]>;

/// The tables of one write.
pub(super) struct Batch<'t> {
    /// The epoch of an outbox that has none of its own.
    epoch: Epoch,
    meta: Table<'t, &'static str, u64>,
    devices: Rows<'t>,
    placements: Rows<'t>,
    released: Rows<'t>,
    candidates: Table<'t, (&'static str, &'static str), &'static [u8]>,
    adoptions: Rows<'t>,
    plugin_state: Table<'t, (&'static str, &'static str, &'static str), &'static [u8]>,
    actions: Table<'t, (&'static str, u64), &'static [u8]>,
    events: Table<'t, u64, &'static [u8]>,
    events_of: Table<'t, (&'static str, u64), ()>,
    outbox: Table<'t, (&'static str, u8, u64), &'static [u8]>,
    queues: Table<'t, (&'static str, u8), (u64, u64)>,
    inbox: Table<'t, (&'static str, u8), (u64, u64)>,
    epochs: Table<'t, &'static str, u64>,
    met: Table<'t, &'static str, ()>,
    given: Table<'t, (&'static str, u8), u64>,
    plugins: Rows<'t>,
    users: Rows<'t>,
    tokens: Rows<'t>,
    children: Rows<'t>,
    child_tokens: Table<'t, &'static str, &'static str>,
    routes: Rows<'t>,
    flights: Rows<'t>,
    registrations: Rows<'t>,
    invitations: Rows<'t>,
    enrolled: Rows<'t>,
    membership: Rows<'t>,
    ledger: Rows<'t>,
    schedules: Rows<'t>,
    forwards: Rows<'t>,
    standing: Rows<'t>,
    snapshots: Rows<'t>,
    histories: Table<'t, (&'static str, &'static str), &'static [u8]>,
}

impl<'t> Batch<'t> {
    pub(super) fn open(write: &'t WriteTransaction, epoch: Epoch) -> Result<Self, StoreError> {
        Ok(Self {
            epoch,
            meta: write.open_table(t::META)?,
            devices: write.open_table(t::DEVICES)?,
            placements: write.open_table(t::PLACEMENTS)?,
            released: write.open_table(t::RELEASED)?,
            candidates: write.open_table(t::CANDIDATES)?,
            adoptions: write.open_table(t::ADOPTIONS)?,
            plugin_state: write.open_table(t::PLUGIN_STATE)?,
            actions: write.open_table(t::ACTIONS)?,
            events: write.open_table(t::EVENTS)?,
            events_of: write.open_table(t::EVENTS_OF)?,
            outbox: write.open_table(t::OUTBOX)?,
            queues: write.open_table(t::QUEUES)?,
            inbox: write.open_table(t::INBOX)?,
            epochs: write.open_table(t::EPOCHS)?,
            met: write.open_table(t::MET)?,
            given: write.open_table(t::GIVEN)?,
            plugins: write.open_table(t::PLUGINS)?,
            users: write.open_table(t::USERS)?,
            tokens: write.open_table(t::TOKENS)?,
            children: write.open_table(t::CHILDREN)?,
            child_tokens: write.open_table(t::CHILD_TOKENS)?,
            routes: write.open_table(t::ROUTES)?,
            flights: write.open_table(t::FLIGHTS)?,
            registrations: write.open_table(t::REGISTRATIONS)?,
            invitations: write.open_table(t::INVITATIONS)?,
            enrolled: write.open_table(t::ENROLLED)?,
            membership: write.open_table(t::MEMBERSHIP)?,
            ledger: write.open_table(t::LEDGER)?,
            schedules: write.open_table(t::SCHEDULES)?,
            forwards: write.open_table(t::FORWARDS)?,
            standing: write.open_table(t::STANDING)?,
            snapshots: write.open_table(t::SNAPSHOTS)?,
            histories: write.open_table(t::HISTORIES)?,
        })
    }

    /// Whether everything is as these changes expect. Writes nothing.
    pub(super) fn check(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut sending: BTreeMap<(&str, Class), u64> = BTreeMap::new();
        for change in &changes.0 {
            match change {
                Change::Device { id, expect, .. } => fits(&self.devices, "device", id.as_str(), *expect)?,
                Change::Placement { id, expect, .. } => fits(&self.placements, "placement", id.as_str(), *expect)?,
                Change::Released { id, expect, .. } => fits(&self.released, "the release of", id.as_str(), *expect)?,
                Change::Adoption { address, expect, .. } => {
                    fits(&self.adoptions, "the adoption of", &address.to_string(), *expect)?;
                }
                Change::Plugin { name, expect, .. } => fits(&self.plugins, "plug-in", name.as_str(), *expect)?,
                Change::User { name, expect, .. } => fits(&self.users, "user", name.as_str(), *expect)?,
                Change::Registration { id, expect, .. } => {
                    fits(&self.registrations, "registration", id.as_str(), *expect)?;
                }
                // A typed PIN could be found from its digest: no error says it.
                Change::Invitation { digest, expect, .. } => {
                    if !is_as_expected(&self.invitations, digest.as_str(), *expect)? {
                        return Err(StoreError::Conflict { what: "an invitation".to_owned() });
                    }
                }
                Change::Enrolled { device, expect, .. } => {
                    fits(&self.enrolled, "the enrollment of", device.as_str(), *expect)?;
                }
                Change::Membership { expect, .. } => fits(&self.membership, "the membership of", t::OWN, *expect)?,
                Change::Ledger { expect, .. } => fits(&self.ledger, "the orders of", t::OWN, *expect)?,
                Change::Schedule { id, expect, .. } => fits(&self.schedules, "schedule", id.as_str(), *expect)?,
                Change::Child { id, expect, value } => {
                    fits(&self.children, "node", id.as_str(), *expect)?;
                    match value {
                        Some(_) if comes_nearer(changes, id) => {}
                        Some(_) => fits(&self.routes, "the way to", id.as_str(), Expect::Absent)?,
                        None => {
                            if !goes_further(changes, id) {
                                self.has_no_devices(id.as_str(), changes)?;
                            }
                            self.leads_nowhere(id.as_str(), changes)?;
                        }
                    }
                }
                Change::Route { node, expect, value } => {
                    fits(&self.routes, "the way to", node.as_str(), *expect)?;
                    match value {
                        Some(_) if goes_further(changes, node) => {}
                        Some(_) => fits(&self.children, "node", node.as_str(), Expect::Absent)?,
                        None if comes_nearer(changes, node) => {}
                        None => self.has_no_devices(node.as_str(), changes)?,
                    }
                }
                Change::Flight { id, expect, .. } => fits(&self.flights, "request", id.as_str(), *expect)?,
                Change::RouteStays { node, version } => {
                    fits(&self.routes, "the way to", node.as_str(), Expect::Version(*version))?;
                }
                Change::DeviceStays { id, version } => {
                    fits(&self.devices, "device", id.as_str(), Expect::Version(*version))?;
                }
                Change::CandidateStays { gateway, value } => {
                    let address = value.reach.address.to_string();
                    let stored = self.candidates.get((gateway.as_str(), address.as_str()))?;
                    let stays = encode("candidate", 0, value)?;
                    if stored.is_none_or(|stored| stored.value() != stays) {
                        return Err(StoreError::Conflict { what: format!("the candidate at {address}") });
                    }
                }
                Change::ChildStays { id, version } => {
                    fits(&self.children, "node", id.as_str(), Expect::Version(*version))?;
                }
                Change::Renumber { to, epoch } if *epoch != self.epoch_of(to.as_str())? => {
                    return Err(StoreError::Conflict { what: format!("the numbering for {to}") });
                }
                Change::Send { to, message } => {
                    let class = message.method.class();
                    let more = sending.entry((to.as_str(), class)).or_default();
                    *more += 1;
                    let count = self.queues.get((to.as_str(), class as u8))?.map_or(0, |queue| queue.value().1);
                    // What may be lost makes room for itself when it is applied.
                    if class != Class::Rest && count + *more > class.capacity() {
                        return Err(StoreError::OutboxFull { to: to.clone(), class, count });
                    }
                }
                Change::Received { from, epoch, class, seq } => {
                    let taken = self.inbox.get((from.as_str(), *class as u8))?.map(|row| row.value());
                    if taken.is_some_and(|(known, last)| known == epoch.0 && *seq <= last) {
                        return Err(StoreError::Conflict { what: format!("message {seq} of {from}") });
                    }
                }
                Change::Snapshot { .. }
                | Change::Candidate { .. }
                | Change::PluginState { .. }
                | Change::Action { .. }
                | Change::Happened(_)
                | Change::Acked { .. }
                | Change::Expire { .. }
                | Change::Met { .. }
                | Change::Renumber { .. }
                | Change::Reconciled
                | Change::Forward { .. }
                | Change::Standing { .. }
                | Change::Token { .. } => {}
            }
        }
        Ok(())
    }

    /// Whether every device of a node goes with these changes.
    fn has_no_devices(&self, node: &str, changes: &Changes) -> Result<(), StoreError> {
        let going: BTreeSet<&str> = changes.0.iter().filter_map(goes).collect();
        for row in self.devices.iter()? {
            let (id, device) = row?;
            let stays = !going.contains(id.value());
            if stays && t::decode::<Device>("device", device.value())?.value.gateway.as_str() == node {
                return Err(StoreError::Conflict { what: format!("device {} of {node}", id.value()) });
            }
        }
        Ok(())
    }

    /// Whether every node that is reached through this one goes with these changes.
    fn leads_nowhere(&self, child: &str, changes: &Changes) -> Result<(), StoreError> {
        let going: BTreeSet<&str> = changes.0.iter().filter_map(|change| leaves(change, child)).collect();
        for row in self.routes.iter()? {
            let (node, route) = row?;
            let stays = !going.contains(node.value());
            if stays && t::decode::<Route>("route", route.value())?.value.next_hop().as_str() == child {
                return Err(StoreError::Conflict { what: format!("node {} below {child}", node.value()) });
            }
        }
        Ok(())
    }

    fn epoch_of(&self, neighbour: &str) -> Result<Epoch, StoreError> {
        Ok(self.epochs.get(neighbour)?.map_or(self.epoch, |own| Epoch(own.value())))
    }

    /// Applies changes that were checked. An error undoes the whole write.
    pub(super) fn apply(&mut self, changes: &Changes) -> Result<(), StoreError> {
        changes.0.iter().try_for_each(|change| self.apply_one(change))
    }

    fn apply_one(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Device { id, value, .. } => {
                put(&mut self.devices, "device", id.as_str(), value.as_ref())?;
                if value.is_none() {
                    self.forget_device(id.as_str())?;
                }
                Ok(())
            }
            Change::Snapshot { id, value } => self.keep_snapshot(id.as_str(), value).map(|_| ()),
            Change::Placement { id, value, .. } => put(&mut self.placements, "placement", id.as_str(), Some(value)),
            Change::Released { id, value, .. } => put(&mut self.released, "release", id.as_str(), value.as_ref()),
            Change::Candidate { gateway, address, value } => {
                let address = address.to_string();
                let key = (gateway.as_str(), address.as_str());
                match value {
                    Some(candidate) => self.candidates.insert(key, encode("candidate", 0, candidate)?.as_slice())?,
                    None => self.candidates.remove(key)?,
                };
                Ok(())
            }
            Change::Adoption { address, value, .. } => {
                put(&mut self.adoptions, "adoption", &address.to_string(), value.as_ref())
            }
            Change::PluginState { device, plugin, key, value } => {
                let key = (device.as_str(), plugin.as_str(), key.as_str());
                match value {
                    Some(bytes) => self.plugin_state.insert(key, bytes.as_slice())?,
                    None => self.plugin_state.remove(key)?,
                };
                Ok(())
            }
            Change::Action { device, id, value } => {
                let key = (device.as_str(), *id);
                match value {
                    Some(action) => self.actions.insert(key, encode("action", 0, action)?.as_slice())?,
                    None => self.actions.remove(key)?,
                };
                Ok(())
            }
            Change::Happened(event) => self.happened(event),
            Change::Send { to, message } => self.send(to.as_str(), message),
            Change::Received { from, epoch, class, seq } => self.received(from.as_str(), *epoch, *class, *seq),
            // Numbers of another life say nothing about what waits in this one.
            Change::Acked { by, acks } if acks.epoch != self.epoch_of(by.as_str())? => Ok(()),
            Change::Acked { by, acks } => {
                acks.seqs.iter().try_for_each(|(class, seq)| self.acked(by.as_str(), *class, *seq))
            }
            Change::Flight { id, value, .. } => put(&mut self.flights, "request", id.as_str(), value.as_ref()),
            Change::Expire { to, now } => self.expire(to.as_str(), *now),
            Change::Met { neighbour } => {
                self.met.insert(neighbour.as_str(), ())?;
                Ok(())
            }
            Change::Renumber { to, .. } => self.renumber(to.as_str()),
            Change::Reconciled => {
                self.meta.remove(t::COPIED)?;
                Ok(())
            }
            Change::DeviceStays { .. }
            | Change::CandidateStays { .. }
            | Change::RouteStays { .. }
            | Change::ChildStays { .. } => Ok(()),
            Change::Route { node, value, .. } => {
                put(&mut self.routes, "route", node.as_str(), value.as_ref())?;
                if value.is_none() { self.forget_candidates(node.as_str()) } else { Ok(()) }
            }
            Change::Plugin { name, value, .. } => put(&mut self.plugins, "plug-in", name.as_str(), value.as_ref()),
            Change::User { name, value, .. } => put(&mut self.users, "user", name.as_str(), value.as_ref()),
            Change::Token { digest, value } => put(&mut self.tokens, "token", &digest.0, value.as_ref()),
            Change::Registration { id, value, .. } => {
                put(&mut self.registrations, "registration", id.as_str(), value.as_ref())
            }
            Change::Invitation { digest, value, .. } => {
                put(&mut self.invitations, "invitation", digest.as_str(), value.as_ref())
            }
            Change::Enrolled { device, value, .. } => {
                put(&mut self.enrolled, "enrollment", device.as_str(), value.as_ref())
            }
            Change::Membership { value, .. } => put(&mut self.membership, "membership", t::OWN, Some(value)),
            Change::Ledger { value, .. } => put(&mut self.ledger, "ledger", t::OWN, Some(value)),
            Change::Schedule { id, value, .. } => put(&mut self.schedules, "schedule", id.as_str(), value.as_ref()),
            Change::Forward { rule, value } => put(&mut self.forwards, "cursor", rule.as_str(), value.as_ref()),
            Change::Standing { what, value } => put(&mut self.standing, "standing", &what.key(), value.as_ref()),
            Change::Child { id, value, .. } => self.child(id.as_str(), value.as_ref()),
        }
    }

    fn child(&mut self, id: &str, value: Option<&Child>) -> Result<(), StoreError> {
        let before = self.children.get(id)?.map(|row| t::decode::<Child>("node", row.value())).transpose()?;
        if let Some(before) = &before {
            self.child_tokens.remove(before.value.token.0.as_str())?;
        }
        put(&mut self.children, "node", id, value)?;
        let Some(child) = value else { return self.forget_neighbour(id) };
        self.child_tokens.insert(child.token.0.as_str(), id)?;
        // One that was removed and comes again knows numbers of the outbox that it had.
        if before.is_none() { self.renumber(id) } else { Ok(()) }
    }

    fn happened(&mut self, event: &Event) -> Result<(), StoreError> {
        let seq = self.events.last()?.map_or(1, |(seq, _)| seq.value() + 1);
        self.events.insert(seq, encode("event", 0, event)?.as_slice())?;
        if let Some(device) = &event.device {
            self.events_of.insert((device.as_str(), seq), ())?;
        }
        if self.events.len()? > EVENTS_KEPT
            && let Some((old, bytes)) = self.events.pop_first()?.map(|(seq, row)| (seq.value(), row.value().to_vec()))
            && let Some(device) = t::decode::<Event>("event", &bytes)?.value.device
        {
            self.events_of.remove((device.as_str(), old))?;
        }
        Ok(())
    }

    fn send(&mut self, to: &str, message: &Message) -> Result<(), StoreError> {
        let class = message.method.class();
        let key = (to, class as u8);
        let (last, mut count) = self.queues.get(key)?.map_or((0, 0), |queue| queue.value());
        if count >= class.capacity()
            && let Some(oldest) = self.first_waiting(to, class)?
        {
            self.outbox.remove((to, class as u8, oldest))?;
            count -= 1;
        }
        self.outbox.insert((to, class as u8, last + 1), encode("message", 0, message)?.as_slice())?;
        self.queues.insert(key, (last + 1, count + 1))?;
        Ok(())
    }

    fn first_waiting(&self, to: &str, class: Class) -> Result<Option<u64>, StoreError> {
        let mut waiting = self.outbox.range((to, class as u8, 0)..=(to, class as u8, u64::MAX))?;
        Ok(waiting.next().transpose()?.map(|(key, _)| key.value().2))
    }

    fn acked(&mut self, by: &str, class: Class, seq: u64) -> Result<(), StoreError> {
        let mut gone = 0;
        while let Some(first) = self.first_waiting(by, class)?.filter(|first| *first <= seq) {
            self.outbox.remove((by, class as u8, first))?;
            gone += 1;
        }
        self.wait_less(by, class as u8, gone)
    }

    /// So many fewer wait.
    fn wait_less(&mut self, to: &str, class: u8, gone: u64) -> Result<(), StoreError> {
        if gone > 0 {
            let (last, count) = self.queues.get((to, class))?.map_or((0, 0), |queue| queue.value());
            self.queues.insert((to, class), (last, count.saturating_sub(gone)))?;
        }
        Ok(())
    }

    /// What is left keeps its numbers: a neighbour takes those that it gets in their order, and misses none.
    fn expire(&mut self, to: &str, now: Timestamp) -> Result<(), StoreError> {
        // Only requests are ever too late.
        let class = Class::Result as u8;
        let mut over = Vec::new();
        for row in self.outbox.range((to, class, 0)..=(to, class, u64::MAX))? {
            let (key, row) = row?;
            if t::decode::<Message>("message", row.value())?.value.is_over(now) {
                over.push(key.value().2);
            }
        }
        for seq in &over {
            self.outbox.remove((to, class, *seq))?;
        }
        self.wait_less(to, class, over.len() as u64)
    }

    fn renumber(&mut self, to: &str) -> Result<(), StoreError> {
        self.epochs.insert(to, t::new_epoch()?)?;
        for class in Class::ALL {
            let class = class as u8;
            let waiting = self.outbox.extract_from_if((to, class, 0)..=(to, class, u64::MAX), |_, _| true)?;
            let rows = waiting.map(|row| Ok(row?.1.value().to_vec())).collect::<Result<Vec<_>, StoreError>>()?;
            let mut last = 0;
            for row in rows {
                last += 1;
                self.outbox.insert((to, class, last), row.as_slice())?;
            }
            self.queues.insert((to, class), (last, last))?;
            self.given.remove((to, class))?;
        }
        Ok(())
    }

    /// What was taken in another epoch says nothing about this one.
    fn received(&mut self, from: &str, epoch: Epoch, class: Class, seq: u64) -> Result<(), StoreError> {
        for other in Class::ALL {
            let known = self.inbox.get((from, other as u8))?.map(|row| row.value().0);
            if known.is_some_and(|known| known != epoch.0) {
                self.inbox.remove((from, other as u8))?;
            }
        }
        self.inbox.insert((from, class as u8), (epoch.0, seq))?;
        Ok(())
    }

    fn forget_device(&mut self, id: &str) -> Result<(), StoreError> {
        self.snapshots.remove(id)?;
        self.placements.remove(id)?;
        self.histories.retain_in((id, "")..(after(id).as_str(), ""), |_, _| false)?;
        self.plugin_state.retain_in((id, "", "")..(after(id).as_str(), "", ""), |_, _| false)?;
        self.actions.retain_in((id, 0)..=(id, u64::MAX), |_, _| false)?;
        Ok(())
    }

    /// What a node discovered that isn't reached any more.
    fn forget_candidates(&mut self, node: &str) -> Result<(), StoreError> {
        Ok(self.candidates.retain_in((node, "")..(after(node).as_str(), ""), |_, _| false)?)
    }

    fn forget_neighbour(&mut self, id: &str) -> Result<(), StoreError> {
        self.epochs.remove(id)?;
        self.met.remove(id)?;
        self.forget_candidates(id)?;
        for class in Class::ALL {
            let class = class as u8;
            self.outbox.retain_in((id, class, 0)..=(id, class, u64::MAX), |_, _| false)?;
            self.queues.remove((id, class))?;
            self.given.remove((id, class))?;
            self.inbox.remove((id, class))?;
        }
        Ok(())
    }

    /// Keeps the newest of devices that are still there.
    pub(super) fn keep(&mut self, kept: &[Kept]) -> Result<(), StoreError> {
        for one in kept {
            let id = one.device.as_str();
            if self.keep_snapshot(id, &one.snapshot)? {
                for (name, series) in &one.series {
                    self.histories.insert((id, name.as_str()), encode("history", 0, series)?.as_slice())?;
                }
            }
        }
        Ok(())
    }

    /// Returns whether the device is still there.
    fn keep_snapshot(&mut self, id: &str, snapshot: &Snapshot) -> Result<bool, StoreError> {
        if self.devices.get(id)?.is_none() {
            return Ok(false);
        }
        self.snapshots.insert(id, encode("snapshot", 0, snapshot)?.as_slice())?;
        Ok(true)
    }
}

/// The smallest text behind every text that begins a key with `id`.
fn after(id: &str) -> String {
    format!("{id}\0")
}

/// The device that goes with this change.
fn goes(change: &Change) -> Option<&str> {
    match change {
        Change::Device { id, value: None, .. } => Some(id.as_str()),
        _ => None,
    }
}

/// The node that isn't reached through this neighbour any more after this change.
fn leaves<'a>(change: &'a Change, neighbour: &str) -> Option<&'a str> {
    match change {
        Change::Route { node, value: Some(route), .. } if route.next_hop().as_str() == neighbour => None,
        Change::Route { node, .. } => Some(node.as_str()),
        _ => None,
    }
}

/// Whether a neighbour becomes, with these changes, a node that another neighbour leads to.
fn goes_further(changes: &Changes, neighbour: &NodeId) -> bool {
    let (mut leaves, mut led) = (false, false);
    for change in &changes.0 {
        match change {
            Change::Child { id, value: None, .. } if id == neighbour => leaves = true,
            Change::Route { node, value: Some(_), .. } if node == neighbour => led = true,
            _ => {}
        }
    }
    leaves && led
}

/// Whether a node that a neighbour leads to becomes a neighbour with these changes.
fn comes_nearer(changes: &Changes, node: &NodeId) -> bool {
    let (mut led, mut comes) = (false, false);
    for change in &changes.0 {
        match change {
            Change::Route { node: one, value: None, .. } if one == node => led = true,
            Change::Child { id, value: Some(_), .. } if id == node => comes = true,
            _ => {}
        }
    }
    led && comes
}

fn fits(table: &Rows<'_>, what: &str, key: &str, expect: Expect) -> Result<(), StoreError> {
    let fits = is_as_expected(table, key, expect)?;
    if fits { Ok(()) } else { Err(StoreError::Conflict { what: format!("{what} {key}") }) }
}

fn is_as_expected(table: &Rows<'_>, key: &str, expect: Expect) -> Result<bool, StoreError> {
    let stored = table.get(key)?.map(|row| version_of(row.value()));
    Ok(match expect {
        Expect::Absent => stored.is_none(),
        Expect::Version(version) => stored == Some(version),
        Expect::Anything => true,
    })
}

fn put<T: Serialize>(table: &mut Rows<'_>, what: &'static str, key: &str, value: Option<&T>) -> Result<(), StoreError> {
    match value {
        Some(value) => {
            let version = table.get(key)?.map_or(0, |row| version_of(row.value()) + 1);
            table.insert(key, encode(what, version, value)?.as_slice())?;
        }
        None => {
            table.remove(key)?;
        }
    }
    Ok(())
}
