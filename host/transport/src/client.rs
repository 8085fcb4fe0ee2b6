//! The child's side.

use crate::{CATALOGUE, COMPONENT_LIMIT, COMPONENTS, EXCHANGE, EXCHANGE_LIMIT, LONGEST_WAIT_MS};
use hostler_core::Secret;
use hostler_core::message::{CatalogueEntry, ExchangeDown, ExchangeUp};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// How long a call may take beyond the time that the parent may hold it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why the parent could not be spoken to. Everything that was to be said is still there.
#[derive(Debug, thiserror::Error)]
pub enum CallParentError {
    /// The client can't be made of this configuration.
    #[error("the way to the parent can't be set up: {0}")]
    Setup(String),
    /// No connection.
    #[error("the parent at {url} can't be reached: {why}")]
    Unreachable {
        /// Where.
        url: Url,
        /// Why.
        why: String,
    },
    /// It doesn't know this node.
    #[error(
        "the parent at {0} does not accept this node's token; make one there with `hostler node add --replace` and put it \
         into the token file, which is read again"
    )]
    Unknown(Url),
    /// It refused.
    #[error("the parent at {url} refused: {status} {body}")]
    Refused {
        /// Where.
        url: Url,
        /// The status code.
        status: u16,
        /// What it said.
        body: String,
    },
    /// What came back can't be understood.
    #[error("the parent at {url} answered something that can't be understood: {why}")]
    Garbled {
        /// Where.
        url: Url,
        /// Why.
        why: String,
    },
}

/// The way to the parent.
pub struct ParentClient {
    client: Client,
    base: Url,
    token_file: PathBuf,
    token: Mutex<Token>,
}

/// What this node shows its parent.
struct Token {
    secret: Secret,
    /// The parent refused it: whoever corrects the file shall not have to start the node anew.
    refused: bool,
}

impl ParentClient {
    /// Prepares the way. `token_file` holds the token, and is read again after the parent refused that; `certificate` is a PEM file with the authority that signed the parent's certificate, for HTTPS.
    ///
    /// # Errors
    /// [`CallParentError::Setup`].
    pub fn new(base: Url, token_file: PathBuf, certificate: Option<&Path>) -> Result<Self, CallParentError> {
        let setup = |why: &dyn std::fmt::Display| CallParentError::Setup(why.to_string());
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .tcp_keepalive(Duration::from_secs(30));
        if let Some(path) = certificate {
            let pem = std::fs::read(path).map_err(|error| setup(&format!("{}: {error}", path.display())))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| setup(&error))?;
            builder = builder.tls_certs_only(roots);
        }
        let secret = read(&token_file).map_err(|error| setup(&format!("{}: {error}", token_file.display())))?;
        let token = Mutex::new(Token { secret, refused: false });
        Ok(Self { client: builder.build().map_err(|error| setup(&error))?, base, token_file, token })
    }

    /// One exchange.
    ///
    /// # Errors
    /// Nothing that was sent counts as delivered then.
    pub async fn exchange(&self, up: &ExchangeUp) -> Result<ExchangeDown, CallParentError> {
        let held = Duration::from_millis(up.wait_ms.min(LONGEST_WAIT_MS).into());
        let request = self.client.post(self.url(EXCHANGE)?).json(up).timeout(held + PATIENCE);
        self.answer(request, EXCHANGE_LIMIT).await.and_then(|bytes| self.parse(&bytes))
    }

    /// The parent's catalogue.
    ///
    /// # Errors
    /// Any [`CallParentError`].
    pub async fn catalogue(&self) -> Result<Vec<CatalogueEntry>, CallParentError> {
        let request = self.client.get(self.url(CATALOGUE)?).timeout(PATIENCE);
        self.answer(request, EXCHANGE_LIMIT).await.and_then(|bytes| self.parse(&bytes))
    }

    /// The bytes of a component; whoever asks compares their digest.
    ///
    /// # Errors
    /// Any [`CallParentError`].
    pub async fn component(&self, digest: &str) -> Result<Vec<u8>, CallParentError> {
        let request = self.client.get(self.url(&format!("{COMPONENTS}/{digest}"))?).timeout(10 * PATIENCE);
        self.answer(request, COMPONENT_LIMIT).await
    }

    fn url(&self, path: &str) -> Result<Url, CallParentError> {
        self.base.join(path).map_err(|error| CallParentError::Setup(format!("{}: {error}", self.base)))
    }

    async fn answer(&self, request: RequestBuilder, limit: usize) -> Result<Vec<u8>, CallParentError> {
        let url = || self.base.clone();
        let unreachable = |error: reqwest::Error| CallParentError::Unreachable { url: url(), why: root(&error) };
        let mut response = self.show_token(request).send().await.map_err(unreachable)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > limit {
                return Err(CallParentError::Garbled { url: url(), why: format!("more than {limit} bytes") });
            }
            bytes.extend_from_slice(&chunk);
        }
        match status {
            StatusCode::OK => Ok(bytes),
            StatusCode::UNAUTHORIZED => {
                self.token.lock().unwrap_or_else(PoisonError::into_inner).refused = true;
                Err(CallParentError::Unknown(url()))
            }
            status => {
                let body = String::from_utf8_lossy(&bytes).chars().take(300).collect();
                Err(CallParentError::Refused { url: url(), status: status.as_u16(), body })
            }
        }
    }

    fn show_token(&self, request: RequestBuilder) -> RequestBuilder {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if token.refused {
            match read(&self.token_file) {
                Ok(secret) => *token = Token { secret, refused: false },
                Err(error) => tracing::warn!(file = %self.token_file.display(), %error, "the token can't be read anew"),
            }
        }
        request.bearer_auth(token.secret.expose())
    }

    fn parse<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, CallParentError> {
        let garbled =
            |error: serde_json::Error| CallParentError::Garbled { url: self.base.clone(), why: error.to_string() };
        serde_json::from_slice(bytes).map_err(garbled)
    }
}

fn read(token_file: &Path) -> std::io::Result<Secret> {
    Ok(Secret::new(std::fs::read_to_string(token_file)?.trim().to_owned()))
}

fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
