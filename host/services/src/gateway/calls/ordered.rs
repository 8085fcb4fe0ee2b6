//! What people order of a device: its commands, its panel, its power. They are told what the plug-in said, and what became
//! of each thing that it wanted done.

use super::{CallFailed, Caller, Undone};
use hostler_core::command::{Arguments, Command, PanelText, PanelView, PowerState, PowerWish, Readiness};
use hostler_core::device::Device;
use hostler_core::{DeviceId, PluginName};
use hostler_links::Lane;
use hostler_runtime::{Answer, Deed, Failure, Question};
use std::sync::Arc;

/// What came of an order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// What the plug-in says.
    pub lines: Vec<String>,
    /// What was to be done at the device and wasn't, or nobody knows. Events tell of each as well, but where it was to wake.
    pub undone: Vec<Undone>,
}

impl Caller {
    /// The commands that a plug-in describes. No device is asked.
    ///
    /// # Errors
    /// The plug-in isn't ready, or describes what it may not.
    pub async fn describe_commands(&self, plugin: &PluginName) -> Result<Arc<[Command]>, CallFailed> {
        self.catalogue.commands(plugin).await
    }

    /// How a device has to be for one of its plug-in's commands. One that isn't taken anyway needs nothing: it is refused at
    /// once, and nobody is woken for that.
    ///
    /// # Errors
    /// What it needs isn't known: there is no such device, or its plug-in doesn't describe its commands.
    pub(crate) async fn needs(
        &self,
        device: &DeviceId,
        name: &str,
        arguments: &Arguments,
    ) -> Result<Readiness, CallFailed> {
        let device = self.managed(device)?;
        let commands = self.describe_commands(&device.plugin).await?;
        let taken = commands.iter().find(|command| command.name == name);
        let taken = taken.filter(|command| command.check(arguments.clone()).is_ok());
        Ok(taken.map_or(Readiness::Any, |command| command.needs))
    }

    /// Has a device do one of its plug-in's commands. The arguments are checked against the plug-in that is here.
    ///
    /// # Errors
    /// There is no such device or command, the arguments don't fit, or the call failed; nothing was done then.
    pub async fn command(&self, device: &DeviceId, name: &str, arguments: Arguments) -> Result<Told, CallFailed> {
        let device = self.managed(device)?;
        let commands = self.describe_commands(&device.plugin).await?;
        let Some(command) = commands.iter().find(|command| command.name == name) else {
            return Err(CallFailed::NoCommand {
                plugin: device.plugin,
                name: name.chars().take(80).collect(),
                known: commands.iter().map(|command| command.name.clone()).collect(),
            });
        };
        let arguments = command.check(arguments)?;
        self.do_it(&device, Question::RunCommand { name: name.to_owned(), arguments }).await
    }

    /// What a device's panel shows.
    ///
    /// # Errors
    /// There is no such device, its plug-in or model tells nothing of a panel, or it can't be asked.
    pub async fn look_at_panel(&self, device: &DeviceId) -> Result<PanelView, CallFailed> {
        let device = self.managed(device)?;
        self.ask(&device, Lane::Lively, Question::LookAtPanel, |answer| match answer {
            Answer::Panel(view) => Some(view),
            _ => None,
        })
        .await
    }

    /// Shows text on a device's panel.
    ///
    /// # Errors
    /// As [`Caller::command`].
    pub async fn show_on_panel(&self, device: &DeviceId, text: PanelText) -> Result<Told, CallFailed> {
        self.do_it(&self.managed(device)?, Question::ShowOnPanel(text)).await
    }

    /// How a device is powered, and what it can be told.
    ///
    /// # Errors
    /// As [`Caller::look_at_panel`].
    pub async fn power_state(&self, device: &DeviceId) -> Result<PowerState, CallFailed> {
        self.power_state_from(device, Lane::Lively).await
    }

    /// The same from a place in this lane, where it is known whether it answered the last time.
    pub(crate) async fn power_state_from(&self, device: &DeviceId, lane: Lane) -> Result<PowerState, CallFailed> {
        let device = self.managed(device)?;
        self.ask(&device, lane, Question::PowerState, |answer| match answer {
            Answer::Power(state) => Some(state),
            _ => None,
        })
        .await
    }

    /// Has a device wake, sleep, or go off and on.
    ///
    /// # Errors
    /// As [`Caller::command`].
    pub async fn set_power(&self, device: &DeviceId, wish: PowerWish) -> Result<Told, CallFailed> {
        self.do_it(&self.managed(device)?, Question::SetPower(wish)).await
    }

    fn managed(&self, device: &DeviceId) -> Result<Device, CallFailed> {
        let stored = self.store.device(device)?.ok_or_else(|| CallFailed::NoDevice(device.clone()))?;
        Ok(stored.value)
    }

    async fn ask<T>(
        &self,
        device: &Device,
        lane: Lane,
        question: Question,
        wanted: impl FnOnce(Answer) -> Option<T>,
    ) -> Result<T, CallFailed> {
        let place = self.place(&device.reach, lane).await;
        let take = |answer| Ok((wanted(answer).ok_or_else(something_else)?, Vec::new()));
        Ok(self.act(device, place, question, take).await?.0)
    }

    async fn do_it(&self, device: &Device, question: Question) -> Result<Told, CallFailed> {
        let place = self.place(&device.reach, Lane::Lively).await;
        let take = |answer| match answer {
            Answer::Did(Deed { lines, actions }) => Ok((lines, actions)),
            _ => Err(something_else()),
        };
        let (lines, undone) = self.act(device, place, question, take).await?;
        Ok(Told { lines, undone })
    }
}

fn something_else() -> CallFailed {
    CallFailed::Thing(Failure::Garbled("the plug-in answered something else".to_owned()))
}
