//! E6 to E8 and E13 with kill -9 of the manager, of devices and of a gateway at random moments of an enrollment: each comes in
//! once, by one place, and at rest it calls with a token that works, or says why not. Whoever wasn't meant stays outside.
//!
//! `HOSTLER_KILLS` is how many of them, a thousand where it isn't there; `HOSTLER_SEED` tells the same story again.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Api, Moments, Node, Place, Setup, device_address, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const PAGE: u16 = 8081;
const DEVICES: u8 = 6;
/// The number of the device that brings a PIN whose places are all taken.
const STRANGER: u8 = DEVICES + 1;
/// So many kills without an environment that says otherwise.
const KILLS: usize = 1_000;
/// How often a device is killed in a round while it joins, and how often while it starts after each.
const LIVES: usize = 4;
const STARTS: usize = 2;
/// How long a joining device, one that starts, and the manager live at most.
const JOINING: Duration = Duration::from_millis(400);
const STARTING: Duration = Duration::from_millis(500);
const MANAGING: Duration = Duration::from_millis(1_500);

/// How the devices of a round share PINs or keys, and how each brings what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Means {
    SharedPin,
    PinEach,
    KeyEach,
}

/// What is brought to the device with this number.
fn brought(means: Means, made: &Value, number: u8) -> Value {
    let each = usize::from(number - 1);
    match means {
        Means::SharedPin => json!({ "pin": made["secrets"][0] }),
        Means::PinEach => json!({ "pin": made["secrets"][each] }),
        Means::KeyEach => json!({ "key": made["secrets"][each] }),
    }
}

async fn registered(manager: &Node, place: &Place, means: Means) -> Value {
    let all: Vec<String> = (1..=DEVICES).map(|number| device_address(place, number).to_string()).collect();
    let new = match means {
        Means::SharedPin => json!({ "sharing": { "shared": DEVICES } }),
        Means::PinEach => json!({ "addresses": all.join(" ") }),
        Means::KeyEach => json!({ "addresses": all.join(" "), "keys": true }),
    };
    manager.api().post("registrations", &new).await.unwrap()
}

/// A device, and what a terminal in its network brings it.
struct Joining {
    number: u8,
    node: Node,
    page: Api,
    brought: Value,
}

impl Joining {
    async fn bring(&self) -> u16 {
        let answer = self.page.send(Method::POST, "/enroll", "application/json", self.brought.to_string()).await;
        answer.unwrap().status.as_u16()
    }

    /// Brings it while the device is killed again and again.
    async fn amid_kills(&mut self, moments: &mut Moments, kills: &AtomicUsize) {
        for _ in 0..LIVES {
            let taken = self.bring().await;
            assert!(taken == 202 || taken == 409, "{taken}");
            tokio::time::sleep(moments.next(JOINING)).await;
            self.node.kill();
            for _ in 0..STARTS {
                self.node.live_for(moments.next(STARTING)).await;
            }
            self.node.start_again().await;
            kills.fetch_add(1 + STARTS, Ordering::Relaxed);
        }
    }

    /// Brings it until the device is connected; whenever it isn't, it says why.
    async fn to_the_end(&self) {
        until(format!("device {} is connected", self.number), async || {
            let now = self.node.membership().await;
            match now["state"].as_str().unwrap() {
                "connected" => return Some(()),
                "connecting" => {}
                _ => {
                    let why = now["why"].as_str().unwrap_or_else(|| panic!("it doesn't say why: {now}"));
                    assert!(why.contains("restarted") || why.contains("ended this device's"), "{now}");
                    let _ = self.node.run(&["join", "open"]).await.well();
                    let _ = self.bring().await;
                }
            }
            None
        })
        .await;
    }
}

/// The manager is killed for as long as devices are.
async fn manager_amid_kills(
    mut manager: Node,
    mut moments: Moments,
    alive: Arc<AtomicUsize>,
    kills: &AtomicUsize,
) -> Node {
    while alive.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(moments.next(MANAGING)).await;
        manager.kill();
        manager.live_for(moments.next(STARTING)).await;
        manager.start_again().await;
        kills.fetch_add(2, Ordering::Relaxed);
    }
    manager
}

