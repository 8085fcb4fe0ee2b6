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
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PowerWish {
    /// To be ready for work.
    Wake,
    /// To save energy.
    Sleep,
    /// To go off and on again.
    PowerCycle,
}

/// How a device has to be for work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Readiness {
    /// As it is, asleep or not.
    #[default]
    Any,
    /// Awake, where something wakes it; else as it is.
    Awake,
    /// Awake, and its engine ready.
    Ready,
}

impl Readiness {
    /// Whether a device that is powered like this is ready for such work. One that doesn't tell is taken at its word when it is
    /// told to work.
    #[must_use]
    pub fn is_met_by(self, state: &PowerState) -> bool {
        let awake = matches!(state.mode, PowerMode::On | PowerMode::Unknown);
        match self {
            Self::Any => true,
            Self::Awake => awake || state.is_asleep() && !state.can.contains(&PowerWish::Wake),
            Self::Ready => awake && state.engine != Engine::NotReady,
        }
    }
}

impl PowerState {
    /// Whether it saves energy: asleep, or its engine switched off.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        matches!(self.mode, PowerMode::Asleep | PowerMode::Off)
    }
}
