//! What a receiver gets: notices, each with an ID by which a second delivery can be told.

use hostler_core::event::Event;
use hostler_core::{DeviceId, NodeId, RuleName, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// One delivery.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Letter {
    /// The node that forwards.
    pub node: NodeId,
    /// By which rule.
    pub rule: RuleName,
    /// The notices, the oldest first.
    pub notices: Vec<Notice>,
}

/// One notice.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Notice {
    /// The same at each delivery, and no other notice's.
    pub id: String,
    /// Milliseconds since 1970.
    pub at: Timestamp,
    /// The same as RFC 3339.
    pub time: String,
    /// Which node saw it.
    pub node: NodeId,
    /// To which device it happened.
    pub device: Option<DeviceId>,
    /// Its dotted name.
    pub name: String,
    /// How much it matters.
    pub severity: String,
    /// One sentence.
    pub text: String,
}

impl Letter {
    pub(super) fn new(here: &NodeId, rule: &RuleName, events: Vec<(u64, Event)>) -> Self {
        let notices = events.into_iter().map(|(seq, event)| Notice {
            id: id(here, seq, &event),
            at: event.at,
            time: event.at.to_string(),
            node: event.node.unwrap_or_else(|| here.clone()),
            device: event.device,
            name: event.name,
            severity: event.severity.to_string(),
            text: event.text,
        });
        Self { node: here.clone(), rule: rule.clone(), notices: notices.collect() }
    }
}

impl Letter {
    /// The same for the same notices, and no other letter's: one that has more of them is another.
    pub(super) fn id(&self) -> String {
        let ids = self.notices.iter().map(|notice| notice.id.as_str());
        hex(ids.fold(Sha256::new(), |digest, id| digest.chain_update(id)))
    }
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Numbers come again where a store was put back to an earlier state, so what happened is part of it.
fn id(here: &NodeId, seq: u64, event: &Event) -> String {
    let mut digest = Sha256::new();
    for part in [here.as_str(), &seq.to_string(), &event.at.0.to_string(), &event.name, &event.text] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    hex(digest)
}
