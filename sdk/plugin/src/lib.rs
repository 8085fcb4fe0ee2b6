//! The crate that plug-in authors depend on.
//!
//! A plug-in teaches hostler one type of device. It is a WASM component: this crate gives it the functions that a node
//! lends (the device's SNMP agent, its web server, a memory, events, time) and takes from it what it can do
//! ([`Driver`] at least). A plug-in names no addresses and keeps no variables: every call works on one device and starts from
//! nothing but [`state`] and [`cache`].
//!
//! A complete plug-in, which its author builds with `hostler-sdk build`:
//!
//! ```
//! use hostler_plugin::types::*;
//! use hostler_plugin::{Answers, Driver, oid, uptime};
//!
//! const SYS_DESCR: &[u32] = oid!("1.3.6.1.2.1.1.1.0");
//! const SYS_UP_TIME: &[u32] = oid!("1.3.6.1.2.1.1.3.0");
//!
//! struct Kettle;
//!
//! impl Driver for Kettle {
//!     fn recognise() -> Result<Option<Recognition>, Failure> {
//!         let model = Answers::get(&[SYS_DESCR])?.text(SYS_DESCR).filter(|text| text.contains("Kettle"));
//!         Ok(model.map(|title| Recognition {
//!             certainty: Certainty::Likely,
//!             device_type: DeviceType::Appliance,
//!             title,
//!         }))
//!     }
//!
//!     fn identify() -> Result<Identity, Failure> {
//!         let model = Answers::get(&[SYS_DESCR])?.text(SYS_DESCR);
//!         Ok(Identity { model, ..hostler_plugin::unnamed(DeviceType::Appliance) })
//!     }
//!
//!     fn read() -> Result<Outcome, Failure> {
//!         let answers = Answers::get(&[SYS_UP_TIME])?;
//!         let readings = answers.ticks(SYS_UP_TIME).map(|ticks| uptime::observe(ticks).reading()).into_iter().collect();
//!         Ok(Report { status: Status::Ready, readings, alerts: vec![], console: vec![] }.into())
//!     }
//! }
//!
//! hostler_plugin::export_driver!(Kettle);
//!
//! // The same code runs natively against a host made of a map, so `cargo test` is all that a test needs.
//! # #[cfg(not(target_arch = "wasm32"))] {
//! let mut host = hostler_plugin::testing::Host::new();
//! host.text("1.3.6.1.2.1.1.1.0", "Example Corporation Kettle 3");
//! assert!(host.call(Kettle::recognise).unwrap().is_some());
//! # }
//! ```
//!
//! A type that has more to offer exports it beside `driver`: [`commands`] that people can give, its [`panel`], its [`power`].
//! Who implements such a trait and calls its macro has a component with that export; a node sees it there.
//!
//! Beside its `Cargo.toml` a plug-in has a `plugin.toml`, its manifest: who it is and what it asks the operator for.
//! Which functions of the host a component imports follows from what its code calls; `hostler-sdk inspect` shows both.
//!
//! A plug-in for the terminals of users is another kind: it has no device, but the user's network. See [`terminal`].
//!
//! On other targets than wasm32 the host's functions are those of the [`testing::Host`] whose call is running.

#[doc(hidden)]
pub mod bindings;

mod answers;
pub mod commands;
pub mod counter;
mod driver;
pub mod host;
pub mod http;
pub mod interfaces;
pub mod memory;
pub mod oid;
pub mod panel;
pub mod power;
pub mod snmp;
pub mod terminal;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod text;
pub mod types;
pub mod uptime;

pub use answers::{Answers, number};
pub use driver::{Driver, unnamed};
pub use host::{clock, events, log, random, settings};
pub use memory::{cache, state};
