//! What a terminal may reach.

use super::LanError;
use hostler_core::Secret;
use hostler_core::enrollment::addresses::{Address, Network};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Url;

/// What the user of a terminal lets be reached, and how.
#[derive(Clone, Debug)]
pub struct LanRules {
    /// What is searched one by one; all of it may be reached.
    pub ranges: Vec<IpNet>,
    /// Addresses that the user gave, beside the ranges; those of a private network may be reached, and of the link alone
    /// none.
    pub given: BTreeSet<IpAddr>,
    /// The port of SNMP agents.
    pub snmp_port: u16,
    /// The port of devices' web servers.
    pub http_port: u16,
    /// The community (SNMPv2c).
    pub community: Secret,
    /// A server that lists addresses.
    pub list: Option<Url>,
}

impl Default for LanRules {
    fn default() -> Self {
        Self {
            ranges: Vec::new(),
            given: BTreeSet::new(),
            snmp_port: 161,
            http_port: 80,
            community: Secret::new("public".to_owned()),
            list: None,
        }
    }
}

impl LanRules {
    /// Whether an address is in a range.
    pub(super) fn in_range(&self, ip: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(&ip))
    }

    /// The address, if it may be reached; `listed` says what the user's server listed.
    pub(super) fn reachable(&self, address: &str, listed: impl Fn(&IpAddr) -> bool) -> Result<IpAddr, LanError> {
        let shown = || address.chars().take(60).collect::<String>();
        let no = |why: &str| Err(LanError::Forbidden(format!("{:?} {why}", shown())));
        let Ok(ip) = address.parse::<IpAddr>() else { return no("is no IP address") };
        let ip = ip.to_canonical();
        if is_many(ip) {
            return no("stands for none or many devices");
        }
        if self.in_range(ip) {
            return Ok(ip);
        }
        if !self.given.contains(&ip) && !listed(&ip) {
            return no("is outside of the ranges that may be reached; `--range` names more");
        }
        if ip.is_loopback() || is_of_the_machine(ip) || Address::Ip(ip).network() != Network::Own {
            return no("is no address of a private network; `--range` lets it be reached all the same");
        }
        Ok(ip)
    }
}

/// Addresses of the link alone, where clouds tell a machine its credentials, and the addresses outside of those where they
/// do: no devices are there unless the user says so.
fn is_of_the_machine(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip == ALIBABA,
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip == AMAZON,
    }
}

/// Instance metadata at Alibaba Cloud, in what providers share out (RFC 6598).
const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

/// Instance metadata at Amazon EC2 over IPv6, in what is private (RFC 4193).
const AMAZON: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn is_many(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    ip.is_unspecified() || ip.is_multicast() || broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(rules: &LanRules, address: &str) -> bool {
        rules.reachable(address, |_| false).is_ok()
    }

    #[test]
    fn e11_what_is_reached_is_in_a_range_or_given_and_private() {
        let given = ["10.1.2.3", "203.0.113.9", "127.0.0.1", "224.0.0.1"].map(|ip| ip.parse().unwrap()).into();
        let rules = LanRules { ranges: vec!["192.168.1.0/24".parse().unwrap()], given, ..LanRules::default() };
        assert!(may(&rules, "192.168.1.7") && may(&rules, "::ffff:192.168.1.7") && may(&rules, "10.1.2.3"));
        for address in ["192.168.2.7", "10.1.2.4", "203.0.113.9", "127.0.0.1", "224.0.0.1", "0.0.0.0", "::1", "x", ""] {
            assert!(!may(&rules, address), "{address}");
        }
        let public = LanRules { ranges: vec!["203.0.113.0/24".parse().unwrap()], ..rules };
        assert!(may(&public, "203.0.113.9"), "the user said so");
        assert!(public.reachable("172.16.0.1", |_| true).is_ok(), "the user's server lists it");
        assert!(public.reachable("8.8.8.8", |_| true).is_err());
    }

    #[test]
    fn e11_where_clouds_tell_credentials_is_reached_only_if_the_user_names_it() {
        let rules = LanRules::default();
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200"] {
            assert!(rules.reachable(address, |_| true).is_err(), "{address}");
        }
        assert!(rules.reachable("100.100.100.201", |_| true).is_ok() && rules.reachable("fd00::254", |_| true).is_ok());
        let named = LanRules { ranges: vec!["169.254.0.0/16".parse().unwrap()], ..rules };
        assert!(may(&named, "169.254.169.254"), "the user said so");
    }
}
