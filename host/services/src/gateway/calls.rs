//! A call of a plug-in for a device: one at a time for each device, and its traces stored with its answer or not at all.

use crate::catalogue::{Catalogue, NotReady};
use crate::turns::Turns;
use futures::future::BoxFuture;
use hostler_core::certificate::Certificate;
use hostler_core::changes::{Change, Changes, Expect, StartedAction};
use hostler_core::device::{Device, Reach};
use hostler_core::event::Event;
use hostler_core::message::{Method, REPORT_LIMIT, weight};
use hostler_core::reading::{Hindrance, Report, Severity};
use hostler_core::{DeviceId, Fingerprint, NodeId, PluginName};
use hostler_engine::{Ask, AskError, Identified, now};
use hostler_links::{HttpError, HttpLink, HttpLinks, Lane, Networks, Oid, Place, SnmpError, SnmpLinks, Value};
use hostler_runtime::{
    Action, Answer, CALLS, Call, CallError, Done, Exceeded, Failure, Loaded, LogLevel, Question, Recognition, Runtime,
};
use hostler_store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// sysObjectID.0 (RFC 3418): what every agent has.
const SYS_OBJECT_ID: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 2, 0];

/// Why a call brought nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallFailed {
    /// The plug-in isn't there, or wasn't granted what it needs.
    #[error("{0}")]
    NoPlugin(NotReady),
    /// The thing couldn't be asked.
    #[error("{0}")]
    Thing(Failure),
    /// The plug-in crashed or was stopped.
    #[error(transparent)]
    Plugin(#[from] CallError),
    /// What it reported is more than is passed on. Nothing of the call is kept.
    #[error(
        "plug-in {plugin} reported {bytes} bytes, more than the {REPORT_LIMIT} that are taken of a device; tell its maker"
    )]
    TooLarge {
        /// Which plug-in.
        plugin: PluginName,
        /// How many.
        bytes: usize,
    },
    /// What it left could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CallFailed {
    /// Whether the thing is to blame, or something on our side. A plug-in that computes too long is stopped by another
    /// limit: one that takes too long waits for the thing.
    pub(crate) fn is_of_the_thing(&self) -> bool {
        matches!(self, Self::Thing(_) | Self::Plugin(CallError::Stopped { exceeded: Exceeded::Wall(_), .. }))
    }

    /// What hindered, where the thing isn't to blame.
    pub(crate) fn hindrance(&self) -> Hindrance {
        match self {
            Self::NoPlugin(why) => why.hindrance,
            _ => Hindrance::Other,
        }
    }
}

/// Who is called for, and how it is reached.
#[derive(Clone, Copy)]
struct Thing<'a> {
    id: &'a DeviceId,
    reach: &'a Reach,
    /// The certificate that it is known by.
    trusted: Option<&'a Fingerprint>,
}

impl<'a> Thing<'a> {
    /// Something that isn't managed.
    fn stranger(id: &'a DeviceId, reach: &'a Reach) -> Self {
        Self { id, reach, trusted: None }
    }
}

/// How an action ended that was not simply done.
enum Undone {
    /// It wasn't done.
    Failed(String),
    /// Nobody knows.
    InDoubt(String),
}

impl From<SnmpError> for Undone {
    fn from(error: SnmpError) -> Self {
        if error.leaves_doubt() { Self::InDoubt(error.to_string()) } else { Self::Failed(error.to_string()) }
    }
}

impl From<HttpError> for Undone {
    fn from(error: HttpError) -> Self {
        if error.leaves_doubt() { Self::InDoubt(error.to_string()) } else { Self::Failed(error.to_string()) }
    }
}

/// Calls plug-ins for devices.
pub struct Caller {
    store: Arc<dyn Store>,
    runtime: Arc<Runtime>,
    catalogue: Arc<Catalogue>,
    snmp: SnmpLinks,
    http: HttpLinks,
    networks: Networks,
    parent: Option<NodeId>,
    settings: BTreeMap<PluginName, BTreeMap<String, String>>,
    turns: Turns<DeviceId>,
}

