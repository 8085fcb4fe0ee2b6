//! Reads every device on a schedule: many in flight, the silent ones less often, each never twice at a time.
//!
//! Each lane of each network is a queue of its own, which begins a reading when it has a place for it: devices that don't
//! answer hold up those of their own queue and no others.

use super::calls::Caller;
use super::intervals::Pace;
use crate::inventory::Inventory;
use crate::turns::Turns;
use hostler_core::changes::{Change, Changes};
use hostler_core::device::{Device, Reach};
use hostler_core::reading::{PATIENCE, Snapshot};
use hostler_core::upkeep::Standing;
use hostler_core::{DeviceId, NodeId, PluginName, watch};
use hostler_engine::now;
use hostler_links::{Lane, NetworkIndex, Place};
use hostler_store::{Store, StoreError};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// A silent device is read up to so many times less often.
const LEAST_OFTEN: u32 = 16;

/// While patience lasts, and after a reading that could not be stored, a device is asked again this soon.
const SOON: Duration = Duration::from_secs(10);

/// Reads devices.
pub struct Reader {
    store: Arc<dyn Store>,
    caller: Arc<Caller>,
    node: NodeId,
    pace: Arc<Pace>,
    due: Mutex<Due>,
    queues: Vec<Queue>,
    tally: Tally,
    turns: Turns<DeviceId>,
    /// Who waits for a reading of a device.
    wanted: Turns<DeviceId>,
    /// When the last reading began that somebody waited for.
    begun: Mutex<HashMap<DeviceId, Instant>>,
}

/// How many readings this gateway has done since it was started.
#[derive(Default)]
struct Tally {
    brought: AtomicU64,
    failed: AtomicU64,
}

/// The devices that wait for a place in one lane of one network.
struct Queue {
    network: NetworkIndex,
    lane: Lane,
    changed: Notify,
}

/// When each device is to be read, and in which queue it waits.
#[derive(Default)]
struct Due {
    order: Vec<BTreeSet<(Instant, DeviceId)>>,
    at: HashMap<DeviceId, (usize, Instant)>,
    under_way: HashSet<DeviceId>,
    /// How each device is read.
    reached: HashMap<DeviceId, (Reach, PluginName)>,
}

impl Due {
    /// Notes how a device is read; whether that is new.
    fn is_news(&mut self, device: &Device) -> bool {
        let reached = (device.reach.clone(), device.plugin.clone());
        self.reached.insert(device.id.clone(), reached.clone()).is_none_or(|before| before != reached)
    }

    fn set(&mut self, id: &DeviceId, queue: usize, at: Instant) {
        self.remove(id);
        if let Some(order) = self.order.get_mut(queue) {
            order.insert((at, id.clone()));
            self.at.insert(id.clone(), (queue, at));
        }
    }

    fn remove(&mut self, id: &DeviceId) {
        if let Some((queue, at)) = self.at.remove(id)
            && let Some(order) = self.order.get_mut(queue)
        {
            order.remove(&(at, id.clone()));
        }
    }

    /// Reads these within so long at the latest, spread over that time and each in its turn; the queues whose first may be
    /// another now.
    fn bring_forward(&mut self, now: Instant, within: impl Fn(&DeviceId) -> Option<Duration>) -> BTreeSet<usize> {
        let later = |(id, (queue, at)): (&DeviceId, &(usize, Instant))| {
            within(id).filter(|within| now + *within < *at).map(|within| (*at, id.clone(), *queue, within))
        };
        let mut later: Vec<_> = self.at.iter().filter_map(later).collect();
        later.sort_unstable();
        let count = u32::try_from(later.len()).unwrap_or(u32::MAX).max(1);
        let queues = later.iter().map(|(_, _, queue, _)| *queue).collect();
        for ((_, id, queue, within), nth) in later.into_iter().zip(1_u32..) {
            self.set(&id, queue, now + within / count * nth);
        }
        queues
    }

    /// The first of a queue that isn't being read.
    fn first(&self, queue: usize) -> Option<(Instant, DeviceId)> {
        self.order.get(queue)?.iter().find(|(_, id)| !self.under_way.contains(id)).cloned()
    }
}

