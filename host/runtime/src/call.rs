//! One call from beginning to end: a fresh instance, the links of one device, a budget, and the traces that it left.

use crate::actions::{self, Action, Deed};
use crate::ask::ask;
use crate::engine::{Loaded, Runtime};
use crate::limits::{Exceeded, Memory, Meter, Overstep, Purse, Refused};
use crate::memory::Remembered;
use hostler_core::command::{Arguments, Command, PanelText, PanelView, PowerState, PowerWish};
use hostler_core::device::Certainty;
use hostler_core::event::Event;
use hostler_core::plugin::{Budget, Capability, Grant, Manifest};
use hostler_core::reading::{DeviceType, Identity, Report};
use hostler_core::{DeviceId, PluginName, Timestamp};
use hostler_links::{HttpLink, SnmpLink, VarBind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

/// What a plug-in is asked. Each is a function of an interface in `wit/`.
#[derive(Clone, Debug)]
pub enum Question {
    /// Is the thing of this type?
    Recognise,
    /// Who is it?
    Identify,
    /// How is it?
    Read,
    /// It sent this trap.
    TakeNotice(Vec<VarBind>),
    /// Which commands are there? The plug-in gets nothing of a device for it, whatever the call has.
    DescribeCommands,
    /// Do this. Whoever asks has checked the arguments against the description.
    RunCommand {
        /// The command's name.
        name: String,
        /// What it was given.
        arguments: Arguments,
    },
    /// What does its panel show?
    LookAtPanel,
    /// Show this on its panel.
    ShowOnPanel(PanelText),
    /// How is it powered?
    PowerState,
    /// Have it change that.
    SetPower(PowerWish),
}

impl Question {
    fn name(&self) -> &'static str {
        match self {
            Self::Recognise => "recognise",
            Self::Identify => "identify",
            Self::Read => "read",
            Self::TakeNotice(_) => "take-notice",
            Self::DescribeCommands => "commands.describe",
            Self::RunCommand { .. } => "commands.run",
            Self::LookAtPanel => "panel.look",
            Self::ShowOnPanel(_) => "panel.show",
            Self::PowerState => "power.state",
            Self::SetPower(_) => "power.set",
        }
    }

    /// Whether it is about a device at all.
    fn is_of_a_device(&self) -> bool {
        !matches!(self, Self::DescribeCommands)
    }
}

/// What a plug-in answered.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// To [`Question::Recognise`].
    Recognised(Option<Recognition>),
    /// To [`Question::Identify`].
    Identified(Identity),
    /// To [`Question::Read`], and to [`Question::TakeNotice`] where it says something new.
    Report(Option<(Report, Vec<Action>)>),
    /// To [`Question::DescribeCommands`]: within what a description may have.
    Commands(Vec<Command>),
    /// To [`Question::RunCommand`], [`Question::ShowOnPanel`] and [`Question::SetPower`].
    Did(Deed),
    /// To [`Question::LookAtPanel`].
    Panel(PanelView),
    /// To [`Question::PowerState`].
    Power(PowerState),
}

/// A plug-in's opinion that a thing is of its type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recognition {
    /// How sure it is.
    pub certainty: Certainty,
    /// The type it claims.
    pub device_type: DeviceType,
    /// What to show.
    pub title: String,
}

/// Why a plug-in couldn't do what it was called for. It leaves no traces then.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// The thing did not answer in time.
    #[error("it does not answer: {0}")]
    Unreachable(String),
    /// The thing answered nonsense.
    #[error("it answered something that can't be understood: {0}")]
    Garbled(String),
    /// The thing refused.
    #[error("it refused: {0}")]
    Refused(String),
    /// The thing can't.
    #[error("it can't do this: {0}")]
    Unsupported(String),
}

/// A call that ended badly. It cost this call and nothing else.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallError {
    /// It wanted more than its budget.
    #[error("plug-in {plugin} {version} was stopped in {function}: {exceeded}")]
    Stopped {
        /// Which plug-in.
        plugin: PluginName,
        /// In which version.
        version: String,
        /// In which function.
        function: &'static str,
        /// Which limit.
        exceeded: Exceeded,
    },
    /// It crashed.
    #[error("plug-in {plugin} {version} crashed in {function}: {why}")]
    Trapped {
        /// Which plug-in.
        plugin: PluginName,
        /// In which version.
        version: String,
        /// In which function.
        function: &'static str,
        /// What the engine says.
        why: String,
    },
    /// It wants something done afterwards that it may not do, or says what the contract has no room for.
    #[error("plug-in {plugin} {version} overstepped in {function}: {what}")]
    Overstepped {
        /// Which plug-in.
        plugin: PluginName,
        /// In which version.
        version: String,
        /// In which function.
        function: &'static str,
        /// What it may not, and the rule.
        what: String,
    },
}

