//! HTTP and HTTPS to one device's own origin.

use crate::credential::Credentials;
use crate::scrub::Scrub;
use crate::trust::Trust;
use hostler_core::device::HttpReach;
use hostler_core::{Fingerprint, Secret};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::crypto::CryptoProvider;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(15);
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// Headers that belong to the host: they would name another origin, smuggle a credential, or break the framing.
const RESERVED: [&str; 9] = [
    "host",
    "authorization",
    "cookie",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "proxy-authorization",
];

/// The methods that a plug-in may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "they are their names")]
pub enum HttpMethod {
    Get,
    Head,
    Post,
    Put,
    Delete,
}

/// What a plug-in asks of a device's web server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpRequest {
    /// How.
    pub method: HttpMethod,
    /// Begins with a slash; may carry a query.
    pub path: String,
    /// Names and values; the host's own are refused.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The name of a credential that the host adds (Basic, RFC 7617).
    pub credential: Option<String>,
}

/// What the device answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Names and values; a value that is no text is left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No answer in time.
    #[error("it did not answer")]
    Timeout,
    /// There is no connection; nothing was sent.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The device shows another certificate than the one that is trusted; nothing was sent.
    #[error("it shows another certificate ({0}) than the one that it is known by; nothing was sent to it")]
    Untrusted(Fingerprint),
    /// The connection ended before the answer was whole.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The request can't be one.
    #[error("the request was refused: {0}")]
    Invalid(String),
    /// The answer is larger than may be taken.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl HttpError {
    /// Whether what was ordered by a request that ended like this may have been done all the same.
    #[must_use]
    pub fn leaves_doubt(&self) -> bool {
        match self {
            Self::Timeout | Self::Broken(_) | Self::TooLarge(_) => true,
            Self::Connection(_) | Self::Untrusted(_) | Self::Invalid(_) => false,
        }
    }
}

/// Makes links.
pub struct HttpLinks {
    /// For devices without TLS; it keeps connections.
    plain: reqwest::Client,
    credentials: Arc<Credentials>,
    provider: Arc<CryptoProvider>,
}

impl HttpLinks {
    /// Prepares the client.
    ///
    /// # Errors
    /// The system's TLS can't be set up.
    pub fn open(credentials: Arc<Credentials>) -> Result<Self, HttpError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // No link uses its TLS, but it can't be made without.
        Ok(Self { plain: client(Trust::new(None, &provider))?, credentials, provider })
    }

    /// A link to this device's web server, and to nothing else. Over TLS, only the certificate that is trusted is spoken to;
    /// where there is none yet, the first that is shown.
    #[must_use]
    pub fn link(&self, address: IpAddr, reach: &HttpReach, trusted: Option<Fingerprint>) -> HttpLink {
        let scheme = if reach.tls { "https" } else { "http" };
        let origin = format!("{scheme}://{}", SocketAddr::new(address, reach.port));
        let server = if reach.tls {
            Server::Tls { trust: Trust::new(trusted, &self.provider), client: OnceLock::new() }
        } else {
            Server::Plain(self.plain.clone())
        };
        HttpLink { origin, server, credentials: Arc::clone(&self.credentials) }
    }
}

fn client(trust: Arc<Trust>) -> Result<reqwest::Client, HttpError> {
    let tls = trust.tls().map_err(|error| HttpError::Connection(error.to_string()))?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        // What was ordered is ordered once, however it ends.
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(CONNECT_PATIENCE)
        .timeout(PATIENCE)
        .pool_max_idle_per_host(1)
        .build()
        .map_err(|error| HttpError::Connection(error.to_string()))
}

/// Who is spoken to, and by what.
enum Server {
    Plain(reqwest::Client),
    /// A client for this device alone: what it trusts is this device's. It is made when it is needed first.
    Tls {
        trust: Arc<Trust>,
        client: OnceLock<reqwest::Client>,
    },
}

/// A link to one device's web server.
pub struct HttpLink {
    origin: String,
    server: Server,
    credentials: Arc<Credentials>,
}

impl HttpLink {
    /// What learns which certificate the device shows; `None` where there is no TLS.
    #[must_use]
    pub fn trust(&self) -> Option<&Arc<Trust>> {
        match &self.server {
            Server::Plain(_) => None,
            Server::Tls { trust, .. } => Some(trust),
        }
    }

