//! Two networks and a router between them, through which the one reaches the other and not the other way: network namespaces
//! of Linux, which need no rights where users may make them.

use crate::{Peer, Place, peer, until};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The manager's network has 10.77.1.0/24, the device's 10.77.2.0/24. What comes from the manager's passes only as an answer
/// of the port that nodes call. In the device's network names mean what its own hosts file says, in the manager's what the
/// other one says.
const ROUTER: &str = r#"
set -e
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
names='mount --bind "$1" /etc/hosts && exec sleep infinity'
setpriv --pdeathsig KILL unshare --net --mount sh -c "$names" sh "$1" & manager=$!
setpriv --pdeathsig KILL unshare --net --mount sh -c "$names" sh "$2" & device=$!
for one in $manager $device; do
    while [ "$(cat /proc/$one/comm)" != sleep ]; do sleep 0.05; done
done
connect() {
    ip link add "net$2" type veth peer name eth0 netns "$1"
    ip address add "10.77.$2.1/24" dev "net$2"
    ip link set "net$2" up
    nsenter --target "$1" --net ip link set lo up
    nsenter --target "$1" --net ip address add "10.77.$2.2/24" dev eth0
    nsenter --target "$1" --net ip link set eth0 up
    nsenter --target "$1" --net ip route add default via "10.77.$2.1"
}
connect $manager 1
connect $device 2
ip rule add pref 100 iif net1 ipproto tcp sport 8443 lookup main
ip rule add pref 101 iif net1 to 10.77.2.0/24 prohibit
echo "both are there: $manager $device;"
wait
"#;

/// Whether there may be network namespaces here; where not, that is said aloud.
///
/// # Panics
/// When `unshare` can't be run.
pub(crate) fn allowed(unshare: &Path) -> bool {
    let tried = Command::new(unshare).args(["--map-root-user", "--net", "--mount", "true"]).output().unwrap();
    if !tried.status.success() {
        crate::skipped(&format!("no network namespaces here: {}", String::from_utf8_lossy(&tried.stderr).trim()));
    }
    tried.status.success()
}

/// By what `nsenter` runs something where this process is.
pub(crate) fn entering(id: &str) -> [&str; 6] {
    ["--user", "--preserve-credentials", "--net", "--mount", "--target", id]
}

/// One of the two networks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Where the manager is.
    Manager,
    /// Where the device is, behind the router.
    Device,
}

/// Both networks, until this is dropped.
pub struct Networks {
    nsenter: PathBuf,
    /// A process in each.
    within: [String; 2],
    _router: Peer,
}

impl Networks {
    /// The port at which nodes call the manager: the only one whose answers pass the router.
    pub const NODES: u16 = 8443;

    /// Makes them, with the lines of the hosts file of each; `None`, said aloud, where that can't be.
    ///
    /// # Panics
    /// When a file can't be written.
    pub async fn start(place: &Place, manager: &str, device: &str) -> Option<Self> {
        let (unshare, nsenter, _) = (peer("unshare")?, peer("nsenter")?, (peer("ip")?, peer("setpriv")?));
        let files = [("manager.hosts", manager), ("device.hosts", device)].map(|(name, lines)| {
            let file = place.path(name);
            std::fs::write(&file, format!("127.0.0.1 localhost\n{lines}\n")).unwrap();
            file
        });
        if !allowed(&unshare) {
            return None;
        }
        let router = Peer::start(&unshare, |command| {
            command.args(["--map-root-user", "--net", "--mount", "sh", "-c", ROUTER, "sh"]).args(&files)
        });
        let within = until("both networks are there", async || {
            let log = router.log();
            let (ids, _) = log.split_once("both are there: ")?.1.split_once(';')?;
            let (manager, device) = ids.split_once(' ')?;
            Some([manager.to_owned(), device.to_owned()])
        })
        .await;
        Some(Self { nsenter, within, _router: router })
    }

    /// Where the only machine of this network is.
    #[must_use]
    pub fn address(side: Side) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 1 + side as u8, 2)
    }

    fn arguments(&self, side: Side) -> [&str; 6] {
        entering(self.within.get(side as usize).map_or("", String::as_str))
    }

    /// Starts a program there.
    #[must_use]
    pub fn peer(&self, side: Side, program: &Path, arguments: &[&Path]) -> Peer {
        Peer::start(&self.nsenter, |command| command.args(self.arguments(side)).arg(program).args(arguments))
    }

    /// Runs a program there to its end.
    ///
    /// # Panics
    /// When it can't be run.
    #[must_use]
    pub fn run(&self, side: Side, program: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.nsenter);
        command.args(self.arguments(side)).arg(program).args(arguments).stdin(Stdio::null()).output().unwrap()
    }
}
