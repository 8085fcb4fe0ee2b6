//! A running node.

use crate::config::{Config, ConfigError, CredentialsConfig, NetworkConfig, Role};
use crate::local::LocalToken;
use crate::nodes::{self, Host, NodesBound};
use crate::own;
use crate::registrar;
use crate::serve::{self, Server};
use crate::{LOCAL_ADDRESS, LOCAL_TOKEN};
use hostler_core::changes::{Change, Changes};
use hostler_core::device::HttpReach;
use hostler_core::event::Event;
use hostler_core::message::Method;
use hostler_core::reading::Severity;
use hostler_core::{NodeId, Secret, UserName};
use hostler_engine::{Adopter, Doorbells, now};
use hostler_links::{Credentials, HttpLinks, SnmpLinks};
use hostler_runtime::{Compiler, Runtime, RuntimeError};
use hostler_services::authority::Names;
use hostler_services::backup::{self, AUTHORITY, Backups};
use hostler_services::gateway::{Caller, Discovery, Keyring, Network, Pace, Reader, Rule};
use hostler_services::membership::{AgentError, MembershipError};
use hostler_services::tree::{ChildLoop, Presence, Tree};
use hostler_services::trust::{ManagersTrust, Trust};
use hostler_services::{
    Access, Authority, Catalogue, Duty, EngineControl, Enrollment, EnrollmentError, Forwards, Gateway, Inventory, Live,
    Member, NodeInfo, NodeLog, Panels, Requests, Schedules, SelfRegistration, ServiceError, Services,
};
use hostler_store::{RedbStore, Store, StoreError};
use hostler_transport::{CallParentError, Uplink};
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The parent's name in a child's outbox: a child has one.
const PARENT: &str = "parent";

