//! Calls of plug-ins for devices: one at a time for each device, and a call's traces stored with its answer or not at all.
//!
//! [`acting`] is such a call from beginning to end; [`reading`] and [`ordered`] are what it is for. [`strangers`] are called
//! for before they are devices, [`certificates`] are what devices are known by, [`failed`] why a call brought nothing.

mod acting;
mod certificates;
mod failed;
mod ordered;
mod reading;
mod strangers;

pub use acting::Undone;
pub use failed::CallFailed;
pub use ordered::Told;

use crate::catalogue::Catalogue;
use crate::turns::Turns;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Device, Reach};
use hostler_core::event::Event;
use hostler_core::message::Method;
use hostler_core::reading::Severity;
use hostler_core::{DeviceId, Fingerprint, NodeId, PluginName};
use hostler_engine::now;
use hostler_links::{HttpLinks, Lane, Networks, Place, SnmpLinks};
use hostler_runtime::{CALLS, Call, Done, Loaded, LogLevel, Runtime};
use hostler_store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

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
