//! Node to node: the exchange by which a child calls its parent. Nothing ever connects inwards.
//!
//! [`ParentClient`] is the child's side, [`router`] the parent's; what is said is in [`hostler_core::message`]. A node that
//! isn't known yet knocks at its manager's [`Door`], or at that of a gateway, which hands it on. A registrar on a node of its own
//! hands on what users ask: [`Relay`] there, [`desk`] at the manager, [`passing`] at gateways between. Devices that speak nothing
//! else call by [`soap`].

mod client;
mod desk;
mod door;
mod handed;
mod passing;
mod places;
mod relay;
mod seldom;
mod server;
pub mod soap;
mod trust;

pub use client::{CallParentError, ParentClient};
pub use desk::{Desk, desk};
pub use door::{Door, NotOpened};
pub use handed::Scheme;
pub use passing::{Uplink, passing};
pub use places::{Place, Places};
pub use relay::{NotHandedOn, Relay};
pub use seldom::Seldom;
pub use server::{Closed, Parent, Refused, Shown, Standing, router};
pub use trust::{Whom, explain, node_tls};

/// Where a manager takes connection requests.
const CONNECT: &str = "/node/v1/connect";
/// Where it renews certificates.
const RENEW: &str = "/node/v1/renew";
/// Where a parent takes what its gateways hand on for nodes below them.
const ERRAND: &str = "/node/v1/errand";
/// Where a parent takes exchanges.
const EXCHANGE: &str = "/node/v1/exchange";
/// Where it hands out its catalogue.
const CATALOGUE: &str = "/node/v1/catalogue";
/// Where it hands out components, by digest.
const COMPONENTS: &str = "/node/v1/components";

/// Where it takes what users ask at registrars, each under the path that it is asked for.
const REGISTRAR: &str = "/node/v1/registrar";

/// The largest exchange that is read, in bytes.
const EXCHANGE_LIMIT: usize = 16 << 20;
/// The largest component that is read, in bytes.
const COMPONENT_LIMIT: usize = 64 << 20;
/// The longest time, in milliseconds, that a parent holds a call.
pub const LONGEST_WAIT_MS: u32 = 30_000;
