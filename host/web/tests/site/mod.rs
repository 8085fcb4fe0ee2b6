//! A node's pages, served to a client that is as plain as can be: it does only what a test says.

use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Device, Placement, Reach};
use hostler_core::reading::{Identity, Report, Snapshot, Status};
use hostler_core::viewer::Right;
use hostler_core::{Secret, Timestamp};
use hostler_runtime::{Compiler, Runtime};
use hostler_services::authority::Names;
use hostler_services::backup::Backups;
use hostler_services::tree::Presence;
use hostler_services::{
    Access, Authority, Catalogue, Duty, Enrollment, Inventory, Live, NewToken, NewUser, NodeInfo, Panels, Person,
    Requests, Rules, Schedules, SelfRegistration, Services,
};
use hostler_store::{Kept, RedbStore, Store};
use hostler_web::{Offer, Options, Scheme};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A site that is up.
pub struct Site {
    pub services: Arc<Services>,
    address: SocketAddr,
    admin: Person,
    pub password: Secret,
    _folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

#[allow(dead_code, reason = "each file of tests uses some of it")]
impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The cookie that it sets, as it is sent back.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

fn enrollment(store: &Arc<dyn Store>, access: &Arc<Access>, folder: &std::path::Path) -> Arc<Enrollment> {
    let manager: hostler_core::NodeId = "manager".parse().unwrap();
    let names = Names { manager: manager.clone(), organisation: None };
    let authority = Authority::open(&folder.join("authority"), &names, hostler_services::now()).unwrap();
    let (store, access) = (Arc::clone(store), Arc::clone(access));
    Enrollment::open(store, access, Arc::new(authority), (manager, folder), Rules::default()).unwrap()
}

#[allow(dead_code, reason = "each file of tests uses some of it")]
impl Site {
    /// A manager with so many devices; the first is `admin`'s own.
    pub async fn with_devices(count: u32) -> Self {
        Self::over(Arc::new(RedbStore::in_memory().unwrap()), count).await
    }

    /// The same over a store that the test looks into.
    pub async fn over(store: Arc<dyn Store>, count: u32) -> Self {
        Self::with(store, count, SelfRegistration::Off).await
    }

    /// A manager without devices, where these may register themselves.
    pub async fn open_to(open_to: SelfRegistration) -> Self {
        Self::with(Arc::new(RedbStore::in_memory().unwrap()), 0, open_to).await
    }

    async fn with(store: Arc<dyn Store>, count: u32, open_to: SelfRegistration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        settle(&*store, count).await;
        let runtime = Runtime::start(folder.path().join("compiled"), Compiler::Here).unwrap();
        let live = Live::at(&*store);
        let access = Access::open_to(Arc::clone(&store), [], open_to);
        let catalogue = Catalogue::open(Arc::clone(&store), runtime, folder.path().join("plugins")).await.unwrap();
        let node: hostler_core::NodeId = "manager".parse().unwrap();
        let presence = Arc::new(Presence::default());
        let inventory = Inventory::open(
            Arc::clone(&store),
            live.clone(),
            node.clone(),
            Arc::clone(&catalogue),
            Arc::clone(&presence),
            Duty::KeepHistory,
        )
        .unwrap();
        let password = access.first_user("admin".parse().unwrap()).await.unwrap().unwrap();
        let admin = person(&access, "admin", &password).await;
        let node = NodeInfo { id: node, manager: true, gateway: false, version: "0.0.0", started_at: Timestamp(0) };
        let enrollment = enrollment(&store, &access, folder.path());
        enrollment.tell(&live);
        let enrollment = Some(enrollment);
        let backups = Backups::new(Arc::clone(&store), folder.path().to_owned(), node.id.clone());
        let knowing = (Arc::clone(&inventory), presence);
        let requests = Requests::open(Arc::clone(&store), (node.clone(), None), knowing, live.clone()).unwrap();
        let panels = Panels::new(Arc::clone(&requests), Arc::clone(&inventory), node.clone(), Panels::WITHIN);
        let schedules = Schedules::open(Arc::clone(&store), (Arc::clone(&inventory), Arc::clone(&requests)), None);
        let services = Arc::new(Services {
            access,
            inventory,
            panels: Arc::new(panels),
            requests,
            catalogue,
            schedules,
            enrollment,
            member: None,
            join: None,
            backups,
            forwards: hostler_services::Forwards::open(Arc::clone(&store), node.id.clone(), None, Vec::new())
                .await
                .unwrap(),
            live,
            node,
        });
        let router = hostler_web::router(Arc::clone(&services), Options { scheme: Scheme::Http, offer: Offer::Whole });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { services, address, admin, password, _folder: folder }
    }

