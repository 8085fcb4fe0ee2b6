//! A network made of maps, for native tests of terminal plug-ins.

use crate::snmp::{Binding, Value};
use crate::terminal::lan::Range;
use crate::terminal::{LanError, WebRequest, WebResponse};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What a device does with what is written to it or sent to its web server, and as time goes by.
pub type Behaviour = Box<dyn FnMut(&mut Thing, Happening<'_>) -> Reaction>;

/// What happens to a device.
#[derive(Clone, Debug)]
pub enum Happening<'a> {
    /// It is asked over SNMP; it may change what it says.
    Asked,
    /// Something is written.
    Written(&'a Binding),
    /// Its web server is asked.
    Sent(&'a WebRequest),
}

/// What it answers.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// As it should: what it has, success, or this page.
    Well,
    /// This.
    Page(WebResponse),
    /// This error instead.
    Fails(LanError),
}

/// Something in the network.
pub struct Thing {
    /// What its agent has, by arcs.
    pub objects: BTreeMap<Vec<u32>, Value>,
    /// Whether it answers to a broadcast.
    pub hears_broadcasts: bool,
    /// How often something was written or posted to it.
    pub written: usize,
}

/// A terminal in a network.
#[derive(Default)]
pub struct Network {
    things: BTreeMap<String, (Thing, Behaviour)>,
    /// What the user lets be searched.
    pub ranges: Vec<Range>,
    /// What a server lists.
    pub listed: Vec<String>,
    /// Milliseconds that were paused.
    pub paused: u64,
    /// How many agents were asked one by one.
    pub asked: usize,
    /// What was reported: done, total, about.
    pub reports: Vec<(u32, u32, String)>,
}

thread_local! {
    static RUNNING: RefCell<Option<Network>> = const { RefCell::new(None) };
}

impl Thing {
    /// An agent with these texts, that takes whatever comes.
    #[must_use]
    pub fn new(texts: &[(&[u32], &str)]) -> Self {
        let value = |text: &str| Value::Octets(text.as_bytes().to_vec());
        let objects = texts.iter().map(|(oid, text)| (oid.to_vec(), value(text))).collect();
        Self { objects, hears_broadcasts: true, written: 0 }
    }

    /// Makes it say this from now on.
    pub fn say(&mut self, oid: &[u32], text: &str) {
        self.objects.insert(oid.to_vec(), Value::Octets(text.as_bytes().to_vec()));
    }
}

impl Network {
    /// Puts a thing into the network.
    pub fn add(
        &mut self,
        address: &str,
        thing: Thing,
        behaviour: impl FnMut(&mut Thing, Happening<'_>) -> Reaction + 'static,
    ) -> &mut Self {
        self.things.insert(address.to_owned(), (thing, Box::new(behaviour)));
        self
    }

    /// Lets the user search this range.
    pub fn range(&mut self, first: &str, last: &str) -> &mut Self {
        self.ranges.push(Range { first: first.to_owned(), last: last.to_owned() });
        self
    }

    /// The thing at an address.
    #[must_use]
    pub fn thing(&self, address: &str) -> Option<&Thing> {
        self.things.get(address).map(|(thing, _)| thing)
    }

    /// Runs a function of a plug-in in this network.
    pub fn call<T>(&mut self, function: impl FnOnce() -> T) -> T {
        RUNNING.with_borrow_mut(|running| *running = Some(std::mem::take(self)));
        let result = function();
        *self = RUNNING.with_borrow_mut(Option::take).unwrap_or_default();
        result
    }

    fn get(&mut self, address: &str, objects: &[Vec<u32>]) -> Result<Vec<Binding>, LanError> {
        let (thing, behaviour) = self.things.get_mut(address).ok_or(LanError::Timeout)?;
        match behaviour(thing, Happening::Asked) {
            Reaction::Fails(error) => Err(error),
            Reaction::Well | Reaction::Page(_) => {
                let value = |oid: &Vec<u32>| thing.objects.get(oid).cloned().unwrap_or(Value::Absent);
                Ok(objects.iter().map(|oid| Binding { oid: oid.clone(), value: value(oid) }).collect())
            }
        }
    }
}

fn running<T: Default>(function: impl FnOnce(&mut Network) -> T) -> T {
    RUNNING.with_borrow_mut(|network| network.as_mut().map(function)).unwrap_or_default()
}

pub(crate) fn report(done: u32, total: u32, about: &str) {
    running(|network| network.reports.push((done, total, about.to_owned())));
}

pub(crate) mod link {
    use super::{Happening, Reaction, running};
    use crate::snmp::Binding;
    use crate::terminal::lan::Range;
    use crate::terminal::{Answer, LanError, Order, WebRequest, WebResponse};

    pub(crate) fn ranges() -> Vec<Range> {
        running(|network| network.ranges.clone())
    }

    pub(crate) fn listed() -> Result<Vec<String>, LanError> {
        Ok(running(|network| network.listed.clone()))
    }

    pub(crate) fn broadcast(objects: &[Vec<u32>]) -> Result<Vec<Answer>, LanError> {
        Ok(running(|network| {
            let hearing = network.things.iter().filter(|(_, (thing, _))| thing.hears_broadcasts);
            let addresses: Vec<String> = hearing.map(|(address, _)| address.clone()).collect();
            let answer = |address: String| Some(Answer { bindings: network.get(&address, objects).ok()?, address });
            addresses.into_iter().filter_map(answer).collect()
        }))
    }

    pub(crate) fn get(addresses: &[String], objects: &[Vec<u32>]) -> Vec<Result<Vec<Binding>, LanError>> {
        running(|network| {
            network.asked += addresses.len();
            addresses.iter().map(|address| network.get(address, objects)).collect()
        })
    }

    pub(crate) fn set(orders: &[Order]) -> Vec<Result<(), LanError>> {
        let one = |order: &Order| {
            running(|network| {
                let Some((thing, behaviour)) = network.things.get_mut(&order.address) else {
                    return Some(Err(LanError::Timeout));
                };
                thing.written += 1;
                for binding in &order.bindings {
                    if let Reaction::Fails(error) = behaviour(thing, Happening::Written(binding)) {
                        return Some(Err(error));
                    }
                }
                Some(Ok(()))
            })
            .unwrap_or(Err(LanError::Timeout))
        };
        orders.iter().map(one).collect()
    }

    pub(crate) fn send(requests: &[WebRequest]) -> Vec<Result<WebResponse, LanError>> {
        let one = |request: &WebRequest| {
            running(|network| {
                let refused = || Some(Err(LanError::Connection("refused".to_owned())));
                let Some((thing, behaviour)) = network.things.get_mut(&request.address) else { return refused() };
                match behaviour(thing, Happening::Sent(request)) {
                    Reaction::Fails(error) => Some(Err(error)),
                    Reaction::Page(page) => Some(Ok(page)),
                    Reaction::Well => refused(),
                }
            })
            .unwrap_or(Err(LanError::Timeout))
        };
        requests.iter().map(one).collect()
    }

    pub(crate) fn pause(milliseconds: u32) {
        running(|network| network.paused += u64::from(milliseconds));
    }
}
