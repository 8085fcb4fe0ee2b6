//! Adoption: a candidate becomes a device that this gateway speaks for.
//!
//! The procedure asks the candidate who it is, with patience. What answers with an ID that is already adopted elsewhere
//! has either moved or is a twin (two devices with one serial number); the old address is asked to find out which.
//!
//! It is a pure function `(state, event) → step`. What is outstanding follows from the state alone
//! ([`Adoption::outstanding`]), so that after a crash the engine knows what to do from what is stored. All its effects
//! are repeatable: asking who somebody is changes nothing. An answer that comes twice or late finds a state that
//! isn't waiting for it and changes nothing.

#[cfg(test)]
mod explore;

use crate::changes::{Change, Changes, Expect};
use crate::device::{Device, Reach, device_id};
use crate::event::Event as Happening;
use crate::id::{DeviceId, NodeId, PluginName};
use crate::message::Method;
use crate::reading::{Identity, Severity};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// How often a candidate is asked who it is before the adoption ends without a device.
pub const ATTEMPTS: u32 = 5;

/// How long to wait after the first attempt that failed; each further one waits twice as long.
pub const FIRST_WAIT: Duration = Duration::from_secs(5);

/// An adoption under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Adoption {
    /// How the candidate is reached.
    pub reach: Reach,
    /// The plug-in that shall know its type.
    pub plugin: PluginName,
    /// Who began it.
    pub origin: Origin,
    /// How far it is.
    pub phase: Phase,
}

/// Who began an adoption.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A rule in the gateway's configuration.
    Rule,
    /// Somebody, here or above, who wants to know how it ended.
    Person,
}

/// How far an adoption is.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "few adoptions are under way at a time")]
pub enum Phase {
    /// It is asked who it is.
    Identifying {
        /// Which attempt this is, from 1.
        attempt: u32,
    },
    /// It didn't answer; it is asked again later.
    Waiting {
        /// Which attempt failed.
        attempt: u32,
        /// When the next one begins.
        until: Timestamp,
    },
    /// Its ID belongs to a device elsewhere, which is asked whether it is still there.
    Comparing {
        /// Who the candidate says that it is.
        identity: Identity,
        /// The device with the same ID.
        known: DeviceId,
        /// Where that device was last.
        known_reach: Reach,
    },
}

/// What the engine does for an adoption. All are repeatable.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Effect {
    /// Ask the candidate who it is; the answer is [`Event::Identified`] or [`Event::Failed`].
    Identify(Reach),
    /// Ask at a device's old address who is there; the answer is [`Event::OldAddress`].
    AskOldAddress(Reach),
    /// Give [`Event::Due`] at this time.
    WakeAt(Timestamp),
}

/// What happened to an adoption.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// The candidate said who it is.
    Identified {
        /// Who.
        identity: Identity,
        /// The device with the same ID, where there is one, and its version in the store.
        known: Option<Box<(u64, Device)>>,
    },
    /// It couldn't be asked.
    Failed {
        /// Why, for people.
        why: String,
        /// Whether asking again may help.
        again: bool,
    },
    /// The time to wait is over.
    Due,
    /// What answered at the old address of the device with the same ID.
    OldAddress {
        /// Who answered there; `None` when nobody did.
        identity: Option<Identity>,
        /// The device with that ID as it is stored now.
        known: Option<Box<(u64, Device)>>,
    },
    /// Somebody doesn't want it any more.
    Cancelled,
}

/// What an event does to an adoption.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The adoption afterwards; `None` when it has ended.
    pub next: Option<Adoption>,
    /// What else changes, in the same commit.
    pub changes: Changes,
}

/// Where and when an event is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    /// The gateway that adopts.
    pub gateway: NodeId,
    /// Its parent, which is told; `None` for a gateway alone.
    pub parent: Option<NodeId>,
    /// The time.
    pub now: Timestamp,
}

impl Adoption {
    /// An adoption that begins.
    #[must_use]
    pub fn begin(reach: Reach, plugin: PluginName, origin: Origin) -> Self {
        Self { reach, plugin, origin, phase: Phase::Identifying { attempt: 1 } }
    }

