//! A scanner that answers anything.
#![no_main]

use hostler_fuzz::{Device, drive};
use hostler_scanner::Scanner;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|device: Device| drive::<Scanner>(device));
