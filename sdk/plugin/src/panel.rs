//! The export `panel`: the thing's own panel, for people who aren't in front of it.
//!
//! ```
//! use hostler_plugin::panel::{Panel, PanelView};
//! use hostler_plugin::types::{Deed, Failure};
//! use hostler_plugin::{Answers, oid};
//!
//! const DISPLAY: &[u32] = oid!("1.3.6.1.4.1.99999.9.2.0");
//!
//! struct Kettle;
//!
//! impl Panel for Kettle {
//!     fn look() -> Result<PanelView, Failure> {
//!         let lines = Answers::get(&[DISPLAY])?.text(DISPLAY).into_iter().collect();
//!         Ok(PanelView { lines, lamps: vec![], keys: vec![] })
//!     }
//!
//!     fn show(_lines: &[String]) -> Result<Deed, Failure> {
//!         Err(Failure::Unsupported("its display shows the temperature and nothing else".to_owned()))
//!     }
//! }
//!
//! hostler_plugin::export_panel!(Kettle);
//! ```

use crate::types::{Deed, Failure};

pub use crate::bindings::panel::exports::hostler::plugin::panel::{Colour, Key, Lamp, LampState, PanelView};

/// The thing's own panel.
pub trait Panel {
    /// What it shows at the moment: at most 20 lines, 50 lamps and 50 keys.
    ///
    /// # Errors
    /// When the thing could not be asked.
    fn look() -> Result<PanelView, Failure>;

    /// Shows text on its display, from the first line on. The host has checked that there are 1 to 20 lines of at most 200
    /// characters, none of them a control character.
    ///
    /// # Errors
    /// When the thing can't show it.
    fn show(lines: &[String]) -> Result<Deed, Failure>;
}

impl<T: Panel> crate::bindings::panel::exports::hostler::plugin::panel::Guest for T {
    fn look() -> Result<PanelView, Failure> {
        <T as Panel>::look()
    }

    fn show(lines: Vec<String>) -> Result<Deed, Failure> {
        <T as Panel>::show(&lines)
    }
}

/// Makes a type that implements [`Panel`] the component's export `panel`. Natively it does nothing.
#[macro_export]
macro_rules! export_panel {
    ($panel:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::panel::export_panel_functions!($panel);
    };
}
