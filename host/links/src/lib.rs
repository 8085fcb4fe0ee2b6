//! The protocols that plug-ins reach things with.
//!
//! A link is bound to one device when it is made: it carries no addresses, and nobody can name another device through it.
//! The one exception is [`lan`], for what a user runs at a terminal: there are addresses, and a rule which may be reached.
//! Credentials stay in here. What is in flight is bounded for each network by its [`lanes`](Networks).

pub mod credential;
mod http;
pub mod lan;
mod lanes;
pub mod mdns;
mod scrub;
mod snmp;
mod trust;

pub use async_snmp::{Oid, Value, VarBind};
pub use credential::{Credential, Credentials, SnmpCredential};
pub use http::{HttpError, HttpLink, HttpLinks, HttpMethod, HttpRequest, HttpResponse};
pub use lan::{Lan, LanError, LanRules};
pub use lanes::{Lane, NetworkIndex, Networks, Place};
pub use snmp::{SnmpError, SnmpLink, SnmpLinks, WalkLimit};
pub use trust::Trust;
