//! Example Orchid C4500: a colour MFP for A3, with everything RFC 3805 has to tell.

use std::sync::Arc;

use super::printer::{Class, IMPRESSIONS, ITEMS, Level, PERCENT, Printer, SupplyRow, TENTHS_OF_GRAMS, TrayRow};
use super::rows::Rows;
use super::{Family, Profile, SerialShape, SupplyKind, host, printer};
use crate::mib::Image;
use crate::oids;

const A4: (i32, i32) = (210_000, 297_000);
const A3: (i32, i32) = (297_000, 420_000);

const fn toner(name: &'static str, colorant: i32) -> SupplyRow {
    SupplyRow {
        name,
        colorant,
        class: Class::Consumed,
        supply_type: 3,
        unit: PERCENT,
        capacity: 100,
        level: Level::Measured { full: 100, pages: 26_000 },
        kind: SupplyKind::Toner,
    }
}

const ORCHID: Printer = Printer {
    model: "Orchid C4500",
    ieee_1284: "MFG:Example Corporation;CMD:PDF,PCLXL,POSTSCRIPT;MDL:Orchid C4500;CLS:PRINTER;DES:Example Orchid C4500;SN:",
    covers: &["Front cover", "Right cover", "Document feeder cover"],
    trays: &[
        TrayRow { name: "Bypass tray", media: "iso_a4_210x297mm", size: A4, capacity: 100 },
        TrayRow { name: "Tray 1", media: "iso_a4_210x297mm", size: A4, capacity: 550 },
        TrayRow { name: "Tray 2", media: "iso_a3_297x420mm", size: A3, capacity: 550 },
    ],
    bins: &["Standard bin", "Finisher bin"],
    colorants: &["black", "cyan", "magenta", "yellow"],
    supplies: &[
        toner("Black toner", 1),
        toner("Cyan toner", 2),
        toner("Magenta toner", 3),
        toner("Yellow toner", 4),
        SupplyRow {
            name: "Waste toner box",
            colorant: 0,
            class: Class::Filled,
            supply_type: 4,
            unit: TENTHS_OF_GRAMS,
            capacity: 9000,
            level: Level::Measured { full: 9000, pages: 80_000 },
            kind: SupplyKind::WasteBox,
        },
        SupplyRow {
            name: "Fuser",
            colorant: 0,
            class: Class::Consumed,
            supply_type: 15,
            unit: IMPRESSIONS,
            capacity: 300_000,
            level: Level::Measured { full: 300_000, pages: 300_000 },
            kind: SupplyKind::Part,
        },
        // The maximum is unknown, the unit percent: the level counts all the same.
        SupplyRow {
            name: "Transfer belt",
            colorant: 0,
            class: Class::Consumed,
            supply_type: 20,
            unit: PERCENT,
            capacity: -2,
            level: Level::Measured { full: 100, pages: 200_000 },
            kind: SupplyKind::Part,
        },
        SupplyRow {
            name: "Staples",
            colorant: 0,
            class: Class::Consumed,
            supply_type: 32,
            unit: ITEMS,
            capacity: -2,
            level: Level::Sentinel(-3),
            kind: SupplyKind::Part,
        },
        SupplyRow {
            name: "Finisher waste",
            colorant: 0,
            class: Class::Filled,
            supply_type: 1,
            unit: PERCENT,
            capacity: -1,
            level: Level::Sentinel(-1),
            kind: SupplyKind::Part,
        },
    ],
    speed: 2700,
    console: (2, 40),
};

/// Example Orchid C4500: colour MFP with three trays, four toners, a waste box, parts, console, lights and alerts.
pub fn orchid_c4500() -> Profile {
    let mut rows = Rows::default();
    let about = host::Host {
        description: "Example Corporation MFP Orchid C4500",
        model: "Example Corporation Orchid C4500",
        object_id: &[1, 1],
        device_type: oids::HR_DEVICE_PRINTER,
        memory: 4_194_304,
    };
    host::write(&mut rows, &about);
    printer::write(&mut rows, &ORCHID);
    rows.scalar(oids::POWER, crate::mib::Live::PowerMode);
    rows.scalar(oids::TEST_PAGE, 1);
    Profile {
        name: "Orchid C4500".to_owned(),
        family: Family::Printer,
        image: Arc::new(Image::new(rows.0)),
        serial: SerialShape::Prefix("OC45".to_owned()),
        firmware: "2.4.1".to_owned(),
        life: 1_000..=900_000,
        supplies: printer::supplies(&ORCHID),
        trays: printer::trays(&ORCHID),
        conditions: Vec::new(),
    }
}
