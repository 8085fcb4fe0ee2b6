//! E9 against net-snmp's agent, which is not ours: found, recognised, adopted, read and followed, by SNMPv2c and by
//! SNMPv3 with authentication and privacy.

use hostler_tests::{Network, Node, Peer, Place, Setup, peer, until};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

const MODEL: &str = "Fern 300";
const SERIAL: &str = "FX-4711-0815";
const AUTH: &str = "a password to sign with";
const PRIVACY: &str = "a password to hide with";

/// What a printer with two supplies has to tell (RFC 2790, RFC 3805).
const PRINTER: &str = r#"
override 1.3.6.1.2.1.25.3.2.1.2.1 object_id 1.3.6.1.2.1.25.3.1.5
override 1.3.6.1.2.1.25.3.2.1.3.1 octet_str "Example Fern 300"
override -rw 1.3.6.1.2.1.25.3.2.1.5.1 integer 2
override 1.3.6.1.2.1.25.3.5.1.1.1 integer 3
override 1.3.6.1.2.1.25.3.5.1.2.1 octet_str ""
override 1.3.6.1.2.1.43.5.1.1.1.1 counter 7
override 1.3.6.1.2.1.43.5.1.1.17.1 octet_str "FX-4711-0815"
override 1.3.6.1.2.1.43.10.2.1.3.1.1 integer 7
override -rw 1.3.6.1.2.1.43.10.2.1.4.1.1 counter 123456
override 1.3.6.1.2.1.43.11.1.1.3.1.1 integer 1
override 1.3.6.1.2.1.43.11.1.1.3.1.2 integer 0
override 1.3.6.1.2.1.43.11.1.1.4.1.1 integer 3
override 1.3.6.1.2.1.43.11.1.1.4.1.2 integer 4
override 1.3.6.1.2.1.43.11.1.1.5.1.1 integer 3
override 1.3.6.1.2.1.43.11.1.1.5.1.2 integer 4
override 1.3.6.1.2.1.43.11.1.1.6.1.1 octet_str "Black toner"
override 1.3.6.1.2.1.43.11.1.1.6.1.2 octet_str "Waste box"
override 1.3.6.1.2.1.43.11.1.1.7.1.1 integer 19
override 1.3.6.1.2.1.43.11.1.1.7.1.2 integer 19
override 1.3.6.1.2.1.43.11.1.1.8.1.1 integer 100
override 1.3.6.1.2.1.43.11.1.1.8.1.2 integer 100
override -rw 1.3.6.1.2.1.43.11.1.1.9.1.1 integer 42
override 1.3.6.1.2.1.43.11.1.1.9.1.2 integer 80
override 1.3.6.1.2.1.43.12.1.1.4.1.1 octet_str "black"
"#;

const TONER: &str = "1.3.6.1.2.1.43.11.1.1.9.1.1";

/// An agent that says that it is a printer.
fn printer(place: &Place, program: &Path) -> (Peer, SocketAddr) {
    let address = place.address(100, 1);
    let agent = SocketAddr::from((address, place.free_udp(address)));
    let folder = place.path("snmpd");
    std::fs::create_dir_all(&folder).unwrap();
    let conf = format!(
        "agentaddress udp:{agent}\nrwcommunity public\ncreateUser mgr SHA-256 {AUTH:?} AES {PRIVACY:?}\nrwuser mgr priv\n\
         sysDescr Example Fern 300\nsysObjectID .1.3.6.1.4.1.32473.1.300\nsysName upstairs\nsysLocation Room 7\n{PRINTER}"
    );
    let file = folder.join("snmpd.conf");
    std::fs::write(&file, conf).unwrap();
    let started = Peer::start(program, |command| {
        command.args(["-f", "-C", "-Lo", "-c"]).arg(&file).arg("-p").arg(folder.join("pid"));
        command.arg(format!("--persistentDir={}", folder.display()))
    });
    (started, agent)
}

fn v3(privacy: &str) -> String {
    format!(
        "version = \"3\"\nuser = \"mgr\"\nauth = {{ algorithm = \"SHA-256\", password = {AUTH:?} }}\n\
         privacy = {{ algorithm = \"AES-128\", password = {privacy:?} }}\n"
    )
}

fn reading<'a>(view: &'a Value, name: &str, label: &str) -> Option<&'a Value> {
    let readings = view.pointer("/snapshot/report/readings")?.as_array()?;
    let wanted = |one: &&Value| one["name"] == name && (label.is_empty() || one["label"] == label);
    readings.iter().find(wanted).map(|one| &one["value"])
}

