//! The listener for nodes that came in: TLS 1.3, where each is asked for its certificate.

use crate::node::StartError;
use crate::serve::{Server, bind_to, impatient, prompt};
use axum::extract::Request;
use axum::middleware::AddExtension;
use axum::response::IntoResponse;
use axum::{Extension, Router};
use axum_server::Handle;
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hostler_services::authority::Gate;
use hostler_services::tree::Tree;
use hostler_services::{AuthorityError, Enrollment, EnrollmentError, JoinHere, now};
use hostler_transport::{Desk, Shown};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tower_layer::Layer;

/// How often the listener's certificate is looked at. Often, because a clock may be set meanwhile, or the machine have slept:
/// no node calls while it is out of its time.
const LOOK: Duration = Duration::from_secs(60);

/// A port that is ours, and a certificate for it.
pub(crate) struct NodesBound {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    tls: RustlsConfig,
    enrollment: Arc<Enrollment>,
    names: Vec<String>,
}

pub(crate) async fn bind(
    address: SocketAddr,
    names: Vec<String>,
    enrollment: Arc<Enrollment>,
) -> Result<NodesBound, StartError> {
    let tls = RustlsConfig::from_config(config(&enrollment, &names).await.map_err(EnrollmentError::from)?);
    let (address, listener) = bind_to(address)?;
    Ok(NodesBound { address, listener, tls, enrollment, names })
}

async fn config(enrollment: &Arc<Enrollment>, names: &[String]) -> Result<Arc<rustls::ServerConfig>, AuthorityError> {
    let (enrollment, names) = (Arc::clone(enrollment), names.to_vec());
    let made = tokio::task::spawn_blocking(move || enrollment.tls(&names)).await;
    let mut config = made.map_err(|error| AuthorityError::Crypto(error.to_string()))??;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl NodesBound {
    /// Where nodes find it: under the first of its names.
    pub(crate) fn url(&self) -> String {
        let name = self.names.first().map_or_else(|| self.address.ip().to_string(), Clone::clone);
        let host = if name.contains(':') { format!("[{name}]") } else { name };
        format!("https://{host}:{}", self.address.port())
    }

    /// What a node needs to join here.
    pub(crate) fn join_here(&self) -> JoinHere {
        JoinHere { url: self.url(), fingerprint: self.enrollment.fingerprint() }
    }

    pub(crate) fn serve(self, tree: Arc<Tree>, desk: Arc<Desk>) -> Result<Server, StartError> {
        let Self { address, listener, tls, enrollment, names } = self;
        let broken = |error| StartError::Listen(address, error);
        let acceptor = Certificates { tls: prompt(tls.clone()), gate: enrollment.gate() };
        let router = hostler_transport::router(Arc::clone(&tree));
        let router = router.merge(hostler_transport::desk(tree, desk)).fallback(nothing_here);
        let service = Router::into_make_service_with_connect_info::<SocketAddr>(router);
        let handle = Handle::new();
        let server = axum_server::from_tcp(listener).map_err(broken)?.acceptor(acceptor).handle(handle.clone());
        let server = impatient(server);
        let task = tokio::spawn(server.serve(service));
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                match config(&enrollment, &names).await {
                    Ok(config) => tls.reload_from_config(config),
                    Err(error) => tracing::error!(%error, "the certificate that nodes see can't be renewed"),
                }
            }
        });
        Ok(Server::new(handle, task, Some(renewing)))
    }
}

async fn nothing_here(_: Request) -> impl IntoResponse {
    (axum::http::StatusCode::NOT_FOUND, "this is where nodes call; pages and API are at the manager's other address\n")
}

/// Notes for each connection who is at its other end. The handshake has verified that; what they may do is asked for each
/// request.
#[derive(Clone)]
struct Certificates {
    tls: RustlsAcceptor<NoDelayAcceptor>,
    gate: Arc<Gate>,
}

impl<S: Send + 'static> Accept<TcpStream, S> for Certificates {
    type Stream = TlsStream<TcpStream>;
    type Service = AddExtension<S, Shown>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let (accepting, gate) = (self.tls.accept(stream, service), Arc::clone(&self.gate));
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            let shown = match stream.get_ref().1.peer_certificates() {
                None | Some([]) => Shown::NoCertificate,
                Some(presented) => match gate.known(presented, now()) {
                    Ok(peer) => Shown::Certificate(peer),
                    Err(why) => return Err(io::Error::new(io::ErrorKind::PermissionDenied, why.to_string())),
                },
            };
            Ok((stream, Extension(shown).layer(service)))
        })
    }
}
