//! The parent's side.

use crate::{CATALOGUE, COMPONENTS, CONNECT, ERRAND, EXCHANGE, EXCHANGE_LIMIT, Place, Places, RENEW, Seldom};
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures::StreamExt;
use hostler_core::device::Device;
use hostler_core::enrollment::{
    Errand, Knock, LONGEST_ERRAND, LONGEST_KNOCK, NotLetIn, Peer, Refusal, Renewal, Renewed, Settled, Welcome,
};
use hostler_core::message::{Acks, CatalogueEntry, ExchangeDown, ExchangeUp};
use hostler_core::reading::Snapshot;
use hostler_core::{NodeId, Secret};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How long a child may take to send an exchange: the largest, over a slow line.
const CHILDS_PATIENCE: Duration = Duration::from_secs(300);

/// How long a stranger may take to say what it wants.
const STRANGERS_PATIENCE: Duration = Duration::from_secs(20);

/// An exchange is large that has more bytes. So many of these are read at a time, and so many of one child: a child that sends
/// anew may have been given up while it sent.
const LARGE: u64 = 64 << 10;
const LARGE_AT_A_TIME: usize = 32;
const LARGE_OF_ONE: usize = 2;

/// A refused caller is said at most so often.
const SAID_FOR: Duration = Duration::from_secs(60);

/// Why an exchange was not taken. Nothing of it was committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It can't be what a child says.
    #[error("{0}")]
    Invalid(String),
    /// It can't be taken now; the child keeps what it has.
    #[error("{0}")]
    NotNow(String),
    /// The child was removed meanwhile.
    #[error("this node is not known here")]
    Unknown,
    /// What it shows beside its token doesn't allow this.
    #[error("{0}")]
    Forbidden(String),
}

/// What a connection shows of who is at its other end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Shown {
    /// Nobody asked for a certificate.
    #[default]
    NotAsked,
    /// It was asked for one, and has none: it isn't enrolled yet.
    NoCertificate,
    /// A certificate of ours, whose signatures were verified. Whether it stands is another question.
    Certificate(Peer),
}

/// Why a device wasn't let in. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The manager says no.
    Refused(Refusal),
    /// Too many tries came; when to come again.
    TooMany(String, Duration),
    /// It can't be a connection request.
    Invalid(String),
    /// It can't be decided now; the device asks again.
    NotNow(String),
    /// This node lets nobody in: it is no manager.
    NoDoor,
}

/// What is stored of a child.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The last of its messages that were taken.
    pub taken: Acks,
    /// The devices that it speaks for.
    pub devices: Vec<Device>,
    /// What is known of the first of them.
    pub newest: Snapshot,
}

