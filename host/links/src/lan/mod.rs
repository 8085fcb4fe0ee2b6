//! The network that a user's terminal is in, for terminal plug-ins. Here there are addresses, and so a rule: nothing is sent
//! to an address that the user didn't let be reached, nor to another port than the two that the user set.
//!
//! `rules` says what may be reached, `broadcast` asks all agents at once, `list` asks a server for addresses, `names` looks
//! up what they mean here.

mod broadcast;
mod list;
mod names;
mod rules;

pub use names::resolve_all;
pub use rules::LanRules;

use crate::credential::{Credentials, SnmpCredential};
use crate::http::{HttpError, HttpLinks, HttpRequest, HttpResponse};
use crate::lanes::Lane;
use crate::snmp::{SnmpError, SnmpLink, SnmpLinks};
use async_snmp::{Oid, Value, VarBind};
use futures::StreamExt;
use hostler_core::device::{HttpReach, SnmpReach};
use ipnet::IpNet;
use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Requests that are under way at once: enough to search a network while somebody waits, and few enough not to lose answers.
const IN_FLIGHT: usize = 128;

/// What the community is called inside.
const CREDENTIAL: &str = "terminal";

/// Why something in the network couldn't be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LanError {
    /// No answer, however patient.
    #[error("it did not answer")]
    Timeout,
    /// The user doesn't let it be reached, or it can't be; nothing was sent.
    #[error("{0}")]
    Forbidden(String),
    /// The agent answered with an error status.
    #[error("its agent answered {0}")]
    Status(String),
    /// What came back is no answer.
    #[error("it answered nonsense: {0}")]
    Garbled(String),
    /// There is no connection; nothing was done.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The connection ended before the answer was whole.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The answer is larger than may be taken.
    #[error("the answer is too large")]
    TooLarge,
}

impl From<SnmpError> for LanError {
    fn from(error: SnmpError) -> Self {
        match error {
            SnmpError::Timeout => Self::Timeout,
            SnmpError::Status(name) => Self::Status(name),
            SnmpError::Garbled(why) => Self::Garbled(why),
            other => Self::Connection(other.to_string()),
        }
    }
}

impl From<HttpError> for LanError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Timeout => Self::Timeout,
            HttpError::Invalid(why) => Self::Forbidden(why),
            HttpError::Broken(why) => Self::Broken(why),
            HttpError::TooLarge(_) => Self::TooLarge,
            other => Self::Connection(other.to_string()),
        }
    }
}

/// The way into the network.
pub struct Lan {
    rules: LanRules,
    snmp: SnmpLinks,
    http: HttpLinks,
    /// Who answered, or was named by the user: they are worth more patience than what is only tried.
    known: Mutex<HashSet<IpAddr>>,
    /// What a server in the network listed.
    listed: Mutex<HashSet<IpAddr>>,
}

impl Lan {
    /// Opens the sockets.
    ///
    /// # Errors
    /// The system gives none.
    pub async fn open(rules: LanRules) -> Result<Self, LanError> {
        let credential = SnmpCredential::V2c { community: rules.community.clone() };
        let credentials = Credentials::prepare(&BTreeMap::from([(CREDENTIAL.to_owned(), credential)]), BTreeMap::new())
            .map_err(|error| LanError::Connection(error.to_string()))?;
        let snmp = SnmpLinks::open(Arc::new(credentials)).await?;
        let known = rules.given.iter().copied().collect();
        // What a web server is asked carries no credentials of ours.
        let http = HttpLinks::open(Arc::default())?;
        Ok(Self { rules, snmp, http, known: Mutex::new(known), listed: Mutex::default() })
    }

    /// What is to be searched one by one; nothing where a server is asked instead.
    #[must_use]
    pub fn ranges(&self) -> &[IpNet] {
        if self.rules.list.is_some() { &[] } else { &self.rules.ranges }
    }

    /// The address, if it may be reached.
    fn reachable(&self, address: &str) -> Result<IpAddr, LanError> {
        let listed = |ip: &IpAddr| self.listed.lock().unwrap_or_else(PoisonError::into_inner).contains(ip);
        self.rules.reachable(address, listed)
    }

