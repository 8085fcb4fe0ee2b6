//! Finds what is in the gateway's networks, asks the plug-ins who recognises it, and lets the rules adopt.

use super::calls::Caller;
use super::intervals::Pace;
use futures::StreamExt;
use hostler_core::adoption::Origin;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Candidate, Claim, HttpReach, Reach, SnmpReach};
use hostler_core::message::Method;
use hostler_core::{NodeId, PluginName};
use hostler_engine::{Adopter, now};
use hostler_links::mdns;
use hostler_store::{Store, StoreError};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// The plug-ins are known when none came or went for so long.
const SETTLED: Duration = Duration::from_secs(10);

/// How long announcements are listened to.
const LISTEN: Duration = Duration::from_secs(3);

/// What announced itself is still looked for in so many later searches: announcements get lost.
const REMEMBERED: u32 = 3;

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

/// The plug-ins of these rules that aren't installed, where any is.
fn unknown_plugins(rules: &[Rule], installed: &BTreeSet<PluginName>) -> BTreeSet<PluginName> {
    let unknown = rules.iter().map(|rule| &rule.plugin).filter(|plugin| !installed.contains(*plugin));
    unknown.filter(|_| !installed.is_empty()).cloned().collect()
}

/// Searches the networks of one gateway.
pub struct Discovery {
    store: Arc<dyn Store>,
    caller: Arc<Caller>,
    node: NodeId,
    parent: Option<NodeId>,
    networks: Vec<Network>,
    rules: Vec<Rule>,
    pace: Arc<Pace>,
    wanted: Notify,
}

impl Discovery {
    /// Searches these networks as often as the pace says, and when asked to.
    #[must_use]
    pub fn new(
        (store, caller): (Arc<dyn Store>, Arc<Caller>),
        (node, parent): (NodeId, Option<NodeId>),
        networks: Vec<Network>,
        rules: Vec<Rule>,
        pace: Arc<Pace>,
    ) -> Arc<Self> {
        Arc::new(Self { store, caller, node, parent, networks, rules, pace, wanted: Notify::new() })
    }

    /// Searches now.
    pub fn now(&self) {
        self.wanted.notify_one();
    }

    pub(crate) async fn run(self: Arc<Self>, adopter: Arc<Adopter>) {
        tokio::join!(self.say_unknown_plugins(), self.search_forever(&adopter));
    }

    /// Says once which rules wait for a plug-in that doesn't exist, when the plug-ins are known. A gateway's come one by one
    /// from its parent; one without any is still waiting for them.
    async fn say_unknown_plugins(&self) {
        let mut turns = self.caller.catalogue().turns();
        let mut said = BTreeSet::new();
        loop {
            tokio::time::sleep(SETTLED).await;
            while turns.try_recv().is_ok() {}
            let installed: BTreeSet<_> =
                self.caller.catalogue().entries().into_iter().map(|entry| entry.name).collect();
            let unknown = unknown_plugins(&self.rules, &installed);
            for plugin in unknown.difference(&said) {
                tracing::warn!(%plugin, "a rule adopts with this plug-in, and there is none of this name: [[gateway.adopt]]");
            }
            said = unknown;
            if let Err(RecvError::Closed) = turns.recv().await {
                return;
            }
        }
    }

    async fn search_forever(&self, adopter: &Arc<Adopter>) {
        let mut turns = self.caller.catalogue().turns();
        let mut heard = Heard::default();
        loop {
            if let Err(error) = self.search_all(&mut heard, adopter).await {
                tracing::error!(%error, "a search could not be stored");
            }
            tokio::select! {
                () = self.pace.until_search(Instant::now()) => {}
                () = self.wanted.notified() => {}
                // A plug-in that is new may know what nobody knew before. Who closes it ends with this.
                _ = turns.recv() => while turns.try_recv().is_ok() {},
            }
        }
    }

    /// Searches every network. What was a candidate and wasn't found in any of them is forgotten: it is silent, or it is
    /// where nobody looks any more.
    async fn search_all(&self, heard: &mut Heard, adopter: &Arc<Adopter>) -> Result<(), StoreError> {
        let mut found = BTreeSet::new();
        for network in &self.networks {
            found.extend(self.search(network, heard, adopter).await?);
        }
        for address in self.candidates()?.into_keys().filter(|address| !found.contains(address)) {
            self.forget(address).await?;
        }
        Ok(())
    }

    /// What is a candidate of this gateway now.
    fn candidates(&self) -> Result<BTreeMap<IpAddr, Candidate>, StoreError> {
        let candidates = self.store.candidates()?.into_iter().filter(|(of, _)| *of == self.node);
        Ok(candidates.map(|(_, candidate)| (candidate.reach.address, candidate)).collect())
    }

