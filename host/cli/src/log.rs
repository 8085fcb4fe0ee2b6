//! What a node says while it runs, on standard error.

use hostler_node::Seldom;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use tracing::callsite::Identifier;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

/// Where the SNMP agent says whom it gives no answer, as who has the wrong community.
const AGENT: &str = "async_snmp::agent";

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// For people.
    Text,
    /// For programs, one object a line.
    Json,
}

/// Says what happens from now on; `HOSTLER_LOG` says which, such as `debug` or `hostler_services=debug`.
pub fn start(look: Look, level: &str) {
    // That somebody shows a wrong community is told as `debug`.
    let agent = if level == "info" { "debug" } else { level };
    let filter = EnvFilter::try_from_env("HOSTLER_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},async_snmp=off,{AGENT}={agent},mdns_sd=off")));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = if look == Look::Json { lines.json().boxed() } else { lines.with_target(false).boxed() };
    // A second node in one process finds it set.
    let _ = tracing_subscriber::registry().with(filter).with(lines).with(Strangers::default()).try_init();
}

/// Lets what anybody can make the agent say through seldom enough that nobody fills the log with it, each kind of line for
/// itself: wrong communities hide nothing else.
#[derive(Default)]
struct Strangers(Mutex<HashMap<Identifier, Seldom>>);

impl<S: Subscriber> Layer<S> for Strangers {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if event.metadata().target() != AGENT {
            return true;
        }
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.entry(event.metadata().callsite()).or_default().count().is_some()
    }
}
