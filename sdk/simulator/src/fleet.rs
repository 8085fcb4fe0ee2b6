//! Many devices in one process: their addresses, their sockets, and which profile each has.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::agent::Access;
use crate::device::Device;
use crate::profile::{fern_220, heron_s80, orchid_c4500};
use crate::serve::serve;
use crate::{DeviceControl, Error, Profile, V3User, snmprec, v3};

/// Most devices of one fleet.
pub const MAX_DEVICES: u32 = 100_000;

/// Open files left for everything that isn't a device's socket.
const OTHER_FILES: u64 = 256;

/// Where a profile comes from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Source {
    /// One that is at hand.
    Profile(Profile),
    /// A recording to load ([`snmprec::load`]).
    Recording(PathBuf),
}

/// A profile's share of a fleet.
#[derive(Debug, Clone)]
pub struct Share {
    /// The profile.
    pub source: Source,
    /// Devices of it in every round; a round has the sum of all weights. 0 leaves it out.
    pub weight: u32,
}

/// What a fleet is to be.
#[derive(Debug, Clone)]
pub struct FleetConfig {
    /// Number of devices, 1 to [`MAX_DEVICES`].
    pub count: u32,
    /// Address of the first device, in 127/8. The next has the next address; those ending in .0 and .255 are left out.
    pub first: Ipv4Addr,
    /// UDP port of every device. Below 1024 it needs a privilege.
    pub port: u16,
    /// Profiles and their shares, dealt in rounds.
    pub mix: Vec<Share>,
    /// Community that may read.
    pub community: String,
    /// Community that may read and write; without one, nothing can be written by SNMPv1 and v2c.
    pub write_community: Option<String>,
    /// SNMPv3 users. With any, each device has a full agent, and a fleet should be of hundreds, not thousands.
    pub users: Vec<V3User>,
    /// Pages a device prints in an hour, on average: each has a pace of its own between half and one and a half
    /// of it. With 0, pages come by [`DeviceControl::advance_pages`] only.
    pub pages_per_hour: u32,
    /// What serials, levels and counters follow from. Equal seeds make equal fleets.
    pub seed: u64,
}

impl Default for FleetConfig {
    /// One device of 6 Orchid C4500, 3 Fern 220 and 1 Heron S80, on 127.1.0.1:1161, community `public`.
    fn default() -> Self {
        let share = |profile, weight| Share { source: Source::Profile(profile), weight };
        Self {
            count: 1,
            first: Ipv4Addr::new(127, 1, 0, 1),
            port: 1161,
            mix: vec![share(orchid_c4500(), 6), share(fern_220(), 3), share(heron_s80(), 1)],
            community: "public".to_owned(),
            write_community: None,
            users: Vec::new(),
            pages_per_hour: 60,
            seed: 1,
        }
    }
}

/// A device that runs.
#[derive(Debug, Clone)]
pub struct SimulatedDevice {
    /// Where it answers.
    pub address: SocketAddr,
    /// Its serial. A recorded device without a serial tells none; this then is its physical address in hex.
    pub serial: String,
    /// The name of its profile.
    pub profile: String,
    /// Orders to it.
    pub control: DeviceControl,
}

/// Devices that run until this is dropped.
#[derive(Debug)]
pub struct Fleet {
    devices: Vec<SimulatedDevice>,
    /// Dropped with the fleet, which ends every task and closes every socket.
    _tasks: JoinSet<()>,
}

impl Fleet {
    /// Starts a fleet on the current runtime. When this returns, every device answers.
    ///
    /// # Errors
    ///
    /// See [`Error`]: a mix without devices, a recording that isn't taken, addresses that aren't loopback or are in
    /// use, and too few open files.
    pub async fn start(config: FleetConfig) -> Result<Self, Error> {
        let profiles = load(&config.mix)?;
        let addresses = addresses(config.first, config.count)?;
        raise_open_files(u64::from(config.count) + OTHER_FILES)?;
        let write = config.write_community.map(Bytes::from);
        let access = Arc::new(Access { read: config.community.into(), write });
        let mut tasks = JoinSet::new();
        let mut devices = Vec::with_capacity(addresses.len());
        for (number, (address, profile)) in (0..).zip(addresses.into_iter().zip(profiles.iter().cycle())) {
            let address = SocketAddr::from((address, config.port));
            let device = Arc::new(Device::new(profile.clone(), config.seed, number, config.pages_per_hour));
            if config.users.is_empty() {
                let bound = UdpSocket::bind(address).await;
                let socket = bound.map_err(|source| Error::Bind { address, source })?;
                tasks.spawn(serve(socket, device.clone(), access.clone()));
            } else {
                let agent = v3::bind(&device, address, &access, &config.users).await?;
                tasks.spawn(run(agent));
            }
            devices.push(SimulatedDevice {
                address,
                serial: String::from_utf8_lossy(&device.identity.serial).into_owned(),
                profile: profile.name().to_owned(),
                control: DeviceControl::new(device),
            });
        }
        tracing::info!(devices = devices.len(), "simulated devices answer");
        Ok(Self { devices, _tasks: tasks })
    }

