//! What an operator's program calls.

use hostler_services::soap::shapes::{COMMAND, DELAY, IDENTITY, OUTCOME, REPORT};
use hostler_services::soap::{Field, Kind, Operation, Service, Shape};

/// The operators' service.
pub static SERVICE: Service = Service {
    name: "Operator",
    namespace: "urn:hostler:operator:1",
    path: super::PATH,
    about: "The fleet for programs that speak SOAP: the same as the API under /api/v1, with the same rights. Log in with a \
            token, as Authorization: Bearer, or with user and password, as Authorization: Basic.",
    operations: &[
        Operation {
            name: "ListDevices",
            about: "Finds devices. Everything given must match.",
            input: &[
                Field::maybe(
                    "text",
                    Kind::Text,
                    "Words that occur in its names, numbers, address, site, owner or tags.",
                ),
                Field::maybe(
                    "condition",
                    Kind::Text,
                    "How it stands: fine, asleep, warning, stopped, unreachable or unknown.",
                ),
                Field::maybe("site", Kind::Text, "Where it stands."),
                Field::maybe("owner", Kind::Text, "Whose it is."),
                Field::maybe("tag", Kind::Text, "A tag that it has."),
                Field::maybe("device_type", Kind::Text, "mfp, printer, scanner, appliance, vending-machine or other."),
                Field::maybe("gateway", Kind::Text, "The gateway that speaks for it."),
                Field::maybe("plugin", Kind::Text, "The plug-in that knows its type."),
                Field::maybe("offset", Kind::Count, "How many to pass over."),
                Field::maybe("limit", Kind::Count, "How many to show: 100 where not given, at most 1000."),
            ],
            output: &[
                Field::many("rows", Kind::Of(&ROW), "The devices; what needs somebody comes first."),
                Field::one("total", Kind::Count, "How many match in all."),
                Field::one("devices", Kind::Count, "How many devices can be seen at all."),
            ],
        },
        Operation {
            name: "GetDevice",
            about: "What is known of one device.",
            input: &[Field::one("id", Kind::Text, "Which.")],
            output: &[
                Field::one("device", Kind::Of(&DEVICE), "The device."),
                Field::one("placement", Kind::Of(&PLACEMENT), "Whose it is and where it stands."),
                Field::one("condition", Kind::Text, "How it stands."),
                Field::one("snapshot", Kind::Of(&SNAPSHOT), "The newest."),
                Field::maybe("away", Kind::Of(&AWAY), "Set while its gateway is away."),
                Field::many("path", Kind::Text, "The nodes that it is behind, the nearest first."),
            ],
        },
        Operation {
            name: "ListCommands",
            about: "What a device can be told to do, by Ask.",
            input: &[Field::one("id", Kind::Text, "Which device.")],
            output: &[Field::many("commands", Kind::Of(&COMMAND), "Its commands.")],
        },
        Operation {
            name: "ReadDevice",
            about: "Has a device read now. Doesn't wait for that.",
            input: &[Field::one("id", Kind::Text, "Which.")],
            output: ORDERED,
        },
        Operation {
            name: "ReleaseDevice",
            about: "Lets a device go: it isn't managed any more, and its history is forgotten.",
            input: &[Field::one("id", Kind::Text, "Which.")],
            output: ORDERED,
        },
        Operation {
            name: "ListCandidates",
            about: "What answered in the gateways' networks and isn't managed yet.",
            input: &[],
            output: &[Field::many("candidates", Kind::Of(&CANDIDATE), "Each with the plug-ins that recognise it.")],
        },
        Operation {
            name: "AdoptCandidate",
            about: "Has a gateway identify what answered and speak for it. Doesn't wait for that; the outcome is an event.",
            input: &[
                Field::one("gateway", Kind::Text, "In whose network it answered."),
                Field::one("address", Kind::Text, "Where it answered."),
                Field::one("plugin", Kind::Text, "The plug-in that shall know its type."),
                Field::maybe("anyway", Kind::Flag, "Whether it is taken though that plug-in didn't recognise it."),
            ],
            output: ORDERED,
        },
        Operation {
            name: "SearchNetworks",
            about: "Has gateways search their networks now.",
            input: &[Field::maybe("gateway", Kind::Text, "Which gateway; all where not given.")],
            output: &[],
        },
        Operation {
            name: "ListNodes",
            about: "The tree: this node and those below.",
            input: &[],
            output: &[Field::many("nodes", Kind::Of(&NODE), "The nodes.")],
        },
        Operation {
            name: "Ask",
            about: "Asks a device, or a node below. Answers at once; how it ends is told by GetRequest.",
            input: &[
                Field::one("question", Kind::Of(&QUESTION), "What is asked."),
                Field::maybe("node", Kind::Text, "Which node is asked: for questions that are about no device."),
                Field::maybe(
                    "within_s",
                    Kind::Count,
                    "Within how many seconds it has ended: 3600 where not given, from 1 to 604800.",
                ),
            ],
            output: REQUEST,
        },
        Operation {
            name: "GetRequest",
            about: "How a request stands, or how it ended.",
            input: &[
                Field::one("id", Kind::Text, "Which."),
                Field::maybe(
                    "wait_s",
                    Kind::Count,
                    "Seconds to wait until more is known than now, at most 30; none where not given.",
                ),
            ],
            output: REQUEST,
        },
        Operation {
            name: "ListEvents",
            about: "What happened, the newest first. Everything given must fit.",
            input: &[
                Field::maybe("severity", Kind::Text, "How much they matter at least: info, warning or critical."),
                Field::maybe(
                    "name",
                    Kind::Text,
                    "Their names, or beginnings that end with a dot, such as supply.low,alert.; one of them must fit.",
                ),
                Field::maybe("device", Kind::Text, "To which device."),
                Field::maybe("node", Kind::Text, "Which node saw them."),
                Field::maybe("text", Kind::Text, "What their text contains."),
                Field::maybe("from", Kind::Text, "Not before this: a date, a time, or how long ago (24h)."),
                Field::maybe("to", Kind::Text, "Before this."),
                Field::maybe("before", Kind::Count, "Only events with a smaller seq."),
                Field::maybe("limit", Kind::Count, "How many: 100 where not given, at most 500."),
            ],
            output: &[
                Field::many("events", Kind::Of(&EVENT), "The events."),
                Field::maybe("next", Kind::Count, "The before of the question that goes on, where there may be more."),
            ],
        },
    ],
};