/// What a node does for its children.
pub trait Parent: Send + Sync + 'static {
    /// Lets a device in, or says why not. Who is no manager lets nobody in.
    fn connect(
        self: Arc<Self>,
        _knock: Knock,
        _from: IpAddr,
    ) -> Pin<Box<dyn Future<Output = Result<Welcome, Closed>> + Send>> {
        Box::pin(async { Err(Closed::NoDoor) })
    }

    /// The child that shows this token.
    fn child(&self, token: &str) -> Option<NodeId>;

    /// Learns who shows this token, which nobody here knows, where somebody above may know. Who asks again then knows.
    ///
    /// # Errors
    /// [`Refused::NotNow`] where nobody above can be asked now: whoever shows it shall come again, and keep it.
    fn learn(
        self: Arc<Self>,
        _token: Secret,
        _shown: Shown,
    ) -> Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>> {
        Box::pin(async { Ok(()) })
    }

    /// What a child hears whose token ended while it called. One that the child may get anew elsewhere isn't said to be unknown.
    fn ended(&self) -> Refused {
        Refused::Unknown
    }

    /// Settles what a child hands on for a node below it.
    fn errand(
        self: Arc<Self>,
        _child: NodeId,
        _errand: Errand,
    ) -> Pin<Box<dyn Future<Output = Result<Settled, Refused>> + Send>> {
        Box::pin(async { Err(Refused::Invalid("this node hands nothing on for those below others".to_owned())) })
    }

    /// Whether the child may act by what its connection shows beside its token. It is asked for every request, on the threads
    /// that serve.
    ///
    /// # Errors
    /// Why not, for whoever looks after the child.
    fn admits(&self, _child: &NodeId, _shown: &Shown) -> Result<(), String> {
        Ok(())
    }

    /// Whether a child that the configuration names as a registrar may stand for users. It is asked for every request, on the
    /// threads that serve.
    ///
    /// # Errors
    /// Why not, for whoever looks after the child.
    fn speaks_for_users(&self, _child: &NodeId) -> Result<(), String> {
        Ok(())
    }

    /// Whether this child leads to that node, which isn't the child itself.
    fn leads_to(&self, _child: &NodeId, _node: &NodeId) -> bool {
        false
    }

    /// Renews a child's certificate.
    fn renew(
        self: Arc<Self>,
        _child: NodeId,
        _shown: Shown,
        _renewal: Renewal,
    ) -> Pin<Box<dyn Future<Output = Result<Renewed, Refused>> + Send>> {
        Box::pin(async { Err(Refused::Invalid("this node issues no certificates; ask its manager".to_owned())) })
    }

    /// Takes what the child says, commits it, and answers; holds the call for as long as the child allows
    /// when there is nothing to say.
    fn exchange(
        self: Arc<Self>,
        child: NodeId,
        up: ExchangeUp,
    ) -> Pin<Box<dyn Future<Output = Result<ExchangeDown, Refused>> + Send>>;

    /// What is stored of a child, for one that doesn't count itself.
    ///
    /// # Errors
    /// It can't be looked up, or this parent takes no such child.
    fn standing(&self, child: &NodeId) -> Result<Standing, Refused> {
        Err(Refused::Invalid(format!("{child} can't call so here: this node takes no devices by SOAP")))
    }

    /// Held while calls of a child are numbered that doesn't number them itself; the same for the same child.
    fn turn(&self, _child: &NodeId) -> Arc<tokio::sync::Mutex<()>> {
        Arc::default()
    }

    /// The plug-ins that children run.
    fn catalogue(&self) -> Vec<CatalogueEntry>;

    /// The bytes of a component of the catalogue.
    fn component(&self, digest: &str) -> Option<Vec<u8>>;
}

/// The routes under which children call.
pub fn router(parent: Arc<impl Parent>) -> Router {
    Router::new()
        .route(CONNECT, post(connect))
        .route(RENEW, post(renew))
        .route(ERRAND, post(errand))
        .route(EXCHANGE, post(exchange))
        .route(CATALOGUE, get(catalogue))
        .route(&format!("{COMPONENTS}/{{digest}}"), get(component))
        .merge(crate::soap::device::router())
        .layer(Extension(Arc::new(Strangers::default())))
        .layer(Extension(Arc::new(Places::<NodeId>::new(LARGE_AT_A_TIME, LARGE_OF_ONE))))
        .with_state(parent)
}

/// Says that somebody was refused, seldom enough that nobody can fill the log.
pub(crate) struct Strangers(Seldom);

impl Default for Strangers {
    fn default() -> Self {
        Self(Seldom::every(SAID_FOR))
    }
}

impl Strangers {
    /// Notes one; returns whether that was said.
    pub(crate) fn note(&self, from: Option<SocketAddr>, why: &str) -> bool {
        let Some(others) = self.0.count() else { return false };
        let from = from.map_or_else(|| "an unknown address".to_owned(), |from| from.ip().to_string());
        tracing::warn!(%from, %why, others, "a node was refused");
        true
    }
}

/// Who shows a token. It is known before anything of the body is read, so that nobody else can send one.
pub(crate) struct Bearer {
    node: NodeId,
    token: Secret,
    shown: Shown,
}

impl<P: Parent> FromRequestParts<Arc<P>> for Bearer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, parent: &Arc<P>) -> Result<Self, Response> {
        let header = parts.headers.get(header::AUTHORIZATION);
        let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let shown = parts.extensions.get::<Shown>().cloned().unwrap_or_default();
        if let Some(token) = token.map(|token| Secret::new(token.to_owned())) {
            let mut known = parent.child(token.expose());
            if known.is_none() {
                let learned = Arc::clone(parent).learn(token.clone(), shown.clone()).await;
                learned.map_err(|why| refusal(&why))?;
                known = parent.child(token.expose());
            }
            if let Some(node) = known {
                return Ok(Self { node, token, shown });
            }
        }
        note_stranger(parts, "the token that it shows is not known here");
        Err(refusal(&Refused::Unknown))
    }
}

