//! A datagram that comes to the gateway's socket, or to the simulator's.
#![no_main]

use async_snmp::DecodeConfig;
use async_snmp::message::Message;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Message::decode(Bytes::copy_from_slice(bytes), DecodeConfig::default());
});
