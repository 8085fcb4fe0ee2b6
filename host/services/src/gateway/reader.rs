//! Reads every device on a schedule: many in flight, the silent ones less often, each never twice at a time.

use super::calls::{CallFailed, Caller};
use crate::inventory::Inventory;
use hostler_core::changes::{Change, Changes};
use hostler_core::device::Device;
use hostler_core::reading::{PATIENCE, Snapshot};
use hostler_core::{DeviceId, NodeId, watch};
use hostler_engine::now;
use hostler_links::Lane;
use hostler_store::Store;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

/// So many readings are under way at most; the lanes bound what is on the wire.
const READINGS: usize = 256;

/// A silent device is read up to so many times less often.
const LEAST_OFTEN: u32 = 16;

/// Reads devices.
pub struct Reader {
    store: Arc<dyn Store>,
    caller: Arc<Caller>,
    node: NodeId,
    every: Duration,
    due: Mutex<Due>,
    changed: Notify,
    places: Arc<Semaphore>,
    tally: Tally,
}

/// How many readings this gateway has done since it was started.
#[derive(Default)]
struct Tally {
    brought: AtomicU64,
    failed: AtomicU64,
}

/// When each device is to be read.
#[derive(Default)]
struct Due {
    order: BTreeSet<(Instant, DeviceId)>,
    at: HashMap<DeviceId, Instant>,
    under_way: HashSet<DeviceId>,
}

impl Due {
    fn set(&mut self, id: &DeviceId, at: Instant) {
        self.remove(id);
        self.order.insert((at, id.clone()));
        self.at.insert(id.clone(), at);
    }

    fn remove(&mut self, id: &DeviceId) {
        if let Some(at) = self.at.remove(id) {
            self.order.remove(&(at, id.clone()));
        }
    }
}

impl Reader {
    /// Reads each device of `node` every so often.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, caller: Arc<Caller>, node: NodeId, every: Duration) -> Arc<Self> {
        let reader = Arc::new(Self {
            store,
            caller,
            node,
            every,
            due: Mutex::default(),
            changed: Notify::new(),
            places: Arc::new(Semaphore::new(READINGS)),
            tally: Tally::default(),
        });
        let following = Arc::downgrade(&reader);
        reader.store.observe(Arc::new(move |changes: &Changes| {
            if let Some(reader) = following.upgrade() {
                changes.0.iter().for_each(|change| reader.follow(change));
            }
        }));
        reader
    }

    fn follow(&self, change: &Change) {
        match change {
            Change::Device { id, value: Some(device), .. } if device.gateway == self.node => {
                self.schedule(id, Duration::ZERO);
            }
            Change::Device { id, value: None, .. } => {
                self.due.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
            }
            _ => {}
        }
    }

    /// How many readings brought a report since the start, and how many failed.
    #[must_use]
    pub fn done(&self) -> (u64, u64) {
        (self.tally.brought.load(Ordering::Relaxed), self.tally.failed.load(Ordering::Relaxed))
    }

    /// Reads a device as soon as there is a place.
    pub fn read_now(&self, id: &DeviceId) {
        self.schedule(id, Duration::ZERO);
    }

    fn schedule(&self, id: &DeviceId, after: Duration) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).set(id, Instant::now() + after);
        self.changed.notify_one();
    }

    /// Reads for ever.
    pub(crate) async fn run(self: Arc<Self>, inventory: Arc<Inventory>) {
        // After a start everything is due, spread so that the network isn't flooded at once.
        let devices = inventory.devices_of(&self.node);
        let spread = self.every.min(Duration::from_secs(60));
        for (device, at) in devices.iter().zip(0_u32..) {
            let count = u32::try_from(devices.len()).unwrap_or(u32::MAX).max(1);
            self.schedule(&device.id, spread / count * at);
        }
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
            let id = self.next().await;
            let (reader, inventory) = (Arc::clone(&self), Arc::clone(&inventory));
            tokio::spawn(async move {
                let after = reader.read(&id, &inventory).await;
                let mut due = reader.due.lock().unwrap_or_else(PoisonError::into_inner);
                due.under_way.remove(&id);
                // Who wanted it read meanwhile gets that; else it is due by its schedule.
                if let (Some(after), false) = (after, due.at.contains_key(&id)) {
                    due.set(&id, Instant::now() + after);
                }
                drop(due);
                reader.changed.notify_one();
                drop(place);
            });
        }
    }

    /// Waits for the next device that is due and not being read.
    async fn next(&self) -> DeviceId {
        loop {
            let wake = {
                let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
                let first = due.order.iter().find(|(_, id)| !due.under_way.contains(id)).cloned();
                match first {
                    Some((at, id)) if at <= Instant::now() => {
                        due.remove(&id);
                        due.under_way.insert(id.clone());
                        return id;
                    }
                    Some((at, _)) => at,
                    None => Instant::now() + Duration::from_secs(3600),
                }
            };
            let _ = tokio::time::timeout_at(wake, self.changed.notified()).await;
        }
    }

    /// Reads once; returns when to read again, or nothing when the device is gone.
    async fn read(&self, id: &DeviceId, inventory: &Inventory) -> Option<Duration> {
        let (device, before) = inventory.known(id).filter(|(device, _)| device.gateway == self.node)?;
        let silent = before.trouble.as_ref().map_or(0, |trouble| trouble.attempts);
        let lane = if silent < PATIENCE && before.read_at.is_some() { Lane::Lively } else { Lane::Doubtful };
        let read = self.caller.read(id, &device.reach, &device.plugin, lane).await;
        let count = if read.is_ok() { &self.tally.brought } else { &self.tally.failed };
        count.fetch_add(1, Ordering::Relaxed);
        let after = match read {
            Ok(report) => Snapshot::read(now(), report),
            Err(error) => {
                if !matches!(error, CallFailed::Thing(_)) {
                    tracing::warn!(device = %id, %error, "a reading failed");
                }
                before.failed(now(), error.to_string())
            }
        };
        self.tell(&device, &before, &after).await;
        let failed = after.trouble.as_ref().map_or(0, |trouble| trouble.attempts);
        inventory.take_snapshot(id, after);
        // While patience lasts it is asked again soon, so that one lost datagram doesn't cost a whole round.
        Some(match failed {
            0 => self.every,
            soon if soon < PATIENCE => self.every.min(Duration::from_secs(10)),
            long => self.every * (1 << (long - PATIENCE).min(8)).min(LEAST_OFTEN),
        })
    }

    async fn tell(&self, device: &Device, before: &Snapshot, after: &Snapshot) {
        let events = watch::happened(&device.id, &device.title(), before, after);
        if events.is_empty() {
            return;
        }
        let newest = Change::Snapshot { id: device.id.clone(), value: Box::new(after.clone()) };
        let told = Changes::from(newest);
        let changes = events.into_iter().fold(told, |changes, event| self.caller.happened(changes, event));
        if let Err(error) = self.store.commit(changes).await {
            tracing::error!(device = %device.id, %error, "what happened to a device could not be stored");
        }
    }
}
