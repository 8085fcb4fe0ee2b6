//! The Printer-MIB (RFC 3805) as our printers and MFPs have it.

use async_snmp::Value;

use super::rows::{Rows, fixed, text};
use super::{Supply, SupplyKind, Tray};
use crate::mib::{Live, Piece};
use crate::oids;

/// PrtMarkerSuppliesSupplyUnitTC percent: the level is in percent whatever the maximum says.
pub(super) const PERCENT: i32 = 19;
/// PrtMarkerSuppliesSupplyUnitTC impressions.
pub(super) const IMPRESSIONS: i32 = 7;
/// PrtMarkerSuppliesSupplyUnitTC tenthsOfGrams.
pub(super) const TENTHS_OF_GRAMS: i32 = 13;
/// PrtMarkerSuppliesSupplyUnitTC items.
pub(super) const ITEMS: i32 = 18;

/// PrtMarkerSuppliesClassTC.
#[derive(Clone, Copy)]
pub(super) enum Class {
    /// The level is what is left to use.
    Consumed = 3,
    /// The level is the space that is left.
    Filled = 4,
}

/// The level of a supply.
pub(super) enum Level {
    /// Measured: reads `full` when new and falls over this many pages.
    Measured { full: u32, pages: u32 },
    /// -1 no limit, -2 unknown, -3 some left (RFC 3805 §2.2.5).
    Sentinel(i32),
}

/// A row of prtMarkerSuppliesTable.
pub(super) struct SupplyRow {
    pub(super) name: &'static str,
    /// Index of its colorant, 0 for none.
    pub(super) colorant: i32,
    pub(super) class: Class,
    /// PrtMarkerSuppliesTypeTC.
    pub(super) supply_type: i32,
    pub(super) unit: i32,
    /// prtMarkerSuppliesMaxCapacity.
    pub(super) capacity: i32,
    pub(super) level: Level,
    pub(super) kind: SupplyKind,
}

/// A row of prtInputTable: its name, its medium, and the sheets it holds.
pub(super) struct TrayRow {
    pub(super) name: &'static str,
    pub(super) media: &'static str,
    /// Width and length of the medium in micrometres.
    pub(super) size: (i32, i32),
    pub(super) capacity: u32,
}

/// What our printers differ in.
pub(super) struct Printer {
    pub(super) model: &'static str,
    /// The ID as IEEE 1284 wants it, up to the serial.
    pub(super) ieee_1284: &'static str,
    pub(super) covers: &'static [&'static str],
    pub(super) trays: &'static [TrayRow],
    pub(super) bins: &'static [&'static str],
    /// prtMarkerColorantValue of each colorant.
    pub(super) colorants: &'static [&'static str],
    pub(super) supplies: &'static [SupplyRow],
    /// prtMediaPathMaxSpeed in sheets an hour.
    pub(super) speed: i32,
    /// Lines of the console and characters in each.
    pub(super) console: (u32, i32),
}

/// Writes the printer's part of RFC 2790 and all of RFC 3805.
pub(super) fn write(rows: &mut Rows, printer: &Printer) {
    rows.row(oids::HR_PRINTER_ENTRY, &[1]).column(1, Live::PrinterStatus).column(2, Live::ErrorState);
    general(rows, printer);
    for (number, name) in (1..).zip(printer.covers) {
        rows.row(oids::PRT_COVER, &[1, number]).column(2, *name).column(3, Live::Cover(number));
    }
    rows.row(oids::PRT_LOCALIZATION, &[1, 1]).column(2, "en").column(3, "GB").column(4, 106);
    paper(rows, printer);
    marker(rows, printer);
    rows.row(oids::PRT_MEDIA_PATH, &[1, 1]).integers(&[(2, 8), (3, 4), (4, printer.speed), (9, 3)]);
    rows.row(oids::PRT_INTERPRETER, &[1, 1])
        .column(2, 54)
        .column(3, "1.7")
        .column(5, "PDF")
        .column(6, text([Piece::Firmware]));
    console(rows, printer);
    rows.scalar(oids::IEEE_1284_ID, text([fixed(printer.ieee_1284), Piece::Serial, fixed(";")]));
}

