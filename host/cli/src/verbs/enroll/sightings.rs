//! What was found, and what of it is doubtful. A device ID is whatever somebody says: where two addresses say the same one,
//! either one device has two addresses or one of them pretends to be the other, and nobody can tell from here. PINs go to
//! neither unless the user says so.

use hostler_runtime::{DeviceStanding, Found};
use serde::Serialize;
use std::collections::BTreeMap;

/// A device that was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sighting {
    /// What it says.
    #[serde(flatten)]
    pub(super) found: Found,
    /// Other addresses that say that they are the same device.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) also_at: Vec<String>,
}

impl Sighting {
    /// Everything that was found, and which of it claims the same.
    pub(super) fn all(found: Vec<Found>) -> Vec<Self> {
        let mut claims: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in &found {
            claims.entry(one.device.clone()).or_default().push(one.address.clone());
        }
        let sighting = |found: Found| {
            let all = claims.get(&found.device).map(Vec::as_slice).unwrap_or_default();
            let also_at = all.iter().filter(|address| **address != found.address).cloned().collect();
            Self { found, also_at }
        };
        found.into_iter().map(sighting).collect()
    }

    /// Whether another address says that it is this device.
    pub(super) fn is_doubtful(&self) -> bool {
        !self.also_at.is_empty()
    }

    /// Whether it waits for a PIN, as it says.
    pub(super) fn waits(&self) -> bool {
        self.found.standing == DeviceStanding::NotConnected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(address: &str, device: &str, standing: DeviceStanding) -> Found {
        let (name, title, manager, owner, why) = (None, None, None, None, None);
        let (address, device) = (address.to_owned(), device.to_owned());
        Found { address, device, name, title, standing, manager, owner, why, takes_pin_for: 60 }
    }

    #[test]
    fn e11_two_addresses_that_claim_one_device_are_both_doubtful() {
        let all = Sighting::all(vec![
            found("10.0.0.2", "A1", DeviceStanding::NotConnected),
            found("10.0.0.3", "B2", DeviceStanding::NotConnected),
            found("10.0.0.9", "A1", DeviceStanding::Connected),
        ]);
        let doubtful: Vec<_> = all.iter().map(Sighting::is_doubtful).collect();
        assert_eq!(doubtful, [true, false, true]);
        assert_eq!((all[0].also_at.as_slice(), all[0].waits()), (["10.0.0.9".to_owned()].as_slice(), true));
        assert!(!all[2].waits());
    }
}
