//! D2, D4 and D5: what is asked of a device under three gateways is answered; who can't answer at once says so before
//! whoever asks gives up; whatever is cut or killed meanwhile, every request ends.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_simulator::{Fault, Fleet};
use hostler_tests::{Node, Place, Setup, until};
use serde_json::{Value, json};

/// A manager, and three gateways in a line below it; the last has a printer.
struct Line {
    manager: Node,
    gateways: Vec<Node>,
    fleet: Fleet,
    device: String,
}

impl Line {
    async fn new(place: &Place) -> Self {
        let fleet = place.printers(1).await;
        let manager = Node::start(Setup::manager(place)).await;
        manager.install("mfp").await;
        let mut gateways: Vec<Node> = Vec::new();
        for number in 1..=3 {
            let above = gateways.last().unwrap_or(&manager);
            let token = above.token_for(number).await;
            let setup = Setup::gateway(place, number, above.api().base(), &token);
            let setup = match number {
                3 => setup.network("office", &fleet).adopting("mfp").read_every("1h"),
                _ => setup,
            };
            gateways.push(Node::start(setup).await);
        }
        let view = manager.until_read(1).await.remove(0);
        let device = view["device"]["id"].as_str().unwrap().to_owned();
        assert_eq!(view["path"], json!(["gateway-1", "gateway-2", "gateway-3"]));
        Self { manager, gateways, fleet, device }
    }

