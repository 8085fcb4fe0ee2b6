//! Parents and children over real connections, each exchange begun by hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on shall stop")]

use super::child::{ExchangeError, Session};
use super::{ChildLoop, Presence, Tree};
use crate::NodeInfo;
use crate::access::{Access, Former};
use crate::catalogue::Catalogue;
use crate::gateway::{Caller, Discovery, Gateway, Reader};
use crate::inventory::{Choice, Duty, Inventory};
use crate::live::{Live, LiveEvent};
use crate::requests::Requests;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Candidate, Device, Reach};
use hostler_core::event::Event;
use hostler_core::message::{CatalogueEntry, Envelope, Epoch, ExchangeDown, ExchangeUp, Method};
use hostler_core::plugin::{Grant, PluginRecord, Release};
use hostler_core::reading::{Identity, Report, Severity, Snapshot};
use hostler_core::upkeep::Bounds;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{DeviceId, NodeId, PluginName, Secret, Timestamp};
use hostler_engine::{Adopter, Doorbells};
use hostler_links::{Credentials, HttpLinks, SnmpLinks};
use hostler_runtime::{Compiler, Runtime};
use hostler_store::{RedbStore, Store};
use hostler_transport::{CallParentError, Parent, ParentClient, Refused};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::task::JoinHandle;

/// One for all tests: it reserves much address space.
fn runtime() -> Arc<Runtime> {
    static RUNTIME: OnceLock<(Arc<Runtime>, tempfile::TempDir)> = OnceLock::new();
    let start = || {
        let folder = tempfile::tempdir().unwrap();
        (Runtime::start(folder.path().to_owned(), Compiler::Here).unwrap(), folder)
    };
    Arc::clone(&RUNTIME.get_or_init(start).0)
}

async fn catalogue(store: &Arc<dyn Store>) -> Arc<Catalogue> {
    let folder = tempfile::tempdir().unwrap().keep();
    Catalogue::open(Arc::clone(store), runtime(), folder).await.unwrap()
}

/// A catalogue of a node of its own.
pub(super) async fn no_plugins() -> Arc<Catalogue> {
    catalogue(&in_memory()).await
}

pub(super) async fn serve(parent: Arc<impl Parent>) -> SocketAddr {
    listen(parent).await.0
}

async fn listen(parent: Arc<impl Parent>) -> (SocketAddr, JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = hostler_transport::router(parent);
    (address, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

pub(super) fn client(parent: SocketAddr, token: &str) -> ParentClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("http://{parent}").parse().unwrap();
    let file = tempfile::tempdir().unwrap().keep().join("parent.token");
    std::fs::write(&file, token).unwrap();
    ParentClient::new(url, file, None).unwrap()
}

pub(super) fn in_memory() -> Arc<dyn Store> {
    Arc::new(RedbStore::in_memory().unwrap())
}

fn in_file(path: &Path) -> Arc<dyn Store> {
    Arc::new(RedbStore::open(path).unwrap())
}

pub(super) fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}

pub(super) fn reading(line: &str) -> Snapshot {
    Snapshot::read(Timestamp(1), Report { console: vec![line.to_owned()], ..Report::default() })
}

fn event(text: &str) -> Event {
    let (name, severity) = ("test".to_owned(), Severity::Info);
    Event { at: Timestamp(1), node: None, device: None, name, severity, text: text.to_owned() }
}

/// A manager that children may call with their names as tokens.
pub(super) struct Root {
    pub(super) store: Arc<dyn Store>,
    pub(super) access: Arc<Access>,
    pub(super) inventory: Arc<Inventory>,
    pub(super) requests: Arc<Requests>,
    pub(super) tree: Arc<Tree>,
    live: Live,
    pub(super) address: SocketAddr,
    server: JoinHandle<()>,
}

