//! An operator gives a node what it reaches its devices with: sealed here to the node's key, and opened there.

use super::Requests;
use super::ask::{Limits, NewRequest, Target};
use super::view::RequestView;
use crate::error::ServiceError;
use crate::gateway::parse_credential;
use crate::need;
use crate::trust::{Trust, seal};
use hostler_core::request::{Answer, Failing, Question};
use hostler_core::trust::{CredentialKind, Sealed, SealedFor};
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{CredentialName, NodeId, Secret};

/// The longest that is taken, in bytes: sealed and written down it still fits into a question.
const LONGEST: usize = 2_000;

impl Requests {
    /// Gives a node below a credential. It is sealed before anything of it is stored.
    ///
    /// # Errors
    /// It is none, the node has no key that it could be sealed to, or the right is missing.
    pub async fn give_credential(
        &self,
        viewer: &Viewer,
        (node, kind, name): (NodeId, CredentialKind, CredentialName),
        text: &Secret,
        limits: Limits,
    ) -> Result<RequestView, ServiceError> {
        need(viewer, Right::Administer)?;
        if node == self.node.id {
            let why = format!("{node} is this node; what it reaches its own devices with is in its configuration");
            return Err(ServiceError::Invalid(why));
        }
        if text.expose().len() > LONGEST {
            return Err(ServiceError::Invalid(format!("a credential has at most {LONGEST} bytes")));
        }
        let given = parse_credential(kind, text).map_err(ServiceError::Invalid)?;
        given.check(name.as_str()).map_err(|why| ServiceError::Invalid(why.to_string()))?;
        let no_manager = || {
            let why = "a credential is given at the manager, which knows the keys of the nodes; this node isn't one";
            ServiceError::Invalid(why.to_owned())
        };
        let manager = self.trust().and_then(Trust::manager).ok_or_else(no_manager)?;
        let key = manager.public_key(&node).ok_or_else(|| {
            let why = "has no key here that a secret could be sealed to: it came by a token file, or was let in by an \
                       earlier release; it has one when it joins by a PIN, or after its next renewal";
            ServiceError::Conflict(format!("{node} {why}"))
        })?;
        let sealed = seal(text, &SealedFor { node: &node, kind, name: &name }, &key);
        let sealed = sealed.map_err(|why| ServiceError::Conflict(format!("nothing can be sealed to {node}: {why}")))?;
        let question = Question::SetCredential { kind, name, sealed };
        self.ask_as(Some(viewer.user.clone()), NewRequest { target: Target::Node(node), question, limits }).await
    }

    /// Takes a credential that was sealed to this node.
    pub(super) fn take_credential(
        &self,
        kind: CredentialKind,
        name: &CredentialName,
        sealed: &Sealed,
    ) -> Result<Answer, (Failing, String)> {
        let refused = |why: String| (Failing::Refused, why);
        let Some(member) = self.trust().and_then(Trust::member) else {
            let why = format!("{} has no key of its own: it came by a token file", self.node.id);
            return Err(refused(why));
        };
        let keyring = self.inventory.own_gateway().and_then(|gateway| gateway.keyring());
        let keyring = keyring.ok_or_else(|| refused(format!("{} speaks for no devices", self.node.id)))?;
        let text = member.open_sealed(sealed, kind, name).map_err(refused)?;
        keyring.set(kind, name, &text).map_err(|error| refused(error.to_string()))?;
        tracing::info!(kind = kind.as_str(), %name, "a credential came from the manager");
        Ok(Answer::Done { lines: Vec::new() })
    }
}
