//! The questions. Each reads one consistent state and never waits for a writer.

use super::tables::{self as t, decode};
use super::writer::Job;
use super::{RedbStore, copy};
use crate::{Following, Found, Kept, Observer, Read, Search, Store, StoreError, Versioned};
use futures::future::BoxFuture;
use hostler_core::access::{Child, Token, TokenDigest, User};
use hostler_core::adoption::Adoption;
use hostler_core::changes::{Changes, StartedAction};
use hostler_core::device::{Candidate, Device, Placement};
use hostler_core::enrollment::{Enrolled, Invitation, Membership, PinDigest, Registration};
use hostler_core::event::Event;
use hostler_core::forward::Cursor;
use hostler_core::history::Series;
use hostler_core::message::{Acks, Class, Envelope, Epoch, Numbers, Outbox, Portion};
use hostler_core::plugin::PluginRecord;
use hostler_core::reading::Snapshot;
use hostler_core::request::Flight;
use hostler_core::routing::Route;
use hostler_core::schedule::Schedule;
use hostler_core::trust::Ledger;
use hostler_core::upkeep::Standing;
use hostler_core::{
    DeviceId, NodeId, PluginName, RegistrationId, RequestId, RuleName, ScheduleId, Timestamp, UserName,
};
use redb::{ReadTransaction, ReadableTable};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

/// What number and class of a message add to its row, at most, in bytes.
const ENVELOPE: usize = 64;

impl RedbStore {
    fn row<T: DeserializeOwned>(&self, table: t::Rows, what: &'static str, key: &str) -> Read<Option<Versioned<T>>> {
        let rows = self.database.begin_read()?.open_table(table)?;
        rows.get(key)?.map(|row| decode(what, row.value())).transpose()
    }

    fn rows<T: DeserializeOwned>(&self, table: t::Rows, what: &'static str) -> Read<Vec<(String, Versioned<T>)>> {
        let rows = self.database.begin_read()?.open_table(table)?;
        rows.iter()?
            .map(|row| {
                let (key, value) = row?;
                Ok((key.value().to_owned(), decode(what, value.value())?))
            })
            .collect()
    }

    fn values<T: DeserializeOwned>(&self, table: t::Rows, what: &'static str) -> Read<Vec<Versioned<T>>> {
        Ok(self.rows(table, what)?.into_iter().map(|(_, value)| value).collect())
    }

    /// Rows by device; a key that is no device ID can't have been written and is passed over.
    fn by_device<T: DeserializeOwned>(
        &self,
        table: t::Rows,
        what: &'static str,
    ) -> Read<BTreeMap<DeviceId, Versioned<T>>> {
        let rows = self.rows(table, what)?;
        Ok(rows.into_iter().filter_map(|(key, value)| Some((key.parse().ok()?, value))).collect())
    }

    fn epoch(&self, read: &ReadTransaction, to: &NodeId) -> Read<Epoch> {
        Ok(read.open_table(t::EPOCHS)?.get(to.as_str())?.map_or(self.epoch, |own| Epoch(own.value())))
    }
}