    /// The devices, in the order of their addresses.
    pub fn devices(&self) -> &[SimulatedDevice] {
        &self.devices
    }
}

async fn run(agent: async_snmp::Agent) {
    if let Err(error) = agent.run().await {
        tracing::error!(%error, "the SNMPv3 agent of a simulated device stopped");
    }
}

/// One round of the mix: each profile as often as it weighs.
fn load(mix: &[Share]) -> Result<Vec<Arc<Profile>>, Error> {
    let mut round = Vec::new();
    for share in mix.iter().filter(|share| share.weight > 0) {
        let profile = match &share.source {
            Source::Profile(profile) => profile.clone(),
            Source::Recording(path) => snmprec::load(path)?,
        };
        let times = usize::try_from(share.weight.min(MAX_DEVICES)).unwrap_or(1);
        round.extend(std::iter::repeat_n(Arc::new(profile), times));
    }
    if round.is_empty() { Err(Error::EmptyMix) } else { Ok(round) }
}

/// The addresses of a fleet: loopback only, one after the other, without those that look like networks or broadcasts.
fn addresses(first: Ipv4Addr, count: u32) -> Result<Vec<Ipv4Addr>, Error> {
    if !first.is_loopback() {
        return Err(Error::NotLoopback { address: first });
    }
    if count == 0 {
        return Err(Error::Count { count, advice: "ask for at least one" });
    }
    if count > MAX_DEVICES {
        return Err(Error::Count { count, advice: "start several processes" });
    }
    let usable = |address: &Ipv4Addr| !matches!(address.octets(), [.., 0 | 255]);
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let last = Ipv4Addr::new(127, 255, 255, 254);
    let found: Vec<Ipv4Addr> =
        (first.to_bits()..=last.to_bits()).map(Ipv4Addr::from_bits).filter(usable).take(wanted).collect();
    if found.len() < wanted { Err(Error::AddressesRunOut { first, count }) } else { Ok(found) }
}

/// Raises the soft limit of open files as far as the hard one lets it.
fn raise_open_files(needed: u64) -> Result<(), Error> {
    let limit = rlimit::increase_nofile_limit(needed).map_err(|source| Error::RaiseOpenFiles { source })?;
    if limit < needed { Err(Error::OpenFiles { needed, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_skip_networks_and_broadcasts() {
        let found = addresses(Ipv4Addr::new(127, 1, 0, 253), 4).expect("room");
        let expected = [[127, 1, 0, 253], [127, 1, 0, 254], [127, 1, 1, 1], [127, 1, 1, 2]];
        assert_eq!(found, expected.map(Ipv4Addr::from));
    }

    #[test]
    fn never_leaves_loopback() {
        assert!(matches!(addresses(Ipv4Addr::new(10, 0, 0, 1), 1), Err(Error::NotLoopback { .. })));
        let near_the_end = Ipv4Addr::new(127, 255, 255, 250);
        assert_eq!(addresses(near_the_end, 5).expect("room").len(), 5);
        assert!(matches!(addresses(near_the_end, 6), Err(Error::AddressesRunOut { .. })));
        assert!(matches!(addresses(near_the_end, 0), Err(Error::Count { .. })));
    }

    #[test]
    fn a_round_has_each_profile_by_its_weight() {
        let round = load(&FleetConfig::default().mix).expect("mix");
        assert_eq!(round.len(), 10);
        assert!(matches!(load(&[]), Err(Error::EmptyMix)));
    }
}
