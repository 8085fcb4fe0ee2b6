//! A small client of a node's HTTP API.

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use std::sync::Once;
use std::time::Duration;

/// Speaks to one node as somebody with a token, or as nobody.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// Where it leads, if it leads elsewhere.
    pub location: Option<String>,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Api {
    /// A client for the node at this address.
    ///
    /// # Panics
    /// When no client can be made.
    #[must_use]
    pub fn new(base: &str, token: Option<&str>) -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| _ = rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = client.timeout(Duration::from_secs(60)).build().unwrap();
        Self { client, base: base.trim_end_matches('/').to_owned(), token: token.map(str::to_owned) }
    }

    /// The node's address.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same node, asked by somebody else.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// Sends this body, whatever comes back.
    ///
    /// # Errors
    /// The node can't be reached.
    pub async fn send(&self, method: Method, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Result<Answer> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.header("content-type", kind).body(body).send().await?;
        let status = response.status();
        let location = response.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
        Ok(Answer { status, location, text: response.text().await? })
    }

    /// Sends JSON to a path below the API; what isn't a success is an error that quotes the node.
    ///
    /// # Errors
    /// The node can't be reached, or refuses.
    pub async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let answer = self.send(method.clone(), &format!("/api/v1/{path}"), "application/json", body.to_string()).await;
        let answer = answer.with_context(|| format!("{method} {path}"))?;
        if !answer.status.is_success() {
            bail!("{method} {path}: {} {}", answer.status, answer.text);
        }
        Ok(answer.json())
    }

    /// What is at a path below the API.
    ///
    /// # Errors
    /// The node can't be reached, or refuses.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, &Value::Null).await
    }

    /// Orders something.
    ///
    /// # Errors
    /// The node can't be reached, or refuses.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, body).await
    }
}