fn note_stranger(parts: &Parts, why: &str) {
    if let Some(strangers) = parts.extensions.get::<Arc<Strangers>>() {
        strangers.note(parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|from| from.0), why);
    }
}

/// The child that calls, and may.
pub(crate) struct Caller(Bearer);

impl Caller {
    /// Who it is.
    pub(crate) fn node(&self) -> &NodeId {
        &self.0.node
    }

    /// Whether it is still let in. What came long after its head, or is answered long after, is asked once more.
    pub(crate) fn holds(&self, parent: &impl Parent) -> bool {
        let Bearer { node, token, shown } = &self.0;
        parent.child(token.expose()).as_ref() == Some(node) && parent.admits(node, shown).is_ok()
    }
}

impl<P: Parent> FromRequestParts<Arc<P>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, parent: &Arc<P>) -> Result<Self, Response> {
        let bearer = Bearer::from_request_parts(parts, parent).await?;
        match parent.admits(&bearer.node, &bearer.shown) {
            Ok(()) => Ok(Self(bearer)),
            Err(why) => {
                note_stranger(parts, &format!("{}: {why}", bearer.node));
                Err(refusal(&Refused::Forbidden(why)))
            }
        }
    }
}

pub(crate) fn refusal(refused: &Refused) -> Response {
    let status = match refused {
        Refused::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refused::NotNow(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refused::Unknown => StatusCode::UNAUTHORIZED,
        Refused::Forbidden(_) => StatusCode::FORBIDDEN,
    };
    (status, refused.to_string()).into_response()
}

/// A child's body. One that is too large is read to its end, though not for ever: who is cut off while it sends may never
/// see why.
async fn whole(body: Body) -> Result<Vec<u8>, (StatusCode, String)> {
    let (mut whole, mut length) = (Vec::new(), 0);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
        length += chunk.len();
        if length > 2 * EXCHANGE_LIMIT {
            break;
        }
        if length <= EXCHANGE_LIMIT {
            whole.extend_from_slice(&chunk);
        }
    }
    let too_large = || format!("an exchange has at most {EXCHANGE_LIMIT} bytes");
    if length > EXCHANGE_LIMIT { Err((StatusCode::PAYLOAD_TOO_LARGE, too_large())) } else { Ok(whole) }
}

/// The same within a child's patience; a large one with the place that it holds until it was understood.
pub(crate) async fn read(
    large: &Places<NodeId>,
    child: &NodeId,
    body: Body,
) -> Result<(Vec<u8>, Option<Place<NodeId>>), (StatusCode, String)> {
    let is_large = body.size_hint().upper().is_none_or(|length| length > LARGE);
    let place = is_large.then(|| large.take(child.clone()));
    if let Some(None) = place {
        let why = "too many large exchanges come at once; send this one again";
        return Err((StatusCode::SERVICE_UNAVAILABLE, why.to_owned()));
    }
    match tokio::time::timeout(CHILDS_PATIENCE, whole(body)).await {
        Ok(whole) => Ok((whole?, place.flatten())),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the exchange wasn't whole in time".to_owned())),
    }
}

async fn exchange<P: Parent>(
    State(parent): State<Arc<P>>,
    Extension(large): Extension<Arc<Places<NodeId>>>,
    caller: Caller,
    body: Body,
) -> Response {
    let child = &caller.0.node;
    let (body, place) = match read(&large, child, body).await {
        Ok(read) => read,
        Err(refused) => return refused.into_response(),
    };
    if !caller.holds(&*parent) {
        return refusal(&parent.ended());
    }
    let up: ExchangeUp = match serde_json::from_slice(&body) {
        Ok(up) => up,
        Err(error) => {
            tracing::warn!(%child, %error, "an exchange can't be understood");
            return (StatusCode::BAD_REQUEST, format!("the exchange can't be understood: {error}")).into_response();
        }
    };
    drop((body, place));
    match Arc::clone(&parent).exchange(child.clone(), up).await {
        // Orders are for who may still call.
        Ok(_) if !caller.holds(&*parent) => refusal(&parent.ended()),
        Ok(down) => Json(down).into_response(),
        Err(refused) => {
            tracing::warn!(%child, %refused, "an exchange was refused");
            refusal(&refused)
        }
    }
}

