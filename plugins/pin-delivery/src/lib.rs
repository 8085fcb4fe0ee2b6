//! Brings PINs and keys to devices in the network of a user's terminal.
//!
//! A parcel is written over SNMP, and where no agent answers, posted to the device's web server. After that the device is
//! asked until it says what came of it, so that the outcome is what is true and not that something was sent. What was sent
//! and whose answer was lost isn't repeated blindly: the device is asked first whether it took it.
//!
//! `journey` is one parcel's way, `by_snmp` and `by_http` are the two ways of asking and bringing.

mod by_http;
mod by_snmp;
mod journey;
#[cfg(test)]
mod tests;

use hostler_plugin::terminal::{Delivery, LanError, Outcome, Parcel, Way, lan, progress};
use hostler_plugin::types::Failure;
use journey::{Brought, Journey, Seen};

/// Milliseconds between two looks at a device that is connecting.
const PAUSE: u32 = 1_000;

/// So often is looked: a manager may be slow, and a device asks it more than once.
const LOOKS: u32 = 60;

/// The plug-in.
pub struct PinDelivery;

impl Delivery for PinDelivery {
    fn deliver(parcels: Vec<Parcel>) -> Result<Vec<Outcome>, Failure> {
        let mut journeys: Vec<Journey> = parcels.into_iter().map(Journey::begin).collect();
        tell(&journeys, "looking for the devices");
        look(&mut journeys, Way::Snmp);
        look(&mut journeys, Way::Http);
        for round in 0..LOOKS {
            bring(&mut journeys);
            tell(&journeys, "waiting for the devices to connect");
            if journeys.iter().all(Journey::is_over) {
                break;
            }
            // The first look is at once: who refused, or lost our message, shows it already.
            if round > 0 {
                lan::pause(PAUSE);
            }
            look(&mut journeys, Way::Snmp);
            look(&mut journeys, Way::Http);
        }
        tell(&journeys, "done");
        Ok(journeys.into_iter().map(Journey::end).collect())
    }
}

#[cfg(feature = "export")]
hostler_plugin::export_delivery!(PinDelivery);

/// Asks those that are to be asked in this way how they are.
fn look(journeys: &mut [Journey], way: Way) {
    let mut asked: Vec<&mut Journey> = journeys.iter_mut().filter(|journey| journey.wants_look(way)).collect();
    if asked.is_empty() {
        return;
    }
    let addresses: Vec<String> = asked.iter().map(|journey| journey.address().to_owned()).collect();
    let seen: Vec<Result<Seen, LanError>> = match way {
        Way::Snmp => by_snmp::look(&addresses),
        Way::Http => by_http::look(&addresses),
    };
    for (journey, seen) in asked.iter_mut().zip(seen) {
        journey.looked(way, seen);
    }
}

/// Sends what is to be sent.
fn bring(journeys: &mut [Journey]) {
    for way in [Way::Snmp, Way::Http] {
        let mut sent: Vec<&mut Journey> = journeys.iter_mut().filter(|journey| journey.wants_sending(way)).collect();
        if sent.is_empty() {
            continue;
        }
        let parcels: Vec<&Parcel> = sent.iter().map(|journey| journey.parcel()).collect();
        let brought: Vec<Brought> = match way {
            Way::Snmp => by_snmp::bring(&parcels),
            Way::Http => by_http::bring(&parcels),
        };
        for (journey, brought) in sent.iter_mut().zip(brought) {
            journey.sent(brought);
        }
    }
}

fn tell(journeys: &[Journey], about: &str) {
    progress::report(journeys.iter().filter(|journey| journey.is_over()).count(), journeys.len(), about);
}
