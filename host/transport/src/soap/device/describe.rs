//! What a device calls.

use crate::soap::describe::{Field, Kind, Operation, Service, Shape};
use crate::soap::shapes::{COMMAND, DELAY, IDENTITY, OUTCOME, READING, REPORT};

/// The devices' service.
pub static SERVICE: Service = Service {
    name: "Device",
    namespace: "urn:hostler:device:1",
    path: super::PATH,
    about: "For a device that speaks SOAP and is a child of this node: it shows the token that `hostler node add` made, as \
            Authorization: Bearer, and speaks for one device, itself. Every call may be repeated.",
    operations: &[
        Operation {
            name: "Poll",
            about: "Says how the device stands, and fetches what it is asked and how its own calls ended. The first poll after \
                    a start says who it is.",
            input: &[
                Field::maybe(
                    "receipt",
                    Kind::Text,
                    "That of the last answer that was kept. What came before it comes no more.",
                ),
                Field::maybe(
                    "wait_s",
                    Kind::Count,
                    "Seconds to wait where there is nothing to fetch, at most 30; none where not given.",
                ),
                Field::maybe(
                    "device",
                    Kind::Of(&IDENTITY),
                    "Who the device is; with a serial number or a hardware address.",
                ),
                Field::many(
                    "commands",
                    Kind::Of(&COMMAND),
                    "Beside device: all that the device can be told to do. None given, none offered.",
                ),
                Field::maybe("report", Kind::Of(&REPORT), "How it stands now."),
            ],
            output: &[
                Field::one("receipt", Kind::Text, "To show with the next poll, once everything here is kept."),
                Field::maybe("device", Kind::Text, "The device's ID, where it is known."),
                Field::one(
                    "describe",
                    Kind::Flag,
                    "Whether the next poll shall say who the device is: it isn't known here.",
                ),
                Field::one("read_now", Kind::Flag, "Whether somebody wants a report now."),
                Field::one(
                    "released",
                    Kind::Flag,
                    "Whether somebody let the device go. It comes back when it says who it is.",
                ),
                Field::many("questions", Kind::Of(&QUESTION), "What it is asked. Each is answered once."),
                Field::many("delays", Kind::Of(&DELAYED), "Calls of its own that take longer."),
                Field::many("outcomes", Kind::Of(&ENDED), "How calls of its own ended."),
            ],
        },
        Operation {
            name: "Answer",
            about: "Answers a question, with one of the four. A second answer changes nothing.",
            input: &[
                Field::one("request", Kind::Text, "Which question."),
                Field::maybe("alive", Kind::Of(&ALIVE), "The answer to alive."),
                Field::maybe("counters", Kind::Of(&COUNTERS), "The answer to counters."),
                Field::maybe("done", Kind::Of(&DONE), "The answer to command."),
                Field::maybe("failed", Kind::Of(&REFUSED), "It can't, or won't."),
            ],
            output: &[],
        },
        Operation {
            name: "Late",
            about: "Says that a question takes longer. The answer follows.",
            input: &[
                Field::one("request", Kind::Text, "Which question."),
                Field::one("why", Kind::Text, "What it waits for, for people."),
            ],
            output: &[],
        },
        Operation {
            name: "UserCall",
            about: "Somebody at the device calls for help. How that ends comes by a poll.",
            input: &[
                Field::maybe(
                    "request",
                    Kind::Text,
                    "An ID of the device's own making, 32 random hexadecimal digits: the call \
                    may be repeated under it. Without it, every call is another one.",
                ),
                Field::maybe("text", Kind::Text, "What they said."),
                Field::maybe("within_s", Kind::Count, "Within how many seconds it has ended: 60 where not given."),
            ],
            output: &[Field::one("request", Kind::Text, "The call's ID.")],
        },
        Operation {
            name: "ReportFault",
            about: "Says that something happened to the device.",
            input: &[
                Field::maybe("name", Kind::Text, "Dotted lower-case name: device.fault where not given."),
                Field::one("severity", Kind::Text, "info, warning or critical."),
                Field::one("text", Kind::Text, "One sentence."),
                Field::maybe(
                    "number",
                    Kind::Count,
                    "A number that grows with every report, such as the milliseconds since 1970 \
                    when it happened: the report may be repeated under it. Without it, every report is another one.",
                ),
            ],
            output: &[
                Field::one("number", Kind::Count, "Its number."),
                Field::one(
                    "new",
                    Kind::Flag,
                    "Whether it is new. If not, one with this number or a higher one was taken before.",
                ),
            ],
        },
    ],
};

static QUESTION: Shape = Shape::all(
    "Question",
    &[
        Field::one("request", Kind::Text, "Its ID, to answer it by."),
        Field::one("ask", Kind::Text, "What is asked: alive, counters or command."),
        Field::maybe("name", Kind::Text, "command: which."),
        Field::maybe("arguments", Kind::Pairs, "command: its parameters."),
        Field::one(
            "notice_ms",
            Kind::Count,
            "Within so many milliseconds it wants an answer, or to be told that it takes longer.",
        ),
        Field::one("whole_ms", Kind::Count, "Within so many milliseconds it ends."),
    ],
);

static DELAYED: Shape = Shape::all(
    "Delayed",
    &[Field::one("request", Kind::Text, "Which call."), Field::one("delay", Kind::Of(&DELAY), "Who says so, and why.")],
);

static ENDED: Shape = Shape::all(
    "Ended",
    &[Field::one("request", Kind::Text, "Which call."), Field::one("outcome", Kind::Of(&OUTCOME), "How it ended.")],
);

static ALIVE: Shape = Shape::all(
    "Alive",
    &[
        Field::one("version", Kind::Text, "The version of its program."),
        Field::maybe("running_s", Kind::Count, "For how many seconds it runs."),
    ],
);

static COUNTERS: Shape =
    Shape::all("Counters", &[Field::many("readings", Kind::Of(&READING), "The readings that only ever grow.")]);

static DONE: Shape = Shape::all("Done", &[Field::many("lines", Kind::Text, "What came of it, a line each.")]);

static REFUSED: Shape = Shape::all(
    "Refused",
    &[
        Field::maybe("failing", Kind::Text, "refused (where not given), unreachable, full, late or in-doubt."),
        Field::one("why", Kind::Text, "What happened, for people."),
    ],
);
