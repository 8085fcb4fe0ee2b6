//! What terminal plug-ins find and bring, in the host's words. What a plug-in or a device says is shortened to what a page
//! can show.

use super::bindings::terminal_types as wit;
use crate::convert::text;
use hostler_core::Secret;
use hostler_core::enrollment::addresses::MOST_ADDRESSES;
use serde::Serialize;

/// How far a device is with its enrollment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "they are their names")]
pub enum DeviceStanding {
    NotConnected,
    Connecting,
    Connected,
}

/// A device that was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Found {
    /// Where.
    pub address: String,
    /// Its device ID, as it says.
    pub device: String,
    /// What its administrator called it.
    pub name: Option<String>,
    /// What it says that it is.
    pub title: Option<String>,
    /// How far it is.
    pub standing: DeviceStanding,
    /// Whose it is.
    pub manager: Option<String>,
    /// And there.
    pub owner: Option<String>,
    /// Why it isn't connected.
    pub why: Option<String>,
    /// For how many seconds it takes a PIN yet.
    pub takes_pin_for: u32,
}

/// Something to bring to a device.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Where.
    pub address: String,
    /// What lets it in.
    pub secret: Secret,
    /// Whether that is a key, and not a PIN.
    pub is_key: bool,
}

/// What came of a parcel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "verdict", content = "said", rename_all = "kebab-case")]
pub enum Verdict {
    /// It is connected to the manager of this name.
    Connected(String),
    /// It, or the manager, said no.
    Refused(String),
    /// Nobody answered; nothing was brought.
    Unreachable(String),
    /// It may have taken it, and didn't say in time.
    InDoubt(String),
}

/// What came of the parcel for an address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Outcome {
    /// Where.
    pub address: String,
    /// What.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// `snmp` or `http`, where it was brought.
    pub by: Option<&'static str>,
}

fn some(found: Option<String>) -> Option<String> {
    found.map(text).filter(|text| !text.trim().is_empty())
}

/// As many devices as one registration takes.
pub(super) fn found(all: Vec<wit::Found>) -> Vec<Found> {
    let one = |found: wit::Found| Found {
        address: text(found.address),
        device: text(found.device),
        name: some(found.name),
        title: some(found.title),
        standing: match found.standing {
            wit::Standing::NotConnected => DeviceStanding::NotConnected,
            wit::Standing::Connecting => DeviceStanding::Connecting,
            wit::Standing::Connected => DeviceStanding::Connected,
        },
        manager: some(found.manager),
        owner: some(found.owner),
        why: some(found.why),
        takes_pin_for: found.takes_pin_for,
    };
    all.into_iter().take(MOST_ADDRESSES).map(one).collect()
}

pub(super) fn parcel(parcel: &Parcel) -> wit::Parcel {
    let said = parcel.secret.expose().to_owned();
    let secret = if parcel.is_key { wit::Secret::Key(said) } else { wit::Secret::Pin(said) };
    wit::Parcel { address: parcel.address.clone(), secret }
}

/// One outcome for each parcel, in their order: what a plug-in says beyond that isn't heard, and of which it says nothing
/// nobody knows what came.
pub(super) fn outcomes(parcels: &[Parcel], said: Vec<wit::Outcome>) -> Vec<Outcome> {
    let mut said = said.into_iter();
    let one = |parcel: &Parcel| {
        let address = parcel.address.clone();
        match said.next().filter(|outcome| outcome.address == address) {
            None => Outcome { address, verdict: Verdict::InDoubt("the plug-in didn't say".to_owned()), by: None },
            Some(outcome) => Outcome {
                address,
                verdict: match outcome.verdict {
                    wit::Verdict::Connected(manager) => Verdict::Connected(text(manager)),
                    wit::Verdict::Refused(why) => Verdict::Refused(text(why)),
                    wit::Verdict::Unreachable(why) => Verdict::Unreachable(text(why)),
                    wit::Verdict::InDoubt(why) => Verdict::InDoubt(text(why)),
                },
                by: outcome.by.map(|way| match way {
                    wit::Way::Snmp => "snmp",
                    wit::Way::Http => "http",
                }),
            },
        }
    };
    parcels.iter().map(one).collect()
}
