//! SNMPv3 for fleets that want it: async-snmp's own agent, one per device, over the same MIB.
//!
//! It costs far more than our light agent (a fleet of hundreds, not of ten thousand), and it keeps to the RFC: of
//! the faults, those that a conforming agent can't commit on the wire aren't there ([`crate::Fault::Truncated`],
//! [`crate::Fault::Padded`], [`crate::Fault::TooBig`]), and those that break the order end in genErr.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_snmp::handler::{
    BoxFuture, GetNextResult, GetResult, HandlerError, HandlerResult, MibHandler, PreparedSet, RequestContext,
    SetCommitResult, SetTestError, SetTestResult, SetUndoResult,
};
use async_snmp::{Agent, AuthProtocol, AuthoritativeEngine, ErrorStatus, Oid, PduType, PrivProtocol, Value, VarBind};

use crate::Error;
use crate::agent::{Access, writable};
use crate::device::{Attention, Device};
use crate::fault::Fault;

/// An SNMPv3 user with authentication by SHA-256 and privacy by AES-128 (RFC 7860, RFC 3826). It may read and write.
#[derive(Clone)]
pub struct V3User {
    /// The user's name, 1 to 32 bytes.
    pub name: String,
    /// Password for authentication, at least 8 bytes.
    pub auth_password: String,
    /// Password for privacy, at least 8 bytes.
    pub priv_password: String,
}

impl fmt::Debug for V3User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("V3User").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How long a request that gets no answer is kept.
const UNANSWERED: Duration = Duration::from_secs(60);

/// An agent for one device, bound to its address and ready to run.
pub(crate) async fn bind(
    device: &Arc<Device>,
    address: SocketAddr,
    access: &Access,
    users: &[V3User],
) -> Result<Agent, Error> {
    let refused = |source: Box<dyn std::error::Error + Send + Sync>| Error::SecureAgent { address, source };
    // RFC 3411, SnmpEngineID: the enterprise with its top bit set, format 3 and the physical address.
    let engine_id: Vec<u8> = [0x80, 0x01, 0x86, 0x9f, 3].into_iter().chain(device.identity.mac).collect();
    // Nothing is kept: a simulated device that starts again is a new one.
    let engine =
        AuthoritativeEngine::install(engine_id, |_| Ok::<(), Infallible>(())).map_err(|error| refused(error))?;
    let mut builder = Agent::builder()
        .bind(address.to_string())
        .communities([access.read.clone()].into_iter().chain(access.write.clone()))
        .authoritative_engine(engine)
        .allow_all_access()
        .request_deadline(Some(UNANSWERED))
        .without_builtin_handlers();
    for user in users {
        let keys = |usm: async_snmp::UsmUser| {
            usm.auth_priv(
                AuthProtocol::Sha256,
                user.auth_password.as_bytes(),
                PrivProtocol::Aes128,
                user.priv_password.as_bytes(),
            )
        };
        builder = builder.usm_user(user.name.clone(), keys).map_err(|error| refused(Box::new(error)))?;
    }
    let write = access.write.clone();
    let handler = Arc::new(Handler { device: device.clone(), write, attended: Mutex::new(None) });
    builder.handler(Oid::from_slice(&[1, 3, 6, 1]), handler).build().await.map_err(|error| refused(error))
}

/// Our device as async-snmp's agent asks it.
struct Handler {
    device: Arc<Device>,
    write: Option<bytes::Bytes>,
    /// The request that was attended to last.
    attended: Mutex<Option<(tokio::time::Instant, i32)>>,
}

