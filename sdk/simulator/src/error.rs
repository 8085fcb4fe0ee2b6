//! What can go wrong before a fleet runs. A running device doesn't fail: it answers or it doesn't.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::snmprec::LineError;

/// Why a fleet can't be started or a recording can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file can't be read.
    #[error("can't read the recording {path}: check that the file exists and may be read")]
    ReadRecording {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of the file isn't what a `.snmprec` line can be.
    #[error("{path}, line {line}: {source}", line = source.line)]
    BadRecording {
        /// The file asked for.
        path: PathBuf,
        /// The line and what is wrong with it.
        source: LineError,
    },
    /// A mix without any share has no device to make.
    #[error("the mix of devices is empty: name at least one profile or recording with a weight of 1 or more")]
    EmptyMix,
    /// A fleet of none, or more devices than one process may hold.
    #[error("a fleet has 1 to {max} devices, not {count}: {advice}", max = crate::fleet::MAX_DEVICES)]
    Count {
        /// The number asked for.
        count: u32,
        /// What to do instead.
        advice: &'static str,
    },
    /// Simulated devices answer on loopback and nowhere else.
    #[error("{address} isn't a loopback address: give a first address between 127.0.0.1 and 127.255.255.254")]
    NotLoopback {
        /// The address asked for.
        address: Ipv4Addr,
    },
    /// 127/8 ends before the fleet does.
    #[error("127.0.0.0/8 has no room for {count} devices from {first} on: start at a lower address")]
    AddressesRunOut {
        /// The first address asked for.
        first: Ipv4Addr,
        /// The number of devices asked for.
        count: u32,
    },
    /// Each device needs a socket, and the system gives fewer.
    #[error(
        "the fleet needs {needed} open files but this process may have {limit}: raise the hard limit (ulimit -Hn) or start fewer devices"
    )]
    OpenFiles {
        /// Files needed, sockets and a reserve.
        needed: u64,
        /// Files allowed.
        limit: u64,
    },
    /// The system doesn't say how many files may be open.
    #[error("can't raise the number of open files this process may have")]
    RaiseOpenFiles {
        /// What the system said.
        source: std::io::Error,
    },
    /// The socket of one device can't be opened.
    #[error(
        "can't listen on {address}: another program may use it, or ports below 1024 need a privilege; choose another first address or port"
    )]
    Bind {
        /// The device's address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The SNMPv3 agent of one device can't be made.
    #[error(
        "can't start the SNMPv3 agent on {address}: passwords need at least 8 characters and the address must be free"
    )]
    SecureAgent {
        /// The device's address.
        address: SocketAddr,
        /// What the SNMP library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