impl Store for RedbStore {
    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(
            async move { if changes.is_empty() { Ok(()) } else { self.writer.submit(Job::Commit(changes)).await } },
        )
    }

    fn keep(&self, kept: Vec<Kept>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { if kept.is_empty() { Ok(()) } else { self.writer.submit(Job::Keep(kept)).await } })
    }

    fn observe(&self, observer: Observer) {
        self.writer.observe(observer);
    }

    fn copy_to(&self, path: &Path, at: Timestamp) -> Result<(), StoreError> {
        copy::copy(&self.database.begin_read()?, path, at)
    }

    fn copied_at(&self) -> Read<Option<Timestamp>> {
        let meta = self.database.begin_read()?.open_table(t::META)?;
        Ok(meta.get(t::COPIED)?.map(|at| Timestamp(at.value())))
    }

    fn devices(&self) -> Read<Vec<Versioned<Device>>> {
        self.values(t::DEVICES, "device")
    }

    fn device(&self, id: &DeviceId) -> Read<Option<Versioned<Device>>> {
        self.row(t::DEVICES, "device", id.as_str())
    }

    fn placements(&self) -> Read<BTreeMap<DeviceId, Versioned<Placement>>> {
        self.by_device(t::PLACEMENTS, "placement")
    }

    fn placement(&self, id: &DeviceId) -> Read<Option<Versioned<Placement>>> {
        self.row(t::PLACEMENTS, "placement", id.as_str())
    }

    fn is_released(&self, id: &DeviceId) -> Read<bool> {
        Ok(self.database.begin_read()?.open_table(t::RELEASED)?.get(id.as_str())?.is_some())
    }

    fn candidates(&self) -> Read<Vec<(NodeId, Candidate)>> {
        let rows = self.database.begin_read()?.open_table(t::CANDIDATES)?;
        let mut candidates = Vec::new();
        for row in rows.iter()? {
            let (key, value) = row?;
            if let Ok(gateway) = key.value().0.parse() {
                candidates.push((gateway, decode::<Candidate>("candidate", value.value())?.value));
            }
        }
        Ok(candidates)
    }

    fn adoptions(&self) -> Read<Vec<Versioned<Adoption>>> {
        self.values(t::ADOPTIONS, "adoption")
    }

    fn adoption(&self, address: IpAddr) -> Read<Option<Versioned<Adoption>>> {
        self.row(t::ADOPTIONS, "adoption", &address.to_string())
    }

    fn plugin_state(&self, device: &DeviceId, plugin: &PluginName) -> Read<BTreeMap<String, Vec<u8>>> {
        let rows = self.database.begin_read()?.open_table(t::PLUGIN_STATE)?;
        let end = format!("{plugin}\0");
        let range = (device.as_str(), plugin.as_str(), "")..(device.as_str(), end.as_str(), "");
        rows.range(range)?
            .map(|row| {
                let (key, value) = row?;
                Ok((key.value().2.to_owned(), value.value().to_vec()))
            })
            .collect()
    }

    fn actions(&self) -> Read<Vec<(DeviceId, u64, StartedAction)>> {
        let rows = self.database.begin_read()?.open_table(t::ACTIONS)?;
        let mut actions = Vec::new();
        for row in rows.iter()? {
            let (key, value) = row?;
            if let Ok(device) = key.value().0.parse() {
                actions.push((device, key.value().1, decode("action", value.value())?.value));
            }
        }
        actions.sort_by_key(|(_, id, _)| *id);
        Ok(actions)
    }

    fn events(&self, device: Option<&DeviceId>, before: Option<u64>, limit: usize) -> Read<Vec<(u64, Event)>> {
        let read = self.database.begin_read()?;
        let events = read.open_table(t::EVENTS)?;
        let end = before.unwrap_or(u64::MAX);
        let numbers: Vec<u64> = match device {
            Some(device) => read
                .open_table(t::EVENTS_OF)?
                .range((device.as_str(), 0)..(device.as_str(), end))?
                .rev()
                .take(limit)
                .map(|row| Ok(row?.0.value().1))
                .collect::<Result<_, StoreError>>()?,
            None => {
                let newest = events.range(..end)?.rev().take(limit);
                newest.map(|row| Ok(row?.0.value())).collect::<Result<_, StoreError>>()?
            }
        };
        let mut found = Vec::with_capacity(numbers.len());
        for number in numbers {
            if let Some(row) = events.get(number)? {
                found.push((number, decode("event", row.value())?.value));
            }
        }
        Ok(found)
    }

    fn find_events(&self, search: &Search<'_>) -> Read<Found> {
        let read = self.database.begin_read()?;
        let events = read.open_table(t::EVENTS)?;
        let end = search.before.unwrap_or(u64::MAX);
        match search.device {
            None => found(search, events.range(..end)?.rev().map(|row| Ok(row?.0.value())), &events),
            Some(device) => {
                let own = read.open_table(t::EVENTS_OF)?;
                let numbers = own.range((device.as_str(), 0)..(device.as_str(), end))?.rev();
                found(search, numbers.map(|row| Ok(row?.0.value().1)), &events)
            }
        }
    }

    fn events_after(&self, after: u64, most: usize) -> Read<Following> {
        let events = self.database.begin_read()?.open_table(t::EVENTS)?;
        let ends = (events.first()?.map(|row| row.0.value()), events.last()?.map(|row| row.0.value()));
        let kept = ends.0.zip(ends.1);
        let rows = events.range(after.saturating_add(1)..)?.take(most);
        let decoded = rows.map(|row| {
            let (number, event) = row?;
            Ok((number.value(), decode("event", event.value())?.value))
        });
        Ok(Following { events: decoded.collect::<Result<_, StoreError>>()?, kept })
    }

    fn outbox(&self, to: &NodeId, most: Portion) -> Read<Outbox> {
        let read = self.database.begin_read()?;
        let rows = read.open_table(t::OUTBOX)?;
        let mut outbox = Outbox { epoch: self.epoch(&read, to)?, ..Outbox::default() };
        for class in Class::ALL {
            for row in rows.range((to.as_str(), class as u8, 0)..=(to.as_str(), class as u8, u64::MAX))? {
                let (key, value) = row?;
                let bytes = outbox.bytes + value.value().len() + ENVELOPE;
                let full = outbox.messages.len() >= most.messages || bytes > most.bytes;
                if full && !(outbox.messages.is_empty() && most.messages > 0) {
                    return Ok(Outbox { more: true, ..outbox });
                }
                let message = decode("message", value.value())?.value;
                outbox.messages.push(Envelope { seq: key.value().2, class, message });
                outbox.bytes = bytes;
            }
        }
        Ok(outbox)
    }

    fn numbers(&self, to: &NodeId) -> Read<Numbers> {
        let read = self.database.begin_read()?;
        let (queues, noted) = (read.open_table(t::QUEUES)?, read.open_table(t::GIVEN)?);
        let met = read.open_table(t::MET)?.get(to.as_str())?.is_some();
        let mut numbers = Numbers { epoch: self.epoch(&read, to)?, met, ..Numbers::default() };
        for class in Class::ALL {
            let key = (to.as_str(), class as u8);
            let (last, count) = queues.get(key)?.map_or((0, 0), |queue| queue.value());
            let noted = noted.get(key)?.map_or(0, |noted| noted.value());
            numbers.given.insert(class, if met { last } else { noted });
            numbers.waiting += count;
        }
        Ok(numbers)
    }

    fn waiting(&self, to: &NodeId) -> Read<u64> {
        Ok(self.numbers(to)?.waiting)
    }

    fn received(&self, from: &NodeId) -> Read<Acks> {
        let inbox = self.database.begin_read()?.open_table(t::INBOX)?;
        let mut acks = Acks::default();
        for class in Class::ALL {
            if let Some((epoch, seq)) = inbox.get((from.as_str(), class as u8))?.map(|row| row.value()) {
                acks.epoch = Epoch(epoch);
                acks.seqs.insert(class, seq);
            }
        }
        Ok(acks)
    }

    fn plugins(&self) -> Read<Vec<Versioned<PluginRecord>>> {
        self.values(t::PLUGINS, "plug-in")
    }

    fn plugin(&self, name: &PluginName) -> Read<Option<Versioned<PluginRecord>>> {
        self.row(t::PLUGINS, "plug-in", name.as_str())
    }

    fn users(&self) -> Read<Vec<Versioned<User>>> {
        self.values(t::USERS, "user")
    }

    fn user(&self, name: &UserName) -> Read<Option<Versioned<User>>> {
        self.row(t::USERS, "user", name.as_str())
    }

    fn tokens(&self) -> Read<Vec<(TokenDigest, Token)>> {
        let rows = self.rows(t::TOKENS, "token")?;
        Ok(rows.into_iter().map(|(digest, token)| (TokenDigest(digest), token.value)).collect())
    }

    fn token(&self, digest: &TokenDigest) -> Read<Option<Token>> {
        Ok(self.row(t::TOKENS, "token", &digest.0)?.map(|token| token.value))
    }

    fn children(&self) -> Read<Vec<Versioned<Child>>> {
        self.values(t::CHILDREN, "node")
    }

    fn child(&self, id: &NodeId) -> Read<Option<Versioned<Child>>> {
        self.row(t::CHILDREN, "node", id.as_str())
    }

    fn child_by_token(&self, token: &TokenDigest) -> Read<Option<Versioned<Child>>> {
        let read = self.database.begin_read()?;
        let tokens = read.open_table(t::CHILD_TOKENS)?;
        let Some(id) = tokens.get(token.0.as_str())? else { return Ok(None) };
        let child =
            read.open_table(t::CHILDREN)?.get(id.value())?.map(|row| decode("node", row.value())).transpose()?;
        Ok(child.filter(|child: &Versioned<Child>| child.value.token == *token))
    }

    fn routes(&self) -> Read<Vec<Versioned<Route>>> {
        self.values(t::ROUTES, "route")
    }

    fn route(&self, node: &NodeId) -> Read<Option<Versioned<Route>>> {
        self.row(t::ROUTES, "route", node.as_str())
    }

    fn flights(&self) -> Read<Vec<Versioned<Flight>>> {
        self.values(t::FLIGHTS, "request")
    }

    fn flight(&self, id: &RequestId) -> Read<Option<Versioned<Flight>>> {
        self.row(t::FLIGHTS, "request", id.as_str())
    }

    fn registrations(&self) -> Read<Vec<Versioned<Registration>>> {
        self.values(t::REGISTRATIONS, "registration")
    }

    fn registration(&self, id: &RegistrationId) -> Read<Option<Versioned<Registration>>> {
        self.row(t::REGISTRATIONS, "registration", id.as_str())
    }

    fn invitations(&self, digests: &[PinDigest]) -> Read<Vec<Option<Versioned<Invitation>>>> {
        let rows = self.database.begin_read()?.open_table(t::INVITATIONS)?;
        let row =
            |digest: &PinDigest| rows.get(digest.as_str())?.map(|row| decode("invitation", row.value())).transpose();
        digests.iter().map(row).collect()
    }

    fn all_invitations(&self) -> Read<Vec<Versioned<Invitation>>> {
        self.values(t::INVITATIONS, "invitation")
    }

    fn invitations_of(&self, registration: &RegistrationId) -> Read<Vec<Versioned<Invitation>>> {
        let mut rows: Vec<Versioned<Invitation>> = self.values(t::INVITATIONS, "invitation")?;
        rows.retain(|row| row.value.registration == *registration);
        rows.sort_by_key(|row| row.value.index);
        Ok(rows)
    }

    fn all_enrolled(&self) -> Read<Vec<Versioned<Enrolled>>> {
        self.values(t::ENROLLED, "enrollment")
    }

    fn enrolled(&self, device: &DeviceId) -> Read<Option<Versioned<Enrolled>>> {
        self.row(t::ENROLLED, "enrollment", device.as_str())
    }

    fn schedules(&self) -> Read<Vec<Versioned<Schedule>>> {
        self.values(t::SCHEDULES, "schedule")
    }

    fn schedule(&self, id: &ScheduleId) -> Read<Option<Versioned<Schedule>>> {
        self.row(t::SCHEDULES, "schedule", id.as_str())
    }

    fn membership(&self) -> Read<Option<Versioned<Membership>>> {
        self.row(t::MEMBERSHIP, "membership", t::OWN)
    }

    fn ledger(&self) -> Read<Option<Versioned<Ledger>>> {
        self.row(t::LEDGER, "ledger", t::OWN)
    }

    fn forwards(&self) -> Read<BTreeMap<RuleName, Cursor>> {
        let rows = self.rows(t::FORWARDS, "cursor")?;
        Ok(rows.into_iter().filter_map(|(rule, cursor)| Some((rule.parse().ok()?, cursor.value))).collect())
    }

    fn standing(&self) -> Read<BTreeMap<Standing, u64>> {
        let rows = self.rows::<u64>(t::STANDING, "standing")?;
        Ok(rows.into_iter().filter_map(|(key, value)| Some((Standing::from_key(&key)?, value.value))).collect())
    }

    fn snapshots(&self) -> Read<BTreeMap<DeviceId, Snapshot>> {
        let rows = self.by_device(t::SNAPSHOTS, "snapshot")?;
        Ok(rows.into_iter().map(|(device, snapshot)| (device, snapshot.value)).collect())
    }

    fn histories(&self, device: &DeviceId) -> Read<BTreeMap<String, Series>> {
        let rows = self.database.begin_read()?.open_table(t::HISTORIES)?;
        let end = format!("{device}\0");
        rows.range((device.as_str(), "")..(end.as_str(), ""))?
            .map(|row| {
                let (key, value) = row?;
                Ok((key.value().1.to_owned(), decode("history", value.value())?.value))
            })
            .collect()
    }
}

/// Goes through these numbers of events until enough was found or looked at.
fn found(
    search: &Search<'_>,
    numbers: impl Iterator<Item = Result<u64, StoreError>>,
    events: &impl ReadableTable<u64, &'static [u8]>,
) -> Read<Found> {
    let mut found = Found::default();
    for (looked, number) in numbers.enumerate() {
        if looked >= search.look || found.events.len() >= search.most {
            return Ok(found);
        }
        let number = number?;
        found.next = Some(number);
        if let Some(row) = events.get(number)? {
            let event = decode("event", row.value())?.value;
            if (search.fits)(&event) {
                found.events.push((number, event));
            }
        }
    }
    Ok(Found { next: None, ..found })
}
