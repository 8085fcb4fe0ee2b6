//! What nodes say to each other: a closed list of methods in one envelope.
//!
//! A node keeps an outbox for its parent and one for each child. Messages are numbered for each hop and class, so
//! that a second delivery is harmless; a batch is committed before it is acknowledged. Readings aren't messages.

use crate::access::TokenDigest;
use crate::changes::{Change, Changes};
use crate::device::{Candidate, Device};
use crate::event::Event;
use crate::id::{DeviceId, Fingerprint, NodeId, PluginName, RequestId};
use crate::plugin::Grant;
use crate::reading::Snapshot;
use crate::request::{Delay, Outcome, Request};
use crate::time::Timestamp;
use crate::trust::Signed;
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
    /// Up: this node calls me, through these: the nearest first, the last is the node.
    NodeBelow {
        /// The nodes.
        path: Vec<NodeId>,
    },
    /// Up: it doesn't any more, nor does any node behind it, and nobody below me speaks for their devices.
    NodeGone(NodeId),
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
    /// Down: trust the other certificate that this device's web server shows.
    Trust {
        /// Which device.
        device: DeviceId,
        /// Which certificate.
        certificate: Fingerprint,
    },
    /// Down: search the networks now.
    DiscoverNow,
    /// Down, to a gateway: this node, which showed the token with this digest, calls you no longer.
    CallsNoMore {
        /// Which node.
        node: NodeId,
        /// The token that it showed. Another one isn't meant.
        token: TokenDigest,
        /// What becomes of it.
        now: CallsNow,
    },
    /// Down, to a node, or up, to the manager: somebody asks this and wants to learn how it ends.
    Request(Box<Request>),
    /// Back to who asked: it takes longer. The response follows.
    Delay {
        /// Which request.
        id: RequestId,
        /// Who says so, and why.
        delay: Delay,
    },
    /// Back to who asked: how it ended.
    Response {
        /// Which request.
        id: RequestId,
        /// How.
        outcome: Box<Outcome>,
        /// What the node that answered vouches for, where it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<Box<Signed>>,
    },
}

impl Method {
    /// Where it waits.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::EventHappened(event) if event.severity == crate::reading::Severity::Critical => Class::Fault,
            // In the queue of the devices: a node is known before what is behind it.
            Self::NodeBelow { .. } | Self::NodeGone(_) => Class::Result,
            Self::DeviceAdopted(_) | Self::DeviceReleased(_) | Self::AdoptionEnded { .. } => Class::Result,
            Self::Adopt { .. } | Self::Release(_) | Self::ReadNow(_) | Self::Trust { .. } | Self::DiscoverNow => {
                Class::Result
            }
            // Before anything that would still go to it.
            Self::CallsNoMore { .. } => Class::Fault,
            Self::Request(_) | Self::Delay { .. } | Self::Response { .. } => Class::Result,
            Self::EventHappened(_) | Self::CandidateSeen(_) | Self::CandidateGone(_) => Class::Rest,
        }
    }
}

impl Method {
    /// What it is about, in a few words for people.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::DeviceAdopted(device) => format!("{} is managed", device.id),
            Self::DeviceReleased(device) => format!("{device} isn't managed any more"),
            Self::CandidateSeen(candidate) => format!("something answers at {}", candidate.reach.address),
            Self::CandidateGone(address) => format!("nothing answers at {address} any more"),
            Self::EventHappened(event) => event.text.clone(),
            Self::AdoptionEnded { address, why } => format!("what answers at {address} wasn't adopted: {why}"),
            Self::NodeBelow { path } => format!("{} is below", crate::routing::as_path(path)),
            Self::NodeGone(node) => format!("{node} is gone"),
            Self::Adopt { address, plugin } => format!("adopt what answers at {address} with {plugin}"),
            Self::Release(device) => format!("let {device} go"),
            Self::ReadNow(device) => format!("read {device}"),
            Self::Trust { device, .. } => format!("trust the other certificate of {device}"),
            Self::DiscoverNow => "search the networks".to_owned(),
            Self::CallsNoMore { node, now: CallsNow::Nobody, .. } => format!("{node} isn't let in any more"),
            Self::CallsNoMore { node, now: CallsNow::Another, .. } => format!("{node} calls another node now"),
            Self::Request(request) => match request.question.device() {
                Some(device) => format!("asked: {} of {device}", request.question.words()),
                None => format!("asked: {}", request.question.words()),
            },
            Self::Delay { delay, .. } => format!("an answer takes longer: {}", delay.why),
            Self::Response { .. } => "an answer".to_owned(),
        }
    }
}

