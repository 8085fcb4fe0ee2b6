//! A recording that somebody simulates.
#![no_main]

use hostler_simulator::snmprec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| match snmprec::parse(text) {
    Ok(objects) => assert!(objects.windows(2).all(|pair| pair[0].0 < pair[1].0), "in lexical order, each once"),
    Err(error) => assert!(error.line <= text.split(|byte| *byte == b'\n').count()),
});
