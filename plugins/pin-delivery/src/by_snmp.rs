//! Looking and bringing over SNMP.

use crate::journey::{Brought, Seen};
use hostler_plugin::snmp::{Binding, Value};
use hostler_plugin::terminal::objects::{KEY, MANAGER, PIN, PROTOCOL, PROTOCOL_NAME, STATE, WHY, WINDOW};
use hostler_plugin::terminal::{LanError, Order, Parcel, Secret, lan, said, standing};
use hostler_plugin::{number, text};

/// What the devices say of themselves.
pub(crate) fn look(addresses: &[String]) -> Vec<Result<Seen, LanError>> {
    let objects = [PROTOCOL, STATE, MANAGER, WHY, WINDOW].map(<[u32]>::to_vec);
    lan::get(addresses, &objects).into_iter().map(|found| found.and_then(|bindings| seen(&bindings))).collect()
}

fn seen(bindings: &[Binding]) -> Result<Seen, LanError> {
    let value = |oid: &[u32]| bindings.iter().find(|binding| binding.oid == oid).map(|binding| &binding.value);
    let text = |oid: &[u32]| match value(oid) {
        Some(Value::Octets(octets)) => text::told(octets).unwrap_or_default(),
        _ => String::new(),
    };
    if !text(PROTOCOL).starts_with(PROTOCOL_NAME) {
        return Err(LanError::Garbled("its agent doesn't speak the enrollment protocol".to_owned()));
    }
    let standing = standing(&text(STATE))?;
    let window = value(WINDOW).and_then(number).map(|seconds| u32::try_from(seconds).unwrap_or_default());
    Ok(Seen { standing, manager: text(MANAGER), why: text(WHY), window })
}

/// Writes what lets the devices in.
pub(crate) fn bring(parcels: &[&Parcel]) -> Vec<Brought> {
    let order = |parcel: &&Parcel| {
        let (oid, secret) = match &parcel.secret {
            Secret::Pin(pin) => (PIN, pin),
            Secret::Key(key) => (KEY, key),
        };
        let binding = Binding { oid: oid.to_vec(), value: Value::Octets(secret.as_bytes().to_vec()) };
        Order { address: parcel.address.clone(), bindings: vec![binding] }
    };
    let orders: Vec<Order> = parcels.iter().map(order).collect();
    lan::set(&orders).into_iter().map(brought).collect()
}

fn brought(done: Result<(), LanError>) -> Brought {
    match done {
        Ok(()) => Brought::Taken,
        Err(LanError::Timeout | LanError::Garbled(_) | LanError::Broken(_) | LanError::TooLarge) => Brought::Unknown,
        Err(LanError::Status(name)) => match name.as_str() {
            "wrongValue" | "wrongLength" | "wrongType" | "badValue" => {
                Brought::Refused(format!("it says that this is no PIN or key that can be ({name})"))
            }
            "inconsistentValue" => {
                Brought::Refused("it takes no PIN now: it is connected, connecting, or its window is closed".to_owned())
            }
            _ => Brought::NoWay(format!("its agent lets nobody write ({name})")),
        },
        Err(other) => Brought::NoWay(said(&other)),
    }
}
