//! Enrollment over a real store and a real authority.

use super::*;
use crate::authority::{Identity, Names, Standing, Standings};
use connect::NotLetIn;
use hostler_core::access::{TokenDigest, User};
use hostler_core::changes::{Change, Expect};
use hostler_core::enrollment::{ConnectionRequest, Credential, Enrolled, EnrollmentKey, Knock, Pin, Welcome};
use hostler_core::message::{CallsNow, Class, Method, Portion};
use hostler_core::routing::Route;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{Secret, Serial};
use hostler_engine::now;
use hostler_store::RedbStore;
use std::net::IpAddr;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

pub(crate) fn viewer(name: &str, right: Right) -> Viewer {
    Viewer { user: name.parse().unwrap(), right }
}

fn ann() -> Viewer {
    viewer("ann@example.com", Right::Own)
}

pub(crate) struct Office {
    pub(crate) enrollment: Arc<Enrollment>,
    pub(crate) access: Arc<Access>,
    pub(crate) store: Arc<dyn Store>,
    folder: tempfile::TempDir,
}

impl Office {
    pub(crate) fn new(rules: Rules) -> Self {
        Self::over(Arc::new(RedbStore::in_memory().unwrap()), tempfile::tempdir().unwrap(), rules)
    }

    pub(crate) async fn with_users(self) -> Self {
        for name in ["ann@example.com", "bob@example.com"] {
            let user = User { name: name.parse().unwrap(), password_hash: String::new(), right: Right::Own };
            let change = Change::User { name: user.name.clone(), expect: Expect::Absent, value: Some(user) };
            self.store.commit(change.into()).await.unwrap();
        }
        self
    }

    fn over(store: Arc<dyn Store>, folder: tempfile::TempDir, rules: Rules) -> Self {
        let node: NodeId = "manager".parse().unwrap();
        let access = Access::new(Arc::clone(&store), [node.clone()]);
        let names = Names { organisation: None, manager: node.clone() };
        let authority = Arc::new(Authority::open(&folder.path().join("authority"), &names, now()).unwrap());
        let enrollment =
            Enrollment::open(Arc::clone(&store), Arc::clone(&access), authority, (node, folder.path()), rules).unwrap();
        Self { enrollment, access, store, folder }
    }

    /// The same after a restart.
    fn again(self) -> Self {
        let rules = self.enrollment.rules;
        Self::over(Arc::clone(&self.store), self.folder, rules)
    }

    async fn register(&self, new: NewRegistration) -> RegistrationView {
        self.enrollment.register(&ann(), new).await.unwrap()
    }

    /// The PIN for one device of Ann's.
    pub(crate) async fn pin(&self) -> Pin {
        let one = NewRegistration { addresses: "192.168.0.7".to_owned(), ..NewRegistration::default() };
        self.register(one).await.secrets.remove(0).unwrap().parse().unwrap()
    }

    pub(crate) async fn knock(&self, device: &Thing) -> Result<Welcome, Refusal> {
        match self.enrollment.connect(device.knock(), HOME).await {
            Ok(welcome) => Ok(welcome),
            Err(NotLetIn::Refused(refusal)) => Err(refusal),
            Err(NotLetIn::Failed(error)) => panic!("{error}"),
        }
    }

    fn holds(&self, welcome: &Welcome) -> bool {
        self.access.child(&welcome.token).is_some()
    }

    fn stands(&self, device: &str) -> Standing {
        let row = self.store.enrolled(&device.parse().unwrap()).unwrap().unwrap().value;
        self.enrollment.roll.stands(&row.issued.serial)
    }
}

/// A device with a key pair.
pub(crate) struct Thing {
    pub(crate) device: &'static str,
    pub(crate) identity: Identity,
    pub(crate) proof: Credential,
    pub(crate) attempt: u64,
    user: Option<&'static str>,
}

impl Thing {
    pub(crate) fn new(device: &'static str, pin: Pin) -> Self {
        let identity = Identity::make().unwrap();
        Self { device, identity, proof: Credential::Pin(pin), attempt: 1, user: None }
    }

    fn request(&self) -> ConnectionRequest {
        ConnectionRequest {
            device: self.device.parse().unwrap(),
            node: format!("mfp-{}", self.device.to_lowercase()).parse().unwrap(),
            proof: self.proof.clone(),
            user: self.user.map(|user| user.parse().unwrap()),
            key: self.identity.fingerprint(),
            attempt: Some(self.attempt),
        }
    }

