//! The addresses of a range, in order.

use hostler_plugin::terminal::lan::Range;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of one range at most: what somebody waits for.
const MOST: u128 = 65_536;

/// All addresses of a range, or its first ones where there are too many.
pub(crate) fn of(range: &Range) -> Vec<String> {
    match (range.first.parse(), range.last.parse()) {
        (Ok(IpAddr::V4(first)), Ok(IpAddr::V4(last))) => {
            let most = u32::try_from(MOST).unwrap_or(u32::MAX);
            let end = last.to_bits().min(first.to_bits().saturating_add(most - 1));
            (first.to_bits()..=end).map(|bits| Ipv4Addr::from_bits(bits).to_string()).collect()
        }
        (Ok(IpAddr::V6(first)), Ok(IpAddr::V6(last))) => {
            let end = last.to_bits().min(first.to_bits().saturating_add(MOST - 1));
            (first.to_bits()..=end).map(|bits| Ipv6Addr::from_bits(bits).to_string()).collect()
        }
        _ => Vec::new(),
    }
}
