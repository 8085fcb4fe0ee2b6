//! The registrar on a node of its own: a listener for users, beside the node's own; and at the manager, what answers them.

use crate::config::{Config, EnrollmentConfig};
use crate::node::StartError;
use crate::serve::{self, Bound, Server};
use hostler_services::{Member, Services};
use hostler_transport::{Desk, ParentClient, Relay};
use hostler_web::{Offer, Options, Scheme};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The port for users, where this node is a registrar.
pub(crate) async fn bind(config: &Config) -> Result<Option<Bound>, StartError> {
    match &config.registrar {
        Some(registrar) => serve::bind(&registrar.place()).await.map(Some),
        None => Ok(None),
    }
}

/// Serves users. Their requests have a client of their own, so that no number of open pages keeps the node's exchanges
/// waiting.
pub(crate) fn serve(
    bound: Bound,
    config: &Config,
    member: Option<&Arc<Member>>,
) -> Result<(Server, Option<JoinHandle<()>>), StartError> {
    let relay = Arc::new(Relay::default());
    let following = match member {
        Some(member) => {
            let leading = Arc::clone(&relay);
            Some(tokio::spawn(follow(Arc::clone(member), move |way| leading.lead(way))))
        }
        None => {
            relay.lead(by_token(config)?.map(Arc::new));
            None
        }
    };
    let scheme = bound.scheme();
    Ok((bound.serve_this(hostler_web::registrar::router(relay, scheme))?, following))
}

/// The way to the parent by the token in a file.
pub(crate) fn by_token(config: &Config) -> Result<Option<ParentClient>, StartError> {
    let parent = config.parent.as_ref().and_then(|parent| Some((parent, parent.token_file.as_ref()?)));
    let Some((parent, token_file)) = parent else { return Ok(None) };
    let (url, token_file) = (parent.url.get_ref().clone(), token_file.get_ref().clone());
    let certificate = parent.certificate.as_ref().map(|path| path.get_ref().as_path());
    Ok(Some(ParentClient::new(url, token_file, certificate)?))
}

/// Leads what is handed on by what this node has got for its manager, for ever; nowhere while it has nothing.
pub(crate) async fn follow(member: Arc<Member>, lead: impl Fn(Option<Arc<ParentClient>>)) {
    let mut seen = member.follow();
    loop {
        let papers = seen.borrow_and_update().papers.clone();
        let way = papers.as_ref().map(|papers| member.client(papers)).transpose();
        lead(
            way.unwrap_or_else(|error| {
                tracing::error!(%error, "what this node got for its manager can't be used");
                None
            })
            .map(Arc::new),
        );
        loop {
            if seen.changed().await.is_err() {
                return;
            }
            if seen.borrow().papers != papers {
                break;
            }
        }
    }
}

/// What answers the users of registrars, at the manager. A name that is nobody's yet is said: somebody else may take it.
pub(crate) fn desk(services: &Arc<Services>, settings: &EnrollmentConfig) -> Arc<Desk> {
    for registrar in settings.registrars.iter().map(|name| name.get_ref()) {
        if !services.access.knows(registrar).unwrap_or(true) {
            tracing::warn!(%registrar, "`registrars` names a node that hasn't joined; let it join before it is named");
        }
    }
    let site = |scheme| hostler_web::router(Arc::clone(services), Options { scheme, offer: Offer::Registrar });
    let registrars = settings.registrars.iter().map(|name| name.get_ref().clone()).collect();
    Arc::new(Desk { registrars, http: site(Scheme::Http), https: site(Scheme::Https) })
}
