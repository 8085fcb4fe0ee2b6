//! A device that sleeps is woken for work. What follows from what it says is [`hostler_core::waking`]'s business.
//!
//! Where this node is the device itself, it switches its engine's power, and its plug-in is asked once the engine is ready.

use super::doing::failed;
use super::{Done, Requests};
use crate::engine::{EngineControl, Working};
use crate::gateway::{CallFailed, Caller, Undone};
use hostler_core::DeviceId;
use hostler_core::command::{Engine, PowerWish, Readiness};
use hostler_core::request::{Answer, Failing, Flight, Question};
use hostler_core::waking::{Heard, Next, Waking};
use hostler_engine::now;
use hostler_links::Lane;
use hostler_runtime::Failure;
use hostler_store::StoreError;
use std::sync::Arc;

/// What keeps this node's own engine on until the work is done, where it has one; or what whoever asked is told: nothing was
/// done.
pub(super) type MadeReady = Result<Option<Working>, (Failing, String)>;

impl Requests {
    /// Waits until the device is as what is asked needs it, and has it wake where it sleeps. Returns at once where nobody waits
    /// any more.
    ///
    /// # Errors
    /// The store's: whether somebody waits isn't known then, nor whether the device is ready, so nothing may begin.
    pub(super) async fn made_ready(&self, flight: &Flight) -> Result<MadeReady, StoreError> {
        let Some(device) = flight.question.device() else { return Ok(Ok(None)) };
        // What this node doesn't speak for is refused where it is done.
        let Some(gateway) = self.gateway_of(device) else { return Ok(Ok(None)) };
        let caller = gateway.caller();
        let needs = match &flight.question {
            Question::Command { device, name, arguments } => match caller.needs(device, name, arguments).await {
                Ok(needs) => needs,
                Err(CallFailed::Store(error)) => return Err(error),
                Err(error) => return Ok(Err((Failing::Refused, format!("{error}; nothing was done")))),
            },
            // The display of a device that sleeps is dark.
            Question::ShowOnPanel { .. } => Readiness::Awake,
            // What it counts and how it is, it says while it sleeps, too.
            _ => Readiness::Any,
        };
        let engine = self.engine_of(device).filter(|_| needs != Readiness::Any);
        let working = engine.map(EngineControl::working);
        // However many wait for it, one asks it at a time; and what sleeps so deeply that it doesn't answer takes no place of
        // those that do.
        let (turn, mut lane) = (self.waking.of(device), Lane::Lively);
        let (mut waking, mut next) = Waking::begin(needs, now(), flight.until);
        while self.goes_on(&flight.id)? {
            let heard = match next {
                Next::Work => break,
                Next::GiveUp(failing, why) => return Ok(Err((failing, why))),
                Next::Ask(after) => {
                    tokio::time::sleep(after).await;
                    let _turn = turn.lock().await;
                    ask(caller, device, engine, lane).await
                }
                Next::Wake => {
                    tracing::info!(%device, request = %flight.id, "it sleeps, and is woken for {}", flight.question.words());
                    let _turn = turn.lock().await;
                    wake(caller, device, engine).await
                }
            };
            lane = if matches!(heard, Heard::Silent(_)) { Lane::Doubtful } else { Lane::Lively };
            (waking, next) = waking.step(heard, now());
            self.say_waits(&flight.id, format!("{device} {}", waking.waits()));
        }
        Ok(Ok(working))
    }

    /// The engine of a device, where this node is that device.
    pub(crate) fn engine_of(&self, device: &DeviceId) -> Option<&Arc<EngineControl>> {
        let engine = self.engine.get()?;
        match self.inventory.devices_where(|gateway| *gateway == self.node.id).as_slice() {
            [only] if only.id == *device => Some(engine),
            _ => None,
        }
    }

    /// How a device is powered: by its engine, and by what its plug-in says where that is ready.
    pub(super) async fn power(&self, caller: &Caller, device: &DeviceId) -> Done {
        let own = self.engine_of(device).map(|engine| engine.state());
        if let Some(power) = own.clone().filter(|own| own.engine != Engine::Ready) {
            return Ok(Answer::Power { power });
        }
        match (own, caller.power_state(device).await) {
            (None, Ok(power)) => Ok(Answer::Power { power }),
            (Some(own), Ok(mut power)) => {
                power.can.extend(own.can);
                Ok(Answer::Power { power })
            }
            (Some(power), Err(CallFailed::Thing(Failure::Unsupported(_)))) => Ok(Answer::Power { power }),
            (_, Err(error)) => Err(failed(error)),
        }
    }
}

/// Switches an engine's power, where it is ordered to wake or sleep.
pub(super) fn switch(engine: &EngineControl, wish: PowerWish) -> Option<Done> {
    let (switched, said) = match wish {
        PowerWish::Wake => (engine.wake(), "Its engine is switched on."),
        PowerWish::Sleep => (engine.sleep(), "Its engine is switched off."),
        PowerWish::PowerCycle => return None,
    };
    let done = switched.map(|()| Answer::Done { lines: vec![said.to_owned()] });
    Some(done.map_err(|error| (Failing::Refused, error.to_string())))
}

async fn ask(caller: &Caller, device: &DeviceId, engine: Option<&Arc<EngineControl>>, lane: Lane) -> Heard {
    if let Some(state) = engine.map(|engine| engine.state()).filter(|state| state.engine != Engine::Ready) {
        return Heard::State(state);
    }
    match caller.power_state_from(device, lane).await {
        Ok(state) => Heard::State(state),
        Err(CallFailed::Thing(Failure::Unsupported(_))) => Heard::Mute,
        Err(error) if error.is_of_the_thing() => Heard::Silent(error.to_string()),
        Err(error) => Heard::Refused(error.to_string()),
    }
}

async fn wake(caller: &Caller, device: &DeviceId, engine: Option<&Arc<EngineControl>>) -> Heard {
    if let Some(engine) = engine.filter(|engine| engine.state().is_asleep()) {
        return engine.wake().map_or_else(|error| Heard::Wont(error.to_string()), |()| Heard::Told);
    }
    match caller.set_power(device, PowerWish::Wake).await {
        Ok(told) => match told.undone.into_iter().find(|undone| matches!(undone, Undone::Failed(_))) {
            Some(undone) => Heard::Wont(undone.to_string()),
            None => Heard::Told,
        },
        Err(CallFailed::Thing(Failure::Unsupported(why) | Failure::Refused(why))) => Heard::Wont(why),
        // Perhaps it was told; that is asked next.
        Err(error) if error.is_of_the_thing() => Heard::Told,
        Err(error) => Heard::Refused(error.to_string()),
    }
}
