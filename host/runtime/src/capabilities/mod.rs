//! What a node lends to a plug-in, one file a topic. Telling the guest and stopping it are different things: an `Err` in the outer
//! result stops the call, one in the inner is the guest's to handle.

mod http;
mod memory;
mod snmp;
mod world;

pub(crate) use snmp::size;

impl crate::bindings::wit::types::Host for crate::call::Guest {}