/// A stranger's body is short, and comes at once.
async fn connect<P: Parent>(
    State(parent): State<Arc<P>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    body: Body,
) -> Response {
    let body = match tokio::time::timeout(STRANGERS_PATIENCE, axum::body::to_bytes(body, LONGEST_KNOCK)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let why = format!("a connection request has at most {LONGEST_KNOCK} bytes");
            return closed(StatusCode::PAYLOAD_TOO_LARGE, why);
        }
        Err(_) => {
            let why = format!("the connection request wasn't whole after {} s", STRANGERS_PATIENCE.as_secs());
            return closed(StatusCode::REQUEST_TIMEOUT, why);
        }
    };
    let knock: Knock = match serde_json::from_slice(&body) {
        Ok(knock) => knock,
        Err(error) => {
            return closed(StatusCode::BAD_REQUEST, format!("the connection request can't be understood: {error}"));
        }
    };
    match parent.connect(knock, from.ip().to_canonical()).await {
        Ok(welcome) => ([(header::CACHE_CONTROL, "no-store")], Json(welcome)).into_response(),
        Err(Closed::Refused(refusal)) => (StatusCode::FORBIDDEN, Json(NotLetIn::from(refusal))).into_response(),
        Err(Closed::TooMany(why, after)) => {
            let seconds = after.as_secs().saturating_add(1).to_string();
            ([(header::RETRY_AFTER, seconds)], closed(StatusCode::TOO_MANY_REQUESTS, why)).into_response()
        }
        Err(Closed::Invalid(why)) => closed(StatusCode::BAD_REQUEST, why),
        Err(Closed::NotNow(why)) => closed(StatusCode::SERVICE_UNAVAILABLE, why),
        Err(Closed::NoDoor) => {
            closed(StatusCode::NOT_FOUND, "this node lets no devices in; ask its manager".to_owned())
        }
    }
}