    fn is_known(&self, ip: IpAddr) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&ip)
    }

    fn answered(&self, ip: IpAddr) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(ip);
    }

    async fn agent(&self, ip: IpAddr) -> Result<SnmpLink, LanError> {
        let reach = SnmpReach { port: self.rules.snmp_port, credential: CREDENTIAL.to_owned() };
        let lane = if self.is_known(ip) { Lane::Lively } else { Lane::Doubtful };
        Ok(self.snmp.link(ip, &reach, lane).await?)
    }

    /// Asks these agents, many at a time; the answers are in the order of the addresses.
    pub async fn get(&self, addresses: &[String], objects: &[Oid]) -> Vec<Result<Vec<VarBind>, LanError>> {
        side_by_side(addresses.iter().map(|address| self.get_one(address, objects)).collect()).await
    }

    async fn get_one(&self, address: &str, objects: &[Oid]) -> Result<Vec<VarBind>, LanError> {
        let ip = self.reachable(address)?;
        let found = self.agent(ip).await?.get(objects).await?;
        self.answered(ip);
        Ok(found)
    }

    /// Writes, each order once; the results are in their order.
    pub async fn set(&self, orders: &[(String, Vec<(Oid, Value)>)]) -> Vec<Result<(), LanError>> {
        side_by_side(orders.iter().map(|(address, bindings)| self.set_one(address, bindings)).collect()).await
    }

    async fn set_one(&self, address: &str, bindings: &[(Oid, Value)]) -> Result<(), LanError> {
        let ip = self.reachable(address)?;
        Ok(self.agent(ip).await?.set(bindings).await?)
    }

    /// Asks web servers, each once, and takes at most `limit` bytes of each body; the answers are in the order asked.
    pub async fn send(&self, requests: &[(String, HttpRequest)], limit: usize) -> Vec<Result<HttpResponse, LanError>> {
        side_by_side(requests.iter().map(|(address, request)| self.send_one(address, request.clone(), limit)).collect())
            .await
    }

    async fn send_one(&self, address: &str, request: HttpRequest, limit: usize) -> Result<HttpResponse, LanError> {
        let ip = self.reachable(address)?;
        let reach = HttpReach { tls: false, port: self.rules.http_port };
        Ok(self.http.link(ip, &reach, None).send(request, limit).await?)
    }

    /// Asks all agents of the ranges at once; those that answered. Where a server is asked instead, nobody is.
    ///
    /// # Errors
    /// The system gives no socket.
    pub async fn broadcast(&self, objects: &[Oid]) -> Result<Vec<(IpAddr, Vec<VarBind>)>, LanError> {
        if self.rules.list.is_some() {
            return Ok(Vec::new());
        }
        let found = broadcast::ask(&self.rules, objects).await?;
        found.iter().for_each(|(ip, _)| self.answered(*ip));
        Ok(found)
    }

    /// The addresses that the user's server lists, which may be reached from now on where they are of a private network.
    ///
    /// # Errors
    /// The server doesn't answer, or nothing that is a list.
    pub async fn listed(&self, limit: usize) -> Result<Vec<IpAddr>, LanError> {
        let Some(server) = &self.rules.list else { return Ok(Vec::new()) };
        let found = list::ask(server, limit).await?;
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).extend(&found);
        Ok(found)
    }
}

async fn side_by_side<R>(all: Vec<impl Future<Output = R>>) -> Vec<R> {
    futures::stream::iter(all).buffered(IN_FLIGHT).collect().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use tokio::net::{TcpListener, UdpSocket};

    async fn lan(range: &str, snmp_port: u16, http_port: u16) -> Lan {
        let rules = LanRules { ranges: vec![range.parse().unwrap()], snmp_port, http_port, ..LanRules::default() };
        Lan::open(rules).await.unwrap()
    }

    #[tokio::test]
    async fn e11_a_server_is_asked_instead_of_searching_even_where_it_lists_nobody() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = TcpListener::bind("127.0.77.1:0").await.unwrap();
        let list = format!("http://{}/", server.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1_024]).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]").await.unwrap();
        });
        let agent = UdpSocket::bind("127.0.77.7:0").await.unwrap();
        let port = agent.local_addr().unwrap().port();
        // The broadcast address of this network is the agent's own.
        let ranges = vec!["127.0.77.0/29".parse().unwrap()];
        let rules = LanRules { ranges: ranges.clone(), snmp_port: port, list: Some(list), ..LanRules::default() };
        let asked = Lan::open(rules.clone()).await.unwrap();
        assert_eq!(asked.listed(1_000).await.unwrap(), Vec::<IpAddr>::new());
        let object = [Oid::from_slice(&[1, 3, 6])];
        assert!(asked.broadcast(&object).await.unwrap().is_empty() && asked.ranges().is_empty());
        assert!(agent.try_recv(&mut [0; 2_048]).is_err(), "the network was searched");
        let searched = Lan::open(LanRules { list: None, ..rules }).await.unwrap();
        assert_eq!(searched.ranges(), ranges);
    }

    #[tokio::test]
    async fn e11_nothing_is_sent_to_what_the_user_did_not_let_be_reached() {
        let outside = UdpSocket::bind("127.0.77.9:0").await.unwrap();
        let web = TcpListener::bind(SocketAddr::new(outside.local_addr().unwrap().ip(), 0)).await.unwrap();
        let ports = (outside.local_addr().unwrap().port(), web.local_addr().unwrap().port());
        let lan = lan("127.0.77.0/29", ports.0, ports.1).await;
        let object = [Oid::from_slice(&[1, 3, 6])];
        let refused = lan.get(&["127.0.77.9".to_owned(), "::ffff:127.0.77.9".to_owned()], &object).await;
        assert!(refused.iter().all(|found| matches!(found, Err(LanError::Forbidden(_)))), "{refused:?}");
        let refused = lan.set(&[("127.0.77.9".to_owned(), Vec::new())]).await;
        assert!(matches!(refused.first(), Some(Err(LanError::Forbidden(_)))), "{refused:?}");
        let request = HttpRequest {
            method: crate::HttpMethod::Get,
            path: "/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: None,
        };
        // A name, a port and a user in the address are no address.
        for address in ["127.0.77.9", "localhost", "127.0.77.1:99", "x@127.0.77.1", "127.0.77.1/"] {
            let refused = lan.send(&[(address.to_owned(), request.clone())], 100).await;
            assert!(matches!(refused.first(), Some(Err(LanError::Forbidden(_)))), "{address}: {refused:?}");
        }
        // Nor does a path choose another port or host.
        for path in [":99/", "@127.0.77.9/", "http://127.0.77.9/"] {
            let request = HttpRequest { path: path.to_owned(), ..request.clone() };
            let refused = lan.send(&[("127.0.77.1".to_owned(), request)], 100).await;
            assert!(matches!(refused.first(), Some(Err(LanError::Forbidden(_)))), "{path}: {refused:?}");
        }
        assert!(outside.try_recv(&mut [0; 2_048]).is_err(), "something was sent");
        let nobody = tokio::time::timeout(std::time::Duration::from_millis(50), web.accept()).await;
        assert!(nobody.is_err(), "something was sent");
    }
}