impl Root {
    pub(super) async fn on(store: Arc<dyn Store>) -> Self {
        let (live, bells) = (Live::at(&*store), Doorbells::at(&*store));
        let (access, catalogue) = (Access::new(Arc::clone(&store), []), catalogue(&store).await);
        let presence = Arc::new(Presence::default());
        let known = (Arc::clone(&catalogue), Arc::clone(&presence));
        let name = "root".parse().unwrap();
        let inventory =
            Inventory::open(Arc::clone(&store), live.clone(), name, known.0, known.1, Duty::KeepHistory).unwrap();
        for child in ["gateway-1", "gateway-2"] {
            access.accept_child(child.parse().unwrap(), &Secret::new(child.to_owned())).await.unwrap();
        }
        let requests = requests(&store, ("root", None), (&inventory, &presence), &live);
        let services = (Arc::clone(&access), Arc::clone(&inventory), catalogue, Arc::clone(&requests));
        let tree = Tree::new(
            Arc::clone(&store),
            ("root".parse().unwrap(), None),
            services,
            presence,
            bells,
            live.clone(),
            None,
        );
        let (address, server) = listen(Arc::clone(&tree)).await;
        Self { store, access, inventory, requests, tree, live, address, server }
    }

    /// Ends it, so that its file can be opened by another.
    async fn stop(self) {
        self.server.abort();
        let _ = self.server.await;
    }

    /// Whose device this is.
    pub(super) fn owner(&self, device: &str) -> Option<String> {
        self.store.device(&id(device)).unwrap().map(|device| device.value.gateway.to_string())
    }

    /// What a device showed last.
    pub(super) fn shows(&self, device: &str) -> Option<String> {
        let report = self.inventory.known(&id(device))?.1.report?;
        report.console.first().cloned()
    }

    pub(super) fn heard(&self, text: &str) -> usize {
        let events = self.store.events(None, None, 100).unwrap();
        events.iter().filter(|(_, event)| event.text == text).count()
    }

    pub(super) async fn order(&self, child: &str, method: Method) {
        let change = Change::send(&child.parse().unwrap(), method);
        self.store.commit(change.into()).await.unwrap();
    }
}

/// The requests of a node.
pub(super) fn requests(
    store: &Arc<dyn Store>,
    (node, parent): (&str, Option<&NodeId>),
    (inventory, presence): (&Arc<Inventory>, &Arc<Presence>),
    live: &Live,
) -> Arc<Requests> {
    let (id, started_at) = (node.parse().unwrap(), hostler_engine::now());
    let info = NodeInfo { id, manager: parent.is_none(), gateway: parent.is_some(), version: "0.0.0", started_at };
    let knowing = (Arc::clone(inventory), Arc::clone(presence));
    Requests::open(Arc::clone(store), (info, parent.cloned()), knowing, live.clone()).unwrap()
}

/// A gateway that calls a manager, or another gateway.
pub(super) struct Below {
    node: NodeId,
    pub(super) child: ChildLoop,
    pub(super) client: ParentClient,
    session: Session,
    pub(super) access: Arc<Access>,
    pub(super) tree: Arc<Tree>,
}

impl Below {
    pub(super) async fn on(store: Arc<dyn Store>, name: &str, root: &Root) -> Self {
        Self::calling(store, name, root.address).await
    }

    pub(super) async fn calling(store: Arc<dyn Store>, name: &str, above: SocketAddr) -> Self {
        let (node, parent): (NodeId, NodeId) = (name.parse().unwrap(), "parent".parse().unwrap());
        let (live, bells) = (Live::at(&*store), Doorbells::at(&*store));
        let catalogue = catalogue(&store).await;
        let credentials = Arc::new(Credentials::prepare(&BTreeMap::new(), BTreeMap::new()).unwrap());
        let links = (SnmpLinks::open(Arc::clone(&credentials)).await.unwrap(), HttpLinks::open(credentials).unwrap());
        let plugins = (runtime(), Arc::clone(&catalogue));
        let caller = Caller::new(Arc::clone(&store), plugins, links, Vec::new(), Some(parent.clone()), BTreeMap::new());
        let adopter = Adopter::start(Arc::clone(&store), caller.clone(), node.clone(), Some(parent.clone())).unwrap();
        let own = (node.clone(), Some(parent.clone()));
        let seldom = Duration::from_secs(3_600);
        let searching = (Arc::clone(&store), Arc::clone(&caller));
        let bounds = Bounds { configured: seldom, shortest: seldom, longest: seldom };
        let pace = crate::gateway::Pace::open(&*store, bounds, bounds).unwrap();
        let discovery = Discovery::new(searching, own.clone(), Vec::new(), Vec::new(), Arc::clone(&pace));
        let reader = Reader::new(Arc::clone(&store), caller, node.clone(), pace);
        let presence = Arc::new(Presence::default());
        let plugins = Arc::clone(&catalogue);
        let inventory = Inventory::open(
            Arc::clone(&store),
            live.clone(),
            node.clone(),
            plugins,
            Arc::clone(&presence),
            Duty::TellParent,
        );
        let inventory = inventory.unwrap();
        let access = Access::new(Arc::clone(&store), [parent.clone(), node.clone()]);
        access.tell(parent.clone());
        let requests = requests(&store, (name, Some(&parent)), (&inventory, &presence), &live);
        let services = (Arc::clone(&access), Arc::clone(&inventory), Arc::clone(&catalogue), Arc::clone(&requests));
        let rings = Arc::clone(&bells);
        let tree = Tree::new(Arc::clone(&store), own.clone(), services, presence, rings, live, None);
        let gateway = Gateway::new(Arc::clone(&store), own, adopter, discovery, reader, Arc::clone(&inventory));
        let child = ChildLoop { store, parent, gateway, inventory, requests, catalogue, bells };
        let (client, session) = (client(above, name), Session::default());
        Self { node, child, client, session, access, tree }
    }

