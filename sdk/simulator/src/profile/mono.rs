//! Example Fern 220: a small mono printer that measures little.

use std::sync::Arc;

use super::printer::{Class, IMPRESSIONS, Level, Printer, SupplyRow, TrayRow};
use super::rows::Rows;
use super::{Family, Profile, SerialShape, SupplyKind, host, printer};
use crate::mib::Image;
use crate::oids;

const A4: (i32, i32) = (210_000, 297_000);

const FERN: Printer = Printer {
    model: "Fern 220",
    ieee_1284: "MFG:Example Corporation;CMD:PDF,URF;MDL:Fern 220;CLS:PRINTER;DES:Example Fern 220;SN:",
    covers: &["Front cover"],
    trays: &[
        TrayRow { name: "Manual feed", media: "iso_a4_210x297mm", size: A4, capacity: 1 },
        TrayRow { name: "Tray 1", media: "iso_a4_210x297mm", size: A4, capacity: 250 },
    ],
    bins: &["Top bin"],
    colorants: &["black"],
    supplies: &[
        SupplyRow {
            name: "Black cartridge",
            colorant: 1,
            class: Class::Consumed,
            supply_type: 3,
            unit: IMPRESSIONS,
            capacity: 3000,
            level: Level::Measured { full: 3000, pages: 3000 },
            kind: SupplyKind::Toner,
        },
        SupplyRow {
            name: "Drum",
            colorant: 0,
            class: Class::Consumed,
            supply_type: 9,
            unit: IMPRESSIONS,
            capacity: -2,
            level: Level::Sentinel(-2),
            kind: SupplyKind::Part,
        },
    ],
    speed: 1320,
    console: (1, 16),
};

/// Example Fern 220: mono printer with one cartridge, and a drum of which it knows nothing.
pub fn fern_220() -> Profile {
    let mut rows = Rows::default();
    let about = host::Host {
        description: "Example Corporation Fern 220",
        model: "Example Corporation Fern 220",
        object_id: &[1, 2],
        device_type: oids::HR_DEVICE_PRINTER,
        memory: 262_144,
    };
    host::write(&mut rows, &about);
    printer::write(&mut rows, &FERN);
    Profile {
        name: "Fern 220".to_owned(),
        family: Family::Printer,
        image: Arc::new(Image::new(rows.0)),
        serial: SerialShape::Prefix("FE22".to_owned()),
        firmware: "1.0.9".to_owned(),
        life: 10..=60_000,
        supplies: printer::supplies(&FERN),
        trays: printer::trays(&FERN),
        conditions: Vec::new(),
    }
}
