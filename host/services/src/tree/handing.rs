//! What a gateway hands on to its manager for nodes below it, and what it keeps of the answers: it knows those nodes by what the
//! manager said of them, also while nobody above can be asked.

use super::hearing::Only;
use super::moving::{Here, NotMoved, moved};
use super::parent::Tree;
use super::set_aside::Refused as SetAside;
use super::{Moved, TRIES};
use hostler_core::access::{Child, TokenDigest};
use hostler_core::changes::{Change, Expect};
use hostler_core::enrollment::{
    Errand, Knock, Matter, Peer, Refusal, Renewal, Renewed, Settled, Unsettled, Vouched, Welcome,
};
use hostler_core::routing::MOST_LEVELS;
use hostler_core::{NodeId, Secret, source};
use hostler_engine::now;
use hostler_store::StoreError;
use hostler_transport::{Closed, Places, Refused, Shown, Uplink};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many errands are under way at a time, and so many for one source or node.
const AT_A_TIME: usize = 256;
const FOR_ONE: usize = 8;

/// For so long it isn't asked again about a token that the manager doesn't know.
const UNKNOWN_FOR: Duration = Duration::from_secs(30);

/// At most so many such tokens are remembered.
const MOST_UNKNOWN: usize = 10_000;

/// What a gateway has to hand on with.
pub(super) struct Handing {
    uplink: Arc<Uplink>,
    strangers: Places<IpAddr>,
    nodes: Places<NodeId>,
    unknown: Mutex<HashMap<TokenDigest, Instant>>,
}

impl Handing {
    pub(super) fn by(uplink: Arc<Uplink>) -> Self {
        let (strangers, nodes) = (Places::new(AT_A_TIME, FOR_ONE), Places::new(AT_A_TIME, FOR_ONE));
        Self { uplink, strangers, nodes, unknown: Mutex::default() }
    }

    /// Hands it on, and returns what the manager says; why not, where it can't be asked now.
    async fn ask(&self, through: Vec<NodeId>, matter: Matter) -> Result<Settled, String> {
        let way = self.uplink.way().ok_or("this gateway isn't connected with its manager")?;
        way.errand(&Errand { through, matter }).await.map_err(|error| {
            tracing::warn!(%error, "what a node below wants can't be handed on");
            "this gateway can't reach its manager now".to_owned()
        })
    }

    fn is_unknown(&self, token: &TokenDigest) -> bool {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown.get(token).is_some_and(|since| since.elapsed() < UNKNOWN_FOR)
    }

    fn note_unknown(&self, token: TokenDigest) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if unknown.len() >= MOST_UNKNOWN {
            unknown.retain(|_, since| since.elapsed() < UNKNOWN_FOR);
        }
        if unknown.len() < MOST_UNKNOWN {
            unknown.insert(token, Instant::now());
        }
    }
}

/// Why what the manager said of a node isn't kept here.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error(transparent)]
    NotMoved(#[from] NotMoved),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} may call this gateway by a token that was made here; remove it here first, or choose another name")]
    ByToken(NodeId),
}

fn busy() -> String {
    "too much is handed on here at once; try again in a moment".to_owned()
}

