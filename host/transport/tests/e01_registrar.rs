//! What a user asks at a registrar reaches the manager as they sent it, and nothing else does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{any, get, post};
use futures::{StreamExt, stream};
use hostler_core::NodeId;
use hostler_core::message::{CatalogueEntry, ExchangeDown, ExchangeUp};
use hostler_transport::{Desk, NotHandedOn, Parent, ParentClient, Refused, Relay, Scheme, desk, router};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// A manager that knows one registrar.
#[derive(Default)]
struct Manager {
    /// It ended its token.
    ended: AtomicBool,
    /// It was asked for anything but what users ask.
    misled: AtomicBool,
}

impl Parent for Manager {
    fn child(&self, token: &str) -> Option<NodeId> {
        (token == "known" && !self.ended.load(Ordering::SeqCst)).then(|| "registrar-1".parse().unwrap())
    }

    fn exchange(
        self: Arc<Self>,
        _: NodeId,
        _: ExchangeUp,
    ) -> Pin<Box<dyn Future<Output = Result<ExchangeDown, Refused>> + Send>> {
        self.misled.store(true, Ordering::SeqCst);
        Box::pin(async { Ok(ExchangeDown::default()) })
    }

    fn catalogue(&self) -> Vec<CatalogueEntry> {
        self.misled.store(true, Ordering::SeqCst);
        Vec::new()
    }

    fn component(&self, _: &str) -> Option<Vec<u8>> {
        self.misled.store(true, Ordering::SeqCst);
        None
    }
}

/// Says who asks, and how.
async fn echo(ConnectInfo(from): ConnectInfo<SocketAddr>, uri: Uri, head: HeaderMap, body: Bytes) -> String {
    let said = |name: &str| head.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
    let ours = head.keys().any(|name| name.as_str().starts_with("hostler-"));
    format!("{from} {uri} {} {} {} {ours}", said("host"), said("authorization"), body.len())
}

/// Pages of a manager, reached so.
fn site(scheme: &'static str) -> Router {
    let live = async || {
        let said = stream::iter(["first"]).chain(stream::pending());
        Body::from_stream(said.map(Ok::<_, std::io::Error>))
    };
    Router::new()
        .route("/login", any(echo))
        .route("/account", get(async move || scheme))
        .route("/registrations", post(echo).layer(DefaultBodyLimit::max(3 << 20)))
        .route("/api/v1/live", get(live))
        .fallback(async || (StatusCode::UNAUTHORIZED, "whoever asks this isn't logged in"))
        .layer(DefaultBodyLimit::max(64 << 10))
}

async fn stage() -> (Arc<Manager>, Relay, tempfile::TempDir) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let manager = Arc::new(Manager::default());
    let registrars = ["registrar-1".parse().unwrap()].into();
    let asked = Arc::new(Desk { registrars, http: site("http"), https: site("https") });
    let serving = router(Arc::clone(&manager)).merge(desk(Arc::clone(&manager), asked));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let serving = serving.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, serving).await });
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "known").unwrap();
    let relay = Relay::default();
    relay.lead(Some(Arc::new(ParentClient::new(base, token, None).unwrap())));
    (manager, relay, folder)
}

fn user() -> SocketAddr {
    "192.0.2.7:4711".parse().unwrap()
}

async fn ask(relay: &Relay, request: Request) -> Result<(StatusCode, String), NotHandedOn> {
    let answer = relay.hand_on(request, user(), Scheme::Http).await?;
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
}

fn request(method: &str, path: &str, body: impl Into<Body>) -> Request {
    Request::builder().method(method).uri(path).header("host", "registrar.example").body(body.into()).unwrap()
}

#[tokio::test]
async fn e01_the_manager_sees_the_user_and_not_the_registrar() {
    let (_manager, relay, _folder) = stage().await;
    let mut asked = request("POST", "/login?next=%2F", "user=ada");
    for (name, value) in [
        ("authorization", "Bearer own"),
        ("hostler-user-address", "198.51.100.1:1"),
        ("connection", "hostler-user-scheme"),
    ] {
        asked.headers_mut().append(name, value.parse().unwrap());
    }
    let (status, said) = ask(&relay, asked).await.unwrap();
    assert_eq!(status, 200);
    assert_eq!(said, "192.0.2.7:4711 /login?next=%2F registrar.example Bearer own 8 false");
    let (_, said) = ask(&relay, request("GET", "/login", Body::empty())).await.unwrap();
    assert!(said.contains("registrar.example - 0 false"), "the registrar's own token stayed outside: {said}");
    // What the manager says to the user isn't taken as said to the registrar.
    let (status, said) = ask(&relay, request("GET", "/api/v1/enrolled", Body::empty())).await.unwrap();
    assert_eq!((status.as_u16(), said.as_str()), (401, "whoever asks this isn't logged in"));
    let tls = relay.hand_on(request("GET", "/account", Body::empty()), user(), Scheme::Https).await.unwrap();
    assert_eq!(axum::body::to_bytes(tls.into_body(), 9).await.unwrap(), "https");
}

#[tokio::test]
async fn e01_no_address_leads_elsewhere_at_the_manager() {
    let (manager, relay, _folder) = stage().await;
    for path in [
        "/plugins",
        "/assets/../../catalogue",
        "/assets/%2e%2E/../catalogue",
        "/assets/..%2f../catalogue/../../catalogue",
        "/assets/\\..\\..\\catalogue",
        "/terminal/../../components/x",
        "/registrations/./x",
    ] {
        // What isn't even an address never gets so far.
        let Ok(uri) = path.parse::<Uri>() else { continue };
        let mut asked = request("GET", "/", Body::empty());
        *asked.uri_mut() = uri;
        assert_eq!(ask(&relay, asked).await.unwrap_err(), NotHandedOn::NotHere, "{path}");
    }
    assert!(!manager.misled.load(Ordering::SeqCst));
}

