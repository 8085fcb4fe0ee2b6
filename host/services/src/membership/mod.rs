//! A node's own membership in its manager's fleet: from a PIN or key to a token and a certificate, and what it is by them.
//!
//! What is decided is decided in [`hostler_core::enrollment::device`]; here its effects are performed. Each step is stored
//! before anything of it happens. The PIN or key is in memory only, and wiped when it isn't needed any more.
//!
//! | file | topic |
//! |---|---|
//! | `member` | the steps, one at a time, and what follows from each |
//! | `ask` | asking the manager, and renewing the certificate in time |
//! | `call` | calling the manager for as long as there is a token |
//! | `agent` | the SNMP agent that answers discovery and takes a PIN |
//! | `display` | what the node's own display shows |

mod agent;
mod ask;
mod call;
mod display;
mod member;
#[cfg(test)]
mod tests;

pub use agent::{AgentConfig, AgentError, serve_agent};
pub use display::{keep_display, text};
pub use member::{Connection, KEY, Member, MembershipError, Offered, Settings, Status};
