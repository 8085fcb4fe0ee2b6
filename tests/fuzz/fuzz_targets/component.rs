//! Bytes that somebody installs as a plug-in.
#![no_main]

use hostler_core::plugin::{Grant, inspect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // What follows a component's first eight bytes is reached at once.
    for bytes in [bytes.to_vec(), [b"\0asm\x0d\0\x01\0", bytes].concat()] {
        if let Ok(component) = inspect(&bytes) {
            assert!(Grant::all_of(&component.manifest).covers(&component.manifest).is_ok());
            assert_eq!(component.size, bytes.len());
        }
    }
});
