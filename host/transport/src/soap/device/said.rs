//! What a device says in its calls, and what that is between nodes.

use crate::soap::Fault;
use hostler_core::command::{Command, describe};
use hostler_core::event::Event;
use hostler_core::id::is_standard_name;
use hostler_core::message::{Acks, Class, Epoch, Method, REPORT_LIMIT, weight};
use hostler_core::reading::{Identity, Reading, Report, Severity, Value};
use hostler_core::request::{
    Answer, Delay, Failing, Failure, LONGEST, Left, Outcome, Question, Request, SHORTEST, as_why,
};
use hostler_core::{DeviceId, NodeId, RequestId, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a user's call may take where the device doesn't say: whoever called stands there.
const CALL_WITHIN_S: u64 = 60;

/// The most that a device may say of its commands, in bytes: it goes up in one message.
const LARGEST_COMMANDS: usize = 32 << 10;

/// What a device complains of at a time: each that is new is told.
const ALERTS: usize = 100;

/// A report's number is at most so many milliseconds ahead of our clock: after one from a clock that ran ahead, all reports until
/// then would count as told before.
const AHEAD: Duration = Duration::from_secs(3_600);

fn invalid(why: impl Into<String>) -> Fault {
    Fault::sender("invalid", why).advising("Correct it by the WSDL and send it again.")
}

/// A poll.
#[derive(Deserialize)]
pub(super) struct Poll {
    /// What it has of us.
    pub(super) receipt: Option<String>,
    /// How long it waits.
    pub(super) wait_s: Option<u64>,
    /// Who it is.
    pub(super) device: Option<Identity>,
    /// What it can be told to do.
    #[serde(default)]
    pub(super) commands: Vec<Command>,
    /// How it stands.
    pub(super) report: Option<Report>,
}

impl Poll {
    /// The same, where it can be said.
    pub(super) fn checked(self) -> Result<Self, Fault> {
        if let Some(identity) = &self.device
            && identity.serial.is_none()
            && identity.mac.is_none()
        {
            return Err(invalid("the device says neither a serial number nor a hardware address; one is wanted"));
        }
        describe::check(&self.commands).map_err(|why| invalid(why.to_string()))?;
        if weight(&self.commands) > LARGEST_COMMANDS {
            let why = format!("its commands have more than the {LARGEST_COMMANDS} bytes that they may have; say less");
            return Err(Fault::sender("too-large", why));
        }
        if let Some(report) = &self.report {
            if report.alerts.len() > ALERTS {
                return Err(invalid(format!("a report has at most {ALERTS} alerts")));
            }
            readings(&report.readings)?;
            if let Some(alert) = report.alerts.iter().find(|alert| !is_standard_name(&alert.code)) {
                return Err(invalid(format!("“{}” is no name of an alert, such as cover-open", alert.code)));
            }
            if report.weight_at_most() > REPORT_LIMIT {
                return Err(Fault::sender(
                    "too-large",
                    format!("the report has more than the {REPORT_LIMIT} bytes that it may have; say less"),
                ));
            }
        }
        Ok(self)
    }
}

fn readings(readings: &[Reading]) -> Result<(), Fault> {
    let wrong = readings.iter().find(|reading| !is_standard_name(&reading.name));
    wrong.map_or(Ok(()), |wrong| {
        Err(invalid(format!("“{}” is no name of a reading, such as pages.printed", wrong.name)))
    })
}

/// An answer.
#[derive(Deserialize)]
pub(super) struct Answered {
    request: RequestId,
    alive: Option<Alive>,
    counters: Option<Counters>,
    done: Option<Done>,
    failed: Option<Refused>,
}

#[derive(Deserialize)]
struct Alive {
    version: String,
    running_s: Option<u64>,
}

#[derive(Deserialize)]
struct Counters {
    readings: Vec<Reading>,
}

#[derive(Deserialize)]
struct Done {
    lines: Vec<String>,
}

#[derive(Deserialize)]
struct Refused {
    failing: Option<Failing>,
    why: String,
}

impl Answered {
    /// As nodes say it.
    pub(super) fn method(self, by: &NodeId, now: Timestamp) -> Result<Method, Fault> {
        let outcome = match (self.alive, self.counters, self.done, self.failed) {
            (Some(Alive { version, running_s }), None, None, None) => {
                let ran = running_s.unwrap_or_default().saturating_mul(1_000);
                let started_at = Timestamp(now.0.saturating_sub(ran));
                Outcome::Answered(Answer::Alive { version, started_at, devices: 1 })
            }
            (None, Some(Counters { readings: counters }), None, None) => {
                readings(&counters)?;
                if let Some(other) = counters.iter().find(|one| !matches!(one.value, Value::Counter(_))) {
                    return Err(invalid(format!("“{}” is no counter; only counters are asked for", other.name)));
                }
                Outcome::Answered(Answer::Counters { read_at: now, counters })
            }
            (None, None, Some(Done { lines }), None) => Outcome::Answered(Answer::Done { lines }),
            (None, None, None, Some(Refused { failing, why })) => {
                let failing = failing.unwrap_or(Failing::Refused);
                Outcome::Failed(Failure { by: by.clone(), failing, why: as_why(&why) })
            }
            _ => return Err(invalid("an answer has one of these: alive, counters, done, failed")),
        };
        Ok(Method::Response { id: self.request, outcome: Box::new(outcome), signed: None })
    }
}

/// A delay notice.
#[derive(Deserialize)]
pub(super) struct Late {
    request: RequestId,
    why: String,
}

impl Late {
    /// As nodes say it.
    pub(super) fn method(self, by: &NodeId) -> Method {
        Method::Delay { id: self.request, delay: Delay { by: by.clone(), why: as_why(&self.why) } }
    }
}

/// A user's call.
#[derive(Deserialize)]
pub(super) struct UserCall {
    /// Its ID, where the device made one.
    pub(super) request: Option<RequestId>,
    text: Option<String>,
    within_s: Option<u64>,
}

impl UserCall {
    /// As nodes say it.
    pub(super) fn method(self, id: RequestId, device: DeviceId, now: Timestamp) -> Result<Method, Fault> {
        let whole = Duration::from_secs(self.within_s.unwrap_or(CALL_WITHIN_S));
        if whole < SHORTEST || whole > LONGEST {
            return Err(invalid(format!("a call may take from 1 second to {} s", LONGEST.as_secs())));
        }
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let left = Left { at: now, notice_ms: ms(whole / 4), whole_ms: ms(whole) };
        let question = Question::UserCall { device, text: self.text };
        Ok(Method::Request(Box::new(Request { id, question, left })))
    }
}

/// Something that happened.
#[derive(Deserialize)]
pub(super) struct ReportFault {
    name: Option<String>,
    severity: Severity,
    text: String,
    number: Option<u64>,
}

impl ReportFault {
    /// The device's own number of it, where it has one.
    pub(super) fn number_at(&self, now: Timestamp) -> Result<Option<u64>, Fault> {
        let highest = now.plus(AHEAD).0;
        match self.number {
            Some(0) => Err(invalid("a report's number is 1 or more")),
            Some(number) if number > highest => Err(invalid(format!(
                "a report's number is at most {highest} now, an hour ahead in milliseconds; {number} looks like a clock that is wrong"
            ))),
            number => Ok(number),
        }
    }

    /// As nodes say it.
    pub(super) fn method(self, device: DeviceId, now: Timestamp) -> Result<Method, Fault> {
        let name = self.name.unwrap_or_else(|| "device.fault".to_owned());
        if !is_standard_name(&name) {
            return Err(invalid(format!("“{name}” is no name of what happens, such as device.fault")));
        }
        let (severity, text) = (self.severity, as_why(&self.text));
        Ok(Method::EventHappened(Event { at: now, node: None, device: Some(device), name, severity, text }))
    }
}

/// What a device has of us, as it shows it: an epoch, and the last number of each class.
pub(super) fn receipt(acks: &Acks) -> String {
    let seq = |class: Class| acks.seqs.get(&class).copied().unwrap_or_default();
    let [fault, result, rest] = Class::ALL.map(seq);
    format!("{}.{fault}.{result}.{rest}", acks.epoch.0)
}

/// The same, read.
pub(super) fn acknowledged(receipt: &str) -> Result<Acks, Fault> {
    let numbers: Result<Vec<u64>, _> = receipt.trim().split('.').map(str::parse).collect();
    let Ok([epoch, seqs @ ..]) = numbers.as_deref() else { return Err(no_receipt()) };
    if seqs.len() != Class::ALL.len() {
        return Err(no_receipt());
    }
    let seqs: BTreeMap<Class, u64> =
        Class::ALL.into_iter().zip(seqs.iter().copied()).filter(|(_, seq)| *seq > 0).collect();
    Ok(Acks { epoch: Epoch(*epoch), seqs })
}

fn no_receipt() -> Fault {
    invalid("this is no receipt; show the one of the last answer as it was, or none")
}

/// Who it is, without what no page may show.
pub(super) fn presentable(identity: Identity) -> Identity {
    let text = |text: Option<String>| text.map(|text| as_why(text.trim())).filter(|text| !text.is_empty());
    let Identity { device_type, manufacturer, model, serial, mac, firmware, name, location } = identity;
    let [manufacturer, model, serial, mac] = [manufacturer, model, serial, mac].map(text);
    let [firmware, name, location] = [firmware, name, location].map(text);
    Identity { device_type, manufacturer, model, serial, mac, firmware, name, location }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d02_a_receipt_is_read_as_it_was_written_and_nothing_else_is() {
        let acks = Acks { epoch: Epoch(u64::MAX), seqs: [(Class::Result, 7), (Class::Rest, 1)].into() };
        assert_eq!(acknowledged(&receipt(&acks)), Ok(acks));
        assert_eq!(acknowledged(&receipt(&Acks::default())), Ok(Acks::default()));
        for wrong in ["", "1", "1.2.3", "1.2.3.4.5", "1.2.3.x", "-1.0.0.0", "1.2.3.99999999999999999999"] {
            assert!(acknowledged(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn d02_an_answer_is_one_of_them() {
        let read = |json: &str| {
            serde_json::from_str::<Answered>(json).unwrap().method(&"soap-1".parse().unwrap(), Timestamp(5_000))
        };
        let id = "0".repeat(32);
        assert!(read(&format!(r#"{{"request":"{id}"}}"#)).is_err());
        assert!(read(&format!(r#"{{"request":"{id}","failed":{{"why":"x"}},"done":{{"lines":[]}}}}"#)).is_err());
        let gauge = r#"{"readings":[{"name":"pages.printed","value":{"gauge":1.0}}]}"#;
        assert!(read(&format!(r#"{{"request":"{id}","counters":{gauge}}}"#)).is_err());
        let alive = read(&format!(r#"{{"request":"{id}","alive":{{"version":"1","running_s":2}}}}"#)).unwrap();
        let Method::Response { outcome, .. } = alive else { panic!("{alive:?}") };
        assert!(matches!(*outcome, Outcome::Answered(Answer::Alive { started_at: Timestamp(3_000), .. })));
    }
}
