//! What a transition changes, as one value that the store applies whole or refuses.

use crate::access::{Child, Token, TokenDigest, User};
use crate::adoption::Adoption;
use crate::device::{Candidate, Device, Placement};
use crate::enrollment::{Enrolled, Invitation, Membership, PinDigest, Registration};
use crate::event::Event;
use crate::forward::Cursor;
use crate::id::{DeviceId, NodeId, PluginName, RegistrationId, RequestId, RuleName, ScheduleId, UserName};
use crate::message::{Acks, Class, Ends, Epoch, Message, Method};
use crate::plugin::PluginRecord;
use crate::reading::Snapshot;
use crate::request::Flight;
use crate::routing::Route;
use crate::schedule::Schedule;
use crate::time::Timestamp;
use crate::trust::Ledger;
use crate::upkeep::Standing;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What a change expects to find. A change that finds something else is a conflict, and nothing of its [`Changes`] is applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Expect {
    /// Nothing there.
    Absent,
    /// The row in this version.
    Version(u64),
    /// Whatever is there: for rows of which the newest is right.
    Anything,
}

/// An action on a thing that was started. It is stored with the call that returned it, before it is performed: after a
/// crash it is reported as in doubt, never repeated blindly, so what it was needn't be known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StartedAction {
    /// Which plug-in returned it.
    pub plugin: PluginName,
}

/// One change of one row.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// A device appears, changes or goes.
    Device {
        /// Which.
        id: DeviceId,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Box<Device>>,
    },
    /// The newest of a device, together with what happened to it: so that what was told isn't told again after a crash.
    Snapshot {
        /// Which device.
        id: DeviceId,
        /// The newest.
        value: Box<Snapshot>,
    },
    /// A device gets an owner, a site, tags.
    Placement {
        /// Which device.
        id: DeviceId,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Placement,
    },
    /// An operator lets a device go, or wants it back.
    Released {
        /// Which.
        id: DeviceId,
        /// What must be there now.
        expect: Expect,
        /// Since when it is let go; `None` when it isn't.
        value: Option<Timestamp>,
    },
    /// A candidate appears, changes or goes.
    Candidate {
        /// In whose network.
        gateway: NodeId,
        /// Where.
        address: IpAddr,
        /// What is there afterwards.
        value: Option<Box<Candidate>>,
    },
    /// An adoption begins, goes on or ends.
    Adoption {
        /// Of what.
        address: IpAddr,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Box<Adoption>>,
    },
    /// What a plug-in remembers of a device.
    PluginState {
        /// Which device.
        device: DeviceId,
        /// Which plug-in.
        plugin: PluginName,
        /// Under which key.
        key: String,
        /// `None` forgets it.
        value: Option<Vec<u8>>,
    },
    /// An action is started, or is done.
    Action {
        /// On which device.
        device: DeviceId,
        /// Which one; made by whoever adds it.
        id: u64,
        /// `None` when it is done.
        value: Option<StartedAction>,
    },
    /// Something happened.
    Happened(Event),
    /// A message waits for a neighbour. Refused when its class is full.
    Send {
        /// For which neighbour.
        to: NodeId,
        /// What is said, and between whom.
        message: Box<Message>,
    },
    /// A neighbour's message was taken. Expects that it and later ones were not taken before.
    Received {
        /// From whom.
        from: NodeId,
        /// In which of its epochs.
        epoch: Epoch,
        /// Of which class.
        class: Class,
        /// Which one.
        seq: u64,
    },
    /// A request comes, goes on, ends or is forgotten.
    Flight {
        /// Which.
        id: RequestId,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Box<Flight>>,
    },
    /// What waits for a neighbour and is too late to be sent needn't wait any more.
    Expire {
        /// For whom.
        to: NodeId,
        /// Now.
        now: Timestamp,
    },
    /// A neighbour has committed our messages up to here.
    Acked {
        /// Who.
        by: NodeId,
        /// Up to where.
        acks: Acks,
    },
    /// A neighbour was heard for the first time since the store was opened: from now on, what waits may be given to it.
    Met {
        /// Who.
        neighbour: NodeId,
    },
    /// What waits for a neighbour is numbered anew, in a new epoch.
    Renumber {
        /// For whom.
        to: NodeId,
        /// The epoch that ends; another one is a conflict.
        epoch: Epoch,
    },
    /// The store is a copy that was put back, and these changes are all that follows from it: it is an ordinary store now.
    Reconciled,
    /// Changes nothing: expects a device to be as it was when the rest was decided.
    DeviceStays {
        /// Which.
        id: DeviceId,
        /// In which version.
        version: u64,
    },
    /// Changes nothing: expects a candidate to be as it was when the rest was decided.
    CandidateStays {
        /// In whose network.
        gateway: NodeId,
        /// What it was.
        value: Box<Candidate>,
    },
    /// A node below a child can be reached, in another way, or no longer. With the last goes what it discovered; while it has
    /// devices that don't go in the same [`Changes`], that is a conflict, as is the name of a child.
    Route {
        /// Which node.
        node: NodeId,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Box<Route>>,
    },
    /// Changes nothing: expects that a node is reached as it was when the rest was decided.
    RouteStays {
        /// Which.
        node: NodeId,
        /// In which version.
        version: u64,
    },
    /// Changes nothing: expects that a node may still call this one, as it might when the rest was decided.
    ChildStays {
        /// Which.
        id: NodeId,
        /// In which version.
        version: u64,
    },
    /// A plug-in is installed, changes or goes.
    Plugin {
        /// Which.
        name: PluginName,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Box<PluginRecord>>,
    },
    /// A user appears, changes or goes.
    User {
        /// Who.
        name: UserName,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<User>,
    },
    /// A token is given out or ends.
    Token {
        /// Its digest.
        digest: TokenDigest,
        /// `None` ends it.
        value: Option<Token>,
    },
    /// A node may call this one, or no longer. With it goes what waits for it and what it discovered; while it has devices, or
    /// others are reached through it, that don't go in the same [`Changes`], it is a conflict, as is the name of a node below.
    Child {
        /// Which.
        id: NodeId,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Child>,
    },
    /// A user registers devices, or what they registered is forgotten.
    Registration {
        /// Which.
        id: RegistrationId,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Box<Registration>>,
    },
    /// An invitation is made, loses a place, is withdrawn or is forgotten.
    Invitation {
        /// What it is looked up by.
        digest: PinDigest,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Box<Invitation>>,
    },
    /// A device comes in by an invitation, or what is known of it changes.
    Enrolled {
        /// Which device.
        device: DeviceId,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Box<Enrolled>>,
    },
    /// How far a forwarding rule is; `None` where the rule is gone.
    Forward {
        /// Which rule.
        rule: RuleName,
        /// Its cursor; nobody else writes it.
        value: Option<Box<Cursor>>,
    },
    /// Somebody above sets something that stays so, or takes it back.
    Standing {
        /// What.
        what: Standing,
        /// Its value; `None` takes it back.
        value: Option<u64>,
    },
    /// This node's own membership in its manager's fleet changes.
    Membership {
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Box<Membership>,
    },
    /// This node takes an order of its manager.
    Ledger {
        /// What must be there now.
        expect: Expect,
        /// Which orders it took, with this one.
        value: Box<Ledger>,
    },
    /// A schedule is made, is edited, runs or goes.
    Schedule {
        /// Which.
        id: ScheduleId,
        /// What must be there now.
        expect: Expect,
        /// What is there afterwards.
        value: Option<Box<Schedule>>,
    },
}

