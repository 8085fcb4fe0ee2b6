//! One request, by its kind: GET, GETNEXT and SET as RFC 1157 and RFC 3416 have them.

use async_snmp::pdu::{PduBody, StandardPduType};
use async_snmp::{ErrorStatus, Oid, Value, VarBind, Version};

use super::{Answer, MAX_BINDINGS, Right, bulk, writable};
use crate::device::Look;
use crate::fault::Fault;

/// The answer to a request; none to what isn't a request.
pub(super) fn answer(
    look: &mut Look<'_>,
    version: Version,
    right: Right,
    body: PduBody,
    asked: Vec<VarBind>,
) -> Option<Answer> {
    let fault = look.state.fault;
    let (non_repeaters, repetitions) = match body {
        PduBody::GetBulk { non_repeaters, max_repetitions } => (non_repeaters, max_repetitions),
        PduBody::Standard { pdu_type, .. } => return standard(look, version, right, pdu_type, asked),
    };
    Some(match fault {
        Some(Fault::NoBulk) => Answer::bad(ErrorStatus::GenErr, 1, asked),
        Some(Fault::TooBig) if asked.len() > 1 || repetitions > 1 => Answer::too_big(version, asked),
        _ => bulk::answer(look, non_repeaters, repetitions, asked),
    })
}

fn standard(
    look: &mut Look<'_>,
    version: Version,
    right: Right,
    kind: StandardPduType,
    asked: Vec<VarBind>,
) -> Option<Answer> {
    let too_big = look.state.fault == Some(Fault::TooBig) && asked.len() > 1;
    Some(match kind {
        StandardPduType::GetRequest | StandardPduType::GetNextRequest if too_big => Answer::too_big(version, asked),
        StandardPduType::GetRequest => each(version, asked, |oid| get(look, version, oid)),
        StandardPduType::GetNextRequest => each(version, asked, |oid| next(look, version, oid)),
        StandardPduType::SetRequest => set(look, version, right, asked),
        _ => return None,
    })
}

/// Answers each binding on its own; the first that SNMPv1 has no word for spoils all.
fn each(version: Version, asked: Vec<VarBind>, mut find: impl FnMut(Oid) -> Result<VarBind, Oid>) -> Answer {
    let mut found = Vec::with_capacity(asked.len());
    let mut size = 0;
    for (place, binding) in asked.iter().enumerate() {
        match find(binding.oid.clone()) {
            Ok(binding) => {
                size += binding.encoded_size();
                found.push(binding);
            }
            Err(_) => return Answer::bad(ErrorStatus::NoSuchName, place + 1, asked),
        }
        if size > MAX_BINDINGS {
            return Answer::too_big(version, asked);
        }
    }
    Answer::good(found)
}

/// RFC 3416 §4.2.1: a value, or an exception; in SNMPv1, which has no exceptions, the name that was asked for.
fn get(look: &Look<'_>, version: Version, oid: Oid) -> Result<VarBind, Oid> {
    match (look.get(&oid), version) {
        (Some(Value::Counter64(_)) | None, Version::V1) => Err(oid),
        (Some(value), _) => Ok(VarBind::new(oid, value)),
        (None, _) => {
            let value = missing(look, &oid);
            Ok(VarBind::new(oid, value))
        }
    }
}

/// noSuchInstance when the object has other instances, noSuchObject when it has none.
pub(crate) fn missing(look: &Look<'_>, oid: &Oid) -> Value {
    let sibling = |object: Oid| look.state.mib.after(&object).is_some_and(|(name, _)| name.starts_with(&object));
    if oid.parent().is_some_and(sibling) { Value::NoSuchInstance } else { Value::NoSuchObject }
}

/// RFC 3416 §4.2.2: the next object, or endOfMibView. SNMPv1 has no Counter64 and passes over them (RFC 3584 §4.2.2.1).
fn next(look: &Look<'_>, version: Version, oid: Oid) -> Result<VarBind, Oid> {
    let mut at = oid.clone();
    loop {
        match look.next(&at) {
            Some((name, Value::Counter64(_))) if version == Version::V1 && name > at => at = name,
            Some((name, value)) => return Ok(VarBind::new(name, value)),
            None if version == Version::V1 => return Err(oid),
            None => return Ok(VarBind::new(oid, Value::EndOfMibView)),
        }
    }
}

/// RFC 3416 §4.2.5: all of it or nothing.
fn set(look: &mut Look<'_>, version: Version, right: Right, asked: Vec<VarBind>) -> Answer {
    for (place, binding) in asked.iter().enumerate() {
        let allowed = match right {
            Right::Read => Err(ErrorStatus::NoAccess),
            Right::Write => writable::check(look, &binding.oid, &binding.value),
        };
        if let Err(status) = allowed {
            let status = if version == Version::V1 { for_version_1(status) } else { status };
            return Answer::bad(status, place + 1, asked);
        }
    }
    for binding in &asked {
        writable::apply(look, &binding.oid, &binding.value);
    }
    Answer::good(asked)
}

/// RFC 3584 §4.4.
fn for_version_1(status: ErrorStatus) -> ErrorStatus {
    match status {
        ErrorStatus::WrongValue | ErrorStatus::WrongLength | ErrorStatus::WrongType => ErrorStatus::BadValue,
        ErrorStatus::GenErr => ErrorStatus::GenErr,
        _ => ErrorStatus::NoSuchName,
    }
}