static ROW: Shape = Shape::all(
    "Row",
    &[
        Field::one("id", Kind::Text, "Its name in the fleet."),
        Field::one("title", Kind::Text, "What to call it before people."),
        Field::maybe("name", Kind::Text, "The name that its administrator gave it."),
        Field::maybe("serial", Kind::Text, "The maker's serial number."),
        Field::one("device_type", Kind::Text, "What kind of thing."),
        Field::one("condition", Kind::Text, "How it stands."),
        Field::maybe("headline", Kind::Text, "What is wrong, where something is."),
        Field::one("address", Kind::Text, "Where its gateway reaches it."),
        Field::one("gateway", Kind::Text, "The gateway that speaks for it."),
        Field::maybe("site", Kind::Text, "Where it stands."),
        Field::maybe("owner", Kind::Text, "Whose it is."),
        Field::many("tags", Kind::Text, "Words to find it by."),
        Field::maybe("pages", Kind::Count, "How much it has done: pages printed, or documents fed."),
        Field::maybe("read_at", Kind::Moment, "When it was last read."),
    ],
);

static REACH: Shape =
    Shape::all("Reach", &[Field::one("address", Kind::Text, "Its address in the gateway's network.")]);

static DEVICE: Shape = Shape::all(
    "Device",
    &[
        Field::one("id", Kind::Text, "Its name in the fleet."),
        Field::one("gateway", Kind::Text, "The gateway that speaks for it."),
        Field::one("plugin", Kind::Text, "The plug-in that knows its type."),
        Field::one("identity", Kind::Of(&IDENTITY), "Who it says that it is."),
        Field::one("reach", Kind::Of(&REACH), "How its gateway reaches it."),
        Field::one("adopted_at", Kind::Moment, "When it was adopted."),
    ],
);

static PLACEMENT: Shape = Shape::all(
    "Placement",
    &[
        Field::maybe("owner", Kind::Text, "Who it belongs to."),
        Field::maybe("site", Kind::Text, "Where it stands."),
        Field::many("tags", Kind::Text, "Words to find it by."),
    ],
);

static TROUBLE: Shape = Shape::all(
    "Trouble",
    &[
        Field::one("text", Kind::Text, "What happened."),
        Field::one("since", Kind::Moment, "Since when every attempt failed."),
        Field::one("attempts", Kind::Count, "How many in a row failed because of the device."),
    ],
);

static SNAPSHOT: Shape = Shape::all(
    "Snapshot",
    &[
        Field::one("tried_at", Kind::Moment, "When it was last tried."),
        Field::maybe("read_at", Kind::Moment, "When the report was read."),
        Field::maybe("report", Kind::Of(&REPORT), "The last report."),
        Field::maybe("trouble", Kind::Of(&TROUBLE), "Why nothing newer could be had."),
    ],
);

