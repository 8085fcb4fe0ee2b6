//! What may be written, by SNMPv1 and v2c as well as v3: names of people and places, the reset, the console, whether the
//! device sleeps, and a test page.

use std::time::Instant;

use async_snmp::{ErrorStatus, Oid, Value};

use crate::Fault;
use crate::device::Look;
use crate::device::power::Sleep;
use crate::mib::Object;
use crate::oids;

/// What an object takes.
enum Takes {
    /// Text of at most this many bytes; the device counts a change of configuration if it is the printer's.
    Text { longest: usize },
    /// PrtGeneralResetTC: 4 power cycle, 5 to NVRAM, 6 to factory defaults. Reading it gives 3, not resetting.
    Reset,
    /// A line of the console, shown until a reset.
    Line,
    /// Milliseconds that a light is on or off, until a reset.
    Light,
    /// 1 wakes the device, 2 has it sleep.
    Power,
    /// 2 prints a page, once the engine is ready.
    TestPage,
}

fn takes(oid: &Oid) -> Option<Takes> {
    match oid.arcs() {
        oids::SYS_CONTACT | oids::SYS_NAME | oids::SYS_LOCATION => Some(Takes::Text { longest: 255 }),
        oids::PRT_OPERATOR | oids::PRT_PRINTER_NAME => Some(Takes::Text { longest: 127 }),
        oids::PRT_RESET => Some(Takes::Reset),
        oids::POWER => Some(Takes::Power),
        oids::TEST_PAGE => Some(Takes::TestPage),
        arcs if arcs.starts_with(oids::PRT_CONSOLE_TEXT) => Some(Takes::Line),
        arcs if arcs.starts_with(oids::PRT_LIGHT_ON) || arcs.starts_with(oids::PRT_LIGHT_OFF) => Some(Takes::Light),
        _ => None,
    }
}

/// Whether the device takes this value, and if not, the word of RFC 3416 §4.2.5 for it.
pub(crate) fn check(look: &Look<'_>, oid: &Oid, value: &Value) -> Result<(), ErrorStatus> {
    if look.state.fault == Some(Fault::NoWrites) {
        return Err(ErrorStatus::GenErr);
    }
    if look.state.mib.get(oid).is_none() {
        return Err(ErrorStatus::NoCreation);
    }
    match (takes(oid), value) {
        (None, _) => Err(ErrorStatus::NotWritable),
        (Some(Takes::Text { longest }), Value::OctetString(text)) if text.len() > longest => {
            Err(ErrorStatus::WrongLength)
        }
        (Some(Takes::Line), Value::OctetString(text)) if text.len() > 255 => Err(ErrorStatus::WrongLength),
        (Some(Takes::Text { .. } | Takes::Line), Value::OctetString(_))
        | (Some(Takes::Reset), Value::Integer(4..=6))
        | (Some(Takes::Light), Value::Integer(0..))
        | (Some(Takes::Power), Value::Integer(1 | 2)) => Ok(()),
        (Some(Takes::TestPage), Value::Integer(2)) if look.state.power.is_awake() => Ok(()),
        // RFC 3416: what could be written at another time.
        (Some(Takes::TestPage), Value::Integer(2)) => Err(ErrorStatus::InconsistentValue),
        (Some(Takes::Reset | Takes::Light | Takes::Power | Takes::TestPage), Value::Integer(_)) => {
            Err(ErrorStatus::WrongValue)
        }
        (Some(_), _) => Err(ErrorStatus::WrongType),
    }
}

/// Writes a value that was checked.
pub(crate) fn apply(look: &mut Look<'_>, oid: &Oid, value: &Value) {
    match takes(oid) {
        Some(Takes::Text { .. }) => {
            if oid.arcs().starts_with(oids::PRINTER_MIB) {
                let counters = &mut look.state.counters;
                counters.config_changes = counters.config_changes.wrapping_add(1);
            }
            look.state.mib.set(oid.clone(), Object::Fixed(value.clone()));
        }
        Some(Takes::Reset) => {
            let now = look.now;
            match value {
                Value::Integer(6) => look.state.reset_to_factory_defaults(now),
                _ => look.state.reset(now),
            }
        }
        Some(Takes::Line | Takes::Light) => look.state.mib.set(oid.clone(), Object::Fixed(value.clone())),
        Some(Takes::Power) if *value == Value::Integer(1) => {
            let warm_up = look.state.warm_up;
            look.state.power.wake(Instant::now(), warm_up);
        }
        Some(Takes::Power) => look.state.power = Sleep::Light.into(),
        Some(Takes::TestPage) => look.state.print(&look.device.profile, 1),
        None => {}
    }
}
