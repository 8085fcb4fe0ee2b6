//! Computing, recursing, growing and crashing.

use hostler_plugin::{clock, http, snmp};
use std::hint::black_box;

const MEGABYTE: usize = 1 << 20;

/// More than any budget has. What should be stopped and isn't ends here, so that the test says so.
const ENOUGH: usize = 1_000;

pub(crate) fn compute() {
    while black_box(true) {}
}

pub(crate) fn recurse(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX { depth } else { black_box(recurse(depth + 1)) }
}

pub(crate) fn recurse_and_ask(depth: u64) -> u64 {
    let _ = clock::now();
    if depth.is_multiple_of(64) {
        let _ = snmp::get(&[vec![1; 129]]);
        let _ = http::send(&http::get("/"));
    }
    if black_box(depth) == u64::MAX { depth } else { black_box(recurse_and_ask(depth + 1)) }
}

pub(crate) fn grow() -> u64 {
    let mut taken = Vec::new();
    for _ in 0..ENOUGH {
        taken.push(black_box(vec![1_u8; MEGABYTE]));
    }
    taken.len() as u64
}

pub(crate) fn grow_politely() -> u64 {
    let mut taken = Vec::new();
    for _ in 0..ENOUGH {
        let mut more: Vec<u8> = Vec::new();
        if more.try_reserve_exact(MEGABYTE).is_err() {
            break;
        }
        taken.push(black_box(more));
    }
    taken.len() as u64
}

#[allow(clippy::panic, reason = "it is what this is for")]
pub(crate) fn trap() {
    assert!(black_box(false), "on purpose");
}
