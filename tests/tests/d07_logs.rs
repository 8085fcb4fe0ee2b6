//! D7, log collection and log settings: a node's own log is fetched through the tree in pieces, goes on where a cut or a kill
//! stopped it, and says more for a stated time.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_simulator::{Fleet, FleetConfig, Share, Source, profile};
use hostler_tests::{Network, Node, Place, Setup, until};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What the devices are read with: nothing else that is logged looks like it.
const COMMUNITY: &str = "rosewood-7c1f";

/// The file that the node with this folder writes its log to.
fn newest(node: &Node) -> PathBuf {
    std::fs::read_dir(node.data().join("log")).unwrap().map(|entry| entry.unwrap().path()).max().unwrap()
}

/// How many lines it says there that it doesn't say by itself.
fn details(node: &Node) -> usize {
    std::fs::read_to_string(newest(node)).unwrap().matches("DEBUG hostler").count()
}

/// Fills the log of the node with this folder with lines, as one that ran for long has it. The node isn't running.
fn fill(node: &Node, lines: u32) -> String {
    let file = newest(node);
    let mut text = String::new();
    for number in 0..lines {
        text +=
            &format!("2026-01-02T03:{:02}:{:02}.000000Z  INFO hostler: line {number}\n", number / 60 % 60, number % 60);
    }
    text += &std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_a_log_is_fetched_through_two_gateways_and_goes_on_where_it_stopped() {
    let place = Place::new(212);
    let mix = vec![Share { source: Source::Profile(profile::orchid_c4500()), weight: 1 }];
    let config = FleetConfig { count: 1, mix, community: COMMUNITY.to_owned(), pages_per_hour: 0, ..place.fleet() };
    let fleet = Fleet::start(config).await.unwrap();
    let network = Network { credentials: vec!["office".to_owned()], ..Network::of("office", &fleet) };
    let manager = Node::start(Setup::manager(&place)).await;
    manager.install("mfp").await;
    let tokens = [manager.token_for(1).await];
    let mut middle = Node::start(Setup::gateway(&place, 1, manager.api().base(), &tokens[0])).await;
    let tokens = [tokens[0].clone(), middle.token_for(2).await];
    let setup = Setup::gateway(&place, 2, middle.api().base(), &tokens[1]).networks([network]).adopting("mfp");
    let setup = setup.credential("office", &format!("version = \"2c\"\ncommunity = \"{COMMUNITY}\"\n"));
    let mut last = Node::start(setup).await;
    let device = manager.until_read(1).await[0]["device"]["id"].as_str().unwrap().to_owned();

    let shown = manager.run(&["node", "log", "gateway-2"]).await.well();
    assert!(shown.contains("ready") && shown.contains("searching"), "{shown}");
    last.kill();
    let written = fill(&last, 60_000);
    last.start_again().await;

    // Cut in the middle: the command is ended, and a gateway on the way as well. The same command goes on.
    let out = place.path("fetched.log");
    let arguments = ["node", "log", "gateway-2", "--out", out.to_str().unwrap()];
    let fetching = async {
        let _ = tokio::time::timeout(std::time::Duration::from_secs(60), manager.run(&arguments)).await;
    };
    let cutting = async {
        until("some of it is fetched", async || (std::fs::metadata(&out).ok()?.len() > 60_000).then_some(())).await;
        middle.kill();
    };
    tokio::select! { () = fetching => panic!("it was fetched before it could be cut"), () = cutting => {} }
    let half = std::fs::read_to_string(&out).unwrap();
    assert!(half.len() < written.len() && written.starts_with(&half), "a part of it came: {}", half.len());
    middle.start_again().await;
    last.kill();
    last.start_again().await;
    let _ = manager.run(&arguments).await.well();
    let fetched = std::fs::read_to_string(&out).unwrap();
    assert!(fetched.starts_with(&written), "every line once, in order: {} of {}", fetched.len(), written.len());
    assert!(!out.with_extension("log.next").exists());
    // Pieces aren't kept as requests.
    let listed = manager.run(&["request", "list"]).await.well();
    assert!(!listed.contains("log of"), "{listed}");

    let recent = manager.run(&["node", "log", "gateway-2", "--since", "1h"]).await.well();
    assert!(!recent.contains("2026-01-02") && recent.contains("ready"), "{recent}");
    let beyond = json!({ "question": { "ask": "log", "from": { "at": 99_000_000 } }, "node": "gateway-2" });
    let asked = manager.api().post("requests", &beyond).await.unwrap();
    let path = format!("requests/{}", asked["id"].as_str().unwrap());
    let piece = until("it is answered", async || {
        manager.api().get(&path).await.ok()?.pointer("/outcome/answered/piece").cloned()
    })
    .await;
    assert_eq!((&piece["turned_over"], &piece["at"]), (&json!(true), &json!(0)), "what isn't there is said");

    for (node, why) in [("nobody", "nobody"), ("gateway-9", "gateway-9")] {
        let ran = manager.run(&["node", "log", node, "--within", "2s"]).await;
        assert!(ran.code != Some(0) && ran.err.contains(why), "{ran:?}");
    }

    // How much it says.
    let said = manager.run(&["node", "log-level", "gateway-2"]).await.well();
    assert!(said.contains("as much as usual"), "{said}");
    assert_eq!(details(&last), 0);
    let said = manager.run(&["node", "log-level", "gateway-2", "hostler", "trace", "--for", "6s"]).await.well();
    assert!(said.contains("hostler says trace until"), "{said}");
    let _ = manager.run(&["device", "counters", &device]).await.well();
    until("it says more", async || (details(&last) > 0).then_some(())).await;
    until("it says as much as usual again", async || {
        manager.run(&["node", "log-level", "gateway-2"]).await.well().contains("usual").then_some(())
    })
    .await;
    let said = details(&last);
    let _ = manager.run(&["device", "counters", &device]).await.well();
    assert_eq!(details(&last), said, "it reads on, and says no more of it");

    // Nothing secret is in any of it, however much is said.
    let logs = [&manager, &middle, &last].map(|node| std::fs::read_to_string(newest(node)).unwrap());
    let own = [&manager, &middle, &last].map(|node| std::fs::read_to_string(node.data().join("local.token")).unwrap());
    let secrets = tokens.iter().map(String::as_str).chain(own.iter().map(|token| token.trim())).chain([COMMUNITY]);
    for secret in secrets {
        assert!(secret.len() > 8 && logs.iter().chain([&fetched]).all(|log| !log.contains(secret)), "{secret}");
    }
    for (target, time, why) in [("hyper", "1m", "no part of hostler"), ("hostler", "48h", "24 hours")] {
        let ran = manager.run(&["node", "log-level", "gateway-2", target, "trace", "--for", time]).await;
        assert!(ran.code != Some(0) && ran.err.contains(why), "{ran:?}");
    }
    let made = manager.run(&["token", "add", "operator", "--right", "operate", "--json"]).await.well();
    let token: Value = serde_json::from_str(&made).unwrap();
    let operator = manager.api().with_token(Some(token["token"].as_str().unwrap()));
    let wish = json!({ "ask": "set-log-level", "wish": { "target": "hostler", "level": "trace", "for_s": 60 } });
    let why = operator.post("requests", &json!({ "question": wish, "node": "gateway-2" })).await.unwrap_err();
    assert!(why.to_string().contains("administer"), "{why}");
}
