//! E9 on a machine whose clock is set while hostler runs, a year ahead and a year back: every reading and every fault is
//! told all the same, and what a wrong clock wrote is in nobody's way.

use hostler_simulator::Condition;
use hostler_tests::{Api, Clock, Node, Place, Setup, until};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const YEAR: i64 = 365 * 24 * 3_600;

/// How far a time may be from the node's clock: the time between two readings, and a slow machine.
const NEAR_MS: i64 = 20_000;

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// How far from the node's clock this time is.
fn off(at: &Value, ahead: i64) -> Option<i64> {
    Some((at.as_i64()? - (now_ms() + ahead * 1_000)).abs())
}

fn pages(view: &Value) -> Option<u64> {
    let readings = view.pointer("/snapshot/report/readings")?.as_array()?;
    readings.iter().find(|one| one["name"] == "pages.printed")?.pointer("/value/counter")?.as_u64()
}

async fn events(api: &Api) -> Vec<Value> {
    api.get("events?limit=500").await.unwrap().as_array().unwrap().clone()
}

async fn told(api: &Api, name: &str) -> usize {
    let events = events(api).await;
    let jams = events.iter().filter(|event| event["name"] == name);
    jams.filter(|event| event["text"].as_str().is_some_and(|text| text.contains("Paper jam"))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_a_clock_that_jumps_ahead_and_back_stops_nothing() {
    let place = Place::new(43);
    let Some(clock) = Clock::make(&place, "clock") else { return };
    let fleet = place.printers(2).await;
    let setup = Setup::alone(&place).network("office", &fleet).adopting("mfp");
    let mut node = Node::start(clock.of(setup)).await;
    node.install("mfp").await;
    node.until_read(2).await;
    let device = &fleet.devices()[0];
    let path = format!("devices/{}", node.id_at(device.address.ip()).await);
    // The token in its folder lives for a day, by that clock; this one for longer than the jumps.
    let wish = json!({ "label": "through the years", "right": "see", "days": 3_000 });
    let made = node.api().post("tokens", &wish).await.unwrap();
    let api = &node.api().with_token(made["token"].as_str());
    let shown = async || api.get(&path).await.ok();

    for (jumps, ahead) in (1..).zip([YEAR, 0, -YEAR, 0]) {
        clock.set(ahead);
        let what = format!("a reading has the time of a clock {ahead} s ahead");
        let before = until(&what, async || {
            let view = shown().await?;
            off(view.pointer("/snapshot/read_at")?, ahead).filter(|off| *off < NEAR_MS)?;
            pages(&view)
        })
        .await;
        // What is printed and what breaks afterwards is told as ever.
        device.control.advance_pages(25);
        let follows = async || pages(&shown().await?).filter(|pages| *pages >= before + 25);
        until("the counter follows", follows).await;
        device.control.raise(Condition::PaperJam);
        until("it is told", async || (told(api, "alert.raised").await == jumps).then_some(())).await;
        let newest = events(api).await.remove(0);
        assert!(off(&newest["at"], ahead).unwrap() < NEAR_MS, "the newest event isn't first: {newest:#}");
        device.control.clear(Condition::PaperJam);
        until("its end is told", async || (told(api, "alert.cleared").await == jumps).then_some(())).await;
        until("both are fine", async || {
            let page = api.get("devices").await.ok()?;
            page["rows"].as_array()?.iter().all(|row| row["condition"] == "fine").then_some(())
        })
        .await;
    }
    assert!(!node.log().contains("panicked"));

    // The same after a start, with whatever a wrong clock left in the store.
    let api = &api.clone();
    let shown = async || api.get(&path).await.ok();
    node.stop().await;
    node.start_again().await;
    until("it is read again", async || {
        off(shown().await?.pointer("/snapshot/read_at")?, 0).filter(|off| *off < NEAR_MS)
    })
    .await;
    assert_eq!((told(api, "alert.raised").await, told(api, "alert.cleared").await), (4, 4));
}
