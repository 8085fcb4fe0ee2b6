//! D7's scheduled work with the real program: clocks that are changed, a node that was down, one that is killed when
//! something is due, and what somebody may get wrong.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Browser, Clock, Node, Place, Setup, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds after 1970 of 2026-10-25T00:00:00Z: in Berlin the clocks go back at one o'clock of it.
const AUTUMN: i64 = 1_792_886_400;
/// Of 2027-03-28T00:00:00Z: there they go ahead at one o'clock of it.
const SPRING: i64 = 1_806_192_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Sets the clock to so many seconds after 1970.
fn set(clock: &Clock, to: i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    clock.set(to - i64::try_from(now).unwrap());
}

async fn schedule(node: &Node, id: &str) -> Value {
    node.api().get(&format!("schedules/{id}")).await.unwrap()
}

async fn add(node: &Node, name: &str, calendar: &str, more: &[&str]) {
    let _ = node.run(&[&["schedule", "add", name, calendar, "--discover"], more].concat()).await.well();
}

/// What was told of the schedule with this name, the oldest first: the event's name and its sentence.
async fn told(node: &Node, name: &str) -> Vec<(String, String)> {
    let mut events = node.events().await.unwrap_or_default();
    events.reverse();
    let quoted = format!("the schedule {name:?} ");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = events.iter().map(|event| (text(&event["name"]), text(&event["text"])));
    all.filter(|(_, said)| said.starts_with(&quoted)).collect()
}

fn count(told: &[(String, String)], name: &str) -> usize {
    told.iter().filter(|(known, _)| known == name).count()
}

