//! E4 to E8 with a device that isn't ours: openssl makes its key, curl speaks for it.

use hostler_tests::{Foreign, Moments, Node, Place, Setup, peer, run, until};
use serde_json::{Value, json};
use std::time::Duration;

fn pin(registration: &Value) -> &str {
    registration["secrets"][0].as_str().unwrap()
}

/// Waits until the manager's log says that it didn't let this device in, and why. Lines are a second apart, so it asks again.
async fn until_said(manager: &Node, device: &str, code: &str, ask: impl Fn() -> (u16, Value)) {
    let parts = ["a device was not let in", &format!("device={device} "), &format!("code=\"{code}\"")];
    until(format!("the log says {parts:?}"), async || {
        if manager.log().lines().any(|line| parts.iter().all(|part| line.contains(part))) {
            return Some(());
        }
        let (status, refused) = ask();
        assert_eq!((status, refused["code"].as_str()), (403, Some(code)), "{refused}");
        None
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_device_of_another_maker_comes_in_by_a_pin_once() {
    let place = Place::new(146);
    let manager = Node::start(Setup::manager(&place)).await;
    let (Some(first), Some(second)) = (Foreign::make(&place, "first"), Foreign::make(&place, "second")) else { return };
    let made = manager.registered(&["192.168.0.7", "printer-3.example"]).await;
    let id = made["id"].as_str().unwrap();
    let url = made.pointer("/entries/0/url").unwrap().as_str().unwrap();
    assert_eq!(url, format!("http://192.168.0.7/enroll?pin={}", pin(&made)));

    let (status, welcome) = first.knock(&manager, "A1", pin(&made));
    assert_eq!(status, 200, "{welcome}");
    assert_eq!((&welcome["manager"], &welcome["owner"]), (&json!("manager"), &json!("admin")));
    let token = welcome["token"].as_str().unwrap();
    assert_eq!(first.call(&manager, token), 200, "everything that it sends carries the token");
    // The certificate is its own, signed by the manager's authority.
    let openssl = peer("openssl").unwrap();
    let chain = place.path("chain.pem");
    std::fs::write(&chain, welcome["certificate"].as_str().unwrap()).unwrap();
    let root = manager.data().join("authority/root.crt");
    let (chain, root) = (chain.to_str().unwrap(), root.to_str().unwrap());
    let _ = run(&openssl, &["verify", "-CAfile", root, "-untrusted", chain, chain]);
    let own = run(&openssl, &["pkey", "-in", first.key.to_str().unwrap(), "-pubout"]);
    assert_eq!(run(&openssl, &["x509", "-in", chain, "-noout", "-pubkey"]), own);

    let (status, refused) = second.knock(&manager, "B2", pin(&made));
    assert_eq!((status, refused["code"].as_str()), (403, Some("spent")), "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("Ask whoever registers devices"), "{refused}");
    until_said(&manager, "B2", "spent", || second.knock(&manager, "B2", pin(&made))).await;
    let shown = manager.run(&["registration", "show", id]).await.well();
    assert!(shown.contains("connected") && shown.contains("waiting"), "{shown}");

    assert!(manager.run(&["enrolled", "list"]).await.well().contains("node-a1"));
    let _ = manager.run(&["enrolled", "bar", "A1", "--why", "stolen"]).await.well();
    assert_eq!(first.call(&manager, token), 401, "it ends at once");
    until("the log says so", async || {
        manager.log().contains("the token that it shows is not known here").then_some(())
    })
    .await;
    assert!(manager.run(&["enrolled", "list"]).await.well().contains("barred: stolen"));
    let again = manager.registered(&["192.168.0.7"]).await;
    let (status, refused) = first.knock(&manager, "A1", pin(&again));
    assert_eq!((status, refused["code"].as_str()), (403, Some("barred")), "{refused}");
    until_said(&manager, "A1", "barred", || first.knock(&manager, "A1", pin(&again))).await;
    let _ = manager.run(&["registration", "withdraw", again["id"].as_str().unwrap()]).await.well();
    let (_, refused) = second.knock(&manager, "B2", pin(&again));
    assert_eq!(refused["code"], "withdrawn", "{refused}");
    until_said(&manager, "B2", "withdrawn", || second.knock(&manager, "B2", pin(&again))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_of_two_devices_that_bring_one_pin_at_the_same_instant_one_comes_in() {
    let place = Place::new(187);
    let manager = Node::start(Setup::manager(&place)).await;
    let (Some(first), Some(second)) = (Foreign::make(&place, "first"), Foreign::make(&place, "second")) else { return };
    for round in 0..5 {
        let made = manager.registered(&["--shared", "1"]).await;
        let both = [(&first, format!("A{round}")), (&second, format!("B{round}"))];
        let answers = std::thread::scope(|scope| {
            let (manager, made) = (&manager, &made);
            let asking = both.each_ref().map(|(who, name)| scope.spawn(move || who.knock(manager, name, pin(made))));
            asking.map(|one| one.join().unwrap())
        });
        let mut statuses = answers.each_ref().map(|(status, _)| *status);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403], "{answers:?}");
        for ((who, name), (status, said)) in both.iter().zip(&answers) {
            if *status == 403 {
                assert_eq!(said["code"], "spent", "{said}");
                until_said(&manager, name, "spent", || who.knock(&manager, name, pin(&made))).await;
            } else {
                assert_eq!(who.call(&manager, said["token"].as_str().unwrap()), 200);
            }
        }
    }
    assert_eq!(manager.api().get("enrolled").await.unwrap().as_array().unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_what_is_no_connection_request_is_refused_with_what_is_wrong() {
    let place = Place::new(147);
    let manager = Node::start(Setup::manager(&place)).await;
    let Some(device) = Foreign::make(&place, "device") else { return };
    let connect = format!("{}/node/v1/connect", manager.api().base());
    let good = device.connection("A1", "0123ABCD0123ABCD0123ABCD01");
    let with = |at: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(at).unwrap() = value;
        changed.to_string()
    };
    let long = "x".repeat(64 << 10);
    for (body, status, said) in [
        (good.to_string(), 403, "doesn't know this PIN"),
        (String::new(), 400, "can't be understood"),
        ("[".repeat(5_000), 400, "can't be understood"),
        (with("/connection/device", json!("../etc")), 400, "device ID"),
        (with("/connection/proof", json!({ "pin": "!" })), 400, "PIN"),
        (with("/connection/key", json!("short")), 400, "fingerprint"),
        (with("/certificate-request", json!("none")), 400, "isn't PEM"),
        (with("/certificate-request", json!(long)), 413, "at most"),
    ] {
        let (found, answer) = device.post(&connect, &body, &[]);
        let start: String = body.chars().take(80).collect();
        assert_eq!(found, status, "{start}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(said), "{start}: {answer}");
    }
    assert_eq!(manager.api().get("enrolled").await.unwrap(), json!([]));
    until_said(&manager, "A1", "unknown", || device.post(&connect, &good.to_string(), &[])).await;
    assert!(!manager.log().contains("0123ABCD"), "a PIN was logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_manager_killed_while_devices_come_in_lets_each_in_once() {
    let place = Place::new(148);
    let mut manager = Node::start(Setup::manager(&place)).await;
    let Some(device) = Foreign::make(&place, "device") else { return };
    let made = manager.registered(&["--shared", "20"]).await;
    let token = |welcome: &Value| welcome["token"].as_str().unwrap().to_owned();
    let (mut moments, mut tokens) = (Moments::new(), Vec::new());
    for round in 0..10 {
        let name = format!("D{round}");
        let asking = device.knock_and_go(&manager, &name, pin(&made));
        tokio::time::sleep(moments.next(Duration::from_millis(12))).await;
        manager.kill();
        let answered = asking.wait_with_output().unwrap().stdout;
        manager.start_again().await;
        // It asks again with the same key, as one that got no answer does.
        let (status, welcome) = device.knock(&manager, &name, pin(&made));
        assert_eq!(status, 200, "{welcome}");
        // Nor does it get this answer: the manager has gone by then.
        manager.kill();
        manager.start_again().await;
        let (status, last) = device.knock(&manager, &name, pin(&made));
        assert_eq!(status, 200, "{last}");
        let before = serde_json::from_slice::<Value>(&answered).into_iter().chain([welcome]);
        for former in before.map(|one| token(&one)) {
            assert_eq!(device.call(&manager, &former), 401, "whoever has it instead is nobody");
        }
        tokens.push(token(&last));
        for one in &tokens {
            assert_eq!(device.call(&manager, one), 200, "each ends with one that works");
        }
    }
    let shown: Value = serde_json::from_str(
        &manager.run(&["registration", "show", made["id"].as_str().unwrap(), "--json"]).await.well(),
    )
    .unwrap();
    assert_eq!((&shown["shared"]["taken"], &shown["shared"]["left"]), (&json!(10), &json!(10)), "{shown}");
    assert_eq!(manager.api().get("enrolled").await.unwrap().as_array().unwrap().len(), 10);
}
