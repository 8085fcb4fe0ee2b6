//! The host's functions on other targets than wasm32: those of the [`Host`] whose call is running.

use super::{Host, MESSAGE, RUNNING};
use crate::events::Event;
use crate::http::{Error as HttpError, Request, Response};
use crate::log::LogLevel;

/// `None` outside a call.
fn running<T>(function: impl FnOnce(&mut Host) -> T) -> Option<T> {
    RUNNING.with_borrow_mut(|host| host.as_mut().map(function))
}

pub(crate) mod snmp {
    use super::{MESSAGE, running};
    use crate::snmp::{Binding, Error, Value};

    pub(crate) fn get(objects: &[Vec<u32>]) -> Result<Vec<Binding>, Error> {
        running(|host| {
            host.traffic.operations += 1;
            host.traffic.round_trips += objects.len().div_ceil(MESSAGE);
            host.traffic.objects += objects.len();
            if host.silent {
                return Err(Error::Timeout);
            }
            let value = |oid: &Vec<u32>| host.objects.get(oid).cloned().unwrap_or(Value::Absent);
            Ok(objects.iter().map(|oid| Binding { oid: oid.clone(), value: value(oid) }).collect())
        })
        .unwrap_or(Err(Error::NoLink))
    }

    pub(crate) fn walk(root: &[u32], limit: u32) -> Result<Vec<Binding>, Error> {
        running(|host| {
            host.traffic.operations += 1;
            if host.silent {
                return Err(Error::Timeout);
            }
            if host.broken.iter().any(|broken| root.starts_with(broken)) {
                return Err(Error::Garbled("endless".to_owned()));
            }
            let below = host.objects.range(root.to_vec()..).take_while(|(oid, _)| oid.starts_with(root));
            let found: Vec<Binding> = below
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .map(|(oid, value)| Binding { oid: oid.clone(), value: value.clone() })
                .collect();
            host.traffic.round_trips += found.len() / MESSAGE + 1;
            Ok(found)
        })
        .unwrap_or(Err(Error::NoLink))
    }

    pub(crate) fn set(bindings: &[Binding]) -> Result<(), Error> {
        running(|host| {
            host.traffic.operations += 1;
            host.traffic.round_trips += 1;
            if host.silent {
                return Err(Error::Timeout);
            }
            for binding in bindings {
                host.objects.insert(binding.oid.clone(), binding.value.clone());
                host.written.push(binding.clone());
            }
            Ok(())
        })
        .unwrap_or(Err(Error::NoLink))
    }
}

pub(crate) mod state {
    use super::running;

    pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
        running(|host| host.state.get(key).cloned()).flatten()
    }

    pub(crate) fn set(key: &str, value: &[u8]) {
        running(|host| {
            host.traffic.state_writes += 1;
            host.state.insert(key.to_owned(), value.to_vec());
        });
    }

    pub(crate) fn delete(key: &str) {
        running(|host| {
            host.traffic.state_writes += 1;
            host.state.remove(key);
        });
    }
}

pub(crate) mod cache {
    use super::running;

    pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
        running(|host| host.cache.get(key).cloned()).flatten()
    }

    pub(crate) fn set(key: &str, value: &[u8]) {
        running(|host| host.cache.insert(key.to_owned(), value.to_vec()));
    }
}

pub(crate) fn send(request: &Request) -> Result<Response, HttpError> {
    running(|host| {
        host.traffic.operations += 1;
        host.traffic.round_trips += 1;
        if host.silent {
            return Err(HttpError::Timeout);
        }
        host.requests.push(request.clone());
        let missing = || Response { status: 404, headers: vec![], body: vec![] };
        Ok(host.pages.get(&request.path).cloned().unwrap_or_else(missing))
    })
    .unwrap_or(Err(HttpError::NoLink))
}

pub(crate) fn now() -> u64 {
    running(|host| host.now).unwrap_or_default()
}

/// Not random at all: a test gives the same each time.
pub(crate) fn random(count: u32) -> Vec<u8> {
    running(|host| {
        (0..count.min(4096))
            .map(|_| {
                host.seed = host.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                host.seed.to_be_bytes().first().copied().unwrap_or_default()
            })
            .collect()
    })
    .unwrap_or_default()
}

pub(crate) fn setting(name: &str) -> Option<String> {
    running(|host| host.settings.get(name).cloned()).flatten()
}

pub(crate) fn emit(event: Event) {
    running(|host| host.events.push(event));
}

pub(crate) fn write(level: LogLevel, line: &str) {
    running(|host| host.lines.push((level, line.to_owned())));
}
