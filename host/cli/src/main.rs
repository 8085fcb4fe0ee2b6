//! hostler: the binary.
fn main() {}