    /// The same link for somebody who isn't known yet: it has no credentials.
    #[must_use]
    pub fn anonymous(self) -> Self {
        Self { credentials: Arc::default(), ..self }
    }

    fn client(&self) -> Result<&reqwest::Client, HttpError> {
        match &self.server {
            Server::Plain(client) => Ok(client),
            Server::Tls { trust, client } => match client.get() {
                Some(client) => Ok(client),
                None => {
                    let made = self::client(Arc::clone(trust))?;
                    Ok(client.get_or_init(|| made))
                }
            },
        }
    }

    /// What a request ended with: a certificate that was refused shows as a connection that failed.
    fn describe(&self, error: &reqwest::Error) -> HttpError {
        let refused = self.trust().and_then(|trust| trust.refused());
        refused.filter(|_| error.is_connect()).map_or_else(|| describe(error), HttpError::Untrusted)
    }

    /// Sends a request, once, and takes at most `limit` bytes of body. Redirects are answers like any other.
    ///
    /// # Errors
    /// Any [`HttpError`]; after some of them what was ordered [may have been done](HttpError::leaves_doubt).
    pub async fn send(&self, request: HttpRequest, limit: usize) -> Result<HttpResponse, HttpError> {
        let url = self.url(&request.path)?;
        let method = match request.method {
            HttpMethod::Get => reqwest::Method::GET,
            HttpMethod::Head => reqwest::Method::HEAD,
            HttpMethod::Post => reqwest::Method::POST,
            HttpMethod::Put => reqwest::Method::PUT,
            HttpMethod::Delete => reqwest::Method::DELETE,
        };
        let client = self.client()?;
        let mut builder = client.request(method, url).headers(headers(&request.headers)?).body(request.body);
        let mut password = None;
        if let Some(name) = &request.credential {
            let credential = self.credentials.http(name);
            let credential =
                credential.ok_or_else(|| HttpError::Invalid(format!("the gateway has no HTTP credential {name:?}")))?;
            builder = builder.basic_auth(&credential.user, Some(credential.password.expose()));
            password = Some(credential.password.clone());
        }
        let request = builder.build().map_err(|error| describe(&error))?;
        if let Some(trust) = self.trust() {
            trust.begin();
        }
        let scrub = Scrub::of(password.into_iter().chain(authorization(&request)));
        let mut response = client.execute(request).await.map_err(|error| self.describe(&error))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), scrub.text(value.to_str().ok()?.to_owned()))))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(HttpError::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body: scrub.bytes(body) })
    }

    /// The path below the device's origin; anything that would leave it is refused.
    fn url(&self, path: &str) -> Result<reqwest::Url, HttpError> {
        let invalid = |why: &str| HttpError::Invalid(format!("{why}: {:?}", path.chars().take(80).collect::<String>()));
        if !path.starts_with('/') {
            return Err(invalid("a path begins with a slash"));
        }
        let base = reqwest::Url::parse(&self.origin).map_err(|_| invalid("no origin"))?;
        let url = reqwest::Url::parse(&format!("{}{path}", self.origin)).map_err(|_| invalid("not a path"))?;
        if url.origin() == base.origin() { Ok(url) } else { Err(invalid("the path leaves the device")) }
    }
}

/// The credential as the host sends it.
fn authorization(request: &reqwest::Request) -> Option<Secret> {
    let sent = request.headers().get(reqwest::header::AUTHORIZATION)?.to_str().ok()?;
    sent.split_once(' ').map(|(_, credential)| Secret::new(credential.to_owned()))
}

fn headers(headers: &[(String, String)]) -> Result<HeaderMap, HttpError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName =
            name.parse().map_err(|_| HttpError::Invalid(format!("{name:?} is not a header's name")))?;
        if RESERVED.contains(&name.as_str()) {
            return Err(HttpError::Invalid(format!("the header {name} is the host's")));
        }
        let value = HeaderValue::from_str(value);
        map.append(name.clone(), value.map_err(|_| HttpError::Invalid(format!("the value of {name} can't be sent")))?);
    }
    Ok(map)
}

