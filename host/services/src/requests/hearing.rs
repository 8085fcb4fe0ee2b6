//! What neighbours say of requests: somebody asks, it takes longer, it has ended.

use super::{MOST_OF_ONE, MOST_WAITING, Requests};
use crate::tree::way_to;
use crate::trust::Trust;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::event::Event;
use hostler_core::message::{Ends, Method, weight};
use hostler_core::reading::Severity;
use hostler_core::request::{
    Asker, Delay, Failing, Failure, Flight, Happening, LARGEST_QUESTION, Outcome, Question, Request, Said, Step, Way,
    as_why,
};
use hostler_core::trust::Signed;
use hostler_core::{NodeId, RequestId, Timestamp};
use hostler_engine::now;
use hostler_store::StoreError;
use std::collections::BTreeMap;

/// What is heard of requests in one batch: what a later message says fits to what an earlier one changed.
#[derive(Default)]
pub(crate) struct Flights(BTreeMap<RequestId, Flight>);

/// Who says it.
#[derive(Clone, Copy)]
pub(crate) struct Speaker<'a> {
    /// The neighbour from whom it comes.
    pub(crate) next: &'a NodeId,
    /// The node that speaks, where that is one below.
    pub(crate) from: Option<&'a NodeId>,
    /// What the neighbour's clock showed when it sent it.
    pub(crate) clock: Timestamp,
    /// What the manager signed of it.
    pub(crate) signed: Option<&'a Signed>,
}

impl Requests {
    fn known(&self, heard: &Flights, id: &RequestId) -> Result<Option<(Expect, Flight)>, StoreError> {
        match heard.0.get(id) {
            Some(flight) => Ok(Some((Expect::Anything, flight.clone()))),
            None => Ok(self.store.flight(id)?.map(|row| (Expect::Version(row.version), row.value))),
        }
    }

    fn keep(heard: &mut Flights, expect: Expect, step: Step) -> Changes {
        let Step { next, changes } = step;
        heard.0.insert(next.id.clone(), next.clone());
        changes.and(Change::Flight { id: next.id.clone(), expect, value: Some(Box::new(next)) })
    }

    /// Somebody asks: the manager from below, or a node from above. `to` is whom; `None` for the manager.
    pub(crate) fn asked(
        &self,
        heard: &mut Flights,
        speaker: Speaker<'_>,
        to: Option<NodeId>,
        request: &Request,
    ) -> Result<Changes, StoreError> {
        let Request { id, question, left } = request;
        if let Some((expect, known)) = self.known(heard, id)? {
            let same = matches!(&known.asker, Asker::Neighbour { next, .. } if next == speaker.next);
            if !same {
                // Whoever asked may call another node now.
                if let Some(known) = known.asked_through(speaker.next, speaker.from) {
                    let again = known.answer_again();
                    heard.0.insert(id.clone(), known.clone());
                    let row = Change::Flight { id: id.clone(), expect, value: Some(Box::new(known)) };
                    return Ok(again.and(row));
                }
                tracing::warn!(request = %id, from = %speaker.next, "a request has the ID of another's; it was set aside");
                return Ok(Changes::none());
            }
            return Ok(known.answer_again());
        }
        let Some(left) = left.when(speaker.clock) else {
            tracing::debug!(request = %id, from = %speaker.next, "a request came when its time was over");
            return Ok(Changes::none());
        };
        let question = question.clone().sane();
        let above = self.parent.as_ref() == Some(speaker.next);
        let most = if above { MOST_WAITING } else { MOST_OF_ONE };
        let refused = if weight(&question) > LARGEST_QUESTION {
            Some((Failing::Refused, format!("a question has at most {LARGEST_QUESTION} bytes")))
        } else if above && !question.goes_down() || !above && !question.goes_up() {
            let way = if above { "downwards" } else { "upwards" };
            Some((Failing::Refused, format!("{} isn't asked {way}", question.words())))
        } else if self.index().waiting(Some(speaker.next)) + heard.0.len() >= most {
            let why = format!("{most} requests wait for an answer here already; ask again later");
            Some((Failing::Full, why))
        } else {
            None
        };
        if let Some((failing, why)) = refused {
            return Ok(self.refuse(speaker.next, id, failing, &why));
        }
        let (way, stays) = self.way(speaker.from.or(Some(speaker.next)), to.as_ref(), &question)?;
        let (way, stays) = match way {
            Way::Here if above => match self.ordered_by_the_manager(speaker, request)? {
                Ok(noted) => (Way::Here, stays.with(noted)),
                Err(refused) => return Ok(refused),
            },
            Way::On(next, ends) => (Way::On(next, ends.signed(speaker.signed.cloned().map(Box::new))), stays),
            way => (way, stays),
        };
        let asker = Asker::Neighbour { next: speaker.next.clone(), from: speaker.from.cloned() };
        let mut step = Flight::begin((id.clone(), question), (asker, to), left, way, &self.context());
        if above && step.next.waits_for().is_some() {
            step.next.ordered = speaker.signed.cloned().map(Box::new);
        }
        Ok(stays.with(self.forgetting(Some(speaker.next), most)).with(Self::keep(heard, Expect::Absent, step)))
    }

    /// What is noted of a request from above that this node does; the error is what is told of one that it doesn't.
    fn ordered_by_the_manager(
        &self,
        speaker: Speaker<'_>,
        request: &Request,
    ) -> Result<Result<Changes, Changes>, StoreError> {
        let Some(member) = self.trust().and_then(Trust::member) else { return Ok(Ok(Changes::none())) };
        let said = Method::Request(Box::new(request.clone()));
        Ok(member.takes(&said, speaker.signed)?.map_err(|why| {
            let told = self.refuse(speaker.next, &request.id, Failing::Refused, &why.to_string());
            told.with(member.refused(speaker.next, &said, &why))
        }))
    }

