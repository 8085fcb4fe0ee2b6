//! Performs adoptions: one task each, from what is stored to its end.

use crate::now;
use futures::future::BoxFuture;
use hostler_core::adoption::{Adoption, Context, Effect, Event, LONGEST_WAIT, Origin, Phase};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::device::{Reach, device_id};
use hostler_core::reading::Identity;
use hostler_core::{Fingerprint, NodeId, PluginName};
use hostler_store::{Store, StoreError, Versioned};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long to wait before a commit that the disk refused is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// A thing couldn't be asked who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskError {
    /// Why, for people.
    pub why: String,
    /// Whether asking again may help.
    pub again: bool,
}

/// Who is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// Who it says that it is.
    pub identity: Identity,
    /// The certificate that it showed, where it was asked over HTTPS.
    pub certificate: Option<Fingerprint>,
}

/// Asks a thing who it is, through a plug-in.
pub trait Ask: Send + Sync {
    /// Who is there? Where it is known by a certificate, nobody else is asked. Asking changes nothing, so it may be
    /// repeated.
    fn identify(
        &self,
        reach: Reach,
        plugin: PluginName,
        trusted: Option<Fingerprint>,
    ) -> BoxFuture<'_, Result<Identified, AskError>>;
}

/// Performs the adoptions of one gateway.
pub struct Adopter {
    store: Arc<dyn Store>,
    ask: Arc<dyn Ask>,
    gateway: NodeId,
    parent: Option<NodeId>,
    running: Mutex<HashSet<IpAddr>>,
}

