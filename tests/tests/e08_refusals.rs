//! E8 and what else must be refused: who shows no token or a wrong one, and messages that are none. Nothing changes then.

use hostler_core::message::{Acks, Envelope, Epoch, ExchangeUp, Method as Said};
use hostler_tests::{Api, Node, Place, Setup, until};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const EXCHANGE: &str = "/node/v1/exchange";

/// Every GET route of the document, with something for its parameters.
async fn routes(node: &Node) -> Vec<String> {
    let document = until("there is a document", async || {
        for path in ["/api/v1/openapi.json", "/api/openapi.json", "/openapi.json"] {
            let answer = node.api().send(Method::GET, path, "text/plain", "").await.ok()?;
            if answer.status.is_success() {
                return Some(answer.json());
            }
        }
        None
    })
    .await;
    let paths = document["paths"].as_object().unwrap();
    let get = paths.iter().filter(|(_, methods)| methods.get("get").is_some());
    get.map(|(path, _)| path.replace("{id}", "x").replace("{name}", "mfp")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_without_a_token_there_is_nothing() {
    let place = Place::new(60);
    let node = Node::start(Setup::manager(&place)).await;
    let routes = routes(&node).await;
    assert!(routes.len() > 8, "{routes:?}");
    for token in [None, Some("made-up"), Some("")] {
        let stranger = node.api().with_token(token);
        for route in routes.iter().map(String::as_str).chain(["/metrics", "/api/v1/nowhere"]) {
            let answer = stranger.send(Method::GET, route, "text/plain", "").await.unwrap();
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token:?} {route}: {answer:?}");
        }
        for (method, route) in [
            (Method::POST, "/api/v1/plugins?approve=true"),
            (Method::POST, "/api/v1/nodes"),
            (Method::POST, "/api/v1/tokens"),
            (Method::DELETE, "/api/v1/plugins/mfp"),
            (Method::DELETE, "/api/v1/devices/x"),
        ] {
            let answer = stranger.send(method.clone(), route, "application/json", "{}").await.unwrap();
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {route}: {answer:?}");
        }
    }
    // A page leads to the log-in instead.
    let nobody = node.api().with_token(None);
    for page in
        ["/", "/discovered", "/plugins", "/plugins/mfp", "/nodes", "/events", "/account", "/devices/x", "/nowhere"]
    {
        let answer = nobody.send(Method::GET, page, "text/plain", "").await.unwrap();
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}: {answer:?}");
        assert!(answer.location.unwrap().starts_with("/login"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_a_gateway_with_a_foreign_token_is_refused_and_says_so() {
    let place = Place::new(61);
    let fleet = place.printers(1).await;
    let manager = Node::start(Setup::manager(&place)).await;
    manager.install("mfp").await;
    let former = manager.token_for(1).await;
    let _ = manager.token_for(1).await;
    let setup = Setup::gateway(&place, 1, manager.api().base(), &former).network("office", &fleet).adopting("mfp");
    let gateway = Node::start(setup).await;
    until("the gateway says why", async || gateway.log().contains("does not accept this node's token").then_some(()))
        .await;
    assert!(!gateway.log().contains(&former), "a token was logged");
    let line = "a node was refused from=127.";
    until("the manager says whom it refused", async || {
        let log = manager.log();
        log.lines().any(|one| one.contains(line) && one.contains("token that it shows is not known")).then_some(())
    })
    .await;
    assert_eq!(gateway.api().get("plugins").await.unwrap(), json!([]), "it got nothing");
    assert_eq!(manager.devices().await.unwrap().len(), 0);
    // A person's token is no gateway's, and the other way round.
    let person = std::fs::read_to_string(manager.data().join("local.token")).unwrap();
    let answer =
        manager.api().with_token(Some(person.trim())).send(Method::POST, EXCHANGE, "application/json", "{}").await;
    assert_eq!(answer.unwrap().status, StatusCode::UNAUTHORIZED);
    let token = manager.token_for(2).await;
    let answer = manager.api().with_token(Some(&token)).send(Method::GET, "/api/v1/devices", "text/plain", "").await;
    assert_eq!(answer.unwrap().status, StatusCode::UNAUTHORIZED);
}

async fn state(node: &Node) -> Value {
    let mut all = json!({});
    for what in ["devices", "candidates", "plugins", "events"] {
        all[what] = node.api().get(what).await.unwrap();
    }
    all
}

async fn exchange(gateway: &Api, body: impl Into<reqwest::Body>) -> hostler_tests::Answer {
    gateway.send(Method::POST, EXCHANGE, "application/json", body).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_an_exchange_that_is_none_is_refused_and_changes_nothing() {
    let place = Place::new(62);
    let manager = Node::start(Setup::manager(&place)).await;
    let token = manager.token_for(1).await;
    let gateway = manager.api().with_token(Some(&token));
    let good = serde_json::to_value(ExchangeUp::default()).unwrap();
    // That it called for the first time is told, whatever it says.
    assert_eq!(exchange(&gateway, good.to_string()).await.status, StatusCode::OK);
    let before = state(&manager).await;
    let mut unknown = good.clone();
    unknown["surprise"] = json!(1);
    let mut strange = good.clone();
    strange["messages"] = json!([{ "seq": 1, "class": "rest", "method": "take-over", "body": {} }]);
    let mut typed = good.clone();
    typed["epoch"] = json!("one");
    let garbage: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"garbage".to_vec(),
        vec![0xff; 4096],
        b"[".repeat(100_000),
        b"null".to_vec(),
        unknown.to_string().into(),
        strange.to_string().into(),
        typed.to_string().into(),
    ];
    for body in garbage {
        let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = exchange(&gateway, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{start}: {answer:?}");
    }
    let too_long = exchange(&gateway, vec![b' '; 17 << 20]).await;
    assert_eq!(too_long.status, StatusCode::PAYLOAD_TOO_LARGE, "{too_long:?}");
    let order = Envelope::of(1, Said::DiscoverNow);
    let too_many = ExchangeUp { messages: vec![order; 100_000], ..ExchangeUp::default() };
    let answer = exchange(&gateway, serde_json::to_string(&too_many).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    assert_eq!(state(&manager).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_a_gateway_speaks_for_its_own_devices_only() {
    let place = Place::new(63);
    let fleet = place.printers(1).await;
    let manager = Node::start(Setup::manager(&place)).await;
    manager.install("mfp").await;
    let token = manager.token_for(1).await;
    let setup = Setup::gateway(&place, 1, manager.api().base(), &token).network("office", &fleet).adopting("mfp");
    let _gateway = Node::start(setup).await;
    let view = manager.until_read(1).await.remove(0);
    let id: hostler_core::DeviceId = serde_json::from_value(view["device"]["id"].clone()).unwrap();

    let other = manager.api().with_token(Some(&manager.token_for(2).await));
    let release = Envelope::of(1, Said::DeviceReleased(id.clone()));
    let up = ExchangeUp {
        epoch: Epoch(7),
        messages: vec![release],
        acks: Acks::default(),
        snapshots: BTreeMap::from([(id.clone(), hostler_core::reading::Snapshot::default())]),
        ..ExchangeUp::default()
    };
    let answer = exchange(&other, serde_json::to_string(&up).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "the message is set aside, not the gateway: {answer:?}");
    let after = manager.device(id.as_str()).await.unwrap();
    assert_eq!(after["device"], view["device"]);
    assert!(after["snapshot"]["report"].is_object(), "its reading isn't replaced");
    let refused = until("it is told", async || {
        manager.events().await?.into_iter().find(|event| event["name"] == "message.refused")
    })
    .await;
    assert!(refused["text"].as_str().unwrap().contains("gateway-2"), "{refused}");
}
