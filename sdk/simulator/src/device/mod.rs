//! One simulated device: its profile, its identity and its state.
//!
//! A device answers for one object at a time and knows nothing of messages. Everything that moves is brought up to
//! date when somebody looks ([`Device::look`]); between two looks a device costs nothing.

pub mod alerts;
pub mod counters;
mod live;
pub mod power;
mod state;
mod wear;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_snmp::{Oid, Value};
use bytes::Bytes;

use crate::fault::{Fault, of_wrong_type};
use crate::profile::{Profile, SerialShape};
use crate::seed::Seed;
pub(crate) use power::Attention;
pub(crate) use state::State;

/// What tells a device from the others of its model.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) serial: Bytes,
    pub(crate) mac: [u8; 6],
}

/// One device.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) profile: Arc<Profile>,
    pub(crate) identity: Identity,
    requests: AtomicU64,
    state: Mutex<State>,
}

impl Device {
    /// Device `number` of the fleet of `seed`. Serials and addresses differ for every number below a million.
    pub(crate) fn new(profile: Arc<Profile>, seed: u64, number: u32, pages_per_hour: u32) -> Self {
        let mut numbers = Seed::for_device(seed, number);
        let [_, low, middle, high] = number.to_be_bytes();
        let mac = [0x02, 0x45, seed.to_be_bytes()[7], low, middle, high];
        let serial = match &profile.serial {
            SerialShape::Prefix(prefix) => {
                // 7919 has no divisor in common with a million, so that no two numbers meet.
                let digits = (u64::from(number) * 7919 + seed % 1_000_000) % 1_000_000;
                format!("{prefix}{digits:06}")
            }
            SerialShape::FromMac => mac.iter().map(|byte| format!("{byte:02X}")).collect(),
        };
        let state = State::new(&profile, &mut numbers, pages_per_hour);
        let identity = Identity { serial: serial.into(), mac };
        Self { profile, identity, requests: AtomicU64::new(0), state: Mutex::new(state) }
    }

    /// The device as it is now.
    pub(crate) fn look(&self) -> Look<'_> {
        // A panic elsewhere while the state was locked leaves it as any other interruption would: usable.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = state.now();
        state.catch_up(&self.profile, now);
        Look { device: self, state, now }
    }

    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// A device held still while it is asked or changed.
pub(crate) struct Look<'a> {
    pub(crate) device: &'a Device,
    pub(crate) state: MutexGuard<'a, State>,
    /// Time since the device was made.
    pub(crate) now: Duration,
}

impl Look<'_> {
    /// The value of this object, by the device's faults.
    pub(crate) fn get(&self, oid: &Oid) -> Option<Value> {
        let value = self.value(oid)?;
        Some(if self.state.fault == Some(Fault::WrongType) { of_wrong_type(value) } else { value })
    }

    /// The value of this object, as a device without faults has it.
    pub(crate) fn value(&self, oid: &Oid) -> Option<Value> {
        self.state.mib.get(oid).map(|object| self.read(object))
    }

    /// The object after this name and its value, by the device's faults.
    pub(crate) fn next(&self, oid: &Oid) -> Option<(Oid, Value)> {
        match self.state.fault {
            Some(Fault::Endless) => self.next_without_end(oid),
            Some(Fault::OutOfOrder) => self.previous_in_column(oid).or_else(|| self.next_in_order(oid)),
            Some(Fault::Repeating) => match self.value(oid) {
                Some(value) => Some((oid.clone(), value)),
                None => self.next_in_order(oid),
            },
            Some(Fault::WrongType) => self.next_in_order(oid).map(|(name, value)| (name, of_wrong_type(value))),
            _ => self.next_in_order(oid),
        }
    }

    fn next_in_order(&self, oid: &Oid) -> Option<(Oid, Value)> {
        let (name, object) = self.state.mib.after(oid)?;
        Some((name.clone(), self.read(object)))
    }

    fn previous_in_column(&self, oid: &Oid) -> Option<(Oid, Value)> {
        self.state.mib.get(oid)?;
        let (name, object) = self.state.mib.before(oid)?;
        (name.parent() == oid.parent()).then(|| (name.clone(), self.read(object)))
    }

    /// What is there while the column lasts; after its end, one row more each time.
    fn next_without_end(&self, oid: &Oid) -> Option<(Oid, Value)> {
        let column = oid.parent()?;
        let found = self.next_in_order(oid);
        if let Some((name, _)) = &found
            && (name.starts_with(oid) || name.starts_with(&column))
        {
            return found;
        }
        let in_column = self.state.mib.after(&column).is_some_and(|(name, _)| name.starts_with(&column));
        let last = oid.arcs().last().and_then(|last| last.checked_add(1)).filter(|_| in_column);
        let name = last.map_or_else(|| oid.child(1), |last| column.child(last));
        Some((name, Value::Integer(1)))
    }
}
