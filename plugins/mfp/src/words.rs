//! The numbers of RFC 3805 as words: classes, types and units of supplies, colours by their names.

/// PrtMarkerSuppliesClassTC. `Filled` are receptacles, whose level counts the space that is left.
pub(crate) fn class(class: i32, kind: i32) -> &'static str {
    const CONSUMED: i32 = 3;
    const FILLED: i32 = 4;
    match class {
        FILLED => "filled",
        CONSUMED => "consumed",
        // Half the devices leave the class out; the type tells.
        _ if WASTE.contains(&kind) => "filled",
        0 => "consumed",
        _ => "other",
    }
}

/// wasteToner, wasteInk, wasteWax, wasteWater, wastePaper.
const WASTE: [i32; 5] = [4, 8, 14, 24, 26];

/// PrtMarkerSuppliesTypeTC, from other(1).
const TYPES: [&str; 34] = [
    "other",
    "unknown",
    "toner",
    "waste-toner",
    "ink",
    "ink-cartridge",
    "ink-ribbon",
    "waste-ink",
    "opc",
    "developer",
    "fuser-oil",
    "solid-wax",
    "ribbon-wax",
    "waste-wax",
    "fuser",
    "corona-wire",
    "fuser-oil-wick",
    "cleaner-unit",
    "fuser-cleaning-pad",
    "transfer-unit",
    "toner-cartridge",
    "fuser-oiler",
    "water",
    "waste-water",
    "glue-water-additive",
    "waste-paper",
    "binding-supply",
    "banding-supply",
    "stitching-wire",
    "shrink-wrap",
    "paper-wrap",
    "staples",
    "inserts",
    "covers",
];

/// A type's name.
pub(crate) fn supply_type(kind: i32) -> &'static str {
    usize::try_from(kind).ok().and_then(|kind| TYPES.get(kind.checked_sub(1)?)).copied().unwrap_or("unknown")
}

/// The type that a description speaks of, where the device tells none: the first of these that is in it.
pub(crate) fn type_in(description: &str) -> i32 {
    const WORDS: [(&str, i32); 19] = [
        ("waste ink", 8),
        ("maintenance box", 8),
        ("waste", 4),
        ("resttoner", 4),
        ("staple", 32),
        ("fuser", 15),
        ("fusing", 15),
        ("fixier", 15),
        ("developer", 10),
        ("drum", 9),
        ("photoconduct", 9),
        ("imaging unit", 9),
        ("clean", 18),
        ("belt", 20),
        ("transfer", 20),
        ("toner", 3),
        ("ink", 5),
        ("cartridge", 21),
        ("filter", 1),
    ];
    let lower = description.to_ascii_lowercase();
    WORDS.iter().find(|(word, _)| lower.contains(word)).map_or(0, |(_, kind)| *kind)
}

/// The colour that a text names, in its standard name (RFC 3805, prtMarkerColorantValue).
pub(crate) fn colour_in(text: &str) -> Option<&'static str> {
    const COLOURS: [(&str, &str); 22] = [
        ("light cyan", "light-cyan"),
        ("photo cyan", "light-cyan"),
        ("light magenta", "light-magenta"),
        ("photo magenta", "light-magenta"),
        ("light gray", "light-gray"),
        ("photo black", "photo-black"),
        ("matte black", "matte-black"),
        ("black", "black"),
        ("schwarz", "black"),
        ("noir", "black"),
        ("negro", "black"),
        ("nero", "black"),
        ("cyan", "cyan"),
        ("magenta", "magenta"),
        ("yellow", "yellow"),
        ("gelb", "yellow"),
        ("jaune", "yellow"),
        ("amarillo", "yellow"),
        ("gray", "gray"),
        ("grey", "gray"),
        ("white", "white"),
        ("clear", "clear"),
    ];
    let lower = text.to_ascii_lowercase();
    COLOURS.iter().find(|(word, _)| lower.contains(word)).map(|(_, colour)| *colour)
}

/// A unit and how many of the device's make one of it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Unit {
    pub(crate) name: Option<&'static str>,
    pub(crate) divisor: u32,
}

/// The unit that means percent whatever the maximum says.
pub(crate) const PERCENT: i32 = 19;

/// PrtMarkerSuppliesSupplyUnitTC, PrtCapacityUnitTC and PrtMarkerCounterUnitTC (RFC 3805), which agree where they
/// overlap.
pub(crate) fn unit(unit: i32) -> Unit {
    let (name, divisor) = match unit {
        3 => (Some("[in_i]"), 10_000),
        4 => (Some("um"), 1),
        5 => (Some("{character}"), 1),
        6 => (Some("{line}"), 1),
        7 => (Some("{impression}"), 1),
        8 => (Some("{sheet}"), 1),
        9 => (Some("{dot-row}"), 1),
        11 => (Some("h"), 1),
        12 => (Some("[oz_av]"), 1000),
        13 => (Some("g"), 10),
        14 => (Some("[foz_us]"), 100),
        15 => (Some("mL"), 10),
        16 => (Some("[ft_i]"), 1),
        17 => (Some("m"), 1),
        18 => (Some("{item}"), 1),
        PERCENT => (Some("%"), 1),
        _ => (None, 1),
    };
    Unit { name, divisor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_numbers_of_the_standard() {
        assert_eq!(
            [3, 9, 15, 20, 22, 32, 34].map(supply_type),
            ["toner", "opc", "fuser", "transfer-unit", "fuser-oiler", "staples", "covers"]
        );
        assert_eq!([0, -1, 35].map(supply_type), ["unknown"; 3]);
    }

    #[test]
    fn a_receptacle_is_known_by_its_type_where_the_class_is_missing() {
        assert_eq!(class(0, 4), "filled");
        assert_eq!(class(0, 3), "consumed");
        assert_eq!(class(3, 4), "consumed", "what the device says goes first");
        assert_eq!(class(1, 3), "other");
    }

    #[test]
    fn descriptions_speak_of_types_and_colours() {
        assert_eq!(supply_type(type_in("Waste Toner Box")), "waste-toner");
        assert_eq!(supply_type(type_in("Developer Cartridge (Cyan)")), "developer");
        assert_eq!(supply_type(type_in("Imaging Drum")), "opc");
        assert_eq!(colour_in("Toner (Magenta)"), Some("magenta"));
        assert_eq!(colour_in("Photo Black Ink"), Some("photo-black"));
        assert_eq!(colour_in("Drum (R1)"), None);
    }

    #[test]
    fn units_of_counters_have_the_numbers_of_the_standard() {
        let told = [3, 4, 5, 6, 7, 8, 9, 11, 16, 17].map(unit).map(|unit| (unit.name.unwrap_or(""), unit.divisor));
        assert_eq!(
            told,
            [
                ("[in_i]", 10_000),
                ("um", 1),
                ("{character}", 1),
                ("{line}", 1),
                ("{impression}", 1),
                ("{sheet}", 1),
                ("{dot-row}", 1),
                ("h", 1),
                ("[ft_i]", 1),
                ("m", 1),
            ]
        );
        assert_eq!([0, 1, 2, 10, -1, 99].map(|number| unit(number).name), [None; 6]);
    }
}
