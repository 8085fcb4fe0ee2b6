//! A browser without a window, driven by WebDriver (W3C) as somebody would use it.

use crate::{Peer, Place, peer, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// The key of an element's reference (WebDriver §12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window, which ends when this is dropped.
pub struct Browser {
    client: reqwest::Client,
    port: u16,
    session: String,
    _driver: Peer,
}

impl Browser {
    /// Starts it; `None`, said aloud, where Chromium or its driver isn't installed.
    ///
    /// # Panics
    /// When it doesn't start.
    pub async fn start(place: &Place) -> Option<Self> {
        Self::start_where(place, &[]).await
    }

    /// The same where these host names mean these addresses.
    ///
    /// # Panics
    /// When it doesn't start.
    pub async fn start_where(place: &Place, names: &[(&str, Ipv4Addr)]) -> Option<Self> {
        let (chromium, driver) = (peer("chromium")?, peer("chromedriver")?);
        let home = place.path("browser");
        let driver = Peer::start(&driver, |command| command.arg("--port=0").env("NO_PROXY", "127.0.0.0/8"));
        let port = until("the browser's driver is ready", async || {
            let log = driver.log();
            log.split_once("successfully on port ")?.1.trim().split('.').next()?.parse().ok()
        })
        .await;
        // So that the client is made with the means for TLS that it asks for.
        let _ = crate::Api::new("http://127.0.0.1", None);
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        let mut browser = Self { client, port, session: String::new(), _driver: driver };
        let made =
            browser.command(Method::POST, "", &json!({ "capabilities": capabilities(&chromium, &home, names) })).await;
        browser.session = made["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {made}")).to_owned();
        Some(browser)
    }

    async fn command(&self, method: Method, path: &str, body: &Value) -> Value {
        self.ask(method, path, body).await.unwrap_or_else(|why| panic!("{path}: {why}"))
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, Value> {
        let session = if self.session.is_empty() { String::new() } else { format!("/{}", self.session) };
        let url = format!("http://127.0.0.1:{}/session{session}{path}", self.port);
        let mut request = self.client.request(method.clone(), url);
        if method != Method::GET {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let text = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if answer["value"]["error"].is_string() { Err(answer["value"].clone()) } else { Ok(answer["value"].clone()) }
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        self.command(Method::POST, "/url", &json!({ "url": url })).await;
    }

    /// Registers somebody new as a user, from the log-in page at this address on, until devices can be registered.
    pub async fn register(&self, base: &str, user: &str) {
        self.open(base).await;
        self.fill("input[name=user]", user).await;
        self.fill("input[name=password]", "whatever it is").await;
        self.click("button.main").await;
        self.until_text("h1", "Do you want to register?").await;
        for field in ["password", "again"] {
            self.fill(&format!("input[name={field}]"), "correct horse battery").await;
        }
        self.click("button.main").await;
        self.until_text("h1", "Register devices").await;
    }

    /// Where it is.
    pub async fn path(&self) -> String {
        self.run("return location.pathname").await.as_str().unwrap_or_default().to_owned()
    }

    /// The address of what it shows, asked of the browser itself.
    pub async fn address(&self) -> String {
        self.command(Method::GET, "/url", &Value::Null).await.as_str().unwrap_or_default().to_owned()
    }

    /// What the first element that fits this selector says, asked of the browser itself; empty where there is none now.
    pub async fn text(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let text = async {
            let found = self.ask(Method::POST, "/element", &wanted).await.ok()?;
            let path = format!("/element/{}/text", found[ELEMENT].as_str()?);
            self.ask(Method::GET, &path, &Value::Null).await.ok()?.as_str().map(str::to_owned)
        };
        text.await.unwrap_or_default()
    }

    /// Waits until the first element that fits this selector says something, and returns all of it.
    pub async fn until_text(&self, selector: &str, part: &str) -> String {
        until(format!("{selector} says {part:?}"), async || {
            Some(self.text(selector).await).filter(|text| text.contains(part))
        })
        .await
    }

    /// From now on no page runs a script, as where somebody has forbidden it.
    pub async fn without_scripts(&self) {
        let order = json!({ "cmd": "Emulation.setScriptExecutionDisabled", "params": { "value": true } });
        self.command(Method::POST, "/goog/cdp/execute", &order).await;
    }

    /// Goes to the window that a link opened, once it is there.
    pub async fn go_to_new_window(&self) {
        let before = self.command(Method::GET, "/window", &Value::Null).await;
        let other = until("a link has opened a window", async || {
            let all = self.command(Method::GET, "/window/handles", &Value::Null).await;
            all.as_array()?.iter().find(|handle| **handle != before).cloned()
        })
        .await;
        self.command(Method::POST, "/window", &json!({ "handle": other })).await;
    }

    /// Closes the window, and goes back to the first that is left.
    pub async fn close_window(&self) {
        let left = self.command(Method::DELETE, "/window", &json!({})).await;
        self.command(Method::POST, "/window", &json!({ "handle": left[0] })).await;
    }

    /// Runs a script in the page, and returns what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.command(Method::POST, "/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// Waits until a script returns something that counts as true.
    pub async fn until(&self, what: &str, script: &str) {
        until(what, async || {
            let found = self.ask(Method::POST, "/execute/sync", &json!({ "script": script, "args": [] })).await;
            found.ok().filter(|found| *found == json!(true))
        })
        .await;
    }

    /// Types into the first element that fits this selector.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.upon(selector, &[("clear", json!({})), ("value", json!({ "text": text }))]).await;
    }

    /// Clicks the first element that fits this selector.
    pub async fn click(&self, selector: &str) {
        self.upon(selector, &[("click", json!({}))]).await;
    }

    /// Does these things to the first element that fits this selector; to the next one where a live page puts another in its
    /// place meanwhile.
    async fn upon(&self, selector: &str, acts: &[(&str, Value)]) {
        let wanted = json!({ "using": "css selector", "value": selector });
        until(format!("the page has {selector}"), async || {
            let found = self.ask(Method::POST, "/element", &wanted).await.ok()?;
            let element = found[ELEMENT].as_str()?;
            for (act, body) in acts {
                match self.ask(Method::POST, &format!("/element/{element}/{act}"), body).await {
                    Err(why) if why["error"] == "stale element reference" => return None,
                    outcome => outcome.unwrap_or_else(|why| panic!("{act} {selector}: {why}")),
                };
            }
            Some(())
        })
        .await;
    }

    /// Makes the page as wide and high as this, in CSS pixels, such as a phone's.
    pub async fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let order = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        self.command(Method::POST, "/goog/cdp/execute", &order).await;
    }

    /// The addresses that its visitor finds in its history, the oldest first.
    pub async fn history(&self) -> Vec<String> {
        let order = json!({ "cmd": "Page.getNavigationHistory", "params": {} });
        let history = self.command(Method::POST, "/goog/cdp/execute", &order).await;
        let entries = history["entries"].as_array().cloned().unwrap_or_default();
        entries.iter().filter_map(|entry| Some(entry["url"].as_str()?.to_owned())).collect()
    }

    /// What the browser complained about since this was asked last: refused content, failed scripts, missing files.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.command(Method::POST, "/se/log", &json!({ "type": "browser" })).await;
        let lines = log.as_array().cloned().unwrap_or_default();
        let bad = lines.iter().filter(|line| line["level"] == "SEVERE" || line["level"] == "WARNING");
        bad.filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
    }
}

fn capabilities(chromium: &Path, home: &Path, names: &[(&str, Ipv4Addr)]) -> Value {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-proxy-server",
    ];
    let mut arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
    arguments.push(format!("--user-data-dir={}", home.display()));
    let names: Vec<String> = names.iter().map(|(name, address)| format!("MAP {name} {address}")).collect();
    arguments.push(format!("--host-resolver-rules={}", names.join(",")));
    json!({ "alwaysMatch": {
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "binary": chromium, "args": arguments },
    } })
}

impl Drop for Browser {
    /// Asks the driver to end the browser: killed, it would leave it behind.
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        let request = format!(
            "DELETE /session/{} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
            self.session, self.port
        );
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.read(&mut [0; 1024]);
    }
}
