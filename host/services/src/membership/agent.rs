//! The SNMP agent of a node that joins by a PIN or key: it answers discovery, and a PIN or key may be SET.
//!
//! | object, below [`ARC`] | type | |
//! |---|---|---|
//! | .1.0 | OCTET STRING | the protocol: [`PROTOCOL`] |
//! | .2.0 | OCTET STRING | the device's ID |
//! | .3.0 | OCTET STRING | `not-connected`, `connecting` or `connected` |
//! | .4.0 | OCTET STRING | the manager's name, or empty |
//! | .5.0 | OCTET STRING | the owner, or empty |
//! | .6.0 | OCTET STRING | why it isn't connected, or empty |
//! | .7.0 | Gauge32 | for how many seconds it takes a PIN yet |
//! | .8.0 | OCTET STRING, written | a PIN; reads as empty |
//! | .9.0 | OCTET STRING, written | a key; reads as empty |
//!
//! Beside it stands the system group (RFC 3418). What isn't taken answers inconsistentValue (no window, connected, connecting)
//! or wrongValue (no PIN or key); of a PIN and a key in one request neither is taken; who has the wrong community gets no answer.

use super::member::{Member, MembershipError, Offered};
use async_snmp::handler::{
    BoxFuture, GetNextResult, GetResult, HandlerResult, MibHandler, PreparedSet, RequestContext, SetCommitError,
    SetCommitResult, SetTestError, SetTestResult, SetUndoResult,
};
use async_snmp::{Agent, Community, Oid, SecurityName, Value, VarBind};
use hostler_core::Secret;
use hostler_core::enrollment::device::By;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What terminals look for. The enterprise arc is the one that hostler's documents use; a registered one replaces it.
const ARC: &[u32] = &[1, 3, 6, 1, 4, 1, 99_999, 10];
/// What .1.0 says.
const PROTOCOL: &str = "hostler-enrollment 1";
/// The system group (RFC 3418 §2).
const SYSTEM: &[u32] = &[1, 3, 6, 1, 2, 1, 1];
/// The last parts of what is written.
const PIN: u32 = 8;
const KEY: u32 = 9;
/// How long a request may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests that are answered at a time; more are dropped, as UDP may.
const AT_A_TIME: usize = 64;
/// Nothing that is written is longer.
const LONGEST_WRITTEN: usize = 64;

/// Where an agent answers, and whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AgentConfig {
    /// Where it listens.
    pub address: SocketAddr,
    /// The community that reads.
    pub read: Secret,
    /// The community that reads and writes; nobody writes where there is none.
    pub write: Option<Secret>,
}

/// The agent can't answer.
#[derive(Debug, thiserror::Error)]
#[error("the SNMP agent can't listen on {address}: {why}")]
pub struct AgentError {
    /// Where it was to listen.
    pub address: SocketAddr,
    /// Why not.
    pub why: String,
}

/// Binds the agent; it answers for as long as the future that is returned runs.
///
/// # Errors
/// [`AgentError`].
pub async fn serve_agent(
    member: &Arc<Member>,
    config: AgentConfig,
) -> Result<(SocketAddr, impl Future<Output = ()> + Send + use<>), AgentError> {
    let AgentConfig { address, read, write } = config;
    let community = |secret: &Secret| Community::from(secret.expose().as_bytes().to_vec());
    let handler = Handler {
        member: Arc::downgrade(member),
        write: write.as_ref().map(|secret| Zeroizing::new(secret.expose().as_bytes().to_vec())),
        since: Instant::now(),
        writing: Mutex::default(),
    };
    let agent = Agent::builder()
        .bind(address.to_string())
        .communities(write.iter().chain([&read]).map(community))
        .allow_all_access()
        .request_deadline(Some(PATIENCE))
        .max_concurrent_requests(Some(AT_A_TIME))
        .without_builtin_handlers()
        .handler(Oid::from_slice(&[1, 3, 6, 1]), Arc::new(handler))
        .build()
        .await
        .map_err(|error| AgentError { address, why: error.to_string() })?;
    let bound = agent.local_addr();
    Ok((bound, async move {
        if let Err(error) = agent.run().await {
            tracing::error!(%error, "the SNMP agent ended");
        }
    }))
}

struct Handler {
    member: Weak<Member>,
    write: Option<Zeroizing<Vec<u8>>>,
    since: Instant,
    /// Lives while something that was written is looked at or taken: one thing at a time.
    writing: Mutex<Weak<()>>,
}

impl Handler {
    /// Every object, in order.
    fn objects(&self) -> BTreeMap<Vec<u32>, Value> {
        let Some(status) = self.member.upgrade().map(|member| member.status()) else { return BTreeMap::new() };
        let text = |text: &str| Value::OctetString(text.to_owned().into_bytes().into());
        let model = status.model.as_deref().unwrap_or("device node");
        let described = format!("{model}; hostler {}", env!("CARGO_PKG_VERSION"));
        let hundredths = u32::try_from(self.since.elapsed().as_millis() / 10 % (1 << 32)).unwrap_or(0);
        let system = [
            (1, text(&described)),
            (2, Value::ObjectIdentifier(Oid::from_slice(ARC))),
            (3, Value::TimeTicks(hundredths)),
            (5, text(status.node.as_str())),
        ];
        let own = [
            (1, text(PROTOCOL)),
            (2, text(status.device.as_str())),
            (3, text(status.state.as_str())),
            (4, text(status.manager.as_deref().unwrap_or_default())),
            (5, text(status.owner.as_ref().map_or("", |owner| owner.as_str()))),
            (6, text(status.why.as_deref().unwrap_or_default())),
            (7, Value::Gauge32(u32::try_from(status.takes_pin_for_s).unwrap_or(u32::MAX))),
            (PIN, text("")),
            (KEY, text("")),
        ];
        let at = |arc: &[u32], last| [arc, &[last, 0]].concat();
        let system = system.into_iter().map(|(last, value)| (at(SYSTEM, last), value));
        system.chain(own.into_iter().map(|(last, value)| (at(ARC, last), value))).collect()
    }

