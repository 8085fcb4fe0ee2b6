//! The panel of a device: what it shows to who stands there, and the key by which they call for help.

use crate::NodeInfo;
use crate::error::ServiceError;
use crate::inventory::Inventory;
use crate::need;
use crate::requests::{Limits, NewRequest, RequestState, RequestView, Requests, Target};
use crate::turns::Turns;
use hostler_core::DeviceId;
use hostler_core::command::{PowerMode, PowerState};
use hostler_core::reading::Condition;
use hostler_core::request::{Answer, Failing, Outcome, Question};
use hostler_core::viewer::{Right, Viewer};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// What a lamp shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lamp {
    /// It works.
    Green,
    /// Somebody should come.
    Amber,
    /// It doesn't work until somebody comes.
    Red,
    /// It is off: it sleeps, or nobody knows.
    Off,
}

/// What became of a call for help.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub enum Call {
    /// Nobody called yet.
    None,
    /// It is on its way. Somebody may have said that it takes longer.
    Calling {
        /// Why it takes longer.
        why: Option<String>,
    },
    /// The manager took it.
    Taken {
        /// What it says.
        text: String,
    },
    /// The manager, or who led to it, said that it can't be.
    Refused {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// The time limit of a gateway on the way was over.
    GatewayLimit {
        /// Which gateway.
        by: String,
        /// What it waited for.
        why: String,
    },
    /// This device's own time limit was over.
    OwnLimit {
        /// What it waited for.
        why: String,
    },
}

impl Call {
    /// Whether it is still on its way.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Calling { .. })
    }
}

/// What a panel shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct PanelView {
    /// Which device.
    pub device: DeviceId,
    /// What it is called before people.
    pub title: String,
    /// The lines of its display.
    pub lines: Vec<String>,
    /// Its lamp.
    pub lamp: Lamp,
    /// How it is powered, where this node controls its engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<PowerState>,
    /// What became of the last call for help.
    #[serde(flatten)]
    pub call: Call,
}

impl PanelView {
    /// What is said of its engine, where this node controls it.
    #[must_use]
    pub fn engine(&self) -> Option<&'static str> {
        self.power.as_ref().map(|power| match power.mode {
            PowerMode::Off | PowerMode::Asleep => "The engine is off and is switched on for work.",
            PowerMode::Waking => "The engine warms up.",
            PowerMode::On | PowerMode::Unknown => "The engine is ready.",
        })
    }
}

/// The panels of this node's own devices.
pub struct Panels {
    requests: Arc<Requests>,
    inventory: Arc<Inventory>,
    node: NodeInfo,
    /// How long a call may take.
    within: Duration,
    turns: Turns<DeviceId>,
}

impl Panels {
    /// How long a call takes at most where nothing else is configured: whoever called stands there.
    pub const WITHIN: Duration = Duration::from_secs(60);

    /// Panels on which a call takes so long at most.
    #[must_use]
    pub fn new(requests: Arc<Requests>, inventory: Arc<Inventory>, node: NodeInfo, within: Duration) -> Self {
        Self { requests, inventory, node, within, turns: Turns::default() }
    }

    /// The one device that this node is; `None` where it speaks for none, or for several.
    #[must_use]
    pub fn own(&self) -> Option<DeviceId> {
        match self.inventory.devices_where(|gateway| *gateway == self.node.id).as_slice() {
            [only] => Some(only.id.clone()),
            _ => None,
        }
    }

    /// What the panel of one of this node's devices shows.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] where this node doesn't speak for it.
    pub fn look(&self, device: &DeviceId) -> Result<PanelView, ServiceError> {
        let known = self.inventory.known(device).filter(|(known, _)| known.gateway == self.node.id);
        let (known, newest) = known.ok_or_else(|| {
            ServiceError::NotFound(format!("{} doesn't speak for {device}; look at its own gateway", self.node.id))
        })?;
        let report = newest.report.as_deref();
        let lamp = match newest.condition() {
            Condition::Fine => Lamp::Green,
            Condition::Warning => Lamp::Amber,
            Condition::Stopped | Condition::Unreachable => Lamp::Red,
            Condition::Asleep | Condition::Unknown => Lamp::Off,
        };
        let power = self.requests.engine_of(device).map(|engine| engine.state());
        let lamp = match &power {
            Some(power) if power.is_asleep() && lamp == Lamp::Green => Lamp::Off,
            _ => lamp,
        };
        let lines = report.map(|report| report.console.clone()).unwrap_or_default();
        let call = self.requests.last_call(device)?.map_or(Call::None, |request| self.became(request));
        Ok(PanelView { device: device.clone(), title: known.title(), lines, lamp, power, call })
    }

    /// The same by somebody who is logged in.
    ///
    /// # Errors
    /// Those of [`Panels::call`], or the right is missing.
    pub async fn call_as(
        &self,
        viewer: &Viewer,
        device: &DeviceId,
        text: Option<String>,
    ) -> Result<PanelView, ServiceError> {
        need(viewer, Right::Operate)?;
        self.call(device, text).await
    }

    /// Somebody presses the key by which they call for help. While a call is on its way, pressing it again changes nothing.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] where this node doesn't speak for the device, or the store's.
    pub async fn call(&self, device: &DeviceId, text: Option<String>) -> Result<PanelView, ServiceError> {
        // Two keys pressed at the same moment are one call.
        let turn = self.turns.of(device);
        let _turn = turn.lock().await;
        if self.look(device)?.call.is_under_way() {
            return self.look(device);
        }
        let question = Question::UserCall { device: device.clone(), text };
        let limits = Limits::within(self.within)?;
        let _ = self.requests.ask_as(None, NewRequest { target: Target::Manager, question, limits }).await?;
        self.look(device)
    }

    fn became(&self, request: RequestView) -> Call {
        match (request.outcome, request.state) {
            (Some(Outcome::Answered(Answer::CallTaken { text })), _) => Call::Taken { text },
            // Nothing else answers a call: a request takes only what answers its question.
            (Some(Outcome::Answered(_)), _) => Call::Taken { text: "it was taken".to_owned() },
            (Some(Outcome::Failed(failure)), _) => match failure.failing {
                Failing::Late if failure.by == self.node.id => Call::OwnLimit { why: failure.why },
                Failing::Late => Call::GatewayLimit { by: failure.by.to_string(), why: failure.why },
                _ => Call::Refused { by: failure.by.to_string(), why: failure.why },
            },
            (None, RequestState::Delayed) => Call::Calling { why: request.delay.map(|delay| delay.why) },
            (None, _) => Call::Calling { why: None },
        }
    }
}
