//! Requests through gateways over real connections, each exchange begun by hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on shall stop")]

use super::below_tests::{Line, admin, node};
use super::tests::{client, id};
use crate::error::ServiceError;
use crate::requests::{Limits, NewRequest, RequestState, RequestView, Target};
use hostler_core::RequestId;
use hostler_core::Timestamp;
use hostler_core::changes::{Change, Changes};
use hostler_core::message::{Class, Ends, Envelope, ExchangeUp, Message, Method};
use hostler_core::request::{Answer, Delay, Failing, Failure, Left, Outcome, Question, Request};
use hostler_core::upkeep::LogFrom;
use hostler_core::viewer::{Right, Viewer};
use hostler_engine::now;
use std::sync::Arc;
use std::time::Duration;

fn alive(of: &str) -> NewRequest {
    NewRequest { target: Target::Node(node(of)), question: Question::Alive, limits: Limits::USUAL }
}

fn failing(view: &RequestView) -> Option<Failing> {
    match &view.outcome {
        Some(Outcome::Failed(failure)) => Some(failure.failing),
        _ => None,
    }
}

impl Line {
    fn see_to_requests(&self) {
        for requests in [&self.root.requests, &self.middle.child.requests, &self.last.child.requests] {
            tokio::spawn(Arc::clone(requests).tend_forever());
        }
    }

    async fn asked(&self, new: NewRequest) -> RequestId {
        self.root.requests.ask(&admin(), new).await.unwrap().id
    }

    fn view(&self, id: &RequestId) -> RequestView {
        self.root.requests.get(&admin(), id).unwrap()
    }

    async fn until_ended(&mut self, id: &RequestId) -> RequestView {
        let requests = Arc::clone(&self.root.requests);
        self.until("it has ended", |_| requests.get(&admin(), id).unwrap().has_ended()).await;
        self.view(id)
    }
}

#[tokio::test]
async fn d02_a_node_behind_another_answers_and_each_on_the_way_knows_it_once() {
    let mut line = Line::known().await;
    line.see_to_requests();
    let id = line.asked(alive("gateway-3")).await;
    let ended = line.until_ended(&id).await;
    assert!(matches!(ended.outcome, Some(Outcome::Answered(Answer::Alive { devices: 1, .. }))), "{ended:?}");
    let middle = line.middle.child.store.flight(&id).unwrap().unwrap().value;
    assert!(middle.outcome().is_some() && middle.until > now(), "kept, for what comes twice");
}

#[tokio::test]
async fn d04_an_answer_of_somebody_else_or_a_second_one_changes_nothing() {
    let mut line = Line::known().await;
    let id = line.asked(alive("gateway-3")).await;
    let forged = Outcome::Answered(Answer::CallTaken { text: "forged".to_owned() });
    let forged = Method::Response { id: id.clone(), outcome: Box::new(forged), signed: None };
    // gateway-2 calls the manager as well, and wasn't asked.
    let stranger = client(line.root.address, "gateway-2");
    let say = async |seq| {
        let up = ExchangeUp { messages: vec![Envelope::of(seq, forged.clone())], ..ExchangeUp::default() };
        stranger.exchange(&up).await.unwrap()
    };
    let _ = say(1).await;
    assert_eq!(line.view(&id).state, RequestState::Waiting);
    line.see_to_requests();
    let ended = line.until_ended(&id).await;
    assert_eq!(ended.state, RequestState::Answered);
    let _ = say(2).await;
    let answered = |view: &RequestView| matches!(view.outcome, Some(Outcome::Answered(Answer::Alive { .. })));
    assert!(answered(&line.view(&id)), "it stays as it ended");
}

