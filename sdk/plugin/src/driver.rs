//! The export `driver`: what a plug-in can do with one device.

use crate::bindings::driver::exports::hostler::plugin::driver::Guest;
use crate::types::{DeviceType, Failure, Identity, Notice, Outcome, Recognition};

/// What every device type can do. Each function works on the one device of the call, in a fresh instance.
pub trait Driver {
    /// Is the thing of this type? `Ok(None)` means no. Ask it little: everything that answers on the network is asked.
    ///
    /// # Errors
    /// When the thing could not be asked.
    fn recognise() -> Result<Option<Recognition>, Failure>;

    /// Who is it? Only what it says of itself; nothing guessed.
    ///
    /// # Errors
    /// When the thing could not be asked.
    fn identify() -> Result<Identity, Failure>;

    /// How is it? Read what changed; keep in [`crate::state`] what need not be asked again.
    ///
    /// # Errors
    /// When the thing could not be asked. What the call wrote to `state` and `events` is then undone.
    fn read() -> Result<Outcome, Failure>;

    /// It sent something by itself. `Ok(None)`, which is what happens unless you write this function, means that
    /// it says nothing new.
    ///
    /// # Errors
    /// When finding out more from the thing failed.
    fn take_notice(notice: Notice) -> Result<Option<Outcome>, Failure> {
        let _ = notice;
        Ok(None)
    }
}

impl<T: Driver> Guest for T {
    fn recognise() -> Result<Option<Recognition>, Failure> {
        <T as Driver>::recognise()
    }

    fn identify() -> Result<Identity, Failure> {
        <T as Driver>::identify()
    }

    fn read() -> Result<Outcome, Failure> {
        <T as Driver>::read()
    }

    fn take_notice(notice: Notice) -> Result<Option<Outcome>, Failure> {
        <T as Driver>::take_notice(notice)
    }
}

/// An identity that says nothing but the type, to be filled in.
#[must_use]
pub fn unnamed(device_type: DeviceType) -> Identity {
    Identity {
        device_type,
        manufacturer: None,
        model: None,
        serial: None,
        mac: None,
        firmware: None,
        name: None,
        location: None,
    }
}

/// Makes a type that implements [`Driver`] the component's export `driver`. Once in a plug-in.
///
/// Natively it does nothing, so that a plug-in's tests link like those of any other crate.
#[macro_export]
macro_rules! export_driver {
    ($driver:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::driver::export_driver_functions!($driver);
    };
}
