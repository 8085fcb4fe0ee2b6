//! Network scanners over SNMP.
//!
//! No standard MIB is about scanners, not even hrDeviceType has a number for them: what is one says so in words, and
//! what it counts is in objects of its maker's. `models` knows those; `recognise`, `identify` and `read` are the
//! functions of the driver.

mod identify;
mod models;
mod objects;
mod read;
mod recognise;
#[cfg(test)]
mod tests;

use hostler_plugin::Driver;
use hostler_plugin::types::{Failure, Identity, Outcome, Recognition};

/// The driver.
pub struct Scanner;

impl Driver for Scanner {
    fn recognise() -> Result<Option<Recognition>, Failure> {
        recognise::recognise()
    }

    fn identify() -> Result<Identity, Failure> {
        identify::identify()
    }

    fn read() -> Result<Outcome, Failure> {
        read::read().map(Outcome::from)
    }
}

hostler_plugin::export_driver!(Scanner);
