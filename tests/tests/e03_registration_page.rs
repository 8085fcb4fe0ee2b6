//! E1 to E5 as a user sees them, in a real browser: she registers herself, registers devices, and clicks.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Api, Browser, Node, Place, Setup};
use reqwest::Method;
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A manager where everybody may register, and whose devices take PINs at this port.
async fn manager(place: &Place, port: u16) -> Node {
    let lines = format!("self-registration = \"anyone\"\nloopback = true\ndevice-port = {port}\nlongest = \"72h\"");
    Node::start(Setup::manager(place).section("enrollment", &lines)).await
}

/// What takes PINs from browsers and asks the manager for a connection, as devices of whatever maker do. Browsers open more
/// connections than they use.
async fn device(listener: TcpListener, manager: Api, name: &'static str) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, manager.clone(), name));
    }
}

async fn answer(mut stream: TcpStream, manager: Api, name: &'static str) {
    let said = match pin(&mut stream).await {
        Some(pin) => connect(&manager, name, &pin).await,
        None => "not connected".to_owned(),
    };
    let page = format!("<!doctype html><title>{name}</title><p id=state>{said}</p>");
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n", page.len());
    let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{page}").as_bytes()).await;
}

/// The PIN of a request, where it brings one. What tells where the browser came from would be a leak.
async fn pin(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.is_ok_and(|count| count > 0) {}
    let request = String::from_utf8(request).unwrap();
    let (_, rest) = request.strip_prefix("GET /enroll?")?.split_once("pin=")?;
    assert!(!request.to_lowercase().contains("\r\nreferer:"), "{request}");
    Some(rest.split(' ').next()?.to_owned())
}

async fn connect(manager: &Api, name: &str, pin: &str) -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let request = rcgen::CertificateParams::new(vec![]).unwrap().serialize_request(&key).unwrap().pem().unwrap();
    let fingerprint = hostler_core::KeyFingerprint::of(&rcgen::PublicKeyData::subject_public_key_info(&key));
    let knock = json!({
        "connection": {
            "device": name, "node": format!("node-{}", name.to_lowercase()),
            "proof": { "pin": pin }, "key": fingerprint,
        },
        "certificate-request": request,
    });
    let nobody = manager.with_token(None);
    let answer = nobody.send(Method::POST, "/node/v1/connect", "application/json", knock.to_string()).await.unwrap();
    if answer.status.is_success() { "connected".to_owned() } else { answer.text }
}

