//! D2: a stock SOAP client (zeep, by the WSDL alone, in SOAP 1.1 and 1.2) is an operator, and is a device.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_simulator::{Fleet, FleetConfig, Share, Source, profile};
use hostler_tests::{Network, Node, Place, Setup, Zeep, until};
use reqwest::Method;
use serde_json::{Value, json};

const VERSIONS: [&str; 2] = ["Soap11", "Soap12"];

fn operator(node: &Node, version: &str, authorization: &str) -> Option<Zeep> {
    Zeep::start(&format!("{}/soap/operator", node.api().base()), &format!("Operator{version}"), authorization)
}

fn device(node: &Node, version: &str, token: &str) -> Option<Zeep> {
    let authorization = format!("Bearer {token}");
    Zeep::start(&format!("{}/soap/device", node.api().base()), &format!("Device{version}"), &authorization)
}

/// What was answered for the pages printed.
fn pages(request: &Value) -> Option<u64> {
    let counters = request.pointer("/outcome/answered/counters")?.as_array()?;
    counters.iter().find(|one| one["name"] == "pages.printed")?.pointer("/value/counter")?.as_u64()
}

/// Asks how a request stands until it stands so; the node holds each of these calls until it knows more.
fn until_told(zeep: &mut Zeep, asked: &Value, state: &str) -> Value {
    let mut told = Value::Null;
    for _ in 0..10 {
        told = zeep.call("GetRequest", &json!({ "id": asked["id"], "wait_s": 10 }));
        if told["state"] == state {
            return told;
        }
    }
    panic!("it isn't {state}: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d02_zeep_is_an_operator() {
    let place = Place::new(250);
    let mix = vec![Share { source: Source::Profile(profile::orchid_c4500()), weight: 1 }];
    let write_community = Some("private".to_owned());
    let config = FleetConfig { count: 1, mix, pages_per_hour: 0, write_community, ..place.fleet() };
    let fleet = Fleet::start(config).await.unwrap();
    let manager = Node::start(Setup::manager(&place)).await;
    manager.install("mfp").await;
    let token = manager.token_for(1).await;
    let network = Network { credentials: vec!["private".to_owned()], ..Network::of("office", &fleet) };
    let setup = Setup::gateway(&place, 1, manager.api().base(), &token).networks([network]).adopting("mfp");
    let setup = setup.credential("private", "version = \"2c\"\ncommunity = \"private\"\n");
    let mut gateway = Node::start(setup.read_every("1h")).await;
    let id = manager.until_read(1).await[0]["device"]["id"].as_str().unwrap().to_owned();
    let local = std::fs::read_to_string(manager.data().join("local.token")).unwrap();
    let password = manager.first_password().await;
    let basic = format!("Basic {}", base64(format!("admin:{password}").as_bytes()));

    for (version, authorization) in VERSIONS.into_iter().zip([format!("Bearer {}", local.trim()), basic]) {
        let Some(mut zeep) = operator(&manager, version, &authorization) else { return };
        let of_devices = ["AdoptCandidate", "Ask", "GetDevice", "GetRequest", "ListCandidates", "ListCommands"];
        let others = ["ListDevices", "ListEvents", "ListNodes", "ReadDevice", "ReleaseDevice", "SearchNetworks"];
        assert_eq!(zeep.operations, [of_devices, others].concat());
        let listed = zeep.call("ListDevices", &json!({ "text": id }));
        assert_eq!((&listed["rows"][0]["id"], &listed["total"]), (&json!(id), &json!(1)), "{listed}");
        let shown = zeep.call("GetDevice", &json!({ "id": id }));
        assert_eq!(shown["device"]["gateway"], "gateway-1", "{shown}");
        let readings = shown.pointer("/snapshot/report/readings").unwrap().as_array().unwrap();
        assert!(readings.iter().any(|reading| !reading["value"]["level"]["remaining"].is_null()), "{shown}");

        fleet.devices()[0].control.advance_pages(5);
        let ask = json!({ "question": { "ask": "counters", "device": id } });
        let asked = zeep.call("Ask", &ask);
        let answered = until_told(&mut zeep, &asked, "answered");
        // The same as by REST, to the number.
        let by_rest = manager.api().get(&format!("requests/{}", asked["id"].as_str().unwrap())).await.unwrap();
        assert!(pages(&answered).is_some_and(|pages| pages > 0), "{answered}");
        assert_eq!(pages(&answered), pages(&by_rest));

        // The gateway is away: delayed, and answered when it is back.
        gateway.kill();
        let asked = zeep.call("Ask", &ask);
        let delayed = until_told(&mut zeep, &asked, "delayed");
        assert!(delayed["delay"]["why"].as_str().unwrap().contains("gateway-1 hasn't"), "{delayed}");
        gateway.start_again().await;
        until_told(&mut zeep, &asked, "answered");
        let alive = zeep.call("Ask", &json!({ "question": { "ask": "alive" }, "node": "gateway-1", "within_s": 60 }));
        assert_eq!(alive["to"], "gateway-1", "{alive}");
        let events = zeep.call("ListEvents", &json!({ "device": id, "limit": 10 }));
        let events = events["events"].as_array().unwrap();
        assert!(!events.is_empty() && events.iter().all(|event| event["device"] == json!(id)), "{events:?}");
        let adopted = zeep.call("ListEvents", &json!({ "name": "device.adopted", "limit": 1 }));
        assert_eq!(adopted["events"][0]["device"], json!(id), "{adopted}");

        let asked = zeep.call("Ask", &json!({ "question": { "ask": "panel", "device": id } }));
        let panel = until_told(&mut zeep, &asked, "answered");
        assert!(panel.pointer("/outcome/answered/panel/lamps/0/colour").is_some(), "{panel}");
        let text = json!({ "ask": "show-on-panel", "device": id, "text": ["Hello", "by SOAP"] });
        let asked = zeep.call("Ask", &json!({ "question": text }));
        let shown = until_told(&mut zeep, &asked, "answered");
        assert_eq!(shown["question"]["text"], json!(["Hello", "by SOAP"]), "{shown}");
        let how = json!([{ "name": "by", "value": "display" }]);
        let command = json!({ "ask": "command", "device": id, "name": "identify", "arguments": how });
        let asked = zeep.call("Ask", &json!({ "question": command }));
        let done = until_told(&mut zeep, &asked, "answered");
        assert_eq!(done["question"]["arguments"][0], how[0], "{done}");
        let (code, why) =
            zeep.refused("Ask", &json!({ "question": { "ask": "command", "device": id, "name": "sing" } }));
        assert!(code == "not-found" && why.contains("sing"), "{code}: {why}");

        let commands = zeep.call("ListCommands", &json!({ "id": id }));
        let named = |name: &str| commands.as_array().unwrap().iter().find(|command| command["name"] == name);
        assert_eq!(named("identify").unwrap()["parameters"][1]["default"]["text"], "Here I am", "{commands}");
        let nodes = zeep.call("ListNodes", &json!({}));
        assert_eq!((&nodes[1]["id"], &nodes[1]["connected"]), (&json!("gateway-1"), &json!(true)), "{nodes}");
        assert!(zeep.call("ReadDevice", &json!({ "id": id }))["away"].is_null());
        zeep.call("SearchNetworks", &json!({ "gateway": "gateway-1" }));
        let nothing = json!({ "gateway": "gateway-1", "address": "127.250.9.9", "plugin": "mfp" });
        let (code, why) = zeep.refused("AdoptCandidate", &nothing);
        assert!(code == "not-found" && why.contains("127.250.9.9"), "{code}: {why}");
        let (code, why) = zeep.refused("GetDevice", &json!({ "id": "nobody" }));
        assert!(code == "not-found" && why.contains("nobody"), "{code}: {why}");
        let (code, why) = zeep.refused("Ask", &json!({ "question": { "ask": "sing" } }));
        assert!(code == "invalid" && why.contains("sing"), "{code}: {why}");
        let Some(mut stranger) = operator(&manager, version, "Basic YWRtaW46d3Jvbmc=") else { return };
        let (code, why) = stranger.refused("ListDevices", &json!({}));
        assert!(code == "unauthorized" && why.contains("wrong"), "{code}: {why}");
    }
}

/// As RFC 4648 has it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= three.len() { letter } else { '=' });
        }
    }
    text
}

