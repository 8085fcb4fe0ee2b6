//! What a device can be asked: objects in lexical order, shared with all devices of a model and overlaid with what
//! is the device's own.
//!
//! An [`Image`] is built once per profile and shared by ten thousand devices; a device's overlay is empty until
//! something about the device departs from its model. A value that moves is a [`Live`] object: the image says
//! *what* is there, the device says what it reads now.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use async_snmp::{Oid, Value};
use bytes::Bytes;

/// One object of a MIB.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// The same value on every device of the model.
    Fixed(Value),
    /// A value the device works out when it is asked.
    Live(Live),
}

/// A value that differs from device to device or moves with time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Live {
    /// TimeTicks since the device was last reset, in hundredths of a second (sysUpTime, hrSystemUptime).
    Uptime,
    /// Text with the device's own identity in it.
    Text(Arc<[Piece]>),
    /// The physical address of the device's interface with this number, from 0.
    Mac(u8),
    /// prtMarkerLifeCount, or what a scanner has fed: Counter32 in pages.
    LifeCount,
    /// prtMarkerPowerOnCount: Counter32 in pages since the last reset.
    PowerOnCount,
    /// Revolutions of a scanner's feed rollers since they were replaced: Counter32.
    RollerTurns,
    /// Counter32 that starts here and moves with every page.
    Pages(u32),
    /// Counter32 that moves with time.
    Moving32 {
        /// Its value when the device starts.
        start: u32,
        /// What a second adds.
        per_second: u32,
    },
    /// Counter64 that moves with time.
    Moving64 {
        /// Its value when the device starts.
        start: u64,
        /// What a second adds.
        per_second: u32,
    },
    /// prtMarkerSuppliesLevel of the supply at this place in the profile, from 0.
    SupplyLevel(usize),
    /// prtInputCurrentLevel of the tray at this place in the profile, from 0: sheets.
    TrayLevel(usize),
    /// prtCoverStatus of the cover with this number, from 1.
    Cover(u32),
    /// hrDeviceStatus (RFC 2790), combined with the others as RFC 3805 §2.2.13.2 has it.
    DeviceStatus,
    /// hrPrinterStatus (RFC 2790).
    PrinterStatus,
    /// hrPrinterDetectedErrorState: a bit string, bit 0 on top (RFC 2790 and RFC 3805).
    ErrorState,
    /// prtConsoleDisplayBufferText of this line, from 0.
    ConsoleLine(usize),
    /// prtConsoleOnTime of the light with this number, from 1: milliseconds.
    LightOn(u32),
    /// prtConsoleOffTime of the light with this number, from 1: milliseconds.
    LightOff(u32),
    /// Whether the device sleeps: 1 awake, 2 asleep, 3 waking.
    PowerMode,
    /// prtGeneralConfigChanges: Counter32.
    ConfigChanges,
    /// prtAlertCriticalEvents: Counter32.
    CriticalEvents,
    /// prtAlertAllEvents: Counter32.
    AllEvents,
    /// State of a scanner's feeder: 1 ready, 2 jam, 3 cover open.
    FeederState,
}

/// A part of a text that names the device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// The same on every device.
    Fixed(Bytes),
    /// The serial.
    Serial,
    /// The version of the firmware.
    Firmware,
    /// The last three bytes of the physical address, as six hex digits.
    MacTail,
}

/// The objects of a model, in lexical order and each only once.
#[derive(Debug, Default)]
pub struct Image {
    rows: Vec<(Oid, Object)>,
}

impl Image {
    /// Sorts the objects; of two with the same name the later one counts.
    pub fn new(objects: impl IntoIterator<Item = (Oid, Object)>) -> Self {
        let sorted: BTreeMap<Oid, Object> = objects.into_iter().collect();
        Self { rows: sorted.into_iter().collect() }
    }

    /// The object of this name.
    pub fn get(&self, oid: &Oid) -> Option<&Object> {
        let place = self.rows.binary_search_by(|(name, _)| name.cmp(oid)).ok()?;
        self.rows.get(place).map(|(_, object)| object)
    }

    /// The objects after this name, in order.
    fn after(&self, oid: &Oid) -> impl Iterator<Item = (&Oid, &Object)> {
        let place = self.rows.partition_point(|(name, _)| name <= oid);
        self.rows.get(place..).unwrap_or_default().iter().map(|(name, object)| (name, object))
    }