impl Adopter {
    /// Goes on with every adoption that is stored.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn start(
        store: Arc<dyn Store>,
        ask: Arc<dyn Ask>,
        gateway: NodeId,
        parent: Option<NodeId>,
    ) -> Result<Arc<Self>, StoreError> {
        let adoptions = store.adoptions()?;
        let adopter = Arc::new(Self { store, ask, gateway, parent, running: Mutex::default() });
        for adoption in adoptions.into_iter().filter(|adoption| adoption.value.outstanding().is_some()) {
            adopter.drive(adoption.value.address());
        }
        Ok(adopter)
    }

    /// Begins an adoption, with `more` in the same commit. One that is under way for this address goes on instead, unless
    /// a rule began it and somebody now wants it by hand.
    ///
    /// # Errors
    /// The store's; nothing has begun then.
    pub async fn begin(
        self: &Arc<Self>,
        reach: Reach,
        plugin: PluginName,
        origin: Origin,
        more: Changes,
    ) -> Result<(), StoreError> {
        let address = reach.address;
        let mut changes = more;
        let known = self.store.adoption(address)?;
        let goes_on = |known: &Versioned<Adoption>| {
            known.value.outstanding().is_some() && (known.value.origin == Origin::Person || origin == Origin::Rule)
        };
        if !known.as_ref().is_some_and(goes_on) {
            let new = Adoption::begin(reach, plugin, origin);
            let (expect, new) = match known {
                Some(known) => (Expect::Version(known.version), new.after(&known.value)),
                None => (Expect::Absent, new),
            };
            changes = changes.and(Change::Adoption { address, expect, value: Some(Box::new(new)) });
        }
        self.store.commit(changes).await?;
        self.drive(address);
        Ok(())
    }

    /// Whether something is being adopted at this address.
    #[must_use]
    pub fn is_adopting(&self, address: &IpAddr) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).contains(address)
    }

    fn drive(self: &Arc<Self>, address: IpAddr) {
        if !self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(address) {
            return;
        }
        let adopter = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                if let Err(error) = adopter.run(address).await {
                    tracing::error!(%address, %error, "an adoption waits for the store");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
                // One that was begun since then found this one running: it is looked for before this one goes.
                let mut running = adopter.running.lock().unwrap_or_else(PoisonError::into_inner);
                let outstanding = |stored: Versioned<Adoption>| stored.value.outstanding();
                if matches!(adopter.store.adoption(address).map(|stored| stored.and_then(outstanding)), Ok(None)) {
                    running.remove(&address);
                    return;
                }
            }
        });
    }

    /// Performs what is outstanding until the adoption has ended. A conflict means that something changed
    /// meanwhile: what is stored now says what is outstanding.
    async fn run(&self, address: IpAddr) -> Result<(), StoreError> {
        while let Some(stored) = self.store.adoption(address)? {
            let Some(effect) = stored.value.outstanding() else { break };
            let event = self.perform(&stored.value, effect).await?;
            match self.take(address, stored, event).await {
                Ok(()) => {}
                Err(StoreError::Conflict { what }) => {
                    tracing::debug!(%address, %what, "an adoption's step is taken anew")
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn perform(&self, adoption: &Adoption, effect: Effect) -> Result<Event, StoreError> {
        Ok(match effect {
            Effect::Identify(reach) => {
                let address = reach.address;
                match self.ask.identify(reach, adoption.plugin.clone(), None).await {
                    Ok(Identified { identity, certificate }) => {
                        let id = device_id(&identity, &self.gateway, address);
                        let known = self.store.device(&id)?.map(|known| Box::new((known.version, known.value)));
                        let released = self.store.is_released(&id)?;
                        Event::Identified { identity, certificate, known, released }
                    }
                    Err(AskError { why, again }) => Event::Failed { why, again },
                }
            }
            Effect::AskOldAddress(reach) => {
                let Phase::Comparing { known, .. } = &adoption.phase else { return Ok(Event::Due) };
                let device = self.store.device(known)?.map(|device| device.value);
                let plugin = device.as_ref().map_or(&adoption.plugin, |device| &device.plugin).clone();
                // Who shows another certificate there isn't the device.
                let trusted = device.and_then(|device| device.certificate).map(|certificate| certificate.trusted);
                let there = self.ask.identify(reach.clone(), plugin, trusted).await.ok();
                let identity = there.map(|there| there.identity);
                let known = self.store.device(known)?.map(|known| Box::new((known.version, known.value)));
                Event::OldAddress { at: reach, identity, known }
            }
            Effect::WakeAt(until) => {
                // No step waits longer: what says so was stored by a clock that was wrong.
                tokio::time::sleep(until.since(now()).min(LONGEST_WAIT)).await;
                Event::Due
            }
        })
    }

    async fn take(&self, address: IpAddr, stored: Versioned<Adoption>, event: Event) -> Result<(), StoreError> {
        let context = Context { gateway: self.gateway.clone(), parent: self.parent.clone(), now: now() };
        let step = stored.value.step(event, &context);
        let expect = Expect::Version(stored.version);
        let value = step.next.map(Box::new);
        self.store.commit(step.changes.and(Change::Adoption { address, expect, value })).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_core::message::Portion;
    use hostler_store::RedbStore;
    use std::collections::VecDeque;

    /// Answers from a list; then always the last.
    struct Script(Mutex<VecDeque<Result<Identity, AskError>>>);

    impl Ask for Script {
        fn identify(
            &self,
            _: Reach,
            _: PluginName,
            _: Option<Fingerprint>,
        ) -> BoxFuture<'_, Result<Identified, AskError>> {
            let mut answers = self.0.lock().unwrap();
            let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            Box::pin(async move { next.unwrap().map(|identity| Identified { identity, certificate: None }) })
        }
    }

    fn silent() -> Result<Identity, AskError> {
        Err(AskError { why: "no answer".into(), again: true })
    }

    fn found(serial: &str) -> Result<Identity, AskError> {
        Ok(Identity { serial: Some(serial.into()), ..Identity::default() })
    }

    fn reach(last: u8) -> Reach {
        Reach { address: [192, 0, 2, last].into(), snmp: None, http: None }
    }

    async fn until(condition: impl Fn() -> bool) {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn adopter(store: &Arc<dyn Store>, answers: Vec<Result<Identity, AskError>>) -> Arc<Adopter> {
        let ask = Arc::new(Script(Mutex::new(answers.into())));
        Adopter::start(Arc::clone(store), ask, "gw".parse().unwrap(), Some("root".parse().unwrap())).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_is_adopted_when_it_wakes() {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let adopter = adopter(&store, vec![silent(), silent(), found("A1")]);
        adopter.begin(reach(1), "mfp".parse().unwrap(), Origin::Rule, Changes::none()).await.unwrap();
        until(|| !adopter.is_adopting(&reach(1).address)).await;
        assert_eq!(store.devices().unwrap().len(), 1);
        assert!(store.adoptions().unwrap().is_empty());
        assert!(store.waiting(&"root".parse().unwrap()).unwrap() > 0, "the parent is told");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_begun_goes_on_after_a_crash() {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let value = Some(Box::new(Adoption::begin(reach(1), "mfp".parse().unwrap(), Origin::Person)));
        let change = Change::Adoption { address: reach(1).address, expect: Expect::Absent, value };
        store.commit(change.into()).await.unwrap();
        let adopter = adopter(&store, vec![found("A1")]);
        until(|| !adopter.is_adopting(&reach(1).address)).await;
        assert_eq!(store.devices().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_a_time_that_a_wrong_clock_wrote_goes_on_soon() {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let until_2099 = Phase::Waiting { attempt: 1, until: hostler_core::Timestamp(4_070_908_800_000) };
        let adoption = Adoption::begin(reach(1), "mfp".parse().unwrap(), Origin::Person);
        let value = Some(Box::new(Adoption { phase: until_2099, ..adoption }));
        let change = Change::Adoption { address: reach(1).address, expect: Expect::Absent, value };
        store.commit(change.into()).await.unwrap();
        let began = tokio::time::Instant::now();
        let adopter = adopter(&store, vec![found("A1")]);
        until(|| !adopter.is_adopting(&reach(1).address)).await;
        assert_eq!(store.devices().unwrap().len(), 1);
        // The paused clock also goes on while the store writes, so that more than the one wait passes.
        assert!(began.elapsed() < Duration::from_secs(3_600), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_let_go_is_adopted_by_hand_and_not_by_a_rule() {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let id = device_id(&found("A1").unwrap(), &"gw".parse().unwrap(), reach(1).address);
        let value = Some(hostler_core::Timestamp(1));
        store.commit(Change::Released { id: id.clone(), expect: Expect::Absent, value }.into()).await.unwrap();
        let adopter = adopter(&store, vec![found("A1")]);
        let begin = |origin| adopter.begin(reach(1), "mfp".parse().unwrap(), origin, Changes::none());
        begin(Origin::Rule).await.unwrap();
        until(|| !adopter.is_adopting(&reach(1).address)).await;
        assert!(store.devices().unwrap().is_empty());
        assert!(store.events(None, None, 10).unwrap().is_empty(), "whoever let it go knows");
        begin(Origin::Person).await.unwrap();
        until(|| !adopter.is_adopting(&reach(1).address)).await;
        assert_eq!(store.devices().unwrap().len(), 1);
        assert!(!store.is_released(&id).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_who_wants_what_a_rule_is_adopting_learns_how_it_ends() {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let adopter = adopter(&store, vec![silent()]);
        let begin = |origin| adopter.begin(reach(1), "mfp".parse().unwrap(), origin, Changes::none());
        begin(Origin::Rule).await.unwrap();
        begin(Origin::Person).await.unwrap();
        until(|| !adopter.is_adopting(&reach(1).address)).await;
        let told = store.outbox(&"root".parse().unwrap(), Portion::EXCHANGE).unwrap();
        let ended = |message: &hostler_core::message::Envelope| {
            matches!(message.message.method, hostler_core::message::Method::AdoptionEnded { .. })
        };
        assert_eq!(told.messages.iter().filter(|message| ended(message)).count(), 1, "{told:?}");
        assert!(store.adoptions().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn two_addresses_with_one_serial_number_give_one_device() {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let adopter = adopter(&store, vec![found("A1")]);
        let begin = |last| adopter.begin(reach(last), "mfp".parse().unwrap(), Origin::Person, Changes::none());
        let (first, second) = tokio::join!(begin(1), begin(2));
        first.unwrap();
        second.unwrap();
        until(|| !adopter.is_adopting(&reach(1).address) && !adopter.is_adopting(&reach(2).address)).await;
        assert_eq!(store.devices().unwrap().len(), 1);
        let ended = store.events(None, None, 10).unwrap();
        assert!(ended.iter().any(|(_, event)| event.text.contains("two devices with one serial number")), "{ended:?}");
    }
}
