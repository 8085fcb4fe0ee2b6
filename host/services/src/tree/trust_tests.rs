//! A gateway between the manager and a device node that reads, alters, forges, repeats and withholds.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on shall stop")]

use super::below_tests::{admin, node};
use super::tests::{Below, id, in_memory, reading, serve};
use super::{Presence, Tree};
use crate::enrollment::Rules;
use crate::enrollment::tests::{Office, Thing};
use crate::gateway::Keyring;
use crate::inventory::{Duty, Inventory};
use crate::live::Live;
use crate::requests::{Limits, NewRequest, RequestState, RequestView, Requests, Target};
use crate::trust::{ManagersTrust, MembersTrust, Trust};
use hostler_core::access::User;
use hostler_core::changes::{Change, Expect};
use hostler_core::enrollment::Enrolled;
use hostler_core::message::{CatalogueEntry, Ends, Envelope, ExchangeDown, ExchangeUp, Message, Method};
use hostler_core::reading::Snapshot;
use hostler_core::request::{Answer, Failing, Left, Outcome, Question};
use hostler_core::trust::CredentialKind;
use hostler_core::viewer::Right;
use hostler_core::{NodeId, RequestId, Secret, Timestamp};
use hostler_engine::{Doorbells, now};
use hostler_transport::{Parent, Refused};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Meddle<T> = Mutex<Box<dyn FnMut(&mut T) + Send>>;

/// A node as a parent, and somebody in it who sees and changes all that passes.
struct Meddler {
    tree: Arc<Tree>,
    seen: Mutex<String>,
    up: Meddle<ExchangeUp>,
    down: Meddle<ExchangeDown>,
}

impl Meddler {
    fn of(tree: &Arc<Tree>) -> Arc<Self> {
        let (up, down): (Meddle<_>, Meddle<_>) = (Mutex::new(Box::new(|_| {})), Mutex::new(Box::new(|_| {})));
        Arc::new(Self { tree: Arc::clone(tree), seen: Mutex::default(), up, down })
    }

    fn with_what_comes(&self, meddle: impl FnMut(&mut ExchangeUp) + Send + 'static) {
        *self.up.lock().unwrap() = Box::new(meddle);
    }

    fn with_what_goes(&self, meddle: impl FnMut(&mut ExchangeDown) + Send + 'static) {
        *self.down.lock().unwrap() = Box::new(meddle);
    }

    fn honest(&self) {
        self.with_what_comes(|_| {});
        self.with_what_goes(|_| {});
    }
}

impl Parent for Meddler {
    fn child(&self, token: &str) -> Option<NodeId> {
        self.tree.child(token)
    }

    fn exchange(
        self: Arc<Self>,
        child: NodeId,
        mut up: ExchangeUp,
    ) -> Pin<Box<dyn Future<Output = Result<ExchangeDown, Refused>> + Send>> {
        Box::pin(async move {
            self.seen.lock().unwrap().push_str(&serde_json::to_string(&up).unwrap());
            // Nobody is to wait here.
            up.wait_ms = 0;
            (self.up.lock().unwrap())(&mut up);
            let mut down = Arc::clone(&self.tree).exchange(child, up).await?;
            self.seen.lock().unwrap().push_str(&serde_json::to_string(&down).unwrap());
            (self.down.lock().unwrap())(&mut down);
            Ok(down)
        })
    }

    fn catalogue(&self) -> Vec<CatalogueEntry> {
        self.tree.catalogue()
    }

    fn component(&self, digest: &str) -> Option<Vec<u8>> {
        self.tree.component(digest)
    }
}

/// A manager, a gateway that isn't to be believed, and a device node below it.
struct Chain {
    office: Office,
    inventory: Arc<Inventory>,
    requests: Arc<Requests>,
    middle: Below,
    meddler: Arc<Meddler>,
    last: Below,
}

