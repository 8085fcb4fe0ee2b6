//! Four networks in a line with a firewall between each two, through which calls go outwards only: network namespaces of
//! Linux and the kernel's own packet filter. What goes between two of them can be cut in several ways, and mended.

use crate::networks::{allowed, entering};
use crate::{Peer, Place, peer, until};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Each network has 10.78.*number*.0/24, with its only machine at .2; one router is the firewall between all of them. A
/// machine may call the one above it at the port for nodes, and the last gateway the printer by SNMP. Nothing else begins;
/// what has begun is answered.
const ROUTER: &str = r#"
set -e
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
all=
for number in 1 2 3 4; do
    setpriv --pdeathsig KILL unshare --net --mount sleep infinity & one=$!
    while [ "$(cat /proc/$one/comm)" != sleep ]; do sleep 0.05; done
    all="$all $one"
    ip link add "net$number" type veth peer name eth0 netns "$one"
    ip address add "10.78.$number.1/24" dev "net$number"
    ip link set "net$number" up
    nsenter --target "$one" --net ip link set lo up
    nsenter --target "$one" --net ip address add "10.78.$number.2/24" dev eth0
    nsenter --target "$one" --net ip link set eth0 up
    nsenter --target "$one" --net ip route add default via "10.78.$number.1"
done
nft -f - <<'RULES'
table inet walls {
    chain cut2 { }
    chain cut3 { }
    chain cut4 { }
    chain cuts {
        type filter hook forward priority -10; policy accept;
        iifname "net2" oifname "net1" jump cut2; iifname "net1" oifname "net2" jump cut2
        iifname "net3" oifname "net2" jump cut3; iifname "net2" oifname "net3" jump cut3
        iifname "net4" oifname "net3" jump cut4; iifname "net3" oifname "net4" jump cut4
    }
    chain outwards {
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        iifname "net2" oifname "net1" tcp dport 8443 accept
        iifname "net3" oifname "net2" tcp dport 8443 accept
        iifname "net3" oifname "net4" udp dport 161 accept
        reject with icmpx type admin-prohibited
    }
}
RULES
echo "all are there: $$$all;"
wait
"#;

/// One of the networks, from the top.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Where the manager is.
    Manager = 1,
    /// Where the gateway is that calls the manager.
    First = 2,
    /// Where the one is that calls that.
    Second = 3,
    /// Where the printer is.
    Printer = 4,
}

/// How what goes between a network and the one above it is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Packets vanish, and nobody is told.
    Silent,
    /// The firewall answers each with a refusal.
    Refused,
    /// The link of the one above is down, whoever calls it.
    Down,
    /// The firewall forgets the calls that there are: what goes over them vanishes for ever, new ones go through.
    Forgotten,
}

/// The networks, until this is dropped.
pub struct Levels {
    nsenter: PathBuf,
    nft: PathBuf,
    ip: PathBuf,
    /// A process in each; the first is the router's.
    within: Vec<String>,
    age: AtomicU32,
    _router: Peer,
}

impl Levels {
    /// The only port at which nodes are called.
    pub const NODES: u16 = 8443;

    /// Makes them; `None`, said aloud, where that can't be.
    ///
    /// # Panics
    /// When a program of the system can't be run.
    pub async fn start() -> Option<Self> {
        let (unshare, nsenter, ip, nft) = (peer("unshare")?, peer("nsenter")?, peer("ip")?, peer("nft")?);
        let _ = peer("setpriv")?;
        if !allowed(&unshare) {
            return None;
        }
        let router =
            Peer::start(&unshare, |command| command.args(["--map-root-user", "--net", "--mount", "sh", "-c", ROUTER]));
        let within = until("all networks are there", async || {
            let log = router.log();
            let (ids, _) = log.split_once("all are there: ")?.1.split_once(';')?;
            Some(ids.split(' ').map(str::to_owned).collect())
        })
        .await;
        Some(Self { nsenter, nft, ip, within, age: AtomicU32::new(1), _router: router })
    }

    /// Where the only machine of this network is.
    #[must_use]
    pub fn address(level: Level) -> Ipv4Addr {
        Ipv4Addr::new(10, 78, level as u8, 2)
    }

    fn enter(&self, index: usize) -> Command {
        let mut command = Command::new(&self.nsenter);
        command.args(entering(self.within.get(index).map_or("", String::as_str)));
        command
    }

    /// Starts a program there.
    #[must_use]
    pub fn peer(&self, level: Level, program: &Path, arguments: &[&Path]) -> Peer {
        let within = self.within.get(level as usize).map_or("", String::as_str);
        Peer::start(&self.nsenter, |command| command.args(entering(within)).arg(program).args(arguments))
    }

    /// Runs a program there to its end.
    ///
    /// # Panics
    /// When it can't be run.
    #[must_use]
    pub fn run(&self, level: Level, program: &Path, arguments: &[&str]) -> Output {
        self.enter(level as usize).arg(program).args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    fn route(&self, program: &Path, arguments: &[&str]) {
        let output = self.enter(0).arg(program).args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Cuts a network off from the one above it, until [`Levels::mend`].
    ///
    /// # Panics
    /// When the router doesn't do it.
    pub fn cut(&self, level: Level, cut: Cut) {
        let chain = format!("cut{}", level as u8);
        let rule = |rule: &str| self.route(&self.nft, &["add", "rule", "inet", "walls", &chain, rule]);
        match cut {
            Cut::Silent => rule("drop"),
            Cut::Refused => {
                rule("meta l4proto tcp reject with tcp reset");
                rule("reject with icmpx type admin-prohibited");
            }
            Cut::Down => self.route(&self.ip, &["link", "set", &format!("net{}", level as u8 - 1), "down"]),
            Cut::Forgotten => {
                // Calls are marked with the age in which they began.
                let age = self.age.fetch_add(1, Ordering::Relaxed);
                rule(&format!("ct state new ct mark set {age}"));
                rule(&format!("meta l4proto tcp ct mark != {age} drop"));
            }
        }
    }

    /// It isn't cut off any more.
    ///
    /// # Panics
    /// When the router doesn't do it.
    pub fn mend(&self, level: Level) {
        self.route(&self.nft, &["flush", "chain", "inet", "walls", &format!("cut{}", level as u8)]);
        self.route(&self.ip, &["link", "set", &format!("net{}", level as u8 - 1), "up"]);
    }
}

/// An agent of net-snmp's that says that it is a printer, in the last network; `None`, said aloud, where it isn't installed.
///
/// # Panics
/// When its configuration can't be written.
#[must_use]
pub fn printer(levels: &Levels, place: &Place, conf: &str) -> Option<Peer> {
    let program = peer("snmpd")?;
    let folder = place.path("snmpd");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("snmpd.conf");
    std::fs::write(&file, format!("agentaddress udp:{}:161\n{conf}", Levels::address(Level::Printer))).unwrap();
    let (persistent, pid) = (format!("--persistentDir={}", folder.display()), folder.join("pid"));
    let arguments = ["-f", "-C", "-Lo", "-c"].map(Path::new);
    let arguments = arguments.into_iter().chain([&*file, Path::new("-p"), &pid, Path::new(&persistent)]);
    Some(levels.peer(Level::Printer, &program, &arguments.collect::<Vec<_>>()))
}
