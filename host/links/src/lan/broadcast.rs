//! One question to all agents of a network, SNMPv2c: many answer to it, each for itself.

use super::{LanError, LanRules};
use async_snmp::message::{CommunityMessage, CommunityPdu};
use async_snmp::pdu::RequestPdu;
use async_snmp::{DecodeConfig, Oid, VarBind, Version};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::Instant;

/// How long answers are waited for; the question is asked again after half of it.
const PATIENCE: Duration = Duration::from_secs(2);

/// So many answer at most.
const MOST: usize = 10_000;

pub(super) async fn ask(rules: &LanRules, objects: &[Oid]) -> Result<Vec<(IpAddr, Vec<VarBind>)>, LanError> {
    let targets: Vec<Ipv4Addr> = rules.ranges.iter().filter_map(broadcast_of).collect();
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let broken = |error: std::io::Error| LanError::Connection(error.to_string());
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.map_err(broken)?;
    socket.set_broadcast(true).map_err(broken)?;
    let id = request_id()?;
    let message =
        question(rules.community.expose(), id, objects).map_err(|error| LanError::Garbled(error.to_string()))?;
    let mut found = BTreeMap::new();
    for _ in 0..2 {
        for target in &targets {
            // A network that can't be reached is one that nobody answers in.
            if let Err(error) = socket.send_to(&message, (*target, rules.snmp_port)).await {
                tracing::debug!(%error, %target, "the broadcast wasn't sent");
            }
        }
        listen(&socket, Instant::now() + PATIENCE / 2, |from, datagram| {
            let ours = from.port() == rules.snmp_port && rules.in_range(from.ip()) && found.len() < MOST;
            if let Some(bindings) = ours.then(|| answer(rules.community.expose(), id, objects, datagram)).flatten() {
                found.entry(from.ip()).or_insert(bindings);
            }
        })
        .await;
    }
    Ok(found.into_iter().collect())
}

/// The address of all devices of a range, where it has one.
fn broadcast_of(range: &IpNet) -> Option<Ipv4Addr> {
    match range {
        IpNet::V4(range) if range.prefix_len() <= 30 => Some(range.broadcast()),
        _ => None,
    }
}

async fn listen(socket: &UdpSocket, end: Instant, mut take: impl FnMut(SocketAddr, &[u8])) {
    let mut buffer = vec![0; 65_536];
    while let Ok(received) = tokio::time::timeout_at(end, socket.recv_from(&mut buffer)).await {
        // What an earlier datagram of ours ran into elsewhere is told here as an error; the others may still answer.
        if let Ok((length, from)) = received
            && let Some(datagram) = buffer.get(..length)
        {
            take(from, datagram);
        }
    }
}

fn request_id() -> Result<i32, LanError> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| LanError::Connection(error.to_string()))?;
    Ok(i32::from_be_bytes(bytes) & i32::MAX)
}

fn question(community: &str, id: i32, objects: &[Oid]) -> async_snmp::Result<Vec<u8>> {
    let request = RequestPdu::get(Version::V2c, id, objects)?;
    Ok(CommunityMessage::v2c(community, request)?.encode()?.to_vec())
}

/// What somebody answered to the question; nothing where it is no answer to it.
fn answer(community: &str, id: i32, objects: &[Oid], datagram: &[u8]) -> Option<Vec<VarBind>> {
    let message = CommunityMessage::decode(datagram.to_vec().into(), DecodeConfig::DEFAULT).ok()?.value;
    let (_, theirs, pdu) = message.into_parts();
    let CommunityPdu::Standard(pdu) = pdu else { return None };
    if !theirs.matches(community) || pdu.is_error() || pdu.pdu_type() != async_snmp::pdu::PduType::Response {
        return None;
    }
    let (answered, _, bindings) = pdu.into_raw_parts();
    let asked = bindings.len() == objects.len() && bindings.iter().zip(objects).all(|(found, oid)| found.oid == *oid);
    (answered == id && asked).then_some(bindings)
}
