//! The plug-ins of this node: installing, upgrading, going back and removing while everything runs.
//!
//! A component's bytes are kept under their digest; what is installed, active and granted is in the store. The next call runs what is
//! active then. An upgrade that asks for more than was granted waits, and the former goes on. What no record needs any more
//! is deleted after each change and at each start, so a crash between leaves nothing behind for long.
//!
//! Plug-ins for the terminals of users are kept like others, handed out ([`terminal`]), and called by nobody here.

mod blobs;
mod commands;
mod terminal;
mod tree;

pub use terminal::TerminalRelease;

use crate::error::ServiceError;
use crate::need;
use blobs::Blobs;
use hostler_core::PluginName;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::SPEAKS_FOR_ITSELF;
use hostler_core::event::Event;
use hostler_core::plugin::grant::{Missing, NotGranted};
use hostler_core::plugin::{Budget, Capability, Component, Grant, Kind, Manifest, PluginRecord, Release, inspect};
use hostler_core::reading::{Hindrance, Severity};
use hostler_core::viewer::{Right, Viewer};
use hostler_engine::now;
use hostler_runtime::{CompileError, Loaded, Runtime, RuntimeError};
use hostler_store::{Store, Versioned};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::broadcast;
use utoipa::ToSchema;

/// So many changes a listener may be behind before it has to look at everything.
const BACKLOG: usize = 64;

/// The plug-ins of this node.
pub struct Catalogue {
    store: Arc<dyn Store>,
    runtime: Arc<Runtime>,
    blobs: Blobs,
    ready: RwLock<BTreeMap<PluginName, Slot>>,
    described: commands::Described,
    /// Says which plug-in runs differently from now on, or not any more.
    turned: broadcast::Sender<PluginName>,
    /// One installation at a time, so that what is loaded is what is stored.
    changing: tokio::sync::Mutex<()>,
}

/// A plug-in that is ready, or why it isn't.
type Slot = Result<Ready, NotReady>;

/// A plug-in that is ready for what its kind is for.
#[derive(Clone)]
enum Ready {
    /// To be called.
    Device(Arc<Loaded>),
    /// To be handed out.
    Terminal(Arc<Component>),
}

impl Ready {
    fn component(&self) -> &Component {
        match self {
            Self::Device(loaded) => &loaded.component,
            Self::Terminal(component) => component,
        }
    }
}

/// Why a plug-in isn't called, and what to do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct NotReady {
    /// What that means for its devices.
    pub hindrance: Hindrance,
    text: String,
}

impl From<RuntimeError> for NotReady {
    fn from(error: RuntimeError) -> Self {
        let lacks = matches!(error, RuntimeError::NotGranted(_));
        let hindrance = if lacks { Hindrance::RightsMissing } else { Hindrance::Other };
        Self { hindrance, text: error.to_string() }
    }
}

impl From<ServiceError> for NotReady {
    fn from(error: ServiceError) -> Self {
        Self { hindrance: Hindrance::Other, text: error.to_string() }
    }
}

/// What an operator sees of a plug-in.
///
/// Of one whose component can't be read, only the record and the trouble are known.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PluginView {
    /// What is installed, active and granted.
    pub record: PluginRecord,
    /// One line for people; its name where nothing more is known.
    pub title: String,
    /// Who made it, as they say.
    pub publisher: String,
    /// The device types it is for.
    pub device_types: Vec<String>,
    /// The interfaces that it exports.
    pub exports: Vec<String>,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// What it asks for; what an upgrade asks for that waits is among it.
    pub asks: Vec<Ask>,
    /// Why it isn't called, where it isn't, and what to do.
    pub trouble: Option<String>,
    /// What one of its calls may spend.
    pub budget: Budget,
    /// How many bytes the component has.
    pub size: u64,
}

/// Something that a plug-in asks for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Ask {
    /// What: `snmp`, `snmp-write`, `http`, `state`, `cache`, `events`, or `credential:` and its name.
    #[schema(value_type = String)]
    pub capability: Capability,
    /// In words.
    pub question: String,
    /// The line of its manifest.
    pub line: usize,
    /// Whether it was granted.
    pub granted: bool,
}

