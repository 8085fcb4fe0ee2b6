//! P1: what is no plug-in is refused before it runs, by a sentence that names the plug-in, the rule and, where there is one,
//! the manifest's line.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::component::{
    self, FAILING_READ, MANIFEST, driver, other, patched, section, with_manifest, without_manifest,
};
use common::{compiled, hostile, manifest};
use hostler_core::plugin::{COMPONENT_LIMIT, Capability, Grant, Refusal, inspect};
use hostler_runtime::{Compiler, Runtime, RuntimeError};

/// What a node says of a component that is granted whatever it asks for.
async fn refusal(bytes: &[u8]) -> RuntimeError {
    let grant = inspect(bytes).map(|component| Grant::all_of(&component.manifest)).unwrap_or_default();
    let runtime = Runtime::start(compiled(), Compiler::Here).unwrap();
    match runtime.load(bytes, &grant).await {
        Err(error) => error,
        Ok(plugin) => panic!("{} was taken", plugin.component.size),
    }
}

fn refused(bytes: &[u8]) -> (Refusal, String) {
    let refusal = inspect(bytes).unwrap_err();
    (refusal.clone(), refusal.to_string())
}

#[test]
fn p01_what_is_no_component_is_refused() {
    assert!(matches!(refused(b"#!/bin/sh\n").0, Refusal::NotAComponent(_)));
    assert!(matches!(refused(b"").0, Refusal::NotAComponent(_)));
    assert_eq!(refused(&wat::parse_str("(module)").unwrap()).0, Refusal::CoreModule);
}

