//! What an author does whose crate is outside of this workspace: write, build, inspect, make mistakes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[path = "../../plugin/src/testing/skipped.rs"]
mod skipped;
use skipped::skipped;

const MANIFEST: &str = "[plugin]\nname = \"kettle\"\nversion = \"0.1.0\"\ntitle = \"Kettles\"\n\
                        device-types = [\"appliance\"]\n\n[needs]\nsnmp = {}\n";

const CODE: &str = r#"
use hostler_plugin::types::*;
use hostler_plugin::{Answers, Driver, oid};

const SYS_DESCR: &[u32] = oid!("1.3.6.1.2.1.1.1.0");

struct Kettle;

impl Driver for Kettle {
    fn recognise() -> Result<Option<Recognition>, Failure> {
        Ok(None)
    }
    fn identify() -> Result<Identity, Failure> {
        let model = Answers::get(&[SYS_DESCR])?.text(SYS_DESCR);
        Ok(Identity { model, ..hostler_plugin::unnamed(DeviceType::Appliance) })
    }
    fn read() -> Result<Outcome, Failure> {
        Ok(Report { status: Status::Ready, readings: vec![], alerts: vec![], console: vec![] }.into())
    }
}

hostler_plugin::export_driver!(Kettle);
"#;

/// A crate of its own with this manifest. It takes our versions of dependencies, so that none has to be downloaded.
fn author(manifest: Option<&str>) -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let sdk = sdk();
    let cargo = format!(
        "[package]\nname = \"kettle\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\n\n\
         [dependencies]\nhostler-plugin = {{ path = {:?} }}\n",
        sdk.join("plugin")
    );
    std::fs::write(folder.path().join("Cargo.toml"), cargo)?;
    std::fs::copy(sdk.join("../Cargo.lock"), folder.path().join("Cargo.lock"))?;
    std::fs::create_dir(folder.path().join("src"))?;
    std::fs::write(folder.path().join("src/lib.rs"), CODE)?;
    if let Some(manifest) = manifest {
        std::fs::write(folder.path().join("plugin.toml"), manifest)?;
    }
    Ok(folder)
}

fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// In the target folder of the workspace, so that a standard library that was built there is used again.
fn hostler_sdk(arguments: &[&str], folder: &Path) -> std::io::Result<Output> {
    let program = Path::new(env!("CARGO_BIN_EXE_hostler-sdk"));
    let target = program.ancestors().nth(2).unwrap_or(folder);
    Command::new(program).args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", target).output()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Where nothing can build for WASM, the tests that need it say so and end.
fn cant_build(output: &Output) -> bool {
    let skip = complaint(output).contains("can't build for wasm32-unknown-unknown");
    if skip {
        skipped(&complaint(output));
    }
    skip
}

#[test]
fn a_crate_becomes_a_plugin() {
    let folder = author(Some(MANIFEST)).unwrap();
    let built = hostler_sdk(&["build", "--out", "out"], folder.path()).unwrap();
    if cant_build(&built) {
        return;
    }
    assert!(built.status.success(), "{}", complaint(&built));
    let inspected = hostler_sdk(&["inspect", "out/kettle.wasm", "--json"], folder.path()).unwrap();
    assert!(inspected.status.success(), "{}", complaint(&inspected));
    let json: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(json["name"], "kettle");
    assert_eq!(json["exports"][0]["name"], "driver");
    assert_eq!(json["uses"], serde_json::json!(["snmp"]));
    assert_eq!(json["findings"], serde_json::json!([]));
    let bytes = json["bytes"].as_u64().unwrap();
    assert!(bytes < 64 << 10, "a small plug-in is small: {bytes}");
}

#[test]
fn what_it_calls_and_doesnt_ask_for_is_named_with_the_line_to_add() {
    let folder = author(Some(&MANIFEST.replace("snmp = {}", "cache = true"))).unwrap();
    let built = hostler_sdk(&["build"], folder.path()).unwrap();
    if cant_build(&built) {
        return;
    }
    assert!(!built.status.success());
    let complaint = complaint(&built);
    assert!(complaint.contains("add `snmp = {}` to [needs]"), "{complaint}");
}

#[test]
fn a_crate_without_a_manifest_is_told_how_to_write_one() {
    let folder = author(None).unwrap();
    let built = hostler_sdk(&["build"], folder.path()).unwrap();
    assert!(!built.status.success());
    assert!(complaint(&built).contains("device-types ="), "{}", complaint(&built));
}

#[test]
fn a_mistake_in_the_manifest_is_named_with_its_line() {
    let folder = author(Some(&MANIFEST.replace("title", "titel"))).unwrap();
    let built = hostler_sdk(&["build"], folder.path()).unwrap();
    assert!(!built.status.success());
    assert!(complaint(&built).contains("line 4") && complaint(&built).contains("titel"), "{}", complaint(&built));
}

#[test]
fn a_folder_without_a_crate_and_a_file_that_is_no_plugin_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let built = hostler_sdk(&["build"], folder.path()).unwrap();
    assert!(complaint(&built).contains("give the folder of a plug-in"), "{}", complaint(&built));
    std::fs::write(folder.path().join("x.wasm"), "text").unwrap();
    let inspected = hostler_sdk(&["inspect", "x.wasm"], folder.path()).unwrap();
    assert!(complaint(&inspected).contains("is no plug-in"), "{}", complaint(&inspected));
}