impl Chain {
    async fn new() -> Self {
        let office = Office::new(Rules::default()).with_users().await;
        let store = &office.store;
        let (live, bells, presence) = (Live::at(&**store), Doorbells::at(&**store), Arc::new(Presence::default()));
        let catalogue = super::tests::no_plugins().await;
        let known = (Arc::clone(&catalogue), Arc::clone(&presence));
        let inventory =
            Inventory::open(Arc::clone(store), live.clone(), node("manager"), known.0, known.1, Duty::KeepHistory);
        let inventory = inventory.unwrap();
        let requests = super::tests::requests(store, ("manager", None), (&inventory, &presence), &live);
        let trust = Trust::Manager(ManagersTrust::open(&office.enrollment).unwrap());
        inventory.sign_by(trust.clone());
        requests.sign_by(trust);
        let services = (Arc::clone(&office.access), Arc::clone(&inventory), catalogue, Arc::clone(&requests));
        let door = Some(Arc::clone(&office.enrollment));
        let tree = Tree::new(Arc::clone(store), (node("manager"), None), services, presence, bells, live, door);
        office.access.accept_child(node("gateway-1"), &Secret::new("gateway-1".to_owned())).await.unwrap();
        let middle = Below::calling(in_memory(), "gateway-1", serve(Meddler::of(&tree)).await).await;

        // It came in through the gateway, and its owner operates the fleet: it may have things behind it.
        let thing = Thing::new("A1", office.pin().await);
        let welcome = office.knock(&thing).await.unwrap();
        let gone = Change::Child { id: node("mfp-a1"), expect: Expect::Anything, value: None };
        let row = store.enrolled(&id("A1")).unwrap().unwrap().value;
        let owner = store.user(&row.owner).unwrap().unwrap().value;
        let value = Some(User { right: Right::Operate, ..owner });
        let operates = Change::User { name: row.owner.clone(), expect: Expect::Anything, value };
        let value = Some(Box::new(Enrolled { through: Some(node("gateway-1")), ..row }));
        let through = Change::Enrolled { device: id("A1"), expect: Expect::Anything, value };
        store.commit([gone, operates, through].into_iter().collect()).await.unwrap();
        middle.access.accept_child(node("mfp-a1"), &Secret::new("mfp-a1".to_owned())).await.unwrap();
        let meddler = Meddler::of(&middle.tree);
        let last = Below::calling(in_memory(), "mfp-a1", serve(Arc::clone(&meddler)).await).await;
        let (own, root) = (node("mfp-a1"), office.enrollment.fingerprint());
        let papers =
            (Arc::new(thing.identity), Box::new(move || Some(welcome.certificate.clone())) as crate::trust::Chain);
        let folder = tempfile::tempdir().unwrap().keep();
        let trust = MembersTrust::open(Arc::clone(&last.child.store), (own, root), papers, &folder).unwrap();
        last.child.inventory.sign_by(Trust::Member(Arc::clone(&trust)));
        last.child.requests.sign_by(Trust::Member(trust));
        for requests in [&requests, &middle.child.requests, &last.child.requests] {
            tokio::spawn(Arc::clone(requests).tend_forever());
        }
        let mut chain = Self { office, inventory, requests, middle, meddler, last };
        for device in ["x", "y"] {
            chain.last.adopt(device).await;
        }
        chain.until("both are known", |chain| chain.knows("x") && chain.knows("y")).await;
        chain
    }

    async fn round(&mut self) {
        let _ = self.last.exchange().await;
        self.middle.exchange().await.unwrap();
    }

    async fn rounds(&mut self) {
        for _ in 0..6 {
            self.round().await;
        }
    }

    async fn until(&mut self, what: &str, reached: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if reached(self) {
                return;
            }
            self.round().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{what}: it didn't come to that; {:?}", self.events());
    }

    fn knows(&self, device: &str) -> bool {
        self.office.store.device(&id(device)).unwrap().is_some()
    }

    /// Whether the node below has a device yet.
    fn has(&self, device: &str) -> bool {
        self.last.child.store.device(&id(device)).unwrap().is_some()
    }

    fn events(&self) -> Vec<(String, String)> {
        let events = self.office.store.events(None, None, 200).unwrap();
        events.into_iter().map(|(_, event)| (event.name, event.text)).collect()
    }

