//! E1 to E6 and E11 where the registrar is a node of its own: users reach it and nothing else, and the manager answers them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod terminal;

use hostler_tests::{Node, Place, Setup, device_address, peer, program, until};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use terminal::device::Faults;
use terminal::{Office, text};

/// The port of devices' pages.
const PAGE: u16 = 8081;

/// A manager that nodes join, where everybody may register and these are registrars.
fn manager(place: &Place, registrars: &str) -> Setup {
    let listen = place.free_tcp(place.address(200, 2));
    let lines = format!(
        "listen = \"{listen}\"\nloopback = true\ndevice-port = {PAGE}\nself-registration = \"anyone\"\n\
         registrars = {registrars}"
    );
    Setup::manager(place).section("enrollment", &lines)
}

/// Where users of the registrar with this number come.
fn users(place: &Place, number: u8) -> SocketAddr {
    place.free_tcp(place.address(202, number))
}

/// A browser without script, which knows one registrar.
struct Browser {
    client: Client,
    base: String,
    cookie: String,
}

impl Browser {
    fn at(address: SocketAddr) -> Self {
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { client: client.build().unwrap(), base: format!("http://{address}"), cookie: String::new() }
    }

    async fn ask(&self, request: RequestBuilder) -> Response {
        request.header("cookie", &self.cookie).send().await.unwrap()
    }

    async fn open(&self, path: &str) -> Response {
        self.ask(self.client.get(format!("{}{path}", self.base))).await
    }

    async fn page(&self, path: &str) -> (u16, String) {
        let response = self.open(path).await;
        (response.status().as_u16(), response.text().await.unwrap().replace("&#39;", "'"))
    }

    /// A form of one of its own pages.
    async fn send(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.send_from(&self.base, path, form).await
    }

    async fn send_from(&self, origin: &str, path: &str, form: &[(&str, &str)]) -> Response {
        self.ask(self.client.post(format!("{}{path}", self.base)).header("origin", origin).form(form)).await
    }

    /// Keeps the session that it's given.
    fn keep(&mut self, response: &Response) {
        let set = response.headers()["set-cookie"].to_str().unwrap();
        self.cookie = set.split(';').next().unwrap().to_owned();
    }
}

fn location(response: &Response) -> &str {
    response.headers()["location"].to_str().unwrap()
}

/// Lets the node in by a PIN of the manager's administrator.
async fn join(manager: &Node, node: &Node) {
    let made = manager.run(&["registration", "add", "--json", "10.0.0.9"]).await.well();
    let made: Value = serde_json::from_str(&made).unwrap();
    let _ = node.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
    connected(node).await;
}

async fn connected(node: &Node) {
    until("it is connected", async || {
        let now = node.api().get("membership").await.unwrap();
        (now["state"] == "connected").then_some(())
    })
    .await;
}

