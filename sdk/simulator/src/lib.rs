//! Simulated printers and scanners, good and bad.
//!
//! A [`Fleet`] is one to ten thousand devices on loopback addresses, each a small SNMP agent with its own serial,
//! address, counters, supplies, alerts and console. A device is made from a [`Profile`]: one of ours
//! ([`profile::orchid_c4500`], [`profile::fern_220`], [`profile::heron_s80`]) or a recording of a real device
//! ([`snmprec`]). What it does while it runs is ordered through its [`DeviceControl`]: alerts, sleep, worn supplies,
//! counters about to wrap, and [`Fault`]s that no device should have but some do.
//!
//! Layers, from the wire inwards: [`fleet`] owns the sockets, the agent turns a datagram into a reply, a device answers for one
//! object at a time, and a MIB holds what a device shares with its model and what is its own. SNMPv1 and
//! v2c are answered by our own light agent; with [`FleetConfig::users`] a full SNMPv3 agent takes over, one per device.
//!
//! Two seeds that are equal make two fleets that are equal, so a test that failed can be run again.
//!
//! ```
//! use hostler_simulator::{Condition, Fleet, FleetConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), hostler_simulator::Error> {
//! let config = FleetConfig { count: 3, first: [127, 9, 8, 1].into(), port: 16_161, ..FleetConfig::default() };
//! let fleet = Fleet::start(config).await?;
//! for device in fleet.devices() {
//!     println!("{} {} {}", device.address, device.profile, device.serial);
//!     device.control.raise(Condition::CoverOpen);
//! }
//! # Ok(())
//! # }
//! ```

mod agent;
mod control;
mod device;
mod engine;
mod error;
mod fault;
pub mod fleet;
mod mib;
mod oids;
pub mod profile;
mod recording;
mod seed;
mod serve;
pub mod snmprec;
mod v3;

pub use control::DeviceControl;
pub use device::alerts::Condition;
pub use device::counters::Counter;
pub use device::power::Sleep;
pub use engine::Engine;
pub use error::Error;
pub use fault::Fault;
pub use fleet::{Fleet, FleetConfig, Share, SimulatedDevice, Source};
pub use profile::Profile;
pub use v3::V3User;
