//! The pages (E9, E10 and C6 of what users see) in a real browser: log in, find a device, watch it live, on a desk and on
//! a phone, and nothing that the browser complains about.

use hostler_simulator::{Condition, Fleet, profile};
use hostler_tests::{Browser, Node, Place, Setup};
use std::fmt::Write;

async fn node(place: &Place) -> (Fleet, Node) {
    let fleet = place.devices(4, vec![profile::orchid_c4500(), profile::fern_220(), profile::heron_s80()]).await;
    let setup = Setup::alone(place).network("office", &fleet).adopting("mfp").adopting("scanner");
    let node = Node::start(setup).await;
    node.install("mfp").await;
    node.install("scanner").await;
    node.until_read(4).await;
    (fleet, node)
}

/// Logs in as somebody who has read the first password where the node was started.
async fn log_in(browser: &Browser, node: &Node) {
    browser.open(node.api().base()).await;
    assert_eq!(browser.path().await, "/login");
    browser.fill("input[name=user]", "admin").await;
    browser.fill("input[name=password]", &node.first_password().await).await;
    browser.click("button.main").await;
    browser.until("the fleet is shown", "return location.pathname === '/'").await;
}

async fn no_complaints(browser: &Browser, page: &str) {
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{page}: {complaints:#?}");
}

const ROWS: &str = "document.querySelectorAll('tr[data-device]').length";

#[tokio::test(flavor = "multi_thread")]
async fn web_log_in_search_and_watch_a_device_live() {
    let place = Place::new(70);
    let Some(browser) = Browser::start(&place).await else { return };
    let (fleet, node) = node(&place).await;
    log_in(&browser, &node).await;
    browser.until("four devices are listed", &format!("return {ROWS} === 4")).await;

    // What is typed narrows the list without a reload, and the address says what is shown.
    let wanted = &fleet.devices()[1];
    browser.run("window.stays = true").await;
    browser.fill("input[name=text]", &wanted.serial).await;
    browser.until("one device is listed", &format!("return {ROWS} === 1 && window.stays === true")).await;
    let query = browser.run("return location.search").await;
    assert!(query.as_str().unwrap().contains(&wanted.serial), "{query}");
    no_complaints(&browser, "the fleet").await;

    browser.click("tr[data-device] a").await;
    browser.until("a device is shown", "return location.pathname.startsWith('/devices/')").await;
    let address = wanted.address.ip();
    browser.until("its address is shown", &format!("return document.body.innerText.includes('{address}')")).await;
    browser.until("its supplies are shown", "return document.querySelectorAll('.level').length > 1").await;
    browser.until("it hears what changes", "return document.getElementById('pulse')?.hidden === false").await;

    // The cover opens; the page says so by itself, and again when it is closed.
    browser.run("window.stays = true").await;
    wanted.control.raise(Condition::CoverOpen);
    let says =
        "[...document.querySelectorAll('.alerts li')].some((line) => line.innerText.includes('Close the cover'))";
    browser.until("the page says so", &format!("return {says}")).await;
    browser
        .until("its condition too", "return document.querySelector('#state .badge').classList.contains('stopped')")
        .await;
    wanted.control.clear(Condition::CoverOpen);
    browser.until("the page says no longer so", &format!("return !({says})")).await;
    assert_eq!(browser.run("return window.stays").await, true, "it was never loaded anew");
    no_complaints(&browser, "the device").await;

    // What somebody smuggled into a page would not run, and the browser says so.
    let planted = "const script = document.createElement('script'); script.textContent = 'window.planted = true'; \
                   document.body.append(script); return window.planted === undefined";
    assert_eq!(browser.run(planted).await, true, "a script ran that isn't ours");
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|text| text.contains("Content Security Policy")), "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn web_a_wrong_password_and_a_log_out_lead_to_the_log_in() {
    let place = Place::new(71);
    let Some(browser) = Browser::start(&place).await else { return };
    let node = Node::start(Setup::manager(&place)).await;
    browser.open(&format!("{}/events", node.api().base())).await;
    assert_eq!(browser.path().await, "/login");
    browser.fill("input[name=user]", "admin").await;
    browser.fill("input[name=password]", "not this").await;
    browser.click("button.main").await;
    browser.until("it says what is wrong", "return document.querySelector('[role=alert]') !== null").await;
    assert_eq!(browser.run("return document.querySelector('[name=password]').value").await, "", "it isn't sent back");
    browser.complaints().await;
    browser.fill("input[name=password]", &node.first_password().await).await;
    browser.click("button.main").await;
    browser.until("it leads where somebody wanted to go", "return location.pathname === '/events'").await;
    assert_eq!(browser.run("return document.cookie").await, "", "no script sees the session");
    no_complaints(&browser, "the events").await;

    browser.run("document.querySelector('form[action=\"/logout\"]').requestSubmit()").await;
    browser.until("it leads to the log-in", "return location.pathname === '/login'").await;
    browser.open(&format!("{}/nodes", node.api().base())).await;
    assert_eq!(browser.path().await, "/login", "the session has ended");
}

