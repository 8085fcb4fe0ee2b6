//! Example Heron S80: a document scanner whose counters are its maker's own (see [`crate::profile`] for their names).

use std::sync::Arc;

use async_snmp::{Oid, Value};

use super::rows::{Rows, text};
use super::{Family, Profile, SerialShape, Supply, SupplyKind, TURNS_PER_SHEET, host};
use crate::mib::{Image, Live, Object, Piece};
use crate::oids;

/// Sheets the feed rollers are good for.
const ROLLER_SHEETS: u32 = 200_000;

/// Example Heron S80: document scanner without a Printer-MIB.
pub fn heron_s80() -> Profile {
    let mut rows = Rows::default();
    let about = host::Host {
        description: "Example Corporation Heron S80 document scanner",
        model: "Example Corporation Heron S80",
        object_id: &[3],
        device_type: oids::HR_DEVICE_OTHER,
        memory: 524_288,
    };
    host::write(&mut rows, &about);
    let counters: [Object; 6] = [
        Live::LifeCount.into(),
        Live::RollerTurns.into(),
        Value::Gauge32(ROLLER_SHEETS * TURNS_PER_SHEET).into(),
        Live::FeederState.into(),
        text([Piece::Serial]).into(),
        text([Piece::Firmware]).into(),
    ];
    for (number, object) in (1..).zip(counters) {
        let name = Oid::new(oids::MAKER.iter().copied().chain([3, 1, number, 0]));
        rows.scalar(name.arcs(), object);
    }
    let start = 0..=100;
    let rollers = Supply {
        index: 1,
        name: "Feed rollers".to_owned(),
        kind: SupplyKind::Part,
        full: 100,
        pages: ROLLER_SHEETS,
        start,
    };
    Profile {
        name: "Heron S80".to_owned(),
        family: Family::Scanner,
        image: Arc::new(Image::new(rows.0)),
        serial: SerialShape::Prefix("HS80".to_owned()),
        firmware: "3.2.0".to_owned(),
        life: 100..=2_000_000,
        supplies: vec![rollers],
        trays: Vec::new(),
        conditions: Vec::new(),
    }
}