/// A manager, and a device that speaks SOAP with the token that it was let in by.
async fn let_in(manager: &Node, name: &str) -> String {
    let made = manager.api().post("nodes", &json!({ "id": name })).await.unwrap();
    made["token"].as_str().unwrap().to_owned()
}

fn identity(serial: &str) -> Value {
    json!({ "device_type": "vending-machine", "manufacturer": "Quench", "model": "Tower 9", "serial": serial, "firmware": "1.0" })
}

fn counter(pages: u64) -> Value {
    json!({ "readings": [{ "name": "items.sold", "unit": "{items}", "value": { "counter": pages } }] })
}

async fn ask(manager: &Node, question: Value) -> String {
    let asked = manager.api().post("requests", &json!({ "question": question, "within_s": 600 })).await.unwrap();
    asked["id"].as_str().unwrap().to_owned()
}

/// What the device can be told, as it describes it.
fn reset() -> Value {
    let modes = json!([{ "value": "warm", "title": "Warm" }, { "value": "cold", "title": "Cold" }]);
    let slot = json!({ "integer": { "min": -1, "max": 9 } });
    json!({
        "name": "reset",
        "title": "Restart",
        "help": "Restarts it.",
        "parameters": [
            { "name": "mode", "title": "How", "required": true, "kind": { "choice": modes } },
            { "name": "slot", "title": "Slot", "required": false, "kind": slot, "default": { "integer": -1 } },
        ],
        "may": "operate",
        "effect": "once",
    })
}

