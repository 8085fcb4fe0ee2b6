//! `snmp`: the agent of the call's one device.

use crate::bindings::wit::snmp::{Binding, Error, Host, Oid as Arcs, Value};
use crate::call::Guest;
use crate::convert::{PlainValue, binding_to_guest};
use hostler_core::plugin::Capability;
use hostler_links::{Oid, SnmpError, VarBind, WalkLimit};
use wasmtime::Result;

/// Bindings of one walk at most, whatever a plug-in asks for.
const WALK: u32 = 5_000;

/// A walk costs one operation for each so many bindings begun.
const WALK_STEP: u32 = 64;

/// Objects of one operation: what fits into one message.
const MESSAGE: usize = 40;

impl Host for Guest {
    async fn get(&mut self, objects: Vec<Arcs>) -> Result<Result<Vec<Binding>, Error>> {
        self.purse.operations(u32::try_from(objects.len().div_ceil(MESSAGE)).unwrap_or(u32::MAX).max(1))?;
        self.purse.bytes(objects.iter().map(|oid| oid.len() * 4).sum())?;
        let Some(link) = &self.snmp else { return Ok(Err(Error::NoLink)) };
        let objects: Vec<Oid> = objects.iter().map(|arcs| Oid::from_slice(arcs)).collect();
        let found = link.get(&objects).await;
        self.hand_over(found)
    }

    async fn walk(&mut self, root: Arcs, limit: u32) -> Result<Result<Vec<Binding>, Error>> {
        self.purse.operations(1)?;
        self.purse.bytes(root.len() * 4)?;
        let Some(link) = &self.snmp else { return Ok(Err(Error::NoLink)) };
        // One binding more than is paid for: a walk that gets there is stopped, rather than seem to be at its end.
        let paid = self.purse.operations_left().saturating_add(1).saturating_mul(WALK_STEP).saturating_add(1);
        // The same goes for bytes.
        let limit = WalkLimit { bindings: limit.min(WALK).min(paid) as usize, bytes: self.purse.bytes_left() };
        let found = link.walk(&Oid::from_slice(&root), limit).await;
        let begun = found.as_ref().map_or(0, Vec::len).saturating_sub(1) / WALK_STEP as usize;
        self.purse.operations(u32::try_from(begun).unwrap_or(u32::MAX))?;
        self.hand_over(found)
    }

    async fn set(&mut self, bindings: Vec<Binding>) -> Result<Result<(), Error>> {
        self.purse.operations(1)?;
        self.purse.bytes(bindings.iter().map(size).sum())?;
        if !self.grant.has(&Capability::SnmpWrite) {
            return Ok(Err(Error::NoLink));
        }
        let Some(link) = &self.snmp else { return Ok(Err(Error::NoLink)) };
        let plain = |binding: Binding| (Oid::from_slice(&binding.oid), PlainValue::from(binding.value).into());
        let bindings: Vec<_> = bindings.into_iter().map(plain).collect();
        Ok(link.set(&bindings).await.map_err(|error| tell(&error)))
    }
}

impl Guest {
    fn hand_over(&mut self, found: Result<Vec<VarBind>, SnmpError>) -> Result<Result<Vec<Binding>, Error>> {
        let bindings: Vec<Binding> = match found {
            Ok(found) => found.iter().map(binding_to_guest).collect(),
            Err(error) => return Ok(Err(tell(&error))),
        };
        self.purse.bytes(bindings.iter().map(size).sum())?;
        Ok(Ok(bindings))
    }
}

pub(crate) fn size(binding: &Binding) -> usize {
    let value = match &binding.value {
        Value::Octets(octets) | Value::Opaque(octets) => octets.len(),
        Value::ObjectId(arcs) => arcs.len() * 4,
        _ => 8,
    };
    binding.oid.len() * 4 + value
}

fn tell(error: &SnmpError) -> Error {
    match error {
        SnmpError::Timeout | SnmpError::Network(_) => Error::Timeout,
        SnmpError::NoCredential(_) => Error::NoLink,
        SnmpError::Status(name) => Error::Status(name.clone()),
        SnmpError::Garbled(why) => Error::Garbled(why.clone()),
        SnmpError::Refused(why) => Error::Status(why.clone()),
    }
}