    /// Where the candidate is.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.reach.address
    }

    /// What is to be done now. It follows from the state alone, so it is the same after a crash.
    #[must_use]
    pub fn outstanding(&self) -> Effect {
        match &self.phase {
            Phase::Identifying { .. } => Effect::Identify(self.reach.clone()),
            Phase::Waiting { until, .. } => Effect::WakeAt(*until),
            Phase::Comparing { known_reach, .. } => Effect::AskOldAddress(known_reach.clone()),
        }
    }

    /// What an event does. One that the state isn't waiting for changes nothing.
    #[must_use]
    pub fn step(self, event: Event, context: &Context) -> Step {
        match (self.phase.clone(), event) {
            (_, Event::Cancelled) => self.end("it was cancelled".to_owned(), context),
            (Phase::Identifying { .. }, Event::Identified { identity, known: None }) => {
                self.adopt(identity, Expect::Absent, context)
            }
            (Phase::Identifying { .. }, Event::Identified { identity, known: Some(known) }) => {
                let (version, device) = *known;
                if device.reach.address == self.reach.address {
                    self.adopt(identity, Expect::Version(version), context)
                } else {
                    let phase = Phase::Comparing { identity, known: device.id, known_reach: device.reach };
                    Step { next: Some(Self { phase, ..self }), changes: Changes::none() }
                }
            }
            (Phase::Identifying { attempt }, Event::Failed { again: true, .. }) if attempt < ATTEMPTS => {
                let until = context.now.plus(FIRST_WAIT * 2_u32.saturating_pow(attempt - 1));
                let phase = Phase::Waiting { attempt, until };
                Step { next: Some(Self { phase, ..self }), changes: Changes::none() }
            }
            (Phase::Identifying { .. }, Event::Failed { why, .. }) => self.end(why, context),
            (Phase::Waiting { attempt, .. }, Event::Due) => {
                let phase = Phase::Identifying { attempt: attempt + 1 };
                Step { next: Some(Self { phase, ..self }), changes: Changes::none() }
            }
            (Phase::Comparing { identity, known, known_reach }, Event::OldAddress { identity: there, known: now }) => {
                let still_there =
                    there.is_some_and(|there| device_id(&there, &context.gateway, known_reach.address) == known);
                if still_there {
                    let why =
                        format!("{known} still answers at {}: two devices with one serial number", known_reach.address);
                    self.end(why, context)
                } else {
                    let expect = now.map_or(Expect::Absent, |now| Expect::Version(now.0));
                    self.adopt(identity, expect, context)
                }
            }
            _ => Step { next: Some(self), changes: Changes::none() },
        }
    }

    fn adopt(self, identity: Identity, expect: Expect, context: &Context) -> Step {
        let address = self.address();
        let device = Device {
            id: device_id(&identity, &context.gateway, address),
            gateway: context.gateway.clone(),
            plugin: self.plugin,
            identity,
            reach: self.reach,
            adopted_at: context.now,
        };
        let what = if expect == Expect::Absent { ("device.adopted", "was adopted") } else { ("device.moved", "is") };
        let happening = Happening {
            at: context.now,
            device: Some(device.id.clone()),
            name: what.0.to_owned(),
            severity: Severity::Info,
            text: format!("{} {} at {address}", device.title(), what.1),
        };
        let changes =
            Changes::from(Change::Device { id: device.id.clone(), expect, value: Some(Box::new(device.clone())) })
                .and(Change::Candidate { gateway: context.gateway.clone(), address, value: None })
                .and(Change::Happened(happening.clone()));
        let messages =
            [Method::DeviceAdopted(Box::new(device)), Method::CandidateGone(address), Method::EventHappened(happening)];
        Step { next: None, changes: tell(changes, messages, context) }
    }

    fn end(self, why: String, context: &Context) -> Step {
        let address = self.address();
        let changes = Changes::from(Change::Happened(Happening {
            at: context.now,
            device: None,
            name: "adoption.ended".to_owned(),
            severity: Severity::Warning,
            text: format!("what answers at {address} was not adopted: {why}"),
        }));
        let changes = match self.origin {
            Origin::Person => tell(changes, [Method::AdoptionEnded { address, why }], context),
            Origin::Rule => changes,
        };
        Step { next: None, changes }
    }
}

fn tell(mut changes: Changes, messages: impl IntoIterator<Item = Method>, context: &Context) -> Changes {
    if let Some(parent) = &context.parent {
        changes.0.extend(messages.into_iter().map(|method| Change::Send { to: parent.clone(), method }));
    }
    changes
}
