//! The child's side.

use crate::handed::ANSWERED;
use crate::trust::{Whom, explain, is_refused, node_tls};
use crate::{
    CATALOGUE, COMPONENT_LIMIT, COMPONENTS, ERRAND, EXCHANGE, EXCHANGE_LIMIT, LONGEST_WAIT_MS, REGISTRAR, RENEW,
};
use hostler_core::enrollment::{Errand, Papers, Renewal, Renewed, Settled};
use hostler_core::message::{CatalogueEntry, ExchangeDown, ExchangeUp};
use hostler_core::{Secret, Timestamp};
use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// How long a call may take beyond the time that the parent may hold it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connections that aren't used are let go before the parent does that: what is sent over one that ends is lost.
const IDLE: Duration = Duration::from_secs(10);

/// So much of a refusal is read, in bytes.
const LONGEST_REFUSAL: usize = 4 << 10;

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
    /// There was a connection, and it ended before the answer was whole.
    #[error("the call to the parent at {url} was cut: {why}")]
    Cut {
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
    /// It ended what this node came in by.
    #[error("the manager at {url} ended this node's connection ({why}); its owner's next PIN connects it again")]
    Ended {
        /// Where.
        url: Url,
        /// How that showed.
        why: String,
    },
    /// It refused, or somebody on the way did.
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
    shows: Shows,
}

/// What this node shows its parent.
enum Shows {
    /// The token in a file that somebody brought here.
    Token(TokenFile),
    /// The token that it came in by, over connections that show its certificate.
    Papers {
        token: Secret,
        /// The same way without the certificate.
        bare: Client,
    },
}

struct TokenFile {
    path: PathBuf,
    token: Mutex<Token>,
}

struct Token {
    secret: Secret,
    /// The parent refused it: whoever corrects the file shall not have to start the node anew.
    refused: bool,
}

/// Every client of another node: it goes where it was told to go, and nowhere else.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .tcp_keepalive(Duration::from_secs(30))
        .pool_idle_timeout(IDLE)
}

