//! A request at one node: who asked, who was asked, and how it stands.

use super::{Answer, Delay, Failing, Failure, Left, MOST_NOTICES, Outcome, Question, Request};
use crate::changes::{Change, Changes};
use crate::id::{NodeId, RequestId, UserName};
use crate::message::{Ends, Method};
use crate::time::Timestamp;
use crate::trust::Signed;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who asked a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asker {
    /// Somebody at this node: a user, or a person at the device's panel.
    Here(Option<UserName>),
    /// A neighbour, for itself or for one behind it.
    Neighbour {
        /// The neighbour, as it is called in this node's outboxes.
        next: NodeId,
        /// The node that speaks, where that is one below.
        from: Option<NodeId>,
    },
}

/// Where a request goes from here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// Nowhere: this node was asked.
    Here,
    /// To this neighbour, and on from there as these ends say.
    On(NodeId, Ends),
    /// To this neighbour, as soon as it tells of whoever is asked.
    Later(NodeId),
    /// It can't go on.
    No(Failing, String),
}

/// How far it is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// A neighbour was asked.
    Passed {
        /// Which.
        next: NodeId,
    },
    /// This node was asked, and hasn't begun.
    Here,
    /// It has begun. After a crash nobody knows how far it came.
    Begun,
    /// It has ended. Kept for a while: what comes a second time or too late does nothing.
    Ended {
        /// When.
        at: Timestamp,
        /// How.
        outcome: Outcome,
    },
}

/// A request at one node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Flight {
    /// Which.
    pub id: RequestId,
    /// Who asked this node.
    pub asker: Asker,
    /// Whom it is for; `None` for the manager.
    pub to: Option<NodeId>,
    /// What is asked.
    pub question: Question,
    /// Since when this node knows it.
    pub since: Timestamp,
    /// When whoever asked wants to hear something.
    pub notice_by: Timestamp,
    /// When whoever asked gives up.
    pub until: Timestamp,
    /// How far it is.
    pub phase: Phase,
    /// What whoever asked was told last of why it takes longer.
    pub delay: Option<Delay>,
    /// How many such notices there were.
    pub notices: u8,
    /// The manager's order to whom it is for, where it goes on from here: it is asked again by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Box<Signed>>,
    /// What the node that answered vouches for: it goes on to whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Box<Signed>>,
}

/// What a neighbour says of a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Said {
    /// It takes longer.
    Delay(Delay),
    /// It has ended.
    Outcome(Outcome),
}

/// Something that happens to a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    /// A neighbour says something of it.
    Heard {
        /// Which neighbour.
        from: NodeId,
        /// What.
        said: Said,
    },
    /// This node begins what it was asked for, or finds after a restart that it had begun.
    Begin,
    /// It was done, or not; and what this node vouches for of that.
    Done(Result<Answer, (Failing, String)>, Option<Box<Signed>>),
    /// A time may have come: this is what is waited for.
    Due(String),
    /// The neighbour that was asked isn't there any more.
    WayLost(String),
    /// This node's store was put back to an earlier state: nobody knows how far it came since.
    PutBack,
}

/// Which node this is and what time it has.
#[derive(Clone, Debug)]
pub struct Context {
    /// This node.
    pub own: NodeId,
    /// Now.
    pub now: Timestamp,
}

/// What follows from something that happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The request afterwards.
    pub next: Flight,
    /// What is said to neighbours.
    pub changes: Changes,
}

/// What of its time a node keeps for itself, so that who is behind it speaks first: a quarter of the patience.
fn earlier(notice: Duration) -> Duration {
    notice * 3 / 4
}

/// The same for the whole: a sixteenth, and no more than this.
const MARGIN: Duration = Duration::from_secs(5);