/// A phone's and a desk's, in CSS pixels.
const SIZES: [(u32, u32); 2] = [(360, 740), (1_280, 800)];

/// Opens a page, and writes down where it is wider than the window, or what the browser complains about.
async fn fits(browser: &Browser, node: &Node, page: &str, width: u32, wrong: &mut String) {
    browser.open(&format!("{}{page}", node.api().base())).await;
    assert_eq!(browser.run("return innerWidth").await, width);
    let wide = browser.run("return document.documentElement.scrollWidth").await;
    if wide.as_u64() > Some(width.into()) {
        let _ = writeln!(wrong, "{page} is {wide} wide on {width}");
    }
    let complaints = browser.complaints().await;
    if !complaints.is_empty() {
        let _ = writeln!(wrong, "{page}: {complaints:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn web_every_page_fits_a_phone_and_a_desk() {
    let place = Place::new(72);
    let Some(browser) = Browser::start(&place).await else { return };
    let (fleet, node) = node(&place).await;
    fleet.devices()[0].control.raise(Condition::PaperJam);
    let (printer, scanner) = (fleet.devices()[0].address.ip(), fleet.devices()[2].address.ip());
    let devices = [node.id_at(printer).await, node.id_at(scanner).await].map(|id| format!("/devices/{id}"));
    let mut wrong = String::new();
    for (width, height) in SIZES {
        browser.resize(width, height).await;
        fits(&browser, &node, "/login", width, &mut wrong).await;
        assert_eq!(browser.path().await, "/login");
    }
    log_in(&browser, &node).await;
    let pages =
        ["/", "/?text=nothing-fits", "/discovered", "/plugins", "/plugins/mfp", "/nodes", "/events", "/account"];
    for (width, height) in SIZES {
        browser.resize(width, height).await;
        for page in pages.into_iter().chain(devices.iter().map(String::as_str)) {
            fits(&browser, &node, page, width, &mut wrong).await;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What is written below this heading of a page, with one space between words.
async fn below(browser: &Browser, heading: &str) -> String {
    let script = format!(
        "return [...document.querySelectorAll('section')].find((one) => one.querySelector('h2')?.innerText === {heading:?})\
         ?.innerText ?? 'no such heading'"
    );
    let text = browser.run(&script).await;
    text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_p02_a_device_s_page_draws_its_history_and_says_how_it_is_reached_and_what_its_plug_in_may() {
    let place = Place::new(73);
    let Some(browser) = Browser::start(&place).await else { return };
    let (fleet, node) = node(&place).await;
    let device = &fleet.devices()[0];
    let id = node.id_at(device.address.ip()).await;
    log_in(&browser, &node).await;
    browser.open(&format!("{}/devices/{id}", node.api().base())).await;

    // A counter moves; its curve appears by itself, goes from left to right, and ends higher than it began.
    browser.run("window.stays = true").await;
    device.control.advance_pages(250);
    let curve = "const rises = (line) => { \
                 const length = line.getTotalLength(), from = line.getPointAtLength(0), to = line.getPointAtLength(length); \
                 return to.x > from.x + 100 && to.y < from.y - 20 && line.getBoundingClientRect().width > 50 \
                 && getComputedStyle(line).stroke !== 'none'; }; \
                 return [...document.querySelectorAll('.figures figure svg.chart path.line')].some(rises)";
    browser.until("the history of a counter is drawn", curve).await;
    assert_eq!(browser.run("return window.stays").await, true, "it was never loaded anew");

    let reached = below(&browser, "How it is reached").await;
    for part in [device.address.ip().to_string(), "manager".to_owned(), format!("port {}", device.address.port())] {
        assert!(reached.contains(&part), "{part} is not in {reached:?}");
    }
    assert!(reached.contains("credential “public”"), "{reached:?}");

    let plugin = node.api().get("plugins/mfp").await.unwrap();
    let asks = plugin["asks"].as_array().unwrap();
    let may = below(&browser, "Its plug-in").await;
    for question in asks.iter().map(|ask| ask["question"].as_str().unwrap()) {
        assert!(may.contains(question), "{question} is not in {may:?}");
    }
    assert!(!asks.is_empty() && !may.contains("not granted"), "{may:?}");
    // A right is taken from it, and the page says so.
    node.api().call(reqwest::Method::PUT, "plugins/mfp/grant", &serde_json::json!(["state"])).await.unwrap();
    browser.open(&format!("{}/devices/{id}", node.api().base())).await;
    let denied = browser.run("return document.querySelectorAll('ul.may li.no').length").await;
    assert_eq!(denied, asks.len() - 1, "{}", below(&browser, "Its plug-in").await);
    no_complaints(&browser, "the device").await;
}
