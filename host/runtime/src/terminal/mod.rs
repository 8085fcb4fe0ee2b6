//! Terminal plug-ins: what a user runs at a computer in the devices' network, to find devices and to bring them their PINs.
//!
//! They are components like device plug-ins, compiled and limited in the same way, with a fresh instance for each call.
//! What they may import is other: no device, no memory, but the network that [`Lan`] lets them reach.
//!
//! `bindings` is generated, `host` is what is lent, `words` what comes and goes.

mod bindings;
mod host;
mod words;

pub use words::{DeviceStanding, Found, Outcome, Parcel, Verdict};

use crate::bindings::wit;
use crate::call::{CallError, Failure, LogLine, Trouble, fresh, trouble};
use crate::convert;
use crate::engine::{Runtime, RuntimeError};
use crate::limits::{Exceeded, Memory, Meter, Purse};
use bindings::delivery::DeliveryPluginPre;
use bindings::discovery::DiscoveryPluginPre;
use hostler_core::Timestamp;
use hostler_core::plugin::grant::NotGranted;
use hostler_core::plugin::{Component, Grant, Kind};
use hostler_links::Lan;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::{HasSelf, Linker};

/// How far a call is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// So many.
    pub done: u32,
    /// Of so many.
    pub total: u32,
    /// What it is about.
    pub about: String,
}

/// Who is told how far a call is.
pub type Watcher = Arc<dyn Fn(Progress) + Send + Sync>;

/// A terminal plug-in that is ready to be called.
pub struct TerminalPlugin {
    /// What it is.
    pub component: Component,
    discovery: Option<DiscoveryPluginPre<Visit>>,
    delivery: Option<DeliveryPluginPre<Visit>>,
}

/// What a call works on: the network that the user sits in.
pub struct Errand {
    /// The way into it.
    pub lan: Arc<Lan>,
    /// Who is told how far it is.
    pub progress: Watcher,
    /// The time.
    pub now: Timestamp,
}

/// A call that ended by itself.
#[derive(Clone, PartialEq, Debug)]
pub struct Visited<T> {
    /// What the plug-in said.
    pub answer: Result<T, Failure>,
    /// What it logged.
    pub log: Vec<LogLine>,
}

/// The host's side of one instance.
pub(crate) struct Visit {
    lan: Arc<Lan>,
    progress: Watcher,
    now: Timestamp,
    begun: Instant,
    log: Vec<LogLine>,
    purse: Purse,
    memory: Memory,
}

impl TerminalPlugin {
    /// Whether it finds devices.
    #[must_use]
    pub fn discovers(&self) -> bool {
        self.discovery.is_some()
    }

    /// Whether it brings PINs.
    #[must_use]
    pub fn delivers(&self) -> bool {
        self.delivery.is_some()
    }
}

impl Runtime {
    /// Makes a terminal plug-in ready: checks it, compiles it or takes what was compiled before, and links its imports.
    ///
    /// # Errors
    /// A [`RuntimeError`] that names the plug-in and the rule.
    pub async fn load_terminal(&self, bytes: &[u8], grant: &Grant) -> Result<TerminalPlugin, RuntimeError> {
        let component = self.checked(bytes, grant, Kind::Terminal)?;
        let code = self.compiled(&component, bytes).await?;
        let plugin = component.manifest.name.to_string();
        let unfit = |error: wasmtime::Error| RuntimeError::Unfit { plugin: plugin.clone(), why: format!("{error:#}") };
        let pre = self.terminal_linker().and_then(|linker| linker.instantiate_pre(&code)).map_err(unfit)?;
        let exports = |name: &str| component.exports.iter().any(|export| export.name == name);
        let discovery = exports("discovery").then(|| DiscoveryPluginPre::new(pre.clone()));
        let delivery = exports("delivery").then(|| DeliveryPluginPre::new(pre.clone()));
        let (discovery, delivery) = (discovery.transpose().map_err(unfit)?, delivery.transpose().map_err(unfit)?);
        Ok(TerminalPlugin { component, discovery, delivery })
    }

