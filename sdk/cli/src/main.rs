//! hostler-sdk: the authors tool.
fn main() {}