impl Caller {
    /// Puts a caller together. So many devices of each of these networks are asked at a time at most, and each network
    /// has its share of all calls.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        (runtime, catalogue): (Arc<Runtime>, Arc<Catalogue>),
        (snmp, http): (SnmpLinks, HttpLinks),
        networks: Vec<(Vec<ipnet::IpNet>, usize)>,
        parent: Option<NodeId>,
        settings: BTreeMap<PluginName, BTreeMap<String, String>>,
    ) -> Arc<Self> {
        let (networks, turns) = (Networks::new(networks, CALLS as usize), Turns::default());
        Arc::new(Self { store, runtime, catalogue, snmp, http, networks, parent, settings, turns })
    }

    pub(crate) fn networks(&self) -> &Networks {
        &self.networks
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// A place on the wire. It is taken before a call begins, so that waiting for it costs the plug-in nothing.
    async fn place(&self, reach: &Reach, lane: Lane) -> Place {
        self.networks.enter(self.networks.of(reach.address), lane).await
    }

    /// The links of one device, and nothing else. A link that can't be made isn't there, and the log says why.
    async fn call(&self, thing: Thing<'_>, place: &Place, plugin: &Loaded) -> Call {
        let Thing { id, reach, trusted } = thing;
        let device = id.clone();
        let snmp = match &reach.snmp {
            None => None,
            Some(snmp) => match self.snmp.link(reach.address, snmp, place.lane()).await {
                Ok(link) => Some(link),
                Err(error) => {
                    tracing::warn!(%device, %error, "there is no SNMP link");
                    None
                }
            },
        };
        let http = reach.http.as_ref().filter(|http| {
            let without_tls = trusted.is_some() && !http.tls;
            if without_tls {
                tracing::warn!(%device, "it is known by a certificate and isn't spoken to in plain HTTP; adopt it anew to change that");
            }
            !without_tls
        });
        let http = http.map(|http| self.http.link(reach.address, http, trusted.cloned()));
        let settings = self.settings.get(&plugin.component.manifest.name).cloned().unwrap_or_default();
        Call { device, snmp, http, state: BTreeMap::new(), settings, now: now() }
    }

    /// Whether an SNMP agent answers here to this credential. It is asked for the one object that every agent has.
    pub(crate) async fn answers(&self, reach: &Reach) -> bool {
        let Some(snmp) = &reach.snmp else { return false };
        let place = self.place(reach, Lane::Doubtful).await;
        let link = self.snmp.link(reach.address, snmp, place.lane()).await;
        let answer = match link {
            Ok(link) => link.get(&[Oid::from_slice(&SYS_OBJECT_ID)]).await,
            Err(error) => {
                tracing::warn!(address = %reach.address, %error, "there is no SNMP link");
                return false;
            }
        };
        // Most addresses are silent; whoever answers and refuses is told, or nobody would know why it isn't found.
        if let Err(error @ (SnmpError::Refused(_) | SnmpError::Garbled(_))) = &answer {
            let (address, credential) = (reach.address, &snmp.credential);
            tracing::warn!(%address, %credential, %error, "an SNMP agent answers, but can't be spoken to");
        }
        answer.is_ok()
    }

    /// Which plug-ins recognise what answers here, the surest first. Nothing of these calls is stored.
    pub(crate) async fn recognise(&self, reach: &Reach) -> Vec<(PluginName, Recognition)> {
        let mut found = Vec::new();
        for plugin in self.catalogue.all_ready() {
            let stranger = DeviceId::from_words(&["stranger", &reach.address.to_string()]);
            let place = self.place(reach, Lane::Lively).await;
            let mut call = self.call(Thing::stranger(&stranger, reach), &place, &plugin).await;
            // No password goes out before somebody has said that this is to be a device.
            call.http = call.http.map(HttpLink::anonymous);
            let name = plugin.component.manifest.name.clone();
            match self.runtime.call(&plugin, call, Question::Recognise).await {
                Ok(done) => {
                    log(&stranger, &name, &done);
                    match done.answer {
                        Ok(Answer::Recognised(Some(recognition))) => found.push((name, recognition)),
                        Ok(_) => {}
                        Err(failure) => {
                            tracing::debug!(address = %reach.address, plugin = %name, %failure, "not recognised")
                        }
                    }
                }
                Err(error) => tracing::warn!(address = %reach.address, %error, "a plug-in failed to recognise"),
            }
        }
        found.sort_by_key(|(_, recognition)| std::cmp::Reverse(recognition.certainty));
        found
    }

    /// Reads a device, from this place: what the plug-in reports, stored traces and performed actions included.
    pub(crate) async fn read(&self, known: &Device, place: Place) -> Result<Report, CallFailed> {
        let (device, plugin) = (&known.id, &known.plugin);
        let turn = self.turns.of(device);
        let _turn = turn.lock().await;
        let loaded = self.catalogue.ready(plugin).map_err(CallFailed::NoPlugin)?;
        // Somebody may have answered for its certificate while this waited.
        let stored = if known.reach.http.is_some() { self.store.device(device)? } else { None };
        let known = stored.as_ref().map_or(known, |stored| &stored.value);
        let trusted = known.certificate.as_ref().map(|certificate| &certificate.trusted);
        let mut call = self.call(Thing { id: device, reach: &known.reach, trusted }, &place, &loaded).await;
        call.state = self.store.plugin_state(device, plugin)?;
        let trust = call.http.as_ref().and_then(HttpLink::trust).cloned();
        let done = self.runtime.call(&loaded, call, Question::Read).await;
        // It showed its certificate, however the call ended.
        let shown = trust.and_then(|trust| trust.shown());
        if let Some(shown) = &shown {
            self.showed(device, shown).await?;
        }
        let done = done?;
        log(device, plugin, &done);
        let (report, actions) = match done.answer {
            Ok(Answer::Report(Some(outcome))) => outcome,
            Ok(_) => (Report::default(), Vec::new()),
            Err(failure) => return Err(CallFailed::Thing(failure)),
        };
        fits(plugin, &report)?;
        // Only who has something to do there keeps the place while the store writes.
        let place = (!actions.is_empty()).then_some(place);
        let mut changes: Changes = done
            .traces
            .state
            .into_iter()
            .map(|(key, value)| Change::PluginState { device: device.clone(), plugin: plugin.clone(), key, value })
            .collect();
        for event in done.traces.events {
            changes = self.happened(changes, event);
        }
        let actions: Vec<(u64, Action)> = (now().0..).zip(actions).collect();
        for (id, _) in &actions {
            changes = changes.and(started(device, *id, plugin));
        }
        self.store.commit(changes).await?;
        if let Some(place) = place {
            let thing = Thing { id: device, reach: &known.reach, trusted: trusted.or(shown.as_ref()) };
            for action in actions {
                self.perform(thing, &place, &loaded, action).await?;
            }
        }
        Ok(report)
    }

    /// Stores which certificate a device showed, where that is news. That it is another than the trusted one is told once
    /// for each question; who answers for it ends that.
    async fn showed(&self, device: &DeviceId, shown: &Fingerprint) -> Result<(), StoreError> {
        let Some(known) = self.store.device(device)? else { return Ok(()) };
        let before = known.value.certificate.as_ref();
        let after = Certificate::after(before, shown.clone());
        if before == Some(&after) {
            return Ok(());
        }
        let mut changes = Changes::none();
        let asked = before.is_some_and(|before| before.shown.is_some());
        if let Some(other) = after.shown.as_ref().filter(|_| !asked) {
            let text = format!(
                "{} shows another certificate than the one that it is known by ({other}); nothing is sent to whoever shows it \
                 until somebody trusts it",
                known.value.title()
            );
            let severity = Severity::Critical;
            changes = self.happened(changes, Event { severity, ..event(device, "device.certificate-changed", text) });
        }
        let changes = self.tell_device(changes, known.version, Device { certificate: Some(after), ..known.value });
        match self.store.commit(changes).await {
            // It moved or went at this moment; whoever reads it next sees its certificate again.
            Err(StoreError::Conflict { .. }) => Ok(()),
            stored => stored,
        }
    }

    /// Answers the question by which certificate a device is known. Where nobody asks for this one any more, that is told.
    pub(crate) fn trust(
        &self,
        device: &DeviceId,
        certificate: &Fingerprint,
        more: Changes,
    ) -> Result<Changes, StoreError> {
        let Some(known) = self.store.device(device)? else {
            return Ok(self.tell(more, Method::DeviceReleased(device.clone())));
        };
        let title = known.value.title();
        let Some(after) = known.value.certificate.as_ref().and_then(|known| known.trusting(certificate)) else {
            let text =
                format!("{title} was to be known by the certificate {certificate}, which it doesn't show any more");
            return Ok(self.happened(more, event(device, "device.certificate-stays", text)));
        };
        let text = format!("{title} is known by this certificate from now on: {certificate}");
        let event = Event { severity: Severity::Info, ..event(device, "device.certificate-trusted", text) };
        let device = Device { certificate: Some(after), ..known.value };
        Ok(self.tell_device(self.happened(more, event), known.version, device))
    }

    /// A device that is known better, for here and for above.
    fn tell_device(&self, changes: Changes, version: u64, device: Device) -> Changes {
        let (id, expect, value) = (device.id.clone(), Expect::Version(version), Some(Box::new(device.clone())));
        self.tell(changes.and(Change::Device { id, expect, value }), Method::DeviceAdopted(Box::new(device)))
    }

    /// An event of this node's devices, for here and for above.
    pub(crate) fn happened(&self, changes: Changes, event: Event) -> Changes {
        self.tell(changes.and(Change::Happened(event.clone())), Method::EventHappened(event))
    }

    fn tell(&self, changes: Changes, method: Method) -> Changes {
        changes.telling(self.parent.as_ref(), method)
    }

    /// Performs an action that was stored as started, and strikes it off. It is done once at most: what a crash
    /// interrupts is reported by [`Caller::report_doubts`].
    async fn perform(
        &self,
        thing: Thing<'_>,
        place: &Place,
        plugin: &Loaded,
        (id, action): (u64, Action),
    ) -> Result<(), StoreError> {
        let device = thing.id;
        let links = self.call(thing, place, plugin).await;
        let trust = links.http.as_ref().and_then(HttpLink::trust).cloned();
        let outcome: Result<(), Undone> = match (action, links.snmp, links.http) {
            (Action::SnmpSet(_), _, _) if !plugin.grant.has(&hostler_core::plugin::Capability::SnmpWrite) => {
                Err(Undone::Failed("the plug-in was not granted snmp-write".to_owned()))
            }
            (Action::SnmpSet(bindings), Some(snmp), _) => {
                let parsed: Result<Vec<(Oid, Value)>, String> = bindings
                    .into_iter()
                    .map(|(oid, value)| Ok((Oid::parse(&oid).map_err(|error| error.to_string())?, value.into())))
                    .collect();
                match parsed {
                    Ok(bindings) => snmp.set(&bindings).await.map_err(Undone::from),
                    Err(why) => Err(Undone::Failed(why)),
                }
            }
            (Action::HttpSend(request), _, Some(http)) => {
                http.send(request.into(), 1 << 20).await.map(|_| ()).map_err(Undone::from)
            }
            _ => Err(Undone::Failed("the device has no such link".to_owned())),
        };
        if let Some(shown) = trust.and_then(|trust| trust.shown()) {
            self.showed(device, &shown).await?;
        }
        let changes = Changes::from(Change::Action { device: device.clone(), id, value: None });
        let plugin = &plugin.component.manifest.name;
        let changes = match outcome {
            Ok(()) => changes,
            Err(Undone::Failed(why)) => {
                let text = format!("what plug-in {plugin} wanted done afterwards failed: {why}");
                self.happened(changes, event(device, "action.failed", text))
            }
            Err(Undone::InDoubt(why)) => {
                let text = format!(
                    "whether what plug-in {plugin} wanted done afterwards was done is in doubt: {why}. It was ordered once"
                );
                self.happened(changes, event(device, "action.in-doubt", text))
            }
        };
        self.store.commit(changes).await
    }

    /// Says of each action that a crash interrupted that it is in doubt.
    ///
    /// # Errors
    /// The store's.
    pub async fn report_doubts(&self) -> Result<(), StoreError> {
        for (device, id, action) in self.store.actions()? {
            let text = format!(
                "hostler stopped while plug-in {} acted on this device; whether it was done is in doubt",
                action.plugin
            );
            let changes = Changes::from(Change::Action { device: device.clone(), id, value: None });
            self.store.commit(self.happened(changes, event(&device, "action.in-doubt", text))).await?;
        }
        Ok(())
    }
}

