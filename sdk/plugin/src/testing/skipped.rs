//! What a test says that can't be run here.
//!
//! Tests that can't depend on this crate take this file as it is (`#[path]`), so it uses nothing but the standard library.
#![allow(dead_code, reason = "who takes this file needs one of the two, or both")]

/// Says that a test is skipped, and why. The test then returns.
///
/// # Panics
/// With `HOSTLER_PEERS=required` in the environment: where everything must be there, what is missing is a failure.
pub fn skipped(why: &str) {
    assert!(std::env::var_os("HOSTLER_PEERS").is_none_or(|wish| wish != "required"), "required, but {why}");
    cannot(why);
}

/// Says that a test is skipped for what this machine itself can't do, which nobody can bring here. The test then returns.
pub fn cannot(why: &str) {
    // Not `eprintln`, which the test runner keeps for itself while a test passes.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: {why}\n").as_bytes());
}