/// Registers as a user, and is logged in.
async fn newcomer(browser: &mut Browser) {
    let first = browser.send("/login", &[("user", "ada@example.org"), ("password", "whatever it is")]).await;
    assert_eq!(first.status(), 200);
    assert!(first.text().await.unwrap().contains("Do you want to register?"));
    let password = "correct horse battery";
    let new = [("user", "ada@example.org"), ("password", password), ("again", password)];
    let registered = browser.send("/register", &new).await;
    assert_eq!((registered.status().as_u16(), location(&registered)), (303, "/registrations"));
    browser.keep(&registered);
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_users_reach_the_registrar_alone_and_register_users_and_devices() {
    let place = Place::new(160);
    let mut manager = Node::start(manager(&place, "[\"registrar-1\"]")).await;
    let here = manager.api().get("join").await.unwrap();
    let address = users(&place, 1);
    let registrar = Node::start(Setup::registrar(&place, 1, address).joining_as("RG-001", &here)).await;
    let mut browser = Browser::at(address);
    let start = browser.open("/").await;
    assert_eq!((start.status().as_u16(), location(&start)), (303, "/registrations"));
    let (status, page) = browser.page("/registrations").await;
    assert!(status == 503 && page.contains("This registrar isn't connected with its manager"), "{page}");
    let style = page.split("href=\"").find(|rest| rest.starts_with("/assets/hostler-")).unwrap();
    assert_eq!(browser.page(style.split('"').next().unwrap()).await.0, 200);

    join(&manager, &registrar).await;
    // Who isn't logged in is sent to the log-in, and comes back from there.
    let asked = until("the manager answers", async || {
        Some(browser.open("/registrations").await).filter(|asked| asked.status() == 303)
    })
    .await;
    assert_eq!(location(&asked), "/login?next=%2Fregistrations");
    assert!(browser.page("/login").await.1.contains("Log in to manager"));
    newcomer(&mut browser).await;

    // A wrong password leads back to the log-in page.
    let out = browser.send("/logout", &[]).await;
    assert_eq!(location(&out), "/login");
    assert_eq!(browser.open("/registrations").await.status(), 303);
    let wrong = browser.send("/login", &[("user", "ada@example.org"), ("password", "wrong")]).await;
    assert_eq!(wrong.status(), 401);
    assert!(wrong.text().await.unwrap().contains("<h1>Log in to manager</h1>"));
    let right = browser.send("/login", &[("user", "ada@example.org"), ("password", "correct horse battery")]).await;
    assert_eq!(location(&right), "/registrations");
    browser.keep(&right);

    // She registers a device; what becomes of it is told while she looks.
    let printer = device_address(&place, 1).to_string();
    let form = [("addresses", printer.as_str()), ("sharing", "each"), ("means", "pin"), ("hours", "24")];
    let elsewhere = browser.send_from("http://elsewhere.example", "/registrations", &form).await;
    assert_eq!(elsewhere.status(), 403);
    let made = browser.send("/registrations", &form).await;
    assert_eq!(made.status(), 303, "{}", made.text().await.unwrap());
    let shown = location(&made).to_owned();
    let mut live = browser.open("/api/v1/live").await;
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    let (_, page) = browser.page(&shown).await;
    let url = page.split("href=\"").find(|rest| rest.starts_with("http://127.")).unwrap();
    let url = url.split('"').next().unwrap();
    assert!(url.starts_with(&format!("http://{printer}:{PAGE}/enroll?pin=")), "{url}");
    let device = Node::start(Setup::device(&place, 1, &here)).await;
    let brought = browser.client.get(url).header("accept", "text/html").send().await.unwrap();
    assert_eq!(location(&brought), "/");
    connected(&device).await;
    let id = shown.trim_start_matches("/registrations/");
    let telling = async {
        let mut told = String::new();
        while !told.contains(id) {
            told += &String::from_utf8_lossy(&live.chunk().await.unwrap().unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(60), telling).await.expect("it is told what changed");
    let (_, page) = browser.page(&shown).await;
    assert!(page.contains("as SN-001 (mfp-1)"), "{page}");
    let (_, page) = browser.page("/enrolled").await;
    assert!(page.contains("SN-001") && !page.contains("RG-001"), "{page}");

    // Nothing else is there, whoever asks, and no page leads to it.
    for path in ["/plugins", "/devices/SN-001", "/api/v1/users", "/api/v1/membership", "/metrics", "/account/tokens"] {
        let (status, said) = browser.page(path).await;
        assert!(status == 404 && said.to_lowercase().contains("at this registrar"), "{path}: {status} {said}");
    }
    for page in ["/registrations", &shown, "/enrolled", "/account"] {
        let (status, text) = browser.page(page).await;
        assert_eq!(status, 200, "{page}");
        let places = text.split("href=\"").skip(1).chain(text.split("action=\"").skip(1));
        let places: Vec<&str> =
            places.filter_map(|rest| rest.split('"').next()).filter(|to| to.starts_with('/')).collect();
        assert!(places.contains(&"/account") && places.contains(&"/logout"), "{places:?}");
        for led in places {
            let status = browser.open(led).await.status();
            assert!(status != 404, "{page} leads to {led}: {status}");
        }
    }

    // The manager goes, and comes back.
    manager.kill();
    let (status, page) = browser.page("/registrations").await;
    assert!(status == 503 && page.contains("can't reach its manager now"), "{page}");
    let (status, said) = browser.page("/api/v1/registrations").await;
    assert!(status == 503 && said.contains("what_to_do"), "{said}");
    manager.start_again().await;
    until("it is answered again", async || (browser.page(&shown).await.0 == 200).then_some(())).await;

    // A registrar that the manager ends isn't connected from then on, and what was open through it ends.
    let mut live = browser.open("/api/v1/live").await;
    assert_eq!(live.status(), 200);
    let _ = manager.run(&["enrolled", "bar", "RG-001"]).await.well();
    let (status, page) = browser.page("/registrations").await;
    assert!(status == 503 && page.contains("isn't connected with its manager"), "{page}");
    while let Ok(Some(_)) = live.chunk().await {}
    // Its own administration goes on beside that.
    assert_eq!(registrar.api().get("node").await.unwrap()["id"], json!("registrar-1"));
    assert_eq!(
        browser.client.get(registrar.api().base()).send().await.unwrap().headers()["location"],
        "/login?next=%2F"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_a_registrar_is_who_the_manager_names_and_an_operator_let_in() {
    let place = Place::new(161);
    let manager = Node::start(manager(&place, "[\"registrar-1\", \"registrar-3\"]")).await;
    let here = manager.api().get("join").await.unwrap();
    let token = async |number: u8| {
        let id = format!("registrar-{number}");
        let made = manager.api().post("nodes", &json!({ "id": id })).await.unwrap();
        made["token"].as_str().unwrap().to_owned()
    };
    let by_token = async |number: u8| {
        let address = users(&place, number);
        let setup = Setup::registrar(&place, number, address).calling(manager.api().base(), &token(number).await);
        (Node::start(setup).await, address)
    };
    let (_named, address) = by_token(1).await;
    assert!(Browser::at(address).page("/login").await.1.contains("Log in to manager"));
    let (_other, address) = by_token(2).await;
    let (status, page) = Browser::at(address).page("/login").await;
    assert!(status == 503 && page.contains("registrar-2 isn't named in"), "{page}");
    until("the log says it", async || manager.log().contains("registrar-2 isn't named").then_some(())).await;

    // Whoever registers a device by the name of a registrar gets a device.
    let ada = json!({ "user": "ada", "password": "correct horse battery" });
    let session = manager.api().with_token(None).post("register", &ada).await.unwrap();
    let ada = manager.api().with_token(session["token"].as_str());
    let made = ada.post("registrations", &json!({ "addresses": "10.0.0.9" })).await.unwrap();
    let address = users(&place, 3);
    let device = Node::start(Setup::registrar(&place, 3, address).joining_as("RG-003", &here)).await;
    let _ = device.run(&["join", "pin", made["secrets"][0].as_str().unwrap()]).await.well();
    connected(&device).await;
    let said = until("the manager refuses", async || {
        Some(Browser::at(address).page("/login").await).filter(|(_, page)| !page.contains("isn't connected"))
    })
    .await;
    assert!(said.0 == 503 && said.1.contains("by the PIN of a user who may not operate"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_by_tls_the_manager_s_cookie_is_bound_to_it() {
    let place = Place::new(163);
    let Some(curl) = peer("curl") else { return };
    let manager = Node::start(manager(&place, "[\"registrar-1\"]")).await;
    let made = manager.api().post("nodes", &json!({ "id": "registrar-1" })).await.unwrap();
    let address = users(&place, 1);
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let own = rcgen::CertificateParams::new(vec![address.ip().to_string()]).unwrap().self_signed(&key).unwrap();
    let (certificate, private) = (place.path("registrar.pem"), place.path("registrar.key"));
    std::fs::write(&certificate, own.pem()).unwrap();
    std::fs::write(&private, key.serialize_pem()).unwrap();
    let setup = Setup::registrar(&place, 1, address)
        .section("registrar.tls", &format!("certificate = {certificate:?}\nkey = {private:?}"));
    let _registrar = Node::start(setup.calling(manager.api().base(), made["token"].as_str().unwrap())).await;
    let base = format!("https://{address}");
    let form = "user=ada&password=correct+horse+battery&again=correct+horse+battery";
    let register = |origin: &str| {
        let mut asked = std::process::Command::new(&curl);
        asked.args(["-si", "--cacert", certificate.to_str().unwrap(), "--noproxy", "*"]);
        asked.args(["-H", &format!("origin: {origin}"), "-d", form]);
        let output = asked.arg(format!("{base}/register")).output().unwrap();
        String::from_utf8_lossy(&output.stdout).to_lowercase()
    };
    let refused = register("https://elsewhere.example");
    assert!(refused.lines().next().unwrap().contains(" 403"), "{refused}");
    let said = register(&base);
    assert!(said.contains("set-cookie: __host-hostler-registrar=") && said.contains("; secure"), "{said}");
    assert!(said.contains("location: /registrations"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_terminal_finds_and_delivers_by_the_registrar_alone() {
    let setup = |place: &Place| manager(place, "[\"registrar-1\"]");
    let office = Office::with(162, setup, &["lan-discovery", "pin-delivery"]).await;
    let Some(device) = office.device(2, "A1", Faults::default()).await else { return };
    let here = office.manager.api().get("join").await.unwrap();
    let address = users(&office.place, 1);
    let registrar = Node::start(Setup::registrar(&office.place, 1, address).joining_as("RG-001", &here)).await;
    join(&office.manager, &registrar).await;
    let browser = Browser::at(address);
    let url = browser.base.clone();
    let ada = json!({ "user": "ada", "password": "correct horse battery" });
    let session = until("the registrar answers", async || {
        let asked = browser.client.post(format!("{url}/api/v1/register")).json(&ada).send().await.unwrap();
        if asked.status() == 201 { asked.json::<Value>().await.ok() } else { None }
    })
    .await;
    let token = text(&session, "token");
    let said = office.enroll(&["--url", &url, "--token", &token, "--json"]).await.well();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["outcomes"][0]["verdict"], "connected", "{said}");
    assert_eq!((device.brought(), office.enrolled().await), (1, vec!["A1".to_owned(), "RG-001".to_owned()]));

    // The program that the page hands over, whole and as it is.
    let page =
        browser.client.get(format!("{url}/registrations")).header("cookie", format!("hostler-registrar={token}"));
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("hostler enroll --url {url}")), "{page}");
    let got =
        browser.client.get(format!("{url}/terminal/hostler")).header("cookie", format!("hostler-registrar={token}"));
    let got = got.send().await.unwrap();
    let program = std::fs::read(program()).unwrap();
    assert_eq!(got.content_length(), Some(program.len() as u64));
    assert!(got.bytes().await.unwrap() == program, "it isn't the program");
}
