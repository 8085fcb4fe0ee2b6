//! A device that sleeps is woken for work. What follows from what it says is [`hostler_core::waking`]'s business.

use super::Requests;
use crate::gateway::{CallFailed, Caller, Undone};
use hostler_core::DeviceId;
use hostler_core::command::{PowerWish, Readiness};
use hostler_core::request::{Failing, Flight, Question};
use hostler_core::waking::{Heard, Next, Waking};
use hostler_engine::now;
use hostler_runtime::Failure;

impl Requests {
    /// Waits until the device is as what is asked needs it, and has it wake where it sleeps. The error is what whoever asked is
    /// told: nothing was done. Returns at once where nobody waits any more.
    pub(super) async fn made_ready(&self, flight: &Flight) -> Result<(), (Failing, String)> {
        let Some(device) = flight.question.device() else { return Ok(()) };
        // What this node doesn't speak for is refused where it is done.
        let Some(gateway) = self.gateway_of(device) else { return Ok(()) };
        let caller = gateway.caller();
        let needs = match &flight.question {
            Question::Command { device, name, arguments } => caller.needs(device, name, arguments).await,
            // The display of a device that sleeps is dark.
            Question::ShowOnPanel { .. } => Readiness::Awake,
            // What it counts and how it is, it says while it sleeps, too.
            _ => Readiness::Any,
        };
        let (mut waking, mut next) = Waking::begin(needs, now(), flight.until);
        while self.goes_on(&flight.id) {
            let heard = match next {
                Next::Work => break,
                Next::GiveUp(failing, why) => return Err((failing, why)),
                Next::Ask(after) => {
                    tokio::time::sleep(after).await;
                    ask(caller, device).await
                }
                Next::Wake => {
                    tracing::info!(%device, request = %flight.id, "it sleeps, and is woken for {}", flight.question.words());
                    wake(caller, device).await
                }
            };
            (waking, next) = waking.step(heard, now());
            self.say_waits(&flight.id, format!("{device} {}", waking.waits()));
        }
        Ok(())
    }
}

async fn ask(caller: &Caller, device: &DeviceId) -> Heard {
    match caller.power_state(device).await {
        Ok(state) => Heard::State(state),
        Err(CallFailed::Thing(Failure::Unsupported(_))) => Heard::Mute,
        Err(error) if error.is_of_the_thing() => Heard::Silent(error.to_string()),
        Err(error) => Heard::Refused(error.to_string()),
    }
}

async fn wake(caller: &Caller, device: &DeviceId) -> Heard {
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