async fn give(manager: &Node, id: &str, command: &str, arguments: Value) -> String {
    let told = json!({ "arguments": arguments, "within_s": 600 });
    let asked = manager.api().post(&format!("devices/{id}/commands/{command}"), &told).await.unwrap();
    asked["id"].as_str().unwrap().to_owned()
}

/// Polls until a request that the device isn't asked has failed for this reason; nothing of it comes to the device.
async fn until_failed(manager: &Node, zeep: &mut Zeep, receipt: &mut Value, id: &str, why: &str) {
    for _ in 0..10 {
        let poll = zeep.call("Poll", &json!({ "receipt": receipt, "wait_s": 1 }));
        assert!(poll["questions"].as_array().is_none_or(Vec::is_empty), "{poll}");
        *receipt = poll["receipt"].clone();
        let request = manager.api().get(&format!("requests/{id}")).await.unwrap();
        if request["state"] == "failed" {
            let said = request.pointer("/outcome/failed/why").and_then(Value::as_str).unwrap();
            assert!(said.contains(why), "{request}");
            return;
        }
    }
    panic!("it isn't refused");
}

async fn until_state(manager: &Node, id: &str, state: &str) -> Value {
    until(format!("request {id} is {state}"), async || {
        let request = manager.api().get(&format!("requests/{id}")).await.ok()?;
        (request["state"] == state).then_some(request)
    })
    .await
}

/// Polls until this many of something have come; returns the last answer.
fn fetch(zeep: &mut Zeep, receipt: &Value, what: &str) -> Value {
    for _ in 0..10 {
        let poll = zeep.call("Poll", &json!({ "receipt": receipt, "wait_s": 5 }));
        if poll[what].as_array().is_some_and(|all| !all.is_empty()) {
            return poll;
        }
    }
    panic!("no {what} came");
}