    fn knock(&self) -> Knock {
        let request = pem::Pem::new("CERTIFICATE REQUEST", self.identity.request().unwrap());
        Knock { connection: self.request(), certificate_request: pem::encode(&request) }
    }
}

#[tokio::test]
async fn e07_a_device_comes_in_once_and_is_known_by_its_token() {
    let office = Office::new(Rules::default()).with_users().await;
    let pin = office.pin().await;
    let first = Thing::new("A1", pin.clone());
    let welcome = office.knock(&first).await.unwrap();
    assert_eq!((welcome.manager.as_str(), welcome.owner.as_str()), ("manager", "ann@example.com"));
    assert_eq!(office.access.child(&welcome.token).unwrap().as_str(), "mfp-a1");
    assert_eq!(office.stands("A1"), Standing::Good);
    assert_eq!(office.knock(&Thing::new("B2", pin)).await.unwrap_err(), Refusal::Spent);
    assert!(office.holds(&welcome), "a refusal changes nothing");
    let office = office.again();
    assert!(office.holds(&welcome));
    assert_eq!(office.stands("A1"), Standing::Good, "the roll is called again after a restart");
}

#[tokio::test]
async fn e07_two_devices_with_one_pin_at_the_same_instant() {
    for _ in 0..10 {
        let office = Office::new(Rules::default()).with_users().await;
        let pin = office.pin().await;
        let things: Vec<Thing> = ["A1", "B2", "C3", "D4"].map(|id| Thing::new(id, pin.clone())).into();
        let outcomes = futures::future::join_all(things.iter().map(|thing| office.knock(thing))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(Refusal::Spent))), "{outcomes:?}");
    }
}

#[tokio::test]
async fn e08_who_lost_the_answer_asks_again_and_only_the_last_token_holds() {
    let office = Office::new(Rules::default()).with_users().await;
    let mut thing = Thing::new("A1", office.pin().await);
    let lost = office.knock(&thing).await.unwrap();
    let serial: Serial = office.store.enrolled(&"A1".parse().unwrap()).unwrap().unwrap().value.issued.serial;
    thing.attempt = 2;
    let got = office.knock(&thing).await.unwrap();
    assert!(!office.holds(&lost) && office.holds(&got));
    assert_eq!(office.enrollment.roll.stands(&serial), Standing::Unknown, "nobody remembers it");
    thing.attempt = 1;
    assert_eq!(office.knock(&thing).await.unwrap_err(), Refusal::Stale, "a copy that comes late ends nothing");
    assert!(office.holds(&got));
}

#[tokio::test]
async fn e08_a_device_id_that_has_a_token_is_nobody_elses_until_its_owner_says_so() {
    let office = Office::new(Rules::default()).with_users().await;
    let welcome = office.knock(&Thing::new("A1", office.pin().await)).await.unwrap();
    let reset = Thing::new("A1", office.pin().await);
    assert_eq!(office.knock(&reset).await.unwrap_err(), Refusal::AlreadyConnected);
    let stranger = viewer("mallory", Right::Operate);
    let device = "A1".parse().unwrap();
    assert!(matches!(office.enrollment.let_return(&stranger, &device).await, Err(ServiceError::NotFound(_))));
    office.enrollment.let_return(&ann(), &device).await.unwrap();
    assert!(!office.holds(&welcome), "it ends at once");
    assert!(!office.enrollment.has_living(&TokenDigest::of(&welcome.token)));
    assert_eq!(office.stands("A1"), Standing::Revoked);
    let back = office.knock(&reset).await.unwrap();
    assert!(office.holds(&back) && office.enrollment.has_living(&TokenDigest::of(&back.token)));
    office.enrollment.bar(&ann(), &device, "lost on the way").await.unwrap();
    assert!(!office.holds(&back));
    assert_eq!(office.knock(&Thing::new("A1", office.pin().await)).await.unwrap_err(), Refusal::Barred);
    let admin = viewer("admin", Right::Administer);
    assert_eq!(office.enrollment.enrolled(&admin)[0].why.as_deref(), Some("lost on the way"));
    office.enrollment.unbar(&admin, &device).await.unwrap();
    office.knock(&Thing::new("A1", office.pin().await)).await.unwrap();
}

