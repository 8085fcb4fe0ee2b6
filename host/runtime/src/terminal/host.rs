//! What a terminal lends: its network, progress, log lines and the time.

use super::bindings::{lan, progress, terminal_types};
use super::{Progress, Visit};
use crate::bindings::wit::types::{Binding, HttpHeader, HttpMethod as Method};
use crate::bindings::wit::{clock, log, types};
use crate::call::{LogLevel, LogLine};
use crate::capabilities::size;
use crate::convert::{self, PlainValue, binding_to_guest};
use hostler_links::{HttpMethod, HttpRequest, LanError, Oid, Value, VarBind};
use lan::{Answer, LanError as Error, Order, Range, WebRequest, WebResponse};
use std::time::Duration;
use wasmtime::Result;

/// Addresses that are asked before what came back is counted: as much as may be in memory before a limit is met.
const AT_A_TIME: usize = 256;

/// Objects of one question, and bindings of one order: what fits into one message.
const MESSAGE: usize = 40;

/// Bytes of a web server's answer that are taken.
const PAGE: usize = 256 << 10;

/// Milliseconds of one pause.
const PAUSE: u32 = 10_000;

impl types::Host for Visit {}
impl terminal_types::Host for Visit {}

impl lan::Host for Visit {
    fn ranges(&mut self) -> Result<Vec<Range>> {
        let range = |net: &ipnet::IpNet| {
            // A network's own address and the one of all its devices are no device's.
            let (first, last) = match net {
                ipnet::IpNet::V4(net) if net.prefix_len() < 31 => {
                    let inner = |bits: u32| std::net::Ipv4Addr::from_bits(bits).to_string();
                    (inner(net.network().to_bits() + 1), inner(net.broadcast().to_bits() - 1))
                }
                net => (net.network().to_string(), net.broadcast().to_string()),
            };
            Range { first, last }
        };
        Ok(self.lan.ranges().iter().map(range).collect())
    }

    async fn listed(&mut self) -> Result<Result<Vec<String>, Error>> {
        self.purse.operations(1)?;
        let found = match self.lan.listed(self.purse.bytes_left()).await {
            Ok(found) => found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            Err(error) => return Ok(Err(tell(error))),
        };
        self.purse.bytes(found.iter().map(String::len).sum())?;
        Ok(Ok(found))
    }

    async fn broadcast(&mut self, objects: Vec<Vec<u32>>) -> Result<Result<Vec<Answer>, Error>> {
        self.purse.operations(1)?;
        self.count_objects(&objects)?;
        let found = match self.lan.broadcast(&oids(&objects)).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(tell(error))),
        };
        let answer = |(ip, bindings): (std::net::IpAddr, Vec<VarBind>)| {
            let bindings = self.hand_over(&bindings)?;
            Ok(Answer { address: ip.to_string(), bindings })
        };
        found.into_iter().map(answer).collect::<Result<_>>().map(Ok)
    }

    async fn get(
        &mut self,
        addresses: Vec<String>,
        objects: Vec<Vec<u32>>,
    ) -> Result<Vec<Result<Vec<Binding>, Error>>> {
        self.count_objects(&objects)?;
        let objects = oids(&objects);
        let mut all = Vec::with_capacity(addresses.len());
        for some in addresses.chunks(AT_A_TIME) {
            self.count(some.len(), some.iter().map(String::len).sum())?;
            for found in self.lan.clone().get(some, &objects).await {
                all.push(match found {
                    Ok(found) => Ok(self.hand_over(&found)?),
                    Err(error) => Err(tell(error)),
                });
            }
        }
        Ok(all)
    }

    async fn set(&mut self, orders: Vec<Order>) -> Result<Vec<Result<(), Error>>> {
        let mut all = Vec::with_capacity(orders.len());
        for some in orders.chunks(AT_A_TIME) {
            self.count(some.len(), some.iter().flat_map(|order| &order.bindings).map(size).sum())?;
            let plain = |order: &Order| {
                let value = |value: &types::SnmpValue| Value::from(PlainValue::from(value.clone()));
                let binding = |binding: &Binding| (Oid::from_slice(&binding.oid), value(&binding.value));
                (order.address.clone(), order.bindings.iter().take(MESSAGE).map(binding).collect())
            };
            let orders: Vec<_> = some.iter().map(plain).collect();
            all.extend(self.lan.set(&orders).await.into_iter().map(|done| done.map_err(tell)));
        }
        Ok(all)
    }

    async fn send(&mut self, requests: Vec<WebRequest>) -> Result<Vec<Result<WebResponse, Error>>> {
        let mut all = Vec::with_capacity(requests.len());
        for some in requests.chunks(AT_A_TIME) {
            self.count(some.len(), some.iter().map(|request| request.path.len() + request.body.len()).sum())?;
            let requests: Vec<_> = some.iter().map(|request| (request.address.clone(), plain(request))).collect();
            for found in self.lan.clone().send(&requests, PAGE.min(self.purse.bytes_left())).await {
                all.push(match found {
                    Ok(answer) => {
                        let heads: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
                        self.purse.bytes(heads + answer.body.len())?;
                        let header = |(name, value)| HttpHeader { name, value };
                        let headers = answer.headers.into_iter().map(header).collect();
                        Ok(WebResponse { status: answer.status, headers, body: answer.body })
                    }
                    Err(error) => Err(tell(error)),
                });
            }
        }
        Ok(all)
    }

    async fn pause(&mut self, milliseconds: u32) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(milliseconds.min(PAUSE).into())).await;
        Ok(())
    }
}

