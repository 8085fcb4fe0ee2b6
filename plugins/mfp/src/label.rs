//! What to call a supply before people.

use crate::words;

/// A prtMarkerSuppliesDescription taken apart: some makers put part number and serial into it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Described<'d> {
    pub(crate) label: &'d str,
    pub(crate) part_number: &'d str,
    pub(crate) serial: &'d str,
}

/// Takes "Black Toner, PN 006R01509;SN48178080E0" (Xerox) and "Black Toner S/N:CRUM-123" (Samsung) apart.
pub(crate) fn split(description: &str) -> Described<'_> {
    let mut out = Described { label: description, ..Described::default() };
    if let Some((label, serial)) = out.label.split_once(";SN").or_else(|| out.label.split_once("S/N:")) {
        out.label = label.trim_end();
        out.serial = told(serial);
    }
    if let Some((label, part)) = out.label.split_once(", PN ") {
        out.label = label.trim_end();
        out.part_number = told(part);
    }
    out
}

fn told(text: &str) -> &str {
    let text = text.trim();
    if hostler_plugin::text::says_something(text) { text } else { "" }
}

/// A label where the device has none: "Black toner", "Waste toner", "Supply 3".
pub(crate) fn made_of(kind: i32, colour: &str, instance: &[u32]) -> String {
    let index = instance.last().copied().unwrap_or_default();
    let kind = match words::supply_type(kind) {
        "unknown" | "other" => return format!("Supply {index}"),
        "opc" => "drum".to_owned(),
        kind => kind.replace('-', " "),
    };
    capitalised(format!("{} {kind}", colour.replace('-', " ")).trim_start())
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_and_serials_are_no_label() {
        let described = split("Black Toner, PN 006R1;SN4817");
        assert_eq!((described.label, described.part_number, described.serial), ("Black Toner", "006R1", "4817"));
        let described = split("Fuser, PN unknown;SNunknown");
        assert_eq!((described.label, described.part_number, described.serial), ("Fuser", "", ""));
        assert_eq!(split("Fuser S/N:").label, "Fuser");
        assert_eq!(split("").label, "");
    }

    #[test]
    fn a_label_is_made_where_there_is_none() {
        assert_eq!(made_of(3, "black", &[1, 1]), "Black toner");
        assert_eq!(made_of(9, "", &[1, 2]), "Drum");
        assert_eq!(made_of(4, "", &[1, 2]), "Waste toner");
        assert_eq!(made_of(0, "", &[1, 7]), "Supply 7");
    }
}
