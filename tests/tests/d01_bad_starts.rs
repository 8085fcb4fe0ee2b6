//! D1: a node that can't start or can't go on says what is wrong and where, and breaks nothing.

use hostler_tests::{Node, Place, Setup, cannot, hostler, until};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

async fn refuses(text: &str, place: &Place) -> String {
    let file = place.path("bad.toml");
    std::fs::write(&file, text).unwrap();
    let ran = hostler(&["serve", &file.to_string_lossy()]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.starts_with("error: "), "{ran:?}");
    ran.err
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_a_configuration_that_can_t_be_is_named_with_file_and_line() {
    let place = Place::new(64);
    let good = Setup::manager(&place).text();
    let lines = |text: &str, part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    for (from, to, part, word) in [
        ("data =", "dota =", "dota", "dota"),
        ("read-every = \"1s\"", "read-every = \"often\"", "often", "length of time"),
        ("roles = [\"manager\"]", "roles = [\"king\"]", "king", "king"),
        ("[listen]\naddress = \"127.", "[listen]\naddress = \"192.", "192.", "tls"),
    ] {
        let text = good.replace(from, to);
        let said = refuses(&text, &place).await;
        let line = lines(&text, part);
        assert!(said.contains("bad.toml") && said.contains(&format!("line {line}:")) && said.contains(word), "{said}");
    }
    let ran = hostler(&["serve", &place.path("nowhere.toml").to_string_lossy()]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("nowhere.toml"), "{ran:?}");
    assert!(!place.path("data").exists(), "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_a_second_process_on_one_data_folder_is_refused() {
    let place = Place::new(65);
    let node = Node::start(Setup::manager(&place)).await;
    let address = std::fs::read_to_string(node.data().join("local.address")).unwrap();
    let file = node.data().parent().unwrap().join("hostler.toml");
    let other = place.free_tcp(place.address(200, 2)).to_string();
    let second = std::fs::read_to_string(&file).unwrap().replace(address.trim_start_matches("http://").trim(), &other);
    let second_file = file.with_file_name("second.toml");
    std::fs::write(&second_file, second).unwrap();
    let ran = hostler(&["serve", &second_file.to_string_lossy()]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("another") || ran.err.contains("in use") || ran.err.contains("already"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(node.data().join("local.address")).unwrap(), address, "the first goes on");
    node.api().get("devices").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_a_port_in_use_is_named() {
    let place = Place::new(66);
    let setup = Setup::manager(&place);
    let text = setup.text();
    let (_, rest) = text.split_once("address = \"").unwrap();
    let address = rest.split('"').next().unwrap();
    let _taken = std::net::TcpListener::bind(address).unwrap();
    let ran = hostler(&["serve", &setup.write().to_string_lossy()]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains(address), "{ran:?}");
}

/// A small disk in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount one.
    fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "hostler-story"]).arg(at).output();
        if !mounted.is_ok_and(|mounted| mounted.status.success()) {
            cannot("a full disk needs the right to mount one (run as root)");
            return None;
        }
        Some(Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_a_full_disk_is_told_and_nothing_is_lost() {
    let place = Place::new(67);
    let setup = Setup::manager(&place);
    let Some(_disk) = SmallDisk::mount(&setup.data(), "16m") else { return };
    let mut node = Node::start(setup).await;
    let before = node.token_for(1).await;
    let filler = node.data().join("filler");
    // Everything that is left, down to the last block.
    let _ = Command::new("dd")
        .args(["if=/dev/zero", "bs=4k", "conv=notrunc"])
        .arg(format!("of={}", filler.display()))
        .output();
    let mut refused = None;
    for number in 2..200 {
        if let Err(error) = node.api().post("nodes", &json!({ "id": format!("gateway-{number}") })).await {
            refused = Some(format!("{error:#}"));
            break;
        }
    }
    // What fits into the space that the store already has is kept; the plug-in certainly doesn't.
    let component = std::fs::read(hostler_tests::plugin("mfp")).unwrap();
    let answer =
        node.api().send(reqwest::Method::POST, "/api/v1/plugins?approve=true", "application/wasm", component).await;
    let answer = answer.unwrap();
    println!("on a full disk: {refused:?}; {} {}", answer.status, answer.text);
    assert!(answer.status.is_server_error(), "{answer:?}");
    assert!(!answer.text.contains("panicked"), "{answer:?}");
    node.api().get("devices").await.unwrap();

    // With room again it takes orders again, without a restart; and a restart loses nothing of it.
    std::fs::remove_file(filler).unwrap();
    until("it takes orders again", async || node.api().post("nodes", &json!({ "id": "afterwards" })).await.ok()).await;
    node.install("mfp").await;
    node.kill();
    node.start_again().await;
    let nobody = node.api().with_token(Some(&before));
    let answer = nobody.send(reqwest::Method::GET, "/node/v1/catalogue", "text/plain", "").await.unwrap();
    assert_eq!(answer.status, 200, "what was acknowledged before is still there");
    assert_eq!(answer.json().as_array().unwrap().len(), 1);
}
