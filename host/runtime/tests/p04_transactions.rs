//! P4: what a call leaves behind is stored with its answer or not at all, and compiled code outlives the node.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{Stage, call, compiled, device, hostile};
use hostler_core::plugin::{Grant, inspect};
use hostler_core::reading::Severity;
use hostler_hostile::Behaviour;
use hostler_runtime::{Call, Compiler, Question, Runtime, RuntimeError, Traces};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn remembering(behaviour: Behaviour) -> Call {
    Call { state: [("old".to_owned(), b"1".to_vec())].into(), ..call(behaviour) }
}

#[tokio::test]
async fn p04_an_answer_leaves_its_traces_whole() {
    let stage = Stage::new().await;
    let done = stage.runtime.call(&stage.plugin, remembering(Behaviour::StateThenAnswer), Question::Read).await;
    let Traces { state, events } = done.unwrap().traces;
    let wanted = BTreeMap::from([("new".to_owned(), Some(b"2".to_vec())), ("old".to_owned(), None)]);
    assert_eq!(state, wanted, "what came and went within the call left nothing");
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.name.as_str(), event.text.as_str()), ("hostile.left", "a trace"));
    assert_eq!((event.severity, &event.device), (Severity::Warning, &Some(device())));
}

#[tokio::test]
async fn p04_a_failure_leaves_none() {
    let stage = Stage::new().await;
    let done = stage.runtime.call(&stage.plugin, remembering(Behaviour::StateThenFail), Question::Read).await.unwrap();
    assert!(done.answer.is_err());
    assert_eq!(done.traces, Traces::default());
}

#[tokio::test]
async fn p04_a_trap_and_a_stop_leave_none_not_even_in_the_cache() {
    for behaviour in [Behaviour::StateThenTrap, Behaviour::StateThenLoop] {
        let stage = Stage::new().await;
        let crashed = stage.runtime.call(&stage.plugin, remembering(behaviour), Question::Read).await;
        assert!(crashed.is_err(), "{behaviour:?}");
        assert_eq!(stage.report(Behaviour::WellBehaved).await.readings, [], "{behaviour:?}");
    }
}

#[tokio::test]
async fn p04_what_is_as_it_was_is_not_written() {
    let stage = Stage::new().await;
    let state = [("new".to_owned(), b"2".to_vec())].into();
    let call = Call { state, ..call(Behaviour::StateThenAnswer) };
    let done = stage.runtime.call(&stage.plugin, call, Question::Read).await.unwrap();
    assert_eq!(done.traces.state, BTreeMap::new());
}

#[tokio::test]
async fn p04_keys_that_are_replaced_do_not_count_twice() {
    let stage = Stage::new().await;
    let state = (0..200).map(|key| (format!("given-{key}"), b"old".to_vec())).collect();
    let call = Call { state, ..call(Behaviour::RewriteState) };
    let done = stage.runtime.call(&stage.plugin, call, Question::Read).await.unwrap();
    assert_eq!(done.traces.state.len(), 201);
}

#[tokio::test]
async fn p04_calls_of_one_plugin_share_nothing_but_what_is_stored() {
    let stage = Stage::new().await;
    let calls = (0..50).map(|_| stage.read(Behaviour::StateThenAnswer));
    for done in futures::future::join_all(calls).await {
        assert_eq!(done.unwrap().traces.events.len(), 1);
    }
}

/// A compiler that must not be needed.
fn none() -> Compiler {
    Compiler::Child { program: PathBuf::from("/nonexistent/compiler"), arguments: Vec::new() }
}

#[tokio::test]
async fn p04_compiled_code_is_kept_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = hostile();
    let component = inspect(&bytes).unwrap();
    let grant = Grant::all_of(&component.manifest);
    let start = |compiler| Runtime::start(folder.path().to_path_buf(), compiler).unwrap();

    let Err(error) = start(none()).load(&bytes, &grant).await else { panic!("there was no compiler") };
    assert!(matches!(&error, RuntimeError::Compile { plugin, .. } if plugin == "hostile"), "{error}");
    assert!(start(Compiler::Here).load(&bytes, &grant).await.is_ok());

    let runtime = start(none());
    let plugin = runtime.load(&bytes, &grant).await.unwrap();
    assert!(runtime.call(&plugin, call(Behaviour::WellBehaved), Question::Read).await.is_ok());

    std::fs::write(folder.path().join(format!("{}-0123456789abcdef.cwasm", component.digest)), b"another engine's")
        .unwrap();
    std::fs::write(folder.path().join(".tmpAbCdEf"), b"half").unwrap();
    runtime.keep_only(&[component.digest].into());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "what this engine can't use is gone");
    assert!(runtime.load(&bytes, &grant).await.is_ok());
    runtime.keep_only(&[].into());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(runtime.call(&plugin, call(Behaviour::WellBehaved), Question::Read).await.is_ok(), "it is still loaded");
    assert!(runtime.load(&bytes, &grant).await.is_err(), "it was forgotten");
}

#[tokio::test]
async fn p04_compiled_code_that_does_not_fit_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = hostile();
    let grant = Grant::all_of(&inspect(&bytes).unwrap().manifest);
    let start = |compiler| Runtime::start(folder.path().to_path_buf(), compiler).unwrap();
    assert!(start(Compiler::Here).load(&bytes, &grant).await.is_ok());
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::write(entry.unwrap().path(), b"").unwrap();
    }
    assert!(start(none()).load(&bytes, &grant).await.is_err());
    assert!(start(Compiler::Here).load(&bytes, &grant).await.is_ok());
    assert!(start(none()).load(&bytes, &grant).await.is_ok());
}

#[tokio::test]
async fn p04_a_plugin_that_is_loaded_twice_at_once_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = hostile();
    let grant = Grant::all_of(&inspect(&bytes).unwrap().manifest);
    let runtime = Runtime::start(folder.path().to_path_buf(), Compiler::Here).unwrap();
    let (one, other) = tokio::join!(runtime.load(&bytes, &grant), runtime.load(&bytes, &grant));
    for plugin in [one.unwrap(), other.unwrap()] {
        assert!(runtime.call(&plugin, call(Behaviour::WellBehaved), Question::Read).await.is_ok());
    }
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "nothing half-done is left");
    assert_ne!(folder.path(), compiled());
}
