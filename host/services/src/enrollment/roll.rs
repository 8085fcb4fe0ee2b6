//! Who came in, in memory: how certificates stand, and which devices came by which invitation. It follows every commit.

use crate::authority::{self, Standings};
use hostler_core::access::TokenDigest;
use hostler_core::changes::Change;
use hostler_core::enrollment::{Enrolled, PinDigest, Standing};
use hostler_core::{DeviceId, NodeId, Serial};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

#[derive(Default)]
pub(super) struct Roll(RwLock<Known>);

#[derive(Default)]
struct Known {
    devices: HashMap<DeviceId, Enrolled>,
    by_invitation: HashMap<PinDigest, BTreeSet<DeviceId>>,
    /// However they stand.
    by_node: HashMap<NodeId, BTreeSet<DeviceId>>,
    /// Of those that are connected.
    tokens: HashSet<TokenDigest>,
    /// Of every device's last certificate, and of the one before a renewal.
    serials: HashMap<Serial, authority::Standing>,
}

/// The certificates that are remembered of a device, whether they are good or not.
fn issued(row: &Enrolled) -> impl Iterator<Item = &Serial> {
    [Some(&row.issued.serial), row.former.as_ref()].into_iter().flatten()
}

impl Known {
    fn put(&mut self, device: &DeviceId, value: Option<&Enrolled>) {
        if let Some(before) = self.devices.remove(device) {
            if let Some(devices) = self.by_node.get_mut(&before.node) {
                devices.remove(device);
                if devices.is_empty() {
                    self.by_node.remove(&before.node);
                }
            }
            self.tokens.remove(&before.issued.token);
            // Of a former one nothing is known any more, which is as good as revoked.
            for serial in issued(&before) {
                self.serials.remove(serial);
            }
            if let Some(devices) = self.by_invitation.get_mut(&before.invitation) {
                devices.remove(device);
                if devices.is_empty() {
                    self.by_invitation.remove(&before.invitation);
                }
            }
        }
        let Some(row) = value else { return };
        self.serials.extend(issued(row).map(|serial| (serial.clone(), authority::Standing::Revoked)));
        self.serials.extend(row.certificates().map(|serial| (serial.clone(), authority::Standing::Good)));
        if row.state == Standing::Connected {
            self.tokens.insert(row.issued.token.clone());
        }
        self.by_node.entry(row.node.clone()).or_default().insert(device.clone());
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

    /// The device that is connected as this node.
    pub(super) fn connected(&self, node: &NodeId) -> Option<Enrolled> {
        let known = self.known();
        let mut devices = known.by_node.get(node).into_iter().flatten().filter_map(|device| known.devices.get(device));
        devices.find(|row| row.state == Standing::Connected).cloned()
    }

    /// The devices that came in as this node, however they stand.
    pub(super) fn came_in(&self, node: &NodeId) -> Vec<Enrolled> {
        let known = self.known();
        let devices = known.by_node.get(node).into_iter().flatten();
        devices.filter_map(|device| known.devices.get(device).cloned()).collect()
    }

    /// Whether a device that is connected has this token.
    pub(super) fn has_living(&self, token: &TokenDigest) -> bool {
        self.known().tokens.contains(token)
    }

    /// Every device of which this holds, by its ID.
    pub(super) fn all(&self, of: impl Fn(&Enrolled) -> bool) -> Vec<Enrolled> {
        let mut rows: Vec<Enrolled> = self.known().devices.values().filter(|row| of(row)).cloned().collect();
        rows.sort_by(|one, other| one.device.cmp(&other.device));
        rows
    }
}

impl Standings for Roll {
    fn stands(&self, serial: &Serial) -> authority::Standing {
        self.known().serials.get(serial).copied().unwrap_or(authority::Standing::Unknown)
    }
}
