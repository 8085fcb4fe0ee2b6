//! Somebody here asks, and looks how it stands.

use super::view::{RequestView, unknown};
use super::{About, KEPT, MOST_WAITING, Requests};
use crate::error::ServiceError;
use crate::live::LiveEvent;
use crate::need;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::command::{Command, Given};
use hostler_core::message::weight;
use hostler_core::request::{
    Answer, Asker, Failing, Flight, LARGEST_QUESTION, LONGEST, Outcome, PATIENCE, Phase, Question, SHORTEST, Step,
    Topic, Way,
};
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{DeviceId, NodeId, RequestId, Timestamp, UserName};
use hostler_store::StoreError;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Requests that are waited for are all looked at so often, whatever is told of them.
const LOOK: Duration = Duration::from_secs(30);

/// Whom somebody asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A node: this one, or any below.
    Node(NodeId),
    /// Whoever speaks for the device that the question is about.
    Device,
    /// The manager.
    Manager,
}

/// How long somebody waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Within so much an answer comes, or a notice that it takes longer.
    pub notice: Duration,
    /// Within so much it has ended.
    pub whole: Duration,
}

impl Limits {
    /// An hour: a gateway that is away comes back, a device that sleeps wakes.
    pub const USUAL: Self = Self { notice: PATIENCE, whole: Duration::from_secs(3600) };

    /// So much at most, with the usual patience.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] where no request may take so long or so little.
    pub fn within(whole: Duration) -> Result<Self, ServiceError> {
        if whole < SHORTEST || whole > LONGEST {
            let days = LONGEST.as_secs() / 86_400;
            let given = whole.as_secs();
            return Err(ServiceError::Invalid(format!(
                "a request may take from 1 second to {days} days; {given} s were given, try 3600"
            )));
        }
        // A quarter, where that is sooner: who waits for seconds wants to hear soon.
        Ok(Self { notice: PATIENCE.min(whole / 4), whole })
    }
}

/// What somebody asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewRequest {
    /// Whom.
    pub target: Target,
    /// What.
    pub question: Question,
    /// How long they wait.
    pub limits: Limits,
}

impl Requests {
    /// Asks. Returns at once; how it ends is shown by [`Requests::get`].
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a device or node that isn't there, [`ServiceError::TooMany`] where too many wait already, or
    /// the right is missing.
    pub async fn ask(&self, viewer: &Viewer, new: NewRequest) -> Result<RequestView, ServiceError> {
        let id = random_id()?;
        self.ask_by(viewer, id, new).await
    }

    /// The same by an ID that the asker made. One that was asked already isn't asked again.
    ///
    /// # Errors
    /// As [`Requests::ask`].
    pub(crate) async fn ask_by(
        &self,
        viewer: &Viewer,
        id: RequestId,
        new: NewRequest,
    ) -> Result<RequestView, ServiceError> {
        need(viewer, new.question.needs())?;
        if let Some(row) = self.store.flight(&id)? {
            return Ok(self.view(row.value));
        }
        if let Some(device) = new.question.device() {
            self.inventory.device(viewer, device)?;
        }
        if let Question::Command { device, name, arguments } = &new.question {
            let command = self.command(viewer, device, name).await?;
            let _ = command.check(arguments.clone()).map_err(|why| ServiceError::Invalid(why.to_string()))?;
        }
        self.put(Some(viewer.user.clone()), id, new).await
    }

    /// What a command of a device is told, taken as people and programs tell it.
    ///
    /// # Errors
    /// As [`Requests::command_with`].
    pub(crate) async fn command_of(
        &self,
        viewer: &Viewer,
        device: &DeviceId,
        name: &str,
        given: BTreeMap<String, Given>,
    ) -> Result<Question, ServiceError> {
        let command = self.command(viewer, device, name).await?;
        let arguments = command.take(given).map_err(|why| ServiceError::Invalid(why.to_string()))?;
        Ok(Question::Command { device: device.clone(), name: name.to_owned(), arguments })
    }

