//! What people type when they register devices, and what a device says when it asks to be let in.
#![no_main]

use hostler_core::enrollment::addresses::{Addresses, Loopback, MOST_ADDRESSES};
use hostler_core::enrollment::{Knock, Pin};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let addresses = Addresses::parse(text, Loopback::Refused);
    assert!(addresses.taken.len() <= MOST_ADDRESSES);
    for address in &addresses.taken {
        assert_eq!(address.to_string().parse().as_ref(), Ok(address), "it is written as it is read");
        assert!(!address.url_host().contains(['/', '?', '#', '@', ' ']), "it is a host and nothing more");
    }
    if let Ok(pin) = text.parse::<Pin>() {
        assert!(pin.expose().parse::<Pin>().is_ok_and(|again| again == pin));
    }
    if let Ok(knock) = serde_json::from_str::<Knock>(text) {
        let said = serde_json::to_string(&knock).expect("what was read can be written");
        assert_eq!(serde_json::from_str::<Knock>(&said).ok(), Some(knock));
    }
});
