//! What is known of a plug-in without running it: its manifest, what it was granted, what its calls may spend.

pub mod budget;
pub mod component;
pub mod grant;
pub mod manifest;
pub mod record;

pub use budget::Budget;
pub use component::{COMPONENT_LIMIT, Component, Interface, Kind, Offer, Refusal, inspect};
pub use grant::Grant;
pub use manifest::{Capability, Manifest, ManifestError};
pub use record::{PluginRecord, Release};

/// The name of the custom section of a component that holds its manifest.
pub const MANIFEST_SECTION: &str = "hostler:manifest";

/// The package whose interfaces plug-ins import and export.
pub const WIT_PACKAGE: &str = "hostler:plugin";

/// The versions of [`WIT_PACKAGE`] that this host speaks.
pub const WIT_VERSIONS: &[&str] = &["0.1.0"];