impl Handler {
    /// What comes before an answer: sleep, faults that cost time, faults that end in genErr.
    ///
    /// The agent asks for each variable on its own; time passes, and a request counts, only for the first.
    async fn attend(&self, context: &RequestContext) -> HandlerResult<()> {
        let first = self.is_first_of(context);
        if first {
            self.device.count_request();
        }
        let (attention, fault) = {
            let mut look = self.device.look();
            (look.state.power.request(Instant::now()), look.state.fault)
        };
        let delay = match (attention, fault) {
            (Attention::Ignores, _) | (_, Some(Fault::Silent)) => {
                context.cancellation_token().cancelled().await;
                return Err(HandlerError::new("the device doesn't answer"));
            }
            (_, Some(Fault::NoBulk)) if context.pdu_type() == PduType::GetBulkRequest => {
                return Err(HandlerError::new("the device has no GETBULK"));
            }
            (Attention::AnswersAfter(delay), Some(Fault::Slow(late))) => delay + late,
            (Attention::AnswersAfter(delay), _) => delay,
        };
        if first && delay > Duration::ZERO {
            tokio::time::sleep(delay).await;
        }
        Ok(())
    }

    fn is_first_of(&self, context: &RequestContext) -> bool {
        let request = (context.received_at(), context.request_id());
        let mut attended = self.attended.lock().unwrap_or_else(PoisonError::into_inner);
        attended.replace(request) != Some(request)
    }

    /// A user may write, and so may the community for it.
    fn may_write(&self, context: &RequestContext) -> bool {
        match context.security_name() {
            async_snmp::SecurityName::Usm(_) => true,
            async_snmp::SecurityName::Community(community) => {
                self.write.as_ref().is_some_and(|write| community.matches(write))
            }
        }
    }
}

impl MibHandler for Handler {
    fn get<'a>(&'a self, context: &'a RequestContext, oid: &'a Oid) -> BoxFuture<'a, HandlerResult<GetResult>> {
        Box::pin(async move {
            self.attend(context).await?;
            let look = self.device.look();
            Ok(match look.get(oid) {
                Some(value) => GetResult::Value(value),
                None => match crate::agent::missing(&look, oid) {
                    Value::NoSuchInstance => GetResult::NoSuchInstance,
                    _ => GetResult::NoSuchObject,
                },
            })
        })
    }

    fn get_next<'a>(
        &'a self,
        context: &'a RequestContext,
        oid: &'a Oid,
    ) -> BoxFuture<'a, HandlerResult<GetNextResult>> {
        Box::pin(async move {
            self.attend(context).await?;
            Ok(match self.device.look().next(oid) {
                Some((name, value)) => GetNextResult::Value(VarBind::new(name, value)),
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
            if !self.may_write(context) {
                return Err(SetTestError::NoAccess);
            }
            let look = self.device.look();
            match writable::check(&look, oid, value) {
                Ok(()) => Ok(Box::new(Write { device: self.device.clone() }) as Box<dyn PreparedSet>),
                Err(ErrorStatus::GenErr) => Err(SetTestError::GeneralFailure),
                Err(ErrorStatus::NoCreation) => Err(SetTestError::NoCreation),
                Err(ErrorStatus::WrongLength) => Err(SetTestError::WrongLength),
                Err(ErrorStatus::WrongValue) => Err(SetTestError::WrongValue),
                Err(ErrorStatus::WrongType) => Err(SetTestError::WrongType),
                Err(_) => Err(SetTestError::NotWritable),
            }
        })
    }

    fn handles(&self, _prefix: &Oid, _oid: &Oid) -> bool {
        true
    }
}

/// A write that was checked. Writing can't fail afterwards, so there is never anything to undo.
struct Write {
    device: Arc<Device>,
}

impl PreparedSet for Write {
    fn commit<'a>(
        &'a mut self,
        _context: &'a RequestContext,
        oid: &'a Oid,
        value: &'a Value,
    ) -> BoxFuture<'a, SetCommitResult> {
        Box::pin(async move {
            writable::apply(&mut self.device.look(), oid, value);
            Ok(())
        })
    }

    fn undo<'a>(
        &'a mut self,
        _context: &'a RequestContext,
        _oid: &'a Oid,
        _value: &'a Value,
    ) -> BoxFuture<'a, SetUndoResult> {
        Box::pin(async { Ok(()) })
    }
}
