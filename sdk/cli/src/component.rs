//! The one file that a plug-in is: a component that carries its manifest.

use anyhow::Context;
use hostler_core::plugin::MANIFEST_SECTION;
use wasm_encoder::{ComponentSection, CustomSection};
use wit_component::ComponentEncoder;

/// Makes the component of a core module, and puts the manifest into it.
///
/// # Errors
/// When the module exports or imports something that isn't described in WIT.
pub(crate) fn encode(module: &[u8], manifest: &str) -> anyhow::Result<Vec<u8>> {
    let mut component =
        ComponentEncoder::default().module(module).and_then(|encoder| encoder.validate(true).encode()).context(
            "the module can't become a component. Does the crate call `hostler_plugin::export_driver!` (or \
             `export_discovery!`, `export_delivery!`), and does it use nothing of the system (files, sockets, `std::time`)?",
        )?;
    let section = CustomSection { name: MANIFEST_SECTION.into(), data: manifest.as_bytes().into() };
    section.append_to_component(&mut component);
    Ok(component)
}

/// Bytes for people.
pub(crate) fn kilobytes(bytes: usize) -> String {
    format!("{} KB", bytes.div_ceil(1024))
}
