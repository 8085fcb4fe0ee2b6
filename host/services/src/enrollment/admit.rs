//! A device that came in and calls: what its certificate allows beside its token, and another certificate in time.

use super::{Enrollment, NodesCall};
use crate::authority::{AuthorityError, LIFETIME, Refusal, Verdict, should_renew};
use crate::tree::TRIES;
use hostler_core::NodeId;
use hostler_core::changes::{Change, Expect};
use hostler_core::enrollment::{Peer, Renewal, Renewed};
use hostler_engine::now;
use hostler_store::StoreError;
use hostler_transport::{Refused, Shown};

impl Enrollment {
    /// Whether a child may act by what its connection shows beside its token.
    pub(crate) fn admits(&self, child: &NodeId, shown: &Shown) -> Result<(), String> {
        let came_in = self.roll.connected(child).is_some();
        match (shown, self.rules.nodes) {
            (Shown::Certificate(peer), _) => {
                let peer = self.gate.stands(peer.clone(), now()).to_act().map_err(|why| why.to_string())?;
                same_node(&peer, child)
            }
            // Those that an administrator added have no certificate.
            (Shown::NoCertificate | Shown::NotAsked, _) if !came_in => Ok(()),
            (Shown::NotAsked, NodesCall::ByToken) => Ok(()),
            (Shown::NoCertificate | Shown::NotAsked, _) => Err(format!(
                "{child} came in by a PIN or key and has a certificate: it calls where nodes are asked for theirs, and shows it"
            )),
        }
    }

    /// Issues a further certificate to a child, for the key that it has. The one that it shows may have expired.
    pub(crate) async fn renew(&self, child: &NodeId, shown: &Shown, renewal: &Renewal) -> Result<Renewed, Refused> {
        let Shown::Certificate(peer) = shown else {
            return Err(Refused::Forbidden("a certificate is renewed over a connection that shows it".to_owned()));
        };
        same_node(peer, child).map_err(Refused::Forbidden)?;
        // A store that was put back doesn't remember what was renewed since; the key says whose it is.
        let forgotten = match self.gate.stands(peer.clone(), now()) {
            Verdict::Refused(Refusal::Unknown) => true,
            verdict => {
                let peer = verdict.to_renew().map_err(|why| Refused::Forbidden(why.to_string()))?;
                // One that has just been renewed can't be had again and again.
                if !should_renew(peer.not_after, peer.not_before, now()) {
                    let why = "the certificate is good for a while yet; renew it when two thirds of its time are over";
                    return Err(Refused::Invalid(why.to_owned()));
                }
                false
            }
        };
        let signed = pem::parse(&renewal.certificate_request)
            .map_err(|_| Refused::Invalid("the certificate request isn't PEM".to_owned()))?;
        for _ in 0..TRIES {
            let came_in = self.roll.connected(child).ok_or(Refused::Unknown)?;
            let row = self.store.enrolled(&came_in.device).map_err(not_now)?.ok_or(Refused::Unknown)?;
            let issued =
                self.authority.issue(signed.contents(), child, LIFETIME, now()).map_err(|error| match error {
                    AuthorityError::Request(_) => Refused::Invalid(error.to_string()),
                    other => {
                        tracing::error!(error = %other, "a certificate can't be renewed");
                        Refused::NotNow("the manager can't issue certificates now; its log says why".to_owned())
                    }
                })?;
            if issued.key != row.value.key {
                let why = "the certificate request is for another key than the one that the node came in with";
                return Err(Refused::Invalid(why.to_owned()));
            }
            let device = row.value.device.clone();
            let row_now = if forgotten { row.value.remembering(&peer.serial, &peer.key) } else { row.value };
            let next = row_now.renewed(&peer.serial, issued.serial, issued.public_key);
            let value = Some(Box::new(next.map_err(|why| Refused::Forbidden(why.to_string()))?));
            let change = Change::Enrolled { device: device.clone(), expect: Expect::Version(row.version), value };
            match self.store.commit(change.into()).await {
                Ok(()) => {
                    tracing::info!(%device, node = %child, ends = %issued.not_after, "a certificate was renewed");
                    let (certificate, certificate_ends_at) = (issued.chain_pem, issued.not_after);
                    return Ok(Renewed { certificate, certificate_ends_at });
                }
                Err(StoreError::Conflict { what }) => tracing::debug!(%what, "a renewal is decided anew"),
                Err(error) => return Err(not_now(error)),
            }
        }
        Err(Refused::NotNow("too much happens to this node at once; ask again".to_owned()))
    }
}

fn same_node(peer: &Peer, child: &NodeId) -> Result<(), String> {
    if peer.node == *child {
        return Ok(());
    }
    Err(format!("the token is {child}'s and the certificate is {}'s; a node shows its own", peer.node))
}

fn not_now(error: StoreError) -> Refused {
    tracing::error!(%error, "a certificate can't be renewed");
    Refused::NotNow("the manager can't store this now; its log says why".to_owned())
}