/// A device at this address, and its port.
async fn listening(address: std::net::Ipv4Addr) -> (TcpListener, u16) {
    let listener = TcpListener::bind(SocketAddr::from((address, 0))).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn no_complaints(browser: &Browser, page: &str) {
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{page}: {complaints:#?}");
}

const SUBMIT: &str = "form[action='/registrations'] button.main";
const LINK: &str = "#entries td a[href*='/enroll?pin=']";

#[tokio::test(flavor = "multi_thread")]
async fn e03_a_user_registers_clicks_and_sees_the_device_come_in() {
    let place = Place::new(100);
    let Some(browser) = Browser::start(&place).await else { return };
    let address = place.address(0, 1);
    let (listener, port) = listening(address).await;
    let node = manager(&place, port).await;
    let device = tokio::spawn(device(listener, node.api().clone(), "A1"));
    browser.register(node.api().base(), "ada@example.org").await;
    assert!(browser.address().await.ends_with("/registrations"));
    no_complaints(&browser, "the log-in").await;

    browser.fill("textarea", &format!("{address}\n300.1.2.3\n{address} printer-3.example")).await;
    browser.click(SUBMIT).await;
    browser.until("the registration is shown", "return location.pathname.startsWith('/registrations/r-')").await;
    let mistakes = browser.until_text("ul.mistakes", "Line 3").await;
    assert!(mistakes.contains("Line 2: 300.1.2.3") && mistakes.contains("Line 3:"), "{mistakes}");
    let url = browser.text(LINK).await;
    assert!(url.starts_with(&format!("http://{address}:{port}/enroll?pin=")), "{url}");
    assert!(browser.text("#entries tbody").await.contains("Waiting"));
    browser.until("it hears what changes", "return document.getElementById('pulse')?.hidden === false").await;

    browser.run("window.stays = true").await;
    browser.click(LINK).await;
    browser.go_to_new_window().await;
    browser.until_text("#state", "connected").await;
    browser.close_window().await;
    let says = "return document.querySelector('#entries tbody').innerText.includes('as A1 (node-a1)')";
    browser.until("the page says that it is connected", says).await;
    let links = format!("return document.querySelectorAll(\"{LINK}\").length");
    assert_eq!(browser.run(&links).await, 1, "the PIN is spent, and shown no more");

    // Another one comes in while she looks.
    let url = browser.text(LINK).await;
    let pin = url.split_once("pin=").unwrap().1;
    assert_eq!(connect(node.api(), "A2", pin).await, "connected");
    let says = "return document.querySelector('#entries tbody').innerText.includes('as A2 (node-a2)')";
    browser.until("the page says that it is connected too", says).await;
    let says = "return document.querySelector('#progress').innerText.includes('2 connected')";
    browser.until("so does its head", says).await;
    assert_eq!(browser.run("return window.stays").await, true, "it was never loaded anew");
    no_complaints(&browser, "the registration").await;

    // The device is hers, and she bars it; the registration says so.
    browser.open(&format!("{}/enrolled", node.api().base())).await;
    browser.click("td.act summary").await;
    browser.fill("input[name=why]", "lost").await;
    browser.click("form[action='/enrolled/A1/bar'] button").await;
    browser.until("it is barred", "return document.querySelector('td .badge.stopped')?.innerText === 'Barred'").await;
    no_complaints(&browser, "the devices that came in").await;
    device.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn e05_without_script_everything_works_the_same() {
    let place = Place::new(101);
    let Some(browser) = Browser::start(&place).await else { return };
    let address = place.address(0, 1);
    let (listener, port) = listening(address).await;
    let node = manager(&place, port).await;
    let device = tokio::spawn(device(listener, node.api().clone(), "B1"));
    browser.without_scripts().await;
    browser.register(node.api().base(), "ada@example.org").await;
    browser.fill("textarea", &address.to_string()).await;
    browser.click(SUBMIT).await;
    browser.until_text("#entries .badge", "Waiting").await;
    let page = browser.address().await;
    // As somebody does who copies the link.
    let url = browser.text(LINK).await;
    browser.open(&url).await;
    browser.until_text("#state", "connected").await;
    browser.open(&page).await;
    browser.until_text("#entries .badge", "Connected").await;
    device.abort();
}

/// Widths and heights, in CSS pixels.
const SIZES: [(u32, u32); 2] = [(390, 844), (1280, 900)];

#[tokio::test(flavor = "multi_thread")]
async fn e03_the_pages_of_registration_fit_a_phone_and_a_desk() {
    let place = Place::new(102);
    let Some(browser) = Browser::start(&place).await else { return };
    let node = manager(&place, 80).await;
    let lines: Vec<String> = (0..150).map(|n| format!("printer-{n}.a-rather-long-name.example")).collect();
    let more = "8.8.8.8\n300.1.2.3\nno-address-at-all!\n2001:db8::7";
    let add = async |body| {
        let made = node.api().post("registrations", &body).await.unwrap();
        (made["id"].as_str().unwrap().to_owned(), made["secrets"][0].as_str().map(str::to_owned))
    };
    let (each, pin) = add(json!({ "addresses": format!("{}\n{more}", lines.join("\n")) })).await;
    let (shared, _) = add(json!({ "addresses": "10.0.0.1", "sharing": { "shared": 20 }, "typed": true })).await;
    let (keys, _) = add(json!({ "addresses": "10.0.0.1 10.0.0.2", "keys": true })).await;
    assert_eq!(connect(node.api(), "A1", pin.as_deref().unwrap()).await, "connected");
    browser.open(node.api().base()).await;
    browser.fill("input[name=user]", "admin").await;
    browser.fill("input[name=password]", &node.first_password().await).await;
    browser.click("button.main").await;
    browser.until("the fleet is shown", "return location.pathname === '/'").await;
    for (width, height) in SIZES {
        browser.resize(width, height).await;
        for page in ["/registrations", "/enrolled"]
            .map(str::to_owned)
            .into_iter()
            .chain([&each, &shared, &keys].map(|id| format!("/registrations/{id}")))
        {
            browser.open(&format!("{}{page}", node.api().base())).await;
            let wide = browser.run("return document.documentElement.scrollWidth").await;
            assert!(wide.as_u64() <= Some(width.into()), "{page} is {wide} wide on {width}");
            no_complaints(&browser, &page).await;
        }
    }
}
