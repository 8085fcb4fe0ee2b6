//! E8 over the months: a node renews its certificate in time, one that was off for too long may only renew, and a clock that is
//! wrong is said and does no lasting harm.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_core::message::ExchangeUp;
use hostler_tests::{Clock, Node, Place, Setup, peer, until};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

const PAGE: u16 = 8081;
const DAY: i64 = 86_400;
/// How long certificates live.
const LIFETIME: i64 = 90 * DAY;

async fn pin(manager: &Node) -> String {
    manager.registered(&["--shared", "1"]).await["secrets"][0].as_str().unwrap().to_owned()
}

/// What its display shows: who stands before it needs no token, which the clock may have ended.
async fn until_shows(device: &Node, what: &str) {
    let display = || std::fs::read_to_string(device.data().join("display")).unwrap_or_default();
    until(format!("the display shows {what:?}"), async || display().starts_with(what).then_some(())).await;
}

/// Waits until the manager, which was started anew, hears the device.
async fn until_heard(manager: &Node) {
    until("the manager hears the device", async || {
        let nodes = manager.api().get("nodes").await.ok()?;
        nodes.as_array()?.iter().any(|node| node["id"] == "mfp-1" && node["connected"] == true).then_some(())
    })
    .await;
}

async fn until_says(node: &Node, what: &str) {
    until(format!("the log says {what:?}"), async || node.log().contains(what).then_some(())).await;
}

fn ends(papers: &Value) -> i64 {
    papers["ends-at"].as_i64().unwrap() / 1_000
}

/// A node's exchange as anybody with its token, key and certificate would send it.
fn exchange(curl: &Path, place: &Place, url: &str, device: &Node) -> String {
    let papers = device.papers();
    let chain = place.path("chain.pem");
    std::fs::write(&chain, papers["certificate"].as_str().unwrap()).unwrap();
    let bearer = format!("authorization: Bearer {}", papers["token"].as_str().unwrap());
    let mut command = Command::new(curl);
    command.args(["-sk", "-m", "20", "-w", " %{http_code} %{errormsg}", "-X", "POST", "-H", &bearer]);
    command.args(["-d", &serde_json::to_string(&ExchangeUp::default()).unwrap()]);
    command.arg("--cert").arg(&chain).arg("--key").arg(device.data().join("node.key"));
    let output = command.arg(format!("{url}/node/v1/exchange")).stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_a_certificate_is_renewed_in_time_and_after_its_end() {
    let place = Place::new(142);
    let (Some(clock), Some(curl)) = (Clock::make(&place, "both"), peer("curl")) else { return };
    let mut manager = Node::start(clock.of(Setup::joined(&place, PAGE))).await;
    let join = manager.api().get("join").await.unwrap();
    let mut device = Node::start(clock.of(Setup::device(&place, 1, &join))).await;
    let _ = device.run(&["join", "pin", &pin(&manager).await]).await.well();
    until_shows(&device, "Connected to manager").await;
    let first = device.papers();

    // Two thirds of its time pass while both run.
    clock.set(61 * DAY);
    until_says(&device, "this node's certificate was renewed").await;
    until_says(&manager, "a certificate was renewed").await;
    let second = until("the new one is kept", async || {
        Some(device.papers()).filter(|papers| papers["certificate"] != first["certificate"])
    })
    .await;
    let later = ends(&second) - ends(&first);
    assert!((60 * DAY..62 * DAY).contains(&later), "{later} s later");
    assert_eq!(second["token"], first["token"], "the token stays");
    manager.start_again().await;
    until_heard(&manager).await;

    // It is off until its certificate has ended.
    device.kill();
    clock.set(61 * DAY + LIFETIME + DAY);
    manager.start_again().await;
    let said = exchange(&curl, &place, join["url"].as_str().unwrap(), &device);
    assert!(said.contains(" 403") && said.contains("renew it first"), "{said}");
    until_says(&manager, "mfp-1: the certificate ended").await;
    device.start_again().await;
    until_heard(&manager).await;
    assert_eq!(device.membership().await["state"], "connected");
    let third = device.papers();
    assert!(ends(&third) > ends(&second) + LIFETIME, "{third}");
    let said = exchange(&curl, &place, join["url"].as_str().unwrap(), &device);
    assert!(said.contains(" 200"), "{said}");
    assert!(!device.log().contains("ended this device's connection"), "nobody ended it");
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_a_device_whose_clock_is_wrong_is_told_so_and_joins_when_it_is_put_right() {
    let place = Place::new(143);
    let Some(clock) = Clock::make(&place, "device") else { return };
    let mut manager = Node::start(Setup::joined(&place, PAGE)).await;
    let join = manager.api().get("join").await.unwrap();
    // As a machine begins that has lost the time.
    clock.set(-20_000 * DAY);
    let mut device = Node::start(clock.of(Setup::device(&place, 1, &join))).await;
    let _ = device.run(&["join", "pin", &pin(&manager).await]).await.well();
    until_says(&device, "which is this node's time").await;
    assert!(device.log().contains("set the clock that is wrong"), "{}", device.log());
    until_shows(&device, "Connecting").await;
    clock.set(0);
    until_shows(&device, "Connected to manager").await;

    // It has lost the time once more: what it was told when it came in is the least that it knows.
    clock.set(-20_000 * DAY);
    device.start_again().await;
    manager.start_again().await;
    until_heard(&manager).await;
    assert_eq!(device.membership().await["state"], "connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_a_manager_whose_clock_was_wrong_is_understood_when_it_is_put_right() {
    let place = Place::new(144);
    let Some(clock) = Clock::make(&place, "manager") else { return };
    // Everything that it makes is from a time long ago.
    clock.set(-400 * DAY);
    let manager = Node::start(clock.of(Setup::joined(&place, PAGE))).await;
    let join = manager.api().get("join").await.unwrap();
    let made = manager.registered(&["--shared", "1", "--hours", "700"]).await;
    let pin = made["secrets"][0].as_str().unwrap();
    let device = Node::start(Setup::device(&place, 1, &join)).await;
    let _ = device.run(&["join", "pin", pin]).await.well();
    until_says(&device, "or see why the manager didn't renew its certificate").await;
    assert_eq!(device.membership().await["state"], "connecting");
    clock.set(0);
    // Its PIN has ended by the right time, and that is what the device hears: the manager is understood again.
    // It is brought again by hand: an attempt of its own may be minutes away.
    until("the manager answers", async || {
        let _ = device.run(&["join", "pin", pin]).await.well();
        until("it is answered, or not", async || (device.membership().await["state"] != "connecting").then_some(()))
            .await;
        device.membership().await["why"].as_str()?.contains("expired").then_some(())
    })
    .await;
    let line = || {
        let log = manager.log();
        let refused = log.lines().find(|line| line.contains("a device was not let in"));
        refused.map(str::to_owned)
    };
    let line = until("the manager says so too", async || line()).await;
    assert!(line.contains("device=SN-001 node=mfp-1 ") && line.contains("code=\"expired\""), "{line}");
}
