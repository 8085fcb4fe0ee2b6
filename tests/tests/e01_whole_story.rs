//! E1 to E10 as one user lives through them, in a real browser and with real device nodes: she registers, registers devices,
//! clicks, and sees each come in or learns why not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Browser, Clock, Node, Place, Setup, device_address, until};
use serde_json::json;
use std::process::Command;

const PAGE: u16 = 8081;
const ADA: &str = "ada@example.org";
const HOUR: i64 = 3_600;
const ENTRIES: &str = "document.querySelector('#entries tbody')";

/// A manager where everybody may register.
fn manager(place: &Place) -> Setup {
    Setup::joined(place, PAGE).line("self-registration = \"anyone\"")
}

/// Registers these addresses on the page that is shown, and returns the address of the page about them.
async fn register(browser: &Browser, addresses: &[String]) -> String {
    browser.fill("textarea", &addresses.join("\n")).await;
    browser.click("form[action='/registrations'] button.main").await;
    browser.until("the registration is shown", "return location.pathname.startsWith('/registrations/r-')").await;
    browser.until("it hears what changes", "return document.getElementById('pulse')?.hidden === false").await;
    // Whatever changes from here on does so before one's eyes.
    browser.run("window.stays = true").await;
    browser.address().await
}

/// The link that carries the PIN of the address that says this.
fn link(address: &str) -> String {
    format!("#entries a[href*='//{address}:']")
}

/// Waits until the row of this address says all of this; the page was never loaded anew.
async fn until_row(browser: &Browser, address: &str, parts: &[&str]) {
    let says: Vec<String> = parts.iter().map(|part| format!("row.innerText.includes({part:?})")).collect();
    let row = format!("[...{ENTRIES}.rows].find((row) => row.cells[0].innerText.trim() === {address:?})");
    let says = format!("const row = {row}; return !!row && {}", says.join(" && "));
    browser.until(&format!("the row of {address} says {parts:?}"), &says).await;
    assert_eq!(browser.run("return window.stays").await, true, "it was loaded anew");
}

