//! The handle by which a test or a person orders what a running device does.

use std::sync::Arc;
use std::time::Duration;

use async_snmp::{Oid, Value};
use bytes::Bytes;

use crate::device::alerts::{Alert, Cause};
use crate::device::power::Power;
use crate::device::{Device, Look};
use crate::mib::Object;
use crate::{Condition, Counter, Fault, Sleep};

/// Orders to one device. Cheap to clone; every clone reaches the same device, and an order holds from the next
/// request on.
#[derive(Debug, Clone)]
pub struct DeviceControl {
    device: Arc<Device>,
}

impl DeviceControl {
    pub(crate) fn new(device: Arc<Device>) -> Self {
        Self { device }
    }

    fn look(&self) -> Look<'_> {
        self.device.look()
    }

    /// Makes the device do this wrong, in place of what it did wrong before.
    pub fn set_fault(&self, fault: Fault) {
        self.look().state.fault = Some(fault);
    }

    /// Makes the device answer as it should.
    pub fn clear_fault(&self) {
        self.look().state.fault = None;
    }

    /// Raises an alert about the part that suits it: the first toner, the first cover, the tray after the bypass.
    pub fn raise(&self, condition: Condition) {
        self.look().state.raise(&self.device.profile, condition, None, Cause::Order);
    }

    /// Raises an alert about this part: the index of the tray, supply or cover in its table, from 1.
    pub fn raise_at(&self, condition: Condition, part: u32) {
        self.look().state.raise(&self.device.profile, condition, Some(part), Cause::Order);
    }

    /// Clears an alert, whatever part it is about. That of a worn supply comes back as it wears on; to be rid of it,
    /// [replace the supply](Self::replace_supply).
    pub fn clear(&self, condition: Condition) {
        self.clear_where(|alert| alert.condition == condition);
    }

    /// Clears every alert.
    pub fn clear_all(&self) {
        self.clear_where(|_| true);
    }

    fn clear_where(&self, chosen: impl Fn(&Alert) -> bool) {
        let mut look = self.look();
        let state = &mut *look.state;
        state.alerts.clear(&mut state.mib, chosen);
    }

    /// Sends the device to sleep.
    pub fn sleep(&self, sleep: Sleep) {
        self.look().state.power = sleep.into();
    }

    /// Has the engine take so long until it is ready when the device is woken by order; half a second else.
    pub fn set_warm_up(&self, time: Duration) {
        self.look().state.warm_up = time;
    }

    /// Wakes the device at once, without warming up.
    pub fn wake(&self) {
        self.look().state.power = Power::Awake;
    }

    /// Switches the device off and on, as prtGeneralReset does: sysUpTime and prtMarkerPowerOnCount start anew.
    pub fn reset(&self) {
        let mut look = self.look();
        let now = look.now;
        look.state.reset(now);
    }

    /// Sets a counter, which goes on counting from there; near 2^32 it soon wraps.
    pub fn set_counter(&self, counter: Counter, value: u32) {
        self.look().state.counters.set(counter, value);
    }

    /// Counts one prtGeneralConfigChanges.
    pub fn change_configuration(&self) {
        let mut look = self.look();
        look.state.counters.config_changes = look.state.counters.config_changes.wrapping_add(1);
    }

    /// Puts a new supply in place of the one with this prtMarkerSuppliesIndex (1 for a scanner's rollers, whose
    /// revolutions start at 0) and clears its alerts. Says whether the device has such a supply and measures it.
    pub fn replace_supply(&self, index: u32) -> bool {
        let profile = &self.device.profile;
        let Some(place) = profile.supplies.iter().position(|supply| supply.index == index) else { return false };
        let mut look = self.look();
        let state = &mut *look.state;
        if let Some(wear) = state.wear.get_mut(place) {
            wear.replace();
        }
        if profile.family == crate::profile::Family::Scanner {
            state.counters.set(Counter::RollerTurns, 0);
        }
        state.alerts.clear(&mut state.mib, |alert| alert.condition.is_of_supply() && alert.part == index);
        state.tell_wear(profile);
        true
    }

    /// Prints or feeds pages at once, even when an alert or sleep would stop them.
    pub fn advance_pages(&self, pages: u32) {
        self.look().state.print(&self.device.profile, pages);
    }

    /// Lets time pass at once: uptime, traffic and pages move as they would have.
    pub fn advance_time(&self, time: Duration) {
        self.look().state.skip(time);
    }

    /// Sets the version of the firmware, wherever the device tells it. Recorded devices tell it nowhere.
    pub fn set_firmware(&self, version: &str) {
        self.look().state.firmware = Bytes::copy_from_slice(version.as_bytes());
    }

    /// Shows this on the first line of the console, or with `None` the device's own words again.
    pub fn show(&self, message: Option<&str>) {
        self.look().state.message = message.map(|text| Bytes::copy_from_slice(text.as_bytes()));
    }

    /// Gives the device an object with a value that stands still, whether or not its profile has it.
    pub fn set_object(&self, oid: Oid, value: Value) {
        self.look().state.mib.set(oid, Object::Fixed(value));
    }

    /// Makes the device lack an object.
    pub fn remove_object(&self, oid: Oid) {
        self.look().state.mib.hide(oid);
    }

    /// Takes back every [`set_object`](Self::set_object) and [`remove_object`](Self::remove_object) at or below
    /// this name, and what was written there by SET.
    pub fn restore_objects(&self, subtree: &Oid) {
        self.look().state.mib.restore(subtree);
    }

    /// Whether the device is awake, and its engine could work.
    pub fn is_awake(&self) -> bool {
        self.look().state.power.is_awake()
    }

    /// The value the device has for this object, told without its faults.
    pub fn get(&self, oid: &Oid) -> Option<Value> {
        self.look().value(oid)
    }

    /// Requests that reached the device with a community or user it knows, answered or not.
    pub fn requests(&self) -> u64 {
        self.device.requests()
    }
}
