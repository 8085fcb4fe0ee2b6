//! What this plug-in can do wrong.

macro_rules! behaviours {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A way to behave, chosen by the setting `behaviour`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Behaviour {
            $($(#[$doc])* $variant,)*
        }

        impl Behaviour {
            /// Every behaviour.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// What to set `behaviour` to.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

behaviours! {
    /// Answers, and does nothing else.
    WellBehaved = "well-behaved",
    /// Computes for ever.
    Loop = "loop",
    /// Calls itself for ever.
    Recurse = "recurse",
    /// Calls itself for ever and the host on every level, so that the host works on what stack is left.
    RecurseAndAsk = "recurse-and-ask",
    /// Takes memory until there is no more.
    Grow = "grow",
    /// The same, and lives with the refusal.
    GrowPolitely = "grow-politely",
    /// Panics.
    Trap = "trap",
    /// Says something and panics.
    LogThenTrap = "log-then-trap",
    /// Logs ten thousand lines.
    LogFlood = "log-flood",
    /// Reports events for ever.
    EventFlood = "event-flood",
    /// Moves bytes to and from the host for ever.
    HostBytesFlood = "host-bytes-flood",
    /// Asks the device for ever.
    LinkFlood = "link-flood",
    /// Walks the device for ever.
    WalkFlood = "walk-flood",
    /// Asks for a hundred thousand objects at once.
    ManyObjects = "many-objects",
    /// Asks for an object of a million arcs.
    LongObject = "long-object",
    /// Asks for an object of one arc more than there may be.
    OverlongObject = "overlong-object",
    /// Asks for objects that can't be encoded.
    ImpossibleObject = "impossible-object",
    /// Asks for thirty objects of a hundred thousand arcs.
    ManyArcs = "many-arcs",
    /// Walks without end.
    LongWalk = "long-walk",
    /// Walks for nothing.
    EmptyWalk = "empty-walk",
    /// Asks the device once; it is the device that doesn't answer.
    WaitForDevice = "wait-for-device",
    /// Writes to the device without having been granted it.
    SetUngranted = "set-ungranted",
    /// Wants something written afterwards, without having been granted it.
    ActUngranted = "act-ungranted",
    /// Wants something sent afterwards with a credential that its manifest doesn't name.
    ActWithForeignCredential = "act-with-foreign-credential",
    /// Wants something sent afterwards with its own credential.
    ActWithOwnCredential = "act-with-own-credential",
    /// Wants ten thousand things done afterwards.
    ActionFlood = "action-flood",
    /// Leaves traces and panics.
    StateThenTrap = "state-then-trap",
    /// Leaves traces and computes for ever.
    StateThenLoop = "state-then-loop",
    /// Leaves traces and answers with a failure.
    StateThenFail = "state-then-fail",
    /// Leaves traces and answers.
    StateThenAnswer = "state-then-answer",
    /// Replaces what it was given to remember, and remembers one thing more.
    RewriteState = "rewrite-state",
    /// Remembers a value that is too long.
    BigStateValue = "big-state-value",
    /// Remembers values that are too long together.
    BigState = "big-state",
    /// Remembers too many values.
    ManyStateKeys = "many-state-keys",
    /// Remembers under a key that can't be one.
    BadStateKey = "bad-state-key",
    /// Reports more than may pass to the host.
    HugeReport = "huge-report",
    /// Reports too long texts and numbers that are none.
    LongReport = "long-report",
    /// Reports a thousand readings and one.
    ManyReadings = "many-readings",
    /// Reports a thousand alerts and one.
    ManyAlerts = "many-alerts",
    /// Reports twenty-one lines of a console.
    ManyLines = "many-lines",
    /// Reports a reading with twenty-one attributes.
    ManyAttributes = "many-attributes",
    /// Reports a reading whose name is none.
    BadReadingName = "bad-reading-name",
    /// Reports an alert whose code is none.
    BadAlertCode = "bad-alert-code",
    /// Leaves traces, and among them an event whose name is none.
    BadEventName = "bad-event-name",
    /// Describes ten thousand commands.
    ManyCommands = "many-commands",
    /// Describes a command whose default isn't one of its choices.
    BadCommand = "bad-command",
    /// Asks the device and remembers something while it describes its commands.
    DescribeWithDevice = "describe-with-device",
    /// Shows a panel of a hundred lamps.
    ManyLamps = "many-lamps",
    /// Tells of what it did in a hundred lines.
    TalkativeDeed = "talkative-deed",
    /// Asks for a megabyte of randomness.
    TooMuchRandom = "too-much-random",
}

impl Behaviour {
    /// The behaviour of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|behaviour| behaviour.name() == name)
    }
}