async fn no_complaints(browser: &Browser, page: &str) {
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{page}: {complaints:#?}");
}

/// Nothing that the browser keeps of a device's page has the PIN.
async fn no_pin_is_left(browser: &Browser, address: &str, pin: &str) {
    let page = format!("http://{address}:{PAGE}/");
    assert!(browser.address().await.starts_with(&page));
    let kept = browser.run("return location.href + document.referrer + JSON.stringify(performance.getEntries())").await;
    assert!(!kept.as_str().unwrap().contains(pin), "{kept}");
    let referrer = browser.run("return document.referrer").await;
    assert!(referrer == "" || referrer == page, "it knows where its visitor came from: {referrer}");
    let history = browser.history().await;
    assert!(!history.is_empty() && !history.iter().any(|one| one.contains(pin)), "{history:#?}");
}

fn signal(node: &Node, name: &str) {
    assert!(Command::new("kill").args([name, &node.id().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_a_user_registers_clicks_and_sees_her_device_come_in_and_tell_of_itself() {
    let place = Place::new(181);
    let Some(browser) = Browser::start(&place).await else { return };
    let manager = Node::start(manager(&place)).await;
    manager.install("mfp").await;
    let engine = place.printers(1).await;
    let serial = engine.devices()[0].serial.clone();
    let join = manager.api().get("join").await.unwrap();
    let device = Node::start(Setup::device_with(&place, 1, &engine, &join)).await;
    let (address, nobody) = (device_address(&place, 1).to_string(), device_address(&place, 99).to_string());

    // E1 and E2: nobody knows her yet.
    browser.register(manager.api().base(), ADA).await;
    // E3 to E5: a link for each address, and nothing has come in.
    register(&browser, &[address.clone(), nobody.clone(), "printer-3.example".to_owned()]).await;
    for one in [address.as_str(), &nobody, "printer-3.example"] {
        until_row(&browser, one, &[&format!("http://{one}:{PAGE}/enroll?pin="), "Waiting"]).await;
    }
    no_complaints(&browser, "the registration").await;
    let url = browser.text(&link(&address)).await;
    let pin = url.split_once("pin=").unwrap().1;

    // E6 and E10: the browser carries the PIN. The manager answers late, so that the device is seen in between.
    signal(&manager, "-STOP");
    browser.click(&link(&address)).await;
    browser.go_to_new_window().await;
    browser.until_text("h1", "Connecting").await;
    no_pin_is_left(&browser, &address, pin).await;
    signal(&manager, "-CONT");
    browser.until_text("h1", "Connected to manager").await;
    let page = browser.until_text("#connection", "Owner").await;
    assert!(page.contains(ADA), "{page}");
    assert!(browser.text("body").await.contains("Settings"));
    no_pin_is_left(&browser, &address, pin).await;
    no_complaints(&browser, "the device's page").await;
    let shown = format!("Connected to manager\nOwner: {ADA}\n");
    until("its own display says the same", async || {
        (std::fs::read_to_string(device.data().join("display")).unwrap_or_default() == shown).then_some(())
    })
    .await;

    // Back where she clicked: what she left open has followed.
    browser.close_window().await;
    until_row(&browser, &address, &["Connected", &format!("as {serial} (mfp-1)")]).await;
    until_row(&browser, &nobody, &["Waiting"]).await;
    let links = "return document.querySelectorAll(\"#entries a[href*='/enroll?pin=']\").length";
    assert_eq!(browser.run(links).await, 2, "the PIN is spent, and shown no more");
    no_complaints(&browser, "the registration").await;

    // E9: what the device tells of itself is on her pages.
    let base = manager.api().base();
    browser.open(&format!("{base}/enrolled")).await;
    let row = browser.until_text("#enrolled tbody", &serial).await;
    assert!(row.contains("Connected"), "{row}");
    until("the manager has read it", async || {
        browser.open(&format!("{base}/")).await;
        let text = browser.text("tr[data-device]").await;
        (text.contains("Orchid") && text.contains('%')).then_some(())
    })
    .await;
    browser.click("tr[data-device] a").await;
    let told = browser.until_text("main", &serial).await;
    assert!(told.contains("Pages") || told.contains("pages"), "{told}");
    no_complaints(&browser, "the device at the manager").await;
    for node in [&manager, &device] {
        assert!(!node.log().contains(pin), "the PIN is in a log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_at_a_registrar_of_its_own_she_sees_the_same_and_nothing_else() {
    let place = Place::new(171);
    let Some(browser) = Browser::start(&place).await else { return };
    let manager = Node::start(manager(&place).line("registrars = [\"registrar-1\"]")).await;
    let made = manager.api().post("nodes", &json!({ "id": "registrar-1" })).await.unwrap();
    let users = place.free_tcp(place.address(202, 1));
    let registrar = Setup::registrar(&place, 1, users);
    let _registrar = Node::start(registrar.calling(manager.api().base(), made["token"].as_str().unwrap())).await;
    let join = manager.api().get("join").await.unwrap();
    let _device = Node::start(Setup::device(&place, 1, &join)).await;
    let (base, address) = (format!("http://{users}"), device_address(&place, 1).to_string());

    browser.register(&base, ADA).await;
    register(&browser, std::slice::from_ref(&address)).await;
    until_row(&browser, &address, &["Waiting"]).await;
    browser.click(&link(&address)).await;
    browser.go_to_new_window().await;
    browser.until_text("h1", "Connected to manager").await;
    browser.close_window().await;
    until_row(&browser, &address, &["Connected", "as SN-001 (mfp-1)"]).await;
    no_complaints(&browser, "the registration, by the registrar").await;
    assert!(browser.address().await.starts_with(&base), "she never left it");
    let links =
        "return [...document.links].map((link) => link.href).filter((href) => !href.startsWith(location.origin))";
    let elsewhere = browser.run(links).await;
    assert!(!elsewhere.to_string().contains(manager.api().base()), "{elsewhere}");
    browser.open(&format!("{base}/plugins")).await;
    browser.until_text("main", "no such page").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_who_is_refused_learns_why_at_the_device_and_on_the_registration() {
    let place = Place::new(182);
    let Some(browser) = Browser::start(&place).await else { return };
    let manager = Node::start(manager(&place)).await;
    let join = manager.api().get("join").await.unwrap();
    let (first, second) =
        (Node::start(Setup::device(&place, 1, &join)).await, Node::start(Setup::device(&place, 2, &join)).await);
    let [at_first, at_second] = [1, 2].map(|number| device_address(&place, number).to_string());
    browser.register(manager.api().base(), ADA).await;
    let registration = register(&browser, &[at_first.clone(), at_second.clone()]).await;
    let spent = browser.text(&link(&at_first)).await;
    let own = browser.text(&link(&at_second)).await;
    browser.click(&link(&at_first)).await;
    browser.go_to_new_window().await;
    browser.until_text("h1", "Connected to manager").await;
    browser.close_window().await;
    until_row(&browser, &at_first, &["Connected", "as SN-001 (mfp-1)"]).await;

    // Somebody else was entered at the device.
    let _ = second.run(&["join", "user", "bob@example.org"]).await.well();
    browser.click(&link(&at_second)).await;
    browser.go_to_new_window().await;
    let said = browser.until_text("#connection .note.bad", "isn't the one whose PIN").await;
    assert!(said.contains("Enter that user, or none."), "{said}");
    assert!(browser.text("h1").await.contains("Not connected"));
    no_pin_is_left(&browser, &at_second, own.split_once("pin=").unwrap().1).await;
    browser.close_window().await;
    until_row(&browser, &at_second, &["Refused", "SN-002: ", "isn't the one whose PIN", "Enter that user"]).await;

    // A link that another device has spent.
    let _ = second.run(&["join", "user", ADA]).await.well();
    browser.open(&spent.replace(&at_first, &at_second)).await;
    let said = browser.until_text("#connection .note.bad", "is used up").await;
    assert!(said.contains("Ask whoever registers devices for a new one"), "{said}");
    assert!(browser.text("h1").await.contains("Not connected"));
    no_pin_is_left(&browser, &at_second, spent.split_once("pin=").unwrap().1).await;

    // A link that she withdrew.
    browser.open(&registration).await;
    browser.click("form[action$='/withdraw'] button").await;
    browser.until_text("#entries tbody", "Withdrawn").await;
    assert!(browser.text("#entries tbody").await.contains("as SN-001"), "who came in stays");
    browser.open(&own).await;
    let said = browser.until_text("#connection .note.bad", "was withdrawn").await;
    assert!(said.contains("Ask whoever registers devices for a new one"), "{said}");
    no_pin_is_left(&browser, &at_second, own.split_once("pin=").unwrap().1).await;

    // By a new one it comes in.
    browser.open(&format!("{}/registrations", manager.api().base())).await;
    register(&browser, std::slice::from_ref(&at_second)).await;
    browser.click(&link(&at_second)).await;
    browser.go_to_new_window().await;
    browser.until_text("h1", "Connected to manager").await;
    browser.close_window().await;
    until_row(&browser, &at_second, &["Connected", "as SN-002 (mfp-2)"]).await;
    no_complaints(&browser, "all of it").await;
    assert_eq!(first.membership().await["state"], "connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn e04_a_link_whose_time_is_over_says_so_before_ones_eyes_and_lets_nobody_in() {
    let place = Place::new(183);
    let (Some(browser), Some(clock)) = (Browser::start(&place).await, Clock::make(&place, "manager")) else { return };
    let manager = Node::start(clock.of(manager(&place))).await;
    let join = manager.api().get("join").await.unwrap();
    let device = Node::start(Setup::device(&place, 1, &join)).await;
    let address = device_address(&place, 1).to_string();
    browser.register(manager.api().base(), ADA).await;
    browser.click("select[name=hours] option[value='1']").await;
    register(&browser, std::slice::from_ref(&address)).await;
    until_row(&browser, &address, &["Waiting"]).await;
    let url = browser.text(&link(&address)).await;

    clock.set(HOUR + 60);
    until_row(&browser, &address, &["Expired"]).await;
    assert_eq!(browser.run("return document.querySelectorAll('#entries a[href*=enroll]').length").await, 0);
    browser.until_text("#progress", "over since").await;
    no_complaints(&browser, "the registration").await;

    // As somebody does who had copied it.
    browser.open(&url).await;
    let said = browser.until_text("#connection .note.bad", "has expired").await;
    assert!(said.contains("Ask whoever registers devices for a new one"), "{said}");
    assert!(browser.text("h1").await.contains("Not connected"));
    no_pin_is_left(&browser, &address, url.split_once("pin=").unwrap().1).await;
    assert_eq!(device.membership().await["state"], "not-connected");
    assert_eq!(manager.api().get("enrolled").await.unwrap(), serde_json::json!([]));
}