    /// Has a device carry out a command, told as people and programs tell it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a device or command that isn't there, [`ServiceError::Invalid`] where what was given doesn't
    /// fit, or the right that the command takes is missing.
    pub async fn command_with(
        &self,
        viewer: &Viewer,
        device: &DeviceId,
        name: &str,
        given: BTreeMap<String, Given>,
        limits: Limits,
    ) -> Result<RequestView, ServiceError> {
        let question = self.command_of(viewer, device, name, given).await?;
        self.ask_as(Some(viewer.user.clone()), NewRequest { target: Target::Device, question, limits }).await
    }

    /// A command of a device, for who may give it.
    async fn command(&self, viewer: &Viewer, device: &DeviceId, name: &str) -> Result<Command, ServiceError> {
        let commands = self.inventory.commands(viewer, device).await?;
        let Some(command) = commands.iter().find(|command| command.name == name) else {
            let known: Vec<&str> = commands.iter().map(|command| command.name.as_str()).collect();
            let known =
                if known.is_empty() { "it has none".to_owned() } else { format!("there are {}", known.join(", ")) };
            return Err(ServiceError::NotFound(format!("{device} has no command {name:?}; {known}")));
        };
        need(viewer, command.may.right())?;
        Ok(command.clone())
    }

    /// Asks for somebody who stands at this node's device.
    pub(crate) async fn ask_as(&self, by: Option<UserName>, new: NewRequest) -> Result<RequestView, ServiceError> {
        let id = random_id()?;
        self.put(by, id, new).await
    }

    async fn put(&self, by: Option<UserName>, id: RequestId, new: NewRequest) -> Result<RequestView, ServiceError> {
        if self.index().waiting(None) >= MOST_WAITING {
            let text = format!("{MOST_WAITING} requests wait for an answer already; wait for some of them");
            return Err(ServiceError::TooMany { text, retry_after: PATIENCE });
        }
        let new = NewRequest { question: new.question.sane(), ..new };
        if weight(&new.question) > LARGEST_QUESTION {
            return Err(ServiceError::Invalid(format!("a question has at most {LARGEST_QUESTION} bytes; say less")));
        }
        let to = self.whom(&new)?;
        let (way, stays) = self.way(None, to.as_ref(), &new.question)?;
        if let Way::No(Failing::Unreachable, why) = way {
            return Err(ServiceError::NotFound(format!("{why}; `hostler node list` shows the nodes")));
        }
        let begin = |way| {
            let Limits { notice, whole } = new.limits;
            let asked = (id.clone(), new.question.clone());
            Flight::begin(asked, (Asker::Here(by.clone()), to.clone()), (notice, whole), way, &self.context())
        };
        let step = self.ordered(begin(way))?;
        let stored = match self.store.commit(stays.with(self.beginning(step.clone()))).await {
            Ok(()) => step.next,
            Err(error @ StoreError::OutboxFull { .. }) => {
                let step = begin(Way::No(Failing::Full, error.to_string()));
                self.store.commit(self.beginning(step.clone())).await?;
                step.next
            }
            Err(error) => return Err(error.into()),
        };
        Ok(self.view(stored))
    }

    /// The same with the manager's signature under what goes down, where this is the manager.
    fn ordered(&self, mut step: Step) -> Result<Step, ServiceError> {
        let below = step.next.waits_for().filter(|next| self.parent.as_ref() != Some(*next));
        let (Some(trust), Some(node), Some(_)) = (self.trust(), step.next.to.as_ref(), below) else { return Ok(step) };
        let signed = trust.order(node, &step.next.asking(&self.context()))?;
        for change in &mut step.changes.0 {
            if let Change::Send { message, .. } = change {
                message.ends.signed = signed.clone();
            }
        }
        step.next.ordered = signed;
        Ok(step)
    }

