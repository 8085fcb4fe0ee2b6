//! The words that host and plug-ins share, as `wit/types.wit` and `wit/driver.wit` define them.

pub use crate::bindings::driver::exports::hostler::plugin::driver::{Action, Certainty, Notice, Outcome, Recognition};
pub use crate::bindings::imports::hostler::plugin::types::{
    Alert, Amount, DeviceType, Failure, Identity, Level, Reading, Report, Severity, Status, Value,
};

impl Reading {
    /// A reading with nothing but a name and a value.
    #[must_use]
    pub fn new(name: &str, value: Value) -> Self {
        Self { name: name.to_owned(), instance: None, label: None, unit: None, value, attributes: vec![] }
    }

    /// Says what is counted: a UCUM code (`%`, `g`, `h`), or a word in braces (`{page}`).
    #[must_use]
    pub fn in_unit(mut self, unit: &str) -> Self {
        self.unit = Some(unit.to_owned());
        self
    }
}

impl From<Report> for Outcome {
    /// A report after which nothing has to be done to the thing.
    fn from(report: Report) -> Self {
        Self { report, actions: vec![] }
    }
}
