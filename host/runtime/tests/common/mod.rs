//! What the tests of the plug-in host share: the hostile plug-in, a call of it, a device that is silent, and components
//! made to measure.

#![allow(dead_code, reason = "no test program uses all of it")]

pub mod component;
pub mod device;

use hostler_core::plugin::{Grant, Manifest, inspect};
use hostler_core::reading::{Report, Value};
use hostler_core::{DeviceId, Timestamp};
use hostler_hostile::Behaviour;
use hostler_links::SnmpLink;
use hostler_runtime::{Answer, Call, CallError, Compiler, Done, Loaded, Question, Runtime};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The hostile plug-in, as `hostler-sdk build tests/hostile` made it.
pub fn hostile() -> Vec<u8> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("plugins").join("hostile.wasm");
    std::fs::read(&file)
        .unwrap_or_else(|error| panic!("{} can't be read ({error}); run `./just plugins`", file.display()))
}

/// Where all tests keep compiled code, so that it is made once.
pub fn compiled() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile")
}

/// A plug-in host with the hostile plug-in, granted what it asks for.
pub struct Stage {
    pub runtime: Arc<Runtime>,
    pub plugin: Loaded,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(&hostile()).await
    }

    /// The same with another component, granted all that it asks for.
    pub async fn with(bytes: &[u8]) -> Self {
        let runtime = Runtime::start(compiled(), Compiler::Here).unwrap();
        let grant = Grant::all_of(&inspect(bytes).unwrap().manifest);
        let plugin = runtime.load(bytes, &grant).await.unwrap();
        Self { runtime, plugin }
    }

    /// The hostile plug-in with a manifest that doesn't ask to write to the device.
    pub async fn reading_only() -> Self {
        let text = manifest().replace("snmp = { write = true }", "snmp = {}");
        Self::with(&component::with_manifest(&hostile(), &text)).await
    }

    pub async fn read(&self, behaviour: Behaviour) -> Result<Done, CallError> {
        self.runtime.call(&self.plugin, call(behaviour), Question::Read).await
    }

    pub async fn read_device(&self, behaviour: Behaviour, snmp: SnmpLink) -> Result<Done, CallError> {
        self.runtime.call(&self.plugin, Call { snmp: Some(snmp), ..call(behaviour) }, Question::Read).await
    }

    /// A call that must succeed.
    pub async fn report(&self, behaviour: Behaviour) -> Report {
        report(self.read(behaviour).await.unwrap())
    }
}

/// The hostile plug-in's manifest.
pub fn manifest() -> String {
    inspect(&hostile()).unwrap().manifest_text
}

pub fn parsed_manifest() -> Manifest {
    inspect(&hostile()).unwrap().manifest
}

pub fn device() -> DeviceId {
    DeviceId::from_words(&["hostile"])
}

/// A call for a device without links.
pub fn call(behaviour: Behaviour) -> Call {
    Call {
        device: device(),
        snmp: None,
        http: None,
        state: BTreeMap::new(),
        settings: [("behaviour".to_owned(), behaviour.name().to_owned())].into(),
        now: Timestamp(1_800_000_000_000),
    }
}

/// The report in an answer that has to be one.
pub fn report(done: Done) -> Report {
    match done.answer {
        Ok(Answer::Report(Some((report, _)))) => report,
        other => panic!("{other:?}"),
    }
}

/// The one text of a report: what the plug-in was told.
pub fn told(done: Done) -> String {
    match report(done).readings.into_iter().next().map(|reading| reading.value) {
        Some(Value::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}
