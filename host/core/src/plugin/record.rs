//! A plug-in in a node's catalogue.

use super::{Grant, Kind};
use crate::id::PluginName;
use crate::time::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One version of a plug-in that was installed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// Its version.
    #[schema(value_type = String)]
    pub version: Version,
    /// The SHA-256 of the component, lower-case hexadecimal: the name under which its bytes are kept.
    pub digest: String,
    /// When it was installed here.
    pub installed_at: Timestamp,
}

/// A plug-in in the catalogue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PluginRecord {
    /// Its name.
    pub name: PluginName,
    /// What runs it. Records of the first release have none: there were device plug-ins only.
    #[serde(default)]
    pub kind: Kind,
    /// What the next call runs.
    pub active: Release,
    /// What `rollback` returns to.
    pub previous: Option<Release>,
    /// An upgrade that asks for more than was granted and waits for approval.
    pub waiting: Option<Release>,
    /// What it may do.
    pub grant: Grant,
}

impl PluginRecord {
    /// A plug-in that wasn't there before.
    #[must_use]
    pub fn new(name: PluginName, kind: Kind, release: Release, grant: Grant) -> Self {
        Self { name, kind, active: release, previous: None, waiting: None, grant }
    }

    /// The record after `release` became the one to run.
    #[must_use]
    pub fn upgraded(self, release: Release) -> Self {
        if release.digest == self.active.digest {
            return Self { waiting: None, ..self };
        }
        Self { previous: Some(self.active), active: release, waiting: None, ..self }
    }

    /// The record after going back to the previous release; `None` where there is none.
    #[must_use]
    pub fn rolled_back(self) -> Option<Self> {
        let previous = self.previous?;
        Some(Self { previous: Some(self.active), active: previous, waiting: None, ..self })
    }

    /// Every release that is still needed.
    pub fn releases(&self) -> impl Iterator<Item = &Release> {
        std::iter::once(&self.active).chain(&self.previous).chain(&self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str) -> Release {
        Release { version: version.parse().unwrap(), digest: version.to_owned(), installed_at: Timestamp(0) }
    }

    #[test]
    fn p05_rolling_back_twice_is_where_it_was() {
        let record = PluginRecord::new("mfp".parse().unwrap(), Kind::Device, release("1.0.0"), Grant::default());
        let upgraded = record.upgraded(release("1.1.0"));
        let back = upgraded.clone().rolled_back().unwrap();
        assert_eq!(back.active.digest, "1.0.0");
        assert_eq!(back.rolled_back().unwrap(), upgraded);
    }

    #[test]
    fn p05_installing_the_same_again_keeps_the_way_back() {
        let record = PluginRecord::new("mfp".parse().unwrap(), Kind::Device, release("1.0.0"), Grant::default());
        let upgraded = record.upgraded(release("1.1.0"));
        assert_eq!(upgraded.clone().upgraded(release("1.1.0")), upgraded);
    }
}