    /// Everything that a terminal lends, which is all that [`hostler_core::plugin::inspect`] lets one import.
    fn terminal_linker(&self) -> wasmtime::Result<Linker<Visit>> {
        let mut linker = Linker::new(self.engine());
        let link = &mut linker;
        type Own = HasSelf<Visit>;
        wit::types::add_to_linker::<_, Own>(link, |visit| visit)?;
        wit::log::add_to_linker::<_, Own>(link, |visit| visit)?;
        wit::clock::add_to_linker::<_, Own>(link, |visit| visit)?;
        bindings::terminal_types::add_to_linker::<_, Own>(link, |visit| visit)?;
        bindings::lan::add_to_linker::<_, Own>(link, |visit| visit)?;
        bindings::progress::add_to_linker::<_, Own>(link, |visit| visit)?;
        Ok(linker)
    }

    /// Finds devices.
    ///
    /// # Errors
    /// The plug-in crashed, was stopped, or doesn't do that.
    pub async fn discover(&self, plugin: &TerminalPlugin, errand: Errand) -> Result<Visited<Vec<Found>>, CallError> {
        let Some(pre) = &plugin.discovery else { return Err(cannot(plugin, "discover")) };
        self.visit(plugin, "discover", errand, async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.hostler_plugin_discovery().call_discover(store).await
        })
        .await
        .map(|visited| visited.map(words::found))
    }

    /// Brings parcels to devices: one outcome for each, in their order.
    ///
    /// # Errors
    /// The plug-in crashed, was stopped, or doesn't do that. What came of the parcels isn't known then.
    pub async fn deliver(
        &self,
        plugin: &TerminalPlugin,
        errand: Errand,
        parcels: &[Parcel],
    ) -> Result<Visited<Vec<Outcome>>, CallError> {
        let Some(pre) = &plugin.delivery else { return Err(cannot(plugin, "deliver")) };
        let brought: Vec<_> = parcels.iter().map(words::parcel).collect();
        self.visit(plugin, "deliver", errand, async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.hostler_plugin_delivery().call_deliver(store, &brought).await
        })
        .await
        .map(|visited| visited.map(|said| words::outcomes(parcels, said)))
    }

    async fn visit<T>(
        &self,
        plugin: &TerminalPlugin,
        function: &'static str,
        errand: Errand,
        ask: impl AsyncFnOnce(&mut wasmtime::Store<Visit>) -> wasmtime::Result<Result<T, wit::types::Failure>>,
    ) -> Result<Visited<T>, CallError> {
        let budget = plugin.component.manifest.budget;
        let _place = self.calls.acquire().await;
        let visit = Visit {
            lan: errand.lan,
            progress: errand.progress,
            now: errand.now,
            begun: Instant::now(),
            log: Vec::new(),
            purse: Purse::new(budget),
            memory: Memory::new(&budget),
        };
        let meter = Meter::new();
        let mut store = fresh(self.engine(), visit, |visit| &mut visit.memory, &budget, &meter);
        let outcome = {
            let work = meter.measure(ask(&mut store));
            tokio::time::timeout(Duration::from_millis(budget.wall_ms.into()), work).await
        };
        let denied = store.data().memory.denied;
        let visit = store.into_data();
        let answer = match outcome {
            Err(_) => Err(Trouble::Exceeded(Exceeded::Wall(budget.wall_ms))),
            Ok(Ok(answer)) => Ok(answer.map_err(convert::failure)),
            Ok(Err(error)) => Err(trouble(&error, &budget, denied)),
        };
        match answer {
            Ok(answer) => Ok(Visited { answer, log: visit.log }),
            Err(trouble) => Err(trouble.of(&plugin.component.manifest, function)),
        }
    }

    /// What a component is, if it is of this kind and all that it asks for was granted.
    pub(crate) fn checked(&self, bytes: &[u8], grant: &Grant, kind: Kind) -> Result<Component, RuntimeError> {
        let component = hostler_core::plugin::inspect(bytes)?;
        if component.kind != kind {
            let plugin = component.manifest.name.to_string();
            let why = match kind {
                Kind::Device => "it is for the terminals of users, and knows no device type",
                Kind::Terminal => "it is for nodes, and does nothing at a terminal",
            };
            return Err(RuntimeError::Unfit { plugin, why: why.to_owned() });
        }
        grant.covers(&component.manifest).map_err(|lacking: NotGranted| RuntimeError::from(lacking))?;
        Ok(component)
    }
}

impl<T> Visited<T> {
    fn map<R>(self, with: impl FnOnce(T) -> R) -> Visited<R> {
        Visited { answer: self.answer.map(with), log: self.log }
    }
}

fn cannot(plugin: &TerminalPlugin, function: &'static str) -> CallError {
    Trouble::Overstepped(format!("it has no function {function}")).of(&plugin.component.manifest, function)
}