    /// Those of an asker that ended, beyond so many, are forgotten.
    pub(super) fn forgetting(&self, asker: Option<&NodeId>, most: usize) -> Changes {
        let beyond = self.index().beyond(asker, most);
        beyond.into_iter().map(|id| Change::Flight { id, expect: Expect::Anything, value: None }).collect()
    }

    /// Whoever asks is told at once that it can't be. It leaves nothing here: who asks once more is answered the same.
    pub(crate) fn refuse(&self, asker: &NodeId, id: &RequestId, failing: Failing, why: &str) -> Changes {
        let failure = Failure { by: self.node.id.clone(), failing, why: as_why(why) };
        let outcome = Box::new(Outcome::Failed(failure));
        Change::send(asker, Method::Response { id: id.clone(), outcome, signed: None }).into()
    }

    /// Where a request goes from here, and what must stay as it is for it to get there. It is for a node, or for the manager,
    /// and was asked by that node, where it wasn't here.
    pub(super) fn way(
        &self,
        from: Option<&NodeId>,
        to: Option<&NodeId>,
        question: &Question,
    ) -> Result<(Way, Changes), StoreError> {
        let Some(to) = to else {
            let ends = from.map_or_else(Ends::neighbours, |from| Ends::from(from.clone()));
            return Ok((self.parent.clone().map_or(Way::Here, |parent| Way::On(parent, ends)), Changes::none()));
        };
        // Behind which node a device is may be known better here than where it was asked.
        let behind = match question.device() {
            Some(device) => self.store.device(device)?.map(|device| device.value.gateway),
            None => None,
        };
        let to = behind.as_ref().unwrap_or(to);
        if *to == self.node.id {
            return Ok((Way::Here, Changes::none()));
        }
        let awaited = self.store.route(to)?.is_some_and(|route| route.value.is_awaited());
        Ok(match way_to(&*self.store, to)? {
            Some((next, stays)) if awaited => (Way::Later(next), stays),
            Some((next, stays)) => (Way::On(next.clone(), Ends::to(to, &next)), stays),
            None => (Way::No(Failing::Unreachable, format!("{to} isn't below {}", self.node.id)), Changes::none()),
        })
    }

    /// A neighbour that was asked says something. What nobody waits for, because it comes twice or too late, does nothing.
    pub(crate) fn heard(
        &self,
        heard: &mut Flights,
        from: &NodeId,
        id: &RequestId,
        said: Said,
        signed: Option<&Signed>,
    ) -> Result<Changes, StoreError> {
        let Some((expect, flight)) = self.known(heard, id)?.filter(|(_, flight)| flight.waits_for() == Some(from))
        else {
            tracing::debug!(request = %id, %from, "an answer was set aside: nobody waits for it from there");
            return Ok(Changes::none());
        };
        let (said, told) = self.vouched_for(&flight, from, said, signed);
        let said = match said {
            Said::Delay(Delay { by, why }) => Said::Delay(Delay { by, why: as_why(&why) }),
            Said::Outcome(Outcome::Failed(Failure { by, failing, why })) => {
                Said::Outcome(Outcome::Failed(Failure { by, failing, why: as_why(&why) }))
            }
            Said::Outcome(Outcome::Answered(answer)) => Said::Outcome(Outcome::Answered(answer.sane(now()))),
        };
        let said = match said {
            Said::Outcome(Outcome::Answered(answer)) if !flight.question.is_answered_by(&answer) => {
                let why = format!("{from} answered something else than was asked");
                let failure = Failure { by: self.node.id.clone(), failing: Failing::Refused, why };
                Said::Outcome(Outcome::Failed(failure))
            }
            said => said,
        };
        let flight = Flight { signed: signed.cloned().map(Box::new).filter(|_| self.parent.is_some()), ..flight };
        let before = flight.clone();
        let step = flight.step(Happening::Heard { from: from.clone(), said }, &self.context());
        if step.next == before { Ok(told) } else { Ok(told.with(Self::keep(heard, expect, step))) }
    }

    /// What a neighbour says as the manager takes it: of a node behind another that came in here only what that node vouches
    /// for. A failure is stated by any node on the way.
    fn vouched_for(&self, flight: &Flight, from: &NodeId, said: Said, signed: Option<&Signed>) -> (Said, Changes) {
        let manager = self.trust().and_then(Trust::manager);
        let asked = flight.to.as_ref().filter(|asked| *asked != from);
        let (Some(manager), Some(asked), Said::Outcome(Outcome::Answered(_))) = (manager, asked, &said) else {
            return (said, Changes::none());
        };
        if !manager.vouches(asked) {
            return (said, Changes::none());
        }
        match manager.vouched(asked, signed).and_then(|vouched| vouched.answer(asked, &flight.id)) {
            Ok(answer) => (Said::Outcome(Outcome::Answered(answer)), Changes::none()),
            Err(nothing) => {
                let text = format!("what came through {from} as {asked}'s answer isn't taken: {nothing}");
                tracing::warn!(request = %flight.id, "{text}");
                let (done, failing) = match flight.question.may_be_repeated() {
                    true => (String::new(), Failing::Refused),
                    false => ("; whether it was done isn't known".to_owned(), Failing::InDoubt),
                };
                let why = format!("{text}{done}");
                let failure = Failure { by: self.node.id.clone(), failing, why };
                let (at, name, severity) = (now(), "answer.refused".to_owned(), Severity::Warning);
                let event = Event { at, node: None, device: flight.question.device().cloned(), name, severity, text };
                (Said::Outcome(Outcome::Failed(failure)), Change::Happened(event).into())
            }
        }
    }
}
