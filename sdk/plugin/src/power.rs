//! The export `power`: how a thing saves energy.
//!
//! ```
//! use hostler_plugin::power::{Engine, Mode, Power, PowerState, Wish};
//! use hostler_plugin::types::{Deed, Failure};
//! use hostler_plugin::{Answers, oid};
//!
//! const HEATER: &[u32] = oid!("1.3.6.1.4.1.99999.9.3.0");
//!
//! struct Kettle;
//!
//! impl Power for Kettle {
//!     fn state() -> Result<PowerState, Failure> {
//!         let hot = Answers::get(&[HEATER])?.integer(HEATER) == Some(1);
//!         let engine = if hot { Engine::Ready } else { Engine::NotReady };
//!         Ok(PowerState { mode: Mode::On, engine, can: vec![] })
//!     }
//!
//!     fn set(_wish: Wish) -> Result<Deed, Failure> {
//!         Err(Failure::Unsupported("this model has a switch for that".to_owned()))
//!     }
//! }
//!
//! hostler_plugin::export_power!(Kettle);
//! ```

use crate::types::{Deed, Failure};

pub use crate::bindings::power::exports::hostler::plugin::power::{Engine, Mode, PowerState, Wish};

/// How the thing saves energy.
pub trait Power {
    /// How it is, and what it can be told. Asking may wake it.
    ///
    /// # Errors
    /// When the thing could not be asked.
    fn state() -> Result<PowerState, Failure>;

    /// Has it change.
    ///
    /// # Errors
    /// [`Failure::Unsupported`] for what this thing can't do.
    fn set(wish: Wish) -> Result<Deed, Failure>;
}

impl<T: Power> crate::bindings::power::exports::hostler::plugin::power::Guest for T {
    fn state() -> Result<PowerState, Failure> {
        <T as Power>::state()
    }

    fn set(wish: Wish) -> Result<Deed, Failure> {
        <T as Power>::set(wish)
    }
}

/// Makes a type that implements [`Power`] the component's export `power`. Natively it does nothing.
#[macro_export]
macro_rules! export_power {
    ($power:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::power::export_power_functions!($power);
    };
}