    fn whom(&self, new: &NewRequest) -> Result<Option<NodeId>, ServiceError> {
        Ok(match (&new.target, new.question.device()) {
            (Target::Node(node), _) => Some(node.clone()),
            (Target::Manager, _) => None,
            (Target::Device, Some(device)) => {
                let known = self.store.device(device)?;
                let known = known.ok_or_else(|| ServiceError::NotFound(format!("there is no device {device}")))?;
                Some(known.value.gateway)
            }
            (Target::Device, None) => {
                return Err(ServiceError::Invalid("this is asked of a node; name one".to_owned()));
            }
        })
    }

    /// Stores a new one, and forgets the oldest that ended where there are too many.
    fn beginning(&self, step: Step) -> Changes {
        let Step { next, changes } = step;
        let id = next.id.clone();
        let changes = changes.and(Change::Flight { id, expect: Expect::Absent, value: Some(Box::new(next)) });
        changes.with(self.forgetting(None, KEPT))
    }

    /// One request.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub fn get(&self, viewer: &Viewer, id: &RequestId) -> Result<RequestView, ServiceError> {
        need(viewer, Right::See)?;
        let flight = self.store.flight(id)?.ok_or_else(|| unknown(id))?.value;
        need(viewer, to_see(&flight.question))?;
        Ok(self.view(flight))
    }

    /// One request, when something more is known of it than now, or after so long.
    ///
    /// # Errors
    /// Those of [`Requests::get`].
    pub async fn wait(&self, viewer: &Viewer, id: &RequestId, longest: Duration) -> Result<RequestView, ServiceError> {
        let until = Instant::now() + longest;
        // Listens before it looks, so that nothing comes between.
        let mut news = self.live.subscribe();
        let first = self.get(viewer, id)?;
        let known = (first.state, first.delay.clone());
        let mut now = first;
        while !now.has_ended() && (now.state, now.delay.clone()) == known {
            let changed = async {
                loop {
                    match news.recv().await {
                        Ok(LiveEvent::Request { id: other }) if other == *id => return,
                        Err(_) => return,
                        Ok(_) => {}
                    }
                }
            };
            if tokio::time::timeout_at(until, changed).await.is_err() {
                break;
            }
            now = self.get(viewer, id)?;
        }
        Ok(now)
    }

    /// What was answered last to somebody here who asked this of a node, and when.
    ///
    /// # Errors
    /// The right is missing.
    pub fn told_of_node(
        &self,
        viewer: &Viewer,
        node: &NodeId,
        topic: Topic,
    ) -> Result<Option<(Timestamp, Answer)>, ServiceError> {
        need(viewer, Right::Operate)?;
        self.told(topic, About::Node(node.clone()))
    }

    /// The same of a device.
    ///
    /// # Errors
    /// The right is missing.
    pub fn told_of_device(
        &self,
        viewer: &Viewer,
        device: &DeviceId,
        topic: Topic,
    ) -> Result<Option<(Timestamp, Answer)>, ServiceError> {
        need(viewer, Right::Operate)?;
        self.told(topic, About::Device(device.clone()))
    }

    fn told(&self, topic: Topic, about: About) -> Result<Option<(Timestamp, Answer)>, ServiceError> {
        let Some(id) = self.index().answered(topic, about) else { return Ok(None) };
        Ok(match self.store.flight(&id)?.map(|row| row.value.phase) {
            Some(Phase::Ended { at, outcome: Outcome::Answered(answer) }) => Some((at, answer)),
            _ => None,
        })
    }

    /// These requests, once each has ended. One that isn't kept any more isn't among them.
    pub(crate) async fn ended(
        &self,
        viewer: &Viewer,
        mut waiting: BTreeSet<RequestId>,
    ) -> BTreeMap<RequestId, RequestView> {
        // Listens before it looks, so that nothing comes between.
        let mut news = self.live.subscribe();
        let mut ended = BTreeMap::new();
        let mut changed: Vec<RequestId> = waiting.iter().cloned().collect();
        loop {
            for id in changed.drain(..) {
                match self.get(viewer, &id) {
                    Ok(view) if view.has_ended() => _ = ended.insert(id.clone(), view),
                    Err(ServiceError::NotFound(_)) => {}
                    Ok(_) | Err(_) => continue,
                }
                waiting.remove(&id);
            }
            if waiting.is_empty() {
                return ended;
            }
            changed = match tokio::time::timeout(LOOK, news.recv()).await {
                Ok(Ok(LiveEvent::Request { id })) if waiting.contains(&id) => vec![id],
                Ok(Ok(_)) => Vec::new(),
                // Some may have been missed.
                Ok(Err(_)) | Err(_) => waiting.iter().cloned().collect(),
            };
        }
    }

    /// The last call for help that came from here for this device.
    pub(crate) fn last_call(&self, device: &DeviceId) -> Result<Option<RequestView>, ServiceError> {
        let Some(id) = self.index().last_call(device) else { return Ok(None) };
        Ok(self.store.flight(&id)?.map(|row| self.view(row.value)))
    }

    /// The newest requests that this node knows of, the newest first.
    ///
    /// # Errors
    /// The right is missing.
    pub fn list(&self, viewer: &Viewer, most: usize) -> Result<Vec<RequestView>, ServiceError> {
        need(viewer, Right::See)?;
        // Pieces of what was fetched tell nobody anything by themselves.
        let tells = |flight: &Flight| !flight.question.is_piece() || flight.outcome().is_none();
        let seen = |flight: &Flight| tells(flight) && viewer.may(to_see(&flight.question));
        let mut flights: Vec<Flight> = self.store.flights()?.into_iter().map(|row| row.value).filter(seen).collect();
        flights.sort_by_key(|flight| std::cmp::Reverse(flight.since));
        flights.truncate(most);
        Ok(flights.into_iter().map(|flight| self.view(flight)).collect())
    }

    /// What happens to a request, stored; what somebody else changed meanwhile is looked at anew.
    pub(super) async fn happened(
        &self,
        id: &RequestId,
        more: Changes,
        happening: impl Fn(&Flight) -> Option<hostler_core::request::Happening>,
    ) -> Result<Option<Flight>, StoreError> {
        loop {
            let Some(row) = self.store.flight(id)? else { return Ok(None) };
            let context = self.context();
            let Some(happening) = happening(&row.value) else { return Ok(Some(row.value)) };
            let Step { next, changes } = row.value.clone().step(happening, &context);
            if next == row.value {
                return Ok(Some(next));
            }
            let value = Some(Box::new(next.clone()));
            let step = Changes::from(Change::Flight { id: id.clone(), expect: Expect::Version(row.version), value });
            let step = step.with(more.clone());
            match self.store.commit(changes.with(step.clone())).await {
                // Whoever asked fetches nothing: it ends there at its limit, and here it goes on.
                Err(StoreError::OutboxFull { to, .. }) if row.value.is_asked_by(&to) => {
                    match self.store.commit(step).await {
                        Err(StoreError::Conflict { what }) => {
                            tracing::debug!(request = %id, %what, "a step is taken anew")
                        }
                        outcome => return outcome.map(|()| Some(next)),
                    }
                }
                Ok(()) => return Ok(Some(next)),
                Err(StoreError::Conflict { what }) => tracing::debug!(request = %id, %what, "a step is taken anew"),
                Err(error) => return Err(error),
            }
        }
    }
}

/// What who sees a request must be allowed to. A piece of something that is fetched is for those who may fetch it.
fn to_see(question: &Question) -> Right {
    if question.is_piece() { question.needs() } else { Right::See }
}

/// An ID that there never was.
fn random_id() -> Result<RequestId, ServiceError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| ServiceError::Internal(format!("no randomness: {error}")))?;
    hex::encode(bytes).parse().map_err(|error: hostler_core::BadId| ServiceError::Internal(error.to_string()))
}