    /// The turn to write, where nobody has it.
    fn turn(&self) -> Option<Arc<()>> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = writing.upgrade().is_none().then(Arc::default)?;
        *writing = Arc::downgrade(&turn);
        Some(turn)
    }

    /// What is written, where this node takes it now.
    fn prepared(&self, context: &RequestContext, oid: &Oid, value: &Value) -> Result<Write, SetTestError> {
        if !self.may_write(context) {
            return Err(SetTestError::NoAccess);
        }
        let offered = offered(oid, value)?;
        let member = self.member.upgrade().ok_or(SetTestError::GeneralFailure)?;
        if member.status().takes_pin_for_s == 0 {
            return Err(SetTestError::InconsistentValue);
        }
        let turn = self.turn().ok_or(SetTestError::InconsistentValue)?;
        Ok(Write { member, offered: Some(offered), _turn: turn })
    }

    fn may_write(&self, context: &RequestContext) -> bool {
        match (context.security_name(), &self.write) {
            (SecurityName::Community(community), Some(write)) => community.matches(write.as_slice()),
            _ => false,
        }
    }
}

/// Why what somebody wrote by SNMP isn't taken.
fn why(error: SetTestError) -> &'static str {
    match error {
        SetTestError::NoAccess => "somebody wrote by SNMP with a community that only reads",
        SetTestError::NotWritable => "somebody wrote by SNMP what isn't written",
        SetTestError::InconsistentValue => "a PIN or key was written by SNMP while none is taken, or both at once",
        SetTestError::GeneralFailure => "a PIN or key was written by SNMP while the node stops",
        _ => "what was written by SNMP is no PIN or key",
    }
}

/// What somebody writes, where it can be one.
fn offered(oid: &Oid, value: &Value) -> Result<Offered, SetTestError> {
    let last = match oid.arcs().strip_prefix(ARC) {
        Some([last @ (PIN | KEY), 0]) => *last,
        _ => return Err(SetTestError::NotWritable),
    };
    let Value::OctetString(bytes) = value else { return Err(SetTestError::WrongType) };
    if bytes.len() > LONGEST_WRITTEN {
        return Err(SetTestError::WrongLength);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| SetTestError::WrongValue)?;
    match last {
        PIN => text.parse().map(Offered::Pin).map_err(|_| SetTestError::WrongValue),
        _ => text.parse().map(Offered::Key).map_err(|_| SetTestError::WrongValue),
    }
}

impl MibHandler for Handler {
    fn get<'a>(&'a self, _: &'a RequestContext, oid: &'a Oid) -> BoxFuture<'a, HandlerResult<GetResult>> {
        Box::pin(async move {
            let objects = self.objects();
            Ok(match objects.get(oid.arcs()) {
                Some(value) => GetResult::Value(value.clone()),
                None if objects
                    .keys()
                    .any(|key| key.split_last().is_some_and(|(_, object)| oid.arcs().starts_with(object))) =>
                {
                    GetResult::NoSuchInstance
                }
                None => GetResult::NoSuchObject,
            })
        })
    }

    fn get_next<'a>(&'a self, _: &'a RequestContext, oid: &'a Oid) -> BoxFuture<'a, HandlerResult<GetNextResult>> {
        Box::pin(async move {
            let next = self.objects().into_iter().find(|(key, _)| key.as_slice() > oid.arcs());
            Ok(match next {
                Some((key, value)) => GetNextResult::Value(VarBind::new(Oid::from_slice(&key), value)),
                None => GetNextResult::EndOfMibView,
            })
        })
    }

    fn test_set<'a>(
        &'a self,
        context: &'a RequestContext,
        oid: &'a Oid,
        value: &'a Value,
    ) -> BoxFuture<'a, SetTestResult> {
        Box::pin(async move {
            match self.prepared(context, oid, value) {
                Ok(write) => Ok(Box::new(write) as Box<dyn PreparedSet>),
                Err(error) => {
                    let member = self.member.upgrade();
                    member.iter().for_each(|member| member.say_not_taken(&why(error)));
                    Err(error)
                }
            }
        })
    }

    fn handles(&self, _: &Oid, _: &Oid) -> bool {
        true
    }
}

/// A PIN or key that was looked at.
struct Write {
    member: Arc<Member>,
    offered: Option<Offered>,
    _turn: Arc<()>,
}

impl PreparedSet for Write {
    fn commit<'a>(&'a mut self, _: &'a RequestContext, _: &'a Oid, _: &'a Value) -> BoxFuture<'a, SetCommitResult> {
        Box::pin(async move {
            let offered = self.offered.take().ok_or(SetCommitError::Failed)?;
            self.member.offer(offered, By::Network).await.map_err(|error| {
                if !matches!(error, MembershipError::Declined(_)) {
                    tracing::error!(%error, "a PIN or key could not be taken");
                }
                SetCommitError::Failed
            })
        })
    }

    fn undo<'a>(&'a mut self, _: &'a RequestContext, _: &'a Oid, _: &'a Value) -> BoxFuture<'a, SetUndoResult> {
        // What was offered is being tried; only the manager's answer ends that.
        Box::pin(async { Ok(()) })
    }
}