#[tokio::test]
async fn e01_what_is_too_long_is_refused_whoever_notices() {
    let (_manager, relay, _folder) = stage().await;
    let portions = |count: usize| {
        let portion = Bytes::from(vec![b'x'; 64 << 10]);
        Body::from_stream(stream::iter(vec![portion; count]).map(Ok::<_, std::io::Error>))
    };
    let (status, said) = ask(&relay, request("POST", "/registrations", portions(40))).await.unwrap();
    assert!(status == 200 && said.contains(" 2621440 "), "{status} {said}");
    // The manager's limit for this page, then that for any.
    let (status, _) = ask(&relay, request("POST", "/registrations", portions(50))).await.unwrap();
    assert_eq!(status, 413);
    let asked = ask(&relay, request("POST", "/registrations", portions(10_000))).await;
    let refused = matches!(&asked, Ok((status, _)) if *status == 413) || asked == Err(NotHandedOn::BodyTooLong);
    assert!(refused, "{asked:?}");
    let mut announced = request("POST", "/registrations", "x");
    announced.headers_mut().insert("content-length", "5000000".parse().unwrap());
    assert_eq!(ask(&relay, announced).await, Err(NotHandedOn::BodyTooLong));
    let long = format!("/registrations?text={}", "x".repeat(9_000));
    assert_eq!(ask(&relay, request("GET", &long, Body::empty())).await, Err(NotHandedOn::HeadTooLong));
    let mut many = request("GET", "/login", Body::empty());
    (0..80).for_each(|n| {
        _ = many.headers_mut().insert(format!("x-{n}").parse::<axum::http::HeaderName>().unwrap(), "1".parse().unwrap())
    });
    assert_eq!(ask(&relay, many).await, Err(NotHandedOn::HeadTooLong));
}

#[tokio::test]
async fn e01_who_sends_nothing_of_what_they_promised_keeps_nobody_else_out() {
    let (_manager, relay, _folder) = stage().await;
    let relay = Arc::new(relay);
    let promised = || request("POST", "/login", Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()));
    let mut held = Vec::new();
    let full = loop {
        let relay = Arc::clone(&relay);
        held.push(tokio::spawn(async move { relay.hand_on(promised(), user(), Scheme::Http).await.map(drop) }));
        tokio::task::yield_now().await;
        if let Some(ended) = held.iter_mut().find(|asked| asked.is_finished()) {
            break ended.await.unwrap();
        }
        assert!(held.len() < 4_000, "they are endless");
    };
    assert_eq!(full, Err(NotHandedOn::TooMany));
    let another = "192.0.2.8:4711".parse().unwrap();
    let answer = relay.hand_on(request("POST", "/login", "user=ada"), another, Scheme::Http).await.unwrap();
    assert_eq!(answer.status(), 200);
    held.iter().for_each(tokio::task::JoinHandle::abort);
    until(async || relay.hand_on(request("GET", "/account", Body::empty()), user(), Scheme::Http).await.ok()).await;
}

/// Waits until something is there.
async fn until<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let wait = async {
        loop {
            match look().await {
                Some(found) => break found,
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap()
}

#[tokio::test]
async fn e01_a_manager_that_says_nothing_is_waited_for_a_while() {
    let (_manager, relay, folder) = stage().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    relay.lead(Some(Arc::new(ParentClient::new(base, folder.path().join("token"), None).unwrap())));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        // From here on time passes as fast as it may.
        tokio::time::pause();
        std::future::pending::<()>().await;
    });
    assert_eq!(ask(&relay, request("GET", "/login", Body::empty())).await, Err(NotHandedOn::TooLate));
}

#[tokio::test]
async fn e01_what_stays_open_is_told_as_it_comes_and_ends_with_the_registrar() {
    let (manager, relay, _folder) = stage().await;
    let live = || request("GET", "/api/v1/live", Body::empty());
    let mut open = Vec::new();
    let full = loop {
        match relay.hand_on(live(), user(), Scheme::Http).await {
            Ok(answer) => open.push(answer.into_body().into_data_stream()),
            Err(why) => break why,
        }
        assert!(open.len() < 2_000, "they are endless");
    };
    assert_eq!(full, NotHandedOn::TooMany);
    let another: SocketAddr = "192.0.2.8:4711".parse().unwrap();
    assert!(
        relay.hand_on(live(), another, Scheme::Http).await.is_ok(),
        "one who takes a share leaves the others theirs"
    );
    let first = tokio::time::timeout(Duration::from_secs(20), open[0].next()).await.unwrap();
    assert_eq!(first.unwrap().unwrap(), "first");
    // However many are open, pages come; and who closes one makes room.
    assert_eq!(ask(&relay, request("GET", "/account", Body::empty())).await.unwrap().1, "http");
    open.pop();
    until(async || relay.hand_on(live(), user(), Scheme::Http).await.ok()).await;

    manager.ended.store(true, Ordering::SeqCst);
    let refused = ask(&relay, request("GET", "/account", Body::empty())).await;
    assert_eq!(refused, Err(NotHandedOn::NotConnected));
    relay.lead(None);
    assert_eq!(ask(&relay, request("GET", "/account", Body::empty())).await, Err(NotHandedOn::NotConnected));
}
