//! What people can have a printer do: restart, go back to how it left the factory, make itself found, print a page.

use crate::console::{self, Console};
use crate::objects::RESET;
use crate::printer;
use hostler_plugin::commands::{Arguments, Command, Parameter, Value, no_such};
use hostler_plugin::oid::join;
use hostler_plugin::snmp::{Binding, Value as Object};
use hostler_plugin::types::{Action, Deed, Failure};
use hostler_plugin::{Answers, oid};

/// PrtGeneralResetTC of RFC 3805.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reset {
    PowerCycle = 4,
    ToNvram = 5,
    ToFactoryDefaults = 6,
}

/// Where makers have an object that prints a test page when it is written [`PRINT`].
const TEST_PAGES: &[&[u32]] = &[
    // Example Corporation.
    oid!("1.3.6.1.4.1.99999.2.2.0"),
];
const PRINT: i32 = 2;

/// Milliseconds of a light that flashes, on and off.
const FLASH: i32 = 500;
/// Characters of a message that a display may be told to show.
const MESSAGE: u32 = 100;

pub(crate) fn describe() -> Vec<Command> {
    let restart = [("power-cycle", "As if it were switched off and on"), ("to-nvram", "With its stored settings")];
    let places = [("display", "A message on its display"), ("lights", "Its lights flash")];
    vec![
        Command::new("reset", "Restart", "Restarts the printer (prtGeneralReset). What it prints at the moment may be lost.")
            .taking(Parameter::choice("how", "How", &restart).or(Value::Choice("power-cycle".to_owned())))
            .once(),
        Command::new(
            "factory-reset",
            "Back to factory settings",
            "Restarts the printer as it left the factory (prtGeneralReset). Its settings are lost, its network address and the \
             credentials that it is managed by perhaps among them.",
        )
        .for_administrators()
        .once(),
        Command::new(
            "identify",
            "Make itself found",
            "Shows a message on the printer's display, or has its lights flash, until the printer shows something else. Many \
             printers let nobody write there.",
        )
        .taking(Parameter::choice("by", "By what", &places).or(Value::Choice("display".to_owned())))
        .taking(Parameter::text("message", "Message", MESSAGE).or(Value::Text("Here I am".to_owned())))
        // The display of a printer that sleeps is dark.
        .awake(),
        Command::new("test-page", "Print a test page", "Prints one page. A sleeping printer is woken for it. Few printers can by SNMP.")
            .once()
            .when_ready(),
    ]
}

pub(crate) fn run(name: &str, arguments: &Arguments) -> Result<Deed, Failure> {
    match name {
        "reset" if arguments.choice("how") == Some("to-nvram") => {
            Ok(Deed::told("It restarts with its stored settings.").and_then(reset(Reset::ToNvram)?))
        }
        "reset" => Ok(Deed::told("It restarts.").and_then(reset(Reset::PowerCycle)?)),
        "factory-reset" => {
            Ok(Deed::told("It restarts as it left the factory.").and_then(reset(Reset::ToFactoryDefaults)?))
        }
        "identify" if arguments.choice("by") == Some("lights") => flash(),
        "test-page" => Ok(Deed::told("It prints a test page.").and_then(test_page()?)),
        "identify" => console::show(&[arguments.text("message").unwrap_or_default().to_owned()]),
        _ => Err(no_such(name)),
    }
}

/// What restarts it, once this call's traces are stored.
pub(crate) fn reset(how: Reset) -> Result<Action, Failure> {
    let object = join(RESET, &[printer()?]);
    if !Answers::get(&[&object])?.has(&object) {
        return Err(Failure::Unsupported(
            "this model has nothing to restart it by over SNMP (prtGeneralReset)".to_owned(),
        ));
    }
    Ok(Action::SnmpSet(vec![Binding { oid: object, value: Object::Integer(how as i32) }]))
}

fn test_page() -> Result<Action, Failure> {
    let answers = Answers::get(TEST_PAGES)?;
    let Some(object) = TEST_PAGES.iter().find(|object| answers.has(object)) else {
        return Err(Failure::Unsupported("this model has nothing to print a test page by over SNMP".to_owned()));
    };
    Ok(Action::SnmpSet(vec![Binding { oid: object.to_vec(), value: Object::Integer(PRINT) }]))
}

fn flash() -> Result<Deed, Failure> {
    let console = Console::ask()?;
    if console.lights.is_empty() {
        return Err(Failure::Unsupported("this model tells of no lights over SNMP (prtConsoleLightTable)".to_owned()));
    }
    let flashing = console.lights.iter().flat_map(|light| console::light(&light.instance, FLASH, FLASH)).collect();
    Ok(Deed::told("Its lights flash.").and_then(Action::SnmpSet(flashing)))
}
