//! SNMP v1, v2c and v3 to one agent. One socket for each address family serves every device.

use crate::credential::Credentials;
use crate::lanes::Lane;
use async_snmp::client::{Client, WalkMethod, WalkOptions};
use async_snmp::transport::{UdpHandle, UdpTransport};
use async_snmp::{EngineCache, Error, ErrorStatus, Oid, Retry, Value, VarBind};
use hostler_core::device::SnmpReach;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How long the first try waits; a sleeping engine's controller answers within this.
const FIRST_PATIENCE: Duration = Duration::from_millis(1_500);

/// How often a request is repeated before the device counts as silent.
const RETRIES: u32 = 2;

/// How long a write waits, which is sent once: an agent that resets something takes its time.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// Bindings in one message: what fits into an Ethernet frame with room for long strings.
const BINDINGS: usize = 40;

/// Bindings asked for at once in a walk.
const REPETITIONS: u32 = 20;

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnmpError {
    /// No answer, however patient.
    #[error("it did not answer")]
    Timeout,
    /// The gateway's configuration has no credential of this name.
    #[error("the gateway has no SNMP credential {0:?}; add it to its configuration")]
    NoCredential(String),
    /// The agent answered with an error status of RFC 3416.
    #[error("its agent answered {0}")]
    Status(String),
    /// What came back is no answer to what was asked.
    #[error("it answered nonsense: {0}")]
    Garbled(String),
    /// The user, the password or the security level is wrong (RFC 3414).
    #[error("it refused the credential: {0}")]
    Refused(String),
    /// The request could not be sent.
    #[error("the request could not be sent: {0}")]
    Network(String),
}

impl SnmpError {
    /// Whether a write that ended like this may have been done all the same.
    #[must_use]
    pub fn leaves_doubt(&self) -> bool {
        match self {
            Self::Timeout | Self::Garbled(_) => true,
            Self::NoCredential(_) | Self::Status(_) | Self::Refused(_) | Self::Network(_) => false,
        }
    }
}

/// Makes links; owns the sockets.
#[derive(Clone)]
pub struct SnmpLinks(Arc<Shared>);

struct Shared {
    v4: UdpTransport,
    v6: Option<UdpTransport>,
    engines: Arc<EngineCache>,
    credentials: Arc<Credentials>,
}

impl SnmpLinks {
    /// Opens the sockets.
    ///
    /// # Errors
    /// The system gives no UDP socket. A system without IPv6 goes without it.
    pub async fn open(credentials: Arc<Credentials>) -> Result<Self, SnmpError> {
        let network = |error: Box<Error>| SnmpError::Network(error.to_string());
        let socket = |address: &str| UdpTransport::builder().bind(address).recv_buffer_size(4 << 20).build();
        Ok(Self(Arc::new(Shared {
            v4: socket("0.0.0.0:0").await.map_err(network)?,
            v6: socket("[::]:0").await.ok(),
            engines: Arc::new(EngineCache::new().with_max_capacity(20_000)),
            credentials,
        })))
    }

    /// A link to this device's agent, and to nothing else, for whoever holds a place in this lane.
    ///
    /// # Errors
    /// The credential isn't there, or the address family isn't.
    pub async fn link(&self, address: IpAddr, reach: &SnmpReach, lane: Lane) -> Result<SnmpLink, SnmpError> {
        // What is known to be silent is asked once; what sleeps gets time to wake up.
        let retry = match lane {
            Lane::Lively => Retry::fixed(RETRIES, Duration::ZERO).unwrap_or_default(),
            Lane::Doubtful => Retry::none(),
        };
        let client = self.client(address, reach, FIRST_PATIENCE, retry).await?;
        Ok(SnmpLink { client, links: self.clone(), address, reach: reach.clone() })
    }

    async fn client(
        &self,
        address: IpAddr,
        reach: &SnmpReach,
        patience: Duration,
        retry: Retry,
    ) -> Result<Client<UdpHandle>, SnmpError> {
        let shared = &self.0;
        let auth = shared
            .credentials
            .snmp(&reach.credential)
            .ok_or_else(|| SnmpError::NoCredential(reach.credential.clone()))?;
        let socket = match address {
            IpAddr::V4(_) => &shared.v4,
            IpAddr::V6(_) => {
                shared.v6.as_ref().ok_or_else(|| SnmpError::Network("this system has no IPv6".to_owned()))?
            }
        };
        Client::builder(SocketAddr::new(address, reach.port), auth)
            .request_timeout(patience)
            .retry(retry)
            .max_oids_per_request(BINDINGS)
            .engine_cache(Arc::clone(&shared.engines))
            .strict_source(true)
            .build_with(socket)
            .await
            .map_err(|error| describe(&error))
    }
}

/// How much one walk may bring. An agent decides how much it has, so that a walk without a limit may bring anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WalkLimit {
    /// Bindings at most.
    pub bindings: usize,
    /// The walk ends with the binding that makes it more bytes than this.
    pub bytes: usize,
}

/// A link to one device's agent.
pub struct SnmpLink {
    client: Client<UdpHandle>,
    links: SnmpLinks,
    address: IpAddr,
    reach: SnmpReach,
}

impl SnmpLink {
    /// One binding for each object, in the order asked. What the agent doesn't have is [`Value::NoSuchObject`] or one of its kin.
    ///
    /// # Errors
    /// Any [`SnmpError`]; an answer with other objects than asked for is garbled.
    pub async fn get(&self, objects: &[Oid]) -> Result<Vec<VarBind>, SnmpError> {
        let mut found = Vec::with_capacity(objects.len());
        for chunk in objects.chunks(BINDINGS) {
            found.extend(self.get_chunk(chunk).await?);
        }
        Ok(found)
    }

