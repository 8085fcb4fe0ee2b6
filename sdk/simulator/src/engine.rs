//! The engine of a device node, as its controller sees it: a signal that switches its power, and one by which it says that it is
//! ready. Both are files in a folder, "1" or "0", as Linux shows the pins of a controller.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::{DeviceControl, Sleep};

/// How often it looks at its power.
const LOOK: Duration = Duration::from_millis(50);

/// An engine that runs until this is dropped.
#[derive(Debug)]
pub struct Engine {
    power: PathBuf,
    ready: PathBuf,
    task: JoinHandle<()>,
}

impl Engine {
    /// Starts an engine on the current runtime, without power: its signals are the files `power` and `ready` in this folder. It
    /// takes so long to warm up. A simulated device whose engine it is sleeps and wakes with it.
    ///
    /// # Errors
    ///
    /// The files can't be written.
    pub fn start(folder: &Path, warm_up: Duration, device: Option<DeviceControl>) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (power, ready) = (folder.join("power"), folder.join("ready"));
        std::fs::write(&power, "0\n")?;
        std::fs::write(&ready, "0\n")?;
        device.iter().for_each(|device| device.sleep(Sleep::Light));
        let task = tokio::spawn(run(power.clone(), ready.clone(), warm_up, device));
        Ok(Self { power, ready, task })
    }

    /// The signal that switches its power.
    pub fn power(&self) -> &Path {
        &self.power
    }

    /// The signal by which it says that it is ready.
    pub fn ready(&self) -> &Path {
        &self.ready
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(power: PathBuf, ready: PathBuf, warm_up: Duration, device: Option<DeviceControl>) {
    let mut on_since: Option<Instant> = None;
    let mut is_ready = false;
    loop {
        tokio::time::sleep(LOOK).await;
        // While it is written there may be nothing in it: then the power is as it was.
        match std::fs::read_to_string(&power).unwrap_or_default().trim() {
            "1" => on_since = on_since.or_else(|| Some(Instant::now())),
            "0" => on_since = None,
            _ => {}
        }
        let now_ready = on_since.is_some_and(|since| since.elapsed() >= warm_up);
        if now_ready == is_ready {
            continue;
        }
        if let Err(error) = std::fs::write(&ready, if now_ready { "1\n" } else { "0\n" }) {
            tracing::error!(%error, file = %ready.display(), "a simulated engine can't say whether it is ready");
            continue;
        }
        is_ready = now_ready;
        device.iter().for_each(|device| if is_ready { device.wake() } else { device.sleep(Sleep::Light) });
    }
}
