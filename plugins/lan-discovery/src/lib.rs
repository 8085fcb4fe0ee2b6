//! Finds devices that can be enrolled, in the network of a user's terminal.
//!
//! Where the user named a server that lists addresses, those are asked and nothing else. Else all agents are asked at once by
//! a broadcast, which many networks and devices don't answer to, and then the ranges one by one. A device is what says that
//! it speaks the enrollment protocol; one that is connected already is listed as that. What is at two addresses is listed
//! twice: it may be one device, or one that pretends to be another.

mod addresses;
#[cfg(test)]
mod tests;

use hostler_plugin::snmp::{Binding, Value};
use hostler_plugin::terminal::objects::{DEVICE, MANAGER, OWNER, PROTOCOL, PROTOCOL_NAME, STATE, WHY, WINDOW};
use hostler_plugin::terminal::{Discovery, Found, lan, progress, said, standing};
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
        let mut found = BTreeMap::new();
        let mut answered = BTreeSet::new();
        progress::report(0, 1, "asking for a list");
        let listed = lan::listed().map_err(|error| {
            Failure::Unreachable(format!("the server that lists the devices can't be asked: {}", said(&error)))
        })?;
        let candidates: Vec<String> = if listed.is_empty() {
            // Where the user named a server, and it lists nobody, the host searches nothing either.
            progress::report(0, 1, "asking all devices at once");
            match lan::broadcast(&objects) {
                Ok(answers) => {
                    for answer in answers {
                        answered.insert(answer.address.clone());
                        found.extend(device(&answer.address, &answer.bindings).map(|device| (answer.address, device)));
                    }
                }
                Err(error) => log::warn(&format!("the broadcast failed: {}", said(&error))),
            }
            lan::ranges().iter().flat_map(addresses::of).collect()
        } else {
            listed
        };
        let silent: Vec<String> = candidates.into_iter().filter(|address| !answered.contains(address)).collect();
        for (done, some) in silent.chunks(AT_A_TIME).enumerate() {
            progress::report(done * AT_A_TIME, silent.len(), "asking one by one");
            for (address, answer) in some.iter().zip(lan::get(some, &objects)) {
                let device = answer.ok().and_then(|bindings| device(address, &bindings));
                found.extend(device.map(|device| (address.clone(), device)));
            }
        }
        progress::report(silent.len(), silent.len(), "asked everybody");
        Ok(found.into_values().collect())
    }
}

#[cfg(feature = "export")]
hostler_plugin::export_discovery!(LanDiscovery);

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
    let standing = match standing(&text(STATE).unwrap_or_default()) {
        Ok(standing) => standing,
        Err(error) => {
            log::warn(&format!("{address} isn't listed: {}", said(&error)));
            return None;
        }
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