fn before(whole: Duration) -> Duration {
    whole.saturating_sub((whole / 16).min(MARGIN))
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// So long beyond its time a piece is kept where it was asked for: whoever waits for one that ends at its limit learns that.
const PIECE_KEPT: Duration = Duration::from_secs(60);

impl Flight {
    /// A request that comes to a node, from somebody here or from a neighbour, with so much time left: until a notice, and
    /// until the end.
    #[must_use]
    pub fn begin(
        (id, question): (RequestId, Question),
        (asker, to): (Asker, Option<NodeId>),
        (notice, whole): (Duration, Duration),
        way: Way,
        context: &Context,
    ) -> Step {
        let now = context.now;
        let whole = whole.min(question.longest());
        let (notice_by, until) = (now.plus(notice.min(whole)), now.plus(whole));
        let phase = match &way {
            Way::On(next, _) | Way::Later(next) => Phase::Passed { next: next.clone() },
            Way::Here | Way::No(..) => Phase::Here,
        };
        let (delay, notices, ordered, signed) = (None, 0, None, None);
        let flight =
            Self { id, asker, to, question, since: now, notice_by, until, phase, delay, notices, ordered, signed };
        match way {
            Way::Here | Way::Later(_) => Step { next: flight, changes: Changes::none() },
            Way::No(failing, why) => flight.fail(failing, why, context),
            Way::On(next, ends) => {
                let asked = Change::send_between(&next, ends, flight.asking(context));
                Step { next: flight, changes: asked.into() }
            }
        }
    }

    /// What a neighbour is asked with this, with what is left of its time.
    #[must_use]
    pub fn asking(&self, context: &Context) -> Method {
        let now = context.now;
        let (notice, whole) = (self.notice_by.since(now), self.until.since(now));
        let left = Left { at: now, notice_ms: ms(earlier(notice)), whole_ms: ms(before(whole)) };
        Method::Request(Box::new(Request { id: self.id.clone(), question: self.question.clone(), left }))
    }

    /// How it ended, where it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Ended { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// Whether this node has to do what is asked.
    #[must_use]
    pub fn is_to_be_done(&self) -> bool {
        matches!(self.phase, Phase::Here | Phase::Begun)
    }

    /// Whether this node may begin to do what is asked without doing it twice.
    #[must_use]
    pub fn may_be_begun(&self) -> bool {
        match self.phase {
            Phase::Here => true,
            Phase::Begun => self.question.may_be_repeated(),
            Phase::Passed { .. } | Phase::Ended { .. } => false,
        }
    }

    /// Whether this neighbour asked.
    #[must_use]
    pub fn is_asked_by(&self, neighbour: &NodeId) -> bool {
        matches!(&self.asker, Asker::Neighbour { next, .. } if next == neighbour)
    }

    /// The neighbour that was asked and hasn't answered.
    #[must_use]
    pub fn waits_for(&self) -> Option<&NodeId> {
        match &self.phase {
            Phase::Passed { next } => Some(next),
            _ => None,
        }
    }

    /// When something is due by itself: a notice, its end, or that it is forgotten. `None` for one that has ended and whose
    /// asker is here: how many of those are kept isn't a matter of time, but for pieces.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match (&self.phase, &self.asker) {
            (Phase::Ended { .. }, Asker::Here(_)) if self.question.is_piece() => Some(self.until.plus(PIECE_KEPT)),
            (Phase::Ended { .. }, Asker::Here(_)) => None,
            (Phase::Ended { .. }, Asker::Neighbour { .. }) => Some(self.until),
            _ if self.notices == 0 => Some(self.notice_by.min(self.until)),
            _ => Some(self.until),
        }
    }

    /// Whether it has ended and nothing that still comes could be taken for it: nobody needs it any more.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        matches!(self.phase, Phase::Ended { .. }) && self.due_at().is_some_and(|until| now >= until)
    }

    /// The same on a clock that was set back since it came: it has no more time than it was given.
    #[must_use]
    pub fn by_clock(mut self, now: Timestamp) -> Self {
        if now < self.since {
            let (notice, whole) = (self.notice_by.since(self.since), self.until.since(self.since));
            (self.since, self.notice_by, self.until) = (now, now.plus(notice), now.plus(whole));
        }
        self
    }

    /// What follows from something that happened.
    #[must_use]
    pub fn step(self, happening: Happening, context: &Context) -> Step {
        let flight = self.by_clock(context.now);
        match (happening, &flight.phase) {
            (_, Phase::Ended { .. }) => flight.unmoved(),
            (Happening::Heard { from, said }, Phase::Passed { next }) if from == *next => match said {
                Said::Delay(delay) => flight.delayed(delay),
                Said::Outcome(outcome) => flight.end(outcome, context),
            },
            (Happening::WayLost(why), Phase::Passed { .. }) if flight.question.may_be_repeated() => {
                flight.fail(Failing::Unreachable, why, context)
            }
            (Happening::WayLost(why), Phase::Passed { .. }) => {
                flight.fail(Failing::InDoubt, format!("{why}; whether it was done isn't known"), context)
            }
            (Happening::Begin, Phase::Here) if context.now >= flight.until => flight.fail(
                Failing::Late,
                "its time was over before it could begin; nothing was done".to_owned(),
                context,
            ),
            (Happening::PutBack, _) => {
                let why =
                    "a backup of this node's store was put back; what became of this since isn't known".to_owned();
                flight.fail(Failing::InDoubt, why, context)
            }
            (Happening::Begin, Phase::Here) => {
                Step { next: Self { phase: Phase::Begun, ..flight }, changes: Changes::none() }
            }
            (Happening::Begin, Phase::Begun) if !flight.question.may_be_repeated() => {
                let why = format!(
                    "hostler stopped while {} was under way; whether it was done isn't known",
                    flight.question.words()
                );
                flight.fail(Failing::InDoubt, why, context)
            }
            (Happening::Done(Ok(answer), signed), Phase::Here | Phase::Begun) => {
                Self { signed, ..flight }.end(Outcome::Answered(answer), context)
            }
            (Happening::Done(Err((failing, why)), _), Phase::Here | Phase::Begun) => flight.fail(failing, why, context),
            (Happening::Due(waits), _) => flight.due(waits, context),
            _ => flight.unmoved(),
        }
    }

    fn unmoved(self) -> Step {
        Step { next: self, changes: Changes::none() }
    }

    fn due(self, waits: String, context: &Context) -> Step {
        if context.now >= self.until {
            let why = match (&self.phase, self.question.may_be_repeated()) {
                (Phase::Begun, false) => {
                    format!("its time is over while it is being done; whether it was isn't known: {waits}")
                }
                (Phase::Passed { .. }, false) => format!("its time is over; whether it was done isn't known: {waits}"),
                _ => format!("its time is over: {waits}"),
            };
            return self.fail(Failing::Late, why, context);
        }
        if context.now < self.notice_by || self.notices > 0 {
            return self.unmoved();
        }
        self.delayed(Delay { by: context.own.clone(), why: super::as_why(&waits) })
    }

    fn delayed(self, delay: Delay) -> Step {
        if self.notices >= MOST_NOTICES || self.delay.as_ref() == Some(&delay) {
            return self.unmoved();
        }
        let changes = self.say(Method::Delay { id: self.id.clone(), delay: delay.clone() });
        Step { next: Self { notices: self.notices + 1, delay: Some(delay), ..self }, changes }
    }

    fn fail(self, failing: Failing, why: String, context: &Context) -> Step {
        let why = super::as_why(&why);
        self.end(Outcome::Failed(Failure { by: context.own.clone(), failing, why }), context)
    }

    fn end(self, outcome: Outcome, context: &Context) -> Step {
        let changes = self.say(self.response(outcome.clone()));
        let (phase, question) = (Phase::Ended { at: context.now, outcome }, self.question.clone().ended());
        // A secret may stand in the order as well, and nobody is asked by it any more.
        Step { next: Self { phase, question, ordered: None, ..self }, changes }
    }

    /// How it ended is said once more: whoever asked asks again, and didn't keep it.
    #[must_use]
    pub fn answer_again(&self) -> Changes {
        self.outcome().map_or_else(Changes::none, |outcome| self.say(self.response(outcome.clone())))
    }

    fn response(&self, outcome: Outcome) -> Method {
        // A failure is stated by any node on the way; nobody vouches for it.
        let signed = self.signed.clone().filter(|_| matches!(outcome, Outcome::Answered(_)));
        Method::Response { id: self.id.clone(), outcome: Box::new(outcome), signed }
    }

    /// Asks this neighbour, with what is left of its time: who was asked leads there no longer, or may not have heard. Whoever
    /// has it already knows it by its ID.
    #[must_use]
    pub fn ask_again(self, next: NodeId, ends: Ends, context: &Context) -> Step {
        let flight = self.by_clock(context.now);
        if !matches!(flight.phase, Phase::Passed { .. }) || context.now >= flight.until {
            return flight.unmoved();
        }
        let ends = ends.signed(flight.ordered.clone());
        let asked = Change::send_between(&next, ends, flight.asking(context));
        Step { next: Self { phase: Phase::Passed { next }, ..flight }, changes: asked.into() }
    }

    /// The same, where whoever asked is reached through another neighbour now, and asks once more. `None` where that is
    /// somebody else.
    #[must_use]
    pub fn asked_through(self, next: &NodeId, from: Option<&NodeId>) -> Option<Self> {
        let Asker::Neighbour { next: before, from: whose } = &self.asker else { return None };
        let same = whose.as_ref().unwrap_or(before) == from.unwrap_or(next);
        same.then(|| Self { asker: Asker::Neighbour { next: next.clone(), from: from.cloned() }, ..self })
    }

    /// Says something to whoever asked, where that is a neighbour.
    fn say(&self, method: Method) -> Changes {
        match &self.asker {
            Asker::Here(_) => Changes::none(),
            Asker::Neighbour { next, .. } => Change::send(next, method).into(),
        }
    }
}
