//! Readings of the parts: counters, supplies, trays, covers.

use crate::layout::{Cover, Layout, Marker, Supply, Tray};
use crate::objects::{COVER_STATUS, INPUT_CURRENT_LEVEL, MARKER_LIFE_COUNT, SUPPLY_LEVEL};
use crate::{amount, words};
use hostler_plugin::oid::{dotted, join};
use hostler_plugin::types::{Reading, Value};
use hostler_plugin::{Answers, counter};

/// Everything that the device has, in the order in which its tables have it.
pub(crate) fn readings(layout: &Layout, answers: &Answers) -> Vec<Reading> {
    let several = layout.markers.len() > 1;
    let mut out = Vec::new();
    for marker in &layout.markers {
        out.extend(pages(layout, marker, several, answers));
    }
    for supply in &layout.supplies {
        out.extend(self::supply(layout, supply, answers));
    }
    for tray in &layout.trays {
        out.extend(self::tray(layout, tray, answers));
    }
    for cover in &layout.covers {
        out.extend(self::cover(layout, cover, answers));
    }
    out
}

/// prtMarkerLifeCount. What counts impressions or sheets, or doesn't say, are pages; the rest is the engine's wear.
/// Parts of a unit become whole ones only after wraps are undone: the device wraps what it counts.
fn pages(layout: &Layout, marker: &Marker, several: bool, answers: &Answers) -> Option<Reading> {
    let raw = answers.counter32(&join(MARKER_LIFE_COUNT, &marker.instance))?;
    let counted = counter::extend(&format!("pages.{}", dotted(&marker.instance)), raw);
    let unit = words::unit(marker.unit);
    let (name, shown) = match unit.name {
        None => ("pages.printed", "{page}"),
        Some(unit @ ("{impression}" | "{sheet}")) => ("pages.printed", unit),
        Some(unit) => ("marker.use", unit),
    };
    let instance = several.then(|| layout.name_of(&marker.instance));
    let value = Value::Counter(counted / u64::from(unit.divisor));
    Some(Reading { instance, ..Reading::new(name, value).in_unit(shown) })
}

fn supply(layout: &Layout, supply: &Supply, answers: &Answers) -> Option<Reading> {
    let level = supply_level(supply, answers)?;
    let mut attributes = vec![
        attribute("class", words::class(supply.class, supply.kind)),
        attribute("type", words::supply_type(supply.kind)),
    ];
    let optional = [("colour", &supply.colour), ("part-number", &supply.part_number), ("serial", &supply.serial)];
    attributes
        .extend(optional.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| attribute(name, text)));
    Some(Reading {
        instance: Some(layout.name_of(&supply.instance)),
        label: Some(supply.label.clone()),
        unit: words::unit(supply.unit).name.map(str::to_owned),
        attributes,
        ..Reading::new("supply.level", Value::Level(level))
    })
}

/// What a supply says is left. A receptacle's level is the space left (RFC 3805, prtMarkerSuppliesLevel), which is
/// what the contract calls remaining, too.
pub(crate) fn supply_level(supply: &Supply, answers: &Answers) -> Option<hostler_plugin::types::Level> {
    let raw = answers.integer(&join(SUPPLY_LEVEL, &supply.instance))?;
    Some(amount::level(raw, supply.capacity, supply.unit))
}

fn tray(layout: &Layout, tray: &Tray, answers: &Answers) -> Option<Reading> {
    const SHEETS: i32 = 8;
    let raw = answers.integer(&join(INPUT_CURRENT_LEVEL, &tray.instance))?;
    let unit = if tray.unit == 0 { SHEETS } else { tray.unit };
    let media = Some(&tray.media).filter(|media| !media.is_empty());
    Some(Reading {
        instance: Some(layout.name_of(&tray.instance)),
        label: Some(tray.label.clone()),
        unit: words::unit(unit).name.map(str::to_owned),
        attributes: media.map(|media| attribute("media", media)).into_iter().collect(),
        ..Reading::new("tray.level", Value::Level(amount::level(raw, tray.capacity, unit)))
    })
}

/// prtCoverStatus: coverOpen(3), coverClosed(4), interlockOpen(5), interlockClosed(6).
fn cover(layout: &Layout, cover: &Cover, answers: &Answers) -> Option<Reading> {
    let state = match answers.integer(&join(COVER_STATUS, &cover.instance))? {
        3 | 5 => "open",
        4 | 6 => "closed",
        _ => "unknown",
    };
    Some(Reading {
        instance: Some(layout.name_of(&cover.instance)),
        label: Some(cover.label.clone()).filter(|label| !label.is_empty()),
        ..Reading::new("cover.state", Value::State(state.to_owned()))
    })
}

fn attribute(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