/// Whom a node calls that calls a gateway no longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallsNow {
    /// Nobody: its token has ended. What it told stays.
    Nobody,
    /// Another node: it and all behind it are there.
    Another,
}

/// From whom a message is and for whom, where that isn't the neighbour from whom and to whom it goes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Ends {
    /// Up: the node that says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NodeId>,
    /// Down: the node that shall do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NodeId>,
    /// Down: the manager's order to that node, which nobody on the way can alter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Box<Signed>>,
}

impl Ends {
    /// What neighbours say to each other.
    #[must_use]
    pub fn neighbours() -> Self {
        Self::default()
    }

    /// Said by this node.
    #[must_use]
    pub fn from(node: NodeId) -> Self {
        Self { from: Some(node), ..Self::default() }
    }

    /// Meant for this node, where it goes to that neighbour first.
    #[must_use]
    pub fn to(node: &NodeId, neighbour: &NodeId) -> Self {
        Self { to: (node != neighbour).then(|| node.clone()), ..Self::default() }
    }

    /// The same with the manager's order, where there is one.
    #[must_use]
    pub fn signed(self, signed: Option<Box<Signed>>) -> Self {
        Self { signed, ..self }
    }
}

/// What waits for a neighbour.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Between whom.
    #[serde(flatten)]
    pub ends: Ends,
    /// What is said.
    #[serde(flatten)]
    pub method: Method,
}

/// A message on one hop. `seq` counts from 1 for each neighbour and class.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// Where it stands in its queue.
    pub seq: u64,
    /// Which queue.
    pub class: Class,
    /// What is said, and between whom.
    #[serde(flatten)]
    pub message: Message,
}

impl From<Method> for Message {
    fn from(method: Method) -> Self {
        Self { ends: Ends::neighbours(), method }
    }
}

impl Message {
    /// Whether nobody waits for it any more.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        matches!(&self.method, Method::Request(request) if request.left.when(now).is_none())
    }
}

impl Envelope {
    /// What neighbours say to each other, with this number in its queue.
    #[must_use]
    pub fn of(seq: u64, method: Method) -> Self {
        Self { seq, class: method.class(), message: method.into() }
    }
}

/// The life of an outbox, in which its messages are numbered. A node that lost its store has a new one. One whose store
/// was put back to an earlier state doesn't know that; it begins a new one, and counts anew, as soon as the neighbour
/// acknowledges what was never given to it (see [`Numbers::acknowledged`]).
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

/// How the messages for a neighbour are numbered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Numbers {
    /// The life in which they count.
    pub epoch: Epoch,
    /// Whether the neighbour was heard since the store was opened. Nothing is given to it before.
    pub met: bool,
    /// For each class the last number that may have been given to the neighbour.
    pub given: BTreeMap<Class, u64>,
    /// How many messages wait.
    pub waiting: u64,
}

impl Numbers {
    /// What a neighbour's acknowledgements change: what it has needn't wait any more.
    ///
    /// A neighbour that has more than it can have been given shows that this store was put back to an earlier state: it
    /// would pass over what gets the same numbers once more, and acknowledge it. So what waits is numbered anew, in a new
    /// epoch. A store is put back while nobody has it open; therefore this shows when the neighbour is met.
    #[must_use]
    pub fn acknowledged(&self, by: &NodeId, acks: &Acks) -> Changes {
        let mut changes = Changes::none();
        if !self.met {
            changes = changes.and(Change::Met { neighbour: by.clone() });
        }
        if acks.epoch != self.epoch {
            return changes;
        }
        let given = |class: &Class| self.given.get(class).copied().unwrap_or_default();
        if self.waiting > 0 && !acks.seqs.is_empty() {
            let seqs = acks.seqs.iter().map(|(class, seq)| (*class, (*seq).min(given(class)))).collect();
            changes = changes.and(Change::Acked { by: by.clone(), acks: Acks { epoch: acks.epoch, seqs } });
        }
        if acks.seqs.iter().any(|(class, seq)| *seq > given(class)) {
            changes = changes.and(Change::Renumber { to: by.clone(), epoch: self.epoch });
        }
        changes
    }
}

