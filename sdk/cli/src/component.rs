//! The one file that a plug-in is: a component that carries its manifest.

use anyhow::Context;
use hostler_core::plugin::MANIFEST_SECTION;
use sha2::{Digest, Sha256};
use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

/// Makes the component of a core module, and puts the manifest into it.
///
/// # Errors
/// When the module exports or imports something that isn't described in WIT.
pub(crate) fn encode(module: &[u8], manifest: &str) -> anyhow::Result<Vec<u8>> {
    let mut component =
        ComponentEncoder::default().module(module).and_then(|encoder| encoder.validate(true).encode()).context(
            "the module can't become a component. Does the crate call `hostler_plugin::export_driver!`, and does it \
             use nothing of the system (files, sockets, `std::time`)?",
        )?;
    let section = CustomSection { name: MANIFEST_SECTION.into(), data: manifest.as_bytes().into() };
    section.append_to_component(&mut component);
    Ok(component)
}

/// The manifest that a component carries, if it has one.
///
/// # Errors
/// When the file is no component or has two manifests.
pub(crate) fn manifest(component: &[u8]) -> anyhow::Result<Option<String>> {
    let mut found = None;
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.context("the file is no WASM component, or is cut short")? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                anyhow::bail!("the file is a core module; `hostler-sdk build` makes a component of it");
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == MANIFEST_SECTION => {
                anyhow::ensure!(found.is_none(), "the file has two manifests; a node would refuse it");
                let text = std::str::from_utf8(section.data()).context("the manifest is not UTF-8")?;
                found = Some(text.to_owned());
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The digest by which nodes know a plug-in.
pub(crate) fn sha256(component: &[u8]) -> String {
    hex::encode(Sha256::digest(component))
}

/// Bytes for people.
pub(crate) fn kilobytes(bytes: usize) -> String {
    format!("{} KB", bytes.div_ceil(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Vec<u8> {
        wasm_encoder::Component::new().finish()
    }

    fn with_section(mut component: Vec<u8>, data: &[u8]) -> Vec<u8> {
        CustomSection { name: MANIFEST_SECTION.into(), data: data.into() }.append_to_component(&mut component);
        component
    }

    #[test]
    fn what_was_put_in_comes_out() {
        assert_eq!(manifest(&empty()).unwrap(), None);
        assert_eq!(manifest(&with_section(empty(), b"[plugin]")).unwrap().as_deref(), Some("[plugin]"));
    }

    #[test]
    fn two_manifests_are_refused() {
        let twice = with_section(with_section(empty(), b"a"), b"b");
        assert!(manifest(&twice).unwrap_err().to_string().contains("two manifests"));
    }

    #[test]
    fn what_is_no_component_is_refused() {
        assert!(manifest(b"MZ").is_err());
        assert!(manifest(&wasm_encoder::Module::new().finish()).unwrap_err().to_string().contains("core module"));
    }
}