impl Reader {
    /// Reads each device of `node` as often as the pace says.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, caller: Arc<Caller>, node: NodeId, pace: Arc<Pace>) -> Arc<Self> {
        let networks = caller.networks().all();
        let queue = |network, lane| Queue { network, lane, changed: Notify::new() };
        let queues = networks.flat_map(|network| [queue(network, Lane::Lively), queue(network, Lane::Doubtful)]);
        let queues: Vec<Queue> = queues.collect();
        let due = Due { order: queues.iter().map(|_| BTreeSet::new()).collect(), ..Due::default() };
        let (due, tally, turns) = (Mutex::new(due), Tally::default(), Turns::default());
        let (wanted, begun) = (Turns::default(), Mutex::default());
        let reader = Arc::new(Self { store, caller, node, pace, due, queues, tally, turns, wanted, begun });
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
            // Who is new or changed its address hasn't answered there yet.
            Change::Device { value: Some(device), .. } if device.gateway == self.node => {
                let news = self.due.lock().unwrap_or_else(PoisonError::into_inner).is_news(device);
                if news {
                    self.schedule(device, Lane::Doubtful, Duration::ZERO);
                }
            }
            Change::Device { id, .. } => {
                self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
                let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
                due.remove(id);
                due.reached.remove(id);
            }
            Change::Standing { what: Standing::ReadEvery, .. } => self.read_sooner(|_| true),
            Change::Standing { what: Standing::ReadDeviceEvery(device), .. } => self.read_sooner(|id| id == device),
            _ => {}
        }
    }

    /// What is to be read more often from now on doesn't wait until it would have been read before.
    fn read_sooner(&self, which: impl Fn(&DeviceId) -> bool) {
        let within = |id: &DeviceId| which(id).then(|| self.pace.read(id));
        let queues = self.due.lock().unwrap_or_else(PoisonError::into_inner).bring_forward(Instant::now(), within);
        queues.into_iter().for_each(|queue| self.wake(queue));
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// How many readings brought a report since the start, and how many failed.
    #[must_use]
    pub fn done(&self) -> (u64, u64) {
        (self.tally.brought.load(Ordering::Relaxed), self.tally.failed.load(Ordering::Relaxed))
    }

    /// Reads a device as soon as there is a place.
    pub(crate) fn read_now(&self, id: &DeviceId, inventory: &Inventory) {
        if let Some((device, newest)) = inventory.known(id).filter(|(device, _)| device.gateway == self.node) {
            self.schedule(&device, lane(&newest), Duration::ZERO);
        }
    }

    fn queue(&self, device: &Device, lane: Lane) -> Option<usize> {
        let network = self.caller.networks().of(device.reach.address);
        self.queues.iter().position(|queue| queue.network == network && queue.lane == lane)
    }

    fn schedule(&self, device: &Device, lane: Lane, after: Duration) {
        let Some(queue) = self.queue(device, lane) else { return };
        self.due.lock().unwrap_or_else(PoisonError::into_inner).set(&device.id, queue, Instant::now() + after);
        self.wake(queue);
    }

    fn wake(&self, queue: usize) {
        if let Some(queue) = self.queues.get(queue) {
            queue.changed.notify_one();
        }
    }

    /// Reads for ever.
    pub(crate) async fn run(self: Arc<Self>, inventory: Arc<Inventory>) {
        // After a start everything is due, spread so that the network isn't flooded at once.
        let devices = inventory.devices_where(|gateway| *gateway == self.node);
        let spread = self.pace.read_by_node().min(Duration::from_secs(60));
        for (device, at) in devices.iter().zip(0_u32..) {
            self.due.lock().unwrap_or_else(PoisonError::into_inner).is_news(device);
            let count = u32::try_from(devices.len()).unwrap_or(u32::MAX).max(1);
            let newest = inventory.known(&device.id).map(|(_, newest)| newest).unwrap_or_default();
            self.schedule(device, lane(&newest), spread / count * at);
        }
        let queues = self.queues.iter().zip(0..).map(|(queue, at)| self.serve(queue, at, &inventory));
        tokio::join!(futures::future::join_all(queues), self.follow_plugins(&inventory));
    }

    /// Begins a reading whenever one of this queue is due and there is a place for it.
    async fn serve(self: &Arc<Self>, queue: &Queue, at: usize, inventory: &Arc<Inventory>) {
        loop {
            let id = self.next(queue, at).await;
            let place = self.caller.networks().enter(queue.network, queue.lane).await;
            let (reader, inventory) = (Arc::clone(self), Arc::clone(inventory));
            tokio::spawn(async move {
                let after = reader.read(&id, place, &inventory).await;
                reader.finish(&id, after, &inventory);
            });
        }
    }

    fn finish(&self, id: &DeviceId, after: Option<Duration>, inventory: &Inventory) {
        let next = after.and_then(|after| {
            let (device, newest) = inventory.known(id)?;
            Some((self.queue(&device, lane(&newest))?, Instant::now() + after))
        });
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.under_way.remove(id);
        // Who wanted it read meanwhile gets that; else it is due by its schedule.
        let wanted = due.at.get(id).map(|(queue, _)| *queue);
        if let (None, Some((queue, at))) = (wanted, next) {
            due.set(id, queue, at);
        }
        drop(due);
        if let Some(queue) = wanted.or(next.map(|(queue, _)| queue)) {
            self.wake(queue);
        }
    }

    /// Waits for the next device of a queue that is due and not being read.
    async fn next(&self, queue: &Queue, at: usize) -> DeviceId {
        loop {
            let wake = {
                let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
                match due.first(at) {
                    Some((at, id)) if at <= Instant::now() => {
                        due.remove(&id);
                        due.under_way.insert(id.clone());
                        return id;
                    }
                    Some((at, _)) => at,
                    None => Instant::now() + Duration::from_secs(3600),
                }
            };
            let _ = tokio::time::timeout_at(wake, queue.changed.notified()).await;
        }
    }

    /// A plug-in that runs differently may read what it couldn't before, and the other way round.
    async fn follow_plugins(&self, inventory: &Inventory) {
        let mut turns = self.caller.catalogue().turns();
        loop {
            let turned: Option<PluginName> = match turns.recv().await {
                Ok(plugin) => Some(plugin),
                Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => return,
            };
            for device in inventory.devices_where(|gateway| *gateway == self.node) {
                if turned.as_ref().is_none_or(|plugin| *plugin == device.plugin) {
                    self.read_now(&device.id, inventory);
                }
            }
        }
    }

    /// Reads a device for somebody who waits for it; `None` when it isn't one of this gateway.
    pub(crate) async fn read_for(&self, id: &DeviceId, inventory: &Inventory) -> Option<Snapshot> {
        let asked = Instant::now();
        // One at a time waits for a place, and all who asked before it began have what it brings.
        let turn = self.wanted.of(id);
        let _turn = turn.lock().await;
        let (device, newest) = inventory.known(id).filter(|(device, _)| device.gateway == self.node)?;
        if self.begun.lock().unwrap_or_else(PoisonError::into_inner).get(id).is_some_and(|begun| *begun > asked) {
            return Some(newest);
        }
        let networks = self.caller.networks();
        let place = networks.enter(networks.of(device.reach.address), lane(&newest)).await;
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Instant::now());
        let (after, again) = self.read_and_tell(id, place, inventory).await?;
        self.schedule(&device, lane(&after), again);
        Some(after)
    }

    /// Reads once; returns when to read again, or nothing when the device is gone.
    async fn read(&self, id: &DeviceId, place: Place, inventory: &Inventory) -> Option<Duration> {
        Some(self.read_and_tell(id, place, inventory).await?.1)
    }

    /// Reads once: what is known then, and when to read again; nothing when the device is gone.
    async fn read_and_tell(&self, id: &DeviceId, place: Place, inventory: &Inventory) -> Option<(Snapshot, Duration)> {
        // What changed since the last reading is told by one of two that are done at a time.
        let turn = self.turns.of(id);
        let _turn = turn.lock().await;
        let (device, before) = inventory.known(id).filter(|(device, _)| device.gateway == self.node)?;
        let read = self.caller.read(&device, place).await;
        let count = if read.is_ok() { &self.tally.brought } else { &self.tally.failed };
        count.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(device = %id, brought = read.is_ok(), "it was read");
        let after = match read {
            Ok(report) => watch::read(&before, now(), report),
            Err(error) if error.is_of_the_thing() => before.failed(now(), error.to_string()),
            Err(error) => {
                let text = error.to_string();
                if before.trouble.as_ref().is_none_or(|trouble| trouble.text != text) {
                    tracing::warn!(device = %id, %error, "a reading failed");
                }
                before.hindered(now(), error.hindrance(), text)
            }
        };
        if let Err(error) = self.tell(&device, &before, &after).await {
            // What was known stays known, so that the next reading finds the same difference and tells it.
            tracing::error!(device = %id, %error, "what happened to a device could not be stored");
            return Some((after, self.pace.read(id).min(SOON)));
        }
        let failed = after.trouble.as_ref().map_or(0, |trouble| trouble.attempts);
        inventory.take_snapshot(id, after.clone());
        let every = self.pace.read(id);
        let again = match failed {
            0 => every,
            soon if soon < PATIENCE => every.min(SOON),
            long => every.saturating_mul((1 << (long - PATIENCE).min(8)).min(LEAST_OFTEN)),
        };
        Some((after, again))
    }

    async fn tell(&self, device: &Device, before: &Snapshot, after: &Snapshot) -> Result<(), StoreError> {
        let events = watch::happened(&device.id, &device.title(), before, after);
        if events.is_empty() {
            return Ok(());
        }
        let newest = Change::Snapshot { id: device.id.clone(), value: Box::new(after.clone()) };
        let told = Changes::from(newest);
        let changes = events.into_iter().fold(told, |changes, event| self.caller.happened(changes, event));
        self.store.commit(changes).await
    }
}

/// What didn't answer the last time, or was never asked, only makes its like wait.
fn lane(newest: &Snapshot) -> Lane {
    let silent = newest.trouble.as_ref().is_some_and(|trouble| trouble.attempts > 0);
    if silent || newest.read_at.is_none() { Lane::Doubtful } else { Lane::Lively }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d07_a_shorter_interval_is_spread_and_bunches_nothing() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let device = |number: u32| DeviceId::from_words(&["device", &number.to_string()]);
        let mut due = Due { order: vec![BTreeSet::new()], ..Due::default() };
        (0..10).for_each(|number| due.set(&device(number), 0, now + second * (100 + number)));
        due.set(&device(10), 0, now + second);
        assert_eq!(due.bring_forward(now, |_| Some(second * 20)), BTreeSet::from([0]));
        let read: Vec<_> = due.order[0].iter().cloned().collect();
        let spread = (0..10).map(|number| (now + second * 2 * (number + 1), device(number)));
        let expected: Vec<_> = std::iter::once((now + second, device(10))).chain(spread).collect();
        assert_eq!(read, expected, "those that are to be read anyway stay, the others come in their turn");
        assert!(due.bring_forward(now, |_| Some(second * 20)).is_empty());
    }
}
