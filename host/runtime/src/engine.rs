//! The engine, and plug-ins that are ready to be called.

use crate::CompileError;
use crate::bindings::{CommandsPluginPre, DriverPluginPre, PanelPluginPre, PowerPluginPre, wit};
use crate::call::Guest;
use crate::compile::{Compiled, Compiler};
use crate::limits::PARTS;
use crate::memory::Memories;
use hostler_core::plugin::grant::NotGranted;
use hostler_core::plugin::{Budget, Component, Grant, Interface, Kind, Offer, Refusal};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often a computing plug-in is looked at.
const TICK: Duration = Duration::from_millis(5);

/// So many calls are under way at most; further ones wait. Whoever calls shares them out, so that what is silent doesn't
/// hold them all.
pub const CALLS: u32 = 512;

/// Bytes of native stack that a plug-in gets.
const STACK: usize = 256 << 10;

/// Memories of one plug-in.
const MEMORIES: u32 = 4;

/// What an engine is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To run plug-ins: reserves address space for all calls.
    Run,
    /// To compile them only: reserves nothing, so that the compiling process can be limited.
    Compile,
}

/// The one configuration of every engine: node, compiling process, SDK and tests, so that compiled code always fits.
#[must_use]
pub fn config(purpose: Purpose) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(STACK)
        // The host's functions run on it too, where the plug-in's own part may be full.
        .async_stack_size(2 * STACK)
        // 64-bit memories are no business of a plug-in.
        .wasm_memory64(false)
        .wasm_multi_memory(true)
        // Bounds are checked by code, not by the kernel: with pages that are protected while a memory is small, each
        // call would change the process's mappings twice, and all calls wait for one another there.
        .signals_based_traps(false)
        .memory_reservation(u64::from(Budget::default().memory_bytes))
        .memory_guard_size(0)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    if purpose == Purpose::Run {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    }
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // Enough for each call to have as much as it may: what one plug-in takes is never missing to another.
    pool.total_component_instances(CALLS)
        .total_core_instances(CALLS.saturating_mul(PARTS))
        .total_memories(CALLS.saturating_mul(MEMORIES))
        .total_tables(CALLS.saturating_mul(PARTS))
        .total_stacks(CALLS)
        .max_core_instances_per_component(PARTS)
        .max_memories_per_component(MEMORIES)
        .max_memories_per_module(MEMORIES)
        .max_tables_per_component(PARTS)
        .max_tables_per_module(PARTS)
        .max_memory_size(Budget::default().memory_bytes as usize)
        .table_elements(20_000)
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(16 << 10)
        .max_unused_warm_slots(64)
        // What a call has touched is found by the kernel instead of zeroing what it may have touched.
        .pagemap_scan(Enabled::Auto);
    pool
}

/// A plug-in can't be made ready.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The engine can't be started.
    #[error("the plug-in host can't start: {0}")]
    Engine(String),
    /// It isn't one.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It can't be compiled.
    #[error("plug-in {plugin} was refused: {source}")]
    Compile {
        /// Which plug-in.
        plugin: String,
        /// Why.
        source: CompileError,
    },
    /// Nobody granted what it needs.
    #[error(transparent)]
    NotGranted(#[from] NotGranted),
    /// What it imports or exports has other types than this host's.
    #[error("plug-in {plugin} does not fit this host: {why}")]
    Unfit {
        /// Which plug-in.
        plugin: String,
        /// What doesn't fit.
        why: String,
    },
}

/// The plug-in host of one process.
pub struct Runtime {
    engine: Engine,
    compiled: Compiled,
    pub(crate) memories: Memories,
    pub(crate) calls: Semaphore,
}

/// A plug-in that is ready to be called.
pub struct Loaded {
    /// What it is.
    pub component: Component,
    /// What its calls may spend.
    pub budget: Budget,
    /// What it may do: what it asks for, all of which was granted.
    pub grant: Arc<Grant>,
    pub(crate) driver: DriverPluginPre<Guest>,
    pub(crate) commands: Option<CommandsPluginPre<Guest>>,
    pub(crate) panel: Option<PanelPluginPre<Guest>>,
    pub(crate) power: Option<PowerPluginPre<Guest>>,
}