    fn told(&self, name: &str, text: &str) -> bool {
        self.events().iter().any(|(known, said)| known == name && said.contains(text))
    }

    fn shows(&self, device: &str) -> Option<String> {
        self.inventory.known(&id(device))?.1.report?.console.first().cloned()
    }

    fn reads(&self, device: &str, line: &str) {
        self.last.child.inventory.take_snapshot(&id(device), reading(line));
    }

    async fn ask(&self, question: Question, within: Duration) -> RequestId {
        let limits = Limits::within(within).unwrap();
        let new = NewRequest { target: Target::Node(node("mfp-a1")), question, limits };
        self.requests.ask(&admin(), new).await.unwrap().id
    }

    fn view(&self, id: &RequestId) -> RequestView {
        self.requests.get(&admin(), id).unwrap()
    }

    async fn ended(&mut self, request: &RequestId) -> RequestView {
        self.until("it has ended", |chain| chain.view(request).has_ended()).await;
        self.view(request)
    }
}

/// Why it failed.
fn failure(view: &RequestView) -> (Failing, String) {
    match &view.outcome {
        Some(Outcome::Failed(failure)) => (failure.failing, failure.why.clone()),
        other => panic!("{other:?}"),
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn d02_what_the_manager_signed_is_carried_out_behind_a_gateway() {
    let mut chain = Chain::new().await;
    let _ = chain.inventory.release(&admin(), &id("x")).await.unwrap();
    chain.until("it is let go", |chain| !chain.has("x") && !chain.knows("x")).await;
    let alive = chain.ask(Question::Alive, HOUR).await;
    let ended = chain.ended(&alive).await;
    assert!(matches!(ended.outcome, Some(Outcome::Answered(Answer::Alive { devices: 1, .. }))), "{ended:?}");
    assert!(!chain.told("order.refused", "") && chain.knows("y"));
}

#[tokio::test]
async fn d02_a_gateway_alters_no_order() {
    let mut chain = Chain::new().await;
    chain.meddler.with_what_goes(|down| {
        for message in &mut down.messages {
            if let Method::Release(device) = &mut message.message.method {
                *device = id("y");
            }
            if let Method::Request(request) = &mut message.message.method {
                request.question = Question::Counters { device: id("y") };
            }
        }
    });
    let _ = chain.inventory.release(&admin(), &id("x")).await.unwrap();
    chain.until("it is told", |chain| chain.told("order.refused", "altered on the way")).await;
    assert!(chain.has("x") && chain.has("y"), "neither was let go");
    let alive = chain.ask(Question::Alive, HOUR).await;
    let (failing, why) = failure(&chain.ended(&alive).await);
    assert!(failing == Failing::Refused && why.contains("altered on the way"), "{why}");
}

/// Says something as the gateway's own order.
fn forge(method: Method, signed: Option<Box<hostler_core::trust::Signed>>) -> impl FnMut(&mut ExchangeDown) + Send {
    let mut once = Some(Message { ends: Ends { signed, ..Ends::neighbours() }, method });
    move |down| {
        // Behind everything that was said before.
        if let Some(message) = once.take() {
            let class = message.method.class();
            let last = down.messages.iter().filter(|known| known.class == class).map(|known| known.seq).max();
            down.messages.push(Envelope { seq: last.unwrap_or(1_000) + 1, class, message });
        }
    }
}

#[tokio::test]
async fn d02_a_gateway_makes_no_order() {
    let mut chain = Chain::new().await;
    chain.meddler.with_what_goes(forge(Method::Release(id("x")), None));
    chain.until("it is told", |chain| chain.told("order.refused", "nobody signed this")).await;
    assert!(chain.has("x"));
}

#[tokio::test]
async fn d02_another_managers_order_is_nobodys() {
    let mut chain = Chain::new().await;
    let other = Office::new(Rules::default());
    let trust = ManagersTrust::open(&other.enrollment).unwrap();
    let release = Method::Release(id("x"));
    let signed = trust.order(&node("mfp-a1"), &release).unwrap();
    chain.meddler.with_what_goes(forge(release, Some(signed)));
    chain.until("it is told", |chain| chain.told("order.refused", "isn't signed by this node's manager")).await;
    assert!(chain.has("x"));
}

#[tokio::test]
async fn d02_a_device_s_own_key_signs_no_order() {
    let mut chain = Chain::new().await;
    let thing = Thing::new("B2", chain.office.pin().await);
    let welcome = chain.office.knock(&thing).await.unwrap();
    let release = Method::Release(id("x"));
    let real = ManagersTrust::open(&chain.office.enrollment).unwrap().order(&node("mfp-a1"), &release).unwrap();
    // Its certificate is of the same authority, for something else.
    let signed = thing.identity.vouch(real.text.clone(), welcome.certificate).unwrap();
    chain.meddler.with_what_goes(forge(release, Some(Box::new(signed))));
    chain.until("it is told", |chain| chain.told("order.refused", "isn't one for orders")).await;
    assert!(chain.has("x"));
}

#[tokio::test]
async fn d02_an_order_for_another_node_is_not_carried_out() {
    let mut chain = Chain::new().await;
    let trust = ManagersTrust::open(&chain.office.enrollment).unwrap();
    let release = Method::Release(id("x"));
    let signed = trust.order(&node("gateway-1"), &release).unwrap();
    chain.meddler.with_what_goes(forge(release, Some(signed)));
    chain.until("it is told", |chain| chain.told("order.refused", "signed it for gateway-1")).await;
    assert!(chain.has("x"));
}

#[tokio::test]
async fn d02_an_order_that_comes_once_more_is_not_carried_out() {
    let mut chain = Chain::new().await;
    let caught: Arc<Mutex<Option<Message>>> = Arc::default();
    let catching = Arc::clone(&caught);
    chain.meddler.with_what_goes(move |down| {
        let release = down.messages.iter().find(|one| matches!(one.message.method, Method::Release(_)));
        if let Some(release) = release {
            *catching.lock().unwrap() = Some(release.message.clone());
        }
    });
    let _ = chain.inventory.release(&admin(), &id("x")).await.unwrap();
    chain.until("it is let go", |chain| !chain.has("x") && !chain.knows("x")).await;
    chain.last.adopt("x").await;
    chain.until("it is back", |chain| chain.knows("x")).await;
    let Message { ends, method } = caught.lock().unwrap().take().unwrap();
    chain.meddler.with_what_goes(forge(method, ends.signed));
    chain.until("it is told", |chain| chain.told("order.refused", "carried out already")).await;
    assert!(chain.has("x"));
}

#[tokio::test]
async fn d04_what_a_gateway_withholds_fails_at_its_limit_and_is_not_done_later() {
    let mut chain = Chain::new().await;
    // The node hears something of its manager: it knows the time by that.
    let first = chain.ask(Question::Alive, HOUR).await;
    assert_eq!(chain.ended(&first).await.state, RequestState::Answered);
    let caught: Arc<Mutex<Option<Message>>> = Arc::default();
    let catching = Arc::clone(&caught);
    chain.meddler.with_what_goes(move |down| {
        let request = |one: &Envelope| matches!(one.message.method, Method::Request(_));
        if let Some(found) = down.messages.iter().find(|one| request(one)) {
            *catching.lock().unwrap() = Some(found.message.clone());
        }
        down.messages.retain(|one| !request(one));
    });
    let asked = chain.ask(Question::Alive, Duration::from_secs(1)).await;
    let began = now();
    let view = chain.ended(&asked).await;
    assert_eq!(failure(&view).0, Failing::Late, "{view:?}");
    assert!(now().since(began) < Duration::from_secs(5), "the asker doesn't wait for ever");
    // The node's knowledge of the time is as old as what it heard first took to come.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let Message { ends, mut method } = caught.lock().unwrap().take().unwrap();
    if let Method::Request(request) = &mut method {
        // It gives it a week more.
        request.left = Left { at: now(), notice_ms: 1_000, whole_ms: 600_000_000 };
    }
    chain.meddler.with_what_goes(forge(method, ends.signed));
    chain.until("it is told", |chain| chain.told("order.refused", "came too late")).await;
    assert!(chain.last.child.store.flight(&asked).unwrap().is_none(), "nothing is done late");
}

#[tokio::test]
async fn d02_a_gateway_alters_and_makes_no_answer() {
    let mut chain = Chain::new().await;
    let lie = |text: bool| {
        move |up: &mut ExchangeUp| {
            for message in &mut up.messages {
                if let Method::Response { outcome, signed, .. } = &mut message.message.method {
                    if let Outcome::Answered(Answer::Alive { devices, .. }) = &mut **outcome {
                        *devices = 77;
                    }
                    match signed {
                        Some(signed) if text => signed.text = signed.text.replace("\"devices\":2", "\"devices\":77"),
                        _ => {}
                    }
                }
            }
        }
    };
    // What is beside the signed text isn't what is taken.
    chain.meddler.with_what_comes(lie(false));
    let asked = chain.ask(Question::Alive, HOUR).await;
    let ended = chain.ended(&asked).await;
    assert!(matches!(ended.outcome, Some(Outcome::Answered(Answer::Alive { devices: 2, .. }))), "{ended:?}");
    chain.meddler.with_what_comes(lie(true));
    let asked = chain.ask(Question::Alive, HOUR).await;
    let (_, why) = failure(&chain.ended(&asked).await);
    assert!(why.contains("through gateway-1") && why.contains("isn't signed by mfp-a1"), "{why}");
    // One of the gateway's own.
    chain.meddler.with_what_comes(|up| {
        for message in &mut up.messages {
            if let Method::Response { signed, .. } = &mut message.message.method {
                *signed = None;
            }
        }
    });
    let asked = chain.ask(Question::Alive, HOUR).await;
    let (_, why) = failure(&chain.ended(&asked).await);
    assert!(why.contains("mfp-a1 didn't sign it"), "{why}");
    assert!(chain.told("answer.refused", "through gateway-1"));
}

#[tokio::test]
async fn d02_the_answer_to_another_question_is_none() {
    let mut chain = Chain::new().await;
    let kept: Arc<Mutex<Option<Box<hostler_core::trust::Signed>>>> = Arc::default();
    chain.meddler.with_what_comes(move |up| {
        for message in &mut up.messages {
            if let Method::Response { signed, .. } = &mut message.message.method {
                if let Some(former) = &*kept.lock().unwrap() {
                    *signed = Some(former.clone());
                }
                kept.lock().unwrap().get_or_insert_with(|| signed.clone().unwrap());
            }
        }
    });
    let first = chain.ask(Question::Alive, HOUR).await;
    assert_eq!(chain.ended(&first).await.state, RequestState::Answered);
    let second = chain.ask(Question::Alive, HOUR).await;
    let (_, why) = failure(&chain.ended(&second).await);
    assert!(why.contains("signed something else"), "{why}");
}

#[tokio::test]
async fn e08_who_is_barred_is_not_believed_behind_a_gateway_that_did_not_hear() {
    let mut chain = Chain::new().await;
    chain.reads("x", "ready");
    chain.until("it is shown", |chain| chain.shows("x").is_some()).await;
    // The gateway has it by a token of its own, and so passes over what it is told.
    chain.office.enrollment.bar(&admin(), &id("A1"), "lost").await.unwrap();
    chain.last.adopt("z").await;
    chain.last.tell("still here").await;
    chain.reads("x", "busy");
    chain.rounds().await;
    assert!(chain.has("z") && !chain.knows("z"));
    assert!(chain.knows("x") && chain.shows("x").as_deref() == Some("ready"), "what it told before stays");
    assert!(!chain.told("test", "still here") && !chain.told("message.refused", ""));
}

#[tokio::test]
async fn e09_a_reading_is_shown_as_the_node_signed_it() {
    let mut chain = Chain::new().await;
    chain.reads("x", "ready");
    chain.until("it is shown", |chain| chain.shows("x").as_deref() == Some("ready")).await;
    let middle = chain.middle.child.inventory.known(&id("x")).unwrap().1;
    assert_eq!(middle.report.unwrap().console, ["ready"], "the gateway shows it as well");
    let known = chain.inventory.known(&id("x")).unwrap().1;
    assert!(known.signed.is_none() && known.number.is_some(), "the signature is kept by nobody for ever");
}

#[tokio::test]
async fn e09_a_reading_that_is_altered_or_forged_is_not_shown_and_its_gateway_is_named() {
    let mut chain = Chain::new().await;
    chain.reads("x", "ready");
    chain.until("it is shown", |chain| chain.shows("x").is_some()).await;
    chain.meddler.with_what_comes(|up| {
        for snapshot in up.snapshots.values_mut() {
            if let Some(signed) = &mut snapshot.signed {
                signed.text = signed.text.replace("empty", "stopped");
            }
        }
    });
    chain.reads("x", "empty");
    chain.until("it is told", |chain| chain.told("reading.refused", "isn't signed by mfp-a1")).await;
    assert!(chain.told("reading.refused", "a reading of x that came through gateway-1"));
    assert_eq!(chain.shows("x").as_deref(), Some("ready"));
    // One of the gateway's own, for a device of which nothing was told yet.
    chain.meddler.with_what_comes(|up| {
        up.snapshots.insert(id("y"), reading("forged"));
    });
    chain.rounds().await;
    assert_eq!(chain.shows("y"), None);
    chain.meddler.honest();
    chain.reads("y", "ready");
    chain.until("the node's own is shown", |chain| chain.shows("y").as_deref() == Some("ready")).await;
}

#[tokio::test]
async fn e09_a_reading_of_another_device_or_an_older_one_replaces_nothing() {
    let mut chain = Chain::new().await;
    let first: Arc<Mutex<Option<Snapshot>>> = Arc::default();
    let catching = Arc::clone(&first);
    chain.meddler.with_what_comes(move |up| {
        if let Some(snapshot) = up.snapshots.get(&id("x")) {
            catching.lock().unwrap().get_or_insert_with(|| snapshot.clone());
        }
    });
    chain.reads("x", "first");
    chain.until("it is shown", |chain| chain.shows("x").as_deref() == Some("first")).await;
    chain.reads("x", "second");
    chain.until("it is shown", |chain| chain.shows("x").as_deref() == Some("second")).await;
    let old = first.lock().unwrap().clone().unwrap();
    chain.meddler.with_what_comes(move |up| {
        up.snapshots.insert(id("x"), old.clone());
        up.snapshots.insert(id("y"), old.clone());
    });
    chain.rounds().await;
    assert_eq!(chain.shows("x").as_deref(), Some("second"), "an older one");
    assert_eq!(chain.shows("y"), None, "another device's");
    assert!(chain.told("reading.refused", "a reading of y"));
}

#[tokio::test]
async fn e09_a_reading_that_is_withheld_shows_by_its_time() {
    let mut chain = Chain::new().await;
    let read_at = |chain: &Chain| chain.inventory.known(&id("x")).unwrap().1.tried_at;
    chain.reads("x", "ready");
    chain.until("it is shown", |chain| chain.shows("x").is_some()).await;
    assert_eq!(read_at(&chain), Timestamp(1));
    chain.meddler.with_what_comes(|up| up.snapshots.clear());
    let later = Snapshot { tried_at: Timestamp(9), ..reading("empty") };
    chain.last.child.inventory.take_snapshot(&id("x"), later);
    chain.rounds().await;
    assert_eq!((chain.shows("x").as_deref(), read_at(&chain)), (Some("ready"), Timestamp(1)), "it looks no fresher");
}

const COMMUNITY: &str = "orchid-and-fern";

#[tokio::test]
async fn d02_a_secret_passes_a_gateway_and_nobody_there_reads_it() {
    let mut chain = Chain::new().await;
    let folder = tempfile::tempdir().unwrap();
    let credentials = Arc::new(hostler_links::Credentials::default());
    let keyring = Keyring::open(folder.path(), Arc::clone(&credentials)).unwrap();
    chain.last.child.gateway.keep_with(keyring);
    chain.last.child.inventory.serve_with(Arc::clone(&chain.last.child.gateway));
    let text = Secret::new(format!("version = \"2c\"\ncommunity = {COMMUNITY:?}"));
    let to = || (node("mfp-a1"), CredentialKind::Snmp, "office".parse().unwrap());
    let asked = chain.requests.give_credential(&admin(), to(), &text, Limits::USUAL).await.unwrap().id;
    let waiting = chain.office.store.flight(&asked).unwrap().unwrap().value;
    assert!(matches!(&waiting.question, Question::SetCredential { sealed, .. } if !sealed.is_spent()));
    let view = chain.ended(&asked).await;
    assert!(matches!(view.outcome, Some(Outcome::Answered(Answer::Done { .. }))), "{view:?}");
    assert!(credentials.has_snmp("office"), "it is in use");
    let seen = chain.meddler.seen.lock().unwrap().clone();
    assert!(seen.contains("set-credential") && !seen.contains(COMMUNITY), "it passed, and nobody reads it");
    for store in [&chain.office.store, &chain.middle.child.store, &chain.last.child.store] {
        let copy = folder.path().join("copy");
        store.copy_to(&copy, Timestamp(1)).unwrap();
        let bytes = std::fs::read(&copy).unwrap();
        assert!(!bytes.windows(COMMUNITY.len()).any(|part| part == COMMUNITY.as_bytes()), "not in a backup either");
        std::fs::remove_file(&copy).unwrap();
        let flight = store.flight(&asked).unwrap().unwrap().value;
        assert!(matches!(&flight.question, Question::SetCredential { sealed, .. } if sealed.is_spent()), "{flight:?}");
        assert!(flight.ordered.is_none(), "nor in what was signed: {flight:?}");
    }
}

#[tokio::test]
async fn d02_a_secret_that_a_gateway_alters_or_brings_for_another_use_is_refused() {
    let mut chain = Chain::new().await;
    let folder = tempfile::tempdir().unwrap();
    let credentials = Arc::new(hostler_links::Credentials::default());
    chain.last.child.gateway.keep_with(Keyring::open(folder.path(), Arc::clone(&credentials)).unwrap());
    chain.last.child.inventory.serve_with(Arc::clone(&chain.last.child.gateway));
    chain.meddler.with_what_goes(|down| {
        for message in &mut down.messages {
            if let Method::Request(request) = &mut message.message.method
                && let Question::SetCredential { name, .. } = &mut request.question
            {
                *name = "lab".parse().unwrap();
            }
        }
    });
    let text = Secret::new(format!("version = \"2c\"\ncommunity = {COMMUNITY:?}"));
    let to = (node("mfp-a1"), CredentialKind::Snmp, "office".parse().unwrap());
    let asked = chain.requests.give_credential(&admin(), to, &text, Limits::USUAL).await.unwrap().id;
    let (failing, why) = failure(&chain.ended(&asked).await);
    assert!(failing == Failing::Refused && why.contains("altered"), "{why}");
    assert!(!credentials.has_snmp("lab") && !credentials.has_snmp("office"));
}

#[tokio::test]
async fn d02_a_node_without_a_key_gets_no_secret() {
    let chain = Chain::new().await;
    let text = Secret::new(format!("version = \"2c\"\ncommunity = {COMMUNITY:?}"));
    let to = |name: &str| (node(name), CredentialKind::Snmp, "office".parse().unwrap());
    let why = chain.requests.give_credential(&admin(), to("gateway-1"), &text, Limits::USUAL).await.unwrap_err();
    assert!(why.to_string().contains("token file") && !why.to_string().contains(COMMUNITY), "{why}");
    let bad = Secret::new(COMMUNITY.to_owned());
    let why = chain.requests.give_credential(&admin(), to("mfp-a1"), &bad, Limits::USUAL).await.unwrap_err();
    assert!(!why.to_string().contains(COMMUNITY), "{why}");
}
