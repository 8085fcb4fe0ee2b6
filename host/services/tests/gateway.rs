//! A gateway with real plug-ins and simulated devices, and whatever can be in its way.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Candidate, Device, HttpReach, Reach, SnmpReach};
use hostler_core::event::Event;
use hostler_core::message::{Acks, Class, Method, Portion};
use hostler_core::reading::{Condition, Identity, Severity, Snapshot};
use hostler_core::upkeep::Bounds;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{DeviceId, Fingerprint, NodeId, Secret, Timestamp};
use hostler_engine::{Adopter, now};
use hostler_links::credential::{HttpCredential, SnmpCredential};
use hostler_links::{Credentials, HttpLinks, SnmpLinks};
use hostler_runtime::{Compiler, Runtime};
use hostler_services::gateway::{Caller, Discovery, Network, Pace, Reader, Rule};
use hostler_services::tree::Presence;
use hostler_services::{Catalogue, Duty, Gateway, Inventory, Live};
use hostler_simulator::{Fault, Fleet, FleetConfig, SimulatedDevice};
use hostler_store::{RedbStore, Store};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};

const PORT: u16 = 16_161;

/// Everything a gateway is made of.
struct Stage {
    store: Arc<dyn Store>,
    catalogue: Arc<Catalogue>,
    inventory: Arc<Inventory>,
    gateway: Arc<Gateway>,
    running: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn node() -> NodeId {
    "gateway-1".parse().unwrap()
}

fn parent() -> NodeId {
    "parent".parse().unwrap()
}

fn admin() -> Viewer {
    Viewer { user: "admin".parse().unwrap(), right: Right::Administer }
}

/// A plug-in, as `./just plugins` made it.
fn plugin(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("plugins").join(format!("{name}.wasm"));
    std::fs::read(&file)
        .unwrap_or_else(|error| panic!("{} can't be read ({error}); run `./just plugins`", file.display()))
}

fn range(text: &str) -> Network {
    let range: IpNet = text.parse().unwrap();
    Network {
        name: text.to_owned(),
        ranges: vec![range],
        snmp_port: PORT,
        credentials: vec!["network".to_owned()],
        http: None,
        mdns: false,
    }
}

impl Stage {
    /// A gateway that reads so often; it searches when it starts and when it is told to.
    async fn new(networks: Vec<Network>, rules: Vec<Rule>, every: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let runtime = Runtime::start(folder.path().join("compiled"), Compiler::Here).unwrap();
        let plugins = folder.path().join("plugins");
        let catalogue = Catalogue::open(Arc::clone(&store), Arc::clone(&runtime), plugins).await.unwrap();
        let (live, presence) = (Live::at(&*store), Arc::new(Presence::default()));
        let inventory =
            Inventory::open(Arc::clone(&store), live, node(), Arc::clone(&catalogue), presence, Duty::KeepHistory);
        let inventory = inventory.unwrap();
        let public = SnmpCredential::V2c { community: Secret::new("public".to_owned()) };
        let own = HttpCredential { user: "admin".to_owned(), password: Secret::new("secret".to_owned()) };
        let snmp = BTreeMap::from([("network".to_owned(), public)]);
        let credentials = Credentials::prepare(&snmp, BTreeMap::from([("own".to_owned(), own)])).unwrap();
        let credentials = Arc::new(credentials);
        let links = (SnmpLinks::open(Arc::clone(&credentials)).await.unwrap(), HttpLinks::open(credentials).unwrap());
        let settings = BTreeMap::from([("behaviour".to_owned(), "act-with-own-credential".to_owned())]);
        let caller = Caller::new(
            Arc::clone(&store),
            (runtime, Arc::clone(&catalogue)),
            links,
            networks.iter().map(|network| (network.ranges.clone(), 64)).collect(),
            Some(parent()),
            BTreeMap::from([("hostile".parse().unwrap(), settings)]),
        );
        let adopter = Adopter::start(Arc::clone(&store), caller.clone(), node(), Some(parent())).unwrap();
        let names = (node(), Some(parent()));
        let seldom = Duration::from_secs(3_600);
        let bounds = |every| Bounds { configured: every, shortest: every, longest: every };
        let pace = Pace::open(&*store, bounds(every), bounds(seldom)).unwrap();
        let discovery = Discovery::new(
            (Arc::clone(&store), Arc::clone(&caller)),
            names.clone(),
            networks,
            rules,
            Arc::clone(&pace),
        );
        let reader = Reader::new(Arc::clone(&store), caller, node(), pace);
        let gateway = Gateway::new(Arc::clone(&store), names, adopter, discovery, reader, Arc::clone(&inventory));
        let running = tokio::spawn(Arc::clone(&gateway).run());
        Self { store, catalogue, inventory, gateway, running, _folder: folder }
    }

