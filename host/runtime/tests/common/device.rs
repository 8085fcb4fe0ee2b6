//! Devices on loopback.

use hostler_core::Secret;
use hostler_core::device::{HttpReach, SnmpReach};
use hostler_links::credential::SnmpCredential;
use hostler_links::{Credentials, HttpLink, HttpLinks, Lane, Oid, SnmpLink, SnmpLinks, Value};
use hostler_simulator::{Fleet, FleetConfig};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::UdpSocket;

/// Links to what answers to the community `public`.
async fn links() -> SnmpLinks {
    let credential = SnmpCredential::V2c { community: Secret::new("public".to_owned()) };
    let credentials = BTreeMap::from([("network".to_owned(), credential)]);
    let credentials = Credentials::prepare(&credentials, BTreeMap::new()).unwrap();
    SnmpLinks::open(Arc::new(credentials)).await.unwrap()
}

async fn link(links: &SnmpLinks, address: SocketAddr) -> SnmpLink {
    let reach = SnmpReach { port: address.port(), credential: "network".to_owned() };
    links.link(address.ip(), &reach, Lane::Lively).await.unwrap()
}

/// A simulated printer with so many objects more than it has by itself, below 1.3.6.1.9.
pub struct Talkative {
    links: SnmpLinks,
    fleet: Fleet,
}

impl Talkative {
    pub async fn new(first: [u8; 4], objects: u32, octets: usize) -> Self {
        let free = UdpSocket::bind((IpAddr::from(first), 0)).await.unwrap().local_addr().unwrap().port();
        let config = FleetConfig { first: first.into(), port: free, ..FleetConfig::default() };
        let fleet = Fleet::start(config).await.unwrap();
        for number in 1..=objects {
            let object = Oid::from_slice(&[1, 3, 6, 1, 9, number]);
            fleet.devices()[0].control.set_object(object, Value::OctetString(vec![b'x'; octets].into()));
        }
        Self { links: links().await, fleet }
    }

    pub async fn link(&self) -> SnmpLink {
        link(&self.links, self.fleet.devices()[0].address).await
    }

    pub fn requests(&self) -> u64 {
        self.fleet.devices()[0].control.requests()
    }
}

/// A device that takes every request and answers none.
pub struct Silent {
    links: SnmpLinks,
    pub socket: UdpSocket,
}

impl Silent {
    pub async fn new() -> Self {
        Self { links: links().await, socket: UdpSocket::bind("127.0.0.1:0").await.unwrap() }
    }

    pub async fn link(&self) -> SnmpLink {
        link(&self.links, self.socket.local_addr().unwrap()).await
    }

    /// A link to a web server, of which this device knows nothing.
    pub fn web_link(&self, port: u16) -> HttpLink {
        let links = HttpLinks::open(Arc::default()).unwrap();
        let reach = HttpReach { tls: true, port };
        links.link(IpAddr::from([127, 0, 0, 1]), &reach, None)
    }

    /// Whether anything was sent to it.
    pub fn was_asked(&self) -> bool {
        self.socket.try_recv(&mut [0; 2_048]).is_ok()
    }
}
