//! Wiring: a configuration becomes running roles.
//!
//! [`Config`] is what a person wrote, checked; [`Node::start`] makes of it a manager, a gateway, or both.

mod config;
mod local;
mod node;
mod nodes;
mod own;
mod registrar;
mod serve;

pub use config::{Config, ConfigError, Duration, Listen, NetworkConfig, Node as NodeConfig, Parent, Role, Tls};
pub use hostler_services::journal::{Journal, JournalWriter};
pub use hostler_services::{NodeLog, SayMore, Seldom, backup, now};
pub use node::{Node, StartError};

/// The file in a node's data folder that holds a token for the command line on the same machine. It holds for a day and is
/// replaced in time: whoever uses it reads it each time.
pub const LOCAL_TOKEN: &str = "local.token";

/// The folder in a node's data folder that its own log is in.
pub const LOG: &str = "log";

/// The file in a node's data folder that says where it listens.
pub const LOCAL_ADDRESS: &str = "local.address";
