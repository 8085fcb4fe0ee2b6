//! GETBULK (RFC 3416 §4.2.3).

use async_snmp::{Oid, Value, VarBind, Version};

use super::{Answer, MAX_BINDINGS};
use crate::device::Look;
use crate::fault::Fault;

/// The bindings of a reply, as long as they fit.
struct Reply {
    bindings: Vec<VarBind>,
    size: usize,
}

/// Whether another binding may follow.
#[derive(PartialEq, Eq)]
enum Room {
    Left,
    Full,
}

impl Reply {
    fn push(&mut self, binding: VarBind) -> Room {
        self.size += binding.encoded_size();
        if self.size > MAX_BINDINGS {
            return Room::Full;
        }
        self.bindings.push(binding);
        Room::Left
    }
}

/// The first bindings once, the others again and again until each has ended, the number is reached, or the reply is
/// full.
pub(super) fn answer(look: &Look<'_>, non_repeaters: u32, repetitions: u32, mut asked: Vec<VarBind>) -> Answer {
    let once = usize::try_from(non_repeaters).unwrap_or(usize::MAX).min(asked.len());
    let mut at: Vec<Oid> = asked.iter().skip(once).map(|binding| binding.oid.clone()).collect();
    let mut reply = Reply { bindings: Vec::with_capacity(32), size: 0 };
    for binding in asked.iter().take(once) {
        if reply.push(next(look, &binding.oid)) == Room::Full {
            return finish(reply, &mut asked);
        }
    }
    let padded = look.state.fault == Some(Fault::Padded);
    for _ in 0..repetitions {
        let mut ended = true;
        for oid in &mut at {
            let binding = next(look, oid);
            ended &= binding.value == Value::EndOfMibView;
            oid.clone_from(&binding.oid);
            if reply.push(binding) == Room::Full {
                return finish(reply, &mut asked);
            }
        }
        if ended && !padded {
            break;
        }
    }
    finish(reply, &mut asked)
}

/// A reply without room for its first binding is tooBig; any other is as good as it could be made.
fn finish(reply: Reply, asked: &mut Vec<VarBind>) -> Answer {
    if reply.bindings.is_empty() && reply.size > 0 {
        return Answer::too_big(Version::V2c, std::mem::take(asked));
    }
    Answer::good(reply.bindings)
}

fn next(look: &Look<'_>, oid: &Oid) -> VarBind {
    match look.next(oid) {
        Some((name, value)) => VarBind::new(name, value),
        None => VarBind::new(oid.clone(), Value::EndOfMibView),
    }
}
