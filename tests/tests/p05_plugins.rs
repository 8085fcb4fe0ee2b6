//! P5: a plug-in comes, is replaced, goes back and goes, while everything runs; the next call runs what is there then.

use hostler_tests::{Node, Place, Setup, hostler, manifest, plugin, until, with_manifest};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Another release of the printers' plug-in: this version, and one more change of the manifest.
fn release(place: &Place, version: &str, from: &str, to: &str) -> PathBuf {
    let component = std::fs::read(plugin("mfp")).unwrap();
    let text = manifest(&component);
    assert!(text.contains("version = \"0.1.0\"") && text.contains(from), "{text}");
    let text = text.replace("version = \"0.1.0\"", &format!("version = {version:?}")).replace(from, to);
    let path = place.path(&format!("mfp-{version}.wasm"));
    std::fs::write(&path, with_manifest(&component, &text)).unwrap();
    path
}

/// The newest number of attempts that failed in a row, and why.
fn trouble(view: &Value) -> Option<String> {
    view.pointer("/snapshot/trouble/text")?.as_str().map(str::to_owned)
}

async fn version(node: &Node) -> Option<String> {
    let view = node.api().get("plugins/mfp").await.ok()?;
    view.pointer("/record/active/version")?.as_str().map(str::to_owned)
}

async fn until_version(node: &Node, wanted: &str) {
    until(format!("mfp {wanted} is active"), async || version(node).await.filter(|found| found == wanted)).await;
}

async fn until_trouble(node: &Node, id: &str, word: &str) {
    until(format!("a reading fails with {word:?}"), async || {
        trouble(&node.device(id).await?).filter(|text| text.contains(word))
    })
    .await;
}

async fn until_fine(node: &Node, id: &str) {
    until("a reading succeeds", async || Some(trouble(&node.device(id).await?).is_none()).filter(|fine| *fine)).await;
}