    async fn install(&self, name: &str) {
        self.catalogue.install(&admin(), plugin(name), true).await.unwrap();
    }

    /// A device that was adopted before.
    async fn put(&self, name: &str, plugin: &str, reach: Reach) -> DeviceId {
        let id: DeviceId = name.parse().unwrap();
        let identity = Identity { serial: Some(name.to_owned()), ..Identity::default() };
        let (gateway, plugin) = (node(), plugin.parse().unwrap());
        let adopted_at = Timestamp(1);
        let device = Device {
            id: id.clone(),
            gateway,
            plugin,
            identity,
            reach,
            certificate: None,
            adopted_at,
            commands: Vec::new(),
        };
        let change = Change::Device { id: id.clone(), expect: Expect::Absent, value: Some(Box::new(device)) };
        self.store.commit(change.into()).await.unwrap();
        id
    }

    async fn put_all(&self, name: &str, devices: &[SimulatedDevice]) -> Vec<DeviceId> {
        let mut ids = Vec::new();
        for (device, at) in devices.iter().zip(0..) {
            ids.push(self.put(&format!("{name}-{at}"), "mfp", reach(device.address)).await);
        }
        ids
    }

    fn newest(&self, id: &DeviceId) -> Snapshot {
        self.inventory.device(&admin(), id).unwrap().snapshot
    }

    fn events(&self, name: &str) -> Vec<Event> {
        let events = self.store.events(None, None, 10_000).unwrap().into_iter();
        events.map(|(_, event)| event).filter(|event| event.name == name).collect()
    }

    /// Searches, and returns when that has ended: what was no candidate any more is forgotten then.
    async fn search(&self) {
        let address: IpAddr = [192, 0, 2, 77].into();
        let gone = Candidate { reach: reach((address, PORT).into()), claims: Vec::new(), seen_at: Timestamp(1) };
        let change = Change::Candidate { gateway: node(), address, value: Some(Box::new(gone)) };
        self.store.commit(change.into()).await.unwrap();
        self.gateway.take(Method::DiscoverNow, Changes::none()).await.unwrap();
        until("the search has ended", || !self.candidates().contains(&address)).await;
    }

    fn candidates(&self) -> Vec<IpAddr> {
        self.store.candidates().unwrap().into_iter().map(|(_, candidate)| candidate.reach.address).collect()
    }

