//! What the end-to-end stories stand on: they start the real binary, speak to it as users do, and let it meet real
//! peers and simulated devices.
//!
//! A story is a test in `tests/*.rs`; its name begins with the row of the requirements that it shows. It takes a
//! [`Place`] of its own (a folder and a range of loopback addresses), starts [`Node`]s there, and waits for what it
//! wants to see with [`until`]; it never sleeps for luck. Whatever it started ends with it, and when it fails the
//! logs of its nodes are printed.
//!
//! Stories run in parallel. The number of a place is used once among all of them:
//!
//! ```no_run
//! # async fn story() {
//! use hostler_tests::{Node, Place, Setup, until};
//!
//! let place = Place::new(99);
//! let fleet = place.printers(3).await;
//! let node = Node::start(Setup::alone(&place).network("office", &fleet).adopting("mfp")).await;
//! node.install("mfp").await;
//! until("three devices are adopted", async || node.devices().await.filter(|found| found.len() == 3)).await;
//! # }
//! ```

mod api;
mod binary;
mod browser;
mod clock;
mod component;
mod foreign;
mod levels;
mod log;
mod moments;
mod networks;
mod node;
mod peers;
mod place;
mod setup;
#[path = "../../sdk/plugin/src/testing/skipped.rs"]
mod skipped;
mod wait;
mod zeep;

pub use api::{Answer, Api};
pub use binary::{Ran, hostler, plugin, program, recordings, target};
pub use browser::Browser;
pub use clock::Clock;
pub use component::{manifest, with_manifest};
pub use foreign::{Foreign, run};
pub use levels::{Cut, Level, Levels, printer};
pub use moments::Moments;
pub use networks::{Networks, Side};
pub use node::Node;
pub use peers::{Peer, peer};
pub use place::Place;
pub use setup::{Network, Setup, device_address};
pub use skipped::{cannot, skipped};
pub use wait::until;
pub use zeep::Zeep;
