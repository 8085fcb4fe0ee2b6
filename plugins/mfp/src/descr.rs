//! What makers write into sysDescr: the model, sometimes the firmware, sometimes the serial.

use crate::makers::Maker;
use hostler_plugin::text;

/// What a sysDescr tells besides being a text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Descr {
    pub(crate) model: Option<String>,
    pub(crate) firmware: Option<String>,
    pub(crate) serial: Option<String>,
}

/// Texts that describe a network interface or everything that a maker sells.
const NO_MODEL: [&str; 7] =
    ["ethernet", "jetdirect", "print server", "printserver", "printing system", "generic", "firmware ver"];

/// What may stand before a version.
const BEFORE_VERSION: [&str; 9] =
    [" version ", " firmware version ", ", firmware ", " firmware ", " fw ", " rev.", " rev ", " ver.", " ver "];

impl Descr {
    /// Reads a sysDescr.
    pub(crate) fn parse(descr: &str) -> Self {
        let value = |key: &str| field(descr, key).and_then(|value| text::told(value.as_bytes()));
        // "… PID:HP Color LaserJet …,SN:…": an interface that tells of the printer that it is in.
        let (mut model, serial) = (value("PID:"), value("SN:"));
        // "… PrintServer: Attached to MC342 Rev.02.70 : …"
        let described = find(descr, "attached to ").map_or(descr, |(_, rest)| rest);
        let (head, mut firmware) = split_version(first_part(described));
        if model.is_none() && !NO_MODEL.iter().any(|word| find(head, word).is_some()) {
            model = text::told(head.trim_end_matches(',').as_bytes());
        }
        firmware = firmware.or_else(|| parts(descr).find_map(version_of_part));
        Self { model, firmware: firmware.map(str::to_owned), serial }
    }

    /// The model without the maker's name.
    pub(crate) fn model_of(&self, maker: Option<&Maker>) -> Option<String> {
        let model = self.model.as_deref()?;
        Some(maker.map_or(model, |maker| maker.without_name(model)).to_owned())
    }
}

/// Whether a text names a model rather than a kind of thing.
pub(crate) fn names_a_model(text: &str) -> bool {
    !NO_MODEL.iter().any(|word| find(text, word).is_some())
}

fn field<'d>(descr: &'d str, key: &str) -> Option<&'d str> {
    let (_, rest) = descr.split_once(key)?;
    rest.split([',', ';']).next()
}

/// Text before and after a word, whatever its case.
fn find<'d>(text: &'d str, word: &str) -> Option<(&'d str, &'d str)> {
    let at = text.to_ascii_lowercase().find(word)?;
    Some((text.get(..at)?, text.get(at + word.len()..)?))
}

fn parts(descr: &str) -> impl Iterator<Item = &str> {
    descr.split(';').skip(1).flat_map(|part| part.split(", ")).map(str::trim)
}

/// "Model; this; that", "Model / another model", "Model : copyright".
fn first_part(descr: &str) -> &str {
    let end = [";", " /", " : "].iter().filter_map(|mark| descr.find(mark)).min();
    end.and_then(|end| descr.get(..end)).unwrap_or(descr).trim()
}

/// "Model version 1.2 and more", "Model 1.20".
fn split_version(part: &str) -> (&str, Option<&str>) {
    for word in BEFORE_VERSION {
        if let Some((head, rest)) = find(part, word) {
            let version =
                rest.split([' ', ',']).map(|word| word.trim_start_matches("Ver.")).find(|word| !word.is_empty());
            return (head, version.filter(|version| has_digit(version)));
        }
    }
    match part.rsplit_once(' ') {
        Some((head, last)) if looks_like_version(last) => (head, Some(last)),
        _ => (part, None),
    }
}

/// A part such as "V11.01.03" (Samsung) or "SS 100.002.057.09608", "Controller 2013…" (Xerox: the system software).
fn version_of_part(part: &str) -> Option<&str> {
    let version = ["SS ", "Controller ", "ESS "].iter().find_map(|name| part.strip_prefix(name));
    let version = version.or_else(|| part.strip_prefix('V').filter(|rest| looks_like_version(rest)).map(|_| part));
    version.filter(|version| has_digit(version))
}

fn has_digit(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

fn looks_like_version(text: &str) -> bool {
    text.contains('.') && text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(descr: &str) -> (Option<String>, Option<String>) {
        let descr = Descr::parse(descr);
        (descr.model, descr.firmware)
    }

    fn some(model: &str, firmware: &str) -> (Option<String>, Option<String>) {
        (Some(model.to_owned()), Some(firmware.to_owned()))
    }

    #[test]
    fn the_ways_of_writing_a_version() {
        assert_eq!(parsed("Example Orchid C4500, firmware 2.4.1"), some("Example Orchid C4500", "2.4.1"));
        assert_eq!(parsed("Example T1 version NS.1.N2 kernel 9"), some("Example T1", "NS.1.N2"));
        assert_eq!(parsed("Example MP 1.04 / Example Scanner"), some("Example MP", "1.04"));
        assert_eq!(parsed("Example M1; V11.01_2-3; Engine V1"), some("Example M1", "V11.01_2-3"));
        assert_eq!(parsed("Example B1, Firmware Ver.1.14  (14.11)"), some("Example B1", "1.14"));
        assert_eq!(parsed("Example C1; SS 100.2, NC 3"), some("Example C1", "100.2"));
        assert_eq!(parsed("Example LAN Ethernet PrintServer: Attached to M3 Rev.02.7 : ©"), some("M3", "02.7"));
    }

    #[test]
    fn an_interface_is_no_model() {
        assert_eq!(parsed("Example ETHERNET MULTI-ENVIRONMENT").0, None);
        let descr = Descr::parse("EX ETHERNET,SN:E1,SVCID:9,PID:EX Laser 2");
        assert_eq!((descr.model.as_deref(), descr.serial.as_deref()), (Some("EX Laser 2"), Some("E1")));
    }
}