    /// Searches one network; returns where something was found.
    async fn search(
        &self,
        network: &Network,
        heard: &mut Heard,
        adopter: &Arc<Adopter>,
    ) -> Result<BTreeSet<IpAddr>, StoreError> {
        let mut addresses: BTreeSet<IpAddr> = network.ranges.iter().flat_map(IpNet::hosts).collect();
        if network.mdns {
            match mdns::announced(LISTEN).await {
                Ok(announced) => heard.hear(&network.name, announced, self.candidates()?.into_keys()),
                Err(error) => tracing::warn!(network = %network.name, %error, "announcements can't be heard"),
            }
            addresses.extend(heard.lately(&network.name));
        }
        for device in self.store.devices()?.into_iter().filter(|device| device.value.gateway == self.node) {
            addresses.remove(&device.value.reach.address);
        }
        let mut known = self.candidates()?;
        tracing::info!(network = %network.name, addresses = addresses.len(), "searching");
        let mut answers = futures::stream::iter(addresses)
            .map(|address| async move { (address, self.ask(network, address).await) })
            .buffer_unordered(ASKED);
        let mut found = BTreeSet::new();
        while let Some((address, candidate)) = answers.next().await {
            if let Some(candidate) = candidate {
                found.insert(address);
                self.keep(known.remove(&address), candidate, network, adopter).await?;
            }
        }
        Ok(found)
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
        let changed = known.as_ref() != Some(&candidate);
        if changed {
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
        let rule = match rule {
            Some(claim) if changed || !self.rests(&candidate, claim)? => Some(claim),
            _ => None,
        };
        match rule {
            Some(claim) => adopter.begin(candidate.reach.clone(), claim.plugin.clone(), Origin::Rule, changes).await,
            None => self.store.commit(changes).await,
        }
    }

    /// Whether a rule tried this candidate before, and trying again is of no use yet.
    fn rests(&self, candidate: &Candidate, claim: &Claim) -> Result<bool, StoreError> {
        let Some(tried) = self.store.adoption(candidate.reach.address)? else { return Ok(false) };
        let plugin = self.store.plugin(&claim.plugin)?.map(|plugin| plugin.value.active.installed_at);
        Ok(tried.value.plugin == claim.plugin && tried.value.rests(plugin, now()))
    }

    async fn forget(&self, address: IpAddr) -> Result<(), StoreError> {
        let mut changes = Changes::from(Change::Candidate { gateway: self.node.clone(), address, value: None });
        // How a rule failed goes with it; what is under way goes on.
        if let Some(ended) = self.store.adoption(address)?.filter(|tried| tried.value.outstanding().is_none()) {
            changes = changes.and(Change::Adoption { address, expect: Expect::Version(ended.version), value: None });
        }
        self.store.commit(self.tell(changes, Method::CandidateGone(address))).await
    }

    fn tell(&self, changes: Changes, method: Method) -> Changes {
        changes.telling(self.parent.as_ref(), method)
    }
}

/// What announced itself in each network, and how many times it was listened for since.
#[derive(Default)]
struct Heard(BTreeMap<String, BTreeMap<IpAddr, u32>>);

impl Heard {
    /// Takes what announced itself. What was a candidate before the gateway started counts as heard once.
    fn hear(&mut self, network: &str, announced: BTreeSet<IpAddr>, before: impl Iterator<Item = IpAddr>) {
        let missed = match self.0.entry(network.to_owned()) {
            btree_map::Entry::Vacant(new) => new.insert(before.map(|address| (address, 0)).collect()),
            btree_map::Entry::Occupied(known) => known.into_mut(),
        };
        missed.values_mut().for_each(|missed| *missed += 1);
        missed.extend(announced.into_iter().map(|address| (address, 0)));
        missed.retain(|_, missed| *missed < REMEMBERED);
    }

    /// What is still looked for.
    fn lately(&self, network: &str) -> impl Iterator<Item = IpAddr> {
        self.0.get(network).into_iter().flat_map(|missed| missed.keys().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d03_a_rule_with_a_misspelt_plug_in_is_known_when_the_plug_ins_are() {
        let rule = |plugin: &str| Rule { plugin: plugin.parse().unwrap(), network: None };
        let rules = [rule("mfp"), rule("mpf"), rule("mpf")];
        assert!(unknown_plugins(&rules, &BTreeSet::new()).is_empty(), "they may still come");
        let installed = ["mfp".parse().unwrap()].into();
        assert_eq!(unknown_plugins(&rules, &installed), ["mpf".parse().unwrap()].into());
    }

    #[test]
    fn d03_what_announces_itself_no_more_is_looked_for_a_few_times_and_then_not_any_more() {
        let (left, stays) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut heard = Heard::default();
        let lately = |heard: &Heard| heard.lately("office").collect::<Vec<_>>();
        assert!(lately(&heard).is_empty());
        // It was a candidate before the start, and its announcement got lost the first time.
        heard.hear("office", [stays].into(), [left].into_iter());
        assert_eq!(lately(&heard), [left, stays]);
        for _ in 1..REMEMBERED {
            heard.hear("office", [stays].into(), std::iter::empty());
        }
        assert_eq!(lately(&heard), [stays]);
        assert!(heard.lately("elsewhere").next().is_none());
    }
}
