//! The words that both services use: who a device is, how it stands, what it counts. They are those of
//! [`hostler_core::reading`].

use super::describe::{Field, Kind, Shape};

/// Who a device says that it is.
pub static IDENTITY: Shape = Shape::all(
    "Identity",
    &[
        Field::one("device_type", Kind::Text, "mfp, printer, scanner, appliance, vending-machine or other."),
        Field::maybe("manufacturer", Kind::Text, "Its maker."),
        Field::maybe("model", Kind::Text, "The maker's name for the model."),
        Field::maybe("serial", Kind::Text, "The maker's serial number."),
        Field::maybe("mac", Kind::Text, "The hardware address, lower-case hexadecimal with colons."),
        Field::maybe("firmware", Kind::Text, "The version of its firmware."),
        Field::maybe("name", Kind::Text, "The name that its administrator gave it."),
        Field::maybe("location", Kind::Text, "Where it stands."),
    ],
);

/// How many of something are left.
static AMOUNT: Shape = Shape::one_of(
    "Amount",
    &[
        Field::maybe("exact", Kind::Number, "So many."),
        Field::maybe("some-left", Kind::Flag, "At least one."),
        Field::maybe("unknown", Kind::Flag, "The device doesn't know."),
        Field::maybe("unlimited", Kind::Flag, "There is no limit."),
    ],
);

static LEVEL: Shape = Shape::all(
    "Level",
    &[
        Field::one("remaining", Kind::Of(&AMOUNT), "What is left; for a waste box the space that is left."),
        Field::maybe("capacity", Kind::Number, "What that is when full."),
    ],
);

static VALUE: Shape = Shape::one_of(
    "Value",
    &[
        Field::maybe("counter", Kind::Count, "Only ever grows."),
        Field::maybe("gauge", Kind::Number, "Goes up and down."),
        Field::maybe("level", Kind::Of(&LEVEL), "Runs out or fills up."),
        Field::maybe("state", Kind::Text, "A word from a closed list."),
        Field::maybe("text", Kind::Text, "Any text."),
    ],
);

/// One thing that was read.
pub static READING: Shape = Shape::all(
    "Reading",
    &[
        Field::one("name", Kind::Text, "Dotted lower-case standard name, such as pages.printed."),
        Field::maybe("instance", Kind::Text, "Which one, where there are several."),
        Field::maybe("label", Kind::Text, "What to call it before people."),
        Field::maybe("unit", Kind::Text, "What is counted: UCUM, or in braces."),
        Field::one("value", Kind::Of(&VALUE), "The value: one of these."),
        Field::maybe("attributes", Kind::Pairs, "More that belongs to it."),
    ],
);

static ALERT: Shape = Shape::all(
    "Alert",
    &[
        Field::one("code", Kind::Text, "Stable lower-case name, such as cover-open."),
        Field::one("severity", Kind::Text, "info, warning or critical."),
        Field::maybe("part", Kind::Text, "The part concerned."),
        Field::maybe("text", Kind::Text, "The device's own words."),
    ],
);

/// How a device stands.
pub static REPORT: Shape = Shape::all(
    "Report",
    &[
        Field::one("status", Kind::Text, "ready, busy, warming-up, asleep, warning, stopped or unknown."),
        Field::many("readings", Kind::Of(&READING), "What was read."),
        Field::many("alerts", Kind::Of(&ALERT), "What it complains about."),
        Field::many("console", Kind::Text, "What its display shows, a line each."),
    ],
);

static CHOICE: Shape = Shape::all(
    "Choice",
    &[
        Field::one("value", Kind::Text, "What is passed: lower-case letters, digits and hyphens."),
        Field::one("title", Kind::Text, "What people choose."),
    ],
);

static TEXT: Shape = Shape::all("TextKind", &[Field::one("longest", Kind::Count, "In characters.")]);

static INTEGER: Shape = Shape::all(
    "IntegerKind",
    &[
        Field::one("min", Kind::Integer, "The smallest."),
        Field::one("max", Kind::Integer, "The largest."),
        Field::maybe("unit", Kind::Text, "What is counted, as in a reading."),
    ],
);

static KIND: Shape = Shape::one_of(
    "Kind",
    &[
        Field::maybe("text", Kind::Of(&TEXT), "Text without control characters."),
        Field::maybe("integer", Kind::Of(&INTEGER), "A whole number."),
        Field::many("choice", Kind::Of(&CHOICE), "One of these."),
        Field::maybe("boolean", Kind::Flag, "Yes or no."),
    ],
);