/// The device came in through the second of two gateways, which moves: nobody on the way has told of it yet.
async fn below_a_gateway_that_moves(office: &Office) -> NodeId {
    let (near, far): (NodeId, NodeId) = ("gateway-1".parse().unwrap(), "gateway-2".parse().unwrap());
    office.access.accept_child(near.clone(), &Secret::new("gateway-1".to_owned())).await.unwrap();
    let route = Route::told(&"manager".parse().unwrap(), &near, std::slice::from_ref(&far)).unwrap().to_come();
    let route = Change::Route { node: far.clone(), expect: Expect::Absent, value: Some(Box::new(route)) };
    let device: hostler_core::DeviceId = "A1".parse().unwrap();
    let row = office.store.enrolled(&device).unwrap().unwrap().value;
    let value = Some(Box::new(Enrolled { through: Some(far.clone()), ..row }));
    let row = Change::Enrolled { device, expect: Expect::Anything, value };
    let gone = Change::Child { id: "mfp-a1".parse().unwrap(), expect: Expect::Anything, value: None };
    office.store.commit([route, row, gone].into_iter().collect()).await.unwrap();
    far
}

#[tokio::test]
async fn e08_a_bar_waits_for_no_gateway_and_is_told_when_the_gateway_speaks_for_the_device() {
    let office = Office::new(Rules::default()).with_users().await;
    office.knock(&Thing::new("A1", office.pin().await)).await.unwrap();
    let (far, near): (NodeId, NodeId) = (below_a_gateway_that_moves(&office).await, "gateway-1".parse().unwrap());
    let (node, device): (NodeId, hostler_core::DeviceId) = ("mfp-a1".parse().unwrap(), "A1".parse().unwrap());
    assert_eq!(office.enrollment.keeps_out(&node, Some(&far)), None);
    assert_eq!(office.enrollment.keeps_out(&node, Some(&near)), Some(device.clone()), "it calls one gateway");
    office.enrollment.bar(&ann(), &device, "lost").await.unwrap();
    assert_eq!(office.store.waiting(&near).unwrap(), 0, "nobody on the way knows that gateway yet");
    assert_eq!(office.enrollment.keeps_out(&node, Some(&far)), Some(device.clone()));
    let told = Route::told(&"manager".parse().unwrap(), &near, std::slice::from_ref(&far)).unwrap();
    let told = Change::Route { node: far.clone(), expect: Expect::Anything, value: Some(Box::new(told)) };
    office.store.commit(told.into()).await.unwrap();
    office.enrollment.tell_again(&far, &device).await;
    let waits = office.store.outbox(&near, Portion::ALL).unwrap().messages;
    assert!(
        matches!(&waits[..], [one] if one.message.ends.to.as_ref() == Some(&far)
            && matches!(one.message.method, Method::CallsNoMore { now: CallsNow::Nobody, .. })),
        "{waits:?}"
    );
}

#[tokio::test]
async fn e08_a_bar_waits_for_no_room() {
    let office = Office::new(Rules::default()).with_users().await;
    office.knock(&Thing::new("A1", office.pin().await)).await.unwrap();
    let (far, near): (NodeId, NodeId) = (below_a_gateway_that_moves(&office).await, "gateway-1".parse().unwrap());
    let told = Route::told(&"manager".parse().unwrap(), &near, std::slice::from_ref(&far)).unwrap();
    let told = Change::Route { node: far.clone(), expect: Expect::Anything, value: Some(Box::new(told)) };
    let token = TokenDigest::of("any");
    let fills = || Method::CallsNoMore { node: far.clone(), token: token.clone(), now: CallsNow::Nobody };
    let full = (0..Class::Fault.capacity()).map(|_| Change::send(&near, fills()));
    office.store.commit(full.chain([told]).collect()).await.unwrap();
    office.enrollment.bar(&ann(), &"A1".parse().unwrap(), "lost").await.unwrap();
    assert_eq!(office.stands("A1"), Standing::Revoked);
}

#[tokio::test]
async fn e08_a_node_that_is_removed_has_neither_token_nor_certificate() {
    let office = Office::new(Rules::default()).with_users().await;
    let welcome = office.knock(&Thing::new("A1", office.pin().await)).await.unwrap();
    let admin = viewer("admin", Right::Administer);
    office.access.remove_child(&admin, &"mfp-a1".parse().unwrap()).await.unwrap();
    assert!(!office.holds(&welcome));
    assert_eq!(office.stands("A1"), Standing::Revoked);
    office.knock(&Thing::new("A1", office.pin().await)).await.unwrap();
}

