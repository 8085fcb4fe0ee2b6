//! The certificate authority for nodes, and how a manager knows its nodes by it. How a node knows its manager is in
//! [`hostler_transport`].
//!
//! A root, valid for twenty years, signs an intermediate, valid for two; the intermediate signs everything else. So the
//! root's key is needed once in a year and a half, and an operator can keep it elsewhere ([`Authority::tend`]). Nodes
//! have the root's [`Fingerprint`] in their configuration and nothing else: whoever they talk to sends the root along.
//!
//! A node's certificate says one thing, which node it is: as common name and as the DNS name
//! `<node>.node.hostler.internal` ([`node_name`]). A DNS name and not a URI, because a gateway is also a server, and
//! its children's TLS libraries can ask for a DNS name and not for a URI; `.internal` never is a public domain.
//!
//! | file | topic |
//! |---|---|
//! | `issuer` | the authority: opening, issuing, renewing the intermediate |
//! | `making` | its files when they are made first |
//! | `request` | what is taken from a certificate request: the key |
//! | `certificate` | what certificates look like, and what is read from them |
//! | `server` | the manager's own certificate |
//! | `orders`, `numbers` | what the manager signs orders with, and their numbers |
//! | `verify` | whether a signature is the manager's, or a node's |
//! | `gate` | who is let in: the chain, the time and the standing of a certificate |
//! | `identity` | a node's own key |
//! | `folder`, `bundle` | files for the owner only, replaced whole; certificates and keys in them |
//!
//! Which certificates stand is kept by whoever issues them ([`Standings`]); the authority keeps no list.

mod bundle;
mod certificate;
mod error;
mod folder;
mod gate;
mod identity;
mod issuer;
mod making;
mod numbers;
mod orders;
mod request;
mod server;
#[cfg(test)]
mod tests;
mod verify;

pub use certificate::{LIFETIME, node_name, should_renew};
pub use error::AuthorityError;
pub(crate) use folder::{read as read_private, write as write_private};
pub use gate::{Gate, Refusal, Standing, Standings, Verdict};
pub use identity::Identity;
pub use issuer::{Authority, Issued, Tended};
pub use making::Names;
pub(crate) use numbers::Numbers;
pub(crate) use orders::OrderKey;
pub use request::{LONGEST_REQUEST, RequestError};
pub use server::{ServerCertificate, server_tls};
pub(crate) use verify::{by_its_key, chain, order};
