//! E11: the user's network, with agents that answer to all at once.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use async_snmp::message::{CommunityMessage, CommunityPdu};
use async_snmp::pdu::ResponsePdu;
use async_snmp::{DecodeConfig, Oid, Value, VarBind, Version};
use hostler_core::Secret;
use hostler_links::{Lan, LanRules};
use std::net::{IpAddr, Ipv4Addr};
use tokio::net::UdpSocket;

#[path = "../../../sdk/plugin/src/testing/skipped.rs"]
mod skipped;

const NAME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 5, 0];

/// Answers whoever knows the community, and says something else first.
async fn answer(socket: UdpSocket) {
    let mut buffer = vec![0; 4_096];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let message = CommunityMessage::decode(buffer[..length].to_vec().into(), DecodeConfig::DEFAULT).unwrap().value;
        let (_, community, pdu) = message.into_parts();
        let CommunityPdu::Standard(pdu) = pdu else { continue };
        if !community.matches("office") {
            continue;
        }
        let (id, _, asked) = pdu.into_raw_parts();
        let named = |name: &str| {
            let value = Value::OctetString(name.as_bytes().to_vec().into());
            asked.iter().map(|binding| VarBind::new(binding.oid.clone(), value.clone())).collect::<Vec<_>>()
        };
        let said = |community: &str, id, bindings| {
            let response = ResponsePdu::success(Version::V2c, id, bindings).unwrap();
            CommunityMessage::v2c(community, response).unwrap().encode().unwrap().to_vec()
        };
        // None of these is an answer to the question.
        let other = vec![VarBind::new(Oid::from_slice(&[1, 3, 6, 1]), Value::Integer(1))];
        for wrong in
            [said("office", id ^ 1, named("guessed")), said("other", id, named("stranger")), said("office", id, other)]
        {
            socket.send_to(&wrong, from).await.unwrap();
        }
        socket.send_to(b"nonsense", from).await.unwrap();
        socket.send_to(&said("office", id, named("fern")), from).await.unwrap();
    }
}

async fn ask(range: &str, port: u16, community: &str) -> Vec<(IpAddr, Vec<VarBind>)> {
    let rules = LanRules {
        ranges: vec![range.parse().unwrap()],
        snmp_port: port,
        community: Secret::new(community.to_owned()),
        ..LanRules::default()
    };
    Lan::open(rules).await.unwrap().broadcast(&[Oid::from_slice(&NAME)]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_an_agent_answers_to_a_broadcast_and_only_real_answers_from_the_range_count() {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(answer(socket));
    let found = ask("127.0.0.0/8", port, "office").await;
    if found.is_empty() {
        return skipped::cannot("this machine's loopback has no broadcast");
    }
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1[0].value, Value::OctetString(b"fern".to_vec().into()));
    assert!(ask("127.0.0.0/8", port, "wrong").await.is_empty());
    // The same broadcast address, and an agent that is outside of what may be reached.
    assert!(ask("127.255.255.0/24", port, "office").await.is_empty());
}