static ARGUMENT: Shape = Shape::one_of(
    "Argument",
    &[
        Field::maybe("text", Kind::Text, "For a text."),
        Field::maybe("integer", Kind::Integer, "For a whole number."),
        Field::maybe("choice", Kind::Text, "For a choice: its value."),
    ],
);

static PARAMETER: Shape = Shape::all(
    "Parameter",
    &[
        Field::one("name", Kind::Text, "Lower-case letters, digits and hyphens; each once in a command."),
        Field::one("title", Kind::Text, "What it is called before people."),
        Field::one("required", Kind::Flag, "Whether somebody has to say it."),
        Field::one("kind", Kind::Of(&KIND), "What it takes: one of these."),
        Field::maybe("default", Kind::Of(&ARGUMENT), "What holds where nobody says anything."),
    ],
);

/// Something that a device can be told to do, as [`hostler_core::command::Command`] has it.
pub static COMMAND: Shape = Shape::all(
    "Command",
    &[
        Field::one("name", Kind::Text, "Lower-case letters, digits and hyphens, such as reset."),
        Field::one("title", Kind::Text, "What it is called before people."),
        Field::one("help", Kind::Text, "One or a few sentences."),
        Field::many("parameters", Kind::Of(&PARAMETER), "What it has to be told."),
        Field::one("may", Kind::Text, "Who may give it: operate or administer."),
        Field::one("effect", Kind::Text, "repeatable, or once where it can't be asked whether it was done."),
    ],
);

static LAMP: Shape = Shape::all(
    "Lamp",
    &[
        Field::one("title", Kind::Text, "What stands beside it."),
        Field::one("state", Kind::Text, "off, on, blinking or unknown."),
        Field::one("colour", Kind::Text, "Its colour, as RFC 3805 has it."),
    ],
);

static KEY: Shape = Shape::all(
    "Key",
    &[
        Field::one("name", Kind::Text, "Lower-case letters, digits and hyphens."),
        Field::one("title", Kind::Text, "What stands on it."),
    ],
);

static PANEL: Shape = Shape::all(
    "Panel",
    &[
        Field::many("lines", Kind::Text, "What its display shows, a line each."),
        Field::many("lamps", Kind::Of(&LAMP), "Its lamps."),
        Field::many("keys", Kind::Of(&KEY), "What can be pressed, as far as the device tells of it."),
    ],
);

static POWER: Shape = Shape::all(
    "Power",
    &[
        Field::one("mode", Kind::Text, "on, asleep, waking, off or unknown."),
        Field::one("engine", Kind::Text, "ready, not-ready or unknown."),
        Field::many("can", Kind::Text, "What it can be told: wake, sleep, power-cycle."),
    ],
);

/// A request ended without an answer.
pub static FAILURE: Shape = Shape::all(
    "Failure",
    &[
        Field::one("by", Kind::Text, "Which node says so."),
        Field::one("failing", Kind::Text, "refused, unreachable, full, late or in-doubt."),
        Field::one("why", Kind::Text, "What happened."),
    ],
);

static ANSWER: Shape = Shape::all(
    "Answer",
    &[
        Field::one("answer", Kind::Text, "Which of these: alive, counters, done, panel, power or call-taken."),
        Field::maybe("version", Kind::Text, "alive: the version of the node's program."),
        Field::maybe("started_at", Kind::Moment, "alive: when it was started."),
        Field::maybe("devices", Kind::Count, "alive: how many devices it speaks for."),
        Field::maybe("read_at", Kind::Moment, "counters: when the device was read."),
        Field::many("counters", Kind::Of(&READING), "counters: the readings that only ever grow."),
        Field::many("lines", Kind::Text, "done: what came of it."),
        Field::maybe("panel", Kind::Of(&PANEL), "panel: what it shows."),
        Field::maybe("power", Kind::Of(&POWER), "power: how the device is powered."),
        Field::maybe("text", Kind::Text, "call-taken: what is shown to who called."),
    ],
);

/// How a request ended.
pub static OUTCOME: Shape = Shape::one_of(
    "Outcome",
    &[
        Field::maybe("answered", Kind::Of(&ANSWER), "With an answer."),
        Field::maybe("failed", Kind::Of(&FAILURE), "Without."),
    ],
);

/// Who can't answer at once says so.
pub static DELAY: Shape = Shape::all(
    "Delay",
    &[
        Field::one("by", Kind::Text, "Which node says so."),
        Field::one("why", Kind::Text, "What it waits for. The answer follows."),
    ],
);
