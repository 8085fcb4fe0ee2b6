//! Finding out what a device is made of: the tables of RFC 3805 are walked once and remembered as a [`Layout`].

use crate::layout::{Cover, Layout, Marker, Supply, Tray};
use crate::objects::{
    ALERT_ALL_EVENTS, COLORANT_VALUE, CONFIG_CHANGES, CONSOLE_TEXT, COVER, COVER_DESCRIPTION, COVER_STATUS,
    HR_DEVICE_STATUS, HR_DEVICE_TYPE, HR_PRINTER_ERROR_STATE, HR_PRINTER_STATUS, HR_SYSTEM_UPTIME, INPUT,
    INPUT_CAPACITY_UNIT, INPUT_CURRENT_LEVEL, INPUT_DESCRIPTION, INPUT_MAX_CAPACITY, INPUT_MEDIA_NAME, INPUT_NAME,
    MARKER_COUNTER_UNIT, MARKER_LIFE_COUNT, SUPPLY, SUPPLY_CLASS, SUPPLY_COLORANT, SUPPLY_DESCRIPTION, SUPPLY_LEVEL,
    SUPPLY_MAX_CAPACITY, SUPPLY_TYPE, SUPPLY_UNIT, SYS_UP_TIME,
};
use crate::{identify, label, words};
use hostler_plugin::oid::join;
use hostler_plugin::types::Failure;
use hostler_plugin::{Answers, settings};

/// More parts than these no device has; what claims to have more is cut, so that it can't fill the node's memory.
const MOST_SUPPLIES: usize = 64;
const MOST_TRAYS: usize = 32;
const MOST_COVERS: usize = 32;
const MOST_LINES: usize = 16;
const MOST_MARKERS: usize = 8;

/// What is walked, and how many objects at most.
const TABLES: [(&[u32], u32); 7] = [
    (HR_DEVICE_TYPE, 64),
    (MARKER_COUNTER_UNIT, 16),
    (MARKER_LIFE_COUNT, 16),
    (SUPPLY, 640),
    (COLORANT_VALUE, 64),
    (COVER, 128),
    (CONSOLE_TEXT, 32),
];

/// Walks.
pub(crate) fn discover() -> Result<Layout, Failure> {
    let mut answers = Answers::default();
    for (table, limit) in TABLES {
        answers.walk_more(table, limit)?;
    }
    if !settings::is_off("read-trays") {
        answers.walk_more(INPUT, 640)?;
    }
    let device = identify::printer_index(&answers);
    let singles = [
        SYS_UP_TIME.to_vec(),
        HR_SYSTEM_UPTIME.to_vec(),
        join(CONFIG_CHANGES, &[device]),
        join(HR_DEVICE_STATUS, &[device]),
        join(HR_PRINTER_STATUS, &[device]),
        join(HR_PRINTER_ERROR_STATE, &[device]),
        join(ALERT_ALL_EVENTS, &[device]),
    ];
    let present = Answers::get_owned(&singles)?;
    Ok(Layout {
        config: present.counter32(&join(CONFIG_CHANGES, &[device])),
        device,
        // The first is asked for in any case, so that a reading notices a device that is gone.
        scalars: singles.into_iter().filter(|object| object == SYS_UP_TIME || present.has(object)).collect(),
        markers: instances(&answers, MARKER_LIFE_COUNT, MOST_MARKERS)
            .map(|instance| Marker { unit: number(&answers, MARKER_COUNTER_UNIT, &instance), instance })
            .collect(),
        supplies: instances(&answers, SUPPLY_LEVEL, MOST_SUPPLIES).map(|instance| supply(&answers, instance)).collect(),
        trays: instances(&answers, INPUT_CURRENT_LEVEL, MOST_TRAYS).map(|instance| tray(&answers, instance)).collect(),
        covers: instances(&answers, COVER_STATUS, MOST_COVERS)
            .map(|instance| Cover { label: words_at(&answers, COVER_DESCRIPTION, &instance), instance })
            .collect(),
        console: instances(&answers, CONSOLE_TEXT, MOST_LINES).collect(),
    })
}

/// The rows of a table: the instances of the column that moves.
fn instances(answers: &Answers, column: &'static [u32], most: usize) -> impl Iterator<Item = Vec<u32>> {
    let found: Vec<Vec<u32>> = answers.below(column).map(|(suffix, _)| suffix.to_vec()).take(most).collect();
    found.into_iter().filter(|suffix| suffix.len() == 2)
}

/// A number of a row, 0 where it isn't told: no enumeration of the standard has a 0.
fn number(answers: &Answers, column: &[u32], instance: &[u32]) -> i32 {
    answers.integer(&join(column, instance)).and_then(|number| i32::try_from(number).ok()).unwrap_or_default()
}

fn words_at(answers: &Answers, column: &[u32], instance: &[u32]) -> String {
    answers.text(&join(column, instance)).unwrap_or_default()
}

fn supply(answers: &Answers, instance: Vec<u32>) -> Supply {
    let number = |column: &[u32]| number(answers, column, &instance);
    let description = words_at(answers, SUPPLY_DESCRIPTION, &instance);
    let described = label::split(&description);
    let kind = match number(SUPPLY_TYPE) {
        0..=2 => Some(words::type_in(described.label)).filter(|kind| *kind != 0).unwrap_or(number(SUPPLY_TYPE)),
        told => told,
    };
    let colour = colour(answers, &instance).or_else(|| words::colour_in(described.label).map(str::to_owned));
    let colour = colour.unwrap_or_default();
    let label = match described.label {
        "" => label::made_of(kind, &colour, &instance),
        told => told.to_owned(),
    };
    // An absent capacity is an unknown one (-2).
    let capacity =
        answers.integer(&join(SUPPLY_MAX_CAPACITY, &instance)).and_then(|c| i32::try_from(c).ok()).unwrap_or(-2);
    Supply {
        class: number(SUPPLY_CLASS),
        kind,
        unit: number(SUPPLY_UNIT),
        capacity,
        colour,
        part_number: described.part_number.to_owned(),
        serial: described.serial.to_owned(),
        label,
        instance,
    }
}

/// The name in the table of colourants, by the index that the supply has there; 0 means that it has no colour.
fn colour(answers: &Answers, instance: &[u32]) -> Option<String> {
    let index = answers.integer(&join(SUPPLY_COLORANT, instance)).and_then(|index| u32::try_from(index).ok())?;
    let device = instance.first().copied()?;
    let name = answers.text(&join(COLORANT_VALUE, &[device, index])).filter(|_| index > 0)?;
    Some(words::colour_in(&name).map_or_else(|| name.to_ascii_lowercase(), str::to_owned))
}

fn tray(answers: &Answers, instance: Vec<u32>) -> Tray {
    let text = |column: &[u32]| answers.text(&join(column, &instance));
    let index = instance.last().copied().unwrap_or_default();
    Tray {
        unit: number(answers, INPUT_CAPACITY_UNIT, &instance),
        capacity: answers
            .integer(&join(INPUT_MAX_CAPACITY, &instance))
            .and_then(|c| i32::try_from(c).ok())
            .unwrap_or(-2),
        label: text(INPUT_NAME).or_else(|| text(INPUT_DESCRIPTION)).unwrap_or_else(|| format!("Tray {index}")),
        media: text(INPUT_MEDIA_NAME).unwrap_or_default(),
        instance,
    }
}
