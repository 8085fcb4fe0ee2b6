//! `state` and `cache`: what a plug-in remembers of the call's one device.

use crate::bindings::wit::{cache, state};
use crate::call::Guest;
use crate::limits::Refused;
use std::sync::Arc;
use wasmtime::Result;

/// Bytes of a key.
const KEY: usize = 128;
/// Bytes of all values of one plug-in on one device, and so of one value.
const VALUES: usize = 64 << 10;
/// Keys of one plug-in on one device.
const KEYS: usize = 256;

fn checked(key: &str) -> Result<()> {
    if key.is_empty() || key.len() > KEY || !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(Refused(format!("a key has 1 to {KEY} printable ASCII characters")).into());
    }
    Ok(())
}

/// Whether a value fits beside what is there under other keys.
fn fits<'a>(key: &str, value: &[u8], others: impl Iterator<Item = &'a Vec<u8>>) -> Result<()> {
    let (keys, bytes) = others.fold((1, value.len()), |(keys, bytes), other| (keys + 1, bytes + other.len()));
    if bytes > VALUES {
        return Err(Refused(format!(
            "a plug-in keeps at most {VALUES} bytes of a device; with {key:?} it would be {bytes}"
        ))
        .into());
    }
    if keys > KEYS {
        return Err(Refused(format!("a plug-in keeps at most {KEYS} keys of a device")).into());
    }
    Ok(())
}

impl Guest {
    /// What the plug-in remembers at this point of the call, but for one key.
    fn remembers_beside<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Vec<u8>> {
        let written = &self.traces.state;
        let stored = self.stored.iter().filter(move |(stored, _)| !written.contains_key(*stored));
        let written = written.iter().filter_map(|(written, value)| Some((written, value.as_ref()?)));
        stored.chain(written).filter(move |(other, _)| *other != key).map(|(_, value)| value)
    }
}

impl state::Host for Guest {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        checked(&key)?;
        let value = match self.traces.state.get(&key) {
            Some(written) => written.clone(),
            None => self.stored.get(&key).cloned(),
        };
        self.purse.bytes(key.len() + value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<()> {
        checked(&key)?;
        fits(&key, &value, self.remembers_beside(&key))?;
        self.purse.bytes(key.len() + value.len())?;
        // What stays the same needs no write to the disk.
        if self.stored.get(&key) == Some(&value) {
            self.traces.state.remove(&key);
        } else {
            self.traces.state.insert(key, Some(value));
        }
        Ok(())
    }

    fn delete(&mut self, key: String) -> Result<()> {
        checked(&key)?;
        self.purse.bytes(key.len())?;
        if self.stored.contains_key(&key) {
            self.traces.state.insert(key, None);
        } else {
            self.traces.state.remove(&key);
        }
        Ok(())
    }
}

impl cache::Host for Guest {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        checked(&key)?;
        let value = self.cache.get(&key).cloned();
        self.purse.bytes(key.len() + value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<()> {
        checked(&key)?;
        fits(&key, &value, self.cache.iter().filter(|(other, _)| **other != key).map(|(_, value)| value))?;
        self.purse.bytes(key.len() + value.len())?;
        Arc::make_mut(&mut self.cache).insert(key, value);
        self.cache_changed = true;
        Ok(())
    }
}
