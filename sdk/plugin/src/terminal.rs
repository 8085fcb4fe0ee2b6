//! Plug-ins for the terminals of users: they find devices in the network that the user sits in ([`Discovery`]), and bring
//! them PINs and keys ([`Delivery`]). A component may do both.
//!
//! Here a plug-in names addresses; the host sends nothing to one that the user didn't let be reached. It has no memory and
//! no device: [`lan`], [`progress`], [`crate::log`] and [`crate::clock`] are all that there is.

use crate::types::Failure;

pub use crate::bindings::terminal::hostler::plugin::terminal_types::{
    Answer, Found, LanError, Order, Outcome, Parcel, Secret, Standing, Verdict, Way, WebRequest, WebResponse,
};

/// Finding devices.
pub trait Discovery {
    /// Everything that answers, whether it is connected already or not.
    ///
    /// # Errors
    /// When the network can't be asked at all.
    fn discover() -> Result<Vec<Found>, Failure>;
}

/// Bringing PINs and keys.
pub trait Delivery {
    /// Brings each parcel to its device once, and says what came of it: one outcome for each parcel, in their order.
    ///
    /// # Errors
    /// When the network can't be asked at all.
    fn deliver(parcels: Vec<Parcel>) -> Result<Vec<Outcome>, Failure>;
}

impl<T: Discovery> crate::bindings::discovery::exports::hostler::plugin::discovery::Guest for T {
    fn discover() -> Result<Vec<Found>, Failure> {
        <T as Discovery>::discover()
    }
}

impl<T: Delivery> crate::bindings::delivery::exports::hostler::plugin::delivery::Guest for T {
    fn deliver(parcels: Vec<Parcel>) -> Result<Vec<Outcome>, Failure> {
        <T as Delivery>::deliver(parcels)
    }
}

/// What happened, in a few words, for people.
#[must_use]
pub fn said(error: &LanError) -> String {
    match error {
        LanError::Timeout => "no answer".to_owned(),
        LanError::TooLarge => "its answer is too large".to_owned(),
        LanError::Status(name) => format!("it answered {name}"),
        LanError::Forbidden(why) | LanError::Garbled(why) | LanError::Connection(why) | LanError::Broken(why) => {
            why.clone()
        }
    }
}

/// How far a device is, from the protocol's word at [`objects::STATE`] or in its page.
///
/// # Errors
/// [`LanError::Garbled`] for any other word: a device that says something else isn't understood, and gets no PIN.
pub fn standing(word: &str) -> Result<Standing, LanError> {
    match word {
        "not-connected" => Ok(Standing::NotConnected),
        "connecting" => Ok(Standing::Connecting),
        "connected" => Ok(Standing::Connected),
        _ => Err(LanError::Garbled("it says no state that there is".to_owned())),
    }
}

/// Makes a type that implements [`Discovery`] the component's export `discovery`. Natively it does nothing.
#[macro_export]
macro_rules! export_discovery {
    ($discovery:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::discovery::export_discovery_functions!($discovery);
    };
}

/// Makes a type that implements [`Delivery`] the component's export `delivery`. Natively it does nothing.
#[macro_export]
macro_rules! export_delivery {
    ($delivery:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::delivery::export_delivery_functions!($delivery);
    };
}

/// The network that the user's terminal is in. Many addresses in one call are asked side by side.
pub mod lan {
    use super::{Answer, LanError, Order, WebRequest, WebResponse};
    use crate::snmp::{Binding, Oid};

    #[cfg(target_arch = "wasm32")]
    use crate::bindings::terminal::hostler::plugin::lan as link;
    #[cfg(not(target_arch = "wasm32"))]
    use crate::testing::terminal::link;

    pub use crate::bindings::terminal::hostler::plugin::lan::Range;

    /// What the user lets be searched one by one; none where a server is asked instead.
    #[must_use]
    pub fn ranges() -> Vec<Range> {
        link::ranges()
    }

    /// The addresses that a server in the network lists; empty where the user named no server.
    ///
    /// # Errors
    /// When the server doesn't answer, or nothing that is a list.
    pub fn listed() -> Result<Vec<String>, LanError> {
        link::listed()
    }

    /// Asks all agents at once and returns those that answered; nobody where a server is asked instead.
    ///
    /// # Errors
    /// When nothing can be sent.
    pub fn broadcast(objects: &[Oid]) -> Result<Vec<Answer>, LanError> {
        link::broadcast(objects)
    }

    /// Asks these agents. The answers are in the order of the addresses, their bindings in that of the objects.
    #[must_use]
    pub fn get(addresses: &[String], objects: &[Oid]) -> Vec<Result<Vec<Binding>, LanError>> {
        link::get(addresses, objects)
    }

    /// Writes. Each order is sent once, whatever becomes of it.
    pub fn set(orders: &[Order]) -> Vec<Result<(), LanError>> {
        link::set(orders)
    }

    /// Asks web servers, each once.
    pub fn send(requests: &[WebRequest]) -> Vec<Result<WebResponse, LanError>> {
        link::send(requests)
    }

    /// Lets time pass; at most ten seconds at once.
    pub fn pause(milliseconds: u32) {
        link::pause(milliseconds);
    }
}

/// How far a call is, for who waits for it.
pub mod progress {
    /// So many of so many, and what it is about: a few words.
    pub fn report(done: usize, total: usize, about: &str) {
        let short = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        #[cfg(target_arch = "wasm32")]
        crate::bindings::terminal::hostler::plugin::progress::report(short(done), short(total), about);
        #[cfg(not(target_arch = "wasm32"))]
        crate::testing::terminal::report(short(done), short(total), about);
    }
}

/// What a device that can be enrolled says over SNMP, below 1.3.6.1.4.1.99999.10.
pub mod objects {
    use crate::oid;

    /// What it speaks: "hostler-enrollment 1".
    pub const PROTOCOL: &[u32] = oid!("1.3.6.1.4.1.99999.10.1.0");
    /// Its device ID.
    pub const DEVICE: &[u32] = oid!("1.3.6.1.4.1.99999.10.2.0");
    /// How far it is: "not-connected", "connecting", "connected".
    pub const STATE: &[u32] = oid!("1.3.6.1.4.1.99999.10.3.0");
    /// Its manager's name, or empty.
    pub const MANAGER: &[u32] = oid!("1.3.6.1.4.1.99999.10.4.0");
    /// Its owner, or empty.
    pub const OWNER: &[u32] = oid!("1.3.6.1.4.1.99999.10.5.0");
    /// Why it isn't connected, or empty.
    pub const WHY: &[u32] = oid!("1.3.6.1.4.1.99999.10.6.0");
    /// For how many seconds it takes a PIN yet.
    pub const WINDOW: &[u32] = oid!("1.3.6.1.4.1.99999.10.7.0");
    /// A PIN is written here.
    pub const PIN: &[u32] = oid!("1.3.6.1.4.1.99999.10.8.0");
    /// A key is written here.
    pub const KEY: &[u32] = oid!("1.3.6.1.4.1.99999.10.9.0");
    /// What [`PROTOCOL`] says, before its version.
    pub const PROTOCOL_NAME: &str = "hostler-enrollment ";
}
