//! Nodes that can't reach the manager: what gateways hand on for those below them, and what gateways are told of them.
//!
//! A device belongs to one gateway at a time ([`Enrolled::through`]). One that calls another is asked about there, by its
//! certificate and its token; then all that is known of it is reached the new way, and the former gateway is told.

use super::{Enrollment, NotLetIn};
use crate::error::ServiceError;
use crate::tree::{Moved, NotMoved, TRIES, moved, way_to};
use hostler_core::access::{Child, TokenDigest};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::{Enrolled, Matter, Peer, Settled, Standing, Unsettled, Vouched};
use hostler_core::event::Event;
use hostler_core::message::{CallsNow, Ends, Method};
use hostler_core::reading::Severity;
use hostler_core::viewer::Right;
use hostler_core::{DeviceId, NodeId};
use hostler_engine::now;
use hostler_store::StoreError;
use hostler_transport::{Refused, Shown};
use std::net::IpAddr;

/// How a connection request came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Came {
    /// From this address.
    Directly(IpAddr),
    /// Through these gateways, the nearest first.
    Through {
        /// The gateways.
        gateways: Vec<NodeId>,
        /// From this address, as the last of them says.
        from: IpAddr,
    },
}

impl From<IpAddr> for Came {
    fn from(from: IpAddr) -> Self {
        Self::Directly(from)
    }
}

impl Came {
    /// The gateways that it came through, the nearest first.
    pub(super) fn gateways(&self) -> &[NodeId] {
        match self {
            Self::Directly(_) => &[],
            Self::Through { gateways, .. } => gateways,
        }
    }
}

impl Enrollment {
    /// Settles what came through these gateways, the nearest first. Returns also what moved by it.
    pub(crate) async fn settle(&self, gateways: &[NodeId], matter: Matter) -> (Settled, Moved) {
        let settled = match matter {
            Matter::Connect { knock, from } => {
                let came = Came::Through { gateways: gateways.to_vec(), from };
                let node = knock.connection.node.clone();
                match self.come_in(*knock, came).await {
                    Ok((welcome, moved)) => match self.vouch(&node) {
                        Ok(Some(vouched)) => Ok((Settled::LetIn { welcome: Box::new(welcome), vouched }, moved)),
                        // It was ended again meanwhile.
                        Ok(None) => {
                            Err(Unsettled::NotNow("the manager changed its mind meanwhile; ask again".to_owned()))
                        }
                        Err(error) => Err(not_now(&error)),
                    },
                    Err(why) => Err(not_let_in(why)),
                }
            }
            Matter::Know { token, peer } => {
                self.know(gateways, &token, &peer).await.map(|(vouched, moved)| (Settled::Known(vouched), moved))
            }
            Matter::Renew { token, peer, renewal } => match self.living(&token, &peer) {
                Err(why) => Err(why),
                Ok(row) if row.through.as_ref() != gateways.last() => Err(Unsettled::NotNow(
                    "this node calls another one by what the manager knows; ask again".to_owned(),
                )),
                Ok(row) => match self.renew(&row.node, &Shown::Certificate(peer), &renewal).await {
                    Ok(renewed) => Ok((Settled::Renewed(renewed), Moved::default())),
                    Err(Refused::Invalid(why)) => Err(Unsettled::Invalid(why)),
                    Err(Refused::NotNow(why)) => Err(Unsettled::NotNow(why)),
                    Err(Refused::Unknown) => Err(Unsettled::Unknown),
                    Err(Refused::Forbidden(why)) => Err(Unsettled::Forbidden(why)),
                },
            },
        };
        settled.unwrap_or_else(|why| (Settled::No(why), Moved::default()))
    }

    /// The device that is connected and has this token and this certificate's key.
    fn living(&self, token: &TokenDigest, peer: &Peer) -> Result<Enrolled, Unsettled> {
        let row = self.roll.connected(&peer.node).filter(|row| row.issued.token == *token).ok_or(Unsettled::Unknown)?;
        if row.key != peer.key {
            let why = "the certificate is for another key than the one that the node came in with";
            return Err(Unsettled::Forbidden(why.to_owned()));
        }
        Ok(row)
    }

