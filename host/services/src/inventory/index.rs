//! Everything that lists need, in memory.

use super::query::{DeviceRow, LowLevel, Page, Query};
use hostler_core::changes::Change;
use hostler_core::device::{Device, Placement};
use hostler_core::reading::{Condition, Reading, Snapshot, Value};
use hostler_core::routing::Routes;
use hostler_core::viewer::Viewer;
use hostler_core::{DeviceId, NodeId, watch};
use hostler_store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Index {
    devices: BTreeMap<DeviceId, Entry>,
    /// The ways to the nodes below that aren't neighbours.
    pub(super) routes: Routes,
}

struct Entry {
    device: Arc<Device>,
    placement: Placement,
    snapshot: Snapshot,
    /// What a search looks into, in small letters.
    haystack: String,
}

impl Entry {
    fn new(device: Device, placement: Placement, snapshot: Snapshot) -> Self {
        let haystack = haystack(&device, &placement);
        Self { device: Arc::new(device), placement, snapshot, haystack }
    }

    fn fits(&self, query: &Query, words: &[String]) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|w| Some(w) == found);
        words.iter().all(|word| self.haystack.contains(word.as_str()))
            && is(&query.site, self.placement.site.as_ref().map(|site| site.as_str()))
            && is(&query.owner, self.placement.owner.as_ref().map(|owner| owner.as_str()))
            && is(&query.gateway, Some(self.device.gateway.as_str()))
            && is(&query.plugin, Some(self.device.plugin.as_str()))
            && query.tag.as_ref().is_none_or(|tag| self.placement.tags.contains(tag))
            && query.device_type.is_none_or(|kind| kind == self.device.identity.device_type)
    }

    fn row(&self) -> DeviceRow {
        let report = self.snapshot.report.as_ref();
        let readings = || report.map(|report| report.readings.as_slice()).unwrap_or_default().iter();
        // While patience lasts silence is no news; what keeps us from asking always is.
        let unreachable = self.snapshot.condition() == Condition::Unreachable;
        let trouble = self.snapshot.trouble.as_ref().filter(|trouble| unreachable || trouble.attempts == 0);
        let worst = report.and_then(|report| report.alerts.iter().max_by_key(|alert| alert.severity));
        DeviceRow {
            id: self.device.id.clone(),
            title: self.device.title(),
            name: given(&self.device.identity.name),
            serial: given(&self.device.identity.serial),
            device_type: self.device.identity.device_type,
            condition: self.snapshot.condition(),
            headline: trouble.map(|trouble| trouble.headline().to_owned()).or_else(|| worst.map(watch::describe)),
            address: self.device.reach.address,
            gateway: self.device.gateway.clone(),
            site: self.placement.site.clone(),
            owner: self.placement.owner.clone(),
            tags: self.placement.tags.clone(),
            lowest: readings().filter_map(low).min_by(|a, b| a.fraction.total_cmp(&b.fraction)),
            pages: readings().find_map(|reading| match reading.value {
                Value::Counter(count) if reading.name == "pages.printed" || reading.name == "documents.fed" => {
                    Some(count)
                }
                _ => None,
            }),
            read_at: self.snapshot.read_at,
        }
    }
}

/// What a device tells of itself, where it isn't blank.
fn given(told: &Option<String>) -> Option<String> {
    told.clone().filter(|told| !told.trim().is_empty())
}

/// Supplies only: an empty paper tray is refilled by whoever stands there.
fn low(reading: &Reading) -> Option<LowLevel> {
    let Value::Level(level) = &reading.value else { return None };
    let fraction = level.fraction().filter(|_| !reading.name.starts_with("tray"))?;
    Some(LowLevel { label: reading.title(), fraction, colour: reading.attributes.get("colour").cloned() })
}

fn haystack(device: &Device, placement: &Placement) -> String {
    let identity = &device.identity;
    let words = [
        Some(device.id.to_string()),
        Some(device.title()),
        identity.serial.clone(),
        identity.mac.clone(),
        identity.name.clone(),
        identity.location.clone(),
        identity.firmware.clone(),
        Some(device.reach.address.to_string()),
        Some(device.gateway.to_string()),
        Some(identity.device_type.to_string()),
        placement.site.as_ref().map(ToString::to_string),
        placement.owner.as_ref().map(ToString::to_string),
    ];
    let words = words.into_iter().flatten().chain(placement.tags.iter().cloned());
    words.collect::<Vec<_>>().join("\n").to_lowercase()
}