/// A renewal is as short as a connection request, and may be the only thing that a node with an expired certificate gets.
async fn renew<P: Parent>(State(parent): State<Arc<P>>, bearer: Bearer, body: Body) -> Response {
    let body = match tokio::time::timeout(STRANGERS_PATIENCE, axum::body::to_bytes(body, LONGEST_KNOCK)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return (StatusCode::PAYLOAD_TOO_LARGE, "a renewal is shorter").into_response(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the renewal wasn't whole in time").into_response(),
    };
    let renewal: Renewal = match serde_json::from_slice(&body) {
        Ok(renewal) => renewal,
        Err(error) => return refusal(&Refused::Invalid(format!("the renewal can't be understood: {error}"))),
    };
    match parent.renew(bearer.node, bearer.shown, renewal).await {
        Ok(renewed) => ([(header::CACHE_CONTROL, "no-store")], Json(renewed)).into_response(),
        Err(refused) => refusal(&refused),
    }
}

/// What a gateway hands on. It is about as short as what it is for.
async fn errand<P: Parent>(State(parent): State<Arc<P>>, caller: Caller, body: Body) -> Response {
    let body = match tokio::time::timeout(STRANGERS_PATIENCE, axum::body::to_bytes(body, LONGEST_ERRAND)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return (StatusCode::PAYLOAD_TOO_LARGE, "what is handed on is shorter").into_response(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "what was handed on wasn't whole in time").into_response(),
    };
    let errand: Errand = match serde_json::from_slice(&body) {
        Ok(errand) => errand,
        Err(error) => return refusal(&Refused::Invalid(format!("what is handed on can't be understood: {error}"))),
    };
    match parent.errand(caller.0.node, errand).await {
        Ok(settled) => ([(header::CACHE_CONTROL, "no-store")], Json(settled)).into_response(),
        Err(refused) => refusal(&refused),
    }
}

fn closed(status: StatusCode, error: String) -> Response {
    (status, Json(NotLetIn { error, refusal: None })).into_response()
}

async fn catalogue<P: Parent>(State(parent): State<Arc<P>>, _: Caller) -> Response {
    Json(parent.catalogue()).into_response()
}

async fn component<P: Parent>(State(parent): State<Arc<P>>, _: Caller, Path(digest): Path<String>) -> Response {
    match parent.component(&digest) {
        Some(bytes) => ([(header::CONTENT_TYPE, "application/wasm")], bytes).into_response(),
        None => (StatusCode::NOT_FOUND, "no such component").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    #[derive(Default)]
    struct Root {
        /// Its tokens have ended.
        ended: std::sync::atomic::AtomicBool,
        /// It was asked who a token is.
        asked: tokio::sync::Notify,
        /// It took an exchange.
        heard: std::sync::atomic::AtomicBool,
    }

    impl Parent for Root {
        fn child(&self, token: &str) -> Option<NodeId> {
            // It is decided before anybody hears that it was asked.
            let ended = self.ended.load(std::sync::atomic::Ordering::SeqCst);
            self.asked.notify_one();
            (token == "known" && !ended).then(|| "gateway-1".parse().unwrap())
        }

        fn exchange(
            self: Arc<Self>,
            _: NodeId,
            _: ExchangeUp,
        ) -> Pin<Box<dyn Future<Output = Result<ExchangeDown, Refused>> + Send>> {
            self.heard.store(true, std::sync::atomic::Ordering::SeqCst);
            Box::pin(async { Ok(ExchangeDown::default()) })
        }

        fn catalogue(&self) -> Vec<CatalogueEntry> {
            Vec::new()
        }

        fn component(&self, _: &str) -> Option<Vec<u8>> {
            None
        }
    }

    /// The first line of the answer to a head that promises a body of this length, and this much of it.
    async fn answer(token: &str, length: usize, body: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router(Arc::new(Root::default()))).await });
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {EXCHANGE} HTTP/1.1\r\nHost: parent\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut bytes = vec![0; 1_024];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes)).await;
        server.abort();
        let text = String::from_utf8_lossy(&bytes[..read.expect("an answer without the body").unwrap()]).into_owned();
        text.lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn e08_a_stranger_is_refused_before_its_body_is_read() {
        assert_eq!(answer("unknown", EXCHANGE_LIMIT, "").await, "HTTP/1.1 401 Unauthorized");
    }

    #[tokio::test]
    async fn e08_a_body_that_stalls_while_the_token_ends_is_nobodys() {
        let root = Arc::new(Root::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = router(Arc::clone(&root));
        let server = tokio::spawn(async move { axum::serve(listener, serving).await });
        let mut stream = TcpStream::connect(address).await.unwrap();
        let up = serde_json::to_string(&ExchangeUp::default()).unwrap();
        let (first, rest) = up.split_at(5);
        let length = up.len();
        let head = format!(
            "POST {EXCHANGE} HTTP/1.1\r\nHost: parent\r\nAuthorization: Bearer known\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all((head + first).as_bytes()).await.unwrap();
        // Its head was let in; the rest of its body comes when nobody knows the token any more.
        root.asked.notified().await;
        root.ended.store(true, std::sync::atomic::Ordering::SeqCst);
        stream.write_all(rest.as_bytes()).await.unwrap();
        let mut bytes = vec![0; 1_024];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes)).await;
        server.abort();
        let text = String::from_utf8_lossy(&bytes[..read.expect("an answer").unwrap()]).into_owned();
        assert!(text.starts_with("HTTP/1.1 401"), "{text}");
        assert!(!root.heard.load(std::sync::atomic::Ordering::SeqCst), "nothing of it was taken");
    }

    #[test]
    fn e08_refused_callers_are_said_seldom() {
        let strangers = Strangers::default();
        assert!(strangers.note(None, "one") && !strangers.note(Some(([192, 0, 2, 1], 1).into()), "two"));
    }

    #[tokio::test]
    async fn a_child_is_heard() {
        let up = serde_json::to_string(&ExchangeUp::default()).unwrap();
        assert_eq!(answer("known", up.len(), &up).await, "HTTP/1.1 200 OK");
    }
}
