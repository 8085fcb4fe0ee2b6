//! The device's SNMP agent (RFC 3416). Version, address and credentials are the host's business.
//!
//! [`crate::Answers`] wraps these functions for reading; most plug-ins need nothing else.

use crate::types::Failure;

pub use crate::bindings::imports::hostler::plugin::snmp::{Binding, Error, Oid, Value};

#[cfg(target_arch = "wasm32")]
use crate::bindings::imports::hostler::plugin::snmp as link;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::link::snmp as link;

/// One binding for each object, in the order asked. The host splits what is too big for one message.
///
/// # Errors
/// When the device did not answer, or not to what was asked.
pub fn get(objects: &[Oid]) -> Result<Vec<Binding>, Error> {
    link::get(objects)
}

/// Everything below `root` in order, at most `limit` bindings.
///
/// # Errors
/// When the device did not answer, or not to what was asked.
pub fn walk(root: &[u32], limit: u32) -> Result<Vec<Binding>, Error> {
    link::walk(root, limit)
}

/// Writes. The manifest asks for `snmp = { write = true }`.
///
/// # Errors
/// When the device did not answer or refused, or writing was not granted.
pub fn set(bindings: &[Binding]) -> Result<(), Error> {
    link::set(bindings)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout => Self::Unreachable("no answer to SNMP in time".to_owned()),
            Error::NoLink => Self::Unsupported("SNMP was not granted or is not configured for this device".to_owned()),
            Error::Status(name) if matches!(name.as_str(), "noAccess" | "authorizationError" | "notWritable") => {
                Self::Refused(format!("the SNMP agent refused: {name}"))
            }
            Error::Status(name) => Self::Garbled(format!("the SNMP agent answered with the error {name}")),
            Error::Garbled(what) => Self::Garbled(format!("the SNMP agent's answer makes no sense: {what}")),
        }
    }
}
