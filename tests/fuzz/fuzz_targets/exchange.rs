//! What a child sends to its parent and gets from it.
#![no_main]

use hostler_core::message::{CatalogueEntry, ExchangeDown, ExchangeUp};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};

fuzz_target!(|bytes: &[u8]| {
    said_again::<ExchangeUp>(bytes);
    said_again::<ExchangeDown>(bytes);
    said_again::<Vec<CatalogueEntry>>(bytes);
});

/// What was understood is said in a way that is understood the same.
fn said_again<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    let Ok(understood) = serde_json::from_slice::<T>(bytes) else { return };
    let said = serde_json::to_value(&understood).unwrap();
    let again: T = serde_json::from_value(said.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), said);
}