#[tokio::test]
async fn e08_no_device_gets_the_name_of_another_node() {
    let office = Office::new(Rules::default()).with_users().await;
    let token = Secret::new("a gateway's".to_owned());
    office.access.accept_child("mfp-a1".parse().unwrap(), &token).await.unwrap();
    assert_eq!(office.knock(&Thing::new("A1", office.pin().await)).await.unwrap_err(), Refusal::NodeTaken);
    assert!(office.access.child(token.expose()).is_some());
}

#[tokio::test]
async fn e07_what_is_refused_is_said_beside_the_address() {
    let office = Office::new(Rules::default()).with_users().await;
    let two = NewRegistration { addresses: "printer-1, 192.168.0.7".to_owned(), ..NewRegistration::default() };
    let made = office.register(two).await;
    let pins: Vec<Pin> = made.secrets.iter().map(|pin| pin.as_deref().unwrap().parse().unwrap()).collect();
    let mut other = Thing::new("A1", pins[0].clone());
    other.user = Some("bob@example.com");
    assert_eq!(office.knock(&other).await.unwrap_err(), Refusal::OtherUser);
    let state = |at: usize| {
        let view = office.enrollment.registration(&ann(), &made.summary.id).unwrap();
        view.entries[at].state.clone()
    };
    assert!(matches!(state(0), EntryState::Refused { why, .. } if why.contains("isn't the one")));
    assert_eq!(state(1), EntryState::Waiting);
    other.user = Some("ann@example.com");
    office.knock(&other).await.unwrap();
    assert!(matches!(state(0), EntryState::Connected { node, .. } if node.as_str() == "mfp-a1"));
    let shown = office.enrollment.registration(&ann(), &made.summary.id).unwrap();
    assert_eq!((&shown.entries[0].url, shown.summary.connected), (&None, 1), "a spent PIN isn't shown");
    office.enrollment.withdraw(&ann(), &made.summary.id).await.unwrap();
    assert!(matches!(state(1), EntryState::Withdrawn { .. }));
    assert!(matches!(state(0), EntryState::Connected { .. }), "who came in stays");
    let refused = office.knock(&Thing::new("B2", pins[1].clone())).await.unwrap_err();
    assert!(matches!(refused, Refusal::Withdrawn { .. }));
}

#[tokio::test]
async fn e05_each_address_has_a_url_with_its_own_pin() {
    let office = Office::new(Rules { port: 8080, ..Rules::default() }).with_users().await;
    let addresses = "192.168.0.7\n2001:db8::7\nprinter.example\n192.168.0.7\nnot/one".to_owned();
    let made = office.register(NewRegistration { addresses, ..NewRegistration::default() }).await;
    let urls: Vec<&str> = made.entries.iter().filter_map(|entry| entry.url.as_deref()).collect();
    let pins: Vec<&str> = made.secrets.iter().filter_map(Option::as_deref).collect();
    let expected = ["192.168.0.7", "[2001:db8::7]", "printer.example"];
    let expected: Vec<String> =
        expected.iter().zip(&pins).map(|(host, pin)| format!("http://{host}:8080/enroll?pin={pin}")).collect();
    assert_eq!(urls, expected);
    assert!(pins.iter().all(|pin| pin.len() == 26));
    assert_eq!(made.refused.iter().map(|refused| refused.line).collect::<Vec<_>>(), [4, 5]);
    let seen_by_admin = office.enrollment.registration(&viewer("admin", Right::Administer), &made.summary.id).unwrap();
    assert!(seen_by_admin.secrets.is_empty() && seen_by_admin.entries.iter().all(|entry| entry.url.is_none()));
    let bob = viewer("bob", Right::Operate);
    assert!(office.enrollment.registration(&bob, &made.summary.id).is_err());
    assert!(office.enrollment.registrations(&bob, 0..9).unwrap().is_empty());
    assert_eq!(office.enrollment.registrations(&ann(), 0..9).unwrap()[0].addresses, 3);
}

#[tokio::test]
async fn e04_one_pin_for_exactly_so_many() {
    let office = Office::new(Rules::default()).with_users().await;
    let made = office.register(NewRegistration { sharing: Sharing::Shared(2), ..NewRegistration::default() }).await;
    let pin: Pin = made.secrets[0].as_deref().unwrap().parse().unwrap();
    for id in ["A1", "B2"] {
        office.knock(&Thing::new(id, pin.clone())).await.unwrap();
    }
    assert_eq!(office.knock(&Thing::new("C3", pin)).await.unwrap_err(), Refusal::Spent);
    let shared = office.enrollment.registration(&ann(), &made.summary.id).unwrap().shared.unwrap();
    assert_eq!((shared.left, shared.taken, shared.devices.len()), (Some(0), 2, 2));
    let any = NewRegistration { sharing: Sharing::Any, ..NewRegistration::default() };
    let refused = office.enrollment.register(&ann(), any).await.unwrap_err();
    assert!(refused.to_string().contains("aren't allowed here"), "{refused}");
}

