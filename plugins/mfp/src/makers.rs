//! Makers of printers: hints from enterprise arcs and names, and where each keeps what the standard has no place for.
//!
//! A hint is never proof. What proves a printer is the Printer-MIB or hrDeviceType; hints are for agents that answer
//! little, and for naming.

use hostler_plugin::oid;

/// A maker, and the objects of its own.
pub(crate) struct Maker {
    /// As people write it.
    pub(crate) name: &'static str,
    /// How its sysDescr begins, lower-case.
    words: &'static [&'static str],
    /// Below these arcs of sysObjectID it has printers and nothing else.
    arcs: &'static [&'static [u32]],
    /// Words that, with its name, mean a printer.
    families: &'static [&'static str],
    /// Whether the model in its sysDescr is more exact than the one in hrDeviceDescr.
    pub(crate) model_in_descr: bool,
    pub(crate) model: Option<&'static [u32]>,
    pub(crate) serial: Option<&'static [u32]>,
    pub(crate) firmware: Option<&'static [u32]>,
}

const PLAIN: Maker = Maker {
    name: "",
    words: &[],
    arcs: &[],
    families: &[],
    model_in_descr: false,
    model: None,
    serial: None,
    firmware: None,
};

/// Where two share an arc, the name decides: Develop's and Olivetti's machines are Konica Minolta's.
const MAKERS: &[Maker] = &[
    Maker {
        name: "Brother",
        words: &["brother"],
        arcs: &[oid!("1.3.6.1.4.1.2435.2.3.9")],
        families: &["mfc", "dcp", "hl"],
        model: Some(oid!("1.3.6.1.4.1.2435.2.4.3.2435.5.13.3.0")),
        serial: Some(oid!("1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1.0")),
        ..PLAIN
    },
    Maker {
        name: "Canon",
        words: &["canon"],
        arcs: &[oid!("1.3.6.1.4.1.1602.4")],
        families: &["ir", "lbp", "mf", "imagerunner", "imageclass", "pixma", "maxify", "imagepress"],
        model: Some(oid!("1.3.6.1.4.1.1602.1.1.1.1.0")),
        firmware: Some(oid!("1.3.6.1.4.1.1602.1.1.1.4.0")),
        ..PLAIN
    },
    Maker {
        name: "Dell",
        words: &["dell"],
        arcs: &[oid!("1.3.6.1.4.1.674.10898")],
        families: &["laser", "mfp"],
        ..PLAIN
    },
    Maker { name: "Develop", words: &["develop"], families: &["ineo"], ..PLAIN },
    // Its arc is shared by scanners and projectors.
    Maker {
        name: "Epson",
        words: &["epson", "seiko epson"],
        families: &["workforce", "ecotank", "stylus", "aculaser", "surecolor", "et", "wf", "xp"],
        ..PLAIN
    },
    Maker {
        name: "Fujifilm",
        words: &["fujifilm", "fuji xerox"],
        arcs: &[oid!("1.3.6.1.4.1.297.1.11")],
        families: &["apeos", "apeosport", "docuprint", "docucentre"],
        ..PLAIN
    },
    Maker {
        name: "HP",
        words: &["hp", "hewlett-packard"],
        arcs: &[oid!("1.3.6.1.4.1.11.2.3.9")],
        families: &["jetdirect", "laserjet", "deskjet", "officejet", "pagewide", "designjet", "photosmart"],
        model_in_descr: true,
        ..PLAIN
    },
    Maker {
        name: "Konica Minolta",
        words: &["konica minolta", "konica", "minolta"],
        arcs: &[oid!("1.3.6.1.4.1.18334.1.1"), oid!("1.3.6.1.4.1.18334.1.2"), oid!("1.3.6.1.4.1.2590")],
        families: &["bizhub", "magicolor", "pagepro"],
        firmware: Some(oid!("1.3.6.1.4.1.18334.1.1.1.1.6.1.0")),
        ..PLAIN
    },
    Maker {
        name: "Kyocera",
        words: &["kyocera"],
        arcs: &[oid!("1.3.6.1.4.1.1347.41")],
        families: &["ecosys", "taskalfa", "fs", "km"],
        model: Some(oid!("1.3.6.1.4.1.1347.43.5.1.1.1.1")),
        serial: Some(oid!("1.3.6.1.4.1.1347.43.5.1.1.28.1")),
        firmware: Some(oid!("1.3.6.1.4.1.1347.43.5.4.1.5.1.1")),
        ..PLAIN
    },
    Maker { name: "Lexmark", words: &["lexmark"], arcs: &[oid!("1.3.6.1.4.1.641")], model_in_descr: true, ..PLAIN },
    Maker {
        name: "OKI",
        words: &["oki"],
        arcs: &[oid!("1.3.6.1.4.1.2001.1")],
        families: &["okilan"],
        model_in_descr: true,
        ..PLAIN
    },
    Maker { name: "Olivetti", words: &["olivetti"], families: &["d-color", "d-copia"], ..PLAIN },
    Maker { name: "Pantum", words: &["pantum"], arcs: &[oid!("1.3.6.1.4.1.40093")], ..PLAIN },
    Maker {
        name: "Ricoh",
        words: &["ricoh", "nrg", "nashuatec", "lanier", "savin", "gestetner", "infotec"],
        arcs: &[oid!("1.3.6.1.4.1.367.1")],
        families: &["aficio", "mp", "sp", "im", "imagio"],
        model: Some(oid!("1.3.6.1.4.1.367.3.2.1.1.1.1.0")),
        serial: Some(oid!("1.3.6.1.4.1.367.3.2.1.2.1.4.0")),
        firmware: Some(oid!("1.3.6.1.4.1.367.3.2.1.1.1.2.0")),
        ..PLAIN
    },
    Maker {
        name: "Samsung",
        words: &["samsung"],
        arcs: &[oid!("1.3.6.1.4.1.236.11.5")],
        families: &["scx", "clx", "ml", "clp", "xpress", "proxpress", "multixpress"],
        model_in_descr: true,
        ..PLAIN
    },
    Maker {
        name: "Sharp",
        words: &["sharp"],
        arcs: &[oid!("1.3.6.1.4.1.2385.3")],
        families: &["mx", "bp", "ar"],
        serial: Some(oid!("1.3.6.1.4.1.2385.2.1.1.2.1.3.1")),
        firmware: Some(oid!("1.3.6.1.4.1.2385.2.1.1.2.1.2.1")),
        ..PLAIN
    },
    Maker {
        name: "Toshiba",
        words: &["toshiba"],
        arcs: &[oid!("1.3.6.1.4.1.1129.2.3")],
        families: &["e-studio"],
        ..PLAIN
    },
    Maker {
        name: "Xerox",
        words: &["xerox"],
        arcs: &[oid!("1.3.6.1.4.1.253.8.62")],
        families: &["workcentre", "phaser", "altalink", "versalink", "docucolor", "colorqube"],
        model_in_descr: true,
        ..PLAIN
    },
];