#[tokio::test]
async fn d04_a_request_that_is_too_late_does_nothing_and_clocks_may_be_hours_apart() {
    let mut line = Line::known().await;
    line.see_to_requests();
    let ask = |clock: Timestamp, at: Timestamp, id: &str| {
        let left = Left { at, notice_ms: 1_000, whole_ms: 60_000 };
        let request = Request { id: id.repeat(32).parse().unwrap(), question: Question::Alive, left };
        let message = Message { ends: Ends::neighbours(), method: Method::Request(Box::new(request)) };
        let messages = vec![Envelope { message, ..Envelope::of(1, Method::DiscoverNow) }];
        (ExchangeUp { clock, messages, ..ExchangeUp::default() }, id.repeat(32).parse::<RequestId>().unwrap())
    };
    let stranger = client(line.root.address, "gateway-2");
    let hours_ago = Timestamp(1_000_000);
    let (late, id) = ask(hours_ago.plus(Duration::from_secs(61)), hours_ago, "a");
    let _ = stranger.exchange(&late).await.unwrap();
    assert!(line.root.store.flight(&id).unwrap().is_none(), "its time was over on its own clock");
    let (mut timely, id) = ask(hours_ago.plus(Duration::from_secs(5)), hours_ago, "b");
    timely.messages.iter_mut().for_each(|message| message.seq = 2);
    let _ = stranger.exchange(&timely).await.unwrap();
    line.until("it is answered", |root| {
        root.store.flight(&id).unwrap().is_some_and(|row| row.value.outcome().is_some())
    })
    .await;
}

#[tokio::test]
async fn d04_a_child_that_floods_is_told_so_and_others_are_served() {
    let mut line = Line::known().await;
    let flood = client(line.root.address, "gateway-2");
    let request = |number: u64| {
        let left = Left { at: Timestamp(0), notice_ms: 10_000, whole_ms: 600_000 };
        let call = Question::UserCall { device: id("x"), text: None };
        let request = Request { id: format!("{number:032x}").parse().unwrap(), question: call, left };
        Envelope::of(number, Method::Request(Box::new(request)))
    };
    // Nobody sees to them: they stay.
    for batch in 0..3 {
        let messages = (1..=500).map(|one| request(batch * 500 + one)).collect();
        let _ = flood.exchange(&ExchangeUp { messages, ..ExchangeUp::default() }).await.unwrap();
    }
    assert_eq!(line.root.store.flights().unwrap().len(), 1_000, "what is refused at once leaves nothing");
    let answers = line.root.store.waiting(&node("gateway-2")).unwrap();
    assert_eq!(answers, 500, "each of the others is answered");
    line.see_to_requests();
    let asked = line.asked(alive("gateway-3")).await;
    assert_eq!(line.until_ended(&asked).await.state, RequestState::Answered);
}

#[tokio::test]
async fn d03_what_cannot_be_passed_on_is_answered_at_once() {
    let mut line = Line::known().await;
    line.see_to_requests();
    let full = (0..Class::Result.capacity()).map(|_| Change::send(&node("gateway-3"), Method::DiscoverNow));
    line.middle.child.store.commit(full.collect::<Changes>()).await.unwrap();
    let id = line.asked(alive("gateway-3")).await;
    let root = Arc::clone(&line.root.requests);
    line.middle.until("it is refused", || root.get(&admin(), &id).unwrap().has_ended()).await;
    let ended = line.view(&id);
    assert_eq!(failing(&ended), Some(Failing::Full), "{ended:?}");
    assert!(matches!(ended.outcome, Some(Outcome::Failed(Failure { by, .. })) if by == node("gateway-1")));
}

#[tokio::test]
async fn d06_a_call_of_a_user_is_one_notice_and_only_of_the_nodes_own_device() {
    let mut line = Line::known().await;
    line.see_to_requests();
    let call = |device: &str| NewRequest {
        target: Target::Manager,
        question: Question::UserCall { device: id(device), text: Some("the\u{7} lid".to_owned()) },
        limits: Limits::USUAL,
    };
    let requests = Arc::clone(&line.last.child.requests);
    let asked = requests.ask_as(None, call("x")).await.unwrap().id;
    line.until("the call is taken", |_| requests.get(&admin(), &asked).unwrap().has_ended()).await;
    let view = requests.get(&admin(), &asked).unwrap();
    assert!(matches!(&view.outcome, Some(Outcome::Answered(Answer::CallTaken { text })) if text.contains("root")));
    let events = line.root.store.events(None, None, 100).unwrap();
    let calls: Vec<_> = events.iter().filter(|(_, event)| event.name == "device.user-call").collect();
    assert!(
        calls.len() == 1 && calls.iter().all(|(_, event)| event.text.ends_with("calls for help: the lid")),
        "{calls:?}"
    );
    let asked = requests.ask_as(None, call("unknown")).await.unwrap().id;
    line.until("the call is refused", |_| requests.get(&admin(), &asked).unwrap().has_ended()).await;
    assert_eq!(failing(&requests.get(&admin(), &asked).unwrap()), Some(Failing::Refused));
}

