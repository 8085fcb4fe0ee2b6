//! How much may be in flight in one network.
//!
//! A network has two lanes. What answered the last time uses the lively one; what didn't, and what nobody knows yet, uses
//! the doubtful one. Whoever wants to speak to a device takes a [`Place`] before it begins and holds it until it is done.
//! A device that never answers holds its place until everybody's patience ends, so the dead only ever make the dead
//! wait, and no network makes another one wait.

use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Which lane a device uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// It answered the last time.
    Lively,
    /// It didn't, or nobody asked it yet.
    Doubtful,
}

/// A place in a lane. It is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    lane: Lane,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// In which lane.
    #[must_use]
    pub fn lane(&self) -> Lane {
        self.lane
    }
}

/// One of a gateway's networks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetworkIndex(usize);

/// The two lanes of one network.
#[derive(Debug)]
struct Lanes {
    lively: Arc<Semaphore>,
    doubtful: Arc<Semaphore>,
}

/// The networks of a gateway, each with two lanes of its own. What is in none of them shares one pair.
#[derive(Debug)]
pub struct Networks {
    ranges: Vec<(IpNet, NetworkIndex)>,
    lanes: Vec<Lanes>,
}

impl Networks {
    /// Networks with their ranges and so many places in each lane. Each network has its share of `places` for itself,
    /// whatever happens in the others.
    #[must_use]
    pub fn new(networks: Vec<(Vec<IpNet>, usize)>, places: usize) -> Self {
        let share = (places / 2 / (networks.len() + 1)).max(1);
        let wanted = networks.iter().map(|(_, in_flight)| *in_flight).chain([share]);
        let lanes = wanted.map(|in_flight| {
            let places = in_flight.clamp(1, share);
            Lanes { lively: Arc::new(Semaphore::new(places)), doubtful: Arc::new(Semaphore::new(places)) }
        });
        let lanes = lanes.collect();
        let ranges = networks.into_iter().zip(0..);
        let ranges =
            ranges.flat_map(|((ranges, _), at)| ranges.into_iter().map(move |range| (range, NetworkIndex(at))));
        Self { ranges: ranges.collect(), lanes }
    }

    /// Every network, and the rest as one more.
    pub fn all(&self) -> impl Iterator<Item = NetworkIndex> {
        (0..self.lanes.len()).map(NetworkIndex)
    }

    /// The network of an address.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> NetworkIndex {
        let known = self.ranges.iter().find(|(range, _)| range.contains(&address));
        known.map_or(NetworkIndex(self.lanes.len().saturating_sub(1)), |(_, network)| *network)
    }

    /// Waits for a place in a lane; first come, first served.
    pub async fn enter(&self, network: NetworkIndex, lane: Lane) -> Place {
        let lanes = self.lanes.get(network.0).map(|lanes| match lane {
            Lane::Lively => &lanes.lively,
            Lane::Doubtful => &lanes.doubtful,
        });
        let permit = match lanes {
            Some(places) => Arc::clone(places).acquire_owned().await.ok(),
            None => None,
        };
        Place { lane, _permit: permit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn p03_one_network_and_one_lane_take_nothing_from_another() {
        let networks = Networks::new(vec![(vec![net("192.0.2.0/25"), net("192.0.2.128/25")], 64), (vec![], 2)], 12);
        let (first, others) = (networks.of([192, 0, 2, 200].into()), networks.of([198, 51, 100, 1].into()));
        assert_eq!(first, networks.of([192, 0, 2, 1].into()));
        assert_ne!(first, others);
        let enter = |network, lane| networks.enter(network, lane).now_or_never();
        // A third of the half for each lane: more than it asked for is nobody's.
        let held: Vec<_> = (0..2).map(|_| enter(first, Lane::Doubtful).unwrap()).collect();
        assert!(enter(first, Lane::Doubtful).is_none(), "the dead wait for the dead");
        assert!(enter(first, Lane::Lively).is_some());
        for network in networks.all().filter(|network| *network != first) {
            assert!(enter(network, Lane::Doubtful).is_some());
        }
        drop(held);
        assert!(enter(first, Lane::Doubtful).is_some(), "a place is free again");
    }

    #[test]
    fn a_gateway_with_more_networks_than_places_still_has_one_for_each() {
        let networks = Networks::new((0..100).map(|_| (vec![], 64)).collect(), 10);
        for network in networks.all() {
            assert!(networks.enter(network, Lane::Lively).now_or_never().is_some());
        }
    }
}
