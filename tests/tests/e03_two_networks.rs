//! E3, E5 and E6 with a device behind a router that lets it call the manager and lets nothing in: who is in the device's
//! network brings the PIN, under the name that the device has there.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Networks, Place, Setup, Side, peer, program, until};
use serde_json::Value;
use std::path::Path;

const PAGE: u16 = 8081;

/// What curl says there, and the number by which it ended.
fn curl(networks: &Networks, side: Side, curl: &Path, arguments: &[&str]) -> (i32, String) {
    let output = networks.run(side, curl, &[&["-s", "-S", "-m", "20", "--noproxy", "*"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), said)
}

/// What a node's API answers, asked where the node is; `None` while it doesn't.
fn asked(
    networks: &Networks,
    side: Side,
    program: &Path,
    setup: &Setup,
    path: &str,
    body: Option<&str>,
) -> Option<Value> {
    let read = |name: &str| std::fs::read_to_string(setup.data().join(name)).ok();
    let (address, token) = (read("local.address")?, read("local.token")?);
    let url = format!("{}/api/v1/{path}", address.trim());
    let bearer = format!("authorization: Bearer {}", token.trim());
    let mut arguments = vec!["-f", "-H", &bearer, &url];
    arguments.extend(body.iter().flat_map(|body| ["-H", "content-type: application/json", "-d", body]));
    let (ended, said) = curl(networks, side, program, &arguments);
    serde_json::from_str(&said).ok().filter(|_| ended == 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn e03_a_pin_is_brought_where_only_the_devices_network_reaches_it() {
    let place = Place::new(141);
    let Some(curl_program) = peer("curl") else { return };
    let (managers, devices) = (Networks::address(Side::Manager), Networks::address(Side::Device));
    // The name is another machine's in the manager's network.
    let names = (format!("{managers} printer-3.example"), format!("{devices} printer-3.example"));
    let Some(networks) = Networks::start(&place, &names.0, &names.1).await else { return };
    let at = |side, arguments: &[&str]| curl(&networks, side, &curl_program, arguments);
    let setup = Setup::joined_at(&place, (managers, Networks::NODES).into(), PAGE);
    let manager = networks.peer(Side::Manager, &program(), &["serve".as_ref(), setup.write().as_path()]);
    let managed = |path: &str, body: Option<&str>| asked(&networks, Side::Manager, &curl_program, &setup, path, body);
    let join = until("the manager is ready", async || managed("join", None)).await;
    assert_eq!(join["url"], format!("https://{managers}:{}", Networks::NODES));

    let device_setup = Setup::device_at(&place, 1, devices, &join);
    let device = networks.peer(Side::Device, &program(), &["serve".as_ref(), device_setup.write().as_path()]);
    let joined = || asked(&networks, Side::Device, &curl_program, &device_setup, "membership", None);
    until("the device is ready", async || joined().filter(|now| now["state"] == "not-connected")).await;

    // The manager reaches neither its address nor, by its name, it.
    let page = format!("http://{devices}:{PAGE}/");
    let (ended, said) = at(Side::Manager, &[&page]);
    assert_eq!(ended, 7, "curl couldn't connect: {said}");
    let (ended, said) = at(Side::Manager, &[&format!("http://printer-3.example:{PAGE}/")]);
    assert_eq!(ended, 7, "that name is a machine here that has no such page: {said}");
    let (ended, said) = at(Side::Device, &[&page]);
    assert!(ended == 0 && said.contains("SN-001"), "{said}");

    let made = managed("registrations", Some(r#"{"addresses":"printer-3.example"}"#)).unwrap();
    let url = made["entries"][0]["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("http://printer-3.example:{PAGE}/enroll?pin=")), "{url}");
    let (ended, said) = at(Side::Manager, &[url]);
    assert_eq!(ended, 7, "where the manager is, the URL leads nowhere: {said}");
    let (_, said) = at(Side::Device, &["-i", "-H", "accept: text/html", url]);
    assert!(said.starts_with("HTTP/1.1 303"), "{said}");
    let connected = until("it is connected", async || joined().filter(|now| now["state"] == "connected")).await;
    assert_eq!(connected["manager"], "manager");

    // It calls, and is called back by nobody.
    until("the manager hears it", async || {
        let nodes = managed("nodes", None)?;
        nodes.as_array()?.iter().any(|node| node["id"] == "mfp-1" && node["connected"] == true).then_some(())
    })
    .await;
    let shown = managed(&format!("registrations/{}", made["id"].as_str().unwrap()), None).unwrap();
    assert_eq!(
        (&shown["entries"][0]["state"], &shown["entries"][0]["device"]),
        (&"connected".into(), &"SN-001".into())
    );
    let (ended, _) = at(Side::Manager, &[&page]);
    assert_eq!(ended, 7, "it is as unreachable as before");
    for log in [manager.log(), device.log()] {
        assert!(!log.contains("panicked"), "{log}");
    }
}
