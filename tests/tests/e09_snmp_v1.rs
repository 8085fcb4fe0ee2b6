//! E9 by SNMP v1, the only one that old devices speak: net-snmp's agent, which refuses every other version here, is found,
//! adopted and read.

use hostler_tests::{Network, Node, Peer, Place, Setup, peer, until};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

const TONER: &str = "1.3.6.1.2.1.43.11.1.1.9.1.1";

/// What a printer with one supply has to tell (RFC 2790, RFC 3805), to who asks by v1.
const PRINTER: &str = r#"
com2sec anybody default old-secret
group old v1 anybody
view all included .1
access old "" v1 noauth exact all all none
sysDescr Example Sedge 12
sysObjectID .1.3.6.1.4.1.32473.1.12
sysName cellar
override 1.3.6.1.2.1.25.3.2.1.2.1 object_id 1.3.6.1.2.1.25.3.1.5
override 1.3.6.1.2.1.25.3.2.1.3.1 octet_str "Example Sedge 12"
override 1.3.6.1.2.1.25.3.2.1.5.1 integer 2
override 1.3.6.1.2.1.25.3.5.1.1.1 integer 3
override 1.3.6.1.2.1.25.3.5.1.2.1 octet_str ""
override 1.3.6.1.2.1.43.5.1.1.1.1 counter 1
override 1.3.6.1.2.1.43.5.1.1.17.1 octet_str "SD-1990"
override 1.3.6.1.2.1.43.10.2.1.3.1.1 integer 7
override 1.3.6.1.2.1.43.10.2.1.4.1.1 counter 4321
override 1.3.6.1.2.1.43.11.1.1.3.1.1 integer 1
override 1.3.6.1.2.1.43.11.1.1.4.1.1 integer 3
override 1.3.6.1.2.1.43.11.1.1.5.1.1 integer 3
override 1.3.6.1.2.1.43.11.1.1.6.1.1 octet_str "Black toner"
override 1.3.6.1.2.1.43.11.1.1.7.1.1 integer 19
override 1.3.6.1.2.1.43.11.1.1.8.1.1 integer 100
override -rw 1.3.6.1.2.1.43.11.1.1.9.1.1 integer 42
override 1.3.6.1.2.1.43.12.1.1.4.1.1 octet_str "black"
"#;

fn printer(place: &Place, program: &Path) -> (Peer, SocketAddr) {
    let address = place.address(100, 1);
    let agent = SocketAddr::from((address, place.free_udp(address)));
    let folder = place.path("snmpd");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("snmpd.conf");
    std::fs::write(&file, format!("agentaddress udp:{agent}\n{PRINTER}")).unwrap();
    let started = Peer::start(program, |command| {
        command.args(["-f", "-C", "-Lo", "-c"]).arg(&file).arg("-p").arg(folder.join("pid"));
        command.arg(format!("--persistentDir={}", folder.display()))
    });
    (started, agent)
}

fn reading<'a>(view: &'a Value, name: &str) -> Option<&'a Value> {
    let readings = view.pointer("/snapshot/report/readings")?.as_array()?;
    readings.iter().find(|one| one["name"] == name).map(|one| &one["value"])
}

fn toner(view: &Value) -> Option<f64> {
    reading(view, "supply.level")?.pointer("/level/remaining/exact")?.as_f64()
}

/// A node that tries this credential alone.
async fn node(place: &Place, agent: SocketAddr, version: &str) -> Node {
    let credential = format!("version = {version:?}\ncommunity = \"old-secret\"\n");
    let network = Network::of_one("office", agent, "old");
    let setup = Setup::alone(place).networks([network]).credential("old", &credential).adopting("mfp");
    let node = Node::start(setup).await;
    node.install("mfp").await;
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_an_agent_that_only_speaks_v1_is_adopted_and_read() {
    let (Some(program), Some(snmpset)) = (peer("snmpd"), peer("snmpset")) else { return };
    let place = Place::new(36);
    let (_snmpd, agent) = printer(&place, &program);
    let node = node(&place, agent, "1").await;
    let view = node.until_read(1).await.remove(0);
    let identity = &view["device"]["identity"];
    assert_eq!(identity["serial"], "SD-1990", "{view:#}");
    assert!(identity["model"].as_str().unwrap().contains("Sedge 12"), "{view:#}");
    assert_eq!(identity["name"], "cellar");
    assert_eq!(view["condition"], "fine", "{view:#}");
    let pages = reading(&view, "pages.total").or(reading(&view, "pages.printed"));
    assert_eq!(pages, Some(&json!({ "counter": 4_321 })), "{view:#}");
    assert_eq!(toner(&view), Some(42.0), "{view:#}");

    let mut set = Command::new(snmpset);
    let output = set.args(["-v1", "-c", "old-secret", &agent.to_string(), TONER, "i", "7"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let id = view["device"]["id"].as_str().unwrap();
    until("the lower toner is seen", async || toner(&node.device(id).await?).filter(|left| *left == 7.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_an_agent_that_only_speaks_v1_is_not_found_by_v2c() {
    let Some(program) = peer("snmpd") else { return };
    let place = Place::new(37);
    let (_snmpd, agent) = printer(&place, &program);
    let node = node(&place, agent, "2c").await;
    until("it was searched three times", async || (node.log().matches("searching").count() > 3).then_some(())).await;
    assert_eq!(node.devices().await.unwrap().len(), 0);
    assert_eq!(node.api().get("candidates").await.unwrap(), json!([]));
}
