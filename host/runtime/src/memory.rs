//! What plug-ins remember without a promise: `cache`.

use hostler_core::{DeviceId, PluginName};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that one plug-in may keep of one device.
const EACH: usize = 64 << 10;

/// Bytes that are kept in all. When there are more, everything is forgotten: a cache may.
const ALL: usize = 64 << 20;

/// Shared with the call under way, and copied when that changes something.
pub(crate) type Remembered = Arc<BTreeMap<String, Vec<u8>>>;

#[derive(Default)]
pub(crate) struct Memories {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    each: HashMap<(DeviceId, PluginName), Remembered>,
}

impl Memories {
    pub(crate) fn recall(&self, device: &DeviceId, plugin: &PluginName) -> Remembered {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.each.get(&(device.clone(), plugin.clone())).cloned().unwrap_or_default()
    }

    pub(crate) fn keep(&self, device: &DeviceId, plugin: &PluginName, remembered: Remembered) {
        let size = size(&remembered);
        if size > EACH {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + size > ALL {
            *kept = Kept::default();
        }
        let before = kept.each.insert((device.clone(), plugin.clone()), remembered);
        kept.bytes = (kept.bytes + size).saturating_sub(before.as_deref().map_or(0, self::size));
    }
}

fn size(remembered: &BTreeMap<String, Vec<u8>>) -> usize {
    remembered.iter().map(|(key, value)| key.len() + value.len()).sum()
}