#[tokio::test(flavor = "multi_thread")]
async fn d02_zeep_is_a_device() {
    let place = Place::new(251);
    let mut manager = Node::start(Setup::manager(&place)).await;
    for (number, version) in VERSIONS.into_iter().enumerate() {
        let name = format!("vending-{number}");
        let token = let_in(&manager, &name).await;
        let Some(mut zeep) = device(&manager, version, &token) else { return };
        assert_eq!(zeep.operations, ["Answer", "Late", "Poll", "ReportFault", "UserCall"]);
        let (code, _) = zeep.refused("UserCall", &json!({}));
        assert_eq!(code, "unknown-device", "who it is comes first");
        assert_eq!(zeep.call("Poll", &json!({}))["describe"], true);

        // It says who it is and how it stands, and is a device of the fleet.
        let level = json!({ "level": { "remaining": { "exact": 3.0 }, "capacity": 10.0 } });
        let some = json!({ "level": { "remaining": { "some-left": true } } });
        let report = json!({
            "status": "warning",
            "readings": [
                { "name": "items.sold", "value": { "counter": 41 }, "attributes": [{ "name": "slot", "value": "<A>" }] },
                { "name": "supply.level", "instance": "cola", "value": level },
                { "name": "supply.level", "instance": "water", "value": some },
            ],
            "alerts": [{ "code": "low", "severity": "warning", "text": "Nearly out of cola & \"water\"" }],
            "console": ["HELLO"],
        });
        let serial = format!("VM-{number}");
        let poll = zeep.call("Poll", &json!({ "device": identity(&serial), "commands": [reset()], "report": report }));
        let id = poll["device"].as_str().unwrap().to_owned();
        assert_eq!((id.as_str(), &poll["describe"]), (format!("quench-vm-{number}").as_str(), &json!(false)), "{poll}");
        let shown = manager.device(&id).await.unwrap();
        assert_eq!((&shown["condition"], &shown["device"]["gateway"]), (&json!("warning"), &json!(name)), "{shown}");
        let readings = shown.pointer("/snapshot/report/readings").unwrap();
        assert_eq!(readings[0]["attributes"], json!({ "slot": "<A>" }), "{readings}");
        assert_eq!(readings[2]["value"]["level"]["remaining"], "some-left", "{readings}");

        // Counters asked by REST: it is late, is killed, and answers after all. What it didn't say to have, comes again.
        let asked = ask(&manager, json!({ "ask": "counters", "device": id })).await;
        let poll = fetch(&mut zeep, &json!(null), "questions");
        let question = &poll["questions"][0];
        assert_eq!((&question["request"], &question["ask"]), (&json!(asked), &json!("counters")), "{poll}");
        zeep.call("Late", &json!({ "request": asked, "why": "somebody has the door open" }));
        let delayed = until_state(&manager, &asked, "delayed").await;
        assert_eq!(delayed["delay"], json!({ "by": name, "why": "somebody has the door open" }));
        drop(zeep);
        manager.kill();
        manager.start_again().await;
        let mut zeep = device(&manager, version, &token).unwrap();
        let poll = fetch(&mut zeep, &json!(null), "questions");
        assert_eq!(poll["questions"][0]["request"], json!(asked), "{poll}");
        zeep.call("Answer", &json!({ "request": asked, "counters": counter(42) }));
        zeep.call("Answer", &json!({ "request": asked, "counters": counter(43) }));
        let answered = until_state(&manager, &asked, "answered").await;
        assert_eq!(answered.pointer("/outcome/answered/counters/0/value/counter"), Some(&json!(42)), "{answered}");
        let receipt = poll["receipt"].clone();
        let poll = zeep.call("Poll", &json!({ "receipt": receipt }));
        assert!(poll["questions"].as_array().is_none_or(Vec::is_empty), "{poll}");

        // What can't be asked of it is refused at once, with the reason.
        let asked = ask(&manager, json!({ "ask": "panel", "device": id })).await;
        let mut receipt = poll["receipt"].clone();
        until_failed(&manager, &mut zeep, &mut receipt, &asked, "where its panel isn't asked").await;

        // A command that it describes, with its parameters, and one that it refuses.
        let commands = manager.api().get(&format!("devices/{id}/commands")).await.unwrap();
        assert_eq!(
            (&commands[0]["name"], &commands[0]["parameters"][1]["default"]["integer"]),
            (&json!("reset"), &json!(-1))
        );
        let unfit = json!({ "arguments": { "mode": "lukewarm" } });
        let unfit = manager.api().post(&format!("devices/{id}/commands/reset"), &unfit).await.unwrap_err();
        assert!(unfit.to_string().contains("lukewarm"), "{unfit}");
        let asked = give(&manager, &id, "reset", json!({ "mode": "cold" })).await;
        let poll = fetch(&mut zeep, &receipt, "questions");
        let question = &poll["questions"][0];
        let pairs = json!([{ "name": "mode", "value": "cold" }, { "name": "slot", "value": "-1" }]);
        assert_eq!((&question["name"], &question["arguments"]), (&json!("reset"), &pairs), "{poll}");
        zeep.call("Answer", &json!({ "request": asked, "done": { "lines": ["it was reset"] } }));
        let done = until_state(&manager, &asked, "answered").await;
        assert_eq!(done.pointer("/outcome/answered/lines/0"), Some(&json!("it was reset")), "{done}");
        let asked = give(&manager, &id, "reset", json!({ "mode": "warm" })).await;
        let poll = fetch(&mut zeep, &poll["receipt"], "questions");
        zeep.call("Answer", &json!({ "request": asked, "failed": { "why": "not while it vends" } }));
        let failed = until_state(&manager, &asked, "failed").await;
        assert_eq!(failed.pointer("/outcome/failed/failing"), Some(&json!("refused")), "{failed}");

        // Somebody calls for help, and the device says so twice: one call, one outcome.
        let call = json!({ "request": format!("{number}").repeat(32), "text": "it ate my coin" });
        let called = zeep.call("UserCall", &call);
        assert_eq!(zeep.call("UserCall", &call), called);
        let poll = fetch(&mut zeep, &poll["receipt"], "outcomes");
        let outcome = &poll["outcomes"][0];
        assert_eq!(outcome["request"], called, "{poll}");
        assert!(outcome["outcome"]["answered"]["text"].as_str().unwrap().contains("manager was told"), "{poll}");

        // A fault, told twice under its number, and one without.
        let fault = json!({ "name": "coin.jam", "severity": "critical", "text": "a coin is stuck", "number": 1_690_000_000_000_u64 });
        let mut ahead = fault.clone();
        ahead["number"] = json!(9_790_000_000_000_u64);
        let (code, why) = zeep.refused("ReportFault", &ahead);
        assert!(code == "invalid" && why.contains("clock"), "{code}: {why}");
        assert_eq!(zeep.call("ReportFault", &fault)["new"], true);
        assert_eq!(zeep.call("ReportFault", &fault)["new"], false);
        let other = zeep.call("ReportFault", &json!({ "severity": "warning", "text": "the door is open" }));
        assert_eq!(other["new"], true, "{other}");
        let events = manager.events().await.unwrap();
        let of =
            |name: &str| events.iter().filter(|event| event["name"] == name && event["device"] == json!(id)).count();
        assert_eq!((of("device.user-call"), of("coin.jam"), of("device.fault")), (1, 1, 1), "{events:?}");
        // What its reports say is told as of any device: what came, and what went with a second one.
        assert_eq!((of("alert.raised"), of("alert.cleared"), of("supply.low")), (1, 0, 0), "{events:?}");
        let low = json!({ "level": { "remaining": { "exact": 0.5 }, "capacity": 10.0 } });
        let readings = json!([{ "name": "supply.level", "instance": "cola", "value": low }]);
        let report = json!({ "status": "ready", "readings": readings });
        for _ in 0..2 {
            zeep.call("Poll", &json!({ "report": report }));
        }
        let events = manager.events().await.unwrap();
        let of =
            |name: &str| events.iter().filter(|event| event["name"] == name && event["device"] == json!(id)).count();
        assert_eq!((of("alert.raised"), of("alert.cleared"), of("supply.low")), (1, 1, 1), "{events:?}");

        // Somebody wants it read, then lets it go.
        let _ = manager.api().post(&format!("devices/{id}/read"), &Value::Null).await.unwrap();
        let polled = zeep.call("Poll", &json!({ "receipt": poll["receipt"], "wait_s": 5 }));
        assert_eq!(polled["read_now"], true, "{polled}");
        let _ = manager.api().call(Method::DELETE, &format!("devices/{id}"), &Value::Null).await.unwrap();
        let polled = zeep.call("Poll", &json!({ "receipt": polled["receipt"], "wait_s": 5 }));
        assert_eq!((&polled["released"], &polled["describe"]), (&json!(true), &json!(false)), "{polled}");
        assert!(manager.device(&id).await.is_none());
    }

    // Another's device isn't taken, and who isn't let in gets nothing.
    let tokens = [let_in(&manager, "first").await, let_in(&manager, "second").await];
    let [mut first, mut second] = tokens.map(|token| device(&manager, "Soap12", &token).unwrap());
    first.call("Poll", &json!({ "device": identity("SAME") }));
    let (code, why) = second.refused("Poll", &json!({ "device": identity("SAME") }));
    assert!(code == "not-yours" && why.contains("quench-same"), "{code}: {why}");
    let mut stranger = device(&manager, "Soap11", "no-token").unwrap();
    assert_eq!(stranger.refused("Poll", &json!({})).0, "unauthorized");
    assert!(!manager.log().contains("panicked"), "{}", manager.log());
}
