//! Adoption: a candidate becomes a device that this gateway speaks for.
//!
//! The procedure asks the candidate who it is, with patience. What answers with an ID that is already adopted elsewhere
//! has either moved or is a twin (two devices with one serial number); the old address is asked to find out which.
//!
//! It is a pure function `(state, event) → step`. What is outstanding follows from the state alone
//! ([`Adoption::outstanding`]), so that after a crash the engine knows what to do from what is stored. All its effects
//! are repeatable: asking who somebody is changes nothing. An answer that comes twice or late finds a state that
//! isn't waiting for it and changes nothing.
//!
//! What a rule couldn't adopt keeps its row with how that ended, so that the next search neither asks nor tells the same
//! again; what an operator let go is passed over by rules until somebody adopts it by hand.

#[cfg(test)]
mod explore;

use crate::certificate::Certificate;
use crate::changes::{Change, Changes, Expect};
use crate::device::{Device, Reach, device_id};
use crate::event::Event as Happening;
use crate::id::{DeviceId, Fingerprint, NodeId, PluginName};
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

/// The longest of these waits. A stored time that is further away was written by a clock that was wrong.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5 << (ATTEMPTS - 2));

/// How long a rule leaves alone what it couldn't adopt and what hasn't changed since.
pub const REST: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// How the rule's attempt before this one ended: the same isn't told twice.
    #[serde(default)]
    pub told: Option<String>,
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
        /// The certificate that it showed, where it was asked over HTTPS.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<Fingerprint>,
        /// The device with the same ID.
        known: DeviceId,
        /// Where that device was last.
        known_reach: Reach,
    },
    /// A rule couldn't adopt it.
    Ended {
        /// Why, for people.
        why: String,
        /// When.
        at: Timestamp,
        /// Whether asking again may help although nothing has changed.
        again: bool,
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
        /// The certificate that it showed, where it was asked over HTTPS.
        certificate: Option<Fingerprint>,
        /// The device with the same ID, where there is one, and its version in the store.
        known: Option<Box<(u64, Device)>>,
        /// Whether an operator let the device with this ID go.
        released: bool,
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
        /// Where was asked.
        at: Reach,
        /// Who answered there; `None` when nobody did.
        identity: Option<Identity>,
        /// The device with that ID as it is stored now.
        known: Option<Box<(u64, Device)>>,
    },
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
        Self { reach, plugin, origin, phase: Phase::Identifying { attempt: 1 }, told: None }
    }

    /// The same, knowing how the attempt before it ended.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        match &before.phase {
            Phase::Ended { why, .. } => Self { told: Some(why.clone()), ..self },
            _ => self,
        }
    }

    /// Whether a rule leaves what is here alone, as long as the candidate hasn't changed: asking wouldn't help, that is
    /// less than [`REST`] ago, and the plug-in, installed at `plugin_since`, is still the one that was asked.
    #[must_use]
    pub fn rests(&self, plugin_since: Option<Timestamp>, now: Timestamp) -> bool {
        match &self.phase {
            Phase::Ended { at, again: false, .. } => {
                *at <= now && now.since(*at) < REST && plugin_since.is_none_or(|since| since <= *at)
            }
            _ => false,
        }
    }

    /// Where the candidate is.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.reach.address
    }

    /// What is to be done now; `None` when it has ended. It follows from the state alone, so it is the same after a crash.
    #[must_use]
    pub fn outstanding(&self) -> Option<Effect> {
        match &self.phase {
            Phase::Identifying { .. } => Some(Effect::Identify(self.reach.clone())),
            Phase::Waiting { until, .. } => Some(Effect::WakeAt(*until)),
            Phase::Comparing { known_reach, .. } => Some(Effect::AskOldAddress(known_reach.clone())),
            Phase::Ended { .. } => None,
        }
    }

    /// What an event does. One that the state isn't waiting for changes nothing.
    #[must_use]
    pub fn step(self, event: Event, context: &Context) -> Step {
        match (self.phase.clone(), event) {
            (Phase::Identifying { .. }, Event::Identified { released: true, .. }) if self.origin == Origin::Rule => {
                self.rest("it was let go; it is adopted by hand only".to_owned(), context)
            }
            (Phase::Identifying { .. }, Event::Identified { identity, certificate, known, .. }) => match known {
                Some(known) if known.1.reach.address != self.reach.address => {
                    let (known, known_reach) = (known.1.id, known.1.reach);
                    self.go_on(Phase::Comparing { identity, certificate, known, known_reach })
                }
                known => self.adopt((identity, certificate), known.map(|known| *known), context),
            },
            (Phase::Identifying { attempt }, Event::Failed { again: true, .. }) if attempt < ATTEMPTS => {
                let until = context.now.plus(FIRST_WAIT * 2_u32.saturating_pow(attempt - 1));
                self.go_on(Phase::Waiting { attempt, until })
            }
            (Phase::Identifying { .. }, Event::Failed { why, again }) => self.end(why, again, context),
            (Phase::Waiting { attempt, .. }, Event::Due) => self.go_on(Phase::Identifying { attempt: attempt + 1 }),
            (
                Phase::Comparing { identity, certificate, known, known_reach },
                Event::OldAddress { at, identity: there, known: now },
            ) if at == known_reach => {
                match now {
                    Some(now) if now.1.reach == known_reach => {
                        let there = there.map(|there| device_id(&there, &context.gateway, known_reach.address));
                        if there.is_some_and(|there| there == known) {
                            let at = known_reach.address;
                            let why = format!("{known} still answers at {at}: two devices with one serial number");
                            self.end(why, false, context)
                        } else {
                            self.adopt((identity, certificate), Some(*now), context)
                        }
                    }
                    // It went or moved meanwhile, maybe to a twin's address: what was found out says nothing about it.
                    _ => self.go_on(Phase::Identifying { attempt: 1 }),
                }
            }
            _ => Step { next: Some(self), changes: Changes::none() },
        }
    }

    fn go_on(self, phase: Phase) -> Step {
        Step { next: Some(Self { phase, ..self }), changes: Changes::none() }
    }

    fn adopt(
        self,
        (identity, shown): (Identity, Option<Fingerprint>),
        known: Option<(u64, Device)>,
        context: &Context,
    ) -> Step {
        let address = self.address();
        let (expect, what) = match &known {
            None => (Expect::Absent, ("device.adopted", "was adopted")),
            Some((version, _)) => (Expect::Version(*version), ("device.moved", "is")),
        };
        // A rule leaves what was let go alone, also when that happens at this moment; somebody's wish lifts it.
        let released = match self.origin {
            Origin::Rule => Expect::Absent,
            Origin::Person => Expect::Anything,
        };
        // It is the same thing wherever it stands.
        let trusted = known.and_then(|(_, known)| known.certificate);
        let certificate = match shown {
            Some(shown) => Some(Certificate::after(trusted.as_ref(), shown)),
            None => trusted,
        };
        let device = Device {
            id: device_id(&identity, &context.gateway, address),
            gateway: context.gateway.clone(),
            plugin: self.plugin,
            identity,
            reach: self.reach,
            certificate,
            adopted_at: context.now,
            commands: Vec::new(),
        };
        let happening = Happening {
            at: context.now,
            node: None,
            device: Some(device.id.clone()),
            name: what.0.to_owned(),
            severity: Severity::Info,
            text: format!("{} {} at {address}", device.title(), what.1),
        };
        let changes =
            Changes::from(Change::Device { id: device.id.clone(), expect, value: Some(Box::new(device.clone())) })
                .and(Change::Released { id: device.id.clone(), expect: released, value: None })
                .and(Change::Candidate { gateway: context.gateway.clone(), address, value: None })
                .and(Change::Happened(happening.clone()));
        let messages =
            [Method::DeviceAdopted(Box::new(device)), Method::CandidateGone(address), Method::EventHappened(happening)];
        Step { next: None, changes: tell(changes, messages, context) }
    }

    fn end(self, why: String, again: bool, context: &Context) -> Step {
        let (address, gateway) = (self.address(), &context.gateway);
        let happening = Happening {
            at: context.now,
            node: None,
            device: None,
            name: "adoption.ended".to_owned(),
            severity: Severity::Warning,
            text: format!("{gateway} did not adopt what answers at {address}: {why}"),
        };
        let happened = Changes::from(Change::Happened(happening.clone()));
        match self.origin {
            Origin::Person => {
                let changes = tell(happened, [Method::AdoptionEnded { address, why }], context);
                Step { next: None, changes }
            }
            Origin::Rule => {
                let changes = if self.told.as_ref() == Some(&why) {
                    Changes::none()
                } else {
                    tell(happened, [Method::EventHappened(happening)], context)
                };
                Step { changes, ..self.go_on(Phase::Ended { why, at: context.now, again }) }
            }
        }
    }

    /// A rule's attempt ends, and nobody needs to hear of it.
    fn rest(self, why: String, context: &Context) -> Step {
        self.go_on(Phase::Ended { why, at: context.now, again: false })
    }
}

fn tell(changes: Changes, messages: impl IntoIterator<Item = Method>, context: &Context) -> Changes {
    let parent = context.parent.as_ref();
    messages.into_iter().fold(changes, |changes, method| changes.telling(parent, method))
}
