//! What nodes say to each other: a closed list of methods in one envelope.
//!
//! A node keeps an outbox for its parent and one for each child. Messages are numbered for each hop and class, so
//! that a second delivery is harmless; a batch is committed before it is acknowledged. Readings aren't messages.

use crate::device::{Candidate, Device};
use crate::event::Event;
use crate::id::{DeviceId, NodeId, PluginName};
use crate::plugin::Grant;
use crate::reading::Snapshot;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Which queue a message waits in; a fault overtakes a result, a result the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Something doesn't work.
    Fault,
    /// What somebody waits for.
    Result,
    /// Everything else.
    Rest,
}

impl Class {
    /// Every class, most urgent first.
    pub const ALL: [Self; 3] = [Self::Fault, Self::Result, Self::Rest];

    /// How many messages of this class an outbox holds before it refuses.
    #[must_use]
    pub fn capacity(self) -> u64 {
        match self {
            Self::Fault | Self::Result => 100_000,
            Self::Rest => 50_000,
        }
    }
}

/// What is said.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "method", content = "body", rename_all = "kebab-case")]
pub enum Method {
    /// Up: a gateway speaks for this device from now on, or knows it better.
    DeviceAdopted(Box<Device>),
    /// Up: it doesn't any more.
    DeviceReleased(DeviceId),
    /// Up: something answered in a gateway's network.
    CandidateSeen(Box<Candidate>),
    /// Up: it doesn't answer any more, or was adopted.
    CandidateGone(IpAddr),
    /// Up: something happened.
    EventHappened(Event),
    /// Up: an adoption that somebody asked for ended without a device.
    AdoptionEnded {
        /// What was to be adopted.
        address: IpAddr,
        /// Why it wasn't.
        why: String,
    },
    /// Down: adopt what answers at this address, with this plug-in.
    Adopt {
        /// The candidate's address.
        address: IpAddr,
        /// The plug-in that shall know its type.
        plugin: PluginName,
    },
    /// Down: don't speak for this device any more.
    Release(DeviceId),
    /// Down: read this device now.
    ReadNow(DeviceId),
    /// Down: search the networks now.
    DiscoverNow,
}

impl Method {
    /// Where it waits.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::EventHappened(event) if event.severity == crate::reading::Severity::Critical => Class::Fault,
            Self::DeviceAdopted(_) | Self::DeviceReleased(_) | Self::AdoptionEnded { .. } => Class::Result,
            Self::Adopt { .. } | Self::Release(_) | Self::ReadNow(_) | Self::DiscoverNow => Class::Result,
            Self::EventHappened(_) | Self::CandidateSeen(_) | Self::CandidateGone(_) => Class::Rest,
        }
    }
}

/// A message on one hop. `seq` counts from 1 for each neighbour and class.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// Where it stands in its queue.
    pub seq: u64,
    /// Which queue.
    pub class: Class,
    /// What is said.
    #[serde(flatten)]
    pub method: Method,
}

/// The life of a node's store. A node that lost or restored its store has a new one, and counts its messages anew.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// What was committed of a neighbour's messages.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acks {
    /// The neighbour's epoch in which they were numbered.
    pub epoch: Epoch,
    /// For each class the last number.
    pub seqs: BTreeMap<Class, u64>,
}

/// What a child says when it calls its parent.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeUp {
    /// The child's epoch, in which its messages are numbered.
    pub epoch: Epoch,
    /// The child's messages, in order within each class.
    pub messages: Vec<Envelope>,
    /// What the child committed of its parent's messages.
    pub acks: Acks,
    /// The newest of each device that changed since the last exchange.
    pub snapshots: BTreeMap<DeviceId, Snapshot>,
    /// The catalogue that the child has; see [`ExchangeDown::catalogue`].
    pub catalogue: String,
    /// Milliseconds that the parent may hold the call when it has nothing to say.
    pub wait_ms: u32,
}

/// What the parent answers.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ExchangeDown {
    /// The parent's epoch, in which its messages are numbered.
    pub epoch: Epoch,
    /// What the parent committed of the child's messages.
    pub acks: Acks,
    /// The parent's messages, in order within each class.
    pub messages: Vec<Envelope>,
    /// A digest of the parent's catalogue of plug-ins; a child that has another one fetches what differs.
    pub catalogue: String,
}

/// A plug-in of a parent's catalogue, as its children run it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// Which plug-in.
    pub name: PluginName,
    /// The digest of the component to run; its bytes are fetched by it.
    pub digest: String,
    /// What it may do.
    pub grant: Grant,
}

/// A message of a child can't be taken: it speaks of what isn't the child's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{child} speaks for {device}, which belongs to {owner}; the message was set aside")]
pub struct NotYours {
    /// Who spoke.
    pub child: NodeId,
    /// Of what.
    pub device: DeviceId,
    /// Whose it is.
    pub owner: NodeId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_has_one_flat_form() {
        let envelope = Envelope { seq: 7, class: Class::Result, method: Method::DiscoverNow };
        let json = serde_json::to_string(&envelope).unwrap();
        assert_eq!(json, r#"{"seq":7,"class":"result","method":"discover-now"}"#);
        assert_eq!(serde_json::from_str::<Envelope>(&json).unwrap(), envelope);
    }
}