    /// A node calls the last of these gateways, or this manager where there is none, by what it got here.
    pub(crate) async fn know(
        &self,
        gateways: &[NodeId],
        token: &TokenDigest,
        peer: &Peer,
    ) -> Result<(Vouched, Moved), Unsettled> {
        for _ in 0..TRIES {
            let known = self.living(token, peer)?;
            let row = self.store.enrolled(&known.device).map_err(|error| not_now(&error))?;
            let row = row.filter(|row| row.value == known).ok_or_else(|| not_now(&"it is being changed"))?;
            let child = gateways.is_empty().then(|| Child {
                id: known.node.clone(),
                token: token.clone(),
                created_at: known.at,
                called: true,
                vouched: None,
            });
            let moves = self.moving_to(gateways, &known.node, child.clone());
            let moves = moves.map_err(|why| match why {
                NotMoved::NoRoute(why) => Unsettled::Invalid(why.to_string()),
                NotMoved::Store(error) => not_now(&error),
            })?;
            let mut changes = moves.changes.clone();
            // One that never called its gateway is known by nothing else yet.
            let calls_first = moves.former.is_none() && known.through.is_some();
            if let Some(child) = child.filter(|_| calls_first) {
                let value = Some(Child { called: false, ..child });
                changes = changes.and(Change::Child { id: known.node.clone(), expect: Expect::Absent, value });
            }
            if known.through.as_ref() != gateways.last() {
                let ended = self.calls_no_more(&known, CallsNow::Another).map_err(|error| not_now(&error))?;
                let through = gateways.last().cloned();
                let said = moved_event(&known, through.as_ref());
                let (device, expect) = (known.device.clone(), Expect::Version(row.version));
                let value = Some(Box::new(Enrolled { through, ..known.clone() }));
                changes = changes.with(ended).and(Change::Happened(said));
                changes = changes.and(Change::Enrolled { device, expect, value });
            }
            match self.commit_and_tell(changes).await {
                Ok(()) => {
                    let vouched = self.vouch(&known.node).map_err(|error| not_now(&error))?;
                    return Ok((vouched.ok_or(Unsettled::Unknown)?, moves));
                }
                Err(StoreError::Conflict { what }) => tracing::debug!(%what, "a node that moves is looked at anew"),
                Err(error) => return Err(not_now(&error)),
            }
        }
        Err(Unsettled::NotNow("too much happens to this node at once; ask again".to_owned()))
    }

    /// What changes here where a node calls the last of these gateways.
    pub(super) fn moving_to(
        &self,
        gateways: &[NodeId],
        node: &NodeId,
        child: Option<Child>,
    ) -> Result<Moved, NotMoved> {
        moved(&*self.store, (&self.node, None, now()), node, gateways, child)
    }

    /// What gateways are told of a node that is connected.
    fn vouch(&self, node: &NodeId) -> Result<Option<Vouched>, StoreError> {
        let Some(row) = self.roll.connected(node) else { return Ok(None) };
        let operates = self.store.user(&row.owner)?.is_some_and(|user| user.value.right >= Right::Operate);
        let Enrolled { node, device, key, issued, .. } = row;
        Ok(Some(Vouched { node, device, key, token: issued.token, gateway: operates }))
    }

    /// The gateway that a device calls is told that this token doesn't count there any more. How a device stands never waits for
    /// that: a gateway that can't be told now is told when it speaks for the device, see [`Self::tell_again`].
    pub(super) fn calls_no_more(&self, row: &Enrolled, calls: CallsNow) -> Result<Changes, StoreError> {
        row.through.as_ref().map_or(Ok(Changes::none()), |through| self.no_more_at(through, row, calls))
    }

    fn no_more_at(&self, gateway: &NodeId, row: &Enrolled, calls: CallsNow) -> Result<Changes, StoreError> {
        let Some((next, stays)) = way_to(&*self.store, gateway)? else { return Ok(Changes::none()) };
        // Nobody on its way knows it yet. Whoever tells of it first has this decided anew.
        if self.store.route(gateway)?.is_some_and(|route| route.value.is_awaited()) {
            return Ok(stays);
        }
        let (node, token) = (row.node.clone(), row.issued.token.clone());
        let told = Method::CallsNoMore { node, token, now: calls };
        Ok(stays.and(Change::send_between(&next, Ends::to(gateway, &next), told)))
    }

