//! Printer or multifunction device, by what it calls itself and its parts.

use hostler_plugin::text::has_word;
use hostler_plugin::types::DeviceType;

/// Words that a device has in its texts when it copies, scans or faxes as well.
const FUNCTIONS: [&str; 12] = [
    "mfp",
    "mfc",
    "dcp",
    "multifunction",
    "multi-function",
    "multi-functional",
    "multifunctional",
    "all-in-one",
    "copier",
    "scanner",
    "facsimile",
    "fax",
];

/// Families of which every model is a multifunction device.
const FAMILIES: [&str; 16] = [
    "bizhub",
    "ineo",
    "imagerunner",
    "ir-adv",
    "workcentre",
    "altalink",
    "apeosport",
    "docucentre",
    "aficio mp",
    "taskalfa",
    "e-studio",
    "scx",
    "clx",
    "multixpress",
    "officejet",
    "sharp mx",
];

/// Decides. Each text is a description of the whole or of a part.
pub(crate) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> DeviceType {
    let several = texts.into_iter().any(|text| FUNCTIONS.iter().chain(&FAMILIES).any(|word| has_word(text, word)));
    if several { DeviceType::Mfp } else { DeviceType::Printer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printer_is_one_unless_it_says_more() {
        assert_eq!(of(["Example Fern 220", "Ethernet"]), DeviceType::Printer);
        assert_eq!(of(["Example Orchid", "Example Color Scanner, 600x600 DPI"]), DeviceType::Mfp);
        assert_eq!(of(["FS-1028MFP"]), DeviceType::Mfp);
    }
}
