//! What the terminal's stories share: a manager with the plug-ins, devices, and a user at a terminal.

#![allow(dead_code, reason = "no test program uses all of it")]

pub mod device;

use device::{Device, Faults};
use hostler_tests::{Node, Place, Ran, Setup, program};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A terminal in a place, and the manager of its user.
pub struct Office {
    pub place: Place,
    pub manager: Node,
    ports: (u16, u16),
}

impl Office {
    /// A manager with these plug-ins.
    pub async fn open(number: u8, plugins: &[&str]) -> Self {
        let setup = |place: &Place| Setup::manager(place).section("enrollment", "loopback = true");
        Self::with(number, setup, plugins).await
    }

    /// The same with a manager of another configuration.
    pub async fn with(number: u8, setup: impl FnOnce(&Place) -> Setup, plugins: &[&str]) -> Self {
        let place = Place::new(number);
        let ports = (place.free_udp(place.address(0, 1)), place.free_tcp(place.address(0, 1)).port());
        let manager = Node::start(setup(&place)).await;
        for plugin in plugins {
            manager.install(plugin).await;
        }
        Self { place, manager, ports }
    }

    /// A device at the address with this last number.
    pub async fn device(&self, last: u8, id: &str, faults: Faults) -> Option<Device> {
        Device::start(&self.place, self.at(last), self.ports, id, self.manager.api(), faults).await
    }

    pub fn at(&self, last: u8) -> Ipv4Addr {
        self.place.address(0, last)
    }

    /// The folder that is this user's home.
    pub fn home(&self) -> PathBuf {
        self.place.path("home")
    }

    /// Where plug-ins are kept.
    pub fn kept(&self) -> Vec<PathBuf> {
        let folder = self.home().join("cache/hostler/terminal");
        std::fs::read_dir(folder).map(|files| files.flatten().map(|file| file.path()).collect()).unwrap_or_default()
    }

    /// `hostler enroll` at the terminal, with a range of six addresses where there's no other.
    pub async fn enroll(&self, more: &[&str]) -> Ran {
        let all = self.arguments(&[&["--yes"], more].concat());
        self.run(&all.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    /// What `hostler enroll` is told here.
    pub fn arguments(&self, more: &[&str]) -> Vec<String> {
        let range = format!("{}/29", self.at(0));
        let (snmp, http) = (self.ports.0.to_string(), self.ports.1.to_string());
        let data = self.manager.data();
        let mut all = vec!["enroll", "--community", "office"];
        all.extend(["--snmp-port", &snmp, "--http-port", &http]);
        if !more.contains(&"--range") {
            all.extend(["--range", &range]);
        }
        if !more.contains(&"--url") {
            all.extend(["--data", data.to_str().unwrap()]);
        }
        all.extend(more);
        all.into_iter().map(str::to_owned).collect()
    }

    /// The program as this user runs it.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = tokio::process::Command::from(self.command(&program()));
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Any program as this user runs it.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("NO_PROXY", "127.0.0.0/8").env("HOME", self.home());
        for name in ["HOSTLER_URL", "HOSTLER_TOKEN", "HOSTLER_DATA", "HOSTLER_LOG"] {
            command.env_remove(name);
        }
        for (name, folder) in [("CACHE", "cache"), ("STATE", "state"), ("DATA", "data"), ("CONFIG", "config")] {
            command.env(format!("XDG_{name}_HOME"), self.home().join(folder));
        }
        command
    }

    /// The devices that came in.
    pub async fn enrolled(&self) -> Vec<String> {
        let all = self.manager.api().get("enrolled").await.unwrap();
        let mut all: Vec<String> = all.as_array().unwrap().iter().map(|one| text(one, "device")).collect();
        all.sort();
        all
    }
}

/// A text of a JSON object.
pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
