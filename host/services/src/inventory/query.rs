//! How devices are found, and what a list shows of each.

use hostler_core::reading::{Condition, DeviceType};
use hostler_core::{DeviceId, NodeId, SiteId, Timestamp, UserName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};

/// Which devices somebody looks for. Everything that is given must fit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Words that occur in its names, numbers, address, site, owner or tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// A tag that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// What kind of thing it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_type: Option<DeviceType>,
    /// The gateway that speaks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The plug-in that knows its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// How many to pass over.
    pub offset: usize,
    /// How many to show, 0 to 1000.
    pub limit: usize,
}

impl Query {
    /// The most rows of one page.
    pub const MOST: usize = 1_000;
}

impl Default for Query {
    fn default() -> Self {
        Self {
            text: None,
            condition: None,
            site: None,
            owner: None,
            tag: None,
            device_type: None,
            gateway: None,
            plugin: None,
            offset: 0,
            limit: 100,
        }
    }
}

/// What was found.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page {
    /// The devices of this page; what needs somebody comes first.
    pub rows: Vec<DeviceRow>,
    /// How many fit in all.
    pub total: usize,
    /// How many are in each condition, of those that fit everything else.
    pub conditions: BTreeMap<Condition, usize>,
    /// How many devices the viewer sees at all.
    pub devices: usize,
}

/// A device in a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceRow {
    /// Its name in the fleet.
    pub id: DeviceId,
    /// What to call it before people.
    pub title: String,
    /// The name that its administrator gave it.
    pub name: Option<String>,
    /// The maker's serial number.
    pub serial: Option<String>,
    /// What kind of thing.
    pub device_type: DeviceType,
    /// How it stands.
    pub condition: Condition,
    /// What is wrong, where something is.
    pub headline: Option<String>,
    /// Where its gateway reaches it.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// The gateway that speaks for it.
    pub gateway: NodeId,
    /// Where it stands.
    pub site: Option<SiteId>,
    /// Whose it is.
    pub owner: Option<UserName>,
    /// Words to find it by.
    pub tags: BTreeSet<String>,
    /// The supply of which least is left.
    pub lowest: Option<LowLevel>,
    /// How much it has done: pages printed, or documents fed.
    pub pages: Option<u64>,
    /// When it was last read.
    pub read_at: Option<Timestamp>,
}

/// A supply of which little is left.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LowLevel {
    /// What to call it.
    pub label: String,
    /// What is left, 0 to 1.
    pub fraction: f64,
    /// Its colour, where it has one.
    pub colour: Option<String>,
}