#[tokio::test]
async fn d04_a_delay_is_passed_on_to_whoever_asked() {
    let mut line = Line::known().await;
    let id = line.asked(alive("gateway-3")).await;
    let store = Arc::clone(&line.last.child.store);
    line.until("it has come", |_| store.flight(&id).unwrap().is_some()).await;
    let delay = Delay { by: node("gateway-3"), why: "the printer\u{1b} sleeps".to_owned() };
    let said = Method::Delay { id: id.clone(), delay };
    store.commit(Change::send(&line.last.child.parent, said).into()).await.unwrap();
    let requests = Arc::clone(&line.root.requests);
    line.until("it is said", |_| requests.get(&admin(), &id).unwrap().state == RequestState::Delayed).await;
    let delay = line.view(&id).delay.unwrap();
    assert_eq!((delay.by, delay.why.as_str()), (node("gateway-3"), "the printer sleeps"));
}

#[tokio::test]
async fn d07_nothing_but_calls_and_alive_checks_is_asked_upwards() {
    let line = Line::known().await;
    line.see_to_requests();
    let left = Left { at: Timestamp(0), notice_ms: 10_000, whole_ms: 600_000 };
    let question = Question::Counters { device: id("x") };
    let request = Request { id: "c".repeat(32).parse().unwrap(), question, left };
    let asked = Envelope::of(1, Method::Request(Box::new(request.clone())));
    let stranger = client(line.root.address, "gateway-2");
    let down = stranger.exchange(&ExchangeUp { messages: vec![asked], ..ExchangeUp::default() }).await.unwrap();
    let answered =
        [&down].into_iter().flat_map(|down| &down.messages).find_map(|message| match &message.message.method {
            Method::Response { outcome, .. } => Some((**outcome).clone()),
            _ => None,
        });
    let failure = match answered {
        Some(Outcome::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    };
    assert!(failure.failing == Failing::Refused && failure.why.contains("isn't asked upwards"), "{failure:?}");
}

#[tokio::test]
async fn e07_a_request_that_was_under_way_when_a_backup_was_made_is_not_done_again() {
    let mut line = Line::known().await;
    let id = line.asked(alive("gateway-3")).await;
    let store = Arc::clone(&line.last.child.store);
    line.until("it has come", |_| store.flight(&id).unwrap().is_some()).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.redb");
    store.copy_to(&copy, now()).unwrap();
    let put_back = hostler_store::RedbStore::open(&copy).unwrap();
    crate::backup::reconcile(&put_back, &node("gateway-3"), Some(&line.last.child.parent)).await.unwrap();
    let flight = hostler_store::Store::flight(&put_back, &id).unwrap().unwrap().value;
    assert!(matches!(flight.outcome(), Some(Outcome::Failed(Failure { failing: Failing::InDoubt, .. }))), "{flight:?}");
    assert_eq!(hostler_store::Store::waiting(&put_back, &line.last.child.parent).unwrap(), 1, "whoever asked is told");
}

#[tokio::test]
async fn d07_a_piece_of_a_log_is_for_those_who_may_fetch_it() {
    let line = Line::known().await;
    let piece = Question::Log { from: LogFrom::Newest };
    let piece = line.asked(NewRequest { question: piece, ..alive("gateway-3") }).await;
    let check = line.asked(alive("gateway-3")).await;
    let requests = &line.root.requests;
    let guest = Viewer { right: Right::See, ..admin() };
    let refused = requests.get(&guest, &piece);
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
    let listed: Vec<RequestId> = requests.list(&guest, 10).unwrap().into_iter().map(|view| view.id).collect();
    assert_eq!(listed, [check]);
    let operator = Viewer { right: Right::Operate, ..admin() };
    assert_eq!(requests.get(&operator, &piece).unwrap().id, piece);
    assert_eq!(requests.list(&operator, 10).unwrap().len(), 2);
}
