//! A device of another maker: openssl makes its key, curl speaks for it.

use crate::{Node, Place, peer};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Two programs and a folder, which may say that they are any device.
pub struct Foreign {
    curl: PathBuf,
    /// The file of its private key.
    pub key: PathBuf,
    /// What it asks to have signed, as PEM.
    pub request: String,
    /// The digest of its public key, as the manager writes it.
    pub fingerprint: String,
}

/// Runs a program of somebody else to its end, and returns what it printed.
///
/// # Panics
/// When it can't be run, or doesn't end well.
#[must_use]
pub fn run(program: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program:?} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

impl Foreign {
    /// One with a key of its own; `None`, said aloud, where a program isn't installed.
    ///
    /// # Panics
    /// When there can't be a key.
    #[must_use]
    pub fn make(place: &Place, name: &str) -> Option<Self> {
        let (openssl, curl) = (peer("openssl")?, peer("curl")?);
        let [key, public] = ["key", "der"].map(|kind| place.path(&format!("{name}.{kind}")));
        let (path, public) = (key.to_str().unwrap(), public.to_str().unwrap());
        let text = |arguments: &[&str]| String::from_utf8(run(&openssl, arguments)).unwrap();
        let _ = run(&openssl, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path]);
        let request = text(&["req", "-new", "-key", path, "-subj", "/CN=whatever"]);
        let _ = run(&openssl, &["pkey", "-in", path, "-pubout", "-outform", "DER", "-out", public]);
        let fingerprint = text(&["dgst", "-sha256", "-r", public]).split(' ').next().unwrap().to_owned();
        Some(Self { curl, key, request, fingerprint })
    }

    /// The request for a connection as this device.
    #[must_use]
    pub fn connection(&self, device: &str, pin: &str) -> Value {
        json!({
            "connection": {
                "device": device, "node": format!("node-{}", device.to_lowercase()),
                "proof": { "pin": pin }, "key": self.fingerprint,
            },
            "certificate-request": self.request,
        })
    }

    /// What a node answers: the status and the body.
    ///
    /// # Panics
    /// When nothing does.
    #[must_use]
    pub fn post(&self, url: &str, body: &str, more: &[&str]) -> (u16, Value) {
        let mut arguments = vec!["-s", "-m", "60", "-w", "\n%{http_code}", "-X", "POST", "-d", body, url];
        arguments.extend(["-H", "content-type: application/json"]);
        arguments.extend(more);
        let text = String::from_utf8(run(&self.curl, &arguments)).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|_| body.into()))
    }

    /// Asks to be let in as this device.
    #[must_use]
    pub fn knock(&self, manager: &Node, device: &str, pin: &str) -> (u16, Value) {
        let url = format!("{}/node/v1/connect", manager.api().base());
        self.post(&url, &self.connection(device, pin).to_string(), &[])
    }

    /// Asks the same, and doesn't wait for what is answered: the program that is returned prints it.
    ///
    /// # Panics
    /// When curl can't be started.
    #[must_use]
    pub fn knock_and_go(&self, manager: &Node, device: &str, pin: &str) -> std::process::Child {
        let url = format!("{}/node/v1/connect", manager.api().base());
        let connection = self.connection(device, pin).to_string();
        let mut asking = Command::new(&self.curl);
        asking.args(["-s", "-m", "5", "-X", "POST", "-d", &connection, &url]);
        asking.args(["-H", "content-type: application/json"]);
        asking.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Sends something of its own with this token; returns the status.
    ///
    /// # Panics
    /// When nothing is answered.
    #[must_use]
    pub fn call(&self, manager: &Node, token: &str) -> u16 {
        let up = serde_json::to_string(&hostler_core::message::ExchangeUp::default()).unwrap();
        let bearer = format!("authorization: Bearer {token}");
        self.post(&format!("{}/node/v1/exchange", manager.api().base()), &up, &["-H", &bearer]).0
    }
}
