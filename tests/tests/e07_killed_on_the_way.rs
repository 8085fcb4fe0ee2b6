//! E11 and E12 with kill -9 of the terminal, of the registrar through which it works, and of the manager, at random moments of an
//! enrollment: whoever begins again brings it to its end, and each device comes in once, by one place.
//!
//! `HOSTLER_SEED` tells the same story again.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Moments, Node, Place, Setup, device_address, program, until};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;

const PAGE: u16 = 8081;
const AGENT: &str = "11161";
const DEVICES: u8 = 3;
/// How often somebody is killed while devices are on their way.
const KILLS: usize = 12;
/// How long an enrollment goes on at most before.
const MOST: Duration = Duration::from_millis(1_500);

/// A user at a terminal, who knows the registrar's address.
struct User<'a> {
    place: &'a Place,
    url: String,
    token: String,
}

impl User<'_> {
    fn enrolls(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(program());
        let home = self.place.path("home");
        command.env("NO_PROXY", "127.0.0.0/8").env("HOME", &home).kill_on_drop(true);
        for name in ["CACHE", "STATE", "DATA", "CONFIG"] {
            command.env(format!("XDG_{name}_HOME"), home.join(name.to_lowercase()));
        }
        let range = format!("{}/29", device_address(self.place, 0));
        command.args(["enroll", "--yes", "--url", &self.url, "--token", &self.token, "--range", &range]);
        command.args(["--community", "private", "--snmp-port", AGENT, "--http-port", &PAGE.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

async fn all_connected(devices: &[Node]) -> bool {
    for device in devices {
        if device.membership().await["state"] != "connected" {
            return false;
        }
    }
    true
}

/// Every device loses its owner, hears of it, and takes a PIN again.
async fn released(manager: &Node, devices: &[Node]) {
    for (number, device) in (1..).zip(devices) {
        let _ = manager.run(&["enrolled", "release", &format!("SN-{number:03}")]).await.well();
        until("it hears that it was released", async || {
            (device.membership().await["state"] == "not-connected").then_some(())
        })
        .await;
        let _ = device.run(&["join", "open"]).await.well();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_terminal_a_registrar_or_a_manager_that_is_killed_leaves_nothing_half_done() {
    let place = Place::new(172);
    let setup = Setup::joined(&place, PAGE).line("self-registration = \"anyone\"");
    let mut manager = Node::start(setup.line("registrars = [\"registrar-1\"]")).await;
    manager.install("lan-discovery").await;
    manager.install("pin-delivery").await;
    let here = manager.api().get("join").await.unwrap();
    let users = place.free_tcp(place.address(202, 1));
    let mut registrar = Node::start(Setup::registrar(&place, 1, users).joining_as("RG-001", &here)).await;
    let made = manager.api().post("registrations", &json!({ "addresses": "10.0.0.9" })).await.unwrap();
    let _ = registrar.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
    let mut devices = Vec::new();
    for number in 1..=DEVICES {
        devices.push(Node::start(Setup::device(&place, number, &here)).await);
    }
    let (url, client) = (format!("http://{users}"), reqwest::Client::builder().no_proxy().build().unwrap());
    let ada = json!({ "user": "ada@example.org", "password": "correct horse battery" });
    let session: Value = until("the registrar answers", async || {
        let asked = client.post(format!("{url}/api/v1/register")).json(&ada).send().await.unwrap();
        if asked.status() == 201 { asked.json().await.ok() } else { None }
    })
    .await;
    let user = User { place: &place, url, token: session["token"].as_str().unwrap().to_owned() };

    let (mut moments, mut kills, mut came_in) = (Moments::new(), 0, u64::from(DEVICES));
    while kills < KILLS {
        let mut terminal = user.enrolls().spawn().unwrap();
        tokio::time::sleep(moments.next(MOST)).await;
        match kills % 3 {
            0 => {}
            1 => registrar.start_again().await,
            _ => manager.start_again().await,
        }
        terminal.kill().await.unwrap();
        if all_connected(&devices).await {
            released(&manager, &devices).await;
            came_in += u64::from(DEVICES);
        } else {
            kills += 1;
        }
    }

    until("whoever begins again brings it to its end", async || {
        let _ = user.enrolls().status().await.unwrap();
        all_connected(&devices).await.then_some(())
    })
    .await;
    let enrolled = manager.api().get("enrolled").await.unwrap();
    let hers: Vec<_> = enrolled.as_array().unwrap().iter().filter(|row| row["owner"] == ada["user"]).collect();
    assert_eq!(hers.len(), usize::from(DEVICES), "{enrolled:#}");
    assert!(hers.iter().all(|row| row["standing"] == "connected"), "{enrolled:#}");
    let registrations = manager.api().get("registrations").await.unwrap();
    let hers = registrations.as_array().unwrap().iter().filter(|one| one["user"] == ada["user"]);
    let places: u64 = hers.map(|one| one["connected"].as_u64().unwrap()).sum();
    assert_eq!(places, came_in, "a place for each that came in, and none twice: {registrations:#}");
    for node in devices.iter().chain([&manager, &registrar]) {
        assert!(!node.log().contains("panicked"));
    }
}