/// What a call works on: one device, and nothing else.
pub struct Call {
    /// The device.
    pub device: DeviceId,
    /// The link to its SNMP agent, where it has one.
    pub snmp: Option<SnmpLink>,
    /// The link to its web server, where it has one.
    pub http: Option<HttpLink>,
    /// What the plug-in remembers of it.
    pub state: BTreeMap<String, Vec<u8>>,
    /// What the operator set.
    pub settings: BTreeMap<String, String>,
    /// The time.
    pub now: Timestamp,
}

impl Call {
    /// A call that has nothing of a device, for [`Question::DescribeCommands`].
    #[must_use]
    pub fn without_device(now: Timestamp) -> Self {
        let (state, settings) = (BTreeMap::new(), BTreeMap::new());
        Self { device: DeviceId::from_words(&["no-device"]), snmp: None, http: None, state, settings, now }
    }
}

/// What a call leaves behind, to be stored with its answer or not at all.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Traces {
    /// What changed in `state`; `None` forgets a key.
    pub state: BTreeMap<String, Option<Vec<u8>>>,
    /// What happened.
    pub events: Vec<Event>,
}

/// How much a log line matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "they are their names")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// A line for the operator and the author.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The line, without control characters.
    pub text: String,
}

/// What a call cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Spent {
    /// Microseconds of computing.
    pub compute_us: u64,
    /// Bytes in all memories and tables at the end.
    pub memory_bytes: usize,
    /// Bytes between plug-in and host.
    pub host_bytes: u64,
    /// Requests to the device.
    pub link_operations: u32,
    /// Log lines that were too many.
    pub log_lines_dropped: u32,
}

/// A call that ended by itself.
#[derive(Clone, PartialEq, Debug)]
pub struct Done {
    /// What the plug-in said.
    pub answer: Result<Answer, Failure>,
    /// What it leaves behind; nothing where the answer is a failure.
    pub traces: Traces,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// What it cost.
    pub spent: Spent,
}

/// The host's side of one instance.
pub(crate) struct Guest {
    pub(crate) device: DeviceId,
    pub(crate) grant: Arc<Grant>,
    pub(crate) snmp: Option<SnmpLink>,
    pub(crate) http: Option<HttpLink>,
    pub(crate) stored: BTreeMap<String, Vec<u8>>,
    pub(crate) cache: Remembered,
    pub(crate) cache_changed: bool,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) now: Timestamp,
    pub(crate) begun: std::time::Instant,
    pub(crate) traces: Traces,
    pub(crate) log: Vec<LogLine>,
    pub(crate) purse: Purse,
    pub(crate) memory: Memory,
}

impl Runtime {
    /// Calls a plug-in once.
    ///
    /// # Errors
    /// The plug-in crashed or was stopped; it left no traces.
    pub async fn call(&self, plugin: &Loaded, call: Call, question: Question) -> Result<Done, CallError> {
        let function = question.name();
        let of_a_device = question.is_of_a_device();
        let call = if of_a_device { call } else { Call { settings: call.settings, ..Call::without_device(call.now) } };
        let budget = plugin.budget;
        let name = &plugin.component.manifest.name;
        let _place = self.calls.acquire().await;
        let cache = if of_a_device && plugin.grant.has(&Capability::Cache) {
            self.memories.recall(&call.device, name)
        } else {
            Remembered::default()
        };
        let guest = Guest {
            device: call.device,
            grant: Arc::clone(&plugin.grant),
            snmp: call.snmp,
            http: call.http,
            stored: call.state,
            cache,
            cache_changed: false,
            settings: settings(plugin, call.settings),
            now: call.now,
            begun: std::time::Instant::now(),
            traces: Traces::default(),
            log: Vec::new(),
            purse: Purse::new(budget),
            memory: Memory::new(&budget),
        };
        let meter = Meter::new();
        let mut store = fresh(self.engine(), guest, |guest| &mut guest.memory, &budget, &meter);
        let outcome = {
            let work = meter.measure(ask(plugin, &mut store, &question));
            tokio::time::timeout(Duration::from_millis(budget.wall_ms.into()), work).await
        };
        let denied = store.data().memory.denied;
        let answer = match outcome {
            Err(_) => Err(Trouble::Exceeded(Exceeded::Wall(budget.wall_ms))),
            Ok(Ok(answer)) => actions::check(plugin, &answer).map(|()| answer),
            Ok(Err(error)) => Err(trouble(&error, &budget, denied)),
        };
        let guest = store.into_data();
        let answer = answer.map_err(|trouble| {
            last_words(&guest, name);
            trouble.of(&plugin.component.manifest, function)
        })?;
        let traces = if of_a_device && answer.is_ok() { guest.traces } else { Traces::default() };
        if of_a_device && guest.cache_changed {
            self.memories.keep(&guest.device, name, guest.cache);
        }
        let spent = Spent {
            compute_us: meter.micros_spent(),
            memory_bytes: guest.memory.used(),
            host_bytes: guest.purse.host_bytes,
            link_operations: guest.purse.link_operations,
            log_lines_dropped: guest.purse.log_dropped,
        };
        Ok(Done { answer, traces, log: guest.log, spent })
    }
}

