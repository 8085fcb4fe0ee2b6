//! E9 with what real devices answer: every recording is played by snmpsim, which is not ours, and everything that
//! prints or scans becomes a device with sane readings; what does neither is nobody's.

use hostler_tests::{Network, Node, Peer, Place, Setup, peer, recordings, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

const USER: &str = "mgr";
const AUTH: &str = "sign-it-so";
const PRIVACY: &str = "hide-it-so";

/// A recording that is played.
struct Played {
    name: String,
    address: Ipv4Addr,
    /// Whose device it is.
    plugin: Option<&'static str>,
    /// Whether it tells more than who it is: a recording of identities doesn't, and the scanner counts nothing.
    whole: bool,
}

/// Every recording and whose it is, from the folder it lies in.
fn all(folder: &Path, place: &Place) -> Vec<(PathBuf, Played)> {
    let mut found = Vec::new();
    for (part, plugin) in [("", Some("mfp")), ("identity-only", Some("mfp")), ("not-printers", None)] {
        for entry in std::fs::read_dir(folder.join("snmp").join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "snmprec") {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                let plugin = if name.contains("scanner") { Some("scanner") } else { plugin };
                let whole = part.is_empty() && plugin == Some("mfp");
                found.push((path, Played { name, address: place.address(100, 0), plugin, whole }));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    for ((_, played), last) in found.iter_mut().zip(1..) {
        played.address = place.address(100, last);
    }
    found
}

/// One engine with an address and a folder of its own for each recording: `public` answers by community, `self` by SNMPv3.
fn play(place: &Place, program: &Path, recordings: &[(PathBuf, Played)]) -> (Peer, u16) {
    let port = place.free_udp(place.address(100, 1));
    let cache = place.path("cache");
    std::fs::create_dir_all(&cache).unwrap();
    let peer = Peer::start(program, |command| {
        command.args(["--process-user=root", "--process-group=root"]).arg(format!("--cache-dir={}", cache.display()));
        for (path, played) in recordings {
            let folder = place.path(&played.name);
            std::fs::create_dir_all(&folder).unwrap();
            ["public", "self"]
                .iter()
                .for_each(|name| _ = std::fs::copy(path, folder.join(format!("{name}.snmprec"))).unwrap());
            command.arg("--v3-engine-id=auto").arg(format!("--data-dir={}", folder.display()));
            command.arg(format!("--agent-udpv4-endpoint={}:{port}", played.address));
            command.args([
                format!("--v3-user={USER}"),
                format!("--v3-auth-key={AUTH}"),
                format!("--v3-priv-key={PRIVACY}"),
            ]);
            command.args(["--v3-auth-proto=SHA256", "--v3-priv-proto=AES128"]);
        }
        command
    });
    (peer, port)
}

/// Plays everything, and looks at what becomes of it.
async fn show(place: &Place, credential: &str) {
    let Some(folder) = recordings() else { return };
    let Some(program) = peer("snmpsim-command-responder") else { return };
    let recordings = all(&folder, place);
    let (peer, port) = play(place, &program, &recordings);
    until("the recordings are played", async || {
        (peer.log().matches("Listening at").count() == recordings.len()).then_some(())
    })
    .await;
    let networks = recordings
        .iter()
        .map(|(_, played)| Network::of_one(&played.name, SocketAddr::from((played.address, port)), credential));
    let lines = format!(
        "version = \"3\"\nuser = {USER:?}\nauth = {{ algorithm = \"SHA-256\", password = {AUTH:?} }}\n\
         privacy = {{ algorithm = \"AES-128\", password = {PRIVACY:?} }}\n"
    );
    let setup = Setup::alone(place).networks(networks).adopting("mfp").adopting("scanner");
    let node = Node::start(setup.credential("secure", &lines).read_every("10s").discover_every("5s")).await;
    node.install("mfp").await;
    node.install("scanner").await;

    let wanted = recordings.iter().filter(|(_, played)| played.plugin.is_some()).count();
    // Some responder may be late once: what counts is what is known when all have answered.
    let views = until("all are read, without trouble", async || {
        let views = node.until_read(wanted).await;
        views.iter().all(|view| view["snapshot"]["trouble"].is_null()).then_some(views)
    })
    .await;
    let by_address: BTreeMap<&str, &Value> =
        views.iter().map(|view| (view["device"]["reach"]["address"].as_str().unwrap(), view)).collect();
    for (_, played) in &recordings {
        let view = by_address.get(played.address.to_string().as_str()).copied();
        let plugin = view.and_then(|view| view["device"]["plugin"].as_str());
        assert_eq!(plugin, played.plugin, "{}: {view:#?}", played.name);
        view.into_iter().for_each(|view| is_sane(played, view));
    }
    let left = until("the others answer as well", async || {
        let candidates = node.api().get("candidates").await.ok()?;
        let left = candidates.as_array()?.clone();
        (left.len() == recordings.len() - wanted).then_some(left)
    })
    .await;
    assert!(left.iter().all(|one| one["candidate"]["claims"].as_array().unwrap().is_empty()), "{left:#?}");
}

/// What holds for everything that a plug-in reads.
fn is_sane(played: &Played, view: &Value) {
    let name = &played.name;
    let identity = &view["device"]["identity"];
    let model = identity["model"].as_str().map_or(0, str::len);
    assert!(!played.whole || model > 2, "{name}: {identity:#}");
    assert!(identity["manufacturer"].is_string(), "{name}: {identity:#}");
    assert!(view["snapshot"]["trouble"].is_null(), "{name}: {view:#}");
    let readings = view["snapshot"]["report"]["readings"].as_array().unwrap();
    assert!(!played.whole || readings.len() > 1, "{name} has more to tell: {readings:#?}");
    for reading in readings {
        assert!(reading["label"].as_str().is_none_or(|label| !label.trim().is_empty()), "{name}: {reading:#}");
        let Some(level) = reading["value"].get("level") else { continue };
        assert!(reading["label"].is_string(), "{name}: a level without a name: {reading:#}");
        let left = level.pointer("/remaining/exact").and_then(Value::as_f64);
        let full = level["capacity"].as_f64();
        assert!(left.is_none_or(|left| left >= 0.0), "{name}: {reading:#}");
        assert!(full.is_none_or(|full| full > 0.0), "{name}: {reading:#}");
        assert!(left.zip(full).is_none_or(|(left, full)| left <= full * 1.05), "{name}: {reading:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_recordings_of_real_devices_by_v2c() {
    show(&Place::new(33), "public").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_recordings_of_real_devices_by_v3_with_privacy() {
    show(&Place::new(34), "secure").await;
}
