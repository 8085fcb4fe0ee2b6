//! How a printer saves energy: by hrDeviceStatus and hrPrinterStatus (RFC 2790, combined as RFC 3805 §2.2.13.2 has it)
//! every printer tells; what has it sleep and wake only some have.

use crate::commands::{Reset, reset};
use crate::objects::{CONSOLE_TEXT, HR_DEVICE_STATUS, HR_PRINTER_STATUS, RESET};
use crate::printer;
use crate::status::{Signs, says_asleep, status};
use hostler_plugin::oid;
use hostler_plugin::oid::join;
use hostler_plugin::power::{Engine, Mode, PowerState, Wish};
use hostler_plugin::snmp::{Binding, Value};
use hostler_plugin::types::{Action, Deed, Failure, Status};
use hostler_plugin::{Answers, text};

/// An object that says whether a device sleeps, and that is written to have it sleep or wake.
struct Switch {
    object: &'static [u32],
    awake: i32,
    asleep: i32,
}

/// Where makers have such an object. The first that a device has is used.
const SWITCHES: &[Switch] = &[
    // Example Corporation.
    Switch { object: oid!("1.3.6.1.4.1.99999.2.1.0"), awake: 1, asleep: 2 },
];

/// What a device says of its power.
struct Told {
    state: PowerState,
    switch: Option<&'static Switch>,
}

pub(crate) fn state() -> Result<PowerState, Failure> {
    Ok(ask()?.state)
}

pub(crate) fn set(wish: Wish) -> Result<Deed, Failure> {
    if wish == Wish::PowerCycle {
        return Ok(Deed::told("It goes off and on again.").and_then(reset(Reset::PowerCycle)?));
    }
    // Many sleepers wake when they are asked anything.
    let Told { state, switch } = ask()?;
    let there = match wish {
        Wish::Wake => matches!(state.mode, Mode::On | Mode::Waking),
        _ => state.mode == Mode::Asleep,
    };
    match (wish, switch) {
        (Wish::Wake, _) if there => Ok(Deed::told("It is awake.")),
        (_, _) if there => Ok(Deed::told("It is asleep.")),
        (Wish::Wake, Some(switch)) => Ok(Deed::told("It wakes.").and_then(turn(switch, switch.awake))),
        (_, Some(switch)) => Ok(Deed::told("It goes to sleep.").and_then(turn(switch, switch.asleep))),
        (Wish::Wake, None) => Err(cannot("nothing wakes it over SNMP; it wakes for a job, or by a key on its panel")),
        (_, None) => Err(cannot("nothing has it sleep over SNMP; it falls asleep by itself")),
    }
}

fn cannot(why: &str) -> Failure {
    Failure::Unsupported(format!("this model can't: {why}"))
}

fn turn(switch: &Switch, to: i32) -> Action {
    Action::SnmpSet(vec![Binding { oid: switch.object.to_vec(), value: Value::Integer(to) }])
}

fn ask() -> Result<Told, Failure> {
    let device = printer()?;
    let [device_status, printer_status, restart] =
        [HR_DEVICE_STATUS, HR_PRINTER_STATUS, RESET].map(|column| join(column, &[device]));
    let mut objects = vec![device_status.clone(), printer_status.clone(), restart.clone()];
    objects.extend(SWITCHES.iter().map(|switch| switch.object.to_vec()));
    let mut answers = Answers::get_owned(&objects)?;
    answers.walk_more(CONSOLE_TEXT, 20)?;
    let mut console = answers.below(CONSOLE_TEXT).filter_map(|(_, value)| match value {
        Value::Octets(octets) => Some(text::clean(octets)),
        _ => None,
    });
    let signs = Signs {
        device: answers.integer(&device_status),
        printer: answers.integer(&printer_status),
        worst: None,
        says_asleep: console.any(|line| says_asleep(&line)),
    };
    let switch = SWITCHES.iter().find(|switch| answers.has(switch.object));
    let mut can = vec![];
    if switch.is_some() {
        can.extend([Wish::Wake, Wish::Sleep]);
    }
    if answers.has(&restart) {
        can.push(Wish::PowerCycle);
    }
    let (mode, engine) = match status(signs) {
        Status::Ready | Status::Busy | Status::Warning => (Mode::On, Engine::Ready),
        Status::WarmingUp => (Mode::Waking, Engine::NotReady),
        Status::Asleep => (Mode::Asleep, Engine::NotReady),
        // It is switched on, and waits for somebody.
        Status::Stopped => (Mode::On, Engine::NotReady),
        Status::Unknown => (Mode::Unknown, Engine::Unknown),
    };
    Ok(Told { state: PowerState { mode, engine, can }, switch })
}
