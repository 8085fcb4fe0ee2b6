//! `state` and `cache`: what a plug-in remembers of the call's one device.

use crate::bindings::wit::{cache, state};
use crate::call::Guest;
use wasmtime::{Result, bail};

/// Bytes of a key.
const KEY: usize = 128;
/// Bytes of one value.
const VALUE: usize = 64 << 10;
/// Keys of one plug-in on one device.
const KEYS: usize = 256;

fn checked(key: &str) -> Result<()> {
    if key.is_empty() || key.len() > KEY || !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        bail!("a key has 1 to {KEY} printable ASCII characters");
    }
    Ok(())
}

fn fits(key: &str, value: &[u8], keys: usize) -> Result<()> {
    checked(key)?;
    if value.len() > VALUE {
        bail!("a value has at most {VALUE} bytes, this one has {}", value.len());
    }
    if keys >= KEYS {
        bail!("a plug-in keeps at most {KEYS} keys of a device");
    }
    Ok(())
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
        let fresh = !self.stored.contains_key(&key) && !self.traces.state.contains_key(&key);
        let keys = if fresh { self.stored.len() + self.traces.state.len() } else { 0 };
        fits(&key, &value, keys)?;
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
        fits(&key, &value, if self.cache.contains_key(&key) { 0 } else { self.cache.len() })?;
        self.purse.bytes(key.len() + value.len())?;
        self.cache.insert(key, value);
        self.cache_changed = true;
        Ok(())
    }
}
