//! Devices on loopback.

use hostler_core::Secret;
use hostler_core::device::SnmpReach;
use hostler_links::credential::SnmpCredential;
use hostler_links::{Credentials, Lane, Lanes, SnmpLink, SnmpLinks};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::net::UdpSocket;

/// A device that takes every request and answers none.
pub struct Silent {
    links: SnmpLinks,
    pub socket: UdpSocket,
}

impl Silent {
    pub async fn new() -> Self {
        let credential = SnmpCredential::V2c { community: Secret::new("public") };
        let credentials = BTreeMap::from([("network".to_owned(), credential)]);
        let credentials = Credentials::prepare(&credentials, BTreeMap::new()).unwrap();
        let links = SnmpLinks::open(Arc::new(credentials)).await.unwrap();
        Self { links, socket: UdpSocket::bind("127.0.0.1:0").await.unwrap() }
    }

    pub async fn link(&self) -> SnmpLink {
        let address = self.socket.local_addr().unwrap();
        let reach = SnmpReach { port: address.port(), credential: "network".to_owned() };
        self.links.link(address.ip(), &reach, Lanes::new(8, 8), Lane::Lively).await.unwrap()
    }

    /// Whether anything was sent to it.
    pub fn was_asked(&self) -> bool {
        self.socket.try_recv(&mut [0; 2_048]).is_ok()
    }
}
