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
        Field::one("answer", Kind::Text, "Which of these: alive, counters, commanded or call-taken."),
        Field::maybe("version", Kind::Text, "alive: the version of the node's program."),
        Field::maybe("started_at", Kind::Moment, "alive: when it was started."),
        Field::maybe("devices", Kind::Count, "alive: how many devices it speaks for."),
        Field::maybe("read_at", Kind::Moment, "counters: when the device was read."),
        Field::many("counters", Kind::Of(&READING), "counters: the readings that only ever grow."),
        Field::many("lines", Kind::Text, "commanded: what came of it."),
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
