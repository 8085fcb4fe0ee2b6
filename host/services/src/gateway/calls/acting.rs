//! One call for a managed device from beginning to end: its turn, its traces and what it wants done committed together,
//! and that done afterwards, once at most.

use super::{CallFailed, Caller, Thing, event, log};
use hostler_core::changes::{Change, Changes, StartedAction};
use hostler_core::command::PowerWish;
use hostler_core::device::Device;
use hostler_core::plugin::Capability;
use hostler_core::{DeviceId, PluginName};
use hostler_engine::now;
use hostler_links::{HttpError, HttpLink, Oid, Place, SnmpError, Value};
use hostler_runtime::{Action, Answer, Loaded, Question};
use hostler_store::StoreError;

/// How an action ended that was not simply done.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Undone {
    /// It wasn't done.
    #[error("it wasn't done: {0}")]
    Failed(String),
    /// Nobody knows.
    #[error("whether it was done isn't known: {0}")]
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

impl Caller {
    /// Calls a device's plug-in, from this place. `take` makes of the answer what the caller wants and what is to be done; both
    /// come back once the call's traces are stored and each action was tried.
    pub(super) async fn act<T>(
        &self,
        known: &Device,
        place: Place,
        question: Question,
        take: impl FnOnce(Answer) -> Result<(T, Vec<Action>), CallFailed>,
    ) -> Result<(T, Vec<Undone>), CallFailed> {
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
        let harmless = is_harmless(&question);
        let done = self.runtime.call(&loaded, call, question).await;
        // It showed its certificate, however the call ended.
        let shown = trust.and_then(|trust| trust.shown());
        if let Some(shown) = &shown {
            self.showed(device, shown).await?;
        }
        let done = done?;
        log(device, plugin, &done);
        let (brought, actions) = take(done.answer.map_err(CallFailed::Thing)?)?;
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
        let numbered = (now().0..).map(|id| (!harmless).then_some(id));
        let actions: Vec<(Option<u64>, Action)> = numbered.zip(actions).collect();
        for id in actions.iter().filter_map(|(id, _)| *id) {
            changes = changes.and(started(device, id, plugin));
        }
        self.store.commit(changes).await?;
        let mut undone = Vec::new();
        if let Some(place) = place {
            let thing = Thing { id: device, reach: &known.reach, trusted: trusted.or(shown.as_ref()) };
            for action in actions {
                undone.extend(self.perform(thing, &place, &loaded, action).await?.err());
            }
        }
        Ok((brought, undone))
    }

    /// Performs an action that was stored as started under this ID, and strikes it off. It is done once at most: what a crash
    /// interrupts is reported by [`Caller::report_doubts`]. A harmless one has no ID.
    async fn perform(
        &self,
        thing: Thing<'_>,
        place: &Place,
        plugin: &Loaded,
        (id, action): (Option<u64>, Action),
    ) -> Result<Result<(), Undone>, StoreError> {
        let device = thing.id;
        let links = self.call(thing, place, plugin).await;
        let trust = links.http.as_ref().and_then(HttpLink::trust).cloned();
        let outcome: Result<(), Undone> = match (action, links.snmp, links.http) {
            (Action::SnmpSet(_), _, _) if !plugin.grant.has(&Capability::SnmpWrite) => {
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
        let Some(id) = id else { return Ok(outcome) };
        let changes = Changes::from(Change::Action { device: device.clone(), id, value: None });
        let plugin = &plugin.component.manifest.name;
        let changes = match &outcome {
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
        self.store.commit(changes).await?;
        Ok(outcome)
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

/// Whether what this has done may be done again: to wake what is awake does nothing. It isn't stored as started, and no event
/// tells of it: whoever wants the device awake asks it next how it is, and after a crash wakes it anew.
fn is_harmless(question: &Question) -> bool {
    matches!(question, Question::SetPower(PowerWish::Wake))
}

fn started(device: &DeviceId, id: u64, plugin: &PluginName) -> Change {
    Change::Action { device: device.clone(), id, value: Some(StartedAction { plugin: plugin.clone() }) }
}