impl Maker {
    /// By the arc of sysObjectID, below which there are only printers.
    pub(crate) fn by_arc(object_id: &[u32]) -> Option<&'static Self> {
        MAKERS.iter().find(|maker| maker.arcs.iter().any(|arc| object_id.starts_with(arc)))
    }

    /// By the name that a description begins with.
    pub(crate) fn by_name(description: &str) -> Option<&'static Self> {
        MAKERS.iter().find(|maker| maker.words.iter().any(|word| after(description, word).is_some()))
    }

    /// Whether a description has one of its families of printers in it.
    pub(crate) fn names_a_printer(&self, description: &str) -> bool {
        self.families.iter().any(|family| hostler_plugin::text::has_word(description, family))
    }

    /// A model without the maker's name in front.
    pub(crate) fn without_name<'m>(&self, model: &'m str) -> &'m str {
        self.words.iter().find_map(|word| after(model, word)).filter(|rest| !rest.is_empty()).unwrap_or(model)
    }
}

/// What follows a word at the beginning, whatever its case.
fn after<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    let whole = !rest.starts_with(|c: char| c.is_alphanumeric());
    (head.eq_ignore_ascii_case(word) && whole).then(|| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_words_at_the_beginning() {
        assert_eq!(Maker::by_name("Hewlett-Packard LaserJet").map(|m| m.name), Some("HP"));
        assert_eq!(Maker::by_name("Okidoki").map(|m| m.name), None);
        assert_eq!(Maker::by_name("Not a Xerox").map(|m| m.name), None);
        assert_eq!(Maker::by_name("KONICA MINOLTA bizhub").unwrap().without_name("KONICA MINOLTA bizhub"), "bizhub");
    }

    #[test]
    fn an_arc_beside_the_printers_is_no_hint() {
        assert_eq!(Maker::by_arc(oid!("1.3.6.1.4.1.11.2.3.9.1")).map(|m| m.name), Some("HP"));
        assert!(Maker::by_arc(oid!("1.3.6.1.4.1.11.2.3.7.11")).is_none(), "a switch of HP's");
        assert!(Maker::by_arc(oid!("1.3.6.1.4.1.1248.4.1")).is_none(), "a projector of Epson's");
    }
}
