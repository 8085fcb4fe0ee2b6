//! Finds what is in the gateway's networks, asks the plug-ins who recognises it, and lets the rules adopt.

use super::calls::Caller;
use futures::StreamExt;
use hostler_core::adoption::Origin;
use hostler_core::changes::{Change, Changes};
use hostler_core::device::{Candidate, Claim, HttpReach, Reach, SnmpReach};
use hostler_core::message::Method;
use hostler_core::{NodeId, PluginName};
use hostler_engine::{Adopter, now};
use hostler_links::mdns;
use hostler_store::{Store, StoreError};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long announcements are listened to.
const LISTEN: Duration = Duration::from_secs(3);

/// So many addresses are asked at a time; the lanes bound what is on the wire.
const ASKED: usize = 256;

/// A network that is searched.
#[derive(Clone, Debug)]
pub struct Network {
    /// What it is called.
    pub name: String,
    /// The addresses that are asked.
    pub ranges: Vec<IpNet>,
    /// The port of SNMP agents.
    pub snmp_port: u16,
    /// The credentials that are tried, in this order.
    pub credentials: Vec<String>,
    /// How web servers are reached, where plug-ins may talk to them.
    pub http: Option<HttpReach>,
    /// Whether announcements (mDNS) are listened to as well.
    pub mdns: bool,
}

/// Adopts without asking what a plug-in recognises.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Whose claims.
    pub plugin: PluginName,
    /// In which network; `None` for all.
    pub network: Option<String>,
}

/// Searches the networks of one gateway.
pub struct Discovery {
    store: Arc<dyn Store>,
    caller: Arc<Caller>,
    node: NodeId,
    parent: Option<NodeId>,
    networks: Vec<Network>,
    rules: Vec<Rule>,
    every: Duration,
    wanted: Notify,
}

impl Discovery {
    /// Searches these networks every so often, and when asked to.
    #[must_use]
    pub fn new(
        (store, caller): (Arc<dyn Store>, Arc<Caller>),
        (node, parent): (NodeId, Option<NodeId>),
        networks: Vec<Network>,
        rules: Vec<Rule>,
        every: Duration,
    ) -> Arc<Self> {
        let discovery = Self { store, caller, node, parent, networks, rules, every, wanted: Notify::new() };
        let discovery = Arc::new(discovery);
        // A plug-in that is new may know what nobody knew before.
        let following = Arc::downgrade(&discovery);
        discovery.store.observe(Arc::new(move |changes: &Changes| {
            if changes.0.iter().any(|change| matches!(change, Change::Plugin { value: Some(_), .. })) {
                following.upgrade().iter().for_each(|discovery| discovery.now());
            }
        }));
        discovery
    }

    /// Searches now.
    pub fn now(&self) {
        self.wanted.notify_one();
    }

    pub(crate) async fn run(self: Arc<Self>, adopter: Arc<Adopter>) {
        loop {
            for network in &self.networks {
                if let Err(error) = self.search(network, &adopter).await {
                    tracing::error!(network = %network.name, %error, "a search could not be stored");
                }
            }
            let _ = tokio::time::timeout(self.every, self.wanted.notified()).await;
        }
    }

    async fn search(&self, network: &Network, adopter: &Arc<Adopter>) -> Result<(), StoreError> {
        let mut addresses: BTreeSet<IpAddr> = network.ranges.iter().flat_map(IpNet::hosts).collect();
        if network.mdns {
            match mdns::announced(LISTEN).await {
                Ok(announced) => addresses.extend(announced),
                Err(error) => tracing::warn!(network = %network.name, %error, "announcements can't be heard"),
            }
        }
        for device in self.store.devices()?.into_iter().filter(|device| device.value.gateway == self.node) {
            addresses.remove(&device.value.reach.address);
        }
        let mut known: BTreeMap<IpAddr, Candidate> = self
            .store
            .candidates()?
            .into_iter()
            .filter(|(of, candidate)| *of == self.node && addresses.contains(&candidate.reach.address))
            .map(|(_, candidate)| (candidate.reach.address, candidate))
            .collect();
        tracing::info!(network = %network.name, addresses = addresses.len(), "searching");
        let mut answers = futures::stream::iter(addresses)
            .map(|address| async move { (address, self.ask(network, address).await) })
            .buffer_unordered(ASKED);
        while let Some((address, found)) = answers.next().await {
            match found {
                Some(candidate) => self.keep(known.remove(&address), candidate, network, adopter).await?,
                None if known.remove(&address).is_some() => self.forget(address).await?,
                None => {}
            }
        }
        Ok(())
    }

    /// What answers at an address to one of the credentials, and who recognises it.
    async fn ask(&self, network: &Network, address: IpAddr) -> Option<Candidate> {
        for credential in &network.credentials {
            let snmp = SnmpReach { port: network.snmp_port, credential: credential.clone() };
            let reach = Reach { address, snmp: Some(snmp), http: network.http.clone() };
            if !self.caller.answers(&reach).await {
                continue;
            }
            let claims = self.caller.recognise(&reach).await.into_iter().map(|(plugin, recognition)| Claim {
                plugin,
                certainty: recognition.certainty,
                device_type: recognition.device_type,
                title: recognition.title,
            });
            return Some(Candidate { claims: claims.collect(), reach, seen_at: now() });
        }
        None
    }

    async fn keep(
        &self,
        known: Option<Candidate>,
        found: Candidate,
        network: &Network,
        adopter: &Arc<Adopter>,
    ) -> Result<(), StoreError> {
        let seen_at = known.as_ref().map_or(found.seen_at, |known| known.seen_at);
        let candidate = Candidate { seen_at, ..found };
        let mut changes = Changes::none();
        if known.as_ref() != Some(&candidate) {
            let value = Some(Box::new(candidate.clone()));
            let address = candidate.reach.address;
            changes = changes.and(Change::Candidate { gateway: self.node.clone(), address, value });
            changes = self.tell(changes, Method::CandidateSeen(Box::new(candidate.clone())));
        }
        let rule = candidate.undisputed().filter(|claim| {
            let fits = |rule: &Rule| {
                rule.plugin == claim.plugin && rule.network.as_ref().is_none_or(|wanted| *wanted == network.name)
            };
            self.rules.iter().any(fits)
        });
        match rule {
            Some(claim) => adopter.begin(candidate.reach.clone(), claim.plugin.clone(), Origin::Rule, changes).await,
            None => self.store.commit(changes).await,
        }
    }

    async fn forget(&self, address: IpAddr) -> Result<(), StoreError> {
        let changes = Changes::from(Change::Candidate { gateway: self.node.clone(), address, value: None });
        self.store.commit(self.tell(changes, Method::CandidateGone(address))).await
    }

    fn tell(&self, changes: Changes, method: Method) -> Changes {
        match &self.parent {
            Some(parent) => changes.and(Change::Send { to: parent.clone(), method }),
            None => changes,
        }
    }
}
