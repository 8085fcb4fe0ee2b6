//! The listener: pages and API, and what nodes below call.

use crate::config::Listen;
use crate::node::StartError;
use axum::Extension;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hostler_services::Services;
use hostler_services::tree::Tree;
use hostler_transport::Desk;
use hostler_web::{Offer, Options, Scheme};
use hyper_util::rt::TokioTimer;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long calls that are under way may take when a node stops.
const GRACE: Duration = Duration::from_secs(2);

/// File descriptors that are asked for.
const DESCRIPTORS: u64 = 65_536;

/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(20);

/// A listener that serves until it is dropped.
pub(crate) struct Server {
    handle: Handle<SocketAddr>,
    task: JoinHandle<std::io::Result<()>>,
}

/// A port that is ours and a certificate that was read: everything of a server that can fail.
pub(crate) struct Bound {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    certificate: Option<RustlsConfig>,
}

pub(crate) async fn bind(config: &Listen) -> Result<Bound, StartError> {
    let certificate = match &config.tls {
        None => None,
        Some(tls) => {
            let (certificate, key) = (tls.certificate.get_ref(), tls.key.get_ref());
            let read = RustlsConfig::from_pem_file(certificate, key).await;
            let broken = |error| format!("{} with the key {}: {error}", certificate.display(), key.display());
            let read = read.map_err(|error| StartError::Certificate(broken(error)))?.get_inner();
            let mut config = rustls::ServerConfig::clone(&read);
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Some(RustlsConfig::from_config(Arc::new(config)))
        }
    };
    // Each caller takes a file descriptor; the system's first offer is small.
    if let Err(error) = rlimit::increase_nofile_limit(DESCRIPTORS) {
        tracing::warn!(%error, "no more files and connections can be had than the system gives at first");
    }
    let (address, listener) = bind_to(*config.address.get_ref())?;
    Ok(Bound { address, listener, certificate })
}

/// A port that is ours.
pub(crate) fn bind_to(wanted: SocketAddr) -> Result<(SocketAddr, TcpListener), StartError> {
    let broken = |error| StartError::Listen(wanted, error);
    let listener = TcpListener::bind(wanted).map_err(broken)?;
    listener.set_nonblocking(true).map_err(broken)?;
    Ok((listener.local_addr().map_err(broken)?, listener))
}

/// Serves plain HTTP.
pub(crate) fn serve_plain(
    (address, listener): (SocketAddr, TcpListener),
    router: axum::Router,
) -> Result<Server, StartError> {
    let handle = Handle::new();
    let server = axum_server::from_tcp(listener).map_err(|error| StartError::Listen(address, error))?;
    let server = impatient(server.acceptor(NoDelayAcceptor::new()).handle(handle.clone()));
    let task = tokio::spawn(server.serve(router.into_make_service_with_connect_info::<SocketAddr>()));
    Ok(Server::new(handle, task))
}

impl Bound {
    /// Where a browser finds it.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme().as_str(), self.address)
    }

    /// How a browser gets there.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.certificate.is_some() { Scheme::Https } else { Scheme::Http }
    }

    /// Serves pages and API, what nodes below call, and at a manager what registrars ask.
    pub(crate) fn serve(
        self,
        services: Arc<Services>,
        tree: Arc<Tree>,
        desk: Option<Arc<Desk>>,
    ) -> Result<Server, StartError> {
        let options = Options { scheme: self.scheme(), offer: Offer::Whole };
        let mut router = hostler_web::router(services, options).merge(hostler_transport::router(Arc::clone(&tree)));
        if let Some(desk) = desk {
            router = router.merge(hostler_transport::desk(tree, desk));
        }
        let router = router.layer(Extension(options.scheme));
        self.serve_this(router)
    }

    /// Serves whatever this is.
    pub(crate) fn serve_this(self, router: axum::Router) -> Result<Server, StartError> {
        let Self { address, listener, certificate } = self;
        let Some(certificate) = certificate else { return serve_plain((address, listener), router) };
        let handle = Handle::new();
        let server = axum_server::from_tcp(listener).map_err(|error| StartError::Listen(address, error))?;
        let server = server.acceptor(prompt(certificate)).handle(handle.clone());
        let server = impatient(server);
        let task = tokio::spawn(server.serve(router.into_make_service_with_connect_info::<SocketAddr>()));
        Ok(Server::new(handle, task))
    }
}

/// TLS over connections that send what there is at once. Else the first answer over a connection waits until the caller has
/// acknowledged the end of the handshake, which it does after 40 ms.
pub(crate) fn prompt(tls: RustlsConfig) -> RustlsAcceptor<NoDelayAcceptor> {
    RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new())
}

/// Who connects and says nothing, or not all of a request's head, is let go. HTTP/1.1 alone can bound that: a server that
/// speaks HTTP/2 as well waits for ever for the first bytes, which tell the one from the other, and for the head of a stream.
pub(crate) fn impatient<A>(server: axum_server::Server<SocketAddr, A>) -> axum_server::Server<SocketAddr, A> {
    let mut server = server.http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    server
}

impl Server {
    pub(crate) fn new(handle: Handle<SocketAddr>, task: JoinHandle<std::io::Result<()>>) -> Self {
        Self { handle, task }
    }

    pub(crate) async fn stop(&self) {
        self.handle.graceful_shutdown(Some(GRACE));
        // One that waits for a certificate hears nothing of that.
        let until = tokio::time::Instant::now() + 2 * GRACE;
        while !self.task.is_finished() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.shutdown();
        self.task.abort();
    }
}