    /// A token with this right, as a header. With [`Right::Own`] it is `ada`'s, who owns nothing.
    pub async fn token(&self, right: Right) -> String {
        let access = &self.services.access;
        let new = NewToken { label: "test".into(), right, days: 1 };
        let made = match right {
            Right::Own => access.make_token(&self.add("ada", right).await, new).await,
            _ => access.make_token(&self.admin, new).await,
        };
        let made = made.unwrap();
        format!("authorization: Bearer {}", made.token)
    }

    /// Somebody more, who has logged in.
    pub async fn add(&self, name: &str, right: Right) -> Person {
        let password = Secret::new("correct horse battery".into());
        let new = NewUser { name: name.parse().unwrap(), password: password.clone(), right };
        self.services.access.add_user(&self.admin, new).await.unwrap();
        person(&self.services.access, name, &password).await
    }

    /// Installs a plug-in, as `./just plugins` made it.
    pub async fn install(&self, name: &str) {
        let file =
            std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("plugins").join(format!("{name}.wasm"));
        let bytes = std::fs::read(&file)
            .unwrap_or_else(|error| panic!("{} can't be read ({error}); run `./just plugins`", file.display()));
        self.services.catalogue.install(self.admin.viewer(), bytes, true).await.unwrap();
    }

    /// Logs in by the form, and returns the cookie as a header.
    pub async fn cookie(&self) -> String {
        let form = format!("user=admin&password={}", self.password.expose());
        let answer = self.post("/login", &["sec-fetch-site: same-origin"], &form).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        format!("cookie: {}", answer.cookie())
    }

    pub async fn get(&self, path: &str, headers: &[&str]) -> Answer {
        self.ask("GET", path, headers, "").await
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, headers: &[&str], form: &str) -> Answer {
        let headers = [headers, &["content-type: application/x-www-form-urlencoded"]].concat();
        self.ask("POST", path, &headers, form).await
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut stream = self.open(method, path, headers, body).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Asks, and leaves the answer to be read.
    pub async fn open(&self, method: &str, path: &str, headers: &[&str], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: site\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

async fn person(access: &Access, name: &str, password: &Secret) -> Person {
    let session = access.log_in(name, password.clone(), [127, 0, 0, 1].into()).await.unwrap();
    access.person(session.expose()).unwrap()
}

/// Fills the store.
async fn settle(store: &dyn Store, count: u32) {
    for first in (0..count).step_by(1_000) {
        let numbers = first..count.min(first + 1_000);
        let changes: Changes = numbers.clone().flat_map(|n| [adopted(n), placed(n)]).collect();
        store.commit(changes).await.unwrap();
        store.keep(numbers.map(kept).collect()).await.unwrap();
    }
}

fn adopted(n: u32) -> Change {
    let identity = Identity {
        manufacturer: Some("Example".into()),
        model: Some(format!("Model {}", n % 7)),
        serial: Some(format!("SN{n:06}")),
        ..Identity::default()
    };
    let address = std::net::Ipv4Addr::from(0x0a00_0000 + n);
    let device = Device {
        id: format!("example-sn{n:06}").parse().unwrap(),
        gateway: "branch".parse().unwrap(),
        plugin: "mfp".parse().unwrap(),
        identity,
        reach: Reach { address: address.into(), snmp: None, http: None },
        certificate: None,
        adopted_at: Timestamp(1_790_000_000_000),
        commands: Vec::new(),
    };
    Change::Device { id: device.id.clone(), expect: Expect::Absent, value: Some(Box::new(device)) }
}

fn placed(n: u32) -> Change {
    let owner = (n == 0).then(|| "admin".parse().unwrap());
    let value = Placement { owner, site: Some("berlin".parse().unwrap()), tags: ["loan".to_owned()].into() };
    Change::Placement { id: format!("example-sn{n:06}").parse().unwrap(), expect: Expect::Absent, value }
}

fn kept(n: u32) -> Kept {
    let status = if n % 10 == 3 { Status::Stopped } else { Status::Ready };
    let snapshot = Snapshot::read(Timestamp(1_790_000_000_000), Report { status, ..Report::default() });
    Kept { device: format!("example-sn{n:06}").parse().unwrap(), snapshot, series: [].into() }
}
