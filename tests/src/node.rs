//! A running hostler.

use crate::log::Log;
use crate::{Api, Setup, binary, until};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A hostler that runs until this is dropped.
pub struct Node {
    setup: Setup,
    child: Child,
    log: Log,
    api: Api,
}

impl Node {
    /// Starts a node, and returns when it answers.
    pub async fn start(setup: Setup) -> Self {
        let log = Log::default();
        let mut child = spawn(&setup, &log);
        let api = ready(&setup, &mut child, &log).await;
        Self { setup, child, log, api }
    }

    /// Starts it again with the same configuration and data, after it was killed or stopped.
    pub async fn start_again(&mut self) {
        self.kill();
        self.log.add("---- starts again ----");
        self.child = spawn(&self.setup, &self.log);
        self.api = ready(&self.setup, &mut self.child, &self.log).await;
    }

    /// Starts it again with another configuration and the same data.
    pub async fn start_as(&mut self, setup: Setup) {
        self.setup = setup;
        self.start_again().await;
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again, and ends it at once after so long, whether it was ready by then or not.
    pub async fn live_for(&mut self, time: Duration) {
        self.kill();
        self.log.add("---- starts again, for a while ----");
        self.child = spawn(&self.setup, &self.log);
        tokio::time::sleep(time).await;
        self.kill();
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Panics
    /// When it doesn't end well.
    pub async fn stop(&mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let child = std::sync::Mutex::new(&mut self.child);
        let ended = until("the node has ended", async || child.lock().unwrap().try_wait().unwrap()).await;
        assert!(ended.success(), "{ended}");
    }

    /// Its API, with every right.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.setup.data()
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its configuration.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Everything that it said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The password that a new node prints for its first user.
    pub async fn first_password(&self) -> String {
        until("the first password is printed", async || {
            let log = self.log();
            let (_, rest) = log.split_once("first log-in: admin / ")?;
            rest.split_whitespace().next().map(str::to_owned)
        })
        .await
    }

    /// What it got when it joined, out of a copy of its store.
    ///
    /// # Panics
    /// When there is nothing.
    #[must_use]
    pub fn papers(&self) -> Value {
        let bytes = std::fs::read(self.data().join("hostler.redb")).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        // The newest row stands anywhere in the file.
        let rows = text.match_indices(r#""papers":{"#).filter_map(|(at, _)| {
            let mut parsed = serde_json::Deserializer::from_str(text.get(at + 9..)?).into_iter::<Value>();
            parsed.next()?.ok()
        });
        rows.max_by_key(|row| row["issued-at"].as_u64()).unwrap()
    }

    /// Runs a verb of the command line for this node.
    pub async fn run(&self, arguments: &[&str]) -> binary::Ran {
        let data = self.data();
        let all: Vec<&str> = arguments.iter().copied().chain(["--data", data.to_str().unwrap_or_default()]).collect();
        binary::hostler(&all).await
    }

    /// Registers devices as `hostler registration add` does with these arguments, and returns what was made.
    ///
    /// # Panics
    /// When they aren't taken.
    pub async fn registered(&self, more: &[&str]) -> Value {
        let made = self.run(&[&["registration", "add", "--json"], more].concat()).await.well();
        serde_json::from_str(&made).unwrap()
    }

    /// How a node that joins stands.
    ///
    /// # Panics
    /// When it doesn't say.
    pub async fn membership(&self) -> Value {
        self.api.get("membership").await.unwrap()
    }

    /// Installs a plug-in that was built here, and grants what it asks for.
    pub async fn install(&self, name: &str) {
        let file = binary::plugin(name);
        let _ = self.run(&["plugin", "install", "--approve", &file.to_string_lossy()]).await.well();
    }

    /// Makes a token for the gateway with this number.
    ///
    /// # Panics
    /// When it doesn't.
    pub async fn token_for(&self, number: u8) -> String {
        let made =
            self.api.post("nodes", &json!({ "id": format!("gateway-{number}"), "replace": true })).await.unwrap();
        made["token"].as_str().unwrap().to_owned()
    }

    /// The rows of its fleet, where it answers.
    pub async fn devices(&self) -> Option<Vec<Value>> {
        let page = self.api.get("devices?limit=1000").await.ok()?;
        page["rows"].as_array().cloned()
    }

    /// Waits until it has so many devices, and returns their rows.
    pub async fn until_devices(&self, count: usize) -> Vec<Value> {
        let what = format!("{} has {count} devices", self.setup.id);
        until(&what, async || self.devices().await.filter(|rows| rows.len() == count)).await
    }

    /// Waits until it has so many devices and a reading of each, and returns everything about each.
    pub async fn until_read(&self, count: usize) -> Vec<Value> {
        let what = format!("{} has read {count} devices", self.setup.id);
        until(&what, async || {
            let rows = self.devices().await.filter(|rows| rows.len() == count)?;
            let mut all = Vec::new();
            for row in rows {
                let view = self.device(row["id"].as_str()?).await?;
                view.pointer("/snapshot/report").filter(|report| !report.is_null())?;
                all.push(view);
            }
            Some(all)
        })
        .await
    }

    /// Everything about one device, where it is there.
    pub async fn device(&self, id: &str) -> Option<Value> {
        self.api.get(&format!("devices/{id}")).await.ok()
    }

    /// The ID of the device at this address.
    pub async fn id_at(&self, address: impl ToString) -> String {
        let address = address.to_string();
        until(format!("{address} is a device"), async || {
            let rows = self.devices().await?;
            rows.iter()
                .find(|row| row["address"] == json!(address))
                .and_then(|row| Some(row["id"].as_str()?.to_owned()))
        })
        .await
    }

    /// The newest 500 events, the newest first.
    pub async fn events(&self) -> Option<Vec<Value>> {
        self.api.get("events?limit=500").await.ok()?.as_array().cloned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        self.log.print_when_failing(&self.setup.id);
    }
}

fn spawn(setup: &Setup, log: &Log) -> Child {
    let _ = std::fs::remove_file(setup.data().join("local.address"));
    let mut command = Command::new(binary::program());
    command.arg("serve").arg(setup.write()).env_remove("HOSTLER_LOG").env("NO_PROXY", "127.0.0.0/8");
    command.envs(setup.variables.iter().map(|(name, path)| (name, path)));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdout.take().into_iter().for_each(|out| log.follow(out));
    child.stderr.take().into_iter().for_each(|err| log.follow(err));
    child
}

async fn ready(setup: &Setup, child: &mut Child, log: &Log) -> Api {
    let read = |name: &str| std::fs::read_to_string(setup.data().join(name)).ok();
    let child = std::sync::Mutex::new(child);
    let what = format!("{} is ready", setup.id);
    until(&what, async || {
        if let Some(ended) = child.lock().unwrap().try_wait().unwrap() {
            panic!("{} ended ({ended}) before it was ready:\n{}", setup.id, log.text());
        }
        let (address, token) = (read("local.address")?, read("local.token")?);
        let api = Api::new(address.trim(), Some(token.trim()));
        api.get("node").await.ok().map(|_| api)
    })
    .await
}
