//! D1 and E6 to E9 where only a gateway reaches the manager: device nodes come in through two gateways, tell, are asked, call for
//! help, renew and are refused there, whoever is cut or killed on the way.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_simulator::Fleet;
use hostler_tests::{Api, Clock, Node, Place, Setup, device_address, until};
use serde_json::{Value, json};

const PAGE: u16 = 8081;
const DAY: i64 = 86_400;

/// A manager, a gateway that reaches it, and one that reaches that gateway only.
struct Site {
    manager: Node,
    gateways: Vec<Node>,
}

/// Brings a node a PIN of the manager's administrator.
async fn bring(manager: &Node, node: &Node) {
    let made = manager.registered(&["--shared", "1"]).await;
    let _ = node.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
}

async fn until_state(node: &Node, state: &str) -> Value {
    until(format!("a node is {state}"), async || Some(node.membership().await).filter(|now| now["state"] == state))
        .await
}

/// Lets a node in.
async fn let_in(manager: &Node, node: &Node) {
    bring(manager, node).await;
    until_state(node, "connected").await;
}

async fn join(node: &Node) -> Value {
    node.api().get("join").await.unwrap()
}

impl Site {
    async fn new(place: &Place, of: impl Fn(Setup) -> Setup) -> Self {
        let manager = Node::start(of(Setup::joined(place, PAGE))).await;
        manager.install("mfp").await;
        let mut gateways: Vec<Node> = Vec::new();
        for number in 1..=2 {
            let above = join(gateways.last().unwrap_or(&manager)).await;
            let gateway = Setup::joining_gateway(place, number, &above).with_others_below(place, number);
            let gateway = Node::start(of(gateway)).await;
            let_in(&manager, &gateway).await;
            gateways.push(gateway);
        }
        Self { manager, gateways }
    }

    /// A device node below the last gateway, whose engine this is.
    async fn device(&self, place: &Place, number: u8, engine: &Fleet) -> Setup {
        Setup::device_with(place, number, engine, &join(self.gateways.last().unwrap()).await)
    }

