//! Which network is searched: what the user says, else the networks that this machine is in.

use anyhow::{Result, bail};
use hostler_core::enrollment::addresses::{Address, Network};
use if_addrs::IfAddr;
use ipnet::{IpNet, Ipv4Net};

/// The largest network that is searched without being named; of a larger one, the part around this machine is.
const OWN_PREFIX: u8 = 22;

/// What is searched of a larger one.
const PART_PREFIX: u8 = 24;

/// Addresses that are searched at most.
const MOST: u128 = 65_536;

/// The ranges, checked, and what is to be said about them.
pub(super) fn ranges(given: &[IpNet]) -> Result<Vec<IpNet>> {
    let ranges = if given.is_empty() { own()? } else { given.iter().map(IpNet::trunc).collect() };
    if ranges.is_empty() {
        bail!("this machine is in no private IPv4 network; name one with --range, such as --range 192.168.1.0/24");
    }
    let count: u128 = ranges.iter().map(size).fold(0, u128::saturating_add);
    if count > MOST {
        bail!("these ranges have {count} addresses, and at most {MOST} are searched; name smaller ones");
    }
    Ok(ranges)
}

fn size(range: &IpNet) -> u128 {
    let bits = range.max_prefix_len() - range.prefix_len();
    1_u128.checked_shl(bits.into()).unwrap_or(u128::MAX)
}

/// The private networks of this machine's interfaces.
fn own() -> Result<Vec<IpNet>> {
    let mut found = Vec::new();
    for interface in if_addrs::get_if_addrs()? {
        let IfAddr::V4(at) = &interface.addr else { continue };
        let private = Address::Ip(at.ip.into()).network() == Network::Own;
        // A network of one or two addresses is the other end of a tunnel, and one of the link alone is searched if it's named.
        if !private || at.ip.is_loopback() || at.ip.is_link_local() || at.prefixlen > 30 {
            continue;
        }
        let whole = Ipv4Net::new(at.ip, at.prefixlen)?.trunc();
        let searched = if at.prefixlen >= OWN_PREFIX { whole } else { Ipv4Net::new(at.ip, PART_PREFIX)?.trunc() };
        if searched != whole {
            let name = &interface.name;
            eprintln!("{name} is in {whole}, which is large: only {searched} is searched; --range names more");
        }
        let searched = IpNet::V4(searched);
        if !found.contains(&searched) {
            found.push(searched);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e11_what_nobody_would_wait_for_is_refused() {
        let of = |text: &str| ranges(&[text.parse().unwrap()]);
        assert_eq!(of("192.168.1.7/24").unwrap()[0].to_string(), "192.168.1.0/24");
        assert!(of("10.0.0.0/16").is_ok() && of("fd00::/120").is_ok());
        assert!(of("10.0.0.0/8").is_err() && of("fd00::/64").is_err() && of("::/0").is_err());
    }
}