impl Ask for Caller {
    fn identify(
        &self,
        reach: Reach,
        plugin: PluginName,
        trusted: Option<Fingerprint>,
    ) -> BoxFuture<'_, Result<Identified, AskError>> {
        Box::pin(async move {
            let failed = |why: String, again: bool| AskError { why, again };
            let loaded = self.catalogue.ready(&plugin).map_err(|why| failed(why.to_string(), true))?;
            let stranger = DeviceId::from_words(&["stranger", &reach.address.to_string()]);
            let place = self.place(&reach, Lane::Lively).await;
            let thing = Thing { id: &stranger, reach: &reach, trusted: trusted.as_ref() };
            let call = self.call(thing, &place, &loaded).await;
            let trust = call.http.as_ref().and_then(HttpLink::trust).cloned();
            let done = self.runtime.call(&loaded, call, Question::Identify).await;
            let done = done.map_err(|error| failed(error.to_string(), true))?;
            log(&stranger, &plugin, &done);
            match done.answer {
                Ok(Answer::Identified(identity)) => {
                    Ok(Identified { identity, certificate: trust.and_then(|trust| trust.shown()) })
                }
                Ok(_) => Err(failed("the plug-in answered something else".to_owned(), false)),
                Err(failure) => {
                    let again = matches!(failure, Failure::Unreachable(_) | Failure::Garbled(_));
                    Err(failed(failure.to_string(), again))
                }
            }
        })
    }
}