    /// Waits until the manager is told what the device reads, and returns its ID.
    async fn until_told(&self) -> String {
        let view = self.manager.until_read(1).await.remove(0);
        assert_eq!(view["path"], json!(["gateway-1", "gateway-2", "mfp-1"]));
        view["device"]["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the manager hears the device: it answers what it is asked.
    async fn until_answers(&self) {
        until("the device answers", async || {
            let ran = self.manager.run(&["node", "check", "mfp-1", "--within", "20s"]).await;
            (ran.code == Some(0)).then_some(())
        })
        .await;
    }

    async fn standing(&self, device: &str) -> Value {
        let rows = self.manager.api().get("enrolled").await.unwrap();
        rows.as_array().unwrap().iter().find(|row| row["device"] == device).unwrap()["standing"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_a_device_node_below_two_gateways_comes_in_tells_is_asked_calls_and_is_refused_there() {
    let place = Place::new(14);
    let engine = place.printers(1).await;
    let serial = engine.devices()[0].serial.clone();
    let mut site = Site::new(&place, |setup| setup).await;
    let here = site.gateways[1].run(&["node", "join"]).await.well();
    assert!(here.contains("gateway = \"gateway-2\"") && here.contains("fingerprint"), "{here}");
    let mut device = Node::start(site.device(&place, 1, &engine).await).await;

    // What the manager says of a wrong PIN reaches whoever stands there.
    let _ = device.run(&["join", "pin", "ABCD-EFGH"]).await;
    let refused = until("it is refused", async || {
        Some(device.membership().await).filter(|now| now["state"] == "not-connected" && now["why"].is_string())
    });
    assert!(refused.await["why"].as_str().unwrap().contains("PIN"), "the reason reaches it");
    let_in(&site.manager, &device).await;
    let status = device.membership().await;
    assert_eq!((&status["manager"], &status["owner"]), (&json!("manager"), &json!("admin")));

    let id = site.until_told().await;
    let answer = site.manager.run(&["device", "counters", &id]).await.well();
    assert!(answer.contains("pages.printed"), "{answer}");
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let base = format!("http://{}:{PAGE}", device_address(&place, 1));
    let pressed = http.post(format!("{base}/panel/call")).header("origin", &base);
    let pressed = pressed.header("content-type", "application/x-www-form-urlencoded").body("text=no+toner").send();
    assert_eq!(pressed.await.unwrap().status().as_u16(), 303);
    until("the call was taken", async || {
        let panel: Value = http.get(format!("{base}/panel/state")).send().await.ok()?.json().await.ok()?;
        (panel["call"] == "taken").then_some(())
    })
    .await;

    // Without the manager its gateway knows it, also after both were started anew.
    site.manager.kill();
    site.gateways[1].start_again().await;
    device.start_again().await;
    until("its gateway hears it", async || {
        let nodes = site.gateways[1].api().get("nodes").await.ok()?;
        nodes.as_array()?.iter().any(|node| node["id"] == "mfp-1" && node["connected"] == true).then_some(())
    })
    .await;
    assert_eq!(device.membership().await["state"], "connected");
    let removed = site.gateways[1].run(&["node", "remove", "mfp-1"]).await;
    assert!(removed.code == Some(1) && removed.err.contains("at the manager"), "{removed:?}");
    site.manager.start_again().await;
    site.until_answers().await;

    // Barred, it is refused at its gateway at once; the PIN is for another then.
    let _ = site.manager.run(&["enrolled", "bar", &serial, "--why", "stolen"]).await.well();
    let ended = until_state(&device, "not-connected").await;
    assert!(ended["why"].as_str().unwrap().contains("ended this device's connection"), "{ended}");
    let _ = device.run(&["join", "open"]).await.well();
    bring(&site.manager, &device).await;
    until("the reason reaches it", async || {
        device.membership().await["why"].as_str()?.contains("barred").then_some(())
    })
    .await;

    // What is ended while its gateway's way up is cut is ended when that is back.
    let _ = site.manager.run(&["enrolled", "unbar", &serial]).await.well();
    let_in(&site.manager, &device).await;
    site.until_answers().await;
    site.gateways[0].kill();
    let _ = site.manager.run(&["enrolled", "bar", &serial, "--why", "stolen again"]).await.well();
    assert_eq!(device.membership().await["state"], "connected", "nobody could tell its gateway");
    site.gateways[0].start_again().await;
    until_state(&device, "not-connected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_whoever_is_cut_or_killed_while_a_device_comes_in_it_ends_with_one_token() {
    let place = Place::new(15);
    let engine = place.printers(1).await;
    let serial = engine.devices()[0].serial.clone();
    let mut site = Site::new(&place, |setup| setup).await;
    let mut device = Node::start(site.device(&place, 1, &engine).await).await;
    // The way up is cut when it knocks.
    site.gateways[0].kill();
    bring(&site.manager, &device).await;
    let connecting = until("it says why it takes longer", async || {
        Some(device.membership().await).filter(|now| now["state"] == "connecting" && now["why"].is_string())
    });
    let why = connecting.await["why"].as_str().unwrap().to_owned();
    assert!(why.contains("can't reach its manager"), "{why}");
    site.gateways[0].start_again().await;
    until_state(&device, "connected").await;
    site.until_told().await;
    assert_eq!(site.standing(&serial).await, "connected");

    // Its gateway loses its power, again and again, while it comes in anew.
    for pause in [0_u64, 5, 20, 60] {
        let _ = site.manager.run(&["enrolled", "return", &serial]).await.well();
        until_state(&device, "not-connected").await;
        let _ = device.run(&["join", "open"]).await.well();
        bring(&site.manager, &device).await;
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        site.gateways[1].kill();
        site.gateways[1].start_again().await;
        until_state(&device, "connected").await;
        site.until_answers().await;
    }
    assert_eq!(site.standing(&serial).await, "connected");
    let token = device.papers()["token"].as_str().unwrap().to_owned();
    device.kill();
    let store = std::fs::read(site.gateways[1].data().join("hostler.redb")).unwrap();
    assert!(!String::from_utf8_lossy(&store).contains(&token), "a gateway keeps digests only");
    let told = site.manager.events().await.unwrap();
    let odd = told.iter().filter(|event| event["name"] == "message.refused").count();
    assert_eq!(odd, 0, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_a_device_may_have_others_below_it_where_its_owner_operates_the_fleet() {
    let place = Place::new(16);
    let manager = Node::start(Setup::joined(&place, PAGE).line("self-registration = \"anyone\"")).await;
    manager.install("mfp").await;
    let engines = place.printers(2).await;
    let own = hostler_tests::Network::of_one("engine", engines.devices()[0].address, "public");
    let serials: Vec<String> = engines.devices().iter().map(|engine| engine.serial.clone()).collect();
    let both = Setup::joining_gateway(&place, 1, &join(&manager).await).roles("\"device\", \"gateway\"");
    let both = both.networks([own]).adopting("mfp").with_others_below(&place, 1);
    let both = Node::start(both).await;
    let_in(&manager, &both).await;
    let network = hostler_tests::Network::of_one("engine", engines.devices()[1].address, "public");
    let setup = Setup::joining_gateway(&place, 2, &join(&both).await).networks([network]).adopting("mfp");
    let below = Node::start(setup.roles("\"device\", \"gateway\"").with_others_below(&place, 2)).await;

    // By the PIN of somebody who registers their own devices it comes in, and lets nobody in.
    let nobody = manager.api().with_token(None);
    let ada = nobody.post("register", &json!({ "user": "ada", "password": "correct horse battery" })).await.unwrap();
    let ada = manager.api().with_token(ada["token"].as_str());
    let made = ada.post("registrations", &json!({ "addresses": device_address(&place, 1) })).await.unwrap();
    let _ = below.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
    assert_eq!(until_state(&below, "connected").await["owner"], "ada");
    let third = Node::start(Setup::device(&place, 3, &join(&below).await)).await;
    bring(&manager, &third).await;
    until("it says why", async || {
        let now = third.membership().await;
        assert_ne!(now["state"], "connected");
        now["why"].as_str()?.contains("gateway").then_some(())
    })
    .await;
    until("the gateway above says why", async || below.log().contains("it lets nobody in").then_some(())).await;
    let read = manager.until_devices(1).await;
    assert_eq!(read[0]["serial"], json!(serials[0]), "what isn't its own isn't taken: {read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_e08_a_certificate_is_renewed_through_two_gateways() {
    let place = Place::new(17);
    let Some(clock) = Clock::make(&place, "all") else { return };
    let site = Site::new(&place, |setup| clock.of(setup)).await;
    let device = Setup::device(&place, 1, &join(&site.gateways[1]).await);
    let device = Node::start(clock.of(device)).await;
    let_in(&site.manager, &device).await;
    let first = device.papers();
    clock.set(61 * DAY);
    let renewed = until("the new one is kept", async || {
        Some(device.papers()).filter(|papers| papers["certificate"] != first["certificate"])
    });
    let renewed = renewed.await;
    assert_eq!(renewed["token"], first["token"], "the token stays");
    let ends = |papers: &Value| papers["ends-at"].as_i64().unwrap();
    assert!(ends(&renewed) - ends(&first) > 60 * DAY * 1_000);
    assert!(!device.log().contains("ended this device's connection"));
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_e01_users_of_a_registrar_below_a_gateway_are_answered_by_the_manager() {
    let place = Place::new(19);
    let manager = Setup::joined(&place, PAGE).line("self-registration = \"anyone\"\nregistrars = [\"registrar-1\"]");
    let manager = Node::start(manager).await;
    let gateway = Setup::joining_gateway(&place, 1, &join(&manager).await).with_others_below(&place, 1);
    let mut gateway = Node::start(gateway).await;
    let_in(&manager, &gateway).await;
    let [users, others] = [1, 2].map(|last| place.free_tcp(place.address(202, last)));
    let here = join(&gateway).await;
    let registrar = Node::start(Setup::registrar(&place, 1, users).joining_as("RG-1", &here)).await;
    let_in(&manager, &registrar).await;
    let other = Node::start(Setup::registrar(&place, 2, others).joining_as("RG-2", &here)).await;
    let_in(&manager, &other).await;

    let new = |user: &str| json!({ "user": user, "password": "correct horse battery" });
    let [registered, refused] = [users, others].map(|address| Api::new(&format!("http://{address}"), None));
    let session =
        until("the manager knows the registrar", async || registered.post("register", &new("ada")).await.ok());
    let session = session.await;
    let ada = registered.with_token(session["token"].as_str());
    let made = ada.post("registrations", &json!({ "addresses": "192.0.2.7" })).await.unwrap();
    assert_eq!(made["secrets"].as_array().unwrap().len(), 1, "{made}");
    let seen = manager.api().get("registrations").await.unwrap();
    assert!(seen.as_array().unwrap().iter().any(|one| one["id"] == made["id"]), "{seen}");
    let why = ada.get("devices").await.unwrap_err().to_string();
    assert!(why.contains("404"), "nothing else is handed on: {why}");
    let why = until("it is known, and no registrar", async || {
        let why = refused.post("register", &new("bo")).await.unwrap_err().to_string();
        why.contains("isn't named").then_some(why)
    });
    assert!(why.await.contains("registrar-2"), "whose registrar it is, is said by the gateway");

    // What is open at a registrar that is let in no longer, or whose gateway is cut, is answered so.
    gateway.kill();
    assert!(ada.get("registrations").await.unwrap_err().to_string().contains("can't reach its manager"));
    gateway.start_again().await;
    until("it is answered again", async || ada.get("registrations").await.ok()).await;
    let _ = manager.run(&["enrolled", "bar", "RG-1", "--why", "stolen"]).await.well();
    until_state(&registrar, "not-connected").await;
    assert!(ada.get("registrations").await.is_err());
}