    /// Calls another one from now on.
    pub(super) fn turn_to(&mut self, root: &Root, token: &str) {
        self.client = client(root.address, token);
    }

    pub(super) async fn exchange(&mut self) -> Result<(), ExchangeError> {
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, self.child.exchange(&self.client, &mut self.session))
            .await
            .expect("nobody has to wait here")
    }

    /// Speaks until something is so.
    pub(super) async fn until(&mut self, what: &str, reached: impl Fn() -> bool) {
        for _ in 0..50 {
            if reached() {
                return;
            }
            self.exchange().await.unwrap();
        }
        panic!("{what}: it didn't come to that");
    }

    /// A device of this gateway's, announced like after an adoption.
    pub(super) async fn adopt(&self, device: &str) {
        let value = Device {
            id: id(device),
            gateway: self.node.clone(),
            plugin: "mfp".parse().unwrap(),
            identity: Identity::default(),
            reach: Reach { address: [192, 0, 2, 1].into(), snmp: None, http: None },
            certificate: None,
            adopted_at: Timestamp(1),
            commands: Vec::new(),
        };
        let put = Change::Device { id: id(device), expect: Expect::Absent, value: Some(Box::new(value.clone())) };
        let changes = Changes::from(put).and(self.send(Method::DeviceAdopted(Box::new(value))));
        self.child.store.commit(changes).await.unwrap();
    }

    fn send(&self, method: Method) -> Change {
        Change::send(&self.child.parent, method)
    }

    pub(super) async fn tell(&self, text: &str) {
        self.child.store.commit(self.send(Method::EventHappened(event(text))).into()).await.unwrap();
    }

    fn waiting(&self) -> u64 {
        self.child.store.waiting(&self.child.parent).unwrap()
    }
}

#[tokio::test]
async fn e09_a_manager_that_lost_its_store_learns_every_device_again() {
    let root = Root::on(in_memory()).await;
    let mut gateway = Below::on(in_memory(), "gateway-1", &root).await;
    for device in ["x", "y"] {
        gateway.adopt(device).await;
        gateway.child.inventory.take_snapshot(&id(device), reading("ready"));
    }
    gateway.until("the first manager knows", || root.shows("x").is_some() && root.shows("y").is_some()).await;
    let anew = Root::on(in_memory()).await;
    gateway.turn_to(&anew, "gateway-1");
    gateway.until("the new one knows", || anew.shows("x").is_some() && anew.shows("y").is_some()).await;
    assert_eq!(anew.owner("x").as_deref(), Some("gateway-1"));
}

#[tokio::test]
async fn e09_a_device_that_moved_is_known_when_its_former_gateway_lets_it_go() {
    let root = Root::on(in_memory()).await;
    let mut former = Below::on(in_memory(), "gateway-1", &root).await;
    let mut later = Below::on(in_memory(), "gateway-2", &root).await;
    former.adopt("x").await;
    former.until("it is known", || root.owner("x").is_some()).await;
    later.adopt("x").await;
    later.exchange().await.unwrap();
    later.exchange().await.unwrap();
    assert_eq!(later.waiting(), 0, "its announcement was refused");
    assert_eq!(root.owner("x").as_deref(), Some("gateway-1"));
    root.order("gateway-1", Method::Release(id("x"))).await;
    former.until("it is let go", || root.owner("x").is_none()).await;
    later.child.inventory.take_snapshot(&id("x"), reading("ready"));
    later.until("its new gateway is known", || root.shows("x").is_some()).await;
    assert_eq!(root.owner("x").as_deref(), Some("gateway-2"));
}