impl ParentClient {
    /// Prepares the way. `token_file` holds the token, and is read again after the parent refused that; `certificate` is a PEM file with the authority that signed the parent's certificate, for HTTPS.
    ///
    /// # Errors
    /// [`CallParentError::Setup`].
    pub fn new(base: Url, token_file: PathBuf, certificate: Option<&Path>) -> Result<Self, CallParentError> {
        let setup = |why: &dyn std::fmt::Display| CallParentError::Setup(why.to_string());
        let mut builder = builder();
        if let Some(path) = certificate {
            let pem = std::fs::read(path).map_err(|error| setup(&format!("{}: {error}", path.display())))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| setup(&error))?;
            builder = builder.tls_certs_only(roots);
        }
        let secret = read(&token_file).map_err(|error| setup(&format!("{}: {error}", token_file.display())))?;
        let token = Mutex::new(Token { secret, refused: false });
        let shows = Shows::Token(TokenFile { path: token_file, token });
        Ok(Self { client: builder.build().map_err(|error| setup(&error))?, base, shows })
    }

    /// Prepares the way for a node that was let in: the manager is known by its root's fingerprint, and this node by the
    /// certificate and the token that it got.
    ///
    /// # Errors
    /// [`CallParentError::Setup`] where certificate and key don't fit.
    pub fn enrolled(
        base: Url,
        whom: impl Into<Whom>,
        papers: &Papers,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CallParentError> {
        let setup = |why: &dyn std::fmt::Display| CallParentError::Setup(why.to_string());
        let chain = CertificateDer::pem_slice_iter(papers.certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| setup(&error))?;
        let (clock, whom) = (Arc::new(NotBefore(papers.issued_at)), whom.into());
        let client = |own| {
            let tls = node_tls(whom.clone(), own, Arc::clone(&clock) as Arc<dyn TimeProvider>);
            let tls = tls.map_err(|error| setup(&error))?;
            builder().tls_backend_preconfigured(tls).build().map_err(|error| setup(&error))
        };
        let shows = Shows::Papers { token: papers.token.clone(), bare: client(None)? };
        Ok(Self { client: client(Some((chain, key)))?, base, shows })
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

    /// Another certificate for this node, which shows the one that it has.
    ///
    /// # Errors
    /// Any [`CallParentError`]; the certificate that it has stays good.
    pub async fn renew(&self, renewal: &Renewal) -> Result<Renewed, CallParentError> {
        let request = self.client.post(self.url(RENEW)?).json(renewal).timeout(PATIENCE);
        self.answer(request, EXCHANGE_LIMIT).await.and_then(|bytes| self.parse(&bytes))
    }

    /// Hands on what a node below wants of the manager.
    ///
    /// # Errors
    /// Any [`CallParentError`]; the manager may have done what was wanted where it was reached.
    pub async fn errand(&self, errand: &Errand) -> Result<Settled, CallParentError> {
        let request = self.client.post(self.url(ERRAND)?).json(errand).timeout(PATIENCE);
        self.answer(request, EXCHANGE_LIMIT).await.and_then(|bytes| self.parse(&bytes))
    }

    fn url(&self, path: &str) -> Result<Url, CallParentError> {
        self.base.join(path).map_err(|error| CallParentError::Setup(format!("{}: {error}", self.base)))
    }

    /// Hands on what a user asks, with the headers that tell of them; `asked` is path and query. The answer's body is yet to
    /// come, and has no time to be whole in.
    ///
    /// # Errors
    /// Any [`CallParentError`]: the user has no answer then. [`CallParentError::Setup`] where the path is none.
    pub(crate) async fn hand_on(
        &self,
        method: Method,
        asked: &str,
        headers: HeaderMap,
        body: Option<reqwest::Body>,
    ) -> Result<Response, CallParentError> {
        let wanted = format!("{REGISTRAR}{asked}");
        let url = self.url(&wanted)?;
        // An address that means another one once it's read (`..`, a backslash) would have this node ask for anything.
        if wanted.split_once('?').map_or(wanted.as_str(), |(path, _)| path) != url.path() {
            return Err(CallParentError::Setup(format!("{}: an address that means another one", self.base)));
        }
        let request = self.client.request(method, url).headers(headers);
        let request = body.into_iter().fold(request, RequestBuilder::body);
        let response = self.send(request).await?;
        if response.headers().contains_key(ANSWERED) {
            return Ok(response);
        }
        let status = response.status();
        let said = tokio::time::timeout(PATIENCE, self::body(response, LONGEST_REFUSAL)).await;
        Err(self.refused(status, &said.ok().and_then(Result::ok).flatten().unwrap_or_default()))
    }

    async fn answer(&self, request: RequestBuilder, limit: usize) -> Result<Vec<u8>, CallParentError> {
        let response = self.send(request).await?;
        let status = response.status();
        let bytes = body(response, limit).await.map_err(|error| self.unreachable(&error))?;
        let garbled = || CallParentError::Garbled { url: self.base.clone(), why: format!("more than {limit} bytes") };
        let bytes = bytes.ok_or_else(garbled)?;
        if status == StatusCode::OK { Ok(bytes) } else { Err(self.refused(status, &bytes)) }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, CallParentError> {
        match self.show_token(request).send().await {
            Ok(response) => Ok(response),
            Err(error) if is_refused(&error) && self.is_over().await => {
                Err(CallParentError::Ended { url: self.base.clone(), why: explain(&error).unwrap_or_default() })
            }
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> CallParentError {
        let (url, why) = (self.base.clone(), explain(error).unwrap_or_else(|| root(error)));
        if error.is_connect() { CallParentError::Unreachable { url, why } } else { CallParentError::Cut { url, why } }
    }

    /// What an answer means that isn't what was asked for.
    fn refused(&self, status: StatusCode, said: &[u8]) -> CallParentError {
        let url = self.base.clone();
        match (status, &self.shows) {
            (StatusCode::UNAUTHORIZED, Shows::Token(file)) => {
                file.token.lock().unwrap_or_else(PoisonError::into_inner).refused = true;
                CallParentError::Unknown(url)
            }
            (StatusCode::UNAUTHORIZED, Shows::Papers { .. }) => {
                CallParentError::Ended { url, why: "it doesn't accept the token any more".to_owned() }
            }
            (status, _) => {
                let body = String::from_utf8_lossy(said).chars().take(300).collect();
                CallParentError::Refused { url, status: status.as_u16(), body }
            }
        }
    }

    /// Whether the manager ended the token. What says that it refuses the certificate is an alert, which anybody on the way can
    /// send before the manager is known; so it is asked once more, over a connection on which the manager shows who it is
    /// before this node shows anything.
    async fn is_over(&self) -> bool {
        let Shows::Papers { token, bare } = &self.shows else { return false };
        let Ok(url) = self.url(EXCHANGE) else { return false };
        let asked = bare.post(url).bearer_auth(token.expose()).timeout(PATIENCE).send().await;
        asked.is_ok_and(|answer| answer.status() == StatusCode::UNAUTHORIZED)
    }

    fn show_token(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.shows {
            Shows::Papers { token, .. } => request.bearer_auth(token.expose()),
            Shows::Token(file) => file.show(request),
        }
    }

    fn parse<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, CallParentError> {
        let garbled =
            |error: serde_json::Error| CallParentError::Garbled { url: self.base.clone(), why: error.to_string() };
        serde_json::from_slice(bytes).map_err(garbled)
    }
}

impl TokenFile {
    fn show(&self, request: RequestBuilder) -> RequestBuilder {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if token.refused {
            match read(&self.path) {
                Ok(secret) => *token = Token { secret, refused: false },
                Err(error) => tracing::warn!(file = %self.path.display(), %error, "the token can't be read anew"),
            }
        }
        request.bearer_auth(token.secret.expose())
    }
}

/// The time, for who may have lost it: not before a moment that has been.
#[derive(Debug)]
struct NotBefore(Timestamp);

impl TimeProvider for NotBefore {
    fn current_time(&self) -> Option<UnixTime> {
        let past = UnixTime::since_unix_epoch(Duration::from_millis(self.0.0));
        DefaultTimeProvider.current_time().map(|now| now.max(past))
    }
}

fn read(token_file: &Path) -> std::io::Result<Secret> {
    Ok(Secret::new(std::fs::read_to_string(token_file)?.trim().to_owned()))
}

/// The body of an answer; `None` where it is longer than this.
pub(crate) async fn body(mut response: Response, limit: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

pub(crate) fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