async fn until_ran(node: &Node, name: &str, times: usize) {
    let what = format!("{name:?} ran {times} times");
    until(what, async || (count(&told(node, name).await, "schedule.ran") >= times).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_an_hour_that_exists_twice_runs_a_schedule_once_and_one_that_does_not_once_as_well() {
    let place = Place::new(230);
    let Some(clock) = Clock::make(&place, "berlin") else { return };
    set(&clock, AUTUMN + 29 * MINUTE);
    let mut node = Node::start(clock.of(Setup::manager(&place))).await;
    let berlin = ["--zone", "Europe/Berlin"];
    add(&node, "Night", "30 2 * * *", &berlin).await;
    assert_eq!(schedule(&node, "night").await["next"]["local"], "2026-10-25 02:30 CEST");
    set(&clock, AUTUMN + 30 * MINUTE - 2);
    until_ran(&node, "Night", 1).await;
    assert_eq!(schedule(&node, "night").await["next"]["local"], "2026-10-26 02:30 CET");

    // The second half past two passes, as one that is for every minute shows.
    add(&node, "Every minute", "* * * * *", &berlin).await;
    set(&clock, AUTUMN + HOUR + 30 * MINUTE + 2);
    let later = until("what is for every minute has run after it", async || {
        let last = schedule(&node, "every-minute").await["last"]["run"]["began_at"].as_i64();
        last.filter(|began| *began > (AUTUMN + HOUR + 30 * MINUTE) * 1_000)
    });
    later.await;
    assert_eq!(count(&told(&node, "Night").await, "schedule.began"), 1);
    let _ = node.run(&["schedule", "remove", "night"]).await.well();
    let _ = node.run(&["schedule", "remove", "every-minute"]).await.well();

    node.kill();
    set(&clock, SPRING + 58 * MINUTE);
    node.start_again().await;
    add(&node, "Spring", "30 2 * * *", &berlin).await;
    assert_eq!(schedule(&node, "spring").await["next"]["local"], "2027-03-28 03:00 CEST");
    set(&clock, SPRING + HOUR - 2);
    until_ran(&node, "Spring", 1).await;
    assert_eq!(schedule(&node, "spring").await["next"]["local"], "2027-03-29 02:30 CEST");
    assert_eq!(count(&told(&node, "Spring").await, "schedule.missed"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_what_was_missed_while_down_is_run_once_or_skipped() {
    let place = Place::new(231);
    let Some(clock) = Clock::make(&place, "down") else { return };
    set(&clock, AUTUMN + 12 * HOUR);
    let mut node = Node::start(clock.of(Setup::manager(&place))).await;
    add(&node, "Once", "30 2 * * *", &["--missed", "run-once"]).await;
    add(&node, "Skipped", "30 2 * * *", &["--missed", "skip"]).await;
    add(&node, "Resting", "30 2 * * *", &[]).await;
    let _ = node.run(&["schedule", "pause", "resting"]).await.well();
    node.kill();
    set(&clock, AUTUMN + 2 * DAY + 12 * HOUR);
    node.start_again().await;
    until_ran(&node, "Once", 1).await;
    let names: Vec<String> = told(&node, "Once").await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["schedule.missed", "schedule.began", "schedule.ran"]);
    let skipped = until("the other is told", async || Some(told(&node, "Skipped").await).filter(|all| !all.is_empty()));
    let skipped = skipped.await;
    assert!(skipped[0].1.contains("missed 2 times since 2026-10-26 02:30 UTC; they are passed over"), "{skipped:?}");
    for id in ["once", "skipped"] {
        assert_eq!(schedule(&node, id).await["next"]["utc"], "2026-10-28 02:30 UTC", "{id}");
    }
    // Started once more, nothing is missed.
    node.start_again().await;
    let _ = node.run(&["schedule", "resume", "resting"]).await.well();
    let _ = node.run(&["schedule", "run", "resting"]).await.well();
    until_ran(&node, "Resting", 1).await;
    assert_eq!((told(&node, "Once").await.len(), told(&node, "Skipped").await.len()), (3, 1));
    assert_eq!(count(&told(&node, "Resting").await, "schedule.missed"), 0, "what rests misses nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_a_node_that_is_killed_when_something_is_due_runs_it_once() {
    let place = Place::new(232);
    let Some(clock) = Clock::make(&place, "kills") else { return };
    set(&clock, AUTUMN);
    let mut node = Node::start(clock.of(Setup::manager(&place))).await;
    add(&node, "Minutes", "* * * * *", &[]).await;
    const ROUNDS: i64 = 12;
    for round in 1..=ROUNDS {
        // Due a second or two after it is started, and killed somewhere around that.
        node.kill();
        set(&clock, AUTUMN + round * MINUTE - 1);
        node.live_for(Duration::from_millis(300 + 120 * u64::try_from(round).unwrap())).await;
    }
    set(&clock, AUTUMN + (ROUNDS + 1) * MINUTE);
    node.start_again().await;
    let all = until("everything is over", async || {
        let all = told(&node, "Minutes").await;
        let (began, ran) = (count(&all, "schedule.began"), count(&all, "schedule.ran"));
        let next = schedule(&node, "minutes").await["next"]["at"].as_i64()?;
        (began == ran && began > 0 && next > (AUTUMN + (ROUNDS + 1) * MINUTE) * 1_000).then_some(all)
    })
    .await;
    let began: Vec<&String> = all.iter().filter(|(name, _)| name == "schedule.began").map(|(_, said)| said).collect();
    let different: BTreeSet<&String> = began.iter().copied().collect();
    assert_eq!(different.len(), began.len(), "one time, two runs: {all:#?}");
    assert_eq!(count(&all, "schedule.failed"), 0, "{all:#?}");
    // What isn't run was told as missed.
    let due = usize::try_from(ROUNDS + 1).unwrap();
    assert!(began.len() >= due || count(&all, "schedule.missed") > 0, "{all:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_a_schedule_reads_the_devices_that_fit_when_it_runs() {
    let place = Place::new(233);
    let fleet = place.printers(2).await;
    let setup = Setup::alone(&place).network("office", &fleet).adopting("mfp").read_every("1h");
    let node = Node::start(setup).await;
    node.install("mfp").await;
    let devices = node.until_read(2).await;
    let ids: Vec<&str> = devices.iter().map(|view| view["device"]["id"].as_str().unwrap()).collect();
    let read_at = async |id: &str| node.device(id).await.unwrap()["snapshot"]["read_at"].as_u64().unwrap();
    let arguments = ["schedule", "add", "Berlin", "yearly", "--read", "--site", "berlin"];
    let made = node.run(&arguments).await.well();
    assert!(made.contains("berlin shall read every device at berlin; next at"), "{made}");
    let _ = node.run(&["schedule", "run", "berlin"]).await.well();
    until_ran(&node, "Berlin", 1).await;
    assert!(told(&node, "Berlin").await.iter().any(|(_, said)| said.ends_with("there was nothing to do")));

    let _ = node.run(&["device", "place", ids[0], "--site", "berlin"]).await.well();
    let before = (read_at(ids[0]).await, read_at(ids[1]).await);
    let _ = node.run(&["schedule", "run", "berlin"]).await.well();
    until("the one at Berlin is read", async || (read_at(ids[0]).await > before.0).then_some(())).await;
    assert_eq!(read_at(ids[1]).await, before.1, "the other one stands elsewhere");
    until_ran(&node, "Berlin", 2).await;
    let shown = schedule(&node, "berlin").await;
    assert_eq!((&shown["ended"], &shown["last"]["outcome"]["done"]), (&json!("ran; one order was given"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_what_can_t_be_is_said_with_what_would_be_right() {
    let place = Place::new(234);
    let node = Node::start(Setup::manager(&place)).await;
    let next = node.run(&["schedule", "next", "30 2 * * 1-5", "--zone", "Europe/Berlin"]).await.well();
    assert_eq!(next.lines().count(), 6, "{next}");
    assert!(next.contains("EUROPE/BERLIN") && next.contains(" UTC"), "{next}");
    for (arguments, says) in [
        (vec!["next", "61 2 * * *"], "the minute (the first field) of the calendar expression can't be \"61\""),
        (vec!["next", "0 0 30 2 *"], "never comes"),
        (vec!["next", "daily", "--zone", "Berlin"], "there is \"Europe/Berlin\""),
        (
            vec!["add", "A", "daily"],
            "add --read, --counters, --command or --power for devices, or --discover for networks",
        ),
        (vec!["add", "", "daily", "--discover"], "the name can't be"),
        (vec!["add", "A", "daily", "--discover", "--gateway", "nowhere"], "there is no gateway nowhere"),
        (vec!["add", "A", "daily", "--read", "--device", "nothing"], "there is no device nothing"),
        (vec!["add", "A", "daily", "--read", "--type", "toaster"], "toaster"),
        (vec!["add", "A", "daily", "--discover", "--missed", "never"], "it may be"),
        (vec!["run", "nothing"], "there is no schedule nothing"),
        (vec!["edit", "nothing", "--calendar", "daily"], "there is no schedule nothing"),
    ] {
        let ran = node.run(&[&["schedule"], arguments.as_slice()].concat()).await;
        assert!(ran.code == Some(1) && ran.err.contains(says), "{arguments:?}: {ran:?}");
    }
    add(&node, "Search", "daily", &[]).await;
    let taken = node.run(&["schedule", "add", "search", "daily", "--discover"]).await;
    assert!(taken.err.contains("is taken"), "{taken:?}");
    let _ = node.run(&["schedule", "edit", "search", "--calendar", "0 3 * * *", "--zone", "Asia/Tokyo"]).await.well();
    let edited = schedule(&node, "search").await;
    assert_eq!(
        (&edited["calendar"], &edited["zone"], &edited["missed"]),
        (&json!("0 3 * * *"), &json!("Asia/Tokyo"), &json!("run-once"))
    );
    assert!(edited["next"]["utc"].as_str().unwrap().ends_with("18:00 UTC"), "{edited}");

    // Who sees, sees; who operates, changes.
    let sees = node.run(&["token", "add", "sees", "--right", "see"]).await.well();
    let api = node.api().with_token(Some(sees.trim()));
    assert_eq!(api.get("schedules").await.unwrap()[0]["id"], "search");
    for (method, path) in [
        (Method::DELETE, "schedules/search"),
        (Method::POST, "schedules/search/run"),
        (Method::POST, "schedules/search/pause"),
    ] {
        let refused = api.call(method, path, &Value::Null).await.unwrap_err().to_string();
        assert!(refused.contains("403") && refused.contains("operate the fleet"), "{path}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_a_schedule_asks_devices_and_says_what_became_of_each() {
    let place = Place::new(48);
    let fleet = place.printers(2).await;
    let setup = Setup::alone(&place).network("office", &fleet).adopting("mfp").read_every("1h");
    let mut node = Node::start(setup).await;
    node.install("mfp").await;
    let devices = node.until_read(2).await;
    let ids: Vec<&str> = devices.iter().map(|view| view["device"]["id"].as_str().unwrap()).collect();
    let ran = async |node: &Node, id: &str, times: usize| {
        let name = schedule(node, id).await["name"].as_str().unwrap().to_owned();
        until(format!("{id} ran"), async || {
            let told = told(node, &name).await;
            (count(&told, "schedule.ran") + count(&told, "schedule.failed") == times).then_some(())
        })
        .await;
        schedule(node, id).await
    };
    let add = async |name: &str, more: &[&str]| {
        let _ = node.run(&[&["schedule", "add", name, "yearly"], more].concat()).await.well();
        let _ = node.run(&["schedule", "run", name]).await.well();
        ran(&node, name, 1).await
    };
    // Counters of all: each answered, by a request that says what it counted.
    let shown = add("counters", &["--counters"]).await;
    assert_eq!(shown["ended"], "ran; 2 devices answered", "{shown:#}");
    for became in shown["last"]["outcome"]["each"].as_array().unwrap() {
        let request = node.api().get(&format!("requests/{}", became["request"].as_str().unwrap())).await.unwrap();
        assert_eq!((&request["state"], &request["question"]["ask"]), (&json!("answered"), &json!("counters")));
        assert!(!request["outcome"]["answered"]["counters"].as_array().unwrap().is_empty(), "{request:#}");
    }
    // A command that one refuses: these have no community that writes, so nothing can be shown.
    let identify = ["--command", "identify", "--argument", "message=Hello", "--device", ids[0], "--within", "20s"];
    let shown = add("found", &identify).await;
    assert_eq!(shown["last"]["outcome"]["failed"], 1, "{shown:#}");
    let printed = node.run(&["schedule", "show", "found"]).await.well();
    assert!(printed.contains("last it failed: ") && printed.contains(ids[0]), "{printed}");
    let shown = add("sung", &["--command", "sing", "--device", ids[1]]).await;
    assert!(shown["ended"].as_str().unwrap().contains("there are reset, factory-reset, identify"), "{shown:#}");
    let shown = add("nobody", &["--power", "sleep", "--site", "nowhere"]).await;
    assert_eq!(shown["ended"], "ran, and there was nothing to do");

    // Killed while a run is under way: the run ends, and each device was asked once.
    let silent = &fleet.devices()[0];
    silent.control.set_fault(hostler_simulator::Fault::Silent);
    let _ = node.run(&["schedule", "run", "counters"]).await.well();
    let asked = async || {
        let all = node.api().get("requests").await.ok()?;
        Some(all.as_array()?.iter().filter(|request| request["question"]["ask"] == "counters").count())
    };
    until("both are asked", async || (asked().await? == 4).then_some(())).await;
    node.kill();
    silent.control.clear_fault();
    node.start_again().await;
    let shown = ran(&node, "counters", 2).await;
    assert_eq!(shown["ended"], "ran; 2 devices answered", "{shown:#}");
    let all = node.api().get("requests").await.unwrap();
    let counters = all.as_array().unwrap().iter().filter(|request| request["question"]["ask"] == "counters");
    assert_eq!(counters.count(), 4, "nothing is asked twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_somebody_makes_a_schedule_in_a_browser_and_sees_when_it_comes_and_what_became_of_each() {
    let place = Place::new(49);
    let Some(browser) = Browser::start(&place).await else { return };
    let fleet = place.printers(1).await;
    let node = Node::start(Setup::alone(&place).network("office", &fleet).adopting("mfp").read_every("1h")).await;
    node.install("mfp").await;
    let id = node.until_read(1).await[0]["device"]["id"].as_str().unwrap().to_owned();
    browser.open(&format!("{}/login", node.api().base())).await;
    browser.fill("input[name=user]", "admin").await;
    browser.fill("input[name=password]", &node.first_password().await).await;
    browser.click("button.main").await;
    browser.until("it is logged in", "return location.pathname === '/'").await;
    browser.open(&format!("{}/schedules", node.api().base())).await;
    browser.fill("input[name=name]", "Billing").await;
    browser.fill("input[name=zone]", "Europe/Berlin").await;
    browser.fill("input[name=calendar]", "30 2 * * 1-5").await;
    let typed = "document.querySelector('input[name=calendar]').dispatchEvent(new Event('input', { bubbles: true }))";
    browser.run(&format!("{typed}; return 1")).await;
    browser.until_text("#preview", "It comes next at").await;
    browser.run("document.querySelector('select[name=work]').value = 'counters'; return 1").await;
    browser.click("form[action='/schedules'] button.main").await;
    browser.until_text("#schedules", "Billing").await;
    assert_eq!(schedule(&node, "billing").await["shall"], "fetch the counters of every device");
    browser.open(&format!("{}/schedules/billing", node.api().base())).await;
    browser.click("form[action$='/run'] button").await;
    browser
        .until(
            "what became of each is shown",
            &format!("return document.querySelector('#became')?.innerText.includes('{id}')"),
        )
        .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
