//! Where a story takes place: a folder, and loopback addresses that no other story uses.

use hostler_simulator::fleet::Source;
use hostler_simulator::{Fleet, FleetConfig, Profile, Share, profile};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder and the addresses below 127.*number*, both free again when the story has ended.
pub struct Place {
    folder: TempDir,
    number: u8,
}

impl Place {
    /// The place with this number, which no other story has.
    ///
    /// # Panics
    /// When the folder can't be made, or the number is one that others use: 0 to 9.
    #[must_use]
    pub fn new(number: u8) -> Self {
        assert!(number > 9, "numbers below ten are for demos and people");
        Self { folder: tempfile::Builder::new().prefix("hostler-story-").tempdir().unwrap(), number }
    }

    /// A path in its folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One of its addresses. Devices are below 0, nodes below 200, peers anywhere else.
    #[must_use]
    pub fn address(&self, third: u8, fourth: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.number, third, fourth)
    }

    /// A TCP port that is free at this address now.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn free_tcp(&self, address: Ipv4Addr) -> SocketAddr {
        TcpListener::bind((address, 0)).unwrap().local_addr().unwrap()
    }

    /// A UDP port that is free at this address now, out of the range that the system gives away.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn free_udp(&self, address: Ipv4Addr) -> u16 {
        let free = |port: &u16| UdpSocket::bind((address, *port)).is_ok();
        (16_100..32_000).step_by(7).find(free).unwrap()
    }

    /// Simulated colour printers with everything that one can tell, printing nothing by themselves.
    pub async fn printers(&self, count: u32) -> Fleet {
        self.devices(count, vec![profile::orchid_c4500()]).await
    }

    /// Simulated devices of these models, in turn.
    ///
    /// # Panics
    /// When they can't be started.
    pub async fn devices(&self, count: u32, models: Vec<Profile>) -> Fleet {
        let share = |model| Share { source: Source::Profile(model), weight: 1 };
        let mix = models.into_iter().map(share).collect();
        Fleet::start(FleetConfig { count, mix, pages_per_hour: 0, ..self.fleet() }).await.unwrap()
    }

    /// What fleets of this place have in common.
    #[must_use]
    pub fn fleet(&self) -> FleetConfig {
        let first = self.address(0, 1);
        // What serials follow from: fleets of several places have different ones.
        FleetConfig { first, port: self.free_udp(first), seed: self.number.into(), ..FleetConfig::default() }
    }
}
