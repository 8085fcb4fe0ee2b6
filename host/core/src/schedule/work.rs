//! What a schedule does when it is due, and for which devices.
//!
//! Whoever adds a work says here what kind of effect it is, and performs it in `hostler_services::schedules`.

use crate::command::{Given, PowerWish};
use crate::device::Placement;
use crate::id::{DeviceId, NodeId, SiteId};
use crate::reading::DeviceType;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use utoipa::ToSchema;

/// What is done.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Work {
    /// Devices are read at once, whenever they were read last.
    ReadDevices {
        /// Which.
        devices: Which,
    },
    /// Devices are asked something, each by a request of its own. The run ends when each of them has.
    AskDevices {
        /// Which.
        devices: Which,
        /// What.
        asked: Asked,
        /// How long each may take, in seconds.
        #[serde(default = "an_hour")]
        within_s: u64,
    },
    /// Networks are searched at once.
    DiscoverNetworks {
        /// Whose; those of every gateway where it isn't given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gateway: Option<NodeId>,
    },
}

fn an_hour() -> u64 {
    3_600
}

/// What devices are asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Asked {
    /// What they count.
    Counters,
    /// To carry out a command that their plug-ins describe.
    Command {
        /// Which.
        name: String,
        /// What it is told; taken by each device's own plug-in when it is asked.
        #[serde(default)]
        arguments: BTreeMap<String, Given>,
    },
    /// To wake, to sleep, or to go off and on.
    Power {
        /// What.
        wish: PowerWish,
    },
}

/// For which devices something is done.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// These.
    Ids(BTreeSet<DeviceId>),
    /// Those to which this fits when it is done.
    Where(Fitting),
}

/// What must fit a device: everything that is given. Nothing given is every device.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Fitting {
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    /// A tag that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// What kind of thing it is.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub device_type: Option<DeviceType>,
}

/// What may be done with a work that was under way when the node ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It is harmless twice, so it is done again.
    Repeatable,
    /// Nobody can ask whether it was done, so it is said to be in doubt and never done again.
    Once,
}

impl Work {
    /// The devices that it is for, where it is for any.
    #[must_use]
    pub fn devices(&self) -> Option<&Which> {
        match self {
            Self::ReadDevices { devices } | Self::AskDevices { devices, .. } => Some(devices),
            Self::DiscoverNetworks { .. } => None,
        }
    }

    /// What kind of effect it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            // Each request has an ID that follows from its run: one that was asked before a crash isn't asked again.
            Self::ReadDevices { .. } | Self::AskDevices { .. } | Self::DiscoverNetworks { .. } => Kind::Repeatable,
        }
    }
}

impl Fitting {
    /// Whether it fits a device of this type that is placed like this.
    #[must_use]
    pub fn fits(&self, device_type: DeviceType, placement: &Placement) -> bool {
        self.device_type.is_none_or(|wanted| wanted == device_type)
            && self.site.as_ref().is_none_or(|wanted| placement.site.as_ref() == Some(wanted))
            && self.tag.as_ref().is_none_or(|wanted| placement.tags.contains(wanted))
    }
}

impl fmt::Display for Work {
    /// As the end of "it shall".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadDevices { devices } => write!(f, "read {devices}"),
            Self::AskDevices { devices, asked: Asked::Counters, .. } => write!(f, "fetch the counters of {devices}"),
            Self::AskDevices { devices, asked: Asked::Command { name, .. }, .. } => write!(f, "tell {devices}: {name}"),
            Self::AskDevices { devices, asked: Asked::Power { wish }, .. } => match wish {
                PowerWish::Wake => write!(f, "wake {devices}"),
                PowerWish::Sleep => write!(f, "put to sleep {devices}"),
                PowerWish::PowerCycle => write!(f, "switch off and on {devices}"),
            },
            Self::DiscoverNetworks { gateway: Some(gateway) } => write!(f, "search the networks of {gateway}"),
            Self::DiscoverNetworks { gateway: None } => f.write_str("search the networks of every gateway"),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ids(ids) if ids.len() > 3 => write!(f, "{} devices", ids.len()),
            Self::Ids(ids) => f.write_str(&ids.iter().map(DeviceId::as_str).collect::<Vec<_>>().join(", ")),
            Self::Where(fitting) => {
                f.write_str("every device")?;
                fitting.site.iter().try_for_each(|site| write!(f, " at {site}"))?;
                fitting.tag.iter().try_for_each(|tag| write!(f, " tagged {tag}"))?;
                fitting.device_type.iter().try_for_each(|kind| write!(f, " of type {kind}"))
            }
        }
    }
}