async fn command(node: &Node, verb: &str, what: &str) -> String {
    let yes: &[&str] = if verb == "remove" { &["--yes"] } else { &[] };
    node.run(&[&["plugin", verb, what], yes].concat()).await.well()
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_install_list_inspect_upgrade_roll_back_remove_without_a_restart() {
    let place = Place::new(20);
    let fleet = place.printers(2).await;
    let node = Node::start(Setup::alone(&place).network("office", &fleet).adopting("mfp")).await;
    let started = node.api().get("node").await.unwrap()["started_at"].clone();

    let file = plugin("mfp").to_string_lossy().into_owned();
    let looked_at = hostler(&["plugin", "inspect", &file]).await.well();
    assert!(looked_at.contains("0.1.0") && looked_at.contains("read from the device's SNMP agent"), "{looked_at}");
    let asked = node.run(&["plugin", "install", &file]).await.well();
    assert!(asked.contains("waits for approval"), "{asked}");
    assert_eq!(node.devices().await.unwrap().len(), 0, "nothing runs that nobody approved");

    node.install("mfp").await;
    let id = node.until_read(2).await[0]["device"]["id"].as_str().unwrap().to_owned();
    let list = node.run(&["plugin", "list"]).await.well();
    assert!(list.contains("mfp") && list.contains("0.1.0") && list.contains("active"), "{list}");

    // The next call runs it: this release asks less than a reading needs, and the reading says so.
    let tight = release(&place, "0.2.0", "link-operations = 200", "link-operations = 0");
    command(&node, "upgrade", &tight.to_string_lossy()).await;
    until_version(&node, "0.2.0").await;
    until_trouble(&node, &id, "asked the device more than 0 times").await;
    let inspected = command(&node, "inspect", "mfp").await;
    assert!(inspected.contains("0.2.0") && inspected.contains("before"), "{inspected}");

    command(&node, "rollback", "mfp").await;
    until_version(&node, "0.1.0").await;
    until_fine(&node, &id).await;

    command(&node, "remove", "mfp").await;
    until_trouble(&node, &id, "plug-in mfp").await;
    assert_eq!(node.devices().await.unwrap().len(), 2, "its devices stay");
    assert!(node.api().get("plugins/mfp").await.is_err());
    assert_eq!(node.api().get("node").await.unwrap()["started_at"], started, "it never started again");
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_what_an_upgrade_newly_asks_for_waits_for_approval() {
    let place = Place::new(21);
    let fleet = place.printers(1).await;
    let node = Node::start(Setup::alone(&place).network("office", &fleet).adopting("mfp")).await;
    node.install("mfp").await;
    let id = node.until_read(1).await[0]["device"]["id"].as_str().unwrap().to_owned();

    let more = release(&place, "0.3.0", "state = true", "http = {}\nstate = true");
    let said = command(&node, "upgrade", &more.to_string_lossy()).await;
    assert!(said.contains("waits for approval") && said.contains("http"), "{said}");
    let view = node.api().get("plugins/mfp").await.unwrap();
    assert_eq!(view.pointer("/record/active/version"), Some(&json!("0.1.0")), "what ran before goes on");
    assert_eq!(view.pointer("/record/waiting/version"), Some(&json!("0.3.0")));
    let read_at = node.device(&id).await.unwrap()["snapshot"]["read_at"].clone();
    until("it is read again", async || {
        let view = node.device(&id).await?;
        (view["snapshot"]["read_at"] != read_at && trouble(&view).is_none()).then_some(())
    })
    .await;

    let grant = ["plugin", "grant", "mfp", "snmp", "snmp-write", "state", "cache", "events", "http"];
    let said = node.run(&grant).await.well();
    assert!(said.contains("0.3.0"), "{said}");
    until_version(&node, "0.3.0").await;
    until_fine(&node, &id).await;

    // Taking a right away stops the plug-in; giving it back lets it go on.
    let _ = node.run(&["plugin", "grant", "mfp", "state", "--exactly"]).await.well();
    until_trouble(&node, &id, "plug-in mfp").await;
    let _ = node.run(&grant).await.well();
    until_fine(&node, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_what_is_no_plug_in_is_refused_and_nothing_changes() {
    let place = Place::new(22);
    let node = Node::start(Setup::manager(&place)).await;
    node.install("mfp").await;
    let before = node.api().get("plugins").await.unwrap();
    let good = std::fs::read(plugin("mfp")).unwrap();
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("text", b"hello".to_vec(), "no WebAssembly component"),
        ("a core module", b"\0asm\x01\0\0\0".to_vec(), "core WebAssembly module"),
        ("half of one", good[..good.len() / 2].to_vec(), "component"),
        (
            "an unknown key",
            with_manifest(&good, &manifest(&good).replace("[needs]", "[needs]\nsecrets = true")),
            "secrets",
        ),
    ];
    for (what, bytes, word) in cases {
        let answer =
            node.api().send(reqwest::Method::POST, "/api/v1/plugins?approve=true", "application/wasm", bytes).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status, 400, "{what}: {answer:?}");
        assert!(answer.text.contains(word), "{what}: {answer:?}");
    }
    assert_eq!(node.api().get("plugins").await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_a_gateway_follows_its_manager() {
    let place = Place::new(23);
    let fleet = place.printers(2).await;
    let manager = Node::start(Setup::manager(&place)).await;
    let token = manager.token_for(1).await;
    let setup = Setup::gateway(&place, 1, manager.api().base(), &token);
    let gateway = Node::start(setup.network("office", &fleet).adopting("mfp")).await;

    manager.install("mfp").await;
    let id = manager.until_read(2).await[0]["device"]["id"].as_str().unwrap().to_owned();
    until_version(&gateway, "0.1.0").await;

    let next = release(&place, "0.2.0", "link-operations = 200", "link-operations = 0");
    command(&manager, "upgrade", &next.to_string_lossy()).await;
    until_version(&gateway, "0.2.0").await;
    until_trouble(&manager, &id, "asked the device more than 0 times").await;

    command(&manager, "rollback", "mfp").await;
    until_version(&gateway, "0.1.0").await;
    until_fine(&manager, &id).await;

    command(&manager, "remove", "mfp").await;
    until("the gateway has no plug-in", async || {
        gateway.api().get("plugins").await.ok().filter(|found| *found == json!([]))
    })
    .await;
    until_trouble(&manager, &id, "plug-in mfp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_an_older_release_is_installed_only_by_whoever_says_so() {
    let place = Place::new(91);
    let manager = Node::start(Setup::manager(&place)).await;
    let [newer, older] = ["9.0.0", "0.0.9"].map(|version| release(&place, version, "name", "name"));
    let (newer, older) = (newer.to_str().unwrap(), older.to_str().unwrap());
    let refused = manager.run(&["plugin", "upgrade", newer]).await;
    assert!(refused.err.contains("mfp isn't installed; use `hostler plugin install"), "{refused:?}");
    let _ = manager.run(&["plugin", "install", "--approve", newer]).await.well();
    let refused = manager.run(&["plugin", "upgrade", older]).await;
    assert!(refused.err.contains("9.0.0 is in use") && refused.err.contains("--older"), "{refused:?}");
    let _ = manager.run(&["plugin", "upgrade", older, "--older"]).await.well();
    until_version(&manager, "0.0.9").await;
}
