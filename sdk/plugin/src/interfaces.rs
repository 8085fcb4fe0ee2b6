//! The hardware address of a device, from its table of interfaces (RFC 2863).

use crate::oid::join;
use crate::snmp::{Error, Value};
use crate::{Answers, number, oid, text};

const IF_TYPE: &[u32] = oid!("1.3.6.1.2.1.2.2.1.3");
const IF_PHYS_ADDRESS: &[u32] = oid!("1.3.6.1.2.1.2.2.1.6");

/// Asks for what [`mac`] looks at.
///
/// # Errors
/// When the device did not answer.
pub fn walk(answers: &mut Answers) -> Result<(), Error> {
    answers.walk_more(IF_TYPE, 64)?;
    answers.walk_more(IF_PHYS_ADDRESS, 64)
}

/// The address of the first wired interface, else of the first that is no loopback; lower-case with colons.
///
/// Loopbacks have none or a wrong one. An address that is "locally administered", with the second bit of its first octet
/// set, is an access point's or a bridge's and no name for a device.
#[must_use]
pub fn mac(answers: &Answers) -> Option<String> {
    const WIRED: [i64; 2] = [6, 7];
    const LOOPBACK: i64 = 24;
    let first = |accept: &dyn Fn(i64) -> bool| {
        answers.below(IF_PHYS_ADDRESS).find_map(|(suffix, value)| {
            let Value::Octets(octets) = value else { return None };
            let kind = answers.value(&join(IF_TYPE, suffix)).and_then(number).unwrap_or_default();
            let universal = octets.first().is_some_and(|first| first & 2 == 0);
            (universal && accept(kind)).then(|| text::mac(octets)).flatten()
        })
    };
    first(&|kind| WIRED.contains(&kind)).or_else(|| first(&|kind| kind != LOOPBACK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn wired_goes_first_and_loopbacks_never() {
        let mut host = Host::new();
        let interfaces = [
            (24, &b"\x00\x00\x00\x00\x00\x01"[..]),
            (71, b"\x00\x11\x22\x33\x44\x55"),
            (6, b"\x02\x11\x22\x33\x44\x66"),
        ];
        for (index, (kind, address)) in (1..).zip(interfaces) {
            host.integer(&format!("1.3.6.1.2.1.2.2.1.3.{index}"), kind);
            host.object(&format!("1.3.6.1.2.1.2.2.1.6.{index}"), Value::Octets(address.to_vec()));
        }
        let ask = || {
            let mut answers = Answers::default();
            walk(&mut answers)?;
            Ok::<_, Error>(mac(&answers))
        };
        assert_eq!(host.call(ask).unwrap().as_deref(), Some("00:11:22:33:44:55"), "the wired one is a bridge's");
        host.object("1.3.6.1.2.1.2.2.1.6.3", Value::Octets(vec![0, 0x11, 0x22, 0x33, 0x44, 0x66]));
        assert_eq!(host.call(ask).unwrap().as_deref(), Some("00:11:22:33:44:66"));
    }
}
