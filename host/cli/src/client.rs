//! The way from the command line to a node's HTTP API.

use crate::output::{Output, printable};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use hostler_core::Secret;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Which node to speak to, and as whom.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which node")]
pub struct Connection {
    /// The node's address, such as https://manager.example
    #[arg(long, env = "HOSTLER_URL", global = true)]
    pub url: Option<Url>,
    /// An API token; make one on the page, or with `hostler token add --data …` on the node itself
    #[arg(long, env = "HOSTLER_TOKEN", hide_env_values = true, global = true)]
    #[arg(value_parser = crate::secret::parse)]
    pub token: Option<Secret>,
    /// The data folder of a node on this machine, instead of address and token
    #[arg(long, env = "HOSTLER_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// A PEM file with the authority that signed the node's certificate
    #[arg(long, env = "HOSTLER_CERTIFICATE", global = true)]
    pub certificate: Option<PathBuf>,
}

/// What every verb that asks a node takes.
#[derive(Args)]
pub struct Plain {
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub output: Output,
}

/// What a node said instead of doing what it was asked.
#[derive(Debug)]
pub struct Refusal {
    /// How it is told to programs.
    pub status: StatusCode,
    said: String,
}

impl Refusal {
    /// In these words.
    pub fn new(status: StatusCode, said: String) -> Self {
        Self { status, said }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl std::error::Error for Refusal {}

/// Speaks to a node's API.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Secret,
}

impl Connection {
    /// The client for what was given.
    pub fn client(&self) -> Result<Client> {
        let (base, token) = match (&self.url, &self.token, &self.data) {
            (Some(url), Some(token), _) => (url.clone(), token.clone()),
            (_, _, Some(data)) => (
                Url::parse(&local(data, hostler_node::LOCAL_ADDRESS)?).context("the node's address can't be read")?,
                Secret::new(local(data, hostler_node::LOCAL_TOKEN)?),
            ),
            (Some(_), None, None) => bail!("no token was given; add --token, or set HOSTLER_TOKEN"),
            (None, _, None) => bail!(
                "no node was given; add --url and --token (or HOSTLER_URL and HOSTLER_TOKEN), or --data with the data \
                 folder of a node on this machine"
            ),
        };
        let mut builder = builder().connect_timeout(Duration::from_secs(5));
        if let Some(path) = &self.certificate {
            let pem = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        Ok(Client { http: builder.build()?, base, token })
    }
}

/// What every client is made by. A redirect is followed nowhere: it would take a password or a PIN along.
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none())
}

fn local(data: &Path, file: &str) -> Result<String> {
    let path = data.join(file);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} can't be read; is a node running with this data folder?", path.display()))?;
    Ok(text.trim().to_owned())
}

impl Client {
    /// A client for a node whose address and token are known.
    pub fn new(base: Url, token: Secret) -> Result<Self> {
        Ok(Self { http: builder().build()?, base, token })
    }

    /// A request to `path` below the API, each part escaped.
    pub fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder> {
        let mut url = self.base.join("/api/v1")?;
        url.path_segments_mut().map_err(|()| anyhow!("{} is no address of a node", self.base))?.extend(path);
        Ok(self.http.request(method, url).bearer_auth(self.token.expose()))
    }

    /// Sends, and returns what came back; an error that the node explained is shown as it is.
    pub async fn send(&self, request: RequestBuilder) -> Result<Value> {
        body(self.open(request).await?).await
    }

    /// Sends, and returns an answer whose body is still to come; an error that the node explained is shown as it is.
    pub async fn open(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.with_context(|| format!("the node at {} can't be reached", self.base))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let to = response.headers().get(reqwest::header::LOCATION).and_then(|to| to.to_str().ok());
            bail!(
                "the node at {} sends to another address ({}), and nothing was sent there\n  Give the right address with --url",
                self.base,
                printable(to.unwrap_or("it doesn't say which"))
            );
        }
        let body = body(response).await?;
        let said = body.get("error").and_then(Value::as_str).map(str::to_owned);
        let said = said.unwrap_or_else(|| format!("the node answered {status}: {body}"));
        match body.get("what_to_do").and_then(Value::as_str) {
            Some(advice) if !said.contains(advice) => bail!(Refusal::new(status, format!("{said}\n  {advice}"))),
            _ => bail!(Refusal::new(status, said)),
        }
    }

    /// The bytes at `path`, at most so many.
    pub async fn bytes(&self, path: &[&str], limit: usize) -> Result<Vec<u8>> {
        let request = self.request(Method::GET, path)?;
        let unreachable = || format!("the node at {} can't be reached", self.base);
        let mut response = request.send().await.with_context(unreachable)?;
        if !response.status().is_success() {
            bail!("the node answered {} to {}", response.status(), path.join("/"));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.with_context(unreachable)? {
            if bytes.len() + chunk.len() > limit {
                bail!("the node sent more than {limit} bytes for {}", path.join("/"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// What is at `path`.
    pub async fn get(&self, path: &[&str]) -> Result<Value> {
        self.send(self.request(Method::GET, path)?).await
    }
}

/// What an answer says: JSON, or a text that isn't.
async fn body(response: Response) -> Result<Value> {
    let text = response.text().await?;
    Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) })
}
