//! The addresses that a user registers devices by: many at once, as they come out of a list or a mail. What isn't one is
//! said with its line instead of failing the rest.
//!
//! Nothing is resolved here: a host name means what it means in the device's network.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// How many addresses one registration has at most.
pub const MOST_ADDRESSES: usize = 10_000;

/// How much of something that is no address is repeated to who entered it.
const SHOWN: usize = 80;

/// Where a device is: the host of its URL.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// An IP address; an IPv4 address inside an IPv6 one stands as IPv4.
    Ip(IpAddr),
    /// A host name, in small letters and without the dot at the end.
    Name(String),
}

/// Whose network an address is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    /// The user's own: nobody routes it elsewhere.
    Own,
    /// The Internet: a PIN in a URL to it leaves the user's network.
    Public,
    /// That depends on what the name means there.
    Unknown,
}

/// Whether the machine's own addresses are devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loopback {
    /// They are no device's: in a URL each reader's own machine would be meant.
    Refused,
    /// They are: everything runs on one machine, as in a demo.
    Allowed,
}

/// Why a text is no address that a device can have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WhyNot {
    /// Neither an IP address nor a host name.
    #[error(
        "this is neither an IP address nor a host name; give one such as 192.168.0.7, 2001:db8::7 or printer.example, \
         without http:// and without a port"
    )]
    Malformed,
    /// The reader's own machine.
    #[error("this means the machine itself; give the address that the device has in its network")]
    Loopback,
    /// 0.0.0.0 or ::, or in their neighbourhood.
    #[error("this stands for no address; give the address that the device has in its network")]
    Unspecified,
    /// Many devices at once.
    #[error("this address is many devices' at once; give the one that this device has alone")]
    Multicast,
    /// All devices at once, or reserved.
    #[error("this is a broadcast or reserved address, which no device has")]
    Broadcast,
    /// Means something else on each network interface.
    #[error("this address is valid on one cable only; give the device's other address")]
    LinkLocal,
    /// It was there before.
    #[error("this address is in line {0} already; it was taken once")]
    Duplicate(usize),
    /// After as many as there may be.
    #[error(
        "there are more than {MOST_ADDRESSES} addresses; this one and those after it were left out, register them next"
    )]
    TooMany,
}

/// A text that is no address, or not again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Its line, from 1.
    pub line: usize,
    /// The text, cut where it is long.
    pub text: String,
    /// Why.
    pub why: WhyNot,
}

/// What is in a text that somebody entered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Addresses {
    /// The addresses, each once, in order.
    pub taken: Vec<Address>,
    /// What wasn't taken.
    pub refused: Vec<Refused>,
}

impl Addresses {
    /// Reads addresses between commas, semicolons, spaces and line ends. It takes time in proportion to the text, and
    /// no more than [`MOST_ADDRESSES`] words are looked at.
    #[must_use]
    pub fn parse(text: &str, loopback: Loopback) -> Self {
        let mut addresses = Self::default();
        let mut lines: HashMap<Address, usize> = HashMap::new();
        let split = |c: char| c == ',' || c == ';' || c.is_whitespace();
        let words = text.lines().zip(1..).flat_map(|(text, line)| text.split(split).map(move |word| (line, word)));
        for (count, (line, word)) in words.filter(|(_, word)| !word.is_empty()).enumerate() {
            let read = if count < MOST_ADDRESSES { word.parse() } else { Err(WhyNot::TooMany) };
            let usable =
                read.and_then(|address: Address| match address.is_loopback() && loopback == Loopback::Refused {
                    true => Err(WhyNot::Loopback),
                    false => lines.get(&address).map_or(Ok(address), |line| Err(WhyNot::Duplicate(*line))),
                });
            match usable {
                Ok(address) => {
                    lines.insert(address.clone(), line);
                    addresses.taken.push(address);
                }
                Err(why) => {
                    let last = why == WhyNot::TooMany;
                    addresses.refused.push(Refused { line, text: word.chars().take(SHOWN).collect(), why });
                    if last {
                        break;
                    }
                }
            }
        }
        addresses
    }
}

impl Address {
    /// As it stands in a URL: an IPv6 address in brackets.
    #[must_use]
    pub fn url_host(&self) -> String {
        match self {
            Self::Ip(IpAddr::V6(address)) => format!("[{address}]"),
            other => other.to_string(),
        }
    }