#[tokio::test]
async fn e09_a_gateway_put_back_to_yesterday_swallows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, yesterday) = (folder.path().join("store"), folder.path().join("yesterday"));
    let root = Root::on(in_memory()).await;
    let mut gateway = Below::on(in_file(&path), "gateway-1", &root).await;
    gateway.tell("one").await;
    gateway.until("it is heard", || root.heard("one") == 1).await;
    drop(gateway);
    std::fs::copy(&path, &yesterday).unwrap();
    let mut gateway = Below::on(in_file(&path), "gateway-1", &root).await;
    gateway.tell("two").await;
    gateway.tell("three").await;
    gateway.until("they are heard", || root.heard("three") == 1).await;
    drop(gateway);
    std::fs::copy(&yesterday, &path).unwrap();
    // It was away once more before it calls: what came to wait then wasn't given to anybody either.
    Below::on(in_file(&path), "gateway-1", &root).await.tell("other two").await;
    let mut gateway = Below::on(in_file(&path), "gateway-1", &root).await;
    gateway.tell("other three").await;
    gateway.tell("four").await;
    gateway.until("the last is heard", || root.heard("four") == 1).await;
    for text in ["one", "two", "three", "other two", "other three", "four"] {
        assert_eq!(root.heard(text), 1, "{text}");
    }
}

#[tokio::test]
async fn e09_a_manager_put_back_to_yesterday_loses_no_order() {
    let folder = tempfile::tempdir().unwrap();
    let (path, yesterday) = (folder.path().join("store"), folder.path().join("yesterday"));
    let root = Root::on(in_file(&path)).await;
    let mut gateway = Below::on(in_memory(), "gateway-1", &root).await;
    for device in ["x", "y"] {
        gateway.adopt(device).await;
    }
    gateway.until("they are known", || root.owner("y").is_some()).await;
    root.stop().await;
    std::fs::copy(&path, &yesterday).unwrap();
    let root = Root::on(in_file(&path)).await;
    gateway.turn_to(&root, "gateway-1");
    root.order("gateway-1", Method::Release(id("x"))).await;
    gateway.until("it is released", || root.owner("x").is_none()).await;
    root.stop().await;
    std::fs::copy(&yesterday, &path).unwrap();
    let root = Root::on(in_file(&path)).await;
    gateway.turn_to(&root, "gateway-1");
    root.order("gateway-1", Method::Release(id("y"))).await;
    gateway.until("the other is released", || root.owner("y").is_none()).await;
    assert!(gateway.child.store.devices().unwrap().is_empty());
    let waiting = || root.store.waiting(&"gateway-1".parse().unwrap()).unwrap();
    gateway.tell("so that nobody waits").await;
    gateway.until("the order is acknowledged", || waiting() == 0).await;
}

#[tokio::test]
async fn p03_much_that_is_large_goes_in_several_exchanges() {
    let root = Root::on(in_memory()).await;
    let mut gateway = Below::on(in_memory(), "gateway-1", &root).await;
    let devices: Vec<String> = (0..24).map(|number| format!("device-{number}")).collect();
    let large = "x".repeat(900 << 10);
    for device in &devices {
        gateway.adopt(device).await;
        gateway.child.inventory.take_snapshot(&id(device), reading(&large));
    }
    gateway.until("all are known", || devices.iter().all(|device| root.shows(device).is_some())).await;
}