impl Runtime {
    /// Starts the host. Compiled code is kept in `folder`, which only this node may write.
    ///
    /// # Errors
    /// The system doesn't give the address space.
    pub fn start(folder: PathBuf, compiler: Compiler) -> Result<Arc<Self>, RuntimeError> {
        let engine = Engine::new(&config(Purpose::Run)).map_err(|error| RuntimeError::Engine(format!("{error:#}")))?;
        let weak = engine.weak();
        std::thread::Builder::new()
            .name("epochs".to_owned())
            .spawn(move || {
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(TICK);
                }
            })
            .map_err(|error| RuntimeError::Engine(error.to_string()))?;
        Ok(Arc::new(Self {
            engine,
            compiled: Compiled::new(folder, compiler),
            memories: Memories::default(),
            calls: Semaphore::new(CALLS as usize),
        }))
    }

    /// Makes a plug-in ready: checks it, compiles it or takes what was compiled before, and links what was granted.
    ///
    /// # Errors
    /// A [`RuntimeError`] that names the plug-in, the rule, and the manifest's line where there is one.
    pub async fn load(&self, bytes: &[u8], grant: &Grant) -> Result<Loaded, RuntimeError> {
        let component = self.checked(bytes, grant, Kind::Device)?;
        let code = self.compiled(&component, bytes).await?;
        let plugin = component.manifest.name.to_string();
        let unfit = |error: wasmtime::Error| RuntimeError::Unfit { plugin: plugin.clone(), why: format!("{error:#}") };
        let linker = self.linker(&component.imports).map_err(unfit)?;
        let pre = linker.instantiate_pre(&code).map_err(unfit)?;
        let offered = |offer| component.offers(offer).then(|| pre.clone());
        let commands = offered(Offer::Commands).map(CommandsPluginPre::new).transpose().map_err(unfit)?;
        let panel = offered(Offer::Panel).map(PanelPluginPre::new).transpose().map_err(unfit)?;
        let power = offered(Offer::Power).map(PowerPluginPre::new).transpose().map_err(unfit)?;
        let driver = DriverPluginPre::new(pre).map_err(unfit)?;
        // What was granted beyond what it asks for isn't its.
        let grant = Arc::new(Grant::all_of(&component.manifest));
        let budget = component.manifest.budget.within(Budget::default());
        Ok(Loaded { component, budget, grant, driver, commands, panel, power })
    }

    /// The machine code of a component that was inspected.
    pub(crate) async fn compiled(
        &self,
        component: &Component,
        bytes: &[u8],
    ) -> Result<wasmtime::component::Component, RuntimeError> {
        let compiled = self.compiled.get(&self.engine, &component.digest, bytes).await;
        compiled.map_err(|source| RuntimeError::Compile { plugin: component.manifest.name.to_string(), source })
    }

    /// Forgets what was compiled of other components than these, and by other engines than this one.
    pub fn keep_only(&self, digests: &BTreeSet<String>) {
        self.compiled.keep_only(&self.engine, digests);
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A linker with what the plug-in imports and nothing else; that it was granted was checked before.
    fn linker(&self, imports: &BTreeSet<Interface>) -> wasmtime::Result<Linker<Guest>> {
        let mut linker = Linker::new(&self.engine);
        let link = &mut linker;
        type Own = HasSelf<Guest>;
        for import in imports {
            match import.name.as_str() {
                "snmp" => wit::snmp::add_to_linker::<_, Own>(link, |guest| guest)?,
                "http" => wit::http::add_to_linker::<_, Own>(link, |guest| guest)?,
                "state" => wit::state::add_to_linker::<_, Own>(link, |guest| guest)?,
                "cache" => wit::cache::add_to_linker::<_, Own>(link, |guest| guest)?,
                "events" => wit::events::add_to_linker::<_, Own>(link, |guest| guest)?,
                "log" => wit::log::add_to_linker::<_, Own>(link, |guest| guest)?,
                "clock" => wit::clock::add_to_linker::<_, Own>(link, |guest| guest)?,
                "random" => wit::random::add_to_linker::<_, Own>(link, |guest| guest)?,
                "settings" => wit::settings::add_to_linker::<_, Own>(link, |guest| guest)?,
                "types" => wit::types::add_to_linker::<_, Own>(link, |guest| guest)?,
                _ => {}
            }
        }
        Ok(linker)
    }
}
