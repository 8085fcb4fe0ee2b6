//! Programs of others that stories meet: found where they are installed, ended with the story.

use crate::log::Log;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where a program is that isn't ours. Without it the story is skipped, and says so; with `HOSTLER_PEERS=required` in the
/// environment it fails.
///
/// # Panics
/// See above.
#[must_use]
pub fn peer(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&paths).chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from));
    let own = ["snmpsim/bin", "aiosmtpd/bin", "zeep/bin"].map(|folder| crate::target().join("peers").join(folder));
    let found = folders.chain(own).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        let package = match name {
            "chromium" | "snmpd" | "slapd" => format!("apt-get install {name}"),
            "cc" => "apt-get install gcc".to_owned(),
            "chromedriver" => "apt-get install chromium-driver".to_owned(),
            "nft" => "apt-get install nftables".to_owned(),
            "ip" => "apt-get install iproute2".to_owned(),
            "unshare" | "nsenter" | "setpriv" => "apt-get install util-linux".to_owned(),
            "script" => "apt-get install bsdutils".to_owned(),
            "snmpget" | "snmpset" => "apt-get install snmp".to_owned(),
            _ => "`./just test` installs it".to_owned(),
        };
        crate::skipped(&format!("{name} is not installed ({package})"));
    }
    found
}

/// A program that runs until this is dropped.
pub struct Peer {
    name: String,
    child: Child,
    log: Log,
}

impl Peer {
    /// Starts it.
    ///
    /// # Panics
    /// When it can't be.
    #[must_use]
    pub fn start(program: &Path, set: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let log = Log::default();
        let mut command = Command::new(program);
        set(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdout.take().into_iter().for_each(|out| log.follow(out));
        child.stderr.take().into_iter().for_each(|err| log.follow(err));
        Self { name: program.file_name().unwrap_or_default().to_string_lossy().into_owned(), child, log }
    }

    /// Everything that it said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.log.print_when_failing(&self.name);
    }
}