/// What came of an installation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Installed {
    /// The next call runs it.
    Active {
        /// What runs.
        plugin: Box<PluginView>,
    },
    /// It asks for more than was granted. Nothing of it runs until it is granted.
    Waiting {
        /// The plug-in; what ran before goes on meanwhile.
        plugin: Box<PluginView>,
        /// What was not granted, with the manifest's lines.
        missing: Vec<String>,
        /// How to grant it.
        what_to_do: String,
    },
}

impl From<RuntimeError> for ServiceError {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Engine(_) => Self::Internal(error.to_string()),
            RuntimeError::NotGranted(_) => Self::Forbidden(error.to_string()),
            // The plug-in isn't to blame when the disk is full or the compiler can't be started.
            RuntimeError::Compile { source: CompileError::Folder { .. } | CompileError::Process(_), .. } => {
                Self::Internal(error.to_string())
            }
            RuntimeError::Refused(_) | RuntimeError::Compile { .. } | RuntimeError::Unfit { .. } => {
                Self::Invalid(error.to_string())
            }
        }
    }
}

impl Catalogue {
    /// Makes everything ready that was active before. A plug-in that can't be any more is said, and the others run.
    ///
    /// # Errors
    /// The store's, or the folder for components can't be made.
    pub async fn open(
        store: Arc<dyn Store>,
        runtime: Arc<Runtime>,
        folder: PathBuf,
    ) -> Result<Arc<Self>, ServiceError> {
        let catalogue = Self {
            blobs: Blobs::open(folder)?,
            store,
            runtime,
            ready: RwLock::default(),
            described: commands::Described::default(),
            turned: broadcast::channel(BACKLOG).0,
            changing: tokio::sync::Mutex::default(),
        };
        catalogue.sweep();
        for record in catalogue.store.plugins()? {
            let record = record.value;
            let loaded = match catalogue.blobs.read(&record.active.digest) {
                Ok(bytes) => catalogue.prepare(record.kind, &bytes, &record.grant).await.map_err(NotReady::from),
                Err(error) => Err(error.into()),
            };
            catalogue.put(&record.name, loaded);
        }
        Ok(Arc::new(catalogue))
    }

    /// Makes a component ready. One for terminals is compiled here as well: what terminals get is known to fit.
    async fn prepare(&self, kind: Kind, bytes: &[u8], grant: &Grant) -> Result<Ready, RuntimeError> {
        Ok(match kind {
            Kind::Device => Ready::Device(Arc::new(self.runtime.load(bytes, grant).await?)),
            Kind::Terminal => Ready::Terminal(Arc::new(self.runtime.load_terminal(bytes, grant).await?.component)),
        })
    }