/// What the manager says when nothing is under way.
async fn at_rest(manager: &Node, means: Means, made: &Value) {
    let expected: BTreeSet<String> = (1..=DEVICES).map(|number| format!("SN-{number:03}")).collect();
    let id = made["id"].as_str().unwrap();
    let shown = manager.api().get(&format!("registrations/{id}")).await.unwrap();
    assert_eq!(shown["connected"], DEVICES, "a place for each, and none twice: {shown:#}");
    if means == Means::SharedPin {
        let devices: BTreeSet<_> = shown["shared"]["devices"].as_array().unwrap().iter().map(text).collect();
        assert_eq!((&shown["shared"]["taken"], &shown["shared"]["left"]), (&json!(DEVICES), &json!(0)), "{shown:#}");
        assert_eq!(devices, expected);
    } else {
        let entries = shown["entries"].as_array().unwrap();
        let devices: Vec<_> = entries.iter().map(|entry| text(&entry["device"])).collect();
        assert_eq!(devices, expected.iter().cloned().collect::<Vec<_>>(), "each by its own: {shown:#}");
    }
    let enrolled = manager.api().get("enrolled").await.unwrap();
    let enrolled = enrolled.as_array().unwrap();
    let connected: Vec<_> = enrolled.iter().filter(|row| row["standing"] == "connected").collect();
    assert_eq!(connected.iter().map(|row| text(&row["device"])).collect::<BTreeSet<_>>(), expected, "{enrolled:#?}");
    assert_eq!(enrolled.len(), expected.len(), "{enrolled:#?}");

    until("every device calls with its token", async || {
        let nodes = manager.api().get("nodes").await.unwrap();
        let nodes: Vec<_> = nodes.as_array().unwrap().iter().filter(|node| node["own"] == false).cloned().collect();
        assert_eq!(nodes.len(), usize::from(DEVICES), "{nodes:#?}");
        nodes.iter().all(|node| node["connected"] == true).then_some(())
    })
    .await;
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Who comes when every place is taken is told so, and is nobody.
async fn stranger_stays_outside(stranger: &Joining) {
    let _ = stranger.node.run(&["join", "open"]).await.well();
    assert_eq!(stranger.bring().await, 202);
    let refused = until("the stranger is refused", async || {
        let now = stranger.node.membership().await;
        now["why"].as_str().filter(|_| now["state"] == "not-connected").map(str::to_owned)
    })
    .await;
    assert!(refused.contains("used up"), "{refused}");
}

/// Every device loses its owner, hears of it, and takes a PIN again.
async fn released(manager: &Node, devices: &[Joining]) {
    for device in devices {
        let _ = manager.run(&["enrolled", "release", &format!("SN-{:03}", device.number)]).await.well();
    }
    for device in devices {
        until(format!("device {} hears that it was released", device.number), async || {
            (device.node.membership().await["state"] == "not-connected").then_some(())
        })
        .await;
        let _ = device.node.run(&["join", "open"]).await.well();
    }
}

#[test]
fn e07_whoever_is_killed_while_devices_join_each_comes_in_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, story());
}

async fn story() {
    let wanted = std::env::var("HOSTLER_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let place = Place::new(140);
    let mut manager = Node::start(Setup::joined(&place, PAGE)).await;
    let join = manager.api().get("join").await.unwrap();
    let mut devices = Vec::new();
    for number in 1..=STRANGER {
        let setup = Setup::device(&place, number, &join);
        // The last of them is a gateway.
        let setup = if number == DEVICES { setup.roles("\"device\", \"gateway\"") } else { setup };
        let node = Node::start(setup).await;
        let page = Api::new(&format!("http://{}:{PAGE}", device_address(&place, number)), None);
        devices.push(Joining { number, node, page, brought: Value::Null });
    }
    let mut stranger = devices.pop().unwrap();
    let (mut moments, kills, began) = (Moments::new(), Arc::new(AtomicUsize::new(0)), Instant::now());
    let mut all_means = [Means::SharedPin, Means::PinEach, Means::KeyEach].into_iter().cycle();

    for round in 1.. {
        let means = all_means.next().unwrap();
        let made = registered(&manager, &place, means).await;
        let alive = Arc::new(AtomicUsize::new(devices.len()));
        let mut joining = JoinSet::new();
        for mut device in devices.drain(..) {
            device.brought = brought(means, &made, device.number);
            let (mut moments, kills, alive) = (moments.split(), Arc::clone(&kills), Arc::clone(&alive));
            joining.spawn_local(async move {
                device.amid_kills(&mut moments, &kills).await;
                alive.fetch_sub(1, Ordering::Relaxed);
                device
            });
        }
        let killing = manager_amid_kills(manager, moments.split(), alive, &kills);
        (manager, devices) = (killing.await, joining.join_all().await);
        devices.sort_by_key(|device| device.number);
        for device in &devices {
            device.to_the_end().await;
        }
        // Once more, so that what it knows of who calls isn't from before.
        manager.start_again().await;
        kills.fetch_add(1, Ordering::Relaxed);
        at_rest(&manager, means, &made).await;
        stranger.brought = brought(means, &made, 1);
        stranger_stays_outside(&stranger).await;
        let so_far = kills.load(Ordering::Relaxed);
        println!("round {round} ({means:?}): {so_far} kills in {} s", began.elapsed().as_secs());
        if so_far >= wanted {
            break;
        }
        released(&manager, &devices).await;
    }
    for node in devices.iter().map(|device| &device.node).chain([&stranger.node, &manager]) {
        assert!(!node.log().contains("panicked"));
    }
}
