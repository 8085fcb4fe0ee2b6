//! This node does what it was asked.

use super::waking::switch;
use super::{Done, Requests};
use crate::gateway::{CallFailed, Gateway, Told, Undone};
use crate::trust::Trust;
use hostler_core::changes::{Change, Changes};
use hostler_core::event::Event;
use hostler_core::message::{Method, weight};
use hostler_core::reading::{Reading, Severity, Value};
use hostler_core::request::{Answer, Asker, Failing, Flight, Happening, Question, as_why};
use hostler_core::trust::Signed;
use hostler_core::{DeviceId, RequestId};
use hostler_engine::now;
use hostler_store::StoreError;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// A device that doesn't answer is asked again after so long, and after twice as long each time, up to [`SELDOM`].
const SOON: Duration = Duration::from_secs(5);
const SELDOM: Duration = Duration::from_secs(60);

/// What the disk refused is tried again after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// The largest answer, in bytes: below what is taken of one message.
const LARGEST: usize = 48 << 10;

/// The same where this node vouches for it: it is said once for those on the way, and once as it was signed.
const LARGEST_VOUCHED: usize = 20 << 10;

/// A call that brought nothing, as whoever asked is told.
pub(super) fn failed(error: CallFailed) -> (Failing, String) {
    let failing = match &error {
        // It may have done something before it was stopped.
        CallFailed::Plugin(_) => Failing::InDoubt,
        error if error.is_of_the_thing() => Failing::Unreachable,
        _ => Failing::Refused,
    };
    (failing, error.to_string())
}

