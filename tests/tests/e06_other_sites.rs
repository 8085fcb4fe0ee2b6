//! E5 and E6 against pages elsewhere: what another site makes a visitor's browser send to a device brings no PIN, and who
//! chooses the link ends on a clean address.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Browser, Node, Place, Setup, device_address, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

const PAGE: u16 = 8081;

/// Somebody else's site: pages by their paths, for as long as the test runs.
fn site(address: SocketAddr, pages: BTreeMap<&'static str, String>) {
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| _ = answer(stream, &pages)));
}

fn answer(mut stream: TcpStream, pages: &BTreeMap<&'static str, String>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(2)))?;
    let mut head = [0; 8_192];
    let length = stream.read(&mut head)?;
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    let body = head.split(' ').nth(1).and_then(|path| pages.get(path)).cloned().unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Opens a page until the device's log says this; the device has taken nothing then.
async fn refused(browser: &Browser, device: &Node, page: &str, said: &str) {
    let before = device.log().matches(said).count();
    until(format!("{page} is refused: {said}"), async || {
        browser.open(page).await;
        (device.log().matches(said).count() > before).then_some(())
    })
    .await;
    let now = device.membership().await;
    assert_eq!((&now["state"], &now["why"]), (&json!("not-connected"), &Value::Null), "{page}: {now}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_no_other_site_brings_a_pin_and_who_chooses_the_link_leaves_none_behind() {
    let place = Place::new(145);
    let (printer, elsewhere) = (device_address(&place, 1), place.free_tcp(place.address(220, 1)));
    let names = [("printer.example", printer), ("elsewhere.example", place.address(220, 1))];
    let Some(browser) = Browser::start_where(&place, &names).await else { return };
    let manager = Node::start(Setup::joined(&place, PAGE)).await;
    let join = manager.api().get("join").await.unwrap();
    let device = Node::start(Setup::device(&place, 1, &join)).await;
    let made = manager.api().post("registrations", &json!({ "sharing": { "shared": 2 } })).await.unwrap();
    let pin = made["secrets"][0].as_str().unwrap();

    // Under its name it is reached as in somebody's network: browsers don't say there what they load something for.
    let named = format!("http://printer.example:{PAGE}/enroll");
    let (url, numbered) = (format!("{named}?pin={pin}"), format!("http://{printer}:{PAGE}/enroll?pin={pin}"));
    let parts = format!(
        "<img src=\"{url}\"><script src=\"{url}\"></script><link rel=stylesheet href=\"{url}\">\
         <script>fetch(\"{url}\", {{ mode: 'no-cors' }})</script>"
    );
    let form = |kind: &str, name: &str| {
        format!("<form method=post action=\"{named}\" enctype=\"{kind}\"><input name='{name}' value=\"{pin}\"></form>")
            + "<script>document.forms[0].submit()</script>"
    };
    let pages = [
        ("/redirect", format!("<meta http-equiv=refresh content=\"0; url={url}\">")),
        ("/parts", parts),
        ("/frame", format!("<iframe src=\"{numbered}\"></iframe><img src=\"{numbered}\">")),
        ("/form", form("application/x-www-form-urlencoded", "pin")),
        // What a form can't say is that it is JSON.
        ("/json", form("text/plain", "{\"pin\":\"")),
        ("/link", format!("<a href=\"{url}\">your printer</a>")),
    ];
    site(elsewhere, pages.into_iter().collect());
    let page = |path: &str| format!("http://elsewhere.example:{}{path}", elsewhere.port());

    // No window: nothing at all is taken, wherever somebody is sent.
    let _ = device.run(&["join", "close"]).await.well();
    refused(&browser, &device, &page("/redirect"), "takes a PIN only for a while").await;
    // The page shows what is so a few seconds later, without what was said: both are looked at together, and it is gone to again.
    until("it says so", async || {
        let said = "const said = document.querySelector('[role=alert]')?.innerText.includes('only for a while');\
                    return said && location.search === '?said=no-window'";
        if browser.run(said).await == true {
            return Some(());
        }
        browser.open(&page("/redirect")).await;
        None
    })
    .await;
    for path in ["/parts", "/frame"] {
        refused(&browser, &device, &page(path), "not from within another page").await;
    }
    refused(&browser, &device, &page("/form"), "sent from another site").await;

    // A window: what somebody's browser loads or sends without them brings nothing either.
    let _ = device.run(&["join", "open"]).await.well();
    for path in ["/parts", "/frame"] {
        refused(&browser, &device, &page(path), "not from within another page").await;
    }
    for path in ["/form", "/json"] {
        refused(&browser, &device, &page(path), "sent from another site").await;
    }
    assert_eq!(manager.api().get("enrolled").await.unwrap(), json!([]));

    // Who chooses the link is let in.
    browser.open(&page("/link")).await;
    browser.click("a").await;
    let connected = "return document.querySelector('#connection')?.dataset.state === 'connected'";
    browser.until("it is connected", connected).await;
    assert_eq!(browser.run("return location.href").await, format!("http://printer.example:{PAGE}/"));
    // Nothing before it is told, at most itself: it loads itself anew now and then.
    let referrer = browser.run("return document.referrer").await;
    assert!(referrer == "" || referrer == format!("http://printer.example:{PAGE}/"), "{referrer}");
    let history = browser.history().await;
    assert_eq!(history.last(), Some(&format!("http://printer.example:{PAGE}/")));
    assert!(!history.iter().any(|address| address.contains(pin)), "{history:#?}");

    // Its own page has a form, which is taken.
    let _ = manager.run(&["enrolled", "release", "SN-001"]).await.well();
    until("it hears that", async || (device.membership().await["state"] == "not-connected").then_some(())).await;
    let _ = device.run(&["join", "open"]).await.well();
    browser.open(&format!("http://printer.example:{PAGE}/")).await;
    browser.fill("input[name=pin]", pin).await;
    browser.click("button.main").await;
    browser.until("it is connected again", connected).await;
    assert!(!browser.history().await.iter().any(|address| address.contains(pin)));
    for node in [&device, &manager] {
        assert!(!node.log().contains(pin), "the PIN is in a log");
    }
}
