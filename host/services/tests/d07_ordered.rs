//! D7, D20: what people order of real plug-ins' devices: simulated printers, good and bad, and net-snmp's agent.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../../sdk/plugin/src/testing/skipped.rs"]
mod skipping;

use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::command::{Arguments, Command, Engine, Given, LampState, PanelText, PowerMode, PowerWish};
use hostler_core::device::{Device, Reach, SnmpReach};
use hostler_core::reading::Identity;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{DeviceId, PluginName, Secret, Timestamp};
use hostler_links::credential::SnmpCredential;
use hostler_links::{Credentials, HttpLinks, SnmpLinks};
use hostler_runtime::{Compiler, Failure, Runtime};
use hostler_services::Catalogue;
use hostler_services::gateway::{CallFailed, Caller, Undone};
use hostler_simulator::{Fault, Fleet, FleetConfig, Profile, Share, SimulatedDevice, Sleep, Source, profile};
use hostler_store::{RedbStore, Store};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A node that calls plug-ins for devices, and does nothing by itself.
struct Stage {
    store: Arc<dyn Store>,
    caller: Arc<Caller>,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let runtime = Runtime::start(folder.path().join("compiled"), Compiler::Here).unwrap();
        let plugins = folder.path().join("plugins");
        let catalogue = Catalogue::open(Arc::clone(&store), Arc::clone(&runtime), plugins).await.unwrap();
        let admin = Viewer { user: "admin".parse().unwrap(), right: Right::Administer };
        for name in ["mfp", "scanner"] {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("plugins").join(format!("{name}.wasm"));
            catalogue.install(&admin, std::fs::read(file).unwrap(), true).await.unwrap();
        }
        let private = SnmpCredential::V2c { community: Secret::new("private".to_owned()) };
        let credentials = Credentials::prepare(&[("network".to_owned(), private)].into(), BTreeMap::new()).unwrap();
        let credentials = Arc::new(credentials);
        let links = (SnmpLinks::open(Arc::clone(&credentials)).await.unwrap(), HttpLinks::open(credentials).unwrap());
        let caller = Caller::new(Arc::clone(&store), (runtime, catalogue), links, Vec::new(), None, BTreeMap::new());
        Self { store, caller, _folder: folder }
    }

    async fn put(&self, plugin: &str, at: SocketAddr) -> DeviceId {
        let id = DeviceId::from_words(&[plugin, &at.to_string()]);
        let snmp = SnmpReach { port: at.port(), credential: "network".to_owned() };
        let device = Device {
            id: id.clone(),
            gateway: "gateway-1".parse().unwrap(),
            plugin: plugin.parse().unwrap(),
            identity: Identity::default(),
            reach: Reach { address: at.ip(), snmp: Some(snmp), http: None },
            certificate: None,
            adopted_at: Timestamp(1),
            commands: Vec::new(),
        };
        let change = Change::Device { id: id.clone(), expect: Expect::Absent, value: Some(Box::new(device)) };
        self.store.commit(change.into()).await.unwrap();
        id
    }

    async fn described(&self, name: &str) -> Command {
        let commands = self.caller.describe_commands(&mfp()).await.unwrap();
        commands.iter().find(|command| command.name == name).unwrap().clone()
    }

    async fn arguments(&self, command: &str, given: &[(&str, &str)]) -> Arguments {
        let given = given.iter().map(|(name, text)| ((*name).to_owned(), Given::from(*text)));
        self.described(command).await.take(given).unwrap()
    }

    /// What was told of actions.
    fn told(&self) -> Vec<String> {
        let events = self.store.events(None, None, 1_000).unwrap().into_iter();
        events.map(|(_, event)| event.name).filter(|name| name.starts_with("action.")).collect()
    }
}

fn mfp() -> PluginName {
    "mfp".parse().unwrap()
}

async fn printer(last: u8, profile: Profile) -> (Fleet, SimulatedDevice) {
    let config = FleetConfig {
        count: 1,
        first: [127, 210, last, 1].into(),
        port: 16_162,
        mix: vec![Share { source: Source::Profile(profile), weight: 1 }],
        write_community: Some("private".to_owned()),
        pages_per_hour: 0,
        ..FleetConfig::default()
    };
    let fleet = Fleet::start(config).await.unwrap();
    let device = fleet.devices()[0].clone();
    (fleet, device)
}

fn number(device: &SimulatedDevice, oid: &str) -> String {
    format!("{:?}", device.control.get(&oid.parse().unwrap()))
}

