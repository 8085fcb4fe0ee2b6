//! Links to agents that aren't ours, on loopback.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use async_snmp::handler::{BoxFuture, GetNextResult, GetResult, HandlerResult, MibHandler, RequestContext};
use async_snmp::{Agent, Oid, Value};
use hostler_core::Secret;
use hostler_core::device::SnmpReach;
use hostler_links::{Credentials, Lane, SnmpCredential, SnmpError, SnmpLink, SnmpLinks};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;

#[path = "../../../sdk/plugin/src/testing/skipped.rs"]
mod skipped;
use skipped::cannot;

const SYS_NAME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 5, 0];

async fn link(address: SocketAddr) -> SnmpLink {
    let credential = SnmpCredential::V2c { community: Secret::new("public".to_owned()) };
    let credentials = Credentials::prepare(&BTreeMap::from([("network".to_owned(), credential)]), BTreeMap::new());
    let links = SnmpLinks::open(Arc::new(credentials.unwrap())).await.unwrap();
    let reach = SnmpReach { port: address.port(), credential: "network".to_owned() };
    links.link(address.ip(), &reach, Lane::Lively).await.unwrap()
}

/// Knows its name and nothing else.
struct Named;

impl MibHandler for Named {
    fn get<'a>(&'a self, _: &'a RequestContext, oid: &'a Oid) -> BoxFuture<'a, HandlerResult<GetResult>> {
        let known = *oid == Oid::from_slice(&SYS_NAME);
        let answer = if known { GetResult::Value(Value::from("upstairs")) } else { GetResult::NoSuchObject };
        Box::pin(async move { Ok(answer) })
    }

    fn get_next<'a>(&'a self, _: &'a RequestContext, _: &'a Oid) -> BoxFuture<'a, HandlerResult<GetNextResult>> {
        Box::pin(async { Ok(GetNextResult::EndOfMibView) })
    }
}

#[tokio::test]
async fn e09_an_agent_is_read_over_ipv6() {
    // The port is asked for and given back; another test's process would have to take it in between.
    let free = match UdpSocket::bind("[::1]:0").await {
        Ok(socket) => socket.local_addr().unwrap(),
        Err(error) => return cannot(&format!("this machine has no IPv6 on loopback: {error}")),
    };
    let agent = Agent::builder().bind(free.to_string()).communities([&b"public"[..]]).allow_all_access();
    let agent = agent.without_builtin_handlers().handler(Oid::from_slice(&[1, 3, 6, 1]), Arc::new(Named));
    let agent = agent.build().await.unwrap();
    let running = tokio::spawn(async move { agent.run().await });
    let found = link(free).await.get(&[Oid::from_slice(&SYS_NAME)]).await.unwrap();
    assert_eq!(found[0].value, Value::from("upstairs"));
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_nobody_answers_is_sent_once_and_leaves_doubt() {
    let device = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let link = link(device.local_addr().unwrap()).await;
    let reset = [(Oid::from_slice(&[1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 3, 1]), Value::Integer(4))];
    let error = link.set(&reset).await.unwrap_err();
    assert_eq!(error, SnmpError::Timeout);
    assert!(error.leaves_doubt());
    let mut sent = 0;
    while device.try_recv(&mut [0; 2_048]).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn a_write_that_can_not_be_sent_leaves_no_doubt() {
    let device = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let link = link(device.local_addr().unwrap()).await;
    let many: Vec<_> = (0..41).map(|n| (Oid::from_slice(&[1, 3, 6, 1, 9, n]), Value::Integer(1))).collect();
    assert!(!link.set(&many).await.unwrap_err().leaves_doubt());
    assert!(device.try_recv(&mut [0; 2_048]).is_err(), "nothing was sent");
}