#[test]
fn p01_a_component_cut_short_is_refused_wherever_it_is_cut() {
    let whole = hostile();
    for length in (0..whole.len()).step_by(997) {
        assert!(inspect(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
    }
}

#[test]
fn p01_a_component_without_a_manifest_is_refused() {
    let (refusal, sentence) = refused(&without_manifest(&hostile()));
    assert_eq!(refusal, Refusal::NoManifest);
    assert!(sentence.contains("hostler-sdk build"), "{sentence}");
}

#[test]
fn p01_a_component_with_two_manifests_is_refused() {
    let two = [hostile(), section(MANIFEST)].concat();
    assert_eq!(refused(&two).0, Refusal::ManyManifests);
}

#[test]
fn p01_an_unknown_key_in_the_manifest_is_named_with_its_line() {
    let text = manifest().replace("state = true", "sate = true");
    let line = text.lines().position(|line| line.contains("sate")).unwrap() + 1;
    let (_, sentence) = refused(&with_manifest(&hostile(), &text));
    assert!(sentence.contains(&format!("line {line}")) && sentence.contains("sate"), "{sentence}");
}

#[test]
fn p01_a_manifest_that_is_no_text_is_refused() {
    let mut bytes = hostile();
    *bytes.last_mut().unwrap() = 0xff;
    assert!(matches!(refused(&bytes).0, Refusal::Manifest(_)));
}

#[test]
fn p01_an_unknown_interface_version_is_named() {
    for interface in ["driver", "snmp"] {
        let from = format!("hostler:plugin/{interface}@0.1.0");
        let (refusal, sentence) = refused(&patched(&hostile(), &from, &from.replace("0.1.0", "0.9.0")));
        assert!(matches!(refusal, Refusal::UnknownVersion { .. }), "{sentence}");
        assert!(sentence.contains("hostile") && sentence.contains("0.9.0") && sentence.contains("0.1.0"), "{sentence}");
    }
}

#[test]
fn p01_an_unknown_interface_is_named() {
    let (refusal, sentence) = refused(&patched(&hostile(), "hostler:plugin/snmp@", "hostler:plugin/exec@"));
    assert!(matches!(refusal, Refusal::UnknownInterface { .. }), "{sentence}");
    assert!(sentence.contains("hostile") && sentence.contains("exec"), "{sentence}");
}

#[test]
fn p01_an_import_that_is_not_ours_is_named() {
    let (refusal, sentence) = refused(&patched(&hostile(), "hostler:plugin/snmp@0.1.0", "wasi:sockets/udps@0.2.0.0"));
    assert!(matches!(refusal, Refusal::ForeignImport { .. }), "{sentence}");
    assert!(sentence.contains("hostile") && sentence.contains("wasi:sockets"), "{sentence}");
}

#[test]
fn p01_an_import_that_the_manifest_does_not_ask_for_is_named() {
    for (line, interface) in [
        ("snmp = { write = true }", "snmp"),
        ("state = true", "state"),
        ("cache = true", "cache"),
        ("events = true", "events"),
    ] {
        let (refusal, sentence) = refused(&with_manifest(&hostile(), &manifest().replace(line, "")));
        assert!(matches!(refusal, Refusal::Undeclared { .. }), "{sentence}");
        assert!(sentence.contains("hostile") && sentence.contains(interface), "{sentence}");
    }
}

#[tokio::test]
async fn p01_what_was_not_granted_is_named_with_its_line() {
    let runtime = Runtime::start(compiled(), Compiler::Here).unwrap();
    let whole = common::parsed_manifest();
    for capability in &whole.needs {
        let grant = Grant(whole.needs.iter().filter(|other| *other != capability).cloned().collect());
        let Err(error) = runtime.load(&hostile(), &grant).await else { panic!("{capability} was not needed") };
        assert!(matches!(error, RuntimeError::NotGranted(_)), "{error}");
        let sentence = error.to_string();
        let line = format!("line {}", whole.line_of(capability).unwrap());
        assert!(sentence.contains("hostile") && sentence.contains(&line), "{sentence}");
        assert!(sentence.contains(&capability.to_string()), "{sentence}");
    }
    assert!(whole.needs.contains(&Capability::SnmpWrite));
    assert!(whole.needs.contains(&"credential:own".parse().unwrap()));
}

#[test]
fn p01_a_component_without_a_driver_is_refused() {
    // One of ours that stands beside driver, and one that is nobody's.
    for (interface, stands_beside) in [("panel", true), ("gauges", false)] {
        let wit = format!(
            "package hostler:plugin@0.1.0; interface {interface} {{ f: func(); }} world w {{ export {interface}; }}"
        );
        let module =
            format!(r#"(module (func (export "hostler:plugin/{interface}@0.1.0#f")) (memory (export "memory") 1))"#);
        let (refusal, sentence) = refused(&other(&wit, &module));
        assert_eq!(matches!(refusal, Refusal::NoExport { .. }), !stands_beside, "{sentence}");
        assert!(sentence.contains("made") && sentence.contains("driver"), "{sentence}");
    }
}

#[tokio::test]
async fn p01_a_driver_of_another_shape_is_refused() {
    let wit = "package hostler:plugin@0.1.0; interface driver { read: func(); } world w { export driver; }";
    let bytes =
        other(wit, r#"(module (func (export "hostler:plugin/driver@0.1.0#read")) (memory (export "memory") 1))"#);
    let error = refusal(&bytes).await;
    assert!(matches!(&error, RuntimeError::Unfit { plugin, .. } if plugin == "made"), "{error}");
}

#[test]
fn p01_what_is_too_large_is_refused_unread() {
    assert_eq!(refused(&vec![0; COMPONENT_LIMIT + 1]).0, Refusal::TooLarge(COMPONENT_LIMIT + 1));
}

#[tokio::test]
async fn p01_what_passes_for_a_component_and_is_none_is_refused_by_the_compiler() {
    // The outline is right, a function's code isn't.
    let mut bytes = driver(FAILING_READ);
    let code = [0x41, 0x80, 0x10, 0x0b]; // i32.const 2048, end
    let at = bytes.windows(code.len()).position(|window| window == code).unwrap();
    bytes[at] = 0x42; // i64.const
    let error = refusal(&bytes).await;
    assert!(matches!(&error, RuntimeError::Compile { plugin, .. } if plugin == "made"), "{error}");
    assert!(error.to_string().contains("made"), "{error}");
}

#[tokio::test]
async fn p01_more_memories_or_tables_than_one_plugin_gets_are_refused() {
    let memories = "(memory 1)".repeat(4);
    let tables = "(table 1 funcref)".repeat(21);
    for many in [memories, tables, "(memory 1000)".to_owned(), "(table 1000000 funcref)".to_owned()] {
        let error = refusal(&driver(&format!("{many} {FAILING_READ}"))).await;
        assert!(matches!(&error, RuntimeError::Compile { plugin, .. } if plugin == "made"), "{error}");
    }
}

#[tokio::test]
async fn p01_memories_of_64_bits_threads_and_collected_garbage_are_refused() {
    for foreign in ["(memory i64 1)", "(memory 1 1 shared)", "(type (struct (field i32)))"] {
        let component = std::panic::catch_unwind(|| driver(&format!("{foreign} {FAILING_READ}")));
        // What the encoder itself doesn't take never gets to a node.
        let Ok(component) = component else { continue };
        let error = refusal(&component).await;
        assert!(matches!(error, RuntimeError::Compile { .. }), "{foreign}: {error}");
    }
}

#[test]
fn p01_the_section_that_tests_append_is_the_one_that_the_sdk_writes() {
    assert_eq!(with_manifest(&hostile(), &manifest()), hostile());
    assert!(inspect(&component::driver(FAILING_READ)).is_ok());
}