/// Refuses a report that would fill the way to the parent. Only one that may be too large is weighed.
fn fits(plugin: &PluginName, report: &Report) -> Result<(), CallFailed> {
    if report.weight_at_most() <= REPORT_LIMIT {
        return Ok(());
    }
    let bytes = weight(report);
    if bytes > REPORT_LIMIT { Err(CallFailed::TooLarge { plugin: plugin.clone(), bytes }) } else { Ok(()) }
}

fn started(device: &DeviceId, id: u64, plugin: &PluginName) -> Change {
    Change::Action { device: device.clone(), id, value: Some(StartedAction { plugin: plugin.clone() }) }
}

fn event(device: &DeviceId, name: &str, text: String) -> Event {
    Event {
        at: now(),
        node: None,
        device: Some(device.clone()),
        name: name.to_owned(),
        severity: Severity::Warning,
        text,
    }
}

fn log(device: &DeviceId, plugin: &PluginName, done: &Done) {
    for line in &done.log {
        match line.level {
            LogLevel::Debug => tracing::debug!(%device, %plugin, "{}", line.text),
            LogLevel::Info => tracing::info!(%device, %plugin, "{}", line.text),
            LogLevel::Warn => tracing::warn!(%device, %plugin, "{}", line.text),
            LogLevel::Error => tracing::error!(%device, %plugin, "{}", line.text),
        }
    }
    if done.spent.log_lines_dropped > 0 {
        tracing::warn!(%device, %plugin, dropped = done.spent.log_lines_dropped, "the plug-in logged more than it may");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p03_a_report_that_would_fill_the_way_to_the_parent_is_refused() {
        let report = |lines: usize| Report { console: vec!["x".repeat(1_000); lines], ..Report::default() };
        let plugin = "mfp".parse().unwrap();
        assert!(fits(&plugin, &report(1_000)).is_ok());
        let refused = fits(&plugin, &report(1_100)).unwrap_err();
        assert!(refused.to_string().starts_with("plug-in mfp reported 11"), "{refused}");
    }
}