    /// Whose network it is in. Public ones are worth a warning: a PIN in a URL to one leaves the user's network.
    #[must_use]
    pub fn network(&self) -> Network {
        let own = match self {
            Self::Name(name)
                if !name.contains('.') || is_below(name, &["local", "localhost", "lan", "internal", "home.arpa"]) =>
            {
                true
            }
            Self::Name(_) => return Network::Unknown,
            Self::Ip(IpAddr::V4(address)) => {
                // RFC 6598: addresses that a provider shares out behind its own translation.
                let shared = address.octets().starts_with(&[100]) && address.to_bits() >> 22 == SHARED;
                address.is_private() || address.is_link_local() || address.is_loopback() || shared
            }
            Self::Ip(IpAddr::V6(address)) => address.is_unique_local() || address.is_loopback(),
        };
        if own { Network::Own } else { Network::Public }
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::Ip(address) => address.is_loopback(),
            Self::Name(name) => name == "localhost" || is_below(name, &["localhost"]),
        }
    }
}

/// The first ten bits of 100.64.0.0/10.
const SHARED: u32 = Ipv4Addr::new(100, 64, 0, 0).to_bits() >> 22;

fn is_below(name: &str, domains: &[&str]) -> bool {
    domains.iter().any(|domain| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

impl FromStr for Address {
    type Err = WhyNot;
    /// Reads one address. The machine's own are addresses too; [`Addresses::parse`] refuses them.
    fn from_str(text: &str) -> Result<Self, WhyNot> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let ip = match bare {
            Some(inside) => Some(IpAddr::V6(inside.parse().map_err(|_| WhyNot::Malformed)?)),
            None => text.parse().ok(),
        };
        match ip {
            Some(ip) => usable(ip.to_canonical()).map(Self::Ip),
            None => host_name(text).map(Self::Name).ok_or(WhyNot::Malformed),
        }
    }
}

fn usable(ip: IpAddr) -> Result<IpAddr, WhyNot> {
    let first = match ip {
        IpAddr::V4(address) => address.to_bits() >> 24,
        IpAddr::V6(_) => u32::MAX,
    };
    match ip {
        _ if ip.is_unspecified() || first == 0 => Err(WhyNot::Unspecified),
        _ if ip.is_multicast() => Err(WhyNot::Multicast),
        IpAddr::V4(_) if first >= 240 => Err(WhyNot::Broadcast),
        IpAddr::V6(address) if address.is_unicast_link_local() => Err(WhyNot::LinkLocal),
        _ => Ok(ip),
    }
}

/// A host name as RFC 1123 §2.1 and RFC 1035 §2.3.4 have it. One whose last part is a number is none: browsers take it
/// for an IPv4 address in some other notation.
fn host_name(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next()?.to_ascii_lowercase();
    let digits = last.strip_prefix("0x").map(|rest| rest.chars().all(|c| c.is_ascii_hexdigit()));
    let number = digits.unwrap_or_else(|| last.chars().all(|c| c.is_ascii_digit()));
    (name.len() <= 253 && !number && name.split('.').all(label)).then(|| name.to_ascii_lowercase())
}

impl TryFrom<String> for Address {
    type Error = WhyNot;
    fn try_from(text: String) -> Result<Self, WhyNot> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => f.pad(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Result<Address, WhyNot> {
        let read = Addresses::parse(text, Loopback::Refused);
        assert_eq!(read.taken.len() + read.refused.len(), 1, "{text}");
        read.taken.into_iter().next().ok_or_else(|| read.refused[0].why.clone())
    }

    #[test]
    fn e03_addresses_of_each_kind_are_taken() {
        for (text, host) in [
            ("192.168.0.7", "192.168.0.7"),
            ("2001:DB8::7", "[2001:db8::7]"),
            ("[2001:db8::7]", "[2001:db8::7]"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("Printer-3.Example.", "printer-3.example"),
            ("3com", "3com"),
        ] {
            assert_eq!(one(text).unwrap().url_host(), host);
        }
    }

    #[test]
    fn e03_what_no_device_has_is_refused_with_the_reason() {
        for (text, why) in [
            ("127.0.0.1", WhyNot::Loopback),
            ("::ffff:127.0.0.1", WhyNot::Loopback),
            ("[::1]", WhyNot::Loopback),
            ("localhost", WhyNot::Loopback),
            ("a.localhost.", WhyNot::Loopback),
            ("0.0.0.0", WhyNot::Unspecified),
            ("::", WhyNot::Unspecified),
            ("224.0.0.251", WhyNot::Multicast),
            ("ff02::1", WhyNot::Multicast),
            ("255.255.255.255", WhyNot::Broadcast),
            ("fe80::1", WhyNot::LinkLocal),
            ("fe80::1%eth0", WhyNot::Malformed),
            ("300.1.2.3", WhyNot::Malformed),
            ("127.1", WhyNot::Malformed),
            ("0x7f000001", WhyNot::Malformed),
            ("[192.0.2.1]", WhyNot::Malformed),
            ("192.0.2.1:80", WhyNot::Malformed),
            ("http://printer", WhyNot::Malformed),
            ("-a.example", WhyNot::Malformed),
            ("a..example", WhyNot::Malformed),
            ("drücker", WhyNot::Malformed),
            (&"a".repeat(64), WhyNot::Malformed),
            (&"a.".repeat(128), WhyNot::Malformed),
        ] {
            assert_eq!(one(text), Err(why), "{text}");
        }
        assert_eq!(Addresses::parse("127.0.0.1 localhost", Loopback::Allowed).taken.len(), 2);
    }

    #[test]
    fn e03_a_list_is_taken_with_its_mistakes_said_by_line() {
        let read =
            Addresses::parse("192.0.2.1, 192.0.2.2;;\r\n\n  printer \u{a0} ?\nPRINTER.\n192.0.2.1", Loopback::Refused);
        assert_eq!(
            read.taken.iter().map(Address::to_string).collect::<Vec<_>>(),
            ["192.0.2.1", "192.0.2.2", "printer"]
        );
        let refused: Vec<_> = read.refused.iter().map(|refused| (refused.line, refused.why.clone())).collect();
        assert_eq!(refused, [(3, WhyNot::Malformed), (4, WhyNot::Duplicate(3)), (5, WhyNot::Duplicate(1))]);
    }

    #[test]
    fn e03_the_network_is_known_where_it_can_be() {
        for (text, network) in [
            ("10.1.2.3", Network::Own),
            ("100.64.0.1", Network::Own),
            ("100.128.0.1", Network::Public),
            ("169.254.1.1", Network::Own),
            ("8.8.8.8", Network::Public),
            ("fd00::1", Network::Own),
            ("2001:db8::1", Network::Public),
            ("printer", Network::Own),
            ("printer.local", Network::Own),
            ("notlocal.example", Network::Unknown),
        ] {
            assert_eq!(one(text).unwrap().network(), network, "{text}");
        }
    }

    #[test]
    fn e03_ten_thousand_are_taken_and_no_more() {
        let lines: Vec<String> = (0..=MOST_ADDRESSES).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
        let read = Addresses::parse(&lines.join("\n"), Loopback::Refused);
        assert_eq!(read.taken.len(), MOST_ADDRESSES);
        let last = Refused { line: MOST_ADDRESSES + 1, text: lines[MOST_ADDRESSES].clone(), why: WhyNot::TooMany };
        assert_eq!(read.refused, [last]);
        let junk = Addresses::parse(&"? ".repeat(100_000), Loopback::Refused);
        assert_eq!(junk.refused.len(), MOST_ADDRESSES + 1);
    }

    proptest! {
        #[test]
        fn e03_any_text_is_read_and_what_is_taken_reads_the_same_again(text in "([0-9a-z:.\\[\\],;\n -]|\\PC){0,200}") {
            let read = Addresses::parse(&text, Loopback::Allowed);
            prop_assert!(read.taken.len() + read.refused.len() <= text.len());
            for address in read.taken {
                prop_assert_eq!(address.url_host().parse(), Ok(address.clone()));
                prop_assert_eq!(address.to_string().parse(), Ok(address.clone()));
                let url = url::Url::parse(&format!("http://{}/", address.url_host())).unwrap();
                prop_assert_eq!(url.host_str().unwrap(), address.url_host());
            }
        }
    }
}
