//! The engine of a device node: the node is its controller, and has two signals to it. One switches the engine's power, the other
//! says that the engine is ready.
//!
//! Both are files, as Linux shows the pins of a controller (`/sys/class/gpio/…/value`): "1" is on, and ready. `hostler simulate
//! --engine` is an engine at the other end. What is to be done is decided by [`hostler_core::waking::Controller`].

use hostler_core::command::PowerState;
use hostler_core::waking::{Controller, Switch};
use hostler_engine::now;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So often the signals and the clock are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// An engine, and what controls it.
#[derive(Debug)]
pub struct EngineControl {
    power: PathBuf,
    ready: PathBuf,
    controller: Mutex<Controller>,
}

/// While this lives, the engine isn't switched off by itself.
#[derive(Debug)]
pub struct Working(Arc<EngineControl>);

impl Drop for Working {
    fn drop(&mut self) {
        let mut controller = self.0.controller();
        *controller = controller.clone().ended(now());
    }
}

/// The engine can't be switched.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Its signal.
    #[error("the engine's power can't be switched by {}: {source}", path.display())]
    Signal {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It works.
    #[error("the engine works at the moment; try again when that has ended")]
    Works,
}

impl EngineControl {
    /// An engine with these signals, switched off when nothing was done for so long. Its power stays as it is.
    #[must_use]
    pub fn new(power: PathBuf, ready: PathBuf, off_after: Duration) -> Arc<Self> {
        let switch = if is_on(&power) { Switch::On } else { Switch::Off };
        let controller = Mutex::new(Controller::new(switch, off_after, now()));
        Arc::new(Self { power, ready, controller })
    }

    fn controller(&self) -> MutexGuard<'_, Controller> {
        self.controller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the device is powered.
    #[must_use]
    pub fn state(&self) -> PowerState {
        let is_ready = is_on(&self.ready);
        self.controller().state(is_ready)
    }

    /// The engine is wanted: it isn't switched off for as long as what is returned lives. It isn't switched on by that.
    #[must_use]
    pub fn working(self: &Arc<Self>) -> Working {
        let mut controller = self.controller();
        *controller = controller.clone().begun();
        Working(Arc::clone(self))
    }

    /// Switches the engine on. It says itself when it is ready.
    ///
    /// # Errors
    /// [`EngineError::Signal`].
    pub fn wake(&self) -> Result<(), EngineError> {
        self.switch(|controller| Ok(controller.woken(now())))
    }

    /// Switches the engine off.
    ///
    /// # Errors
    /// It works, or [`EngineError::Signal`].
    pub fn sleep(&self) -> Result<(), EngineError> {
        self.switch(|controller| controller.put_to_sleep().map_err(|_| EngineError::Works))
    }

    /// Where the signal can't be given, what is remembered is as it was, as the engine is.
    fn switch(&self, step: impl FnOnce(Controller) -> Result<Controller, EngineError>) -> Result<(), EngineError> {
        let mut controller = self.controller();
        let before = controller.switch();
        let next = step(controller.clone())?;
        if next.switch() != before {
            let (signal, power) = match next.switch() {
                Switch::On => ("1\n", "on"),
                Switch::Off => ("0\n", "off"),
            };
            std::fs::write(&self.power, signal)
                .map_err(|source| EngineError::Signal { path: self.power.clone(), source })?;
            tracing::info!(power, "the engine's power was switched");
        }
        *controller = next;
        Ok(())
    }

    /// Switches the engine off when nothing was done for a while, until it is dropped.
    pub async fn tend_forever(self: Arc<Self>) {
        let mut said = String::new();
        loop {
            tokio::time::sleep(LOOK).await;
            match self.switch(|controller| Ok(controller.looked(now()))) {
                Ok(()) => said.clear(),
                // It is tried each second, and said once.
                Err(error) if error.to_string() == said => {}
                Err(error) => {
                    tracing::warn!("{error}");
                    said = error.to_string();
                }
            }
        }
    }
}

fn is_on(signal: &Path) -> bool {
    std::fs::read_to_string(signal).is_ok_and(|text| text.trim() == "1")
}
