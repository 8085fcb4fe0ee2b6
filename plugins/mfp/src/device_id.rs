//! IEEE 1284 device IDs: `MFG:Example;MDL:Orchid C4500;CLS:PRINTER;SN:…;`.

use hostler_plugin::text;

/// The parts that matter here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct DeviceId {
    pub(crate) maker: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) class: Option<String>,
}

impl DeviceId {
    /// Reads what is there; keys exist in a short and a long form (IEEE 1284 §7.6).
    ///
    /// Over SNMP some devices leave the two octets of length in front, which make the first key unreadable unless
    /// what stands before it is ignored.
    pub(crate) fn parse(octets: &[u8]) -> Self {
        let mut id = Self::default();
        let text = text::clean(octets.strip_prefix(&[0]).unwrap_or(octets));
        for part in text.split(';') {
            let Some((key, value)) = part.split_once(':') else { continue };
            let Some(value) = text::told(value.as_bytes()) else { continue };
            let key = key.trim().to_ascii_uppercase();
            let is = |names: &[&str]| names.iter().any(|name| key.ends_with(name));
            let slot = if is(&["MFG", "MANUFACTURER"]) {
                &mut id.maker
            } else if is(&["MDL", "MODEL"]) {
                &mut id.model
            } else if is(&["CLS", "CLASS"]) {
                &mut id.class
            } else if matches!(key.as_str(), "SN" | "SERN" | "SERIALNUMBER") {
                &mut id.serial
            } else {
                continue;
            };
            slot.get_or_insert(value);
        }
        id
    }

    /// Whether it says that the device is a printer.
    pub(crate) fn is_printer(&self) -> bool {
        self.class.as_deref().is_some_and(|class| class.eq_ignore_ascii_case("printer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_keys() {
        let id = DeviceId::parse(b"MANUFACTURER: Example ; MODEL:Fern 220;CLASS:printer;SN:EX1;CMD:PCL;");
        assert_eq!(id.maker.as_deref(), Some("Example"));
        assert_eq!(id.model.as_deref(), Some("Fern 220"));
        assert_eq!(id.serial.as_deref(), Some("EX1"));
        assert!(id.is_printer());
    }

    #[test]
    fn the_length_in_front_is_no_part_of_it() {
        let id = DeviceId::parse(b"\0\x41MFG:Example;MDL:Fern;CLS:PRINTER;");
        assert_eq!(id.maker.as_deref(), Some("Example"));
        assert!(id.is_printer());
    }

    #[test]
    fn anything_else_is_empty() {
        assert_eq!(DeviceId::parse(b"\xff\xfe;;:;MFG"), DeviceId::default());
        assert_eq!(DeviceId::parse(b"MFG:;MDL:unknown"), DeviceId::default());
    }
}
