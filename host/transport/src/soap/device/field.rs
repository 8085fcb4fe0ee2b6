//! A device in the field: each of its calls as the exchange of a child that counts nothing itself.

use super::said::{Answered, Late, Poll, ReportFault, UserCall, acknowledged, presentable, receipt};
use crate::server::Standing;
use crate::soap::Fault;
use crate::{LONGEST_WAIT_MS, Parent};
use hostler_core::command::Command;
use hostler_core::device::{Device, Reach, SPEAKS_FOR_ITSELF, device_id};
use hostler_core::event::Event;
use hostler_core::message::{Acks, Class, Envelope, ExchangeDown, ExchangeUp, Message, Method};
use hostler_core::reading::{Identity, Report, Snapshot};
use hostler_core::request::{Failing, Failure, Outcome, Question, Request, as_why};
use hostler_core::watch;
use hostler_core::{DeviceId, NodeId, PluginName, RequestId, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;

/// One call of a device.
pub(super) struct Field<P> {
    /// Who is called.
    pub(super) parent: Arc<P>,
    /// Who calls.
    pub(super) child: NodeId,
    /// Held while its messages are numbered.
    pub(super) turn: Arc<Mutex<()>>,
    /// From which address.
    pub(super) from: Option<IpAddr>,
}

/// Messages of a child, which get numbers when they are said.
#[derive(Default)]
struct Saying {
    methods: Vec<Method>,
    snapshot: Option<(DeviceId, Snapshot)>,
    acks: Acks,
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn input<T: DeserializeOwned>(input: Value) -> Result<T, Fault> {
    serde_json::from_value(input).map_err(|error| Fault::sender("invalid", error.to_string()))
}

impl<P: Parent> Field<P> {
    /// Does what is called.
    pub(super) async fn call(&self, operation: &str, given: Value) -> Result<Value, Fault> {
        match operation {
            "Poll" => self.poll(input::<Poll>(given)?.checked()?).await,
            "Answer" => self.say(vec![input::<Answered>(given)?.method(&self.child, now())?]).await,
            "Late" => self.say(vec![input::<Late>(given)?.method(&self.child)]).await,
            "UserCall" => self.user_call(input(given)?).await,
            "ReportFault" => self.report_fault(input(given)?).await,
            _ => Err(Fault::receiver("internal", format!("{operation} is described, and nothing does it"))),
        }
    }

    /// The device that the child speaks for.
    fn own(&self) -> Result<DeviceId, Fault> {
        let devices = self.parent.standing(&self.child)?.devices;
        devices.first().map(|device| device.id.clone()).ok_or_else(|| {
            let why = "the device isn't known here, so nothing can be said of it";
            Fault::sender("unknown-device", why).advising("Say who it is with a poll first.")
        })
    }

    /// Says these; they are committed when this returns.
    async fn say(&self, methods: Vec<Method>) -> Result<Value, Fault> {
        let _turn = self.turn.lock().await;
        self.exchange(Saying { methods, ..Saying::default() }).await?;
        Ok(json!({}))
    }

    /// One exchange, which doesn't wait. For whoever holds the turn.
    async fn exchange(&self, saying: Saying) -> Result<ExchangeDown, Fault> {
        let taken = self.parent.standing(&self.child)?.taken;
        let last = taken.seqs.get(&Class::Result).copied().unwrap_or_default();
        // All of them in one queue, so that they come in the order in which they were said.
        let numbered = (last.saturating_add(1)..).zip(saying.methods);
        let messages = numbered.map(|(seq, method)| Envelope { seq, class: Class::Result, message: method.into() });
        let up = ExchangeUp {
            epoch: taken.epoch,
            messages: messages.collect(),
            acks: saying.acks,
            snapshots: saying.snapshot.into_iter().collect(),
            clock: now(),
            ..ExchangeUp::default()
        };
        Ok(Arc::clone(&self.parent).exchange(self.child.clone(), up).await?)
    }

    async fn user_call(&self, call: UserCall) -> Result<Value, Fault> {
        let device = self.own()?;
        let id = call.request.clone().map_or_else(random_id, Ok)?;
        self.say(vec![call.method(id.clone(), device, now())?]).await?;
        Ok(json!({ "request": id }))
    }

    /// Reports are numbered by who makes them, in a queue that has nothing else. So the store knows those that it took.
    async fn report_fault(&self, report: ReportFault) -> Result<Value, Fault> {
        let device = self.own()?;
        let given = report.number_at(now())?;
        let message: Message = report.method(device, now())?.into();
        let _turn = self.turn.lock().await;
        let taken = self.parent.standing(&self.child)?.taken;
        let last = taken.seqs.get(&Class::Fault).copied().unwrap_or_default();
        let seq = given.unwrap_or(last.saturating_add(1));
        let messages = vec![Envelope { seq, class: Class::Fault, message }];
        let up = ExchangeUp { epoch: taken.epoch, messages, clock: now(), ..ExchangeUp::default() };
        let _ = Arc::clone(&self.parent).exchange(self.child.clone(), up).await?;
        Ok(json!({ "number": seq, "new": seq > last }))
    }

    async fn poll(&self, poll: Poll) -> Result<Value, Fault> {
        let acks = poll.receipt.as_deref().map_or(Ok(Acks::default()), acknowledged)?;
        let turn = self.turn.lock().await;
        if let Some(identity) = poll.device {
            self.announce(presentable(identity), poll.commands).await?;
        }
        let Standing { devices, newest, .. } = self.parent.standing(&self.child)?;
        let device = devices.first().map(|device| device.id.clone());
        let said = poll.report.zip(devices.first()).map(|(report, device)| reported(device, &newest, report));
        let saying = said.unwrap_or_default();
        let down = self.exchange(Saying { acks: acks.clone(), ..saying }).await?;
        let down = self.settled(down).await?;
        drop(turn);
        let wait_ms = poll.wait_s.unwrap_or_default().saturating_mul(1_000).min(LONGEST_WAIT_MS.into());
        if !down.messages.is_empty() || wait_ms == 0 {
            return Ok(self.fetched(down, acks, device.as_ref()));
        }
        // It waits without its turn: what it says meanwhile goes before.
        let wait_ms = u32::try_from(wait_ms).unwrap_or(LONGEST_WAIT_MS);
        let (catalogue, taken) = (down.catalogue, self.parent.standing(&self.child)?.taken);
        let waiting = ExchangeUp {
            epoch: taken.epoch,
            acks: acks.clone(),
            catalogue,
            wait_ms,
            clock: now(),
            ..ExchangeUp::default()
        };
        let down = Arc::clone(&self.parent).exchange(self.child.clone(), waiting).await?;
        let turn = self.turn.lock().await;
        let down = self.settled(down).await?;
        drop(turn);
        Ok(self.fetched(down, acks, device.as_ref()))
    }

    /// Says who the device is, where that isn't known. It speaks for one: another of its own goes.
    async fn announce(&self, identity: Identity, commands: Vec<Command>) -> Result<(), Fault> {
        let known = self.parent.standing(&self.child)?.devices;
        let address = self.from.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let id = device_id(&identity, &self.child, address);
        let reach = Reach { address, snmp: None, http: None };
        let same = |device: &&Device| {
            (&device.id, &device.identity, &device.reach, &device.commands) == (&id, &identity, &reach, &commands)
        };
        if known.len() == 1 && known.iter().any(|device| same(&device)) {
            return Ok(());
        }
        let internal = |error: hostler_core::BadId| Fault::receiver("internal", error.to_string());
        let (plugin, gateway): (PluginName, _) = (SPEAKS_FOR_ITSELF.parse().map_err(internal)?, self.child.clone());
        let adopted_at = known.iter().find(|device| device.id == id).map_or_else(now, |device| device.adopted_at);
        let others =
            known.iter().filter(|device| device.id != id).map(|device| Method::DeviceReleased(device.id.clone()));
        let mut methods: Vec<Method> = others.collect();
        let device = Device { id, gateway, plugin, identity, reach, certificate: None, adopted_at, commands };
        let id = device.id.clone();
        methods.push(Method::DeviceAdopted(Box::new(device)));
        self.exchange(Saying { methods, ..Saying::default() }).await?;
        let taken = self.parent.standing(&self.child)?.devices.iter().any(|device| device.id == id);
        if taken { Ok(()) } else { Err(anothers(&id)) }
    }

    /// Answers at once what a device in the field needn't be asked: to be let go, to adopt others, and what no call of it can
    /// say.
    async fn settled(&self, down: ExchangeDown) -> Result<ExchangeDown, Fault> {
        let settled = |envelope: &Envelope| match &envelope.message.method {
            Method::Release(device) => Some(Method::DeviceReleased(device.clone())),
            Method::Adopt { address, .. } => {
                let why = format!("{} is a device that speaks SOAP, and adopts none", self.child);
                Some(Method::AdoptionEnded { address: *address, why })
            }
            Method::Request(request) if !is_asked(&request.question) => {
                let why = format!("{} speaks SOAP, where {} isn't asked", self.child, request.question.words());
                let failure = Failure { by: self.child.clone(), failing: Failing::Refused, why };
                let outcome = Box::new(Outcome::Failed(failure));
                Some(Method::Response { id: request.id.clone(), outcome, signed: None })
            }
            _ => None,
        };
        let methods: Vec<Method> = down.messages.iter().filter_map(settled).collect();
        if !methods.is_empty() {
            self.exchange(Saying { methods, ..Saying::default() }).await?;
        }
        Ok(down)
    }

    /// What an exchange brought, as the device reads it.
    fn fetched(&self, down: ExchangeDown, acks: Acks, device: Option<&DeviceId>) -> Value {
        let mut kept = if acks.epoch == down.epoch { acks } else { Acks { epoch: down.epoch, ..Acks::default() } };
        let (mut questions, mut delays, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut read_now, mut released) = (false, false);
        for Envelope { seq, class, message } in down.messages {
            kept.seqs.entry(class).and_modify(|last| *last = (*last).max(seq)).or_insert(seq);
            match message.method {
                Method::Request(request) => questions.extend(question(&request, down.clock)),
                Method::Delay { id, delay } => delays.push(json!({ "request": id, "delay": delay })),
                Method::Response { id, outcome, .. } => outcomes.push(json!({ "request": id, "outcome": outcome })),
                Method::ReadNow(_) => read_now = true,
                Method::Release(_) => released = true,
                other => tracing::debug!(child = %self.child, ?other, "a device that speaks SOAP isn't told of this"),
            }
        }
        let device = device.filter(|_| !released);
        json!({
            "receipt": receipt(&kept),
            "device": device,
            // Whoever was let go comes back when it says who it is, not because it is asked.
            "describe": device.is_none() && !released,
            "read_now": read_now,
            "released": released,
            "questions": questions,
            "delays": delays,
            "outcomes": outcomes,
        })
    }
}

/// How a device stands now, and what happened to it since the newest that is known, as a gateway tells both.
fn reported(device: &Device, newest: &Snapshot, report: Report) -> Saying {
    let after = watch::read(newest, now(), report);
    let told = watch::happened(&device.id, &device.title(), newest, &after).into_iter();
    let told = told.map(|event| Method::EventHappened(Event { text: as_why(&event.text), ..event }));
    Saying { methods: told.collect(), snapshot: Some((device.id.clone(), after)), ..Saying::default() }
}

fn anothers(id: &DeviceId) -> Fault {
    let why = format!("the device {id} isn't taken: another node speaks for it, or this one may not");
    Fault::sender("not-yours", why).advising("See in the events of the node above why.")
}

/// Whether a device that speaks SOAP is asked this.
fn is_asked(question: &Question) -> bool {
    matches!(question, Question::Alive | Question::Counters { .. } | Question::Command { .. })
}

/// What is asked, with the time that is left of it; nothing where that is over.
fn question(request: &Request, clock: Timestamp) -> Option<Value> {
    let (notice, whole) = request.left.when(clock)?;
    let Ok(Value::Object(mut parts)) = serde_json::to_value(&request.question) else { return None };
    if !is_asked(&request.question) {
        return None;
    }
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    parts.extend(Map::from_iter([
        ("request".to_owned(), json!(request.id)),
        ("notice_ms".to_owned(), json!(ms(notice))),
        ("whole_ms".to_owned(), json!(ms(whole))),
    ]));
    Some(Value::Object(parts))
}

fn random_id() -> Result<RequestId, Fault> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| Fault::receiver("internal", format!("no randomness: {error}")))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.parse().map_err(|error: hostler_core::BadId| Fault::receiver("internal", error.to_string()))
}