    fn put(&self, name: &PluginName, ready: Result<Ready, impl Into<NotReady>>) {
        let slot = ready.map_err(Into::into);
        if let Err(error) = &slot {
            tracing::warn!(plugin = %name, %error, "the plug-in isn't called");
        }
        self.ready.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), slot);
        let _ = self.turned.send(name.clone());
    }

    /// Which plug-in runs differently, each time that one does. The store tells of a change before the next call runs it.
    pub(crate) fn turns(&self) -> broadcast::Receiver<PluginName> {
        self.turned.subscribe()
    }

    /// What the next call runs.
    ///
    /// # Errors
    /// Why there is nothing to run.
    pub(crate) fn ready(&self, name: &PluginName) -> Result<Arc<Loaded>, NotReady> {
        match self.slot(name)? {
            Ready::Device(loaded) => Ok(loaded),
            Ready::Terminal(_) => {
                let text = format!("{name} is for the terminals of users, and reads no devices");
                Err(NotReady { hindrance: Hindrance::NoPlugin, text })
            }
        }
    }

    fn slot(&self, name: &PluginName) -> Slot {
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        ready
            .get(name)
            .cloned()
            .unwrap_or_else(|| Err(NotReady { hindrance: Hindrance::NoPlugin, text: unknown(name).to_string() }))
    }

    /// Everything that runs: what may be asked whether it recognises a device.
    pub(crate) fn all_ready(&self) -> Vec<Arc<Loaded>> {
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        let device = |ready: &Ready| match ready {
            Ready::Device(loaded) => Some(Arc::clone(loaded)),
            Ready::Terminal(_) => None,
        };
        ready.values().flatten().filter_map(device).collect()
    }

    /// Every plug-in.
    ///
    /// # Errors
    /// The right is missing.
    pub fn list(&self, viewer: &Viewer) -> Result<Vec<PluginView>, ServiceError> {
        need(viewer, Right::See)?;
        Ok(self.store.plugins()?.into_iter().map(|record| self.describe(record.value)).collect())
    }

    /// One plug-in.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub fn inspect(&self, viewer: &Viewer, name: &PluginName) -> Result<PluginView, ServiceError> {
        need(viewer, Right::See)?;
        self.view(name)
    }

    /// What everybody may know of a plug-in.
    pub(crate) fn view(&self, name: &PluginName) -> Result<PluginView, ServiceError> {
        Ok(self.describe(self.known(name)?.value))
    }

    fn describe(&self, record: PluginRecord) -> PluginView {
        let slot = self.slot(&record.name);
        let component = match &slot {
            Ok(ready) => Ok(ready.component().clone()),
            Err(_) => self.component(&record.active),
        };
        let component = match component {
            Ok(component) => component,
            Err(damage) => return damaged(record, &damage),
        };
        let waiting = record.waiting.as_ref().and_then(|waiting| self.component(waiting).ok());
        let manifests = [Some(&component.manifest), waiting.as_ref().map(|waiting| &waiting.manifest)];
        let manifest = &component.manifest;
        PluginView {
            title: manifest.title.clone(),
            publisher: manifest.publisher.clone(),
            device_types: manifest.device_types.clone(),
            exports: component.exports.iter().map(ToString::to_string).collect(),
            imports: component.imports.iter().map(ToString::to_string).collect(),
            asks: asks(manifests.into_iter().flatten(), &record.grant),
            trouble: slot.err().map(|why| why.to_string()),
            budget: manifest.budget,
            size: component.size as u64,
            record,
        }
    }

    /// Installs a plug-in, or upgrades it. With `approve`, everything that it asks for is granted; else only what was granted
    /// before, and one that asks for more waits.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] says why it is none; nothing has changed then.
    pub async fn install(&self, viewer: &Viewer, component: Vec<u8>, approve: bool) -> Result<Installed, ServiceError> {
        need(viewer, Right::Administer)?;
        let _changing = self.changing.lock().await;
        let found = inspect(&component).map_err(|refusal| ServiceError::Invalid(refusal.to_string()))?;
        let name = found.manifest.name.clone();
        if name.as_str() == SPEAKS_FOR_ITSELF {
            let said = format!("“{name}” stands for devices that speak SOAP themselves; give the plug-in another name");
            return Err(ServiceError::Invalid(said));
        }
        let known = self.store.plugin(&name)?;
        same_kind(known.as_ref(), &found)?;
        let asked = Grant::all_of(&found.manifest);
        let granted = known.as_ref().map(|known| known.value.grant.clone()).unwrap_or_default();
        let grant = if approve { asked.clone() } else { granted };
        // Even what waits must be one that runs here: whoever approves it shall not be disappointed then.
        let ready = self.prepare(found.kind, &component, &asked).await?;
        self.blobs.write(&found.digest, &component)?;
        let release =
            Release { version: found.manifest.version.clone(), digest: found.digest.clone(), installed_at: now() };
        if let Err(lacking) = grant.covers(&found.manifest) {
            return self.wait(known, found.kind, release, lacking).await;
        }
        let (expect, record) = match known {
            None => (Expect::Absent, PluginRecord::new(name.clone(), found.kind, release, grant)),
            Some(known) => (Expect::Version(known.version), PluginRecord { grant, ..known.value.upgraded(release) }),
        };
        let text = format!("{name} {} was installed by {}", found.manifest.version, viewer.user);
        self.commit(&name, expect, Some(record), "plugin.installed", text).await?;
        self.put(&name, Ok::<_, RuntimeError>(ready));
        Ok(Installed::Active { plugin: Box::new(self.view(&name)?) })
    }

    /// Keeps a release that asks for more than was granted; what ran before goes on.
    async fn wait(
        &self,
        known: Option<Versioned<PluginRecord>>,
        kind: Kind,
        release: Release,
        lacking: NotGranted,
    ) -> Result<Installed, ServiceError> {
        let name = lacking.plugin.clone();
        let text = format!("{name} {} waits for approval", release.version);
        let (expect, record) = match known {
            None => (Expect::Absent, PluginRecord::new(name.clone(), kind, release, Grant::default())),
            Some(known) => (Expect::Version(known.version), PluginRecord { waiting: Some(release), ..known.value }),
        };
        let new = expect == Expect::Absent;
        self.commit(&name, expect, Some(record), "plugin.waiting", text).await?;
        let missing = lacking.missing.iter().map(Missing::to_string).collect();
        let what_to_do = lacking.what_to_do();
        if new {
            self.put(&name, Err(RuntimeError::from(lacking)));
        }
        Ok(Installed::Waiting { plugin: Box::new(self.view(&name)?), missing, what_to_do })
    }

    /// Grants exactly this, all of which it asks for or had before. An upgrade that waited for it becomes active; a plug-in that lacks something stops being called.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Invalid`] for what it doesn't ask for, or the right is missing.
    pub async fn grant(&self, viewer: &Viewer, name: &PluginName, grant: Grant) -> Result<PluginView, ServiceError> {
        need(viewer, Right::Administer)?;
        let _changing = self.changing.lock().await;
        let known = self.known(name)?;
        self.only_asked(&known.value, &grant)?;
        let mut record = PluginRecord { grant: grant.clone(), ..known.value };
        if let Some(waiting) = record.waiting.clone()
            && grant.covers(&self.component(&waiting)?.manifest).is_ok()
        {
            record = record.upgraded(waiting);
        }
        let bytes = self.blobs.read(&record.active.digest)?;
        let ready = self.prepare(record.kind, &bytes, &grant).await;
        let text = format!("what {name} may do was changed by {}", viewer.user);
        self.commit(name, Expect::Version(known.version), Some(record), "plugin.granted", text).await?;
        self.put(name, ready);
        self.view(name)
    }

    /// Refuses a grant with what none of the plug-in's releases asks for: a slip, or a trap for the next upgrade.
    fn only_asked(&self, record: &PluginRecord, grant: &Grant) -> Result<(), ServiceError> {
        let mut asked = BTreeSet::new();
        for component in record.releases().filter_map(|release| self.component(release).ok()) {
            asked.extend(component.manifest.needs);
        }
        let unasked = grant.0.iter().filter(|right| !asked.contains(right) && !record.grant.has(right));
        let unasked: Vec<String> = unasked.map(ToString::to_string).collect();
        if unasked.is_empty() {
            return Ok(());
        }
        let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
        let asked = if asked.is_empty() { "nothing".to_owned() } else { asked.join(", ") };
        let (name, unasked) = (&record.name, unasked.join(", "));
        Err(ServiceError::Invalid(format!("{name} does not ask for {unasked}; it asks for {asked}")))
    }

    /// Goes back to the release before; doing it twice is where it was.
    ///
    /// # Errors
    /// There is none.
    pub async fn rollback(&self, viewer: &Viewer, name: &PluginName) -> Result<PluginView, ServiceError> {
        need(viewer, Right::Administer)?;
        let _changing = self.changing.lock().await;
        let known = self.known(name)?;
        let none = || ServiceError::Conflict(format!("{name} has no release to go back to"));
        let record = known.value.rolled_back().ok_or_else(none)?;
        let ready = self.prepare(record.kind, &self.blobs.read(&record.active.digest)?, &record.grant).await?;
        let text = format!("{name} went back to {} on order of {}", record.active.version, viewer.user);
        self.commit(name, Expect::Version(known.version), Some(record), "plugin.rolled-back", text).await?;
        self.put(name, Ok::<_, RuntimeError>(ready));
        self.view(name)
    }

    /// Removes a plug-in. Its devices stay, and aren't read until another takes its name.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or the right is missing.
    pub async fn remove(&self, viewer: &Viewer, name: &PluginName) -> Result<(), ServiceError> {
        need(viewer, Right::Administer)?;
        let _changing = self.changing.lock().await;
        let known = self.known(name)?;
        let text = format!("{name} was removed by {}", viewer.user);
        self.commit(name, Expect::Version(known.version), None, "plugin.removed", text).await?;
        self.drop_ready(name);
        Ok(())
    }

    fn drop_ready(&self, name: &PluginName) {
        self.ready.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        let _ = self.turned.send(name.clone());
    }

    /// Deletes what no record needs. Nobody may be installing meanwhile: what is being installed is in no record yet.
    fn sweep(&self) {
        let records = match self.store.plugins() {
            Ok(records) => records,
            Err(error) => return tracing::error!(%error, "the catalogue can't be read; old components stay"),
        };
        let needed: BTreeSet<String> =
            records.iter().flat_map(|record| record.value.releases()).map(|release| release.digest.clone()).collect();
        self.blobs.keep_only(&needed);
        self.runtime.keep_only(&needed);
    }

    fn known(&self, name: &PluginName) -> Result<Versioned<PluginRecord>, ServiceError> {
        self.store.plugin(name)?.ok_or_else(|| unknown(name))
    }

    fn component(&self, release: &Release) -> Result<Component, ServiceError> {
        inspect(&self.blobs.read(&release.digest)?).map_err(|refusal| ServiceError::Internal(refusal.to_string()))
    }

    /// Commits a change of one record, and deletes what that made superfluous.
    async fn commit(
        &self,
        name: &PluginName,
        expect: Expect,
        value: Option<PluginRecord>,
        event: &str,
        text: String,
    ) -> Result<(), ServiceError> {
        let happened =
            Event { at: now(), node: None, device: None, name: event.to_owned(), severity: Severity::Info, text };
        let changes = Changes::from(Change::Plugin { name: name.clone(), expect, value: value.map(Box::new) });
        self.store.commit(changes.and(Change::Happened(happened))).await?;
        self.sweep();
        Ok(())
    }
}