fn left(view: &Value, label: &str) -> Option<f64> {
    reading(view, "supply.level", label)?.pointer("/level/remaining/exact")?.as_f64()
}

/// A manager and a gateway with this one agent in its network.
async fn tree(place: &Place, agent: SocketAddr, credential: (&str, &str)) -> (Node, Node) {
    let manager = Node::start(Setup::manager(place)).await;
    manager.install("mfp").await;
    let token = manager.token_for(1).await;
    let network = Network::of_one("office", agent, credential.0);
    let setup = Setup::gateway(place, 1, manager.api().base(), &token).networks([network]).adopting("mfp");
    let setup = if credential.1.is_empty() { setup } else { setup.credential(credential.0, credential.1) };
    (manager, Node::start(setup).await)
}

/// It is a device with everything that it tells, and follows when its toner goes down.
async fn is_shown_and_followed(manager: &Node, set: &[&str]) {
    let view = manager.until_read(1).await.remove(0);
    let identity = &view["device"]["identity"];
    assert_eq!(identity["serial"], SERIAL, "{view:#}");
    assert!(identity["model"].as_str().unwrap().contains(MODEL), "{view:#}");
    assert_eq!(identity["name"], "upstairs");
    assert_eq!(identity["location"], "Room 7");
    assert_eq!(view["device"]["gateway"], "gateway-1");
    assert_eq!(view["device"]["plugin"], "mfp");
    assert_eq!(view["condition"], "fine", "{view:#}");
    assert_eq!(
        reading(&view, "pages.total", "").or(reading(&view, "pages.printed", "")),
        Some(&json!({ "counter": 123_456 })),
        "{view:#}"
    );
    assert_eq!(left(&view, "Black toner"), Some(42.0), "{view:#}");
    assert_eq!(left(&view, "Waste box"), Some(80.0), "{view:#}");

    let Some(snmpset) = peer("snmpset") else { return };
    let output = Command::new(snmpset).args(set).args([TONER, "i", "7"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let id = view["device"]["id"].as_str().unwrap();
    until("the lower toner is seen", async || {
        left(&manager.device(id).await?, "Black toner").filter(|left| *left == 7.0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_snmpd_is_adopted_and_read_by_v2c() {
    let Some(program) = peer("snmpd") else { return };
    let place = Place::new(30);
    let (_snmpd, agent) = printer(&place, &program);
    let (manager, _gateway) = tree(&place, agent, ("public", "")).await;
    is_shown_and_followed(&manager, &["-v2c", "-c", "public", &agent.to_string()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_snmpd_is_adopted_and_read_by_v3_with_privacy() {
    let Some(program) = peer("snmpd") else { return };
    let place = Place::new(31);
    let (_snmpd, agent) = printer(&place, &program);
    let (manager, _gateway) = tree(&place, agent, ("secure", &v3(PRIVACY))).await;
    let agent = agent.to_string();
    let user = ["-v3", "-u", "mgr", "-l", "authPriv", "-a", "SHA-256", "-A", AUTH, "-x", "AES", "-X", PRIVACY, &agent];
    is_shown_and_followed(&manager, &user).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_snmpd_with_a_wrong_v3_password_is_not_found() {
    let Some(program) = peer("snmpd") else { return };
    let place = Place::new(32);
    let (_snmpd, agent) = printer(&place, &program);
    let wrong = v3(PRIVACY).replace(AUTH, "not the password at all");
    let (manager, gateway) = tree(&place, agent, ("secure", &wrong)).await;
    until("it was searched three times", async || (gateway.log().matches("searching").count() > 3).then_some(())).await;
    assert!(!gateway.log().contains("not the password"), "a password was logged");
    assert_eq!(manager.devices().await.unwrap().len(), 0);
    assert_eq!(gateway.api().get("candidates").await.unwrap(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_snmpd_that_doesn_t_know_the_v3_user_is_not_found_and_the_log_says_why() {
    let Some(program) = peer("snmpd") else { return };
    let place = Place::new(35);
    let (_snmpd, agent) = printer(&place, &program);
    let (manager, gateway) = tree(&place, agent, ("secure", "version = \"3\"\nuser = \"stranger\"\n")).await;
    let line = until("the log says why", async || {
        let log = gateway.log();
        log.lines().find(|line| line.contains("refused the credential")).map(str::to_owned)
    })
    .await;
    assert!(line.contains(&agent.ip().to_string()) && line.contains("secure"), "{line}");
    assert_eq!(manager.devices().await.unwrap().len(), 0);
}
