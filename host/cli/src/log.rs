//! What a node says while it runs: on standard error, and in its journal where it keeps one.

use hostler_core::upkeep::LevelSet;
use hostler_node::{Journal, JournalWriter, NodeLog, SayMore, Seldom};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::callsite::Identifier;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

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
    let _ = begin(look, level, None);
}

/// The same, and keeps it in this folder as the log of the one node that runs in this process.
/// Where it can't be kept, the node goes on without; a data folder that can't be written it says itself.
pub fn keep(look: Look, level: &str, folder: &Path) -> Arc<NodeLog> {
    let journal = match Journal::open(folder) {
        Ok(journal) => journal,
        Err(error) => {
            start(look, level);
            tracing::warn!(%error, folder = %folder.display(), "the log can't be kept");
            return NodeLog::none();
        }
    };
    let usual = usual(level);
    let filter = begin(look, level, Some(Arc::clone(&journal)));
    let say_more: SayMore = Box::new(move |levels: &[LevelSet]| {
        let more = levels.iter().map(|set| format!(",{}={}", set.target.as_str(), set.level.as_str()));
        let directives = more.fold(usual.clone(), |directives, more| directives + &more);
        let more = EnvFilter::try_new(directives).map_err(|error| error.to_string())?;
        filter.reload(more).map_err(|error| error.to_string())
    });
    NodeLog::new(journal, say_more)
}

/// What is said where nobody says more.
fn usual(level: &str) -> String {
    // That somebody shows a wrong community is told as `debug`.
    let agent = if level == "info" { "debug" } else { level };
    let usual = format!("{level},async_snmp=off,{AGENT}={agent},mdns_sd=off");
    std::env::var("HOSTLER_LOG").ok().filter(|set| EnvFilter::try_new(set).is_ok()).unwrap_or(usual)
}

fn begin(look: Look, level: &str, journal: Option<Arc<Journal>>) -> reload::Handle<EnvFilter, Registry> {
    let (filter, handle) = reload::Layer::new(EnvFilter::new(usual(level)));
    let kept =
        journal.map(|journal| fmt::layer().with_ansi(false).with_writer(move || JournalWriter(Arc::clone(&journal))));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = if look == Look::Json { lines.json().boxed() } else { lines.with_target(false).boxed() };
    // A second node in one process finds it set.
    let _ = tracing_subscriber::registry().with(filter).with(lines).with(kept).with(Strangers::default()).try_init();
    handle
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
