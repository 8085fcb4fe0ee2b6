//! Who came in, in memory: how certificates stand, and which devices came by which invitation. It follows every commit.

use crate::authority::{self, Standings};
use hostler_core::changes::Change;
use hostler_core::enrollment::{Enrolled, PinDigest, Standing};
use hostler_core::{DeviceId, NodeId, Serial};
use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

#[derive(Default)]
pub(super) struct Roll(RwLock<Known>);

#[derive(Default)]
struct Known {
    devices: HashMap<DeviceId, Enrolled>,
    by_invitation: HashMap<PinDigest, BTreeSet<DeviceId>>,
    /// Of every device's certificate, also former ones since the start.
    serials: HashMap<Serial, authority::Standing>,
}

impl Known {
    fn put(&mut self, device: &DeviceId, value: Option<&Enrolled>) {
        if let Some(before) = self.devices.remove(device) {
            self.serials.insert(before.issued.serial, authority::Standing::Revoked);
            if let Some(devices) = self.by_invitation.get_mut(&before.invitation) {
                devices.remove(device);
            }
        }
        let Some(row) = value else { return };
        let stands = match row.state {
            Standing::Connected => authority::Standing::Good,
            Standing::MayReturn { .. } | Standing::Barred { .. } | Standing::Released { .. } => {
                authority::Standing::Revoked
            }
        };
        self.serials.insert(row.issued.serial.clone(), stands);
        self.by_invitation.entry(row.invitation.clone()).or_default().insert(device.clone());
        self.devices.insert(device.clone(), row.clone());
    }
}

impl Roll {
    /// Takes what was stored before. What was committed since is newer, and stays.
    pub(super) fn fill(&self, rows: impl IntoIterator<Item = Enrolled>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            if !known.devices.contains_key(&row.device) {
                known.put(&row.device.clone(), Some(&row));
            }
        }
    }

    pub(super) fn follow(&self, change: &Change) {
        if let Change::Enrolled { device, value, .. } = change {
            self.0.write().unwrap_or_else(PoisonError::into_inner).put(device, value.as_deref());
        }
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The devices that came in by an invitation.
    pub(super) fn came_by(&self, invitation: &PinDigest) -> Vec<Enrolled> {
        let known = self.known();
        let devices = known.by_invitation.get(invitation).into_iter().flatten();
        devices.filter_map(|device| known.devices.get(device).cloned()).collect()
    }

    /// Every device of which this holds, by its ID.
    pub(super) fn all(&self, of: impl Fn(&Enrolled) -> bool) -> Vec<Enrolled> {
        let mut rows: Vec<Enrolled> = self.known().devices.values().filter(|row| of(row)).cloned().collect();
        rows.sort_by(|one, other| one.device.cmp(&other.device));
        rows
    }

    /// The device that has this node ID, where one came in under it.
    pub(super) fn device_of(&self, node: &NodeId) -> Option<DeviceId> {
        self.known().devices.values().find(|row| row.node == *node).map(|row| row.device.clone())
    }
}

impl Standings for Roll {
    fn stands(&self, serial: &Serial) -> authority::Standing {
        self.known().serials.get(serial).copied().unwrap_or(authority::Standing::Unknown)
    }
}
