//! A printer that answers anything.
#![no_main]

use hostler_fuzz::{Device, drive};
use hostler_mfp::Mfp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|device: Device| drive::<Mfp>(device));
