//! The words that host and plug-ins share, as `wit/types.wit` and `wit/driver.wit` define them.

pub use crate::bindings::driver::exports::hostler::plugin::driver::{Certainty, Notice, Outcome, Recognition};
pub use crate::bindings::imports::hostler::plugin::types::{
    Action, Alert, Amount, Deed, DeviceType, Failure, Identity, Level, Reading, Report, Severity, Status, Value,
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

impl Deed {
    /// Something that is done, and a line that says so.
    #[must_use]
    pub fn told(line: &str) -> Self {
        Self { lines: vec![line.to_owned()], actions: vec![] }
    }

    /// Has the host do this once everything is stored. What became of it, the host tells.
    #[must_use]
    pub fn and_then(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }
}