impl Visit {
    fn count(&mut self, requests: usize, bytes: usize) -> Result<()> {
        self.purse.operations(u32::try_from(requests).unwrap_or(u32::MAX))?;
        Ok(self.purse.bytes(bytes)?)
    }

    fn count_objects(&mut self, objects: &[Vec<u32>]) -> Result<()> {
        Ok(self.purse.bytes(objects.iter().map(|oid| oid.len() * 4).sum())?)
    }

    fn hand_over(&mut self, found: &[VarBind]) -> Result<Vec<Binding>> {
        let bindings: Vec<Binding> = found.iter().map(binding_to_guest).collect();
        self.purse.bytes(bindings.iter().map(size).sum())?;
        Ok(bindings)
    }
}

fn oids(objects: &[Vec<u32>]) -> Vec<Oid> {
    objects.iter().take(MESSAGE).map(|arcs| Oid::from_slice(arcs)).collect()
}

fn plain(request: &WebRequest) -> HttpRequest {
    HttpRequest {
        method: match request.method {
            Method::Get => HttpMethod::Get,
            Method::Head => HttpMethod::Head,
            Method::Post => HttpMethod::Post,
            Method::Put => HttpMethod::Put,
            Method::Delete => HttpMethod::Delete,
        },
        path: request.path.clone(),
        headers: request.headers.iter().map(|header| (header.name.clone(), header.value.clone())).collect(),
        body: request.body.clone(),
        credential: None,
    }
}

fn tell(error: LanError) -> Error {
    match error {
        LanError::Timeout => Error::Timeout,
        LanError::Forbidden(why) => Error::Forbidden(why),
        LanError::Status(name) => Error::Status(name),
        LanError::Garbled(why) => Error::Garbled(why),
        LanError::Connection(why) => Error::Connection(why),
        LanError::Broken(why) => Error::Broken(why),
        LanError::TooLarge => Error::TooLarge,
    }
}

impl progress::Host for Visit {
    fn report(&mut self, done: u32, total: u32, about: String) -> Result<()> {
        self.purse.bytes(about.len())?;
        (self.progress)(Progress { done, total, about: convert::text(about) });
        Ok(())
    }
}

impl log::Host for Visit {
    fn write(&mut self, level: log::LogLevel, text: String) -> Result<()> {
        self.purse.bytes(text.len())?;
        if self.log.len() >= self.purse.budget.log_lines as usize {
            self.purse.log_dropped = self.purse.log_dropped.saturating_add(1);
            return Ok(());
        }
        self.log.push(LogLine { level: LogLevel::from(level), text: convert::text(text) });
        Ok(())
    }
}

impl clock::Host for Visit {
    fn now(&mut self) -> Result<u64> {
        Ok(self.now.plus(self.begun.elapsed()).0)
    }
}