impl Index {
    pub(super) fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let mut placements = store.placements()?;
        let mut snapshots = store.snapshots()?;
        let entries = store.devices()?.into_iter().map(|device| {
            let device = device.value;
            let placement = placements.remove(&device.id).map(|placement| placement.value).unwrap_or_default();
            let snapshot = snapshots.remove(&device.id).unwrap_or_default();
            (device.id.clone(), Entry::new(device, placement, snapshot))
        });
        let routes = store.routes()?.into_iter().map(|route| route.value).collect();
        Ok(Self { devices: entries.collect(), routes })
    }

    pub(super) fn follow(&mut self, change: &Change) {
        match change {
            Change::Device { id, value: None, .. } => {
                self.devices.remove(id);
            }
            Change::Device { id, value: Some(device), .. } => {
                let before = self.devices.remove(id);
                let (placement, snapshot) =
                    before.map(|before| (before.placement, before.snapshot)).unwrap_or_default();
                self.devices.insert(id.clone(), Entry::new((**device).clone(), placement, snapshot));
            }
            Change::Placement { id, value, .. } => {
                if let Some(entry) = self.devices.get_mut(id) {
                    entry.placement = value.clone();
                    entry.haystack = haystack(&entry.device, &entry.placement);
                }
            }
            Change::Route { node, value, .. } => self.routes.put(node, value.as_deref().cloned()),
            _ => {}
        }
    }

    pub(super) fn put_snapshot(&mut self, id: &DeviceId, snapshot: Snapshot) -> bool {
        match self.devices.get_mut(id) {
            Some(entry) => {
                entry.snapshot = snapshot;
                true
            }
            None => false,
        }
    }

    fn seen_by<'a>(&'a self, viewer: &'a Viewer) -> impl Iterator<Item = &'a Entry> {
        self.devices.values().filter(|entry| viewer.sees(&entry.placement))
    }

    pub(super) fn find(&self, viewer: &Viewer, query: &Query) -> Page {
        let text = query.text.as_deref().unwrap_or_default().to_lowercase();
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let mut page = Page { rows: Vec::new(), total: 0, conditions: BTreeMap::new(), devices: 0 };
        let mut found: Vec<(&Entry, Condition)> = Vec::new();
        for entry in self.seen_by(viewer) {
            page.devices += 1;
            if !entry.fits(query, &words) {
                continue;
            }
            let condition = entry.snapshot.condition();
            *page.conditions.entry(condition).or_default() += 1;
            if query.condition.is_none_or(|wanted| wanted == condition) {
                found.push((entry, condition));
            }
        }
        page.total = found.len();
        // What needs somebody comes first.
        found.sort_by_key(|(_, condition)| std::cmp::Reverse(*condition));
        let shown = found.into_iter().skip(query.offset).take(query.limit.min(Query::MOST));
        page.rows = shown.map(|(entry, _)| entry.row()).collect();
        page
    }

    pub(super) fn get(&self, viewer: &Viewer, id: &DeviceId) -> Option<(Device, Placement, Snapshot)> {
        let entry = self.devices.get(id).filter(|entry| viewer.sees(&entry.placement))?;
        Some(((*entry.device).clone(), entry.placement.clone(), entry.snapshot.clone()))
    }

    pub(super) fn known(&self, id: &DeviceId) -> Option<(Arc<Device>, Snapshot)> {
        self.devices.get(id).map(|entry| (Arc::clone(&entry.device), entry.snapshot.clone()))
    }

    pub(super) fn snapshots(&self) -> impl Iterator<Item = (&DeviceId, &Snapshot)> {
        self.devices.iter().map(|(id, entry)| (id, &entry.snapshot))
    }

    pub(super) fn visible(&self, viewer: &Viewer) -> Vec<(DeviceId, Snapshot)> {
        self.seen_by(viewer).map(|entry| (entry.device.id.clone(), entry.snapshot.clone())).collect()
    }

    pub(super) fn devices_where(&self, gateway: impl Fn(&NodeId) -> bool) -> Vec<Arc<Device>> {
        let devices = self.devices.values().filter(|entry| gateway(&entry.device.gateway));
        devices.map(|entry| Arc::clone(&entry.device)).collect()
    }

    pub(super) fn by_gateway(&self) -> BTreeMap<NodeId, usize> {
        let mut counts = BTreeMap::new();
        for entry in self.devices.values() {
            *counts.entry(entry.device.gateway.clone()).or_default() += 1;
        }
        counts
    }
}