impl Tree {
    fn here(&self) -> Here<'_> {
        (&self.node, self.parent.as_ref(), now())
    }

    /// Somebody below wants to be let in by the manager.
    pub(super) async fn hand_on_knock(&self, handing: &Handing, knock: Knock, from: IpAddr) -> Result<Welcome, Closed> {
        if self.is_by_token(&knock.connection.node).map_err(|error| Closed::NotNow(error.to_string()))? {
            return Err(Closed::Refused(Refusal::NodeTaken));
        }
        let _place = handing.strangers.take(source(from)).ok_or_else(|| Closed::NotNow(busy()))?;
        let matter = Matter::Connect { knock: Box::new(knock), from };
        match handing.ask(Vec::new(), matter).await.map_err(Closed::NotNow)? {
            // It is known here before it hears that it may call.
            Settled::LetIn { welcome, vouched } => match self.took(&vouched, &[]).await {
                Ok(()) => Ok(*welcome),
                Err(error) => Err(Closed::NotNow(format!("this gateway can't store who was let in: {error}"))),
            },
            Settled::No(Unsettled::Refused(refusal)) => Err(Closed::Refused(refusal)),
            Settled::No(Unsettled::TooMany { why, after_ms }) => {
                Err(Closed::TooMany(why, Duration::from_millis(after_ms)))
            }
            Settled::No(Unsettled::Invalid(why)) => Err(Closed::Invalid(why)),
            Settled::No(Unsettled::NotNow(why) | Unsettled::Forbidden(why)) => Err(Closed::NotNow(why)),
            Settled::No(Unsettled::Unknown) | Settled::Known(_) | Settled::Renewed(_) => {
                Err(Closed::NotNow("the manager answered something else than was asked".to_owned()))
            }
        }
    }

    /// A node shows a token that nobody here knows, and perhaps a certificate. A manager looks whether it called a gateway
    /// until now; a gateway asks its manager.
    pub(super) async fn learn_who(&self, token: &Secret, shown: &Shown) -> Result<(), Refused> {
        let token = TokenDigest::of(token.expose());
        let peer = match shown {
            Shown::Certificate(peer) => peer,
            Shown::NoCertificate => return self.may_be_unknown(&token),
            Shown::NotAsked => return Ok(()),
        };
        if let Some(door) = &self.door {
            return match door.know(&[], &token, peer).await {
                Ok((_, moved)) => {
                    self.remember(&moved, &peer.node);
                    Ok(())
                }
                Err(Unsettled::Unknown | Unsettled::Forbidden(_)) => Ok(()),
                Err(Unsettled::Invalid(why)) => Err(Refused::Invalid(why)),
                // Only a plain no ends a membership.
                Err(why) => Err(Refused::NotNow(hostler_core::enrollment::NotLetIn::from(&why).error)),
            };
        }
        let Some(handing) = self.handing.get().filter(|handing| !handing.is_unknown(&token)) else { return Ok(()) };
        let _place = handing.nodes.take(peer.node.clone()).ok_or_else(|| Refused::NotNow(busy()))?;
        let matter = Matter::Know { token: token.clone(), peer: peer.clone() };
        match handing.ask(Vec::new(), matter).await.map_err(Refused::NotNow)? {
            Settled::Known(vouched) if vouched.node == peer.node && vouched.token == token => {
                self.took(&vouched, &[]).await.map_err(|error| Refused::NotNow(error.to_string()))
            }
            Settled::No(Unsettled::Unknown | Unsettled::Forbidden(_)) => {
                handing.note_unknown(token);
                Ok(())
            }
            Settled::No(Unsettled::NotNow(why) | Unsettled::Invalid(why)) => Err(Refused::NotNow(why)),
            _ => Err(Refused::NotNow("the manager answered something else than was asked".to_owned())),
        }
    }

    /// A token that nobody here knows came without a certificate, as of a node that asks whether its connection was ended. Whoever
    /// can't say that it was says nothing: the node would forget how it came in.
    fn may_be_unknown(&self, token: &TokenDigest) -> Result<(), Refused> {
        let known = match (&self.door, self.handing.get()) {
            (Some(door), _) => door.has_living(token),
            (None, Some(handing)) => !handing.is_unknown(token),
            (None, None) => false,
        };
        let why = "who shows this token isn't known here yet; it calls where nodes are asked for their certificate";
        if known { Err(Refused::NotNow(why.to_owned())) } else { Ok(()) }
    }

    /// A node below wants another certificate.
    pub(super) async fn hand_on_renewal(
        &self,
        handing: &Handing,
        (child, shown): (&NodeId, Shown),
        renewal: Renewal,
    ) -> Result<Renewed, Refused> {
        let row = self.store.child(child).map_err(|error| Refused::NotNow(error.to_string()))?;
        let row = row.ok_or(Refused::Unknown)?.value;
        let Shown::Certificate(peer) = shown else {
            return Err(Refused::Forbidden("a certificate is renewed over a connection that shows it".to_owned()));
        };
        row.vouched
            .as_ref()
            .map_or(Err("no manager vouched for it".to_owned()), |vouched| shows_its_own(vouched, &peer))
            .map_err(Refused::Forbidden)?;
        let _place = handing.nodes.take(child.clone()).ok_or_else(|| Refused::NotNow(busy()))?;
        let matter = Matter::Renew { token: row.token, peer, renewal };
        match handing.ask(Vec::new(), matter).await.map_err(Refused::NotNow)? {
            Settled::Renewed(renewed) => Ok(renewed),
            Settled::No(Unsettled::Invalid(why)) => Err(Refused::Invalid(why)),
            Settled::No(Unsettled::Forbidden(why)) => Err(Refused::Forbidden(why)),
            Settled::No(Unsettled::Unknown) => Err(Refused::Unknown),
            Settled::No(why) => Err(Refused::NotNow(hostler_core::enrollment::NotLetIn::from(&why).error)),
            _ => Err(Refused::NotNow("the manager answered something else than was asked".to_owned())),
        }
    }

    /// A gateway below hands something on: it is settled here, where this is the manager, or goes further up.
    pub(super) async fn settle(&self, child: &NodeId, errand: Errand) -> Result<Settled, Refused> {
        let stored = |error: StoreError| Refused::NotNow(error.to_string());
        let way: Vec<NodeId> = std::iter::once(child.clone()).chain(errand.through).collect();
        if way.len() >= MOST_LEVELS {
            return Err(Refused::Invalid(format!("at most {MOST_LEVELS} nodes are below each other")));
        }
        if let Some(kept_out) = self.kept_out(&way) {
            let why = format!("{} isn't let in below {}, so it lets nobody in", kept_out.device, kept_out.gateway);
            self.tell_again([kept_out].into()).await;
            return Err(Refused::Forbidden(why));
        }
        for levels in 1..=way.len() {
            let (path, Some(node)) = (way.get(..levels).unwrap_or_default(), way.get(levels - 1)) else { continue };
            if let Some(Only { device, .. }) = self.only_itself(node).map_err(stored)? {
                let why =
                    "came in for itself alone, by the PIN of a user who may not operate the fleet: it lets nobody in";
                return Err(Refused::Forbidden(format!("{node} ({device}) {why}")));
            }
            let known = self.store.route(node).map_err(stored)?.map(|route| route.value.path());
            if levels > 1 && known.as_deref() != Some(path) {
                return Ok(Settled::No(Unsettled::NotNow(format!(
                    "{} hasn't heard of {node} yet; ask again",
                    self.node
                ))));
            }
        }
        let settled = match (&self.door, self.handing.get()) {
            (Some(door), _) => {
                let (settled, moved) = door.settle(&way, errand.matter).await;
                if let Settled::LetIn { vouched, .. } | Settled::Known(vouched) = &settled {
                    self.remember(&moved, &vouched.node);
                }
                return Ok(settled);
            }
            (None, Some(handing)) => {
                let _place = handing.nodes.take(child.clone()).ok_or_else(|| Refused::NotNow(busy()))?;
                handing.ask(way.clone(), errand.matter).await
            }
            (None, None) => {
                return Err(Refused::Invalid("this node hands nothing on for those below others".to_owned()));
            }
        };
        let settled = settled.unwrap_or_else(|why| Settled::No(Unsettled::NotNow(why)));
        if let Settled::LetIn { vouched, .. } | Settled::Known(vouched) = &settled {
            self.took(vouched, &way).await.map_err(|error| Refused::NotNow(error.to_string()))?;
        }
        Ok(settled)
    }

    /// Whether a node calls this one by a token that an administrator made here, and not by the manager's word.
    fn is_by_token(&self, node: &NodeId) -> Result<bool, StoreError> {
        Ok(self.store.child(node)?.is_some_and(|child| child.value.vouched.is_none()))
    }

    /// The manager vouched for a node that calls the last of these gateways, or this one where there is none.
    async fn took(&self, vouched: &Vouched, way: &[NodeId]) -> Result<(), NotKept> {
        for _ in 0..TRIES {
            if self.is_by_token(&vouched.node)? {
                return Err(NotKept::ByToken(vouched.node.clone()));
            }
            let known = self.store.child(&vouched.node)?;
            let child = way.is_empty().then(|| Child {
                id: vouched.node.clone(),
                token: vouched.token.clone(),
                created_at: known.as_ref().map_or(now(), |known| known.value.created_at),
                called: known.as_ref().is_some_and(|known| known.value.called),
                vouched: Some(vouched.clone()),
            });
            let moved = moved(&*self.store, self.here(), &vouched.node, way, child.clone())?;
            let mut changes = moved.changes.clone();
            if child.is_some() && moved.former.is_none() {
                let expect = known.map_or(Expect::Absent, |known| Expect::Version(known.version));
                changes = changes.and(Change::Child { id: vouched.node.clone(), expect, value: child });
            }
            match self.store.commit(changes).await {
                Ok(()) => {
                    self.remember(&moved, &vouched.node);
                    return Ok(());
                }
                Err(StoreError::Conflict { what }) => tracing::debug!(%what, "what the manager said is kept anew"),
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict { what: format!("node {}", vouched.node) }.into())
    }

    /// What the former neighbour says of nodes that moved, until it has heard that they did, is no news.
    fn remember(&self, moved: &Moved, node: &NodeId) {
        let Some(former) = &moved.former else { return };
        for one in &moved.nodes {
            let _ = self.remembered.refuse(former, one, SetAside::Known);
            self.remembered.moved(one);
        }
        tracing::info!(%node, %former, nodes = moved.nodes.len(), "a node is reached another way now");
    }

    /// Whether a node that the manager vouched for shows what is its own.
    pub(super) fn admits_vouched(&self, child: &NodeId, shown: &Shown) -> Result<(), String> {
        let row = self.store.child(child).map_err(|error| error.to_string())?;
        let Some(vouched) = row.and_then(|row| row.value.vouched) else { return Ok(()) };
        let Shown::Certificate(peer) = shown else {
            return Err(format!(
                "{child} came in by a PIN or key and has a certificate: it calls where nodes are asked for theirs, and shows it"
            ));
        };
        shows_its_own(&vouched, peer)?;
        if !(peer.not_before..=peer.not_after).contains(&now()) {
            let Peer { not_before, not_after, .. } = peer;
            return Err(format!("the certificate is good from {not_before} to {not_after}; renew it first"));
        }
        Ok(())
    }
}

fn shows_its_own(vouched: &Vouched, peer: &Peer) -> Result<(), String> {
    if peer.node == vouched.node && peer.key == vouched.key {
        return Ok(());
    }
    Err(format!("the token is {}'s and the certificate is {}'s, or for another key", vouched.node, peer.node))
}
