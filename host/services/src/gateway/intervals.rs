//! How often a gateway asks: what its configuration says, and what somebody above has set since, which it keeps over
//! restarts.

use hostler_core::DeviceId;
use hostler_core::changes::{Change, Changes};
use hostler_core::upkeep::{BadInterval, Bounds, Interval, IntervalChange, IntervalWish, Intervals, SetAt, Standing};
use hostler_store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often a gateway asks.
pub struct Pace {
    read: Bounds,
    search: Bounds,
    /// What was set from above.
    set: Mutex<BTreeMap<Standing, u64>>,
    /// Rings when the networks are searched more or less often.
    changed: Notify,
}

impl Pace {
    /// As it is configured within these bounds, and set from above. It follows every commit.
    ///
    /// # Errors
    /// The store's.
    pub fn open(store: &dyn Store, read: Bounds, search: Bounds) -> Result<Arc<Self>, StoreError> {
        let (set, changed) = (Mutex::new(store.standing()?), Notify::new());
        let pace = Arc::new(Self { read, search, set, changed });
        let following = Arc::downgrade(&pace);
        store.observe(Arc::new(move |changes: &Changes| {
            if let Some(pace) = following.upgrade() {
                changes.0.iter().for_each(|change| pace.follow(change));
            }
        }));
        Ok(pace)
    }

    fn set(&self) -> MutexGuard<'_, BTreeMap<Standing, u64>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, change: &Change) {
        let Change::Standing { what, value } = change else { return };
        match value {
            Some(value) => _ = self.set().insert(what.clone(), *value),
            None => _ = self.set().remove(what),
        }
        if *what == Standing::SearchEvery {
            self.changed.notify_one();
        }
    }

    fn by_node(&self) -> (Duration, SetAt) {
        let set = self.set().get(&Standing::ReadEvery).copied();
        set.map_or((self.read.configured, SetAt::Configuration), |set| (self.read.clamp(set), SetAt::Node))
    }

    fn of(&self, device: &DeviceId) -> (Duration, SetAt) {
        let set = self.set().get(&Standing::ReadDeviceEvery(device.clone())).copied();
        set.map_or_else(|| self.by_node(), |set| (self.read.clamp(set), SetAt::Device))
    }

    fn search(&self) -> (Duration, SetAt) {
        let set = self.set().get(&Standing::SearchEvery).copied();
        set.map_or((self.search.configured, SetAt::Configuration), |set| (self.search.clamp(set), SetAt::Node))
    }

    /// How often a device is read.
    pub(crate) fn read(&self, device: &DeviceId) -> Duration {
        self.of(device).0
    }

    /// How often devices are read that have no interval of their own.
    pub(crate) fn read_by_node(&self) -> Duration {
        self.by_node().0
    }

    /// Waits until the networks are to be searched that were searched then.
    pub(crate) async fn until_search(&self, searched: Instant) {
        loop {
            let wait = tokio::time::sleep_until(searched + self.search().0);
            tokio::select! {
                () = wait => return,
                () = self.changed.notified() => {}
            }
        }
    }

    /// As it is, for people and programs: of the node, or of one device.
    pub(crate) fn view(&self, device: Option<&DeviceId>) -> Intervals {
        let interval = |bounds: &Bounds, (every, set_at)| -> Interval { bounds.view(every, set_at) };
        match device {
            Some(device) => {
                Intervals { read: interval(&self.read, self.of(device)), search: None, devices_apart: None }
            }
            None => {
                let apart = |what: &&Standing| matches!(what, Standing::ReadDeviceEvery(_));
                let apart = self.set().keys().filter(apart).count();
                let search = Some(interval(&self.search, self.search()));
                Intervals { read: interval(&self.read, self.by_node()), search, devices_apart: Some(apart) }
            }
        }
    }

    /// What it takes to make it as somebody wants it, and what is told of that.
    ///
    /// # Errors
    /// It can't be, and nothing is changed.
    pub(crate) fn change(
        &self,
        device: Option<&DeviceId>,
        wish: IntervalWish,
    ) -> Result<(Changes, Vec<String>), BadInterval> {
        let reading = device.map_or(Standing::ReadEvery, |device| Standing::ReadDeviceEvery(device.clone()));
        if device.is_some() && wish.search.is_some() {
            return Err(BadInterval::NotOfADevice);
        }
        let wishes = [
            (wish.read, reading, "reading", &self.read),
            (wish.search, Standing::SearchEvery, "searching", &self.search),
        ];
        let (mut changes, mut told) = (Changes::none(), Vec::new());
        for (change, standing, what, bounds) in wishes {
            let (value, text) = match change {
                None => continue,
                Some(IntervalChange::AsConfigured) => (None, format!("{what} as often as before anybody set it")),
                Some(IntervalChange::EveryS(every_s)) => {
                    let every = bounds.take(what, every_s)?;
                    let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
                    (Some(every_ms), format!("{what} every {}", hostler_core::upkeep::intervals::spelled(every_ms)))
                }
            };
            changes = changes.and(Change::Standing { what: standing, value });
            told.push(text);
        }
        if told.is_empty() { Err(BadInterval::Nothing) } else { Ok((changes, told)) }
    }
}
