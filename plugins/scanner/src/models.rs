//! Scanners whose own objects are known.

use hostler_plugin::oid;

/// A line of models of one maker.
pub(crate) struct Model {
    /// As people write the maker.
    pub(crate) maker: &'static str,
    /// sysObjectID is below.
    arc: &'static [u32],
    /// A word without which the arc says nothing, because the maker has other things there.
    word: Option<&'static str>,
    pub(crate) serial: Option<&'static [u32]>,
    pub(crate) firmware: Option<&'static [u32]>,
    pub(crate) name: Option<&'static [u32]>,
    pub(crate) counters: Option<&'static Counters>,
}

/// What a scanner counts and watches.
pub(crate) struct Counters {
    /// Sheets fed in its life, a Counter32.
    pub(crate) documents: &'static [u32],
    /// Revolutions of the feed rollers since they were replaced, a Counter32.
    pub(crate) revolutions: &'static [u32],
    /// Revolutions that the rollers are good for.
    pub(crate) roller_life: &'static [u32],
    /// The document feeder: 1 ready, 2 jam, 3 cover open.
    pub(crate) feeder: &'static [u32],
}

/// Example Corporation's Heron S80, which the simulator plays.
const HERON: Counters = Counters {
    documents: oid!("1.3.6.1.4.1.99999.3.1.1.0"),
    revolutions: oid!("1.3.6.1.4.1.99999.3.1.2.0"),
    roller_life: oid!("1.3.6.1.4.1.99999.3.1.3.0"),
    feeder: oid!("1.3.6.1.4.1.99999.3.1.4.0"),
};

/// All of them.
pub(crate) const MODELS: &[Model] = &[
    Model {
        maker: "Example Corporation",
        arc: oid!("1.3.6.1.4.1.99999.3"),
        word: None,
        serial: Some(oid!("1.3.6.1.4.1.99999.3.1.5.0")),
        firmware: Some(oid!("1.3.6.1.4.1.99999.3.1.6.0")),
        name: None,
        counters: Some(&HERON),
    },
    // A DS scanner has the interface of Epson's printers, whose objects tell of the interface and not of the scanner:
    // there are no counters, and what looks like a serial is the name that the interface was given in the factory.
    Model {
        maker: "Epson",
        arc: oid!("1.3.6.1.4.1.1248"),
        word: Some("scan server"),
        serial: None,
        firmware: Some(oid!("1.3.6.1.4.1.1248.1.1.3.1.21.1.1.2.1")),
        name: Some(oid!("1.3.6.1.4.1.1248.1.1.3.1.1.1.0")),
        counters: None,
    },
];

impl Model {
    /// The one that a thing is, by sysObjectID and sysDescr.
    pub(crate) fn of(object_id: &[u32], descr: &str) -> Option<&'static Self> {
        MODELS.iter().find(|model| {
            object_id.starts_with(model.arc)
                && model.word.is_none_or(|word| hostler_plugin::text::has_word(descr, word))
        })
    }

    /// The objects that tell who it is.
    pub(crate) fn identity(&self) -> impl Iterator<Item = &'static [u32]> {
        [self.serial, self.firmware, self.name].into_iter().flatten()
    }
}

impl Counters {
    /// Everything that moves, of every model: so few objects that asking which model it is would cost more.
    pub(crate) fn objects() -> impl Iterator<Item = &'static [u32]> {
        let counters = MODELS.iter().filter_map(|model| model.counters);
        counters.flat_map(|counters| [counters.documents, counters.revolutions, counters.roller_life, counters.feeder])
    }
}