static AWAY: Shape = Shape::all(
    "Away",
    &[
        Field::one("gateway", Kind::Text, "Which gateway."),
        Field::maybe("since", Kind::Moment, "Since when, where that is known."),
    ],
);

const ORDERED: &[Field] =
    &[Field::maybe("away", Kind::Of(&AWAY), "Set where its gateway is away: it is done when that returns.")];

static CLAIM: Shape = Shape::all(
    "Claim",
    &[
        Field::one("plugin", Kind::Text, "Whose opinion."),
        Field::one("certainty", Kind::Text, "How sure it is: possible, likely or certain."),
        Field::one("device_type", Kind::Text, "The type that it claims."),
        Field::one("title", Kind::Text, "What to show, such as the model."),
    ],
);

static ANSWERED: Shape = Shape::all(
    "Answered",
    &[
        Field::one("reach", Kind::Of(&REACH), "How it answered."),
        Field::many("claims", Kind::Of(&CLAIM), "The plug-ins that recognise it, the surest first."),
        Field::one("seen_at", Kind::Moment, "When it answered first."),
    ],
);

static CANDIDATE: Shape = Shape::all(
    "Candidate",
    &[
        Field::one("gateway", Kind::Text, "In whose network."),
        Field::one("candidate", Kind::Of(&ANSWERED), "What."),
        Field::one("adopting", Kind::Flag, "Whether it is being adopted."),
    ],
);

static NODE: Shape = Shape::all(
    "Node",
    &[
        Field::one("id", Kind::Text, "Which."),
        Field::many("path", Kind::Text, "The nodes through which it is reached, the nearest first and itself last."),
        Field::maybe("last_seen", Kind::Moment, "When it called last, since this node was started."),
        Field::one("connected", Kind::Flag, "Whether it is here now."),
        Field::maybe("connected_since", Kind::Moment, "Since when it is, without a gap."),
        Field::one("waiting", Kind::Count, "How many messages wait for it."),
        Field::one("devices", Kind::Count, "How many devices it speaks for."),
        Field::one("own", Kind::Flag, "Whether it is the node that answers."),
    ],
);

static QUESTION: Shape = Shape::all(
    "Question",
    &[
        Field::one(
            "ask",
            Kind::Text,
            "alive (of a node); counters, command, panel, show-on-panel, power or set-power (of a device); or user-call (of the \
             manager).",
        ),
        Field::maybe("device", Kind::Text, "Which device."),
        Field::maybe("name", Kind::Text, "command: which."),
        Field::maybe("arguments", Kind::Pairs, "command: its parameters."),
        Field::maybe("wish", Kind::Text, "set-power: wake, sleep or power-cycle."),
        Field::many("text", Kind::Text, "user-call: what they said. show-on-panel: its lines."),
    ],
);

const REQUEST: &[Field] = &[
    Field::one("id", Kind::Text, "Which request."),
    Field::one("question", Kind::Of(&QUESTION), "What is asked."),
    Field::maybe("to", Kind::Text, "The node that is asked; the manager where not given."),
    Field::many("path", Kind::Text, "The nodes on the way there, the nearest first."),
    Field::maybe("by", Kind::Text, "Who asked, where a user of this node did."),
    Field::maybe("for", Kind::Text, "The neighbour for which it is passed on, or done."),
    Field::one("since", Kind::Moment, "Since when."),
    Field::one("until", Kind::Moment, "When it ends at the latest."),
    Field::one("state", Kind::Text, "waiting, delayed, answered or failed."),
    Field::maybe("delay", Kind::Of(&DELAY), "What was said last of why it takes longer."),
    Field::maybe("ended_at", Kind::Moment, "When it ended."),
    Field::maybe("outcome", Kind::Of(&OUTCOME), "How it ended: one of these."),
];

static EVENT: Shape = Shape::all(
    "Event",
    &[
        Field::one("seq", Kind::Count, "Counts the events of this node."),
        Field::one("at", Kind::Moment, "When."),
        Field::maybe("node", Kind::Text, "Which node below told it, where one did."),
        Field::maybe("device", Kind::Text, "To which device; to a node itself where not given."),
        Field::one("name", Kind::Text, "Dotted lower-case name."),
        Field::one("severity", Kind::Text, "info, warning or critical."),
        Field::one("text", Kind::Text, "One sentence."),
    ],
);
