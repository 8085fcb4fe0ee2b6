//! Components made to measure: other manifests, other versions, and programs that no compiler would make.

use hostler_core::plugin::MANIFEST_SECTION;
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A manifest that asks for nothing.
pub const MANIFEST: &str = "[plugin]\nname = 'made'\nversion = '1.0.0'\ntitle = 'Made'\ndevice-types = ['other']\n";

/// The custom section that carries a manifest.
pub fn section(text: &str) -> Vec<u8> {
    let name = MANIFEST_SECTION.as_bytes();
    let body = [leb128(name.len()), name.to_vec(), text.as_bytes().to_vec()].concat();
    [vec![0], leb128(body.len()), body].concat()
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}

/// A component without the manifest that it carries.
pub fn without_manifest(component: &[u8]) -> Vec<u8> {
    let text = hostler_core::plugin::inspect(component).unwrap().manifest_text;
    component.strip_suffix(section(&text).as_slice()).unwrap().to_vec()
}

pub fn with_manifest(component: &[u8], text: &str) -> Vec<u8> {
    [without_manifest(component), section(text)].concat()
}

/// A component with every occurrence of a text replaced by one of the same length.
pub fn patched(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = component.to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|window| window == from.as_bytes()) {
        at += found;
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    assert!(at > 0, "{from:?} is not in there");
    bytes
}

/// A plug-in of the real world `driver-plugin` whose core module has these fields besides its exports. `read` runs
/// `$read`, which the fields define.
pub fn driver(fields: &str) -> Vec<u8> {
    importing("", fields, MANIFEST)
}

/// The same with imports, for which the manifest has to ask.
pub fn importing(imports: &str, fields: &str, manifest: &str) -> Vec<u8> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&wit).unwrap();
    let world = resolve.select_world(&[package], Some("driver-plugin")).unwrap();
    encode(&resolve, world, &module(imports, fields), manifest)
}

/// A component of a world of one's own, with a module of one's own.
pub fn other(wit: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("other.wit", wit).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    encode(&resolve, world, module, MANIFEST)
}

fn encode(resolve: &Resolve, world: wit_parser::WorldId, module: &str, manifest: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false).unwrap();
    let component = ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap();
    [component, section(manifest)].concat()
}

fn module(imports: &str, fields: &str) -> String {
    format!(
        r#"(module
            {imports}
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
            (func (export "hostler:plugin/driver@0.1.0#recognise") (result i32) unreachable)
            (func (export "hostler:plugin/driver@0.1.0#identify") (result i32) unreachable)
            (func (export "hostler:plugin/driver@0.1.0#read") (result i32) call $read)
            (func (export "hostler:plugin/driver@0.1.0#take-notice") (param i32 i32 i32) (result i32) unreachable)
            {fields})"#
    )
}

/// A `$read` that answers with a failure, so that the call succeeds: `err(unreachable(""))` is at 2048.
pub const FAILING_READ: &str = r#"(func $read (result i32) i32.const 2048) (data (i32.const 2048) "\01")"#;

/// Imports for a `$read` that waits for the device: it walks 1.3.6.1.
pub const WAITING_IMPORT: &str = r#"(import "hostler:plugin/snmp@0.1.0" "walk" (func $walk (param i32 i32 i32 i32)))"#;
/// That `$read`.
pub const WAITING_READ: &str = r#"
    (func $read (result i32)
        (call $walk (i32.const 4096) (i32.const 4) (i32.const 10) (i32.const 8192))
        i32.const 2048)
    (data (i32.const 2048) "\01")
    (data (i32.const 4096) "\01\00\00\00\03\00\00\00\06\00\00\00\01\00\00\00")"#;
