//! The light agent for SNMPv1 and v2c: a datagram in, at most one datagram out.
//!
//! It holds no socket and no state of its own, so that ten thousand devices share it. The codec is async-snmp's;
//! the order of the RFC's steps is in [`request`], GETBULK's in [`bulk`], and what may be written in [`writable`].

mod bulk;
mod request;
pub(crate) mod writable;

pub(crate) use request::missing;

use std::time::{Duration, Instant};

use async_snmp::ber::{EncodeBuf, tag};
use async_snmp::message::CommunityMessage;
use async_snmp::varbind::encode_varbind_list;
use async_snmp::{DecodeConfig, ErrorStatus, VarBind, Version};
use bytes::Bytes;

use crate::device::{Attention, Device};
use crate::fault::Fault;

/// Most bytes of a reply's variable bindings: a reply fits one Ethernet frame.
const MAX_BINDINGS: usize = 1400;

/// Who may ask.
#[derive(Debug)]
pub(crate) struct Access {
    /// Community that may read.
    pub(crate) read: Bytes,
    /// Community that may read and write.
    pub(crate) write: Option<Bytes>,
}

/// What a community may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Read,
    Write,
}

impl Access {
    fn right(&self, community: &[u8]) -> Option<Right> {
        if self.write.as_deref() == Some(community) {
            return Some(Right::Write);
        }
        (self.read == community).then_some(Right::Read)
    }
}

/// A reply and how long to hold it back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) datagram: Bytes,
    pub(crate) delay: Duration,
}

/// The part of a response PDU that a request's answer decides.
#[derive(Debug)]
struct Answer {
    status: ErrorStatus,
    /// Index of the variable binding at fault, from 1; 0 for none.
    index: usize,
    bindings: Vec<VarBind>,
}

impl Answer {
    fn good(bindings: Vec<VarBind>) -> Self {
        Self { status: ErrorStatus::NoError, index: 0, bindings }
    }

    fn bad(status: ErrorStatus, index: usize, bindings: Vec<VarBind>) -> Self {
        Self { status, index, bindings }
    }

    /// tooBig: SNMPv1 repeats the bindings, v2c leaves them out (RFC 1157 §4.1.2, RFC 3416 §4.2.1).
    fn too_big(version: Version, bindings: Vec<VarBind>) -> Self {
        let bindings = if version == Version::V1 { bindings } else { Vec::new() };
        Self::bad(ErrorStatus::TooBig, 0, bindings)
    }
}

/// What a device replies to a datagram; nothing when it isn't a request for it, or it doesn't care to.
pub(crate) fn reply(device: &Device, access: &Access, datagram: &[u8], now: Instant) -> Option<Reply> {
    let message = CommunityMessage::decode(Bytes::copy_from_slice(datagram), DecodeConfig::DEFAULT).ok()?.value;
    let (version, community, pdu) = message.into_parts();
    let right = access.right(community.as_bytes())?;
    let async_snmp::message::CommunityPdu::Standard(pdu) = pdu else { return None };
    device.count_request();
    let mut look = device.look();
    let Attention::AnswersAfter(delay) = look.state.power.request(now) else { return None };
    let fault = look.state.fault;
    if fault == Some(Fault::Silent) {
        return None;
    }
    let (request_id, body, bindings) = pdu.into_raw_parts();
    let answer = request::answer(&mut look, version, right, body, bindings)?;
    drop(look);
    let datagram = encode(version, community.as_bytes(), request_id, &answer)?;
    Some(match fault {
        Some(Fault::Slow(late)) => Reply { datagram, delay: delay + late },
        Some(Fault::Truncated) => Reply { datagram: datagram.slice(..datagram.len() / 2), delay },
        _ => Reply { datagram, delay },
    })
}

/// Encodes the response. The codec's checked constructors are passed by on purpose: they refuse what faulty devices
/// send. The buffer is written from its end, so the fields stand in reverse.
fn encode(version: Version, community: &[u8], request_id: i32, answer: &Answer) -> Option<Bytes> {
    let mut buffer = EncodeBuf::new();
    let written = buffer.push_sequence(|buffer| {
        buffer.push_constructed(tag::pdu::RESPONSE, |buffer| {
            encode_varbind_list(buffer, &answer.bindings)?;
            buffer.push_integer(i32::try_from(answer.index).unwrap_or(i32::MAX));
            buffer.push_integer(answer.status.as_i32());
            buffer.push_integer(request_id);
            Ok(())
        })?;
        buffer.push_octet_string(community)?;
        buffer.push_integer(version.as_i32());
        Ok(())
    });
    match written {
        Ok(()) => Some(buffer.finish()),
        Err(error) => {
            tracing::debug!(%error, "a simulated answer can't be encoded, so none is sent");
            None
        }
    }
}
