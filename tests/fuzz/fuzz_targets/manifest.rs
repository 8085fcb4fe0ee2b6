//! The text of a manifest.
#![no_main]

use hostler_core::plugin::{Budget, Manifest, ManifestError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Manifest::parse(text) {
    Ok(manifest) => {
        let _ = manifest.budget.within(Budget::default());
        assert!(!manifest.name.to_string().is_empty());
    }
    Err(ManifestError::Invalid { line, .. }) => assert!((1..=text.lines().count() + 1).contains(&line), "line {line}"),
    Err(ManifestError::TooLong(_)) => {}
});