#[tokio::test]
async fn e04_typed_pins_are_short_and_guessing_them_is_slowed_while_clicked_ones_work() {
    let office = Office::new(Rules::default()).with_users().await;
    let typed = NewRegistration { addresses: "p1".to_owned(), typed: true, ..NewRegistration::default() };
    let made = office.register(typed).await;
    let pin: Pin = made.secrets[0].as_deref().unwrap().parse().unwrap();
    assert_eq!(made.pin_length, Some(pin.expose().len()));
    assert_eq!(office.register(some("p1")).await.pin_length, None, "nobody types it");
    assert!((6..=12).contains(&pin.expose().len()), "{} characters", pin.expose().len());
    let mut slowed = 0;
    for n in 0..20 {
        let guess: Pin = format!("{n:0>9}").parse().unwrap();
        match office.enrollment.connect(Thing::new("Z9", guess).knock(), HOME).await {
            Err(NotLetIn::Refused(Refusal::Unknown)) => {}
            Err(NotLetIn::Failed(ServiceError::TooMany { .. })) => slowed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(slowed >= 14, "{slowed}");
    // Nothing that a stranger can send makes it faster.
    let mut tried = 0;
    for n in 0..20 {
        let broken = Knock { certificate_request: "x".to_owned(), ..Thing::new("Z9", pin.clone()).knock() };
        let _ = office.enrollment.connect(broken, "192.0.2.7".parse().unwrap()).await;
        let guess: Pin = format!("{n:0>9}").parse().unwrap();
        let knock = Thing::new("Z9", guess).knock();
        let outcome = office.enrollment.connect(knock, "192.0.2.7".parse().unwrap()).await;
        tried += usize::from(matches!(outcome, Err(NotLetIn::Refused(_))));
    }
    assert!(tried <= 3, "{tried} guesses were tried");
    office.knock(&Thing::new("A1", office.pin().await)).await.unwrap();
}

#[tokio::test]
async fn e13_a_key_lets_in_who_proves_it_and_is_never_said() {
    let office = Office::new(Rules::default()).with_users().await;
    let new = NewRegistration { addresses: "p1 p2".to_owned(), keys: true, ..NewRegistration::default() };
    let made = office.register(new).await;
    assert!(made.keys && made.entries.iter().all(|entry| entry.url.is_none()), "no browser carries a key");
    let bytes = hex::decode(made.secrets[1].as_deref().unwrap()).unwrap();
    let key = EnrollmentKey::from_bytes(bytes.try_into().unwrap());
    let mut thing = Thing::new("A1", "0123ABCD".parse().unwrap());
    thing.proof = Credential::Key { id: key.id(), mac: key.proof(&thing.request().claim()) };
    let said = serde_json::to_string(&thing.knock()).unwrap();
    assert!(!said.contains(made.secrets[1].as_deref().unwrap()));
    office.knock(&thing).await.unwrap();
    let mut thief = Thing::new("B2", "0123ABCD".parse().unwrap());
    thief.proof = thing.proof.clone();
    assert_eq!(office.knock(&thief).await.unwrap_err(), Refusal::Unknown, "a proof that was seen is no key");
}

#[tokio::test]
async fn e07_a_certificate_request_that_does_not_fit_takes_no_place() {
    let office = Office::new(Rules::default()).with_users().await;
    let thing = Thing::new("A1", office.pin().await);
    let foreign = Thing::new("A1", "0123ABCD".parse().unwrap());
    for request in ["", "garbage", &foreign.knock().certificate_request] {
        let knock = Knock { certificate_request: request.to_owned(), ..thing.knock() };
        let refused = office.enrollment.connect(knock, HOME).await.unwrap_err();
        assert!(matches!(refused, NotLetIn::Failed(ServiceError::Invalid(_))), "{refused:?}");
    }
    office.knock(&thing).await.unwrap();
}

#[tokio::test]
async fn e08_a_dead_token_is_nobodys() {
    let office = Office::new(Rules::default()).with_users().await;
    office.knock(&Thing::new("A1", office.pin().await)).await.unwrap();
    office.enrollment.release(&ann(), &"A1".parse().unwrap()).await.unwrap();
    assert!(office.access.child("ended A1").is_none() && office.access.child("").is_none());
    assert_eq!(
        office.store.child(&"mfp-a1".parse().unwrap()).unwrap().unwrap().value.token,
        TokenDigest::ended(&"A1".parse().unwrap())
    );
    let bob = viewer("bob@example.com", Right::Own);
    let one = NewRegistration { addresses: "p1".to_owned(), ..NewRegistration::default() };
    let pin = office.enrollment.register(&bob, one).await.unwrap().secrets.remove(0).unwrap().parse().unwrap();
    let moved = office.knock(&Thing::new("A1", pin)).await.unwrap();
    assert_eq!(moved.owner, bob.user);
}

#[tokio::test]
async fn e08_who_left_never_takes_the_name_that_another_has_now() {
    let office = Office::new(Rules::default()).with_users().await;
    let admin = viewer("admin", Right::Administer);
    let node: NodeId = "mfp-a1".parse().unwrap();
    office.knock(&Thing::new("A1", office.pin().await)).await.unwrap();
    office.access.remove_child(&admin, &node).await.unwrap();
    let token = Secret::new("a gateway's".to_owned());
    office.access.accept_child(node.clone(), &token).await.unwrap();
    assert_eq!(office.knock(&Thing::new("A1", office.pin().await)).await.unwrap_err(), Refusal::NodeTaken);
    assert_eq!(office.access.child(token.expose()), Some(node.clone()));
    // The other way round: a token that an administrator gives for the name of a device ends that device's.
    let welcome = office.knock(&Thing::new("B2", office.pin().await)).await.unwrap();
    office.access.accept_child("mfp-b2".parse().unwrap(), &Secret::new("another".to_owned())).await.unwrap();
    assert!(!office.holds(&welcome));
    assert_eq!(office.stands("B2"), Standing::Revoked);
}

#[tokio::test]
async fn e02_the_pins_of_a_user_who_is_gone_let_nobody_in() {
    let office = Office::new(Rules::default()).with_users().await;
    let pin = office.pin().await;
    let gone = Change::User { name: ann().user, expect: Expect::Anything, value: None };
    office.store.commit(gone.into()).await.unwrap();
    let refused = office.knock(&Thing::new("A1", pin)).await.unwrap_err();
    assert!(matches!(refused, Refusal::Withdrawn { .. }), "{refused}");
}

#[tokio::test]
async fn e04_pins_are_withdrawn_although_their_secret_was_lost() {
    let office = Office::new(Rules::default()).with_users().await;
    let two = NewRegistration { addresses: "p1 p2".to_owned(), ..NewRegistration::default() };
    let made = office.register(two).await;
    let pins: Vec<Pin> = made.secrets.iter().map(|pin| pin.as_deref().unwrap().parse().unwrap()).collect();
    std::fs::remove_file(office.folder.path().join(secret::FILE)).unwrap();
    let office = office.again();
    office.knock(&Thing::new("A1", pins[0].clone())).await.unwrap();
    let shown = office.enrollment.registration(&ann(), &made.summary.id).unwrap();
    assert!(matches!(shown.entries[0].state, EntryState::Connected { .. }));
    assert!(shown.secrets.iter().all(Option::is_none), "what doesn't let in isn't shown");
    office.enrollment.withdraw(&ann(), &made.summary.id).await.unwrap();
    let refused = office.knock(&Thing::new("B2", pins[1].clone())).await.unwrap_err();
    assert!(matches!(refused, Refusal::Withdrawn { .. }), "{refused}");
}

#[tokio::test]
async fn e07_sixty_four_devices_with_one_pin_all_come_in() {
    let office = Office::new(Rules::default()).with_users().await;
    let made = office.register(NewRegistration { sharing: Sharing::Shared(64), ..NewRegistration::default() }).await;
    let pin: Pin = made.secrets[0].as_deref().unwrap().parse().unwrap();
    let ids: Vec<&'static str> = (0..64).map(|n| &*Box::leak(format!("D{n}").into_boxed_str())).collect();
    let things: Vec<Thing> = ids.iter().map(|id| Thing::new(id, pin.clone())).collect();
    let outcomes = futures::future::join_all(things.iter().map(|thing| office.knock(thing))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

/// Registrations as users make them, but for what is said.
fn some(addresses: &str) -> NewRegistration {
    NewRegistration { addresses: addresses.to_owned(), ..NewRegistration::default() }
}

#[tokio::test]
async fn e04_no_user_has_more_places_waiting_than_may_be() {
    let office = Office::new(Rules::default()).with_users().await;
    let shared = |places| NewRegistration { sharing: Sharing::Shared(places), ..NewRegistration::default() };
    for _ in 0..register::PLACES_OF_ONE / 10_000 {
        office.register(shared(10_000)).await;
    }
    let refused = async |office: &Office| office.enrollment.register(&ann(), some("p1")).await.unwrap_err().to_string();
    let said = refused(&office).await;
    assert!(said.contains("100000 devices of yours") && said.contains("withdraw"), "{said}");
    let bob = viewer("bob@example.com", Right::Own);
    office.enrollment.register(&bob, some("p1")).await.unwrap();
    // A restart counts the same; a device that comes in and a registration that is withdrawn make room.
    let office = office.again();
    assert_eq!(refused(&office).await, said);
    let newest = office.enrollment.registrations(&ann(), 0..usize::MAX).unwrap().remove(0).id;
    let pin = office.enrollment.registration(&ann(), &newest).unwrap().secrets.remove(0).unwrap();
    office.knock(&Thing::new("A1", pin.parse().unwrap())).await.unwrap();
    office.register(some("p1")).await;
    refused(&office).await;
    office.enrollment.withdraw(&ann(), &newest).await.unwrap();
    office.register(shared(9_999)).await;
}

/// Stores copies of a registration of Ann's that ended, as if she had made and withdrawn them.
async fn ended(office: &Office, of: &RegistrationView, numbers: std::ops::Range<u64>) {
    let row = office.store.registration(&of.summary.id).unwrap().unwrap().value;
    let copies = numbers.map(|n| {
        let id: hostler_core::RegistrationId = format!("r-{n:0>16}").parse().unwrap();
        let copy = hostler_core::enrollment::Registration { id: id.clone(), expires_at: Timestamp(1), ..row.clone() };
        Change::Registration { id, expect: Expect::Absent, value: Some(Box::new(copy)) }
    });
    office.store.commit(copies.collect()).await.unwrap();
}

#[tokio::test]
async fn e04_what_a_user_withdrew_fills_no_disk() {
    let office = Office::new(Rules::default()).with_users().await;
    let many: String = (0..1_000).map(|n| format!("p{n} ")).collect();
    let made = office.register(some(&many)).await;
    office.enrollment.withdraw(&ann(), &made.summary.id).await.unwrap();
    ended(&office, &made, 0..register::STORED_OF_ONE / 1_000 - 2).await;
    let office = office.again();
    office.register(some(&many)).await;
    let refused = office.enrollment.register(&ann(), some("p1")).await.unwrap_err().to_string();
    assert!(refused.contains("200000 addresses and PINs of yours") && refused.contains("90 days"), "{refused}");
    let bob = viewer("bob@example.com", Right::Own);
    office.enrollment.register(&bob, some("p1")).await.unwrap();
    office.enrollment.sweep(now()).await.unwrap();
    office.register(some("p1")).await;
}

#[tokio::test]
async fn e04_who_has_devices_of_their_own_only_makes_no_end_of_registrations() {
    let office = Office::new(Rules::default()).with_users().await;
    let made = office.register(some("p1")).await;
    ended(&office, &made, 0..register::REGISTRATIONS_OF_ONE - 2).await;
    office.register(some("p1")).await;
    let refused = office.enrollment.register(&ann(), some("p1")).await.unwrap_err().to_string();
    assert!(refused.contains("you have 1000 registrations already"), "{refused}");
    let operator = Viewer { right: Right::Operate, ..ann() };
    office.enrollment.register(&operator, some("p1")).await.unwrap();
}

/// No sentence for people has the blanks of the lines that it was written on.
#[tokio::test]
async fn e04_what_is_said_of_too_many_is_one_sentence() {
    let office = Office::new(Rules::default()).with_users().await;
    let shared = |typed| NewRegistration { sharing: Sharing::Shared(10_000), typed, ..NewRegistration::default() };
    for typed in [false, false, false, false, false, false, false, false, false, true] {
        office.register(shared(typed)).await;
    }
    let bob = viewer("bob@example.com", Right::Own);
    for (who, words) in [(ann(), "devices of yours are waited for"), (bob, "by PINs that are typed")] {
        let said = office.enrollment.register(&who, shared(true)).await.unwrap_err().to_string();
        assert!(said.contains(words) && !said.contains("  "), "{said}");
    }
}

#[tokio::test]
async fn e04_typed_pins_are_no_more_than_their_length_reckons_with() {
    let office = Office::new(Rules::default()).with_users().await;
    let typed =
        |places| NewRegistration { sharing: Sharing::Shared(places), typed: true, ..NewRegistration::default() };
    let bob = viewer("bob@example.com", Right::Own);
    office.register(typed(4_000)).await;
    let both = (office.enrollment.register(&bob, typed(4_000)), office.enrollment.register(&bob, typed(4_000)));
    let both = tokio::join!(both.0, both.1);
    assert!(both.0.is_ok() != both.1.is_ok(), "they are counted one after the other");
    let said = office.enrollment.register(&bob, typed(2_001)).await.unwrap_err().to_string();
    assert!(said.contains("8000 devices are waited for by PINs that are typed"), "{said}");
    office.enrollment.register(&bob, typed(2_000)).await.unwrap();
    office.register(some("p1")).await;
    const { assert!(register::TYPED_PLACES <= register::PLACES_OF_ONE) };
}

#[tokio::test]
async fn e04_what_ended_long_ago_is_forgotten_but_what_a_connected_device_came_in_by() {
    let office = Office::new(Rules::default()).with_users().await;
    let kept = office.register(some("p1 p2")).await;
    let device = Thing::new("A1", kept.secrets[0].as_deref().unwrap().parse().unwrap());
    office.knock(&device).await.unwrap();
    office.register(some("p1 p2")).await;
    let days = |days: u64| now().plus(Duration::from_secs(days * 86_400));
    assert_eq!(office.enrollment.sweep(days(90)).await.unwrap(), 0, "they lived a day");
    assert_eq!(office.enrollment.sweep(days(92)).await.unwrap(), 1);
    assert_eq!(office.enrollment.registrations(&ann(), 0..usize::MAX).unwrap().len(), 1);
    assert_eq!(office.store.all_invitations().unwrap().len(), 2, "nothing of the other is left");
    let again = Thing { attempt: 2, ..device };
    office.knock(&again).await.unwrap();
    office.enrollment.release(&ann(), &"A1".parse().unwrap()).await.unwrap();
    assert_eq!(office.enrollment.sweep(days(92)).await.unwrap(), 1);
    assert!(office.store.all_invitations().unwrap().is_empty() && office.store.registrations().unwrap().is_empty());
    let short = Office::new(Rules { keep: Duration::ZERO, ..Rules::default() });
    assert_eq!(short.enrollment.rules.keep, RETRY_FOR, "so long a device may ask again");
}

#[tokio::test]
async fn e02_who_gets_the_name_of_a_removed_user_has_none_of_their_pins() {
    let office = Office::new(Rules::default()).with_users().await;
    let password = office.access.first_user("admin".parse().unwrap()).await.unwrap();
    assert!(password.is_none(), "there are users");
    let admin = User { name: "admin".parse().unwrap(), password_hash: String::new(), right: Right::Administer };
    let change =
        |user: &User| Change::User { name: user.name.clone(), expect: Expect::Absent, value: Some(user.clone()) };
    office.store.commit(change(&admin).into()).await.unwrap();
    let (local, _) = office.access.local_token(None).await.unwrap();
    let person = office.access.person(local.expose()).unwrap();
    let many = NewRegistration { sharing: Sharing::Shared(1_000), ..NewRegistration::default() };
    let made = office.register(many).await;
    let pin: Pin = made.secrets[0].as_deref().unwrap().parse().unwrap();
    let come_in = async {
        for device in ["A1", "B2", "C3", "D4", "E5", "F6"] {
            let _ = office.knock(&Thing::new(device, pin.clone())).await;
        }
    };
    let gone = ann().user;
    let (removed, ()) = tokio::join!(office.access.remove_user(&person, &gone), come_in);
    removed.unwrap();
    let anew = User { name: ann().user, password_hash: String::new(), right: Right::Own };
    office.store.commit(change(&anew).into()).await.unwrap();
    let refused = office.knock(&Thing::new("Z9", pin)).await.unwrap_err();
    assert!(matches!(refused, Refusal::Withdrawn { .. }), "{refused}");
    let shown = office.enrollment.registration(&ann(), &made.summary.id).unwrap();
    assert_eq!(shown.secrets, [None]);
}
