//! A plug-in call with every limit on, against bare wasmtime doing instantiate, call and drop.

use crate::Arguments;
use crate::report::{Aim, Report};
use anyhow::{Context, Result};
use hostler_core::Timestamp;
use hostler_core::plugin::Grant;
use hostler_runtime::{Call, Compiler, Question, Runtime};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

const CALLS: u32 = 5_000;
const ROUNDS: usize = 7;

pub async fn measure(arguments: &Arguments, report: &Report) -> Result<()> {
    let path = arguments.plugins.join("bench-guest.wasm");
    let bytes = std::fs::read(&path).with_context(|| format!("{}; build it with ./just bench", path.display()))?;
    let folder = tempfile::tempdir()?;
    let runtime = Runtime::start(folder.path().to_owned(), Compiler::Here)?;
    let plugin = runtime.load(&bytes, &Grant::default()).await?;
    let call = || Call {
        device: "bench".parse().expect("a device ID"),
        snmp: None,
        http: None,
        state: BTreeMap::new(),
        settings: BTreeMap::new(),
        now: Timestamp(1),
    };
    let bare = Bare::new(&bytes)?;
    let (mut ours, mut other) = (Vec::new(), Vec::new());
    // In turns, so that what else the machine does hits both.
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            runtime.call(&plugin, call(), Question::Recognise).await?;
        }
        ours.push(start.elapsed() / CALLS);
        let start = Instant::now();
        for _ in 0..CALLS {
            bare.call().await?;
        }
        other.push(start.elapsed() / CALLS);
    }
    report.figure(
        "plug-in call, fresh instance, limits on",
        "µs",
        micros(&mut ours),
        micros(&mut other),
        Aim::AtMost(1.25),
    );
    Ok(())
}

/// The fastest round: the one that was disturbed least.
fn micros(rounds: &mut [Duration]) -> f64 {
    rounds.sort();
    rounds.first().map_or(0.0, |fastest| fastest.as_secs_f64() * 1e6)
}

/// wasmtime as its documentation shows it: pooling, async, no epochs, no limiter, no budget.
struct Bare {
    engine: Engine,
    pre: wasmtime::component::InstancePre<()>,
    interface: wasmtime::component::ComponentExportIndex,
    function: wasmtime::component::ComponentExportIndex,
}

impl Bare {
    fn new(bytes: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        let mut pool = PoolingAllocationConfig::new();
        pool.linear_memory_keep_resident(256 << 10).table_keep_resident(16 << 10);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool)).concurrency_support(false);
        let engine = Engine::new(&config).map_err(anyhow_of)?;
        let component = Component::new(&engine, bytes).map_err(anyhow_of)?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&component).map_err(anyhow_of)?;
        let pre = linker.instantiate_pre(&component).map_err(anyhow_of)?;
        let interface = component.get_export_index(None, "hostler:plugin/driver@0.1.0").context("no driver")?;
        let function = component.get_export_index(Some(&interface), "recognise").context("no function")?;
        Ok(Self { engine, pre, interface, function })
    }

    async fn call(&self) -> Result<()> {
        let mut store = Store::new(&self.engine, ());
        let instance = self.pre.instantiate_async(&mut store).await.map_err(anyhow_of)?;
        let _ = self.interface;
        let function = instance.get_func(&mut store, self.function).context("no function")?;
        let mut results = [wasmtime::component::Val::Bool(false)];
        function.call_async(&mut store, &[], &mut results).await.map_err(anyhow_of)?;
        Ok(())
    }
}

fn anyhow_of(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
