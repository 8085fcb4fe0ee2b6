//! Finds devices that can be enrolled, in the network of a user's terminal.
//!
//! All agents are asked at once by a broadcast, which many networks and devices don't answer to. Then the addresses that a
//! server lists are asked, or where there is none, the ranges one by one. A device is what says that it speaks the
//! enrollment protocol; one that is connected already is listed as that.

mod addresses;
#[cfg(test)]
mod tests;

use hostler_plugin::snmp::{Binding, Value};
use hostler_plugin::terminal::objects::{DEVICE, MANAGER, OWNER, PROTOCOL, PROTOCOL_NAME, STATE, WHY, WINDOW};
use hostler_plugin::terminal::{Discovery, Found, LanError, Standing, lan, progress};
use hostler_plugin::types::Failure;
use hostler_plugin::{log, number, oid, text};
use std::collections::{BTreeMap, BTreeSet};

const SYS_DESCR: &[u32] = oid!("1.3.6.1.2.1.1.1.0");
const SYS_NAME: &[u32] = oid!("1.3.6.1.2.1.1.5.0");

/// Everything that is asked of a device.
const OBJECTS: [&[u32]; 9] = [PROTOCOL, DEVICE, STATE, MANAGER, OWNER, WHY, WINDOW, SYS_NAME, SYS_DESCR];

/// Addresses that are asked before the next progress is reported.
const AT_A_TIME: usize = 128;

/// The plug-in.
pub struct LanDiscovery;

impl Discovery for LanDiscovery {
    fn discover() -> Result<Vec<Found>, Failure> {
        let objects: Vec<Vec<u32>> = OBJECTS.iter().map(|oid| oid.to_vec()).collect();
        progress::report(0, 1, "asking all devices at once");
        let mut found = BTreeMap::new();
        let mut answered = BTreeSet::new();
        match lan::broadcast(&objects) {
            Ok(answers) => {
                for answer in answers {
                    answered.insert(answer.address.clone());
                    found.extend(device(&answer.address, &answer.bindings).map(|device| (answer.address, device)));
                }
            }
            Err(error) => log::warn(&format!("the broadcast failed: {}", said(&error))),
        }
        let candidates = candidates()?;
        let silent: Vec<String> = candidates.into_iter().filter(|address| !answered.contains(address)).collect();
        for (done, some) in silent.chunks(AT_A_TIME).enumerate() {
            progress::report(done * AT_A_TIME, silent.len(), "asking one by one");
            for (address, answer) in some.iter().zip(lan::get(some, &objects)) {
                let device = answer.ok().and_then(|bindings| device(address, &bindings));
                found.extend(device.map(|device| (address.clone(), device)));
            }
        }
        progress::report(silent.len(), silent.len(), "asked everybody");
        Ok(once_each(found.into_values().collect()))
    }
}

#[cfg(feature = "export")]
hostler_plugin::export_discovery!(LanDiscovery);

/// Whom to ask one by one: what the server lists, else all addresses of the ranges.
fn candidates() -> Result<Vec<String>, Failure> {
    let listed = lan::listed().map_err(|error| {
        Failure::Unreachable(format!("the server that lists the devices can't be asked: {}", said(&error)))
    })?;
    if !listed.is_empty() {
        return Ok(listed);
    }
    Ok(lan::ranges().iter().flat_map(addresses::of).collect())
}

/// What is at an address, where it is a device that can be enrolled.
fn device(address: &str, bindings: &[Binding]) -> Option<Found> {
    let value = |oid: &[u32]| bindings.iter().find(|binding| binding.oid == oid).map(|binding| &binding.value);
    let text = |oid: &[u32]| match value(oid)? {
        Value::Octets(octets) => text::told(octets),
        _ => None,
    };
    if !text(PROTOCOL)?.starts_with(PROTOCOL_NAME) {
        return None;
    }
    let standing = match text(STATE)?.as_str() {
        "connected" => Standing::Connected,
        "connecting" => Standing::Connecting,
        _ => Standing::NotConnected,
    };
    let window = value(WINDOW).and_then(number).and_then(|seconds| u32::try_from(seconds).ok());
    Some(Found {
        address: address.to_owned(),
        device: text(DEVICE)?,
        name: text(SYS_NAME),
        title: text(SYS_DESCR),
        standing,
        manager: text(MANAGER),
        owner: text(OWNER),
        why: text(WHY),
        takes_pin_for: window.unwrap_or_default(),
    })
}

/// A device with several addresses is one device: the first of them stands for it.
fn once_each(found: Vec<Found>) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    found.into_iter().filter(|device| seen.insert(device.device.clone())).collect()
}

fn said(error: &LanError) -> String {
    match error {
        LanError::Timeout => "no answer".to_owned(),
        LanError::TooLarge => "its answer is too large".to_owned(),
        LanError::Forbidden(why)
        | LanError::Status(why)
        | LanError::Garbled(why)
        | LanError::Connection(why)
        | LanError::Broken(why) => why.clone(),
    }
}