    /// The objects before this name, the nearest first.
    fn before(&self, oid: &Oid) -> impl Iterator<Item = (&Oid, &Object)> {
        let place = self.rows.partition_point(|(name, _)| name < oid);
        self.rows.get(..place).unwrap_or_default().iter().rev().map(|(name, object)| (name, object))
    }
}

/// The objects of one device: its model's image and, on top, its own.
#[derive(Debug)]
pub struct Mib {
    image: Arc<Image>,
    /// Objects of the device's own; `None` hides one of the image's.
    own: BTreeMap<Oid, Option<Object>>,
}

impl Mib {
    /// A device that doesn't depart from its model yet.
    pub fn new(image: Arc<Image>) -> Self {
        Self { image, own: BTreeMap::new() }
    }

    /// The object of this name.
    pub fn get(&self, oid: &Oid) -> Option<&Object> {
        match self.own.get(oid) {
            Some(own) => own.as_ref(),
            None => self.image.get(oid),
        }
    }

    /// The first object after this name.
    pub fn after(&self, oid: &Oid) -> Option<(&Oid, &Object)> {
        let own = self.own.range((Bound::Excluded(oid), Bound::Unbounded)).find_map(present);
        let shared = self.image.after(oid).find(|(name, _)| !self.own.contains_key(*name));
        match (own, shared) {
            (Some(own), Some(shared)) => Some(if own.0 < shared.0 { own } else { shared }),
            (own, shared) => own.or(shared),
        }
    }

    /// The last object before this name.
    pub fn before(&self, oid: &Oid) -> Option<(&Oid, &Object)> {
        let own = self.own.range((Bound::Unbounded, Bound::Excluded(oid))).rev().find_map(present);
        let shared = self.image.before(oid).find(|(name, _)| !self.own.contains_key(*name));
        match (own, shared) {
            (Some(own), Some(shared)) => Some(if own.0 > shared.0 { own } else { shared }),
            (own, shared) => own.or(shared),
        }
    }

    /// Gives the device an object of its own, in place of the model's.
    pub fn set(&mut self, oid: Oid, object: Object) {
        self.own.insert(oid, Some(object));
    }

    /// Makes the device lack an object that its model has.
    pub fn hide(&mut self, oid: Oid) {
        if self.image.get(&oid).is_some() {
            self.own.insert(oid, None);
        } else {
            self.own.remove(&oid);
        }
    }

    /// Takes back everything the device has of its own at or below this name.
    pub fn restore(&mut self, subtree: &Oid) {
        self.own.retain(|name, _| !name.starts_with(subtree));
    }
}

fn present<'a>((name, object): (&'a Oid, &'a Option<Object>)) -> Option<(&'a Oid, &'a Object)> {
    object.as_ref().map(|object| (name, object))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(last: u32) -> Oid {
        Oid::from_slice(&[1, 3, 6, 1, last])
    }

    fn number(number: i32) -> Object {
        Object::Fixed(Value::Integer(number))
    }

    fn mib() -> Mib {
        Mib::new(Arc::new(Image::new([(name(4), number(4)), (name(2), number(2)), (name(6), number(6))])))
    }

    fn walk(mib: &Mib) -> Vec<u32> {
        let mut at = name(0);
        std::iter::from_fn(|| {
            at = mib.after(&at)?.0.clone();
            at.arcs().last().copied()
        })
        .collect()
    }

    #[test]
    fn walks_in_lexical_order_whatever_the_order_it_was_built_in() {
        assert_eq!(walk(&mib()), [2, 4, 6]);
    }

    #[test]
    fn own_objects_interleave_replace_and_hide() {
        let mut mib = mib();
        mib.set(name(3), number(3));
        mib.set(name(6), number(66));
        mib.hide(name(2));
        assert_eq!(walk(&mib), [3, 4, 6]);
        assert_eq!(mib.get(&name(6)), Some(&number(66)));
        assert_eq!(mib.get(&name(2)), None);
        assert_eq!(mib.before(&name(4)).map(|(name, _)| name.clone()), Some(name(3)));
        mib.restore(&Oid::from_slice(&[1, 3, 6, 1]));
        assert_eq!(walk(&mib), [2, 4, 6]);
    }
}
