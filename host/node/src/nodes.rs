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
use hostler_core::enrollment::{Membership, Papers};
use hostler_services::authority::Gate;
use hostler_services::{AuthorityError, Enrollment, EnrollmentError, JoinHere, Member, now};
use hostler_transport::{Scheme, Shown};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;
use tower_layer::Layer;

/// How often the listener's certificate is looked at. Often, because a clock may be set meanwhile, or the machine have slept:
/// no node calls while it is out of its time.
const LOOK: Duration = Duration::from_secs(60);

/// Whose listener it is.
#[derive(Clone)]
pub(crate) enum Host {
    /// The manager's, with a certificate for these names.
    Manager(Arc<Enrollment>, Vec<String>),
    /// A gateway's, reached under this name, with the certificate that it has of its manager.
    Gateway(Arc<Member>, String),
}

/// What a listener shows, and by what it knows who calls.
type Shows = (Arc<rustls::ServerConfig>, Arc<Gate>);

impl Host {
    /// What is shown now; `None` for a gateway that isn't let in itself.
    async fn shows(&self) -> Result<Option<Shows>, AuthorityError> {
        let host = self.clone();
        let made = tokio::task::spawn_blocking(move || match host {
            Self::Manager(enrollment, names) => Ok(Some((enrollment.tls(&names)?, enrollment.gate()))),
            Self::Gateway(member, _) => member.tls_below(),
        });
        let made = made.await.map_err(|error| AuthorityError::Crypto(error.to_string()))??;
        Ok(made.map(|(mut config, gate)| {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            (Arc::new(config), gate)
        }))
    }

    /// Follows what has to be shown, from now on: whoever looks afterwards misses nothing.
    fn follow(&self) -> Following {
        let Self::Gateway(member, _) = self else { return Following(None) };
        let seen = member.follow();
        let papers = seen.borrow().papers.clone();
        Following(Some((seen, papers)))
    }

    /// The name under which it is reached, where one was given.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Manager(_, names) => names.first().map(String::as_str),
            Self::Gateway(_, name) => Some(name),
        }
    }
}

/// The membership by which a gateway is let in, and the papers of it that were seen last; a manager has neither.
struct Following(Option<(watch::Receiver<Membership>, Option<Papers>)>);

impl Following {
    /// Waits until something else may have to be shown than at the last time, or since this began.
    async fn changed(&mut self) {
        let look = tokio::time::sleep(LOOK);
        let Some((seen, papers)) = &mut self.0 else { return look.await };
        let others = async {
            loop {
                let now = seen.borrow_and_update().papers.clone();
                if now != *papers {
                    *papers = now;
                    return;
                }
                if seen.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = look => {}
            () = others => {}
        }
    }
}

/// A port that is ours, and whose listener it is.
pub(crate) struct NodesBound {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    host: Host,
}

pub(crate) async fn bind(address: SocketAddr, host: Host) -> Result<NodesBound, StartError> {
    // What a manager can't show is said before anything starts.
    let _ = host.shows().await.map_err(EnrollmentError::from)?;
    let (address, listener) = bind_to(address)?;
    Ok(NodesBound { address, listener, host })
}

impl NodesBound {
    /// Where nodes find it: under the first of its names.
    pub(crate) fn url(&self) -> String {
        let name = self.host.name().map_or_else(|| self.address.ip().to_string(), str::to_owned);
        let host = if name.contains(':') { format!("[{name}]") } else { name };
        format!("https://{host}:{}", self.address.port())
    }

    /// What a node needs to join here.
    pub(crate) fn join_here(&self) -> JoinHere {
        let (fingerprint, gateway) = match &self.host {
            Host::Manager(enrollment, _) => (enrollment.fingerprint(), None),
            Host::Gateway(member, _) => (member.settings.fingerprint.clone(), Some(member.settings.node.clone())),
        };
        JoinHere { url: self.url(), fingerprint, gateway }
    }

    /// Serves from when there is something to show: a manager at once, a gateway when it was let in itself.
    pub(crate) fn serve(self, router: Router) -> Result<Server, StartError> {
        let Self { address, listener, host } = self;
        let broken = |error| StartError::Listen(address, error);
        let router = router.fallback(nothing_here).layer(Extension(Scheme::Https));
        let service = Router::into_make_service_with_connect_info::<SocketAddr>(router);
        let handle = Handle::new();
        let server = axum_server::from_tcp(listener).map_err(broken)?.handle(handle.clone());
        let task = tokio::spawn(async move {
            let mut following = host.follow();
            let (config, gate) = first(&host, &mut following).await;
            let tls = RustlsConfig::from_config(config);
            let acceptor = Certificates { tls: prompt(tls.clone()), gate };
            let _renewing = Renewing(tokio::spawn(async move {
                loop {
                    following.changed().await;
                    match host.shows().await {
                        Ok(Some((config, _))) => tls.reload_from_config(config),
                        // Who is below goes on with what it knows; nobody can be asked for it now.
                        Ok(None) => {}
                        Err(error) => tracing::error!(%error, "the certificate that nodes see can't be renewed"),
                    }
                }
            }));
            impatient(server.acceptor(acceptor)).serve(service).await
        });
        Ok(Server::new(handle, task))
    }
}

/// Ends with the server that it is for.
struct Renewing(JoinHandle<()>);

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is shown first, once there is something.
async fn first(host: &Host, following: &mut Following) -> Shows {
    loop {
        match host.shows().await {
            Ok(Some(shows)) => return shows,
            Ok(None) => tracing::info!("nodes below are served when this gateway was let in itself"),
            Err(error) => tracing::error!(%error, "what nodes below are to be shown can't be used"),
        }
        following.changed().await;
    }
}

async fn nothing_here(_: Request) -> impl IntoResponse {
    (axum::http::StatusCode::NOT_FOUND, "this is where nodes call; pages and API are at this node's other address\n")
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