/// Refuses a release that is something else than the plug-in of its name.
fn same_kind(known: Option<&Versioned<PluginRecord>>, found: &Component) -> Result<(), ServiceError> {
    let other = known.filter(|known| known.value.kind != found.kind);
    other.map_or(Ok(()), |known| {
        let (here, new) = match found.kind {
            Kind::Device => ("for the terminals of users", "for nodes"),
            Kind::Terminal => ("for nodes", "for the terminals of users"),
        };
        let name = &known.value.name;
        let text =
            format!("{name} is a plug-in {here}, and this one is {new}; give it another name, or remove {name} first");
        Err(ServiceError::Invalid(text))
    })
}

/// Everything that one of these manifests asks for, once each.
fn asks<'a>(manifests: impl Iterator<Item = &'a Manifest>, grant: &Grant) -> Vec<Ask> {
    let mut asks: Vec<Ask> = Vec::new();
    for manifest in manifests {
        for capability in &manifest.needs {
            if !asks.iter().any(|ask| ask.capability == *capability) {
                asks.push(Ask {
                    capability: capability.clone(),
                    question: capability.question(),
                    line: manifest.line_of(capability).unwrap_or_default(),
                    granted: grant.has(capability),
                });
            }
        }
    }
    asks
}

/// What is known of a plug-in whose component can't be read.
fn damaged(record: PluginRecord, damage: &ServiceError) -> PluginView {
    let way_back = match &record.previous {
        Some(previous) => {
            format!(", or go back to {} with `hostler plugin rollback {}`", previous.version, record.name)
        }
        None => String::new(),
    };
    PluginView {
        title: record.name.to_string(),
        publisher: String::new(),
        device_types: Vec::new(),
        exports: Vec::new(),
        imports: Vec::new(),
        asks: Vec::new(),
        trouble: Some(format!("{damage}{way_back}")),
        budget: Budget::default(),
        size: 0,
        record,
    }
}

fn unknown(name: &PluginName) -> ServiceError {
    ServiceError::NotFound(format!("there is no plug-in {name}; `hostler plugin list` shows them"))
}