/// How much of what waits is taken at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Portion {
    /// At most so many messages.
    pub messages: usize,
    /// At most so many bytes, but one message in any case: what is large shall not hold up the rest for ever.
    pub bytes: usize,
}

impl Portion {
    /// What one exchange carries each way; a quarter of what is read of one.
    pub const EXCHANGE: Self = Self { messages: 500, bytes: 4 << 20 };
    /// Everything.
    pub const ALL: Self = Self { messages: usize::MAX, bytes: usize::MAX };
    /// Nothing.
    pub const NOTHING: Self = Self { messages: 0, bytes: 0 };
}

/// The largest report of a device, in bytes: well below what one exchange carries.
pub const REPORT_LIMIT: usize = 1 << 20;

/// How many bytes something takes in an exchange.
#[must_use]
pub fn weight(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // What can't be written at all isn't sent either.
    if serde_json::to_writer(&mut count, value).is_ok() { count.0 } else { usize::MAX }
}

/// The first of what waits for a neighbour.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outbox {
    /// The life in which they are numbered.
    pub epoch: Epoch,
    /// The most urgent class first, in order within each.
    pub messages: Vec<Envelope>,
    /// How many bytes they take.
    pub bytes: usize,
    /// Whether more waits behind them.
    pub more: bool,
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
    /// The parent's catalogue that the child looked at last; see [`ExchangeDown::catalogue`].
    pub catalogue: String,
    /// Milliseconds that the parent may hold the call when it has nothing to say.
    pub wait_ms: u32,
    /// What the child's clock shows: what of a request's time is left follows from that.
    #[serde(default)]
    pub clock: Timestamp,
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
    /// A digest of the parent's catalogue of plug-ins; a child that looked at another one fetches what differs.
    pub catalogue: String,
    /// Devices of the child's snapshots that the parent doesn't know. The child announces those that are its own, and tells
    /// their newest again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<DeviceId>,
    /// Nodes in whose name the child spoke and of which the parent doesn't know. The child tells it of every node, and of
    /// everything behind these, once more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_nodes: Vec<NodeId>,
    /// What the parent's clock shows: what of a request's time is left follows from that.
    #[serde(default)]
    pub clock: Timestamp,
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
        let envelope = Envelope::of(7, Method::DiscoverNow);
        let json = serde_json::to_string(&envelope).unwrap();
        assert_eq!(json, r#"{"seq":7,"class":"result","method":"discover-now"}"#);
        assert_eq!(serde_json::from_str::<Envelope>(&json).unwrap(), envelope);
    }

    #[test]
    fn d03_an_envelope_says_from_whom_and_for_whom_where_that_is_no_neighbour() {
        let (near, far): (NodeId, NodeId) = ("gateway-1".parse().unwrap(), "gateway-2".parse().unwrap());
        let wire = |ends, method| {
            let envelope = Envelope { message: Message { ends, method }, ..Envelope::of(7, Method::DiscoverNow) };
            let json = serde_json::to_string(&envelope).unwrap();
            assert_eq!(serde_json::from_str::<Envelope>(&json).unwrap(), envelope);
            json
        };
        let gone = Method::DeviceReleased("x".parse().unwrap());
        for (json, expected) in [
            (
                wire(Ends::to(&far, &near), Method::DiscoverNow),
                r#"{"seq":7,"class":"result","to":"gateway-2","method":"discover-now"}"#,
            ),
            (
                wire(Ends::to(&near, &near), Method::DiscoverNow),
                r#"{"seq":7,"class":"result","method":"discover-now"}"#,
            ),
            (
                wire(Ends::from(far.clone()), gone),
                r#"{"seq":7,"class":"result","from":"gateway-2","method":"device-released","body":"x"}"#,
            ),
            (
                wire(Ends::neighbours(), Method::NodeBelow { path: vec![near, far.clone()] }),
                r#"{"seq":7,"class":"result","method":"node-below","body":{"path":["gateway-1","gateway-2"]}}"#,
            ),
            (
                wire(Ends::neighbours(), Method::NodeGone(far)),
                r#"{"seq":7,"class":"result","method":"node-gone","body":"gateway-2"}"#,
            ),
        ] {
            assert_eq!(json, expected);
        }
        let waiting = r#"{"method":"release","body":"x"}"#;
        let read: Message = serde_json::from_str(waiting).unwrap();
        assert_eq!(read, Method::Release("x".parse().unwrap()).into(), "what an earlier release left in its outbox");
    }

    #[test]
    fn d02_what_is_signed_travels_beside_and_what_an_earlier_release_says_is_read() {
        let signed = Signed { text: "{}".to_owned(), signature: "ab".to_owned(), chain: "PEM".to_owned() };
        let (near, far): (NodeId, NodeId) = ("gateway-1".parse().unwrap(), "gateway-2".parse().unwrap());
        let ends = Ends::to(&far, &near).signed(Some(Box::new(signed)));
        let message = Message { ends, method: Method::DiscoverNow };
        let json =
            r#"{"to":"gateway-2","signed":{"text":"{}","signature":"ab","chain":"PEM"},"method":"discover-now"}"#;
        assert_eq!(serde_json::to_string(&message).unwrap(), json);
        assert_eq!(serde_json::from_str::<Message>(json).unwrap(), message);
        let id = "0123456789abcdef0123456789abcdef";
        let outcome = r#"{"answered":{"answer":"done","lines":[]}}"#;
        let earlier = format!(r#"{{"method":"response","body":{{"id":"{id}","outcome":{outcome}}}}}"#);
        let read: Message = serde_json::from_str(&earlier).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), earlier);
        let earlier = r#"{"tried_at":1,"read_at":null,"report":null,"trouble":null}"#;
        let read: Snapshot = serde_json::from_str(earlier).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), earlier);
    }

    #[test]
    fn an_answer_of_a_release_that_knew_no_unknown_devices_is_read() {
        let json = r#"{"epoch":1,"acks":{"epoch":0,"seqs":{}},"messages":[],"catalogue":""}"#;
        assert!(serde_json::from_str::<ExchangeDown>(json).unwrap().unknown.is_empty());
        let clock = r#","clock":0"#.len();
        assert_eq!(weight(&ExchangeDown { epoch: Epoch(1), ..ExchangeDown::default() }), json.len() + clock);
    }

    fn acknowledged(numbers: &Numbers, epoch: u64, seq: u64) -> Vec<String> {
        let acks = Acks { epoch: Epoch(epoch), seqs: [(Class::Result, seq)].into() };
        let changes = numbers.acknowledged(&"parent".parse().unwrap(), &acks).0;
        let told = changes.into_iter().map(|change| match change {
            Change::Met { .. } => "met".to_owned(),
            Change::Acked { acks, .. } => format!("acked {:?}", acks.seqs[&Class::Result]),
            Change::Renumber { epoch, .. } => format!("renumber {}", epoch.0),
            other => format!("{other:?}"),
        });
        told.collect()
    }

    #[test]
    fn what_a_neighbour_has_does_not_wait_and_another_lifes_numbers_say_nothing() {
        let given = [(Class::Result, 5)].into();
        let later = Numbers { epoch: Epoch(1), met: true, given, waiting: 1 };
        let first = Numbers { met: false, ..later.clone() };
        assert_eq!(acknowledged(&later, 1, 5), ["acked 5"]);
        assert_eq!(acknowledged(&first, 1, 5), ["met", "acked 5"]);
        assert!(acknowledged(&later, 2, 9).is_empty());
        assert!(acknowledged(&Numbers { waiting: 0, ..later }, 1, 5).is_empty(), "nothing to write");
        assert_eq!(acknowledged(&first, 2, 9), ["met"]);
    }

    #[test]
    fn e09_who_has_more_than_it_was_given_makes_all_be_numbered_anew() {
        let given = [(Class::Result, 5)].into();
        let put_back = Numbers { epoch: Epoch(1), met: false, given, waiting: 2 };
        // 6 and 7 came to wait after the store was put back; the neighbour's 6 is another one.
        assert_eq!(acknowledged(&put_back, 1, 6), ["met", "acked 5", "renumber 1"]);
        assert_eq!(
            acknowledged(&Numbers { waiting: 0, ..put_back }, 1, 6),
            ["met", "renumber 1"],
            "before one is lost"
        );
    }
}
