//! Printers and multifunction devices over SNMP (RFC 3805, RFC 2790).
//!
//! One file a topic: `recognise`, `identify` and `read` are the functions of the driver. `layout` is what doesn't
//! change and is remembered, `discover` finds it out, `parts`, `alerts` and `status` make the report, `replaced` notices
//! new supplies. `commands`, `console` and `power` are what people can have it do. `makers` and `descr` know what makers add to the standard, `words` and `alert_code` its numbers.

mod alert_code;
mod alerts;
mod amount;
mod commands;
mod console;
mod descr;
mod device_id;
mod discover;
mod error_state;
mod identify;
mod kind;
mod label;
mod layout;
mod makers;
mod objects;
mod parts;
mod power;
mod read;
mod recognise;
mod replaced;
mod status;
#[cfg(test)]
mod tests;
mod words;

use hostler_plugin::commands::{Arguments, Command, Commands};
use hostler_plugin::panel::{Panel, PanelView};
use hostler_plugin::power::{Power, PowerState, Wish};
use hostler_plugin::types::{Deed, Failure, Identity, Notice, Outcome, Recognition};
use hostler_plugin::{Answers, Driver};
use layout::Layout;
use read::AlertTable;

/// The driver.
pub struct Mfp;

impl Driver for Mfp {
    fn recognise() -> Result<Option<Recognition>, Failure> {
        recognise::recognise()
    }

    fn identify() -> Result<Identity, Failure> {
        identify::identify()
    }

    fn read() -> Result<Outcome, Failure> {
        read::read(AlertTable::IfNeeded).map(Outcome::from)
    }

    /// A printerV2Alert, whose bindings are a row of the alert table, and a start are news; they are answered by a
    /// reading, because what a trap says is neither complete nor vouched for by anybody.
    fn take_notice(notice: Notice) -> Result<Option<Outcome>, Failure> {
        let Notice::Trap(bindings) = notice;
        let mut trap = Answers::default();
        trap.add(bindings);
        let started = trap.object_id(objects::SNMP_TRAP_OID).is_some_and(|oid| oid.starts_with(objects::SNMP_TRAPS));
        let printers = trap.object_id(objects::SNMP_TRAP_OID).is_some_and(|oid| oid.starts_with(objects::PRINTER_MIB));
        if !started && !printers && trap.below(objects::ALERT).next().is_none() {
            return Ok(None);
        }
        read::read(AlertTable::Walk).map(Outcome::from).map(Some)
    }
}

impl Commands for Mfp {
    fn describe() -> Vec<Command> {
        commands::describe()
    }

    fn run(name: &str, arguments: &Arguments) -> Result<Deed, Failure> {
        commands::run(name, arguments)
    }
}

impl Panel for Mfp {
    fn look() -> Result<PanelView, Failure> {
        console::look()
    }

    fn show(lines: &[String]) -> Result<Deed, Failure> {
        console::show(lines)
    }
}

impl Power for Mfp {
    fn state() -> Result<PowerState, Failure> {
        power::state()
    }

    fn set(wish: Wish) -> Result<Deed, Failure> {
        power::set(wish)
    }
}

/// The printer's hrDeviceIndex, which begins the instances of its tables: remembered, or asked for.
fn printer() -> Result<u32, Failure> {
    if let Some(layout) = Layout::load() {
        return Ok(layout.device);
    }
    let mut answers = Answers::default();
    answers.walk_more(objects::HR_DEVICE_TYPE, 64)?;
    Ok(identify::printer_index(&answers))
}

hostler_plugin::export_driver!(Mfp);
hostler_plugin::export_commands!(Mfp);
hostler_plugin::export_panel!(Mfp);
hostler_plugin::export_power!(Mfp);
