//! PrtAlertCodeTC and PrtAlertGroupTC (RFC 3805) as stable names.
//!
//! Most names are the standard's, written with hyphens. Two kinds of numbers share one name: those that differ only in
//! what the device prints with (toner, ink, ribbon: `marker-supply-low`), and the general ones (subunitEmpty) where
//! the group makes them the same as a special one (inputMediaSupplyEmpty).

/// PrtAlertGroupTC.
pub(crate) mod group {
    pub(crate) const COVER: i64 = 6;
    pub(crate) const INPUT: i64 = 8;
    pub(crate) const OUTPUT: i64 = 9;
    pub(crate) const SUPPLIES: i64 = 11;
}

/// The device saves energy: a state, not a complaint.
pub(crate) const POWER_SAVER: i64 = 23;

/// A name, or `None` for what is no complaint: something was closed, added, switched on, or is ready.
pub(crate) fn name(code: i64, group: i64) -> Option<&'static str> {
    let name = match (code, group) {
        (4 | 6 | 7 | 19 | 20 | POWER_SAVER | 24 | 25 | 27 | 502 | 503 | 505..=507 | 1501..=1505 | 1801, _) => {
            return None;
        }
        (9, group::INPUT) | (801, _) => "input-media-tray-missing",
        (12, group::INPUT) | (807, _) => "input-media-supply-low",
        (13, group::INPUT) | (808, _) => "input-media-supply-empty",
        (9, group::OUTPUT) | (901, _) => "output-media-tray-missing",
        (14, group::OUTPUT) | (902, _) => "output-media-tray-almost-full",
        (15, group::OUTPUT) | (903, _) => "output-media-tray-full",
        (9, group::SUPPLIES) | (1115, _) => "marker-supply-missing",
        (12, group::SUPPLIES) | (1104..=1106, _) => "marker-supply-low",
        (13, group::SUPPLIES) | (1101..=1103, _) => "marker-supply-empty",
        (14, group::SUPPLIES) | (1107 | 1108, _) => "marker-waste-almost-full",
        (15, group::SUPPLIES) | (1109 | 1110, _) => "marker-waste-full",
        (3, _) | (18, group::COVER) | (501, _) => "cover-open",
        (8, _) => "paper-jam",
        (22, _) => "offline",
        _ => plain(code),
    };
    Some(name)
}

fn plain(code: i64) -> &'static str {
    const NAMES: &[(i64, &str)] = &[
        (1, "other"),
        (2, "unknown"),
        (5, "interlock-open"),
        (9, "subunit-missing"),
        (10, "subunit-life-almost-over"),
        (11, "subunit-life-over"),
        (12, "subunit-almost-empty"),
        (13, "subunit-empty"),
        (14, "subunit-almost-full"),
        (15, "subunit-full"),
        (16, "subunit-near-limit"),
        (17, "subunit-at-limit"),
        (18, "subunit-opened"),
        (21, "subunit-turned-off"),
        (26, "subunit-removed"),
        (28, "subunit-resource-removed"),
        (29, "subunit-recoverable-failure"),
        (30, "subunit-unrecoverable-failure"),
        (31, "subunit-recoverable-storage-error"),
        (32, "subunit-unrecoverable-storage-error"),
        (33, "subunit-motor-failure"),
        (34, "subunit-memory-exhausted"),
        (35, "subunit-under-temperature"),
        (36, "subunit-over-temperature"),
        (37, "subunit-timing-failure"),
        (38, "subunit-thermistor-failure"),
        (504, "power-down"),
        (802, "input-media-size-change"),
        (803, "input-media-weight-change"),
        (804, "input-media-type-change"),
        (805, "input-media-color-change"),
        (806, "input-media-form-parts-change"),
        (809, "input-media-change-request"),
        (810, "input-manual-input-request"),
        (811, "input-tray-position-failure"),
        (812, "input-tray-elevation-failure"),
        (813, "input-cannot-feed-size-selected"),
        (904, "output-mailbox-select-failure"),
        (1001, "marker-fuser-under-temperature"),
        (1002, "marker-fuser-over-temperature"),
        (1003, "marker-fuser-timing-failure"),
        (1004, "marker-fuser-thermistor-failure"),
        (1005, "marker-adjusting-print-quality"),
        (1111, "marker-opc-life-almost-over"),
        (1112, "marker-opc-life-over"),
        (1113, "marker-developer-almost-empty"),
        (1114, "marker-developer-empty"),
        (1301, "media-path-media-tray-missing"),
        (1302, "media-path-media-tray-almost-full"),
        (1303, "media-path-media-tray-full"),
        (1304, "media-path-cannot-duplex-media-selected"),
        (1506, "interpreter-resource-deleted"),
        (1507, "interpreter-resource-unavailable"),
        (1509, "interpreter-complex-page-encountered"),
    ];
    NAMES.iter().find(|(known, _)| *known == code).map_or("other", |(_, name)| *name)
}

/// A group's name, for a part that has none of its own.
pub(crate) fn group_name(group: i64) -> Option<&'static str> {
    Some(match group {
        3 => "storage",
        4 => "device",
        group::COVER => "cover",
        group::INPUT => "tray",
        group::OUTPUT => "output",
        10 => "marker",
        group::SUPPLIES => "supply",
        12 => "colorant",
        13 => "media path",
        14 => "channel",
        15 => "interpreter",
        16 | 17 => "console",
        30 => "finisher",
        31 => "finisher supply",
        32 => "finisher tray",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_codes_mean_what_their_group_makes_them() {
        assert_eq!(name(13, group::INPUT), name(808, group::INPUT));
        assert_eq!(name(12, group::SUPPLIES), name(1104, group::SUPPLIES));
        assert_eq!(name(13, 13), Some("subunit-empty"));
    }

    #[test]
    fn what_is_no_complaint_has_no_name() {
        for code in [4, 6, 7, 20, 23, 25, 502, 503, 507, 1801] {
            assert_eq!(name(code, 5), None, "{code}");
        }
        assert_eq!(name(9_999, 5), Some("other"));
    }
}
