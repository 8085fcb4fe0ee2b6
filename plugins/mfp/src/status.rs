//! What the device is up to, from hrDeviceStatus and hrPrinterStatus (RFC 2790) as RFC 3805 §2.2.13.2 combines them.

use hostler_plugin::types::{Severity, Status};

/// What is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Signs {
    /// hrDeviceStatus: unknown(1), running(2), warning(3), testing(4), down(5).
    pub(crate) device: Option<i64>,
    /// hrPrinterStatus: other(1), unknown(2), idle(3), printing(4), warmup(5).
    pub(crate) printer: Option<i64>,
    /// The worst alert.
    pub(crate) worst: Option<Severity>,
    /// An alert says that it saves energy, or its console does.
    pub(crate) says_asleep: bool,
}

/// Decides.
pub(crate) fn status(signs: Signs) -> Status {
    const WARMING_UP: Option<i64> = Some(5);
    let critical = signs.worst == Some(Severity::Critical);
    let working = || match signs.printer {
        WARMING_UP => Status::WarmingUp,
        _ if matches!(signs.worst, Some(Severity::Warning | Severity::Critical)) => Status::Warning,
        Some(4) => Status::Busy,
        _ => Status::Ready,
    };
    match (signs.device, signs.printer) {
        // "Standby" of the table. Warned of a low toner it may be, too, and is asleep all the same.
        (Some(2 | 3), Some(1)) if !critical => Status::Asleep,
        (_, Some(1) | None) if signs.says_asleep && !critical => Status::Asleep,
        (Some(5), WARMING_UP) if !critical => Status::WarmingUp,
        (Some(5), _) => Status::Stopped,
        (Some(4), _) => Status::Busy,
        (Some(3), Some(4 | 5)) | (Some(2), _) => working(),
        (Some(3), _) => Status::Warning,
        // The device's own status is unknown.
        (_, Some(3..=5)) if !critical => working(),
        _ if critical => Status::Stopped,
        _ if signs.worst == Some(Severity::Warning) => Status::Warning,
        _ => Status::Unknown,
    }
}

/// Whether a line on the console says that the device saves energy.
pub(crate) fn says_asleep(line: &str) -> bool {
    const WORDS: [&str; 17] = [
        "sleep",
        "power save",
        "powersave",
        "power-save",
        "power saving",
        "energy save",
        "energy saving",
        "low power",
        "standby",
        "stand-by",
        "ruhemodus",
        "energiespar",
        "veille",
        "reposo",
        "ahorro de energ",
        "risparmio energ",
        "スリープ",
    ];
    let lower = line.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(device: i64, printer: i64, worst: Option<Severity>) -> Status {
        status(Signs { device: Some(device), printer: Some(printer), worst, says_asleep: false })
    }

    #[test]
    fn the_table_of_rfc_3805() {
        assert_eq!(of(2, 3, None), Status::Ready);
        assert_eq!(of(2, 4, None), Status::Busy);
        assert_eq!(of(3, 3, Some(Severity::Warning)), Status::Warning);
        assert_eq!(of(5, 1, Some(Severity::Critical)), Status::Stopped);
        assert_eq!(of(5, 5, None), Status::WarmingUp);
        assert_eq!(of(2, 1, None), Status::Asleep);
        assert_eq!(of(3, 1, Some(Severity::Warning)), Status::Asleep);
    }

    #[test]
    fn a_sleeping_device_that_calls_itself_down_is_no_fault() {
        let signs = Signs { device: Some(5), printer: Some(1), worst: None, says_asleep: says_asleep("Sleep mode on") };
        assert_eq!(status(signs), Status::Asleep);
        assert_eq!(status(Signs { worst: Some(Severity::Critical), ..signs }), Status::Stopped);
    }

    #[test]
    fn little_is_known_of_some() {
        let device = |device| status(Signs { device, ..Signs::default() });
        assert_eq!(device(Some(2)), Status::Ready);
        assert_eq!(device(Some(3)), Status::Warning);
        assert_eq!(device(None), Status::Unknown);
        assert_eq!(status(Signs { printer: Some(4), ..Signs::default() }), Status::Busy);
        assert_eq!(status(Signs { worst: Some(Severity::Critical), ..Signs::default() }), Status::Stopped);
    }
}
