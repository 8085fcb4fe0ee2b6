//! A host made of maps, for native tests: `cargo test` needs no WASM, no device and no network.
//!
//! [`Host::call`] runs a function of a plug-in as a node would: what it put into `state` and `events` is kept when it
//! succeeds and undone when it fails. [`Host::traffic`] counts what it cost.

pub(crate) mod link;
mod skipped;
mod snmprec;
pub mod terminal;

use crate::commands::{Arguments, Commands, Value as Argument};
use crate::events::Event;
use crate::http::{Request, Response};
use crate::log::LogLevel;
use crate::snmp::{Binding, Value};
use crate::types::{Action, Deed, Failure};
use std::cell::RefCell;
use std::collections::BTreeMap;

pub use skipped::skipped;
pub use snmprec::{SnmprecError, recordings};

/// How many bindings a node puts into one SNMP message, about.
const MESSAGE: usize = 40;

/// What calls cost since the last [`Host::reset_traffic`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Calls of the link functions.
    pub operations: usize,
    /// Messages that a node would exchange with the device for them.
    pub round_trips: usize,
    /// Objects asked for by `get`.
    pub objects: usize,
    /// Values put into `state`.
    pub state_writes: usize,
}

/// A node with one device.
#[derive(Default)]
pub struct Host {
    /// What the device's agent has, by arcs.
    pub objects: BTreeMap<Vec<u32>, Value>,
    /// Whether the device answers at all.
    pub silent: bool,
    /// Tables that the agent can't be walked through.
    pub broken: Vec<Vec<u32>>,
    /// What the device's web server answers, by path; what isn't there is a 404.
    pub pages: BTreeMap<String, Response>,
    /// The requests that it got.
    pub requests: Vec<Request>,
    /// What the plug-in remembers.
    pub state: BTreeMap<String, Vec<u8>>,
    /// What it remembers until the next restart.
    pub cache: BTreeMap<String, Vec<u8>>,
    /// What the operator set.
    pub settings: BTreeMap<String, String>,
    /// The events of the calls that succeeded.
    pub events: Vec<Event>,
    /// The lines that were logged.
    pub lines: Vec<(LogLevel, String)>,
    /// Milliseconds since 1970; stands still unless a test moves it.
    pub now: u64,
    /// What the calls cost.
    pub traffic: Traffic,
    /// The bindings that were written by `set`, in order.
    pub written: Vec<Binding>,
    seed: u64,
}

thread_local! {
    static RUNNING: RefCell<Option<Host>> = const { RefCell::new(None) };
}

impl Host {
    /// A device whose agent has nothing, on an autumn day of 2026.
    #[must_use]
    pub fn new() -> Self {
        Self { now: 1_795_000_000_000, seed: 1, ..Self::default() }
    }

    /// Puts an object into the agent. What isn't an object identifier is ignored.
    pub fn object(&mut self, oid: &str, value: Value) -> &mut Self {
        if let Some(arcs) = crate::oid::from_dotted(oid) {
            self.objects.insert(arcs, value);
        }
        self
    }

    /// Puts a text into the agent.
    pub fn text(&mut self, oid: &str, text: &str) -> &mut Self {
        self.object(oid, Value::Octets(text.as_bytes().to_vec()))
    }

    /// Puts an INTEGER into the agent.
    pub fn integer(&mut self, oid: &str, number: i32) -> &mut Self {
        self.object(oid, Value::Integer(number))
    }

    /// Puts an object identifier into the agent.
    pub fn object_id(&mut self, oid: &str, value: &str) -> &mut Self {
        self.object(oid, Value::ObjectId(crate::oid::from_dotted(value).unwrap_or_default()))
    }

    /// Takes everything below `root` from the agent.
    pub fn remove(&mut self, root: &str) -> &mut Self {
        if let Some(root) = crate::oid::from_dotted(root) {
            self.objects.retain(|oid, _| !oid.starts_with(&root));
        }
        self
    }

    /// Makes the agent unable to walk this table.
    pub fn break_table(&mut self, root: &str) -> &mut Self {
        self.broken.extend(crate::oid::from_dotted(root));
        self
    }

    /// Runs a function of a plug-in. What it left in `state` and `events` is undone when it fails.
    ///
    /// # Errors
    /// Those of the function.
    pub fn call<T, E>(&mut self, function: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let (state, events) = (self.state.clone(), self.events.len());
        RUNNING.with_borrow_mut(|running| *running = Some(std::mem::take(self)));
        let result = function();
        *self = RUNNING.with_borrow_mut(Option::take).unwrap_or_default();
        if result.is_err() {
            self.state = state;
            self.events.truncate(events);
        }
        result
    }

    /// Gives a command as a node would: what isn't given has its default, and what the plug-in wants done afterwards is
    /// done.
    ///
    /// # Errors
    /// Those of the command, and what isn't described.
    pub fn run<C: Commands>(&mut self, name: &str, given: &[(&str, Argument)]) -> Result<Deed, Failure> {
        let described = C::describe().into_iter().find(|command| command.name == name);
        let Some(command) = described else { return Err(crate::commands::no_such(name)) };
        let defaults = command.parameters.iter().filter_map(|parameter| {
            let given = given.iter().any(|(name, _)| *name == parameter.name);
            Some((parameter.name.as_str(), parameter.default.clone().filter(|_| !given)?))
        });
        let arguments: Vec<(&str, Argument)> = given.iter().cloned().chain(defaults).collect();
        let deed = self.call(|| C::run(name, &Arguments::new(&arguments)))?;
        self.perform(&deed.actions);
        Ok(deed)
    }

    /// Does what a plug-in wants done afterwards, as a node does once everything is stored.
    pub fn perform(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::SnmpSet(bindings) => {
                    for binding in bindings {
                        self.objects.insert(binding.oid.clone(), binding.value.clone());
                        self.written.push(binding.clone());
                    }
                }
                Action::HttpSend(request) => self.requests.push(request.clone()),
            }
        }
    }

    /// The node is restarted: the cache is empty.
    pub fn restart(&mut self) {
        self.cache.clear();
    }

    /// Starts counting anew.
    pub fn reset_traffic(&mut self) {
        self.traffic = Traffic::default();
    }
}