    /// Commits how a device stands now; where there is no room for what its gateway is told of that, without it.
    pub(super) async fn commit_and_tell(&self, mut changes: Changes) -> Result<(), StoreError> {
        match self.store.commit(changes.clone()).await {
            Err(StoreError::OutboxFull { to, .. }) => {
                tracing::warn!(%to, "no more can wait for a gateway; it is told who calls it no more when it speaks for them");
                changes.0.retain(|change| !tells_of_an_end(change));
                self.store.commit(changes).await
            }
            outcome => outcome,
        }
    }

    /// A gateway speaks for a device that isn't let in there: it is told so once more. Where that can't be, it is when the gateway
    /// speaks for it again.
    pub(crate) async fn tell_again(&self, gateway: &NodeId, device: &DeviceId) {
        if let Err(error) = self.told_again(gateway, device).await {
            tracing::warn!(%gateway, %device, %error, "a gateway can't be told now that a device calls it no more");
        }
    }

    async fn told_again(&self, gateway: &NodeId, device: &DeviceId) -> Result<(), StoreError> {
        let row = self.store.enrolled(device)?.map(|row| row.value);
        let Some(row) = row.filter(|row| !is_let_in(row, Some(gateway))) else { return Ok(()) };
        let calls = if row.state == Standing::Connected { CallsNow::Another } else { CallsNow::Nobody };
        tracing::info!(%gateway, %device, "a gateway speaks for a device that isn't let in there; it is told so again");
        self.store.commit(self.no_more_at(gateway, &row, calls)?).await
    }
}

/// Whether a device that came in may be said to call this gateway, or to call at all where nobody knows which. One that was
/// released is nobody's, and so is its node's name, but not where it was let in: that gateway may not have heard.
pub(super) fn is_let_in(row: &Enrolled, gateway: Option<&NodeId>) -> bool {
    let there = |gateway: &NodeId| row.through.as_ref() == Some(gateway);
    match row.state {
        Standing::Connected => gateway.is_none_or(there),
        Standing::MayReturn { .. } | Standing::Barred { .. } => false,
        Standing::Released { .. } => !gateway.is_some_and(there),
    }
}

fn tells_of_an_end(change: &Change) -> bool {
    matches!(change, Change::Send { message, .. } if matches!(message.method, Method::CallsNoMore { .. }))
}

fn moved_event(before: &Enrolled, through: Option<&NodeId>) -> Event {
    let name = |through: Option<&NodeId>| through.map_or_else(|| "the manager".to_owned(), ToString::to_string);
    let (now_calls, called) = (name(through), name(before.through.as_ref()));
    Event {
        at: now(),
        node: None,
        device: None,
        name: "node.moved".to_owned(),
        severity: Severity::Info,
        text: format!(
            "node {} calls {now_calls} now, and no longer {called}; what is behind it goes with it",
            before.node
        ),
    }
}

fn not_now(error: &dyn std::fmt::Display) -> Unsettled {
    tracing::warn!(%error, "what a gateway handed on can't be settled now");
    Unsettled::NotNow("the manager can't decide this now; its log says why".to_owned())
}

fn not_let_in(why: NotLetIn) -> Unsettled {
    match why {
        NotLetIn::Refused(refusal) => Unsettled::Refused(refusal),
        NotLetIn::Failed(ServiceError::TooMany { text, retry_after }) => {
            let after_ms = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            Unsettled::TooMany { why: text, after_ms }
        }
        NotLetIn::Failed(ServiceError::Invalid(why)) => Unsettled::Invalid(why),
        NotLetIn::Failed(ServiceError::Unavailable(why)) => Unsettled::NotNow(why),
        // What broke here is no stranger's business.
        NotLetIn::Failed(error) => not_now(&error),
    }
}