impl Requests {
    /// Does it, once; what was begun before a crash and can't be done twice is in doubt.
    pub(super) async fn do_it(self: Arc<Self>, id: RequestId) {
        while let Err(error) = self.try_it(&id).await {
            tracing::error!(request = %id, %error, "a request waits for the store");
            tokio::time::sleep(AGAIN).await;
        }
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    async fn try_it(&self, id: &RequestId) -> Result<(), StoreError> {
        let Some(known) = self.store.flight(id)? else { return Ok(()) };
        // What hasn't begun can wait for the device and be begun anew after a crash; nothing is in doubt until it begins.
        let made_ready = match known.value.may_be_begun() {
            true => self.made_ready(&known.value).await?,
            false => Ok(None),
        };
        let _working = match made_ready {
            Ok(working) => working,
            Err(failed) => {
                self.ends(id, Changes::none(), Err(failed), None).await;
                return Ok(());
            }
        };
        let Some(begun) = self.happened(id, Changes::none(), |_| Some(Happening::Begin)).await? else { return Ok(()) };
        if !begun.is_to_be_done() {
            return Ok(());
        }
        let (done, more) = self.answer(&begun).await;
        let above = self.parent.as_ref().is_some_and(|parent| begun.is_asked_by(parent));
        let member = self.trust().and_then(Trust::member).filter(|_| above);
        let largest = if member.is_some() { LARGEST_VOUCHED } else { LARGEST };
        let done = done.and_then(|answer| match weight(&answer) {
            heavy if heavy > largest => {
                Err((Failing::Refused, format!("the answer has {heavy} bytes; at most {largest} are passed on")))
            }
            _ => Ok(answer),
        });
        let signed = member.and_then(|member| member.answer(id, done.as_ref().ok()?));
        self.ends(id, more, done, signed).await;
        Ok(())
    }

    /// Stores how it ended. An answer that can't be stored now must not be lost, nor what it answers be done again.
    async fn ends(&self, id: &RequestId, more: Changes, done: Done, signed: Option<Box<Signed>>) {
        while let Err(error) =
            self.happened(id, more.clone(), |_| Some(Happening::Done(done.clone(), signed.clone()))).await
        {
            tracing::error!(request = %id, %error, "an answer waits for the store");
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The answer, and what is stored with it.
    async fn answer(&self, flight: &Flight) -> (Done, Changes) {
        match &flight.question {
            Question::Alive => {
                let (version, started_at) = (self.node.version.to_owned(), self.node.started_at);
                let devices = self.inventory.devices_where(|gateway| *gateway == self.node.id).len();
                (Ok(Answer::Alive { version, started_at, devices }), Changes::none())
            }
            Question::SetCredential { kind, name, sealed } => {
                (self.take_credential(*kind, name, sealed), Changes::none())
            }
            Question::Counters { device } => (self.counters(flight, device).await, Changes::none()),
            Question::Command { .. }
            | Question::Panel { .. }
            | Question::ShowOnPanel { .. }
            | Question::Power { .. }
            | Question::SetPower { .. } => (self.order(&flight.question).await, Changes::none()),
            Question::Intervals { device } => (self.intervals(device.as_ref()), Changes::none()),
            Question::SetIntervals { device, wish } => self.set_intervals(device.as_ref(), *wish).await,
            Question::Log { from } => (self.log_piece(*from).await, Changes::none()),
            Question::LogLevels => (self.log_levels(), Changes::none()),
            Question::SetLogLevel { wish } => self.set_log_level(wish),
            Question::UserCall { device, text } => self.take_call(flight, device, text.as_deref()),
        }
    }

    /// Reads a device and brings what it counts. One that doesn't answer is asked again until the time is over: it may sleep.
    async fn counters(&self, flight: &Flight, device: &DeviceId) -> Done {
        let mut wait = SOON;
        self.say_waits(&flight.id, format!("{device} is being asked, and hasn't answered yet"));
        loop {
            let Some(gateway) = self.inventory.own_gateway() else {
                return Err((Failing::Refused, format!("{} speaks for no devices", self.node.id)));
            };
            let snapshot = match gateway.read(device).await {
                Some(snapshot) => snapshot,
                None => return Err((Failing::Refused, format!("{} doesn't speak for {device}", self.node.id))),
            };
            let Some(trouble) = &snapshot.trouble else {
                let report = snapshot.report.as_deref();
                let counts = |reading: &&Reading| matches!(reading.value, Value::Counter(_));
                let counters =
                    report.map_or_else(Vec::new, |report| report.readings.iter().filter(counts).cloned().collect());
                return Ok(Answer::Counters { read_at: snapshot.tried_at, counters });
            };
            if trouble.hindrance.is_some() {
                return Err((Failing::Refused, trouble.text.clone()));
            }
            let (again, text) = (wait.as_secs(), &trouble.text);
            self.say_waits(&flight.id, format!("{device} doesn't answer and is asked again in {again} s: {text}"));
            // What can't be looked up now is asked on: the time ends it.
            if !self.goes_on(&flight.id).unwrap_or(true) || now().plus(wait) >= flight.until {
                return Err((Failing::Unreachable, format!("{device} doesn't answer: {text}")));
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(SELDOM);
        }
    }

    /// This node's gateway, where it speaks for this device.
    pub(super) fn gateway_of(&self, device: &DeviceId) -> Option<&Arc<Gateway>> {
        self.inventory.known(device).filter(|(known, _)| known.gateway == self.node.id)?;
        self.inventory.own_gateway()
    }

    /// Has the plug-in of one of this node's devices do something, once.
    async fn order(&self, question: &Question) -> Done {
        let Some(gateway) = question.device().and_then(|device| self.gateway_of(device)) else {
            return Err((Failing::Refused, format!("{} doesn't speak for this device", self.node.id)));
        };
        let caller = gateway.caller();
        if let Question::SetPower { device, wish } = question
            && let Some(done) = self.engine_of(device).and_then(|engine| switch(engine, *wish))
        {
            return done;
        }
        let told = match question {
            Question::Panel { device } => {
                return caller.look_at_panel(device).await.map(|panel| Answer::Panel { panel }).map_err(failed);
            }
            Question::Power { device } => {
                return self.power(caller, device).await;
            }
            Question::Command { device, name, arguments } => caller.command(device, name, arguments.clone()).await,
            Question::ShowOnPanel { device, text } => caller.show_on_panel(device, text.clone()).await,
            Question::SetPower { device, wish } => caller.set_power(device, *wish).await,
            Question::Alive
            | Question::Counters { .. }
            | Question::Intervals { .. }
            | Question::SetIntervals { .. }
            | Question::Log { .. }
            | Question::LogLevels
            | Question::SetLogLevel { .. }
            | Question::SetCredential { .. }
            | Question::UserCall { .. } => {
                return Err((Failing::Refused, "a plug-in isn't asked this".to_owned()));
            }
        };
        let Told { lines, undone } = told.map_err(failed)?;
        if undone.is_empty() {
            return Ok(Answer::Done { lines });
        }
        let doubt = undone.iter().any(|undone| matches!(undone, Undone::InDoubt(_)));
        let failing = if doubt { Failing::InDoubt } else { Failing::Refused };
        Err((failing, undone.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
    }

    /// Whether somebody still waits for it. It may have ended otherwise, by a clock that was set, or a node that was removed.
    ///
    /// # Errors
    /// The store's: that isn't known then.
    pub(super) fn goes_on(&self, id: &RequestId) -> Result<bool, StoreError> {
        Ok(self.store.flight(id)?.is_some_and(|row| row.value.outcome().is_none()))
    }

    pub(super) fn say_waits(&self, id: &RequestId, why: String) {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), why);
    }

    /// Somebody at a device calls: a notice here, in the same commit as the answer, so that one call is one notice.
    fn take_call(&self, flight: &Flight, device: &DeviceId, text: Option<&str>) -> (Done, Changes) {
        let from = match &flight.asker {
            Asker::Here(_) => &self.node.id,
            Asker::Neighbour { next, from } => from.as_ref().unwrap_or(next),
        };
        // A call of a device that isn't that node's is refused: its panel says so.
        let known = self.inventory.known(device).filter(|(known, _)| known.gateway == *from);
        let Some((known, _)) = known else {
            let why = format!("{} manages no device {device} behind {from}; let somebody add it first", self.node.id);
            return (Err((Failing::Refused, why)), Changes::none());
        };
        let said = text.map(|text| format!(": {}", as_why(text))).unwrap_or_default();
        let event = Event {
            at: now(),
            node: None,
            device: Some(device.clone()),
            name: "device.user-call".to_owned(),
            severity: Severity::Warning,
            text: format!("somebody at {} calls for help{said}", known.title()),
        };
        let noted =
            Changes::from(Change::Happened(event.clone())).telling(self.parent.as_ref(), Method::EventHappened(event));
        let text = format!("{} was told and will see to it", self.node.id);
        (Ok(Answer::CallTaken { text }), noted)
    }
}