fn general(rows: &mut Rows, printer: &Printer) {
    let (lines, characters) = printer.console;
    rows.row(oids::PRT_GENERAL, &[1])
        .column(1, Live::ConfigChanges)
        .integers(&[(2, 1), (3, 3)])
        .column(4, "")
        .column(5, "")
        .integers(&[(6, 1), (7, 1), (8, 1), (9, 1), (10, 1)])
        .column(11, i32::try_from(lines).unwrap_or(0))
        .integers(&[(12, characters), (13, 3), (14, 4), (15, 4)])
        .column(16, printer.model)
        .column(17, Live::Text([Piece::Serial].into()))
        .column(18, Live::CriticalEvents)
        .column(19, Live::AllEvents);
}

fn paper(rows: &mut Rows, printer: &Printer) {
    for (place, tray) in printer.trays.iter().enumerate() {
        let (width, length) = tray.size;
        let kind = if place == 0 { 5 } else { 3 };
        rows.row(oids::PRT_INPUT, &[1, number(place)])
            .integers(&[(2, kind), (3, 4), (4, length), (5, width), (6, length), (7, width), (8, 8)])
            .column(9, i32::try_from(tray.capacity).unwrap_or(-2))
            .column(10, Live::TrayLevel(place))
            .column(11, 0)
            .column(12, tray.media)
            .column(13, tray.name)
            .column(18, tray.name);
    }
    for (place, bin) in printer.bins.iter().enumerate() {
        rows.row(oids::PRT_OUTPUT, &[1, number(place)])
            .integers(&[(2, 4), (3, 8), (4, 500), (5, -2), (6, 0)])
            .column(7, *bin)
            .column(12, *bin);
    }
}

fn marker(rows: &mut Rows, printer: &Printer) {
    let colorants = i32::try_from(printer.colorants.len()).unwrap_or(0);
    rows.row(oids::PRT_MARKER, &[1, 1])
        .integers(&[(2, 4), (3, 7)])
        .column(4, Live::LifeCount)
        .column(5, Live::PowerOnCount)
        .integers(&[(6, colorants), (7, 0), (8, 3), (9, 1200), (10, 1200), (15, 0)]);
    for (place, supply) in printer.supplies.iter().enumerate() {
        let row = rows
            .row(oids::PRT_SUPPLIES, &[1, number(place)])
            .integers(&[(2, 1), (3, supply.colorant), (4, supply.class as i32), (5, supply.supply_type)])
            .column(6, supply.name)
            .integers(&[(7, supply.unit), (8, supply.capacity)]);
        match supply.level {
            Level::Measured { .. } => row.column(9, Live::SupplyLevel(measured_before(printer, place))),
            Level::Sentinel(level) => row.column(9, level),
        };
    }
    for (place, colour) in printer.colorants.iter().enumerate() {
        rows.row(oids::PRT_COLORANT, &[1, number(place)]).integers(&[(2, 1), (3, 3), (5, 2)]).column(4, *colour);
    }
}

fn console(rows: &mut Rows, printer: &Printer) {
    for line in 1..=printer.console.0 {
        let place = usize::try_from(line - 1).unwrap_or(0);
        rows.row(oids::PRT_CONSOLE_LINE, &[1, line]).column(2, Live::ConsoleLine(place));
    }
    for (light, (name, colour)) in (1..).zip([("Ready", 5), ("Attention", 10), ("Data", 5)]) {
        rows.row(oids::PRT_CONSOLE_LIGHT, &[1, light])
            .column(2, Live::LightOn(light))
            .column(3, Live::LightOff(light))
            .column(4, colour)
            .column(5, Value::from(name));
    }
}

/// The supplies whose level is measured, in the order of their rows.
pub(super) fn supplies(printer: &Printer) -> Vec<Supply> {
    let measured = |(place, row): (usize, &SupplyRow)| match row.level {
        Level::Measured { full, pages } => {
            let (index, name) = (number(place), row.name.to_owned());
            Some(Supply { index, name, kind: row.kind, full, pages, start: full * 6 / 100..=full })
        }
        Level::Sentinel(_) => None,
    };
    printer.supplies.iter().enumerate().filter_map(measured).collect()
}

/// The trays, in the order of their rows.
pub(super) fn trays(printer: &Printer) -> Vec<Tray> {
    printer.trays.iter().map(|row| Tray { capacity: row.capacity }).collect()
}

fn measured_before(printer: &Printer, place: usize) -> usize {
    printer.supplies.iter().take(place).filter(|row| matches!(row.level, Level::Measured { .. })).count()
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(0) + 1
}