    async fn ask(&self, question: Value, within_s: u64) -> String {
        let asked = self.manager.api().post("requests", &json!({ "question": question, "within_s": within_s })).await;
        asked.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn counters(&self, within_s: u64) -> String {
        self.ask(json!({ "ask": "counters", "device": self.device }), within_s).await
    }

    async fn request(&self, id: &str) -> Option<Value> {
        self.manager.api().get(&format!("requests/{id}")).await.ok()
    }

    async fn until_state(&self, id: &str, state: &str) -> Value {
        until(format!("request {id} is {state}"), async || {
            let request = self.request(id).await?;
            (request["state"] == state).then_some(request)
        })
        .await
    }

    /// Prints so many pages, and returns what the printer counts then.
    fn print(&self, pages: u32) -> u64 {
        let control = &self.fleet.devices()[0].control;
        control.advance_pages(pages);
        let life_count = "1.3.6.1.2.1.43.10.2.1.4.1.1".parse().unwrap();
        match control.get(&life_count).unwrap() {
            async_snmp::Value::Counter32(count) => count.into(),
            other => panic!("{other:?}"),
        }
    }
}

/// What was answered for the pages printed.
fn pages(request: &Value) -> Option<u64> {
    let counters = request.pointer("/outcome/answered/counters")?.as_array()?;
    counters.iter().find(|one| one["name"] == "pages.printed")?.pointer("/value/counter")?.as_u64()
}

#[tokio::test(flavor = "multi_thread")]
async fn d05_counters_are_fetched_through_three_gateways_whoever_is_cut_on_the_way() {
    let place = Place::new(240);
    let mut line = Line::new(&place).await;
    let printed = line.print(7);
    let answer = line.manager.run(&["device", "counters", &line.device]).await.well();
    assert!(answer.contains(&printed.to_string()) && answer.contains("pages.printed"), "{answer}");
    let check = line.manager.run(&["node", "check", "gateway-3", "--json"]).await.well();
    let check: Value = serde_json::from_str(&check).unwrap();
    assert_eq!(check.pointer("/outcome/answered/devices"), Some(&json!(1)), "{check}");
    let listed = line.manager.run(&["request", "list"]).await.well();
    assert!(listed.contains(&format!("counters of {}", line.device)) && listed.contains("answered"), "{listed}");

    // Each node of the way is cut before it is asked, says that it takes longer, and answers when it is back.
    for cut in 0..3 {
        let printed = line.print(1);
        line.gateways[cut].kill();
        let id = line.counters(600).await;
        // Those nearer may have had to speak first; whoever knows best is heard in the end.
        let above = ["manager", "gateway-1", "gateway-2"][cut];
        until(format!("{above} says for whom it waits"), async || {
            let delay = line.request(&id).await?["delay"].clone();
            let waits = delay["why"].as_str()?.contains(&format!("gateway-{} hasn't", cut + 1));
            (delay["by"] == above && waits).then_some(())
        })
        .await;
        line.gateways[cut].start_again().await;
        assert_eq!(pages(&line.until_state(&id, "answered").await), Some(printed), "cut at {cut}");
    }

    // Whoever loses its power while the printer is being read.
    for killed in 0..4 {
        let printed = line.print(1);
        line.fleet.devices()[0].control.set_fault(Fault::Silent);
        let id = line.counters(600).await;
        let delayed = line.until_state(&id, "delayed").await;
        assert!(delayed["delay"]["why"].as_str().is_some(), "{delayed}");
        match killed {
            3 => {
                line.manager.kill();
                line.fleet.devices()[0].control.clear_fault();
                line.manager.start_again().await;
            }
            gateway => {
                line.gateways[gateway].kill();
                line.fleet.devices()[0].control.clear_fault();
                line.gateways[gateway].start_again().await;
            }
        }
        assert_eq!(pages(&line.until_state(&id, "answered").await), Some(printed), "killed {killed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_what_is_not_answered_in_time_says_so_and_nothing_waits_behind_it() {
    let place = Place::new(241);
    let mut line = Line::new(&place).await;
    line.gateways[1].kill();
    let ran = line.manager.run(&["device", "counters", &line.device, "--within", "3s"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("its time is over") && ran.err.contains("hasn't"), "{}", ran.err);
    // What is too late isn't kept for who comes back, and the next is answered.
    until("nothing waits for who is away", async || {
        let nodes = line.gateways[0].api().get("nodes").await.ok()?;
        let row = nodes.as_array()?.iter().find(|row| row["id"] == "gateway-2")?.clone();
        (row["waiting"] == 0).then_some(())
    })
    .await;
    line.gateways[1].start_again().await;
    let printed = line.print(3);
    let id = line.counters(600).await;
    assert_eq!(pages(&line.until_state(&id, "answered").await), Some(printed));

    // A gateway that is removed takes those that wait for it along, with a reason.
    line.gateways[1].kill();
    let id = line.counters(600).await;
    line.until_state(&id, "delayed").await;
    let _ = line.manager.run(&["node", "remove", "gateway-1"]).await.well();
    let failed = line.until_state(&id, "failed").await;
    assert_eq!(failed.pointer("/outcome/failed/failing"), Some(&json!("unreachable")), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_a_thousand_questions_at_once_are_each_answered_once() {
    let place = Place::new(242);
    let line = Line::new(&place).await;
    const ASKED: usize = 300;
    let mut asked = Vec::new();
    for _ in 0..ASKED {
        let question = json!({ "question": { "ask": "alive" }, "node": "gateway-3" });
        let answer = line.manager.api().post("requests", &question).await.unwrap();
        asked.push(answer["id"].as_str().unwrap().to_owned());
    }
    for id in &asked {
        line.until_state(id, "answered").await;
    }
    // What was passed on is forgotten when its time is over; what was asked is kept, each once.
    let list = line.manager.api().get("requests?limit=1000").await.unwrap();
    assert_eq!(list.as_array().unwrap().len(), ASKED);
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_what_cannot_be_asked_gets_a_clear_answer() {
    let place = Place::new(243);
    let manager = Node::start(Setup::manager(&place)).await;
    let refused = async |body: Value, expected: &str| {
        let why = manager.api().post("requests", &body).await.unwrap_err().to_string();
        assert!(why.contains(expected), "{body}: {why}");
    };
    refused(json!({ "question": { "ask": "counters", "device": "nobody" } }), "no device nobody").await;
    refused(json!({ "question": { "ask": "alive" }, "node": "nobody" }), "nobody isn't below").await;
    refused(json!({ "question": { "ask": "alive" } }), "none is named").await;
    refused(json!({ "question": { "ask": "alive" }, "node": "nobody", "within_s": 0 }), "from 1 second to 7 days")
        .await;
    refused(json!({ "question": { "ask": "alive" }, "node": "nobody", "within_s": 999_999 }), "7 days").await;
    refused(json!({ "question": { "ask": "sing" } }), "sing").await;
    let ran = manager.run(&["node", "check", "nobody", "--within", "soon"]).await;
    assert!(ran.err.contains("30s, 5m or 2h"), "{}", ran.err);
    let unknown = manager.run(&["request", "show", &"0".repeat(32)]).await;
    assert!(unknown.err.contains("no request"), "{}", unknown.err);
    let alive = manager.run(&["node", "check", "manager"]).await.well();
    assert!(alive.contains("it is there"), "{alive}");
}
