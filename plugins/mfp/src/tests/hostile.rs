//! Agents that say anything: a call may fail, and it never crashes.

use super::printer;
use crate::Mfp;
use hostler_plugin::Driver;
use hostler_plugin::snmp::Value as Object;
use hostler_plugin::testing::Host;
use proptest::prelude::*;

fn object() -> impl Strategy<Value = Object> {
    prop_oneof![
        any::<i32>().prop_map(Object::Integer),
        (-4..30).prop_map(Object::Integer),
        any::<Vec<u8>>().prop_map(Object::Octets),
        "[ -~]{0,40}(;|, PN |S/N:|;SN| version | / |PID:|MFG:)[ -~]{0,20}".prop_map(|text| Object::Octets(text.into())),
        any::<Vec<u32>>().prop_map(Object::ObjectId),
        any::<u32>().prop_map(Object::Counter32),
        any::<u32>().prop_map(Object::Gauge32),
        any::<u64>().prop_map(Object::Counter64),
        Just(Object::Null),
    ]
}

/// Changes objects of a good printer, by their place.
fn spoil(host: &mut Host, changes: Vec<(prop::sample::Index, Object)>) {
    let names: Vec<Vec<u32>> = host.objects.keys().cloned().collect();
    for (place, object) in changes {
        host.objects.insert(place.get(&names).clone(), object);
    }
}

proptest! {
    #[test]
    fn no_answer_crashes_a_call(
        first in prop::collection::vec((any::<prop::sample::Index>(), object()), 0..30),
        then in prop::collection::vec((any::<prop::sample::Index>(), object()), 0..10),
        pause in 0..100_000_000_u64,
    ) {
        let mut host = printer();
        spoil(&mut host, first);
        let _ = host.call(Mfp::recognise);
        let _ = host.call(Mfp::identify);
        let _ = host.call(Mfp::read);
        spoil(&mut host, then);
        host.now += pause;
        let report = host.call(Mfp::read);
        let again = host.call(Mfp::read);
        prop_assert_eq!(report.is_ok(), again.is_ok());
    }
}