/// A node can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its data folder.
    #[error("the data folder {} can't be used: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its plug-in host.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// One of its services.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// What lets devices in.
    #[error(transparent)]
    Enrollment(#[from] EnrollmentError),
    /// The way to its parent.
    #[error(transparent)]
    Parent(#[from] CallParentError),
    /// How it speaks to devices.
    #[error("{0}")]
    Links(String),
    /// Where it listens.
    #[error("{0} can't be listened on: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// Its certificate.
    #[error("the certificate can't be used: {0}")]
    Certificate(String),
    /// Its own membership in its manager's fleet.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// Its own agent.
    #[error(transparent)]
    Agent(#[from] AgentError),
}

/// A running node. It stops when it is dropped; [`Node::stop`] stops it in order.
pub struct Node {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it offers.
    pub services: Arc<Services>,
    /// The first user of a new node and the password that was made.
    pub first_login: Option<(UserName, Secret)>,
    url: String,
    inventory: Arc<Inventory>,
    servers: Vec<Server>,
    tasks: Vec<JoinHandle<()>>,
    /// Where nodes that came in call, where a device's own page is, and where a registrar's users find it.
    beside: Vec<(&'static str, String)>,
}

impl Node {
    /// Starts what the configuration says. `compiler` turns plug-ins into machine code.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub async fn start(config: Config, compiler: Compiler) -> Result<Self, StartError> {
        Self::start_logging(config, compiler, NodeLog::none()).await
    }

    /// The same where the program's log is this node's own.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub async fn start_logging(config: Config, compiler: Compiler, log: Arc<NodeLog>) -> Result<Self, StartError> {
        let data = config.node.data.clone();
        private_folder(&data)?;
        let store: Arc<dyn Store> = Arc::new(RedbStore::open(&data.join(backup::STORE))?);
        let parent: Option<NodeId> = PARENT.parse().ok();
        backup::reconcile(&*store, &config.node.id, parent.as_ref().filter(|_| config.parent.is_some())).await?;
        let runtime = Runtime::start(data.join("compiled"), compiler)?;
        let live = Live::at(&*store);
        let bells = Doorbells::at(&*store);
        let presence = Arc::new(Presence::default());
        let above = parent.clone().filter(|_| config.parent.is_some());
        let taken = parent.into_iter().chain([config.node.id.clone()]);
        let settings = config.enrollment();
        let open_to = if config.has(Role::Manager) { settings.open_to() } else { SelfRegistration::Off };
        let access = Access::open_to(Arc::clone(&store), taken, open_to);
        above.iter().for_each(|parent| access.tell(parent.clone()));
        let rules = config.forwards().map_err(StartError::Certificate)?;
        let catalogue = Catalogue::open(Arc::clone(&store), Arc::clone(&runtime), data.join(backup::PLUGINS)).await?;
        let inventory = Inventory::open(
            Arc::clone(&store),
            live.clone(),
            config.node.id.clone(),
            Arc::clone(&catalogue),
            Arc::clone(&presence),
            duty(&config),
        )?;
        // What can fail comes before the first user: a password that was made and not shown is lost.
        let bound = serve::bind(&config.listen).await?;
        let (address, url) = (bound.address, bound.url());
        let enrollment = match config.has(Role::Manager) {
            true => Some(enrollment(&config, &store, &access)?),
            false => None,
        };
        let mut nodes = None;
        let settings = config.enrollment();
        if let (Some(enrollment), Some(listen)) = (&enrollment, &settings.listen) {
            let host = Host::Manager(Arc::clone(enrollment), settings.names());
            nodes = Some(nodes::bind(*listen.get_ref(), host).await?);
        }
        let member = own::member(&config, &store).await?;
        if let (Some(member), Some(listen)) = (&member, &config.gateway.listen) {
            let name = config.gateway.name.clone().unwrap_or_else(|| listen.get_ref().ip().to_string());
            nodes = Some(nodes::bind(*listen.get_ref(), Host::Gateway(Arc::clone(member), name)).await?);
        }
        let page = config.device.as_ref().and_then(|device| device.page.as_ref());
        let page = page.map(|page| serve::bind_to(*page.get_ref())).transpose()?;
        let users = registrar::bind(&config).await?;
        let info = NodeInfo {
            id: config.node.id.clone(),
            manager: config.has(Role::Manager),
            gateway: config.has(Role::Gateway),
            version: env!("CARGO_PKG_VERSION"),
            started_at: now(),
        };
        let knowing = (Arc::clone(&inventory), Arc::clone(&presence));
        let requests = Requests::open(Arc::clone(&store), (info.clone(), above.clone()), knowing, live.clone())?;
        let trust = match (&enrollment, &member) {
            (Some(enrollment), _) => {
                Some(Trust::Manager(ManagersTrust::open(enrollment).map_err(EnrollmentError::from)?))
            }
            (None, Some(member)) => Some(Trust::Member(member.trust(&data)?)),
            (None, None) => None,
        };
        if let Some(trust) = trust {
            inventory.sign_by(trust.clone());
            requests.sign_by(trust);
        }
        // Everything is bound: one that can't start tells nobody each second that it did.
        say_started(&*store, &config.node.id, above.as_ref()).await?;
        let mut node = Building { config: &config, store: &store, runtime: &runtime, tasks: Vec::new() };
        if config.has(Role::Gateway) || config.has(Role::Registrar) || member.is_some() {
            let gateway = node.gateway(&catalogue, &inventory).await?;
            node.call_parent(member.as_ref(), (&gateway, &inventory, &catalogue), (&requests, &bells))?;
        }
        let mut tasks = node.tasks;
        requests.answer_for_log(Arc::clone(&log));
        tasks.push(tokio::spawn(log.tend_forever()));
        if let Some(engine) = config.device.as_ref().and_then(|device| device.engine.clone()) {
            let engine = EngineControl::new(engine.power, engine.ready, engine.off_after.get_ref().0);
            requests.control(Arc::clone(&engine));
            tasks.push(tokio::spawn(engine.tend_forever()));
        }
        tasks.push(tokio::spawn(Arc::clone(&requests).tend_forever()));
        if let (Some(member), Some(device)) = (&member, &config.device) {
            tasks.extend(own::tend(member, device, &data).await?);
        }
        if let Some(enrollment) = &enrollment {
            enrollment.tell(&live);
            tasks.push(tokio::spawn(Arc::clone(enrollment).tend_forever()));
        }
        let schedules =
            Schedules::open(Arc::clone(&store), (Arc::clone(&inventory), Arc::clone(&requests)), above.clone());
        tasks.push(tokio::spawn(Arc::clone(&schedules).run_forever()));
        let keeping = Arc::clone(&inventory);
        tasks.push(tokio::spawn(async move { keeping.keep_forever().await }));
        private_file(&data.join(LOCAL_ADDRESS), &url)?;
        let admin: UserName = "admin".parse().map_err(|_| StartError::Links("admin is a user ID".to_owned()))?;
        let first_login = access.first_user(admin.clone()).await?.map(|password| (admin, password));
        let local = LocalToken::make(Arc::clone(&access), data.join(LOCAL_TOKEN)).await?;
        tasks.push(tokio::spawn(local.renew_forever()));
        let knowing = (Arc::clone(&access), Arc::clone(&inventory), Arc::clone(&catalogue), Arc::clone(&requests));
        let forwards = Forwards::open(Arc::clone(&store), config.node.id.clone(), above.clone(), rules).await?;
        tasks.push(tokio::spawn(Arc::clone(&forwards).run()));
        let place = (config.node.id.clone(), above);
        let tree = Tree::new(Arc::clone(&store), place, knowing, presence, bells, live.clone(), enrollment.clone());
        tasks.push(tokio::spawn(Arc::clone(&tree).tell_who_is_here()));
        let join = nodes.as_ref().map(NodesBound::join_here);
        let within = config.device.as_ref().map_or(Panels::WITHIN, |device| device.call_within.get_ref().0);
        let panels = Panels::new(Arc::clone(&requests), Arc::clone(&inventory), info.clone(), within);
        let panels = Arc::new(panels);
        let mut servers = Vec::new();
        let mut beside = Vec::new();
        if let (Some(page), Some(member)) = (page, &member) {
            beside.push(("this device's own page is", format!("http://{}", page.0)));
            servers.push(serve::serve_plain(
                page,
                hostler_web::own::router(Arc::clone(member), Some(Arc::clone(&panels))),
            )?);
        }
        if let Some(users) = users {
            beside.push(("users register at", users.url()));
            let (server, following) = registrar::serve(users, &config, member.as_ref())?;
            servers.push(server);
            tasks.extend(following);
        }
        let services = Services {
            access,
            inventory: Arc::clone(&inventory),
            panels,
            requests,
            catalogue,
            schedules,
            join,
            enrollment,
            member,
            backups: Backups::new(Arc::clone(&store), data, config.node.id.clone()),
            forwards,
            live,
            node: info,
        };
        let services = Arc::new(services);
        // Registrars are the manager's; any node may have others below it.
        let desk = config.has(Role::Manager).then(|| registrar::desk(&services, &settings));
        if let Some(nodes) = nodes {
            beside.push(("nodes join and call at", nodes.url()));
            let uplink = Arc::new(Uplink::default());
            let registrars = match &desk {
                Some(desk) => hostler_transport::desk(Arc::clone(&tree), Arc::clone(desk)),
                None => hostler_transport::passing(Arc::clone(&tree), Arc::clone(&uplink)),
            };
            if let (None, Some(member)) = (&desk, &services.member) {
                tree.hand_on(Arc::clone(&uplink));
                tasks.push(tokio::spawn(registrar::follow(Arc::clone(member), move |way| uplink.lead(way))));
            }
            servers.push(nodes.serve(hostler_transport::router(Arc::clone(&tree)).merge(registrars))?);
        }
        servers.push(bound.serve(Arc::clone(&services), tree, desk)?);
        tracing::info!(node = %config.node.id, %address, "ready");
        Ok(Self { address, services, first_login, url, inventory, servers, tasks, beside })
    }

    /// What else it listens for, each with where, for whoever started it.
    #[must_use]
    pub fn beside(&self) -> &[(&'static str, String)] {
        &self.beside
    }

    /// Where a browser finds it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Stops in order: no new calls, what was gathered is written.
    pub async fn stop(self) {
        futures::future::join_all(self.servers.iter().map(Server::stop)).await;
        for task in &self.tasks {
            task.abort();
        }
        if let Err(error) = self.inventory.keep_now().await {
            tracing::error!(%error, "the last readings could not be kept");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What lets devices in: the certificate authority, and what users registered.
fn enrollment(config: &Config, store: &Arc<dyn Store>, access: &Arc<Access>) -> Result<Arc<Enrollment>, StartError> {
    let (node, data) = (config.node.id.clone(), config.node.data.as_path());
    let settings = config.enrollment();
    let organisation = settings.organisation.as_ref().map(|name| name.get_ref().clone());
    let names = Names { manager: node.clone(), organisation };
    let authority = Authority::open(&data.join(AUTHORITY), &names, now()).map_err(EnrollmentError::from)?;
    let (store, access) = (Arc::clone(store), Arc::clone(access));
    Ok(Enrollment::open(store, access, Arc::new(authority), (node, data), settings.rules())?)
}

/// A start is told here and above: who looks at the events sees a node that starts again and again.
async fn say_started(store: &dyn Store, node: &NodeId, above: Option<&NodeId>) -> Result<(), StoreError> {
    let (at, name, severity) = (now(), "node.started".to_owned(), Severity::Info);
    let text = format!("node {node} was started (hostler {})", env!("CARGO_PKG_VERSION"));
    let event = Event { at, node: None, device: None, name, severity, text };
    let changes = Changes::from(Change::Happened(event.clone()));
    store.commit(changes.telling(above, Method::EventHappened(event))).await
}

fn duty(config: &Config) -> Duty {
    match (&config.parent, config.has(Role::Manager)) {
        (Some(_), _) => Duty::TellParent,
        (None, true) => Duty::KeepHistory,
        (None, false) => Duty::Nothing,
    }
}

struct Building<'a> {
    config: &'a Config,
    store: &'a Arc<dyn Store>,
    runtime: &'a Arc<Runtime>,
    tasks: Vec<JoinHandle<()>>,
}

impl Building<'_> {
    async fn gateway(
        &mut self,
        catalogue: &Arc<Catalogue>,
        inventory: &Arc<Inventory>,
    ) -> Result<Arc<Gateway>, StartError> {
        let config = &self.config.gateway;
        let broken = |error: &dyn std::fmt::Display| StartError::Links(error.to_string());
        let CredentialsConfig { snmp, http } = self.config.credentials.clone();
        let snmp = snmp.into_iter().map(|(name, credential)| (name, credential.into_inner())).collect();
        let credentials = Credentials::prepare(&snmp, http);
        let credentials = Arc::new(credentials.map_err(|error| broken(&error))?);
        let keyring =
            Keyring::open(&self.config.node.data, Arc::clone(&credentials)).map_err(|error| broken(&error))?;
        let snmp = SnmpLinks::open(Arc::clone(&credentials)).await.map_err(|error| broken(&error))?;
        let http = HttpLinks::open(credentials).map_err(|error| broken(&error))?;
        let networks = config.network.iter().map(|network| (ranges(network), network.in_flight.get())).collect();
        let (node, parent) = (self.config.node.id.clone(), self.parent()?);
        let caller = Caller::new(
            Arc::clone(self.store),
            (Arc::clone(self.runtime), Arc::clone(catalogue)),
            (snmp, http),
            networks,
            parent.clone(),
            config.settings.clone(),
        );
        caller.report_doubts().await?;
        let adopter = Adopter::start(Arc::clone(self.store), caller.clone(), node.clone(), parent.clone())?;
        let pace = Pace::open(&**self.store, self.config.read_bounds(), self.config.discover_bounds())?;
        let discovery = Discovery::new(
            (Arc::clone(self.store), Arc::clone(&caller)),
            (node.clone(), parent.clone()),
            self.networks(),
            self.rules(),
            Arc::clone(&pace),
        );
        let reader = Reader::new(Arc::clone(self.store), caller, node.clone(), pace);
        let gateway =
            Gateway::new(Arc::clone(self.store), (node, parent), adopter, discovery, reader, Arc::clone(inventory));
        gateway.keep_with(keyring);
        inventory.serve_with(Arc::clone(&gateway));
        self.tasks.push(tokio::spawn(Arc::clone(&gateway).run()));
        Ok(gateway)
    }

    fn parent(&self) -> Result<Option<NodeId>, StartError> {
        let name = || PARENT.parse().map_err(|error: hostler_core::BadId| StartError::Links(error.to_string()));
        self.config.parent.as_ref().map(|_| name()).transpose()
    }

    fn networks(&self) -> Vec<Network> {
        let networks = self.config.gateway.network.iter();
        networks
            .map(|network| Network {
                name: network.name.get_ref().clone(),
                ranges: ranges(network),
                snmp_port: network.snmp_port.get(),
                credentials: network.credentials.get_ref().iter().map(|name| name.get_ref().clone()).collect(),
                http: network.http.as_ref().map(|http| HttpReach { tls: http.tls, port: http.port.get() }),
                mdns: network.mdns,
            })
            .collect()
    }

    fn rules(&self) -> Vec<Rule> {
        let rules = self.config.gateway.adopt.iter();
        rules
            .map(|rule| Rule {
                plugin: rule.plugin.clone(),
                network: rule.network.as_ref().map(|network| network.get_ref().clone()),
            })
            .collect()
    }

    /// Calls the parent: as the member that this node is, or may become; else by the token in a file.
    fn call_parent(
        &mut self,
        member: Option<&Arc<Member>>,
        (gateway, inventory, catalogue): (&Arc<Gateway>, &Arc<Inventory>, &Arc<Catalogue>),
        (requests, bells): (&Arc<Requests>, &Arc<Doorbells>),
    ) -> Result<(), StartError> {
        let Some(parent) = self.parent()? else { return Ok(()) };
        let calling = ChildLoop {
            store: Arc::clone(self.store),
            parent,
            gateway: Arc::clone(gateway),
            inventory: Arc::clone(inventory),
            catalogue: Arc::clone(catalogue),
            requests: Arc::clone(requests),
            bells: Arc::clone(bells),
        };
        if let Some(member) = member.cloned() {
            self.tasks.push(tokio::spawn(async move { member.call_forever(calling).await }));
        } else if let Some(client) = registrar::by_token(self.config)? {
            self.tasks.push(tokio::spawn(async move { drop(calling.run(&client, &Notify::new()).await) }));
        }
        Ok(())
    }
}

fn ranges(network: &NetworkConfig) -> Vec<IpNet> {
    network.ranges.get_ref().iter().map(|range| *range.get_ref()).collect()
}

/// A folder that only its owner may enter.
fn private_folder(path: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::PermissionsExt;
    let broken = |source| StartError::Folder { path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(broken)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(broken)
}

/// A file that only its owner may read, replaced as a whole.
pub(crate) fn private_file(path: &Path, text: &str) -> Result<(), StartError> {
    use std::io::Write;
    let broken = |source| StartError::Folder { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(broken)?;
    file.write_all(text.as_bytes()).map_err(broken)?;
    file.persist(path).map_err(|error| broken(error.error))?;
    Ok(())
}