/// A store with the limits of one call.
pub(crate) fn fresh<T: Send + 'static>(
    engine: &Engine,
    guest: T,
    memory: fn(&mut T) -> &mut Memory,
    budget: &Budget,
    meter: &Meter,
) -> Store<T> {
    let mut store = Store::new(engine, guest);
    store.limiter(move |guest| memory(guest));
    store.set_hostcall_fuel(budget.host_bytes as usize);
    store.set_max_component_handles(1_000);
    let (watch, most) = (meter.clone(), budget.compute_ms);
    store.epoch_deadline_callback(move |_| {
        if watch.millis() > u64::from(most) {
            return Err(Exceeded::Compute(most).into());
        }
        Ok(UpdateDeadline::Yield(1))
    });
    store.set_epoch_deadline(1);
    store
}

/// What the operator set, and the manifest's defaults for the rest.
fn settings(plugin: &Loaded, set: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let defaults = plugin.component.manifest.settings.iter();
    defaults
        .filter_map(|(name, setting)| Some((name.clone(), setting.default.clone()?)))
        .chain(set)
        .filter(|(name, _)| plugin.component.manifest.settings.contains_key(name))
        .collect()
}

/// What ended a call, before it is said whose.
pub(crate) enum Trouble {
    Exceeded(Exceeded),
    Trapped(String),
    Overstepped(String),
}

impl Trouble {
    pub(crate) fn of(self, manifest: &Manifest, function: &'static str) -> CallError {
        let (plugin, version) = (manifest.name.clone(), manifest.version.to_string());
        match self {
            Self::Exceeded(exceeded) => CallError::Stopped { plugin, version, function, exceeded },
            Self::Trapped(why) => CallError::Trapped { plugin, version, function, why },
            Self::Overstepped(what) => CallError::Overstepped { plugin, version, function, what },
        }
    }
}

/// What the engine says when a plug-in passes more in one go than [`Store::set_hostcall_fuel`] lets it; its type is private.
const TOO_MUCH_IN_ONE_GO: &str = "fuel allocated for hostcalls";

/// What ended a call: a limit where one was met, else what the engine says.
pub(crate) fn trouble(error: &wasmtime::Error, budget: &Budget, denied: bool) -> Trouble {
    if let Some(exceeded) = error.downcast_ref::<Exceeded>() {
        return Trouble::Exceeded(*exceeded);
    }
    if let Some(Overstep(what)) = error.downcast_ref::<Overstep>() {
        return Trouble::Overstepped(what.clone());
    }
    if let Some(refused) = error.downcast_ref::<Refused>() {
        return Trouble::Trapped(refused.to_string());
    }
    let why = match error.downcast_ref::<Trap>() {
        // A program that gets no memory gives up by itself: that is how a refusal to grow shows.
        Some(Trap::UnreachableCodeReached) | None if denied => {
            return Trouble::Exceeded(Exceeded::Memory(budget.memory_bytes));
        }
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    if why.contains(TOO_MUCH_IN_ONE_GO) {
        return Trouble::Exceeded(Exceeded::HostBytes(budget.host_bytes));
    }
    Trouble::Trapped(why)
}

/// What a call logged before it ended badly goes to the node's log: it is what the author needs most.
fn last_words(guest: &Guest, plugin: &PluginName) {
    for line in &guest.log {
        tracing::warn!(device = %guest.device, %plugin, level = ?line.level, "before the plug-in ended badly: {}", line.text);
    }
}