fn text(lines: &[&str]) -> PanelText {
    PanelText::new(lines.iter().map(|line| (*line).to_owned()).collect()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_a_printer_restarts_when_it_is_told_to_and_the_order_leaves_nothing_open() {
    let (_fleet, device) = printer(1, profile::fern_220()).await;
    let stage = Stage::new().await;
    let id = stage.put("mfp", device.address).await;
    let uptime = "1.3.6.1.2.1.1.3.0";
    device.control.advance_time(Duration::from_secs(100_000));
    let before = number(&device, uptime);
    let told = stage.caller.command(&id, "reset", stage.arguments("reset", &[]).await).await.unwrap();
    assert_eq!((told.lines, told.undone), (vec!["It restarts.".to_owned()], vec![]));
    assert!(number(&device, uptime).len() < before.len(), "{before} then {}", number(&device, uptime));
    assert!(stage.store.actions().unwrap().is_empty() && stage.told().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_what_a_printer_refuses_is_told_to_who_ordered_it() {
    let (_fleet, device) = printer(2, profile::fern_220()).await;
    let stage = Stage::new().await;
    let id = stage.put("mfp", device.address).await;
    device.control.set_fault(Fault::NoWrites);
    let told = stage.caller.command(&id, "reset", stage.arguments("reset", &[]).await).await.unwrap();
    assert!(matches!(&told.undone[..], [Undone::Failed(why)] if why.contains("genErr")), "{told:?}");
    assert_eq!(stage.told(), ["action.failed"]);
    assert!(stage.store.actions().unwrap().is_empty(), "it is over");
    device.control.clear_fault();
    device.control.remove_object("1.3.6.1.2.1.43.5.1.1.3.1".parse().unwrap());
    let refused = stage.caller.command(&id, "reset", Arguments::default()).await.unwrap_err();
    assert!(refused.to_string().contains("this model has nothing to restart it by"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_an_order_that_can_not_be_is_refused_before_the_device_is_asked() {
    let (_fleet, device) = printer(3, profile::fern_220()).await;
    let stage = Stage::new().await;
    let id = stage.put("mfp", device.address).await;
    let scanner = stage.put("scanner", device.address).await;
    let forged: Arguments = serde_json::from_str(r#"{"how":{"choice":"by-hammer"}}"#).unwrap();
    let refused = stage.caller.command(&id, "reset", forged).await.unwrap_err();
    assert!(matches!(refused, CallFailed::Arguments(_)), "{refused}");
    let unknown = stage.caller.command(&id, "fly", Arguments::default()).await.unwrap_err().to_string();
    assert_eq!(unknown, "plug-in mfp has no command \"fly\"; there are reset, factory-reset, identify, test-page");
    let none = stage.caller.command(&scanner, "reset", Arguments::default()).await.unwrap_err().to_string();
    assert_eq!(none, "plug-in scanner has no command \"reset\"; it has none");
    let stranger = stage.caller.look_at_panel(&"nobody".parse().unwrap()).await.unwrap_err();
    assert!(matches!(stranger, CallFailed::NoDevice(_)), "{stranger}");
    let panel = stage.caller.look_at_panel(&scanner).await.unwrap_err();
    assert!(matches!(panel, CallFailed::Thing(Failure::Unsupported(_))), "{panel}");
    assert_eq!(device.control.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_a_panel_is_seen_and_written_until_the_printer_restarts() {
    let (_fleet, device) = printer(4, profile::fern_220()).await;
    let stage = Stage::new().await;
    let id = stage.put("mfp", device.address).await;
    let seen = stage.caller.look_at_panel(&id).await.unwrap();
    assert_eq!(seen.lines, ["Ready"]);
    assert_eq!((seen.lamps[0].title.as_str(), seen.lamps[0].state), ("Ready", LampState::On));
    assert_eq!(stage.caller.show_on_panel(&id, text(&["Out to lunch"])).await.unwrap().undone, []);
    assert_eq!(stage.caller.look_at_panel(&id).await.unwrap().lines, ["Out to lunch"]);
    let flash = stage.arguments("identify", &[("by", "lights")]).await;
    stage.caller.command(&id, "identify", flash).await.unwrap();
    let lamps = stage.caller.look_at_panel(&id).await.unwrap().lamps;
    assert!(lamps.iter().all(|lamp| lamp.state == LampState::Blinking), "{lamps:?}");
    stage.caller.set_power(&id, PowerWish::PowerCycle).await.unwrap();
    assert_eq!(stage.caller.look_at_panel(&id).await.unwrap(), seen);
    let long = stage.caller.show_on_panel(&id, text(&["more than sixteen characters"])).await.unwrap_err();
    assert!(long.to_string().contains("16 characters"), "{long}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d20_a_sleeper_is_woken_and_its_engine_waited_for() {
    let (_fleet, device) = printer(5, profile::orchid_c4500()).await;
    let stage = Stage::new().await;
    let id = stage.put("mfp", device.address).await;
    stage.caller.set_power(&id, PowerWish::Sleep).await.unwrap();
    let asleep = stage.caller.power_state(&id).await.unwrap();
    assert_eq!((asleep.mode, asleep.engine), (PowerMode::Asleep, Engine::NotReady));
    assert!(asleep.can.contains(&PowerWish::Wake), "{asleep:?}");
    let started = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&started);
    stage.store.observe(Arc::new(move |changes: &Changes| {
        let actions = changes.0.iter().filter(|change| matches!(change, Change::Action { .. }));
        counting.fetch_add(actions.count(), Ordering::SeqCst);
    }));
    device.control.set_fault(Fault::NoWrites);
    let told = stage.caller.set_power(&id, PowerWish::Wake).await.unwrap();
    assert!(matches!(&told.undone[..], [Undone::Failed(_)]), "{told:?}");
    device.control.clear_fault();
    let told = stage.caller.set_power(&id, PowerWish::Wake).await.unwrap();
    assert_eq!((told.lines, told.undone), (vec!["It wakes.".to_owned()], vec![]));
    assert!(stage.told().is_empty(), "who waits for it asks it how it is; nobody else is told");
    assert_eq!(started.load(Ordering::SeqCst), 0, "a crash leaves nothing in doubt that may be done again");
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while stage.caller.power_state(&id).await.unwrap().engine != Engine::Ready {
        assert!(std::time::Instant::now() < end, "its engine isn't ready within a minute");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (_other, plain) = printer(6, profile::fern_220()).await;
    let plain_id = stage.put("mfp", plain.address).await;
    plain.control.sleep(Sleep::Light);
    let cannot = stage.caller.set_power(&plain_id, PowerWish::Wake).await.unwrap_err();
    assert!(cannot.to_string().contains("this model can't"), "{cannot}");
}

/// net-snmp's agent that says that it is a printer, whose console and reset can be written.
fn snmpd(folder: &Path) -> Option<(std::process::Child, SocketAddr)> {
    let program = ["/usr/sbin/snmpd", "/usr/local/sbin/snmpd"].into_iter().map(Path::new).find(|path| path.exists())?;
    let at = std::net::UdpSocket::bind("127.210.7.1:0").unwrap().local_addr().unwrap();
    let conf = format!(
        "agentaddress udp:{at}\nrwcommunity private\n\
         override 1.3.6.1.2.1.25.3.2.1.2.1 object_id 1.3.6.1.2.1.25.3.1.5\n\
         override 1.3.6.1.2.1.25.3.2.1.5.1 integer 2\noverride 1.3.6.1.2.1.25.3.5.1.1.1 integer 3\n\
         override -rw 1.3.6.1.2.1.43.5.1.1.3.1 integer 3\noverride 1.3.6.1.2.1.43.5.1.1.12.1 integer 20\n\
         override -rw 1.3.6.1.2.1.43.16.5.1.2.1.1 octet_str \"Ready\"\n\
         override 1.3.6.1.2.1.43.16.5.1.2.1.2 octet_str \"Tray 2 is empty\"\n"
    );
    let file = folder.join("snmpd.conf");
    std::fs::write(&file, conf).unwrap();
    let mut command = std::process::Command::new(program);
    command.args(["-f", "-C", "-Lf"]).arg(folder.join("log")).arg("-c").arg(&file).arg("-p").arg(folder.join("pid"));
    Some((command.arg(format!("--persistentDir={}", folder.display())).spawn().unwrap(), at))
}

/// Ends what was started, however the test ends.
struct Ends(std::process::Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_an_agent_that_is_not_ours_takes_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let Some((child, at)) = snmpd(folder.path()) else {
        return skipping::skipped("there is no snmpd (apt-get install snmpd)");
    };
    let _ends = Ends(child);
    let stage = Stage::new().await;
    let id = stage.put("mfp", at).await;
    let end = std::time::Instant::now() + Duration::from_secs(60);
    let seen = loop {
        match stage.caller.look_at_panel(&id).await {
            Ok(seen) => break seen,
            Err(error) => assert!(std::time::Instant::now() < end, "{error}"),
        }
    };
    assert_eq!(seen.lines, ["Ready", "Tray 2 is empty"]);
    assert_eq!(stage.caller.show_on_panel(&id, text(&["Grüße"])).await.unwrap().undone, []);
    assert_eq!(stage.caller.look_at_panel(&id).await.unwrap().lines, ["Grüße", "Tray 2 is empty"]);
    let refused = stage.caller.show_on_panel(&id, text(&["both", "lines"])).await.unwrap();
    assert!(matches!(&refused.undone[..], [Undone::Failed(_)]), "its second line isn't writable: {refused:?}");
    let state = stage.caller.power_state(&id).await.unwrap();
    assert_eq!((state.mode, state.engine), (PowerMode::On, Engine::Ready));
    assert_eq!(stage.caller.command(&id, "reset", Arguments::default()).await.unwrap().undone, []);
}
