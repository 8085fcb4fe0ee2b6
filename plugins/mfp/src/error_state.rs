//! hrPrinterDetectedErrorState (RFC 2790): a string of bits, the first of which is the highest of the first octet.

/// What the device detected, as bits that count from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct ErrorState(u16);

/// A bit as an alert.
pub(crate) struct Complaint {
    bit: u8,
    /// The name of the alert.
    pub(crate) code: &'static str,
    /// Whether it stops a device of which nothing else is known.
    pub(crate) stops: bool,
    /// Alerts by which the same is said: codes that begin like this.
    pub(crate) same: &'static [&'static str],
}

const COMPLAINTS: [Complaint; 15] = [
    complaint(0, "input-media-supply-low", false, &["input-media-supply-low"]),
    complaint(
        1,
        "input-media-supply-empty",
        false,
        &["input-media-supply-empty", "input-media-change", "input-manual"],
    ),
    complaint(
        2,
        "marker-supply-low",
        false,
        &["marker-supply-low", "marker-opc-life-almost", "marker-developer-almost"],
    ),
    complaint(
        3,
        "marker-supply-empty",
        false,
        &["marker-supply-empty", "marker-opc-life-over", "marker-developer-empty"],
    ),
    complaint(4, "cover-open", true, &["cover-open", "interlock-open", "subunit-opened"]),
    complaint(5, "paper-jam", true, &["paper-jam"]),
    complaint(6, "offline", true, &["offline", "subunit-turned-off"]),
    // Set beside most others: any alert says more.
    complaint(7, "service-requested", false, &[""]),
    complaint(8, "input-media-tray-missing", false, &["input-media-tray-missing", "subunit-missing"]),
    complaint(9, "output-media-tray-missing", false, &["output-media-tray-missing", "subunit-missing"]),
    complaint(10, "marker-supply-missing", true, &["marker-supply-missing", "subunit-missing"]),
    complaint(11, "output-media-tray-almost-full", false, &["output-media-tray-almost-full"]),
    complaint(12, "output-media-tray-full", false, &["output-media-tray-full"]),
    complaint(
        13,
        "input-media-supply-empty",
        false,
        &["input-media-supply-empty", "input-media-change", "input-manual"],
    ),
    complaint(14, "maintenance-due", false, &["maintenance-due", "subunit-life", "marker-opc-life"]),
];

const fn complaint(bit: u8, code: &'static str, stops: bool, same: &'static [&'static str]) -> Complaint {
    Complaint { bit, code, stops, same }
}

impl ErrorState {
    /// Reads one octet or two; agents leave out a second that is zero, and some send none at all.
    pub(crate) fn parse(octets: &[u8]) -> Self {
        let [high, low] = [0, 1].map(|at| octets.get(at).copied().unwrap_or_default());
        Self(u16::from_be_bytes([high, low]))
    }

    /// Whether nothing was detected.
    pub(crate) fn is_clear(self) -> bool {
        self.complaints().next().is_none()
    }

    /// What was detected, in the order of the bits.
    pub(crate) fn complaints(self) -> impl Iterator<Item = &'static Complaint> {
        COMPLAINTS.iter().filter(move |complaint| self.0 & (0x8000 >> complaint.bit) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(octets: &[u8]) -> Vec<&'static str> {
        ErrorState::parse(octets).complaints().map(|complaint| complaint.code).collect()
    }

    #[test]
    fn the_first_bit_is_on_top() {
        assert_eq!(codes(&[0x80]), ["input-media-supply-low"]);
        assert_eq!(codes(&[0x04]), ["paper-jam"]);
        assert_eq!(codes(&[0x00, 0x80]), ["input-media-tray-missing"]);
        assert_eq!(codes(&[0x00, 0x02]), ["maintenance-due"]);
        assert_eq!(codes(&[0x28, 0x08]), ["marker-supply-low", "cover-open", "output-media-tray-full"]);
    }

    #[test]
    fn nothing_is_clear_however_it_is_said() {
        for octets in [&[][..], &[0], &[0, 0], &[0, 1], &[0, 0, 0xff]] {
            assert!(ErrorState::parse(octets).is_clear(), "{octets:?}");
        }
    }
}
