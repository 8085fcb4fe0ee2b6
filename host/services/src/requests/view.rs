//! A request as pages and the API show it.

use super::Requests;
use crate::error::ServiceError;
use hostler_core::request::{Asker, Delay, Flight, Outcome, Phase, Question};
use hostler_core::{NodeId, RequestId, Timestamp, UserName};
use serde::Serialize;
use utoipa::ToSchema;

/// How a request stands, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// Nothing was heard yet.
    Waiting,
    /// It takes longer; the answer follows.
    Delayed,
    /// It was answered.
    Answered,
    /// It ended without an answer.
    Failed,
}

impl RequestState {
    /// As people read it, and as it is written in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delayed => "delayed",
            Self::Answered => "answered",
            Self::Failed => "failed",
        }
    }
}

/// A request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestView {
    /// Which.
    pub id: RequestId,
    /// What is asked.
    pub question: Question,
    /// The node that is asked; `None` for the manager.
    pub to: Option<NodeId>,
    /// The nodes on the way there, the nearest first and that node last; none where it is the node that answers.
    pub path: Vec<NodeId>,
    /// Who asked, where a user of this node did.
    pub by: Option<UserName>,
    /// The neighbour for which it is passed on, or done; `None` where it was asked here.
    #[serde(rename = "for")]
    pub asked_by: Option<NodeId>,
    /// Since when.
    pub since: Timestamp,
    /// When it ends at the latest.
    pub until: Timestamp,
    /// How it stands.
    pub state: RequestState,
    /// What was said last of why it takes longer.
    pub delay: Option<Delay>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

impl RequestView {
    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.outcome.is_some()
    }
}

impl Requests {
    pub(super) fn view(&self, flight: Flight) -> RequestView {
        let path = flight.to.as_ref().map(|to| self.inventory.path(to)).unwrap_or_default();
        let (by, asked_by) = match flight.asker {
            Asker::Here(by) => (by, None),
            Asker::Neighbour { next, from } => (None, Some(from.unwrap_or(next))),
        };
        let (ended_at, outcome) = match flight.phase {
            Phase::Ended { at, outcome } => (Some(at), Some(outcome)),
            Phase::Passed { .. } | Phase::Here | Phase::Begun => (None, None),
        };
        let state = match &outcome {
            Some(Outcome::Answered(_)) => RequestState::Answered,
            Some(Outcome::Failed(_)) => RequestState::Failed,
            None if flight.delay.is_some() => RequestState::Delayed,
            None => RequestState::Waiting,
        };
        let Flight { id, question, to, since, until, delay, .. } = flight;
        RequestView { id, question, to, path, by, asked_by, since, until, state, delay, ended_at, outcome }
    }
}

pub(super) fn unknown(id: &RequestId) -> ServiceError {
    ServiceError::NotFound(format!("there is no request {id}; `hostler request list` shows those that are kept"))
}
