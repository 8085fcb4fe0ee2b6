//! The smallest plug-in: it recognises nothing and imports nothing, so that a call costs what calling costs.

use hostler_plugin::types::{DeviceType, Failure, Identity, Outcome, Recognition};
use hostler_plugin::{Driver, unnamed};

/// Does nothing.
pub struct Nothing;

impl Driver for Nothing {
    fn recognise() -> Result<Option<Recognition>, Failure> {
        Ok(None)
    }

    fn identify() -> Result<Identity, Failure> {
        Ok(unnamed(DeviceType::Other))
    }

    fn read() -> Result<Outcome, Failure> {
        Err(Failure::Unsupported(String::new()))
    }
}

hostler_plugin::export_driver!(Nothing);