    /// Until nothing is being adopted.
    async fn adopted(&self) {
        let running = || self.store.adoptions().unwrap().iter().any(|one| one.value.outstanding().is_some());
        until("every adoption has ended", || !running()).await;
    }
}

fn reach(address: SocketAddr) -> Reach {
    let snmp = SnmpReach { port: address.port(), credential: "network".to_owned() };
    Reach { address: address.ip(), snmp: Some(snmp), http: None }
}

async fn fleet(first: [u8; 4], count: u32) -> Fleet {
    Fleet::start(FleetConfig { count, first: first.into(), port: PORT, ..FleetConfig::default() }).await.unwrap()
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(std::time::Instant::now() < end, "not within two minutes: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_a_network_that_goes_dark_takes_nothing_from_another_nor_from_its_healthy_devices() {
    let (dark, other) = (fleet([127, 201, 0, 1], 310).await, fleet([127, 202, 0, 1], 20).await);
    let networks = vec![range("127.201.0.0/16"), range("127.202.0.0/16")];
    // Searching would ask 65,536 addresses; the lanes are what this is about.
    let networks: Vec<Network> = networks.into_iter().map(|n| Network { credentials: Vec::new(), ..n }).collect();
    let stage = Stage::new(networks, Vec::new(), Duration::from_secs(1)).await;
    stage.install("mfp").await;
    let (dark_ids, others) =
        (stage.put_all("dark", dark.devices()).await, stage.put_all("other", other.devices()).await);
    let all: Vec<&DeviceId> = dark_ids.iter().chain(&others).collect();
    until("all are read", || all.iter().all(|id| stage.newest(id).read_at.is_some())).await;
    let (silent, healthy) = dark_ids.split_at(300);
    dark.devices().iter().take(300).for_each(|device| device.control.set_fault(Fault::Silent));

    let mut oldest = Duration::ZERO;
    until("the silent ones are unreachable", || {
        for id in &others {
            oldest = oldest.max(now().since(stage.newest(id).read_at.unwrap()));
        }
        for id in healthy.iter().chain(&others) {
            assert_eq!(stage.newest(id).trouble, None, "{id} suffers");
        }
        silent.iter().all(|id| stage.newest(id).condition() == Condition::Unreachable)
    })
    .await;
    println!("the other network's readings were at most {oldest:?} old");
    assert!(oldest < Duration::from_secs(30), "{oldest:?}");
    let since = now();
    until("the healthy ones are read again", || healthy.iter().all(|id| stage.newest(id).read_at > Some(since))).await;
    assert!(now().since(since) < Duration::from_secs(30), "the dead only make the dead wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_an_event_that_could_not_be_stored_is_told_later() {
    let fleet = fleet([127, 203, 0, 1], 1).await;
    let stage = Stage::new(Vec::new(), Vec::new(), Duration::from_millis(200)).await;
    stage.install("mfp").await;
    let id = stage.put_all("told", fleet.devices()).await.remove(0);
    until("it is read", || stage.newest(&id).read_at.is_some()).await;
    // The parent is away for so long that no fault fits into the outbox any more.
    let fault = Event {
        at: now(),
        node: None,
        device: None,
        name: "x".into(),
        severity: Severity::Critical,
        text: String::new(),
    };
    let send = || Change::send(&parent(), Method::EventHappened(fault.clone()));
    stage.store.commit((0..Class::Fault.capacity()).map(|_| send()).collect()).await.unwrap();
    fleet.devices()[0].control.set_fault(Fault::Silent);
    let failed = stage.gateway_failures();
    until("it was asked often enough", || stage.gateway_failures() >= failed + 5).await;
    assert!(stage.events("device.unreachable").is_empty());
    assert_ne!(stage.newest(&id).condition(), Condition::Unreachable, "what nobody was told isn't known");
    let acks = Acks { epoch: stage.store.numbers(&parent()).unwrap().epoch, seqs: [(Class::Fault, 50_000)].into() };
    stage.store.commit(Change::Acked { by: parent(), acks }.into()).await.unwrap();
    until("it is told", || stage.events("device.unreachable").len() == 1).await;
    until("it is known", || stage.newest(&id).condition() == Condition::Unreachable).await;
}

impl Stage {
    /// How many readings failed.
    fn gateway_failures(&self) -> u64 {
        self.inventory.serve_with(Arc::clone(&self.gateway));
        self.inventory.readings_done().unwrap().1
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_devices_without_their_plug_in_are_not_unreachable_and_are_read_when_it_is_back() {
    let fleet = fleet([127, 204, 0, 1], 3).await;
    let stage = Stage::new(Vec::new(), Vec::new(), Duration::from_secs(3_600)).await;
    stage.install("mfp").await;
    let ids = stage.put_all("plugged", fleet.devices()).await;
    until("they are read", || ids.iter().all(|id| stage.newest(id).read_at.is_some())).await;
    // Nobody asks for a reading; one comes in an hour by the schedule.
    for _ in 0..4 {
        stage.catalogue.remove(&admin(), &"mfp".parse().unwrap()).await.unwrap();
        let why = |id| stage.newest(id).trouble.map(|trouble| trouble.text).unwrap_or_default();
        until("the page says why", || ids.iter().all(|id| why(id).contains("plug-in mfp"))).await;
        assert!(ids.iter().all(|id| stage.newest(id).condition() == Condition::Unknown), "nobody knows how they are");
        stage.install("mfp").await;
        until("they are read again", || ids.iter().all(|id| stage.newest(id).trouble.is_none())).await;
    }
    assert!(stage.events("device.unreachable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn p04_an_action_whose_answer_is_lost_is_ordered_once_and_in_doubt() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    let stage = Stage::new(Vec::new(), Vec::new(), Duration::from_secs(3_600)).await;
    stage.install("hostile").await;
    let http = Some(HttpReach { tls: false, port });
    stage.put("acted-on", "hostile", Reach { address: [127, 0, 0, 1].into(), snmp: None, http }).await;
    let (mut stream, _) = server.accept().await.unwrap();
    tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4_096]).await.unwrap();
    drop(stream);
    until("it is told", || stage.events("action.in-doubt").len() == 1).await;
    assert!(stage.events("action.failed").is_empty());
    let again = tokio::time::timeout(Duration::from_secs(1), server.accept()).await;
    assert!(again.is_err(), "it was ordered twice");
    assert!(stage.store.actions().unwrap().is_empty());
}

/// A device's web server with certificates of its own making.
struct SecureDevice {
    /// The certificate that it shows now.
    shows: Mutex<rcgen::CertifiedKey<rcgen::KeyPair>>,
    /// The requests that it was sent.
    asked: Mutex<Vec<String>>,
}

impl SecureDevice {
    fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(vec!["printer".to_owned()]).unwrap()
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.shows.lock().unwrap().cert.der())
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Serves for ever; each connection gets the certificate of its moment.
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let tls = {
                let shows = self.shows.lock().unwrap();
                let key = rustls::pki_types::PrivateKeyDer::try_from(shows.signing_key.serialize_der()).unwrap();
                let tls =
                    rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                        .with_safe_default_protocol_versions()
                        .unwrap();
                tls.with_no_client_auth().with_single_cert(vec![shows.cert.der().clone()], key).unwrap()
            };
            let Ok(mut stream) = tokio_rustls::TlsAcceptor::from(Arc::new(tls)).accept(stream).await else { continue };
            let mut request = vec![0; 4_096];
            let Ok(read) = stream.read(&mut request).await else { continue };
            if read > 0 {
                request.truncate(read);
                self.asked.lock().unwrap().push(String::from_utf8(request).unwrap());
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p02_a_device_that_shows_another_certificate_is_told_nothing_until_somebody_trusts_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let device = Arc::new(SecureDevice { shows: Mutex::new(SecureDevice::certificate()), asked: Mutex::default() });
    let server = tokio::spawn(Arc::clone(&device).serve(listener));
    let stage = Stage::new(Vec::new(), Vec::new(), Duration::from_secs(3_600)).await;
    stage.inventory.serve_with(Arc::clone(&stage.gateway));
    stage.install("hostile").await;
    let http = Some(HttpReach { tls: true, port });
    let id = stage.put("secure", "hostile", Reach { address: [127, 0, 0, 1].into(), snmp: None, http }).await;
    let known = || stage.store.device(&id).unwrap().unwrap().value.certificate;
    let read = || stage.gateway.take(Method::ReadNow(id.clone()), Changes::none());

    until("it is asked, and known by the certificate that it showed", || device.asked() > 0 && known().is_some()).await;
    let first = device.fingerprint();
    assert_eq!(known().unwrap().trusted, first);
    assert!(device.asked.lock().unwrap()[0].to_lowercase().contains("authorization: basic"), "with its password");

    let asked = device.asked();
    *device.shows.lock().unwrap() = SecureDevice::certificate();
    let second = device.fingerprint();
    // At the second handshake and at every later one.
    read().await.unwrap();
    until("the change is told", || stage.events("device.certificate-changed").len() == 1).await;
    read().await.unwrap();
    until("what was ordered fails", || stage.events("action.failed").len() >= 2).await;
    assert_eq!(device.asked(), asked, "nothing was sent, its password least of all");
    assert_eq!(stage.events("device.certificate-changed").len(), 1, "it is told once");
    assert_eq!(known().unwrap().shown, Some(second.clone()));

    // A certificate of its own for each handshake asks no more, and is no reason to read more often.
    for _ in 0..5 {
        *device.shows.lock().unwrap() = SecureDevice::certificate();
        let failed = stage.events("action.failed").len();
        read().await.unwrap();
        until("it is read again", || stage.events("action.failed").len() > failed).await;
        assert_eq!(stage.events("action.failed").len(), failed + 1);
    }
    assert_eq!(stage.events("device.certificate-changed").len(), 1);
    let second = device.fingerprint();
    until("the last is asked about", || known().unwrap().shown.as_ref() == Some(&second)).await;

    let (admin, other) = (admin(), Fingerprint::of(b"another"));
    assert!(stage.inventory.trust(&admin, &id, other).await.is_err(), "nobody asked about that one");
    stage.inventory.trust(&admin, &id, second.clone()).await.unwrap();
    until("it is asked again", || device.asked() > asked).await;
    assert_eq!(known().unwrap().trusted, second);
    let told = stage.store.outbox(&parent(), Portion::EXCHANGE).unwrap().messages;
    let last = told.iter().rev().find_map(|message| match &message.message.method {
        Method::DeviceAdopted(device) => device.certificate.clone(),
        _ => None,
    });
    assert_eq!(last, known(), "those above know it too");
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_what_was_let_go_is_passed_over_by_rules_and_adopted_by_hand() {
    let _fleet = fleet([127, 205, 0, 1], 1).await;
    let rules = vec![Rule { plugin: "mfp".parse().unwrap(), network: None }];
    let stage = Stage::new(vec![range("127.205.0.1/32")], rules, Duration::from_secs(3_600)).await;
    stage.install("mfp").await;
    until("the rule adopts it", || stage.store.devices().unwrap().len() == 1).await;
    let id = stage.store.devices().unwrap().remove(0).value.id;
    stage.gateway.take(Method::Release(id.clone()), Changes::none()).await.unwrap();
    for _ in 0..2 {
        stage.search().await;
        stage.adopted().await;
        assert!(stage.store.devices().unwrap().is_empty(), "it came back");
    }
    let address = stage.candidates().remove(0);
    let adopt = Method::Adopt { address, plugin: "mfp".parse().unwrap() };
    stage.gateway.take(adopt, Changes::none()).await.unwrap();
    until("it is adopted by hand", || stage.store.devices().unwrap().len() == 1).await;
    assert!(!stage.store.is_released(&id).unwrap());
    assert!(stage.events("adoption.ended").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_a_twin_that_a_rule_finds_is_told_once_and_above_and_not_asked_again() {
    // Equal seeds make equal devices.
    let _twins = (fleet([127, 206, 0, 1], 1).await, fleet([127, 206, 1, 1], 1).await);
    let rules = vec![Rule { plugin: "mfp".parse().unwrap(), network: None }];
    let networks = vec![range("127.206.0.1/32"), range("127.206.1.1/32")];
    let stage = Stage::new(networks, rules, Duration::from_secs(3_600)).await;
    stage.install("mfp").await;
    until("one is adopted, and of the other it is told", || stage.events("adoption.ended").len() == 1).await;
    let ended = stage.store.adoptions().unwrap().remove(0);
    for _ in 0..2 {
        stage.search().await;
        stage.adopted().await;
    }
    assert_eq!(stage.store.devices().unwrap().len(), 1);
    assert_eq!(stage.store.adoptions().unwrap(), [ended], "it was asked again");
    assert_eq!(stage.events("adoption.ended").len(), 1);
    let told = stage.store.outbox(&parent(), Portion::EXCHANGE).unwrap();
    let twin = |method: &Method| matches!(method, Method::EventHappened(event) if event.name == "adoption.ended");
    assert_eq!(told.messages.iter().filter(|message| twin(&message.message.method)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_a_printer_that_never_answers_among_two_thousand_makes_no_other_late() {
    const COUNT: u32 = 2_000;
    const EVERY: Duration = Duration::from_secs(10);
    // Readings aren't begun on the second; nobody is later than by this.
    const LATE: Duration = Duration::from_secs(30);
    let fleet = fleet([127, 208, 0, 1], COUNT).await;
    let network = Network { credentials: Vec::new(), ..range("127.208.0.0/16") };
    let stage = Stage::new(vec![network], Vec::new(), EVERY).await;
    stage.install("mfp").await;
    fleet.devices()[1_234].control.set_fault(Fault::Silent);
    let mut others = stage.put_all("one-of-many", fleet.devices()).await;
    let silent = others.remove(1_234);
    until("all others are read", || others.iter().all(|id| stage.newest(id).read_at.is_some())).await;

    let mut oldest = Duration::ZERO;
    let begun = std::time::Instant::now();
    while begun.elapsed() < 3 * EVERY || stage.newest(&silent).condition() != Condition::Unreachable {
        for id in &others {
            let newest = stage.newest(id);
            assert_eq!(newest.trouble, None, "{id} suffers");
            oldest = oldest.max(now().since(newest.read_at.unwrap()));
        }
        assert!(oldest < EVERY + LATE, "a reading is {oldest:?} old");
        assert!(begun.elapsed() < 12 * EVERY, "nobody says that the silent one is silent");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("with readings every {EVERY:?}, none of the 1,999 others' was older than {oldest:?}");
    assert_eq!(stage.newest(&silent).read_at, None, "it never answered");
}

/// What passes requests on to a device, and sees how many are under way at a time.
#[derive(Default)]
struct Gate {
    requests: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Gate {
    /// Passes each request on after this pause, for ever.
    async fn pass(self: Arc<Self>, front: UdpSocket, device: SocketAddr, pause: Duration) {
        let (front, mut buffer) = (Arc::new(front), vec![0; 65_536]);
        loop {
            let (size, from) = front.recv_from(&mut buffer).await.unwrap();
            let (request, gate, front) = (buffer[..size].to_vec(), Arc::clone(&self), Arc::clone(&front));
            gate.requests.fetch_add(1, Ordering::SeqCst);
            let under_way = gate.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            gate.most.fetch_max(under_way, Ordering::SeqCst);
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                let behind = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                behind.send_to(&request, device).await.unwrap();
                let mut answer = vec![0; 65_536];
                let size = behind.recv(&mut answer).await.unwrap();
                // Before the answer goes, or what follows it would be counted with it.
                gate.under_way.fetch_sub(1, Ordering::SeqCst);
                front.send_to(&answer[..size], from).await.unwrap();
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p04_however_many_readings_are_wanted_a_device_is_asked_by_one_at_a_time() {
    let fleet = fleet([127, 209, 0, 1], 1).await;
    let front = UdpSocket::bind("127.209.1.1:0").await.unwrap();
    let (at, gate) = (front.local_addr().unwrap(), Arc::new(Gate::default()));
    let pause = Duration::from_millis(80);
    let passing = tokio::spawn(Arc::clone(&gate).pass(front, fleet.devices()[0].address, pause));
    // By its schedule it is always due as well.
    let stage = Stage::new(Vec::new(), Vec::new(), Duration::from_millis(10)).await;
    stage.install("mfp").await;
    let id = stage.put("asked-at-once", "mfp", reach(at)).await;
    stage.gateway_failures();
    let read = || stage.inventory.readings_done().unwrap().0;
    until("it is read", || read() > 0).await;
    let (before, asked) = (read(), gate.requests.load(Ordering::SeqCst));
    // While one reading waits for its answers, many more are wanted.
    while read() < before + 10 {
        stage.gateway.take(Method::ReadNow(id.clone()), Changes::none()).await.unwrap();
        tokio::time::sleep(pause / 8).await;
    }
    assert!(gate.requests.load(Ordering::SeqCst) > asked + 10, "it wasn't asked anything");
    assert_eq!(gate.most.load(Ordering::SeqCst), 1, "so many requests were under way at a time");
    assert_eq!(stage.newest(&id).trouble, None);
    passing.abort();
}
