//! Models of devices: what all devices of a model have in common, and where one differs from the next.
//!
//! Our own profiles are of a fictitious maker, Example Corporation, with the enterprise arc 1.3.6.1.4.1.99999:
//!
//! | profile | model | what it is | sysObjectID |
//! |---|---|---|---|
//! | [`orchid_c4500`] | Orchid C4500 | colour MFP, A3, four toners and a waste box | 1.3.6.1.4.1.99999.1.1 |
//! | [`fern_220`] | Fern 220 | small mono printer, level of its drum unknown | 1.3.6.1.4.1.99999.1.2 |
//! | [`heron_s80`] | Heron S80 | document scanner, no Printer-MIB | 1.3.6.1.4.1.99999.3 |
//!
//! The scanner's counters are the maker's own, since no standard MIB has them:
//!
//! | object | type | meaning |
//! |---|---|---|
//! | 1.3.6.1.4.1.99999.3.1.1.0 | Counter32 | documents fed in its life, in sheets |
//! | 1.3.6.1.4.1.99999.3.1.2.0 | Counter32 | revolutions of the feed rollers since they were replaced |
//! | 1.3.6.1.4.1.99999.3.1.3.0 | Gauge32 | rated life of the feed rollers, in revolutions |
//! | 1.3.6.1.4.1.99999.3.1.4.0 | INTEGER | state of the feeder: 1 ready, 2 jam, 3 cover open |
//! | 1.3.6.1.4.1.99999.3.1.5.0 | OCTET STRING | serial |
//! | 1.3.6.1.4.1.99999.3.1.6.0 | OCTET STRING | version of the firmware |
//!
//! The Orchid can be sent to sleep, woken, and told to print a page by objects of the maker's own, and the Fern can't:
//!
//! | object | type | meaning |
//! |---|---|---|
//! | 1.3.6.1.4.1.99999.2.1.0 | INTEGER | 1 awake, 2 asleep, 3 waking; 1 and 2 may be written |
//! | 1.3.6.1.4.1.99999.2.2.0 | INTEGER | 1; written 2, it prints a test page, where its engine is ready |
//!
//! Both take a reset (prtGeneralReset), text on their consoles and other times of their lights.
//!
//! A recording becomes a profile by [`Profile::from_recording`].

mod host;
mod mono;
mod orchid;
mod printer;
mod rows;
mod scanner;

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_snmp::{Oid, Value};

use crate::device::alerts::Condition;
use crate::mib::Image;

pub use mono::fern_220;
pub use orchid::orchid_c4500;
pub use scanner::heron_s80;

/// Revolutions a feed roller makes for one sheet.
pub(crate) const TURNS_PER_SHEET: u32 = 3;

/// A model: its objects, and how the devices of the model differ.
#[derive(Debug, Clone)]
pub struct Profile {
    pub(crate) name: String,
    pub(crate) family: Family,
    pub(crate) image: Arc<Image>,
    pub(crate) serial: SerialShape,
    pub(crate) firmware: String,
    /// Pages a device has behind it when it starts.
    pub(crate) life: RangeInclusive<u32>,
    pub(crate) supplies: Vec<Supply>,
    pub(crate) trays: Vec<Tray>,
    /// Conditions every device of the model starts with.
    pub(crate) conditions: Vec<Condition>,
}

impl Profile {
    /// The model's name, or the recording's file name without its ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A profile from the objects of a recording, as [`crate::snmprec::parse`] returns them.
    ///
    /// Devices made from it differ in serial, physical addresses and counters, and their supplies run down; where
    /// the recording has no serial, the device has none either. Everything else is as recorded.
    pub fn from_recording(name: impl Into<String>, objects: Vec<(Oid, Value)>) -> Self {
        crate::recording::profile(name.into(), objects)
    }
}

/// Which MIB tells of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Printer-MIB: an alert has a row in prtAlertTable.
    Printer,
    /// None: an alert is only seen in the maker's own objects.
    Scanner,
}

/// How a serial is made from a device's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SerialShape {
    /// This, then six digits.
    Prefix(String),
    /// The model tells no serial: the physical address in hex stands in for it.
    FromMac,
}

/// A supply whose level is measured.
#[derive(Debug, Clone)]
pub(crate) struct Supply {
    /// prtMarkerSuppliesIndex.
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) kind: SupplyKind,
    /// What the level reads when the supply is new, in the unit of the supply.
    pub(crate) full: u32,
    /// Pages it is good for.
    pub(crate) pages: u32,
    /// What its level reads when a device starts.
    pub(crate) start: RangeInclusive<u32>,
}

/// What happens when a supply runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SupplyKind {
    /// Toner or ink: low at ten percent, and no page without it.
    Toner,
    /// A box that fills: nearly full at ten percent left, and no page when it is full.
    WasteBox,
    /// A part that wears, such as a fuser or a roller: a warning, no more.
    Part,
}

/// An input tray.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tray {
    /// Sheets it holds.
    pub(crate) capacity: u32,
}