impl Change {
    /// Something is said to a neighbour itself.
    #[must_use]
    pub fn send(to: &NodeId, method: Method) -> Self {
        Self::send_between(to, Ends::neighbours(), method)
    }

    /// Something goes to a neighbour that isn't from here, or isn't for it.
    #[must_use]
    pub fn send_between(to: &NodeId, ends: Ends, method: Method) -> Self {
        Self::Send { to: to.clone(), message: Box::new(Message { ends, method }) }
    }
}

/// Everything that one transition changes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// Nothing yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// These and one more.
    #[must_use]
    pub fn and(mut self, change: Change) -> Self {
        self.0.push(change);
        self
    }

    /// These, and a message for a neighbour, where there is one.
    #[must_use]
    pub fn telling(self, neighbour: Option<&NodeId>, method: Method) -> Self {
        match neighbour {
            Some(to) => self.and(Change::send(to, method)),
            None => self,
        }
    }

    /// These and those.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// These without what is said to a neighbour that takes no more.
    #[must_use]
    pub fn without_messages_for(mut self, neighbour: &NodeId) -> Self {
        self.0.retain(|change| !matches!(change, Change::Send { to, .. } if to == neighbour));
        self
    }

    /// Whether there is nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Change> for Changes {
    fn from(change: Change) -> Self {
        Self(vec![change])
    }
}

impl FromIterator<Change> for Changes {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self(changes.into_iter().collect())
    }
}
