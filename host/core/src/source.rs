//! Whom an address stands for, where tries or places are counted.

use std::net::IpAddr;

/// The network that somebody at this address has for themselves: one address of IPv4, and of IPv6 the 2^64 beside it as well.
#[must_use]
pub fn source(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e02_all_addresses_of_one_ipv6_network_are_one_source() {
        let from = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]);
        assert_eq!(source(from(1)), source(from(2)));
        assert_ne!(source(from(1)), source([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1].into()));
        assert_eq!(source("::ffff:192.0.2.1".parse().unwrap()), IpAddr::from([192, 0, 2, 1]));
    }
}