fn describe(error: &reqwest::Error) -> HttpError {
    if error.is_connect() && error.is_timeout() {
        return HttpError::Connection(format!("there was none within {} s", CONNECT_PATIENCE.as_secs()));
    }
    if error.is_timeout() {
        return HttpError::Timeout;
    }
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    if error.is_connect() { HttpError::Connection(root.to_string()) } else { HttpError::Broken(root.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> HttpLink {
        let links = HttpLinks::open(Arc::default()).unwrap();
        let reach = HttpReach { tls: false, port: 8080 };
        links.link([192, 0, 2, 1].into(), &reach, None)
    }

    #[test]
    fn p02_a_path_never_leaves_the_device() {
        let link = link();
        assert_eq!(link.url("/a?b=c").unwrap().as_str(), "http://192.0.2.1:8080/a?b=c");
        for path in ["", "a", "@evil.example/", ".evil.example/", ":99/", "http://evil.example/"] {
            assert!(link.url(path).is_err(), "{path}");
        }
        // A path that looks like an authority stays a path.
        assert_eq!(link.url("//evil.example/x").unwrap().host_str(), Some("192.0.2.1"));
    }

    /// A device that takes requests on one connection, answers the first and closes with the second; how many it took.
    async fn closes_when_asked_again() -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
        use std::sync::atomic::{AtomicUsize, Ordering};
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0; 4_096];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    if count.fetch_add(1, Ordering::SeqCst) > 0 {
                        break;
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                }
            }
        });
        (port, taken)
    }

    /// A device whose page shows what it was asked.
    async fn echoes() -> u16 {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 4_096];
            let read = stream.read(&mut buffer).await.unwrap();
            buffer.truncate(read);
            let head = format!("HTTP/1.1 200 OK\r\nx-asked-by: admin:geheim\r\ncontent-length: {read}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&buffer).await.unwrap();
        });
        port
    }

    #[tokio::test]
    async fn p02_a_device_that_says_the_password_back_does_not_tell_the_plug_in() {
        use crate::credential::HttpCredential;
        let credential = HttpCredential { user: "admin".to_owned(), password: Secret::new("geheim".to_owned()) };
        let known = [("web".to_owned(), credential)].into();
        let links = HttpLinks::open(Arc::new(Credentials::prepare(&[].into(), known).unwrap())).unwrap();
        let link = links.link([127, 0, 0, 1].into(), &HttpReach { tls: false, port: echoes().await }, None);
        let request = HttpRequest {
            method: HttpMethod::Get,
            path: "/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: Some("web".to_owned()),
        };
        let answer = link.send(request, 4_096).await.unwrap();
        let body = String::from_utf8(answer.body).unwrap();
        assert!(body.contains("Basic ****************\r\n") && !body.contains("YWRtaW46Z2VoZWlt"), "{body}");
        assert!(answer.headers.contains(&("x-asked-by".to_owned(), "admin:******".to_owned())), "{:?}", answer.headers);
    }

    #[tokio::test]
    async fn what_was_ordered_over_a_kept_connection_that_breaks_is_not_ordered_again() {
        let (port, taken) = closes_when_asked_again().await;
        let links = HttpLinks::open(Arc::default()).unwrap();
        let link = links.link([127, 0, 0, 1].into(), &HttpReach { tls: false, port }, None);
        let reset = || HttpRequest {
            method: HttpMethod::Post,
            path: "/reset".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: None,
        };
        link.send(reset(), 1_024).await.unwrap();
        let broken = link.send(reset(), 1_024).await.unwrap_err();
        assert!(matches!(broken, HttpError::Broken(_)) && broken.leaves_doubt(), "{broken}");
        assert_eq!(taken.load(std::sync::atomic::Ordering::SeqCst), 2);
        let nobody = links.link([127, 0, 0, 1].into(), &HttpReach { tls: false, port: 1 }, None);
        assert!(!nobody.send(reset(), 1_024).await.unwrap_err().leaves_doubt(), "nothing was sent");
    }

    #[test]
    fn p02_headers_that_belong_to_the_host_are_refused() {
        for name in RESERVED {
            assert!(headers(&[(name.to_uppercase(), "x".to_owned())]).is_err(), "{name}");
        }
        assert!(headers(&[("accept".to_owned(), "a\r\nhost: evil".to_owned())]).is_err());
        assert!(headers(&[("accept".to_owned(), "text/xml".to_owned())]).is_ok());
    }
}
