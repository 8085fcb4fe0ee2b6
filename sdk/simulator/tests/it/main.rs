//! The simulator as a client sees it: over UDP, with a client that isn't ours.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

mod answers;
mod devices;
mod faults;
mod fleets;
mod recordings;
mod secure;

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_snmp::{Auth, Client, Oid, Retry, UdpClient, Value};
use hostler_simulator::{Fleet, FleetConfig, Profile, Share, SimulatedDevice, Source};

/// The address of a fleet of at most 254 that no other test of this run has, nor most other runs.
fn free_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let run = u8::try_from(std::process::id() % 120).expect("small");
    Ipv4Addr::new(127, 100 + run, NEXT.fetch_add(1, Ordering::Relaxed), 1)
}

fn config(profile: Profile, count: u32) -> FleetConfig {
    FleetConfig {
        count,
        first: free_address(),
        port: 16_101,
        mix: vec![Share { source: Source::Profile(profile), weight: 1 }],
        write_community: Some("private".to_owned()),
        pages_per_hour: 0,
        ..FleetConfig::default()
    }
}

async fn start(profile: Profile) -> (Fleet, SimulatedDevice, UdpClient) {
    let fleet = Fleet::start(config(profile, 1)).await.expect("fleet");
    let device = fleet.devices()[0].clone();
    let client = client(&device, Auth::v2c("public")).await;
    (fleet, device, client)
}

/// A client that waits long enough for a busy machine and doesn't ask twice.
async fn client(device: &SimulatedDevice, auth: impl Into<Auth>) -> UdpClient {
    let address = (device.address.ip().to_string(), device.address.port());
    let builder = Client::builder(address, auth).retry(Retry::none()).request_timeout(Duration::from_secs(20));
    builder.connect().await.expect("client")
}

/// A client that gives up at once on a device that doesn't answer.
async fn impatient(device: &SimulatedDevice, auth: impl Into<Auth>) -> UdpClient {
    let address = (device.address.ip().to_string(), device.address.port());
    let builder = Client::builder(address, auth).retry(Retry::none());
    builder.request_timeout(Duration::from_millis(150)).connect().await.expect("client")
}

fn oid(text: &str) -> Oid {
    text.parse().expect("name")
}

async fn get(client: &UdpClient, name: &str) -> Value {
    let answer = client.get(&oid(name)).await.expect("answer");
    answer.single().expect("one value").value.clone()
}
