//! What a node does for its users, one folder a topic.
//!
//! [`Services`] is all that pages and the API see. Every question is asked by a [`Viewer`](hostler_core::viewer::Viewer) and answers what they may see;
//! every order says who gave it.

pub mod access;
pub mod authority;
pub mod backup;
pub mod catalogue;
pub mod engine;
pub mod enrollment;
mod error;
pub mod forward;
pub mod gateway;
pub mod inventory;
pub mod journal;
mod live;
pub mod membership;
mod node_log;
pub mod panel;
pub mod registrar;
pub mod requests;
pub mod schedules;
pub mod tree;
pub mod trust;
mod turns;

pub use access::{
    Access, Directory, DirectoryError, Ended, Entered, Former, GuestFile, Guests, MadePassword, MadeToken, NewToken,
    NewUser, Person, SelfRegistration, TokenView, UserView,
};
pub use authority::{Authority, AuthorityError, Gate, Identity, Issued, Standing, Standings, Verdict, server_tls};
pub use catalogue::{Ask, Catalogue, Installed, PluginView, TerminalRelease};
pub use engine::{EngineControl, EngineError};
pub use enrollment::Refused as RefusedAddress;
pub use enrollment::{
    EnrolledView, Enrollment, EnrollmentError, EntryState, EntryView, NewRegistration, NodesCall, RegistrationView,
    Rules, SharedView, Sharing, Stands, Summary as RegistrationSummary,
};
pub use error::ServiceError;
pub use forward::{ForwardView, Forwards};
pub use gateway::Gateway;
pub use hostler_engine::now;
pub use hostler_transport::{Place, Places, Seldom, soap};
pub use inventory::{
    Away, CandidateView, Choice, DeviceRow, DeviceView, Duty, EventsPage, Inventory, LowLevel, NodeDetail, NodeView,
    Ordered, Page, Query, StoredEvent, Waits,
};
pub use live::{Live, LiveEvent};
pub use membership::Member;
pub use node_log::{LogError, NodeLog, SayMore};
pub use schedules::{Coming, NewSchedule, ScheduleView, Schedules};

pub use panel::{Call, Lamp, PanelView, Panels};
pub use requests::{Limits, NewRequest, RequestState, RequestView, Requests, Target};

use hostler_core::viewer::{Right, Viewer};
use hostler_core::{NodeId, Timestamp};
use std::sync::Arc;

/// Which node this is.
#[derive(Clone, Debug)]
pub struct NodeInfo {
    /// Its name in the tree.
    pub id: NodeId,
    /// Whether it is the manager.
    pub manager: bool,
    /// Whether it speaks for devices of its own network.
    pub gateway: bool,
    /// The version of the program.
    pub version: &'static str,
    /// When it was started.
    pub started_at: Timestamp,
}

/// What a node needs in its configuration to join this manager's fleet.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct JoinHere {
    /// Where nodes call.
    pub url: String,
    /// The fingerprint of the manager's authority, by which they know it.
    pub fingerprint: hostler_core::Fingerprint,
    /// The gateway that listens there, where it isn't the manager itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<hostler_core::NodeId>,
}

/// Everything that pages and the API see.
pub struct Services {
    /// Users, log-ins, tokens.
    pub access: Arc<Access>,
    /// Devices, candidates, events, nodes.
    pub inventory: Arc<Inventory>,
    /// The panels of this node's own devices.
    pub panels: Arc<Panels>,
    /// What was asked of nodes and devices.
    pub requests: Arc<Requests>,
    /// Plug-ins.
    pub catalogue: Arc<Catalogue>,
    /// What is done by the calendar.
    pub schedules: Arc<Schedules>,
    /// Registrations and the devices that came in, where this is a manager.
    pub enrollment: Option<Arc<Enrollment>>,
    /// This node's own membership in its manager's fleet, where it joins by a PIN or key.
    pub member: Option<Arc<Member>>,
    /// What nodes need to join here, where this is a manager or a gateway that listens for them.
    pub join: Option<JoinHere>,
    /// Backups of this node.
    pub backups: backup::Backups,
    /// Where notices are forwarded to.
    pub forwards: Arc<Forwards>,
    /// What changes, as it changes.
    pub live: Live,
    /// Which node this is.
    pub node: NodeInfo,
}

impl Services {
    /// Registrations and the devices that came in.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] on a node that is no manager.
    pub fn enrollment(&self) -> Result<&Arc<Enrollment>, ServiceError> {
        let nowhere =
            || ServiceError::NotFound("devices are registered at the manager; this node isn't one".to_owned());
        self.enrollment.as_ref().ok_or_else(nowhere)
    }

    /// This node's own membership in its manager's fleet.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] on a node that doesn't join by a PIN or key.
    pub fn member(&self) -> Result<&Arc<Member>, ServiceError> {
        let nowhere = || {
            let why = "this node doesn't join a fleet by a PIN or key; its configuration has no [device] section";
            ServiceError::NotFound(why.to_owned())
        };
        self.member.as_ref().ok_or_else(nowhere)
    }
}

/// What a right allows, in words.
fn allows(right: Right) -> &'static str {
    match right {
        Right::Own => "see devices of its own",
        Right::See => "see the fleet",
        Right::Operate => "operate the fleet",
        Right::Administer => "administer this node",
    }
}

/// Refuses who hasn't the right.
fn need(viewer: &Viewer, right: Right) -> Result<(), ServiceError> {
    if viewer.may(right) {
        return Ok(());
    }
    // Not the user: a token may allow less than its owner has.
    let (may, needed) = (allows(viewer.right), allows(right));
    Err(ServiceError::Forbidden(format!("this token or log-in may only {may}; the right to {needed} is needed")))
}