    async fn get_chunk(&self, objects: &[Oid]) -> Result<Vec<VarBind>, SnmpError> {
        let mut absent = vec![false; objects.len()];
        loop {
            let (asked, places): (Vec<Oid>, Vec<usize>) = objects
                .iter()
                .zip(0..)
                .filter(|(_, at)| absent.get(*at) == Some(&false))
                .map(|(o, at)| (o.clone(), at))
                .unzip();
            let mut found: Vec<VarBind> =
                objects.iter().map(|object| VarBind::new(object.clone(), Value::NoSuchObject)).collect();
            if asked.is_empty() {
                return Ok(found);
            }
            match self.client.get_many(&asked).await {
                Ok(answer) => {
                    if answer.varbinds.len() != asked.len() {
                        let (got, wanted) = (answer.varbinds.len(), asked.len());
                        return Err(SnmpError::Garbled(format!("{got} bindings instead of {wanted}")));
                    }
                    for ((binding, object), place) in answer.varbinds.into_iter().zip(&asked).zip(places) {
                        if binding.oid != *object {
                            return Err(SnmpError::Garbled(format!("{} instead of {object}", binding.oid)));
                        }
                        if let Some(slot) = found.get_mut(place) {
                            *slot = binding;
                        }
                    }
                    return Ok(found);
                }
                // SNMPv1 has no word for one object that is missing among others: it is left out and the rest asked again.
                Err(error) => {
                    let place = missing_in_v1(&error).and_then(|index| places.get(index)).copied();
                    match place.and_then(|place| absent.get_mut(place)) {
                        Some(flag) => *flag = true,
                        None => return Err(describe(&error)),
                    }
                }
            }
        }
    }

    /// Everything below `root` in order, until there is as much as `limit` says.
    ///
    /// # Errors
    /// Any [`SnmpError`]; objects that don't increase are garbled, so that a walk always ends.
    pub async fn walk(&self, root: &Oid, limit: WalkLimit) -> Result<Vec<VarBind>, SnmpError> {
        match self.walk_by(root, limit, WalkMethod::Auto).await {
            // Some agents can't GETBULK at all.
            Err(SnmpError::Status(_)) => self.walk_by(root, limit, WalkMethod::GetNext).await,
            other => other,
        }
    }

    async fn walk_by(&self, root: &Oid, limit: WalkLimit, method: WalkMethod) -> Result<Vec<VarBind>, SnmpError> {
        let repetitions = u32::try_from(limit.bindings).unwrap_or(REPETITIONS).clamp(1, REPETITIONS);
        let options = WalkOptions { method, max_repetitions: repetitions, ..WalkOptions::default() };
        let mut stream = self.client.walk_with(root.clone(), options).map_err(|error| describe(&error))?;
        let mut found = Vec::new();
        let mut bytes = 0;
        while found.len() < limit.bindings && bytes <= limit.bytes {
            match stream.next().await {
                None => break,
                Some(Ok(binding)) => {
                    bytes += size(&binding);
                    found.push(binding);
                }
                // The end of a version 1 agent's objects.
                Some(Err(error)) if missing_in_v1(&error).is_some() => break,
                Some(Err(error)) => return Err(describe(&error)),
            }
        }
        Ok(found)
    }

    /// Writes all bindings or none, as far as the agent keeps RFC 3416. It is sent once: who writes to count or to
    /// reset something must not do it twice because an answer was late.
    ///
    /// # Errors
    /// Any [`SnmpError`]; after some of them it [may have been done](SnmpError::leaves_doubt).
    pub async fn set(&self, bindings: &[(Oid, Value)]) -> Result<(), SnmpError> {
        let once = self.links.client(self.address, &self.reach, WRITE_PATIENCE, Retry::none()).await?;
        once.set_many(bindings).await.map(|_| ()).map_err(|error| describe(&error))
    }
}

/// Bytes of a binding, the least that any count of them comes to.
fn size(binding: &VarBind) -> usize {
    let value = match &binding.value {
        Value::OctetString(octets) | Value::Opaque(octets) => octets.len(),
        _ => 0,
    };
    binding.oid.len() * size_of::<u32>() + value
}

/// The place, counted from 0, of the object that a version 1 agent doesn't have.
fn missing_in_v1(error: &Error) -> Option<usize> {
    match root_of(error) {
        Error::Snmp { status: ErrorStatus::NoSuchName, index, .. } => usize::try_from(*index).ok()?.checked_sub(1),
        _ => None,
    }
}

fn root_of(error: &Error) -> &Error {
    match error {
        Error::SharedOperation { source } => root_of(source),
        Error::Exchange { source, .. } => root_of(source),
        other => other,
    }
}

fn describe(error: &Error) -> SnmpError {
    match root_of(error) {
        Error::Timeout { .. } | Error::ConstructionTimeout { .. } => SnmpError::Timeout,
        Error::Snmp { status, .. } => SnmpError::Status(status.to_string()),
        Error::Auth { .. } => SnmpError::Refused("authentication failed".to_owned()),
        Error::Report { status, .. } => SnmpError::Refused(status.to_string()),
        Error::Network { source, .. } => SnmpError::Network(source.to_string()),
        Error::Closed { .. } => SnmpError::Network("the socket was closed".to_owned()),
        Error::Config(why) => SnmpError::Network(why.to_string()),
        Error::OutboundMessageTooLarge { .. } => SnmpError::Network("it is too large for one message".to_owned()),
        other => SnmpError::Garbled(other.to_string()),
    }
}