#[tokio::test]
async fn d03_a_gateway_that_ends_is_away_within_seconds_and_its_devices_say_so() {
    let root = Root::on(in_memory()).await;
    let telling = tokio::spawn(Arc::clone(&root.tree).tell_who_is_here());
    let admin = Viewer { user: "admin".parse().unwrap(), right: Right::Administer };
    let shown =
        || root.inventory.nodes(&admin).unwrap().into_iter().find(|node| node.id.as_str() == "gateway-1").unwrap();
    assert!(!shown().called && !shown().connected);
    let mut gateway = Below::on(in_memory(), "gateway-1", &root).await;
    gateway.adopt("x").await;
    gateway.until("it is known", || root.owner("x").is_some()).await;
    assert!(shown().called && shown().connected);
    assert_eq!(root.inventory.device(&admin, &id("x")).unwrap().away, None);
    let mut news = root.live.subscribe();
    // It waits for news, as one does that has nothing to say, and ends meanwhile.
    let mut said = async || {
        let exchange = gateway.child.exchange(&gateway.client, &mut gateway.session);
        tokio::time::timeout(Duration::from_secs(1), exchange).await
    };
    while let Ok(done) = said().await {
        done.unwrap();
    }
    let gone = async {
        loop {
            let told = matches!(news.recv().await, Ok(LiveEvent::Device { .. }));
            if told && !shown().connected {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("nobody learnt that it went");
    let away = root.inventory.device(&admin, &id("x")).unwrap().away.unwrap();
    assert!(away.since.is_some());
    let ordered = root.inventory.read_now(&admin, &id("x")).await.unwrap();
    assert_eq!(ordered.away, Some(away), "it is done when it returns");
    root.access.remove_child(&admin, &"gateway-1".parse().unwrap()).await.unwrap();
    root.access.add_child(&admin, "gateway-1".parse().unwrap(), Former::Stays).await.unwrap();
    assert!(!shown().called && shown().last_seen.is_none(), "nobody of that name called");
    telling.abort();
}

#[tokio::test]
async fn d03_only_who_recognises_a_candidate_adopts_it_unless_somebody_insists() {
    let root = Root::on(in_memory()).await;
    let admin = Viewer { user: "admin".parse().unwrap(), right: Right::Administer };
    let (gateway, plugin): (NodeId, PluginName) = ("gateway-1".parse().unwrap(), "mfp".parse().unwrap());
    let address = [192, 0, 2, 7].into();
    let reach = Reach { address, snmp: None, http: None };
    let value = Candidate { reach, claims: Vec::new(), seen_at: Timestamp(1) };
    let seen = Change::Candidate { gateway: gateway.clone(), address, value: Some(Box::new(value)) };
    let release = Release { version: "1.0.0".parse().unwrap(), digest: "00".to_owned(), installed_at: Timestamp(1) };
    let record = PluginRecord::new(plugin.clone(), hostler_core::plugin::Kind::Device, release, Grant::default());
    let installed = Change::Plugin { name: plugin.clone(), expect: Expect::Absent, value: Some(Box::new(record)) };
    root.store.commit(Changes::from(seen).and(installed)).await.unwrap();
    let adopt = async |gateway: &str, plugin: &str, choice| {
        let (gateway, plugin) = (gateway.parse().unwrap(), plugin.parse().unwrap());
        root.inventory.adopt(&admin, &gateway, address, &plugin, choice).await.map_err(|error| error.to_string())
    };
    let why = adopt("gateway-9", "mfp", Choice::Recognised).await.unwrap_err();
    assert!(why.contains("no gateway gateway-9"), "{why}");
    let why = adopt("gateway-1", "mpf", Choice::Recognised).await.unwrap_err();
    assert!(why.contains("no plug-in mpf"), "{why}");
    let why = adopt("gateway-1", "mfp", Choice::Recognised).await.unwrap_err();
    assert!(why.contains("mfp does not recognise"), "{why}");
    assert_eq!(root.store.waiting(&gateway).unwrap(), 0);
    let ordered = adopt("gateway-1", "mfp", Choice::Anyway).await.unwrap();
    assert!(ordered.away.is_some() && root.store.waiting(&gateway).unwrap() == 1);
}

#[tokio::test]
async fn e08_a_corrected_token_is_taken_up_without_a_restart() {
    let root = Root::on(in_memory()).await;
    let mut gateway = Below::on(in_memory(), "gateway-1", &root).await;
    let file = tempfile::tempdir().unwrap().keep().join("parent.token");
    std::fs::write(&file, "wrong").unwrap();
    let url = format!("http://{}", root.address).parse().unwrap();
    gateway.client = ParentClient::new(url, file.clone(), None).unwrap();
    for _ in 0..2 {
        let refusal = gateway.exchange().await.unwrap_err();
        assert!(matches!(refusal, ExchangeError::Parent(CallParentError::Unknown(_))), "{refusal}");
    }
    std::fs::write(&file, "gateway-1\n").unwrap();
    gateway.exchange().await.unwrap();
}

#[tokio::test]
async fn e08_a_node_that_was_removed_is_refused_and_leaves_nothing_behind() {
    let root = Root::on(in_memory()).await;
    let mut gateway = Below::on(in_memory(), "gateway-1", &root).await;
    gateway.adopt("x").await;
    gateway.child.inventory.take_snapshot(&id("x"), reading("ready"));
    gateway.until("it is known", || root.shows("x").is_some()).await;
    let name: NodeId = "gateway-1".parse().unwrap();
    root.order("gateway-1", Method::DiscoverNow).await;
    let admin = Viewer { user: "admin".parse().unwrap(), right: Right::Administer };
    root.access.remove_child(&admin, &name).await.unwrap();
    assert!(root.owner("x").is_none() && root.shows("x").is_none());
    assert_eq!(root.store.waiting(&name).unwrap(), 0);
    assert!(root.inventory.discover_now(&admin, Some(&name)).await.is_err(), "nothing more comes to wait");
    gateway.tell("unheard").await;
    let refusal = gateway.exchange().await.unwrap_err();
    assert!(matches!(refusal, ExchangeError::Parent(CallParentError::Unknown(_))), "{refusal}");
    // A call that had come in before brings nothing back.
    let messages = vec![Envelope::of(99, Method::DiscoverNow)];
    let late = ExchangeUp { epoch: Epoch(1), messages, ..ExchangeUp::default() };
    assert_eq!(Arc::clone(&root.tree).exchange(name.clone(), late).await, Err(Refused::Unknown));
    assert!(root.store.received(&name).unwrap().seqs.is_empty());
    let token = root.access.add_child(&admin, name, Former::Stays).await.unwrap();
    gateway.turn_to(&root, token.expose());
    gateway.until("it comes again with what it has", || root.shows("x").is_some()).await;
    assert_eq!(root.heard("unheard"), 1);
}

/// A parent that holds calls only for a moment, and counts those that it answered with nothing.
struct Hurried {
    tree: Arc<Tree>,
    empty: AtomicUsize,
}

impl Parent for Hurried {
    fn child(&self, token: &str) -> Option<NodeId> {
        self.tree.child(token)
    }

    fn exchange(
        self: Arc<Self>,
        child: NodeId,
        up: ExchangeUp,
    ) -> Pin<Box<dyn Future<Output = Result<ExchangeDown, Refused>> + Send>> {
        Box::pin(async move {
            let nothing_up = up.messages.is_empty() && up.snapshots.is_empty();
            let up = ExchangeUp { wait_ms: up.wait_ms.min(20), ..up };
            let down = Arc::clone(&self.tree).exchange(child, up).await?;
            if nothing_up && down.messages.is_empty() {
                self.empty.fetch_add(1, Ordering::Relaxed);
            }
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

#[tokio::test]
async fn d03_an_exchange_that_carries_nothing_writes_nothing_above_nor_below() {
    let folder = tempfile::tempdir().unwrap();
    let (above, below) = (folder.path().join("above"), folder.path().join("below"));
    let root = Root::on(in_file(&above)).await;
    let hurried = Arc::new(Hurried { tree: Arc::clone(&root.tree), empty: AtomicUsize::new(0) });
    let mut gateway = Below::on(in_file(&below), "gateway-1", &root).await;
    gateway.client = client(serve(Arc::clone(&hurried)).await, "gateway-1");
    gateway.adopt("x").await;
    gateway.child.inventory.take_snapshot(&id("x"), reading("ready"));
    root.order("gateway-1", Method::ReadNow(id("x"))).await;
    gateway.until("it is known", || root.shows("x").is_some()).await;
    let waiting = || root.store.waiting(&"gateway-1".parse().unwrap()).unwrap();
    gateway.until("the order is acknowledged", || waiting() == 0).await;
    let empty = || hurried.empty.load(Ordering::Relaxed);
    let settled = empty() + 2;
    gateway.until("what was said is acknowledged on both sides", || empty() >= settled).await;
    assert_eq!(gateway.waiting(), 0);

    // Everything that a store ever wrote changes its file: each write has a number there.
    let files = || [&above, &below].map(|path| std::fs::read(path).unwrap());
    let (before, asked) = (files(), empty());
    gateway.until("twenty exchanges carried nothing", || empty() >= asked + 20).await;
    assert!(files() == before, "something was written");
    gateway.tell("something").await;
    gateway.until("it is heard", || root.heard("something") == 1).await;
    let after = files();
    assert!(after.iter().zip(&before).all(|(after, before)| after != before), "writes can't be seen by the files");
}
