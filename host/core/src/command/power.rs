//! How a device saves energy.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// How a device is powered, and what it can be told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PowerState {
    /// Whether it saves energy.
    pub mode: PowerMode,
    /// Whether work could begin.
    pub engine: Engine,
    /// What it can be told.
    pub can: BTreeSet<PowerWish>,
}

/// Whether a device saves energy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PowerMode {
    /// It works or can begin at once.
    On,
    /// It saves energy and answers. Not a fault.
    Asleep,
    /// It is being switched on, or wakes.
    Waking,
    /// Its engine is switched off; its controller answers.
    Off,
    /// It doesn't tell.
    Unknown,
}

/// Whether a device's engine could begin to work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// It could.
    Ready,
    /// Not yet, or not before somebody comes.
    NotReady,
    /// It doesn't tell.
    Unknown,
}

/// What a device's power can be told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PowerWish {
    /// To be ready for work.
    Wake,
    /// To save energy.
    Sleep,
    /// To go off and on again.
    PowerCycle,
}
