//! What one call may spend, and what it has spent.

use hostler_core::plugin::Budget;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;
use wasmtime::ResourceLimiter;

/// The limit that a call ran into.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Exceeded {
    /// Too long from beginning to end.
    #[error("it took longer than {0} ms")]
    Wall(u32),
    /// Too much computing.
    #[error("it computed for longer than {0} ms")]
    Compute(u32),
    /// Too much memory in all its memories and tables together.
    #[error("it wanted more than {0} bytes of memory")]
    Memory(u32),
    /// Too many bytes between it and the host.
    #[error("it passed more than {0} bytes to and from the host")]
    HostBytes(u32),
    /// Too many requests to the device.
    #[error("it asked the device more than {0} times")]
    LinkOperations(u32),
    /// Too many events.
    #[error("it reported more than {0} events")]
    Events(u32),
    /// Too much in one answer.
    #[error("it wanted more than {0} actions done afterwards")]
    Actions(usize),
}

/// A host function that can't be called like this. It stops the call, because the WIT has no word for it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// What a plug-in wants or says against the contract. It stops the call: what it left would be half of what it meant.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Overstep(pub(crate) String);

/// One limiter for the whole instance: all linear memories and tables count together.
pub(crate) struct Memory {
    limit: usize,
    used: usize,
    /// Remembered, because the guest only sees that it didn't get more.
    pub(crate) denied: bool,
}

impl Memory {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self { limit: budget.memory_bytes as usize, used: 0, denied: false }
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let after = self.used.saturating_add(desired.saturating_sub(current));
        if after > self.limit {
            self.denied = true;
            return false;
        }
        self.used = after;
        true
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        Ok(within(desired, most) && self.grow(current, desired))
    }

    fn table_growing(&mut self, current: usize, desired: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(size_of::<usize>());
        Ok(within(desired, most) && self.grow(bytes(current), bytes(desired)))
    }
}

/// Whether it is what the plug-in itself declared at most. The engine asks before it looks; what it then refuses must not
/// count as taken.
fn within(desired: usize, most: Option<usize>) -> bool {
    most.is_none_or(|most| desired <= most)
}

/// So many core instances and tables may one component have: a Python component needs about ten. The pool refuses
/// what has more before it is called.
pub(crate) const PARTS: u32 = 20;

/// How long a call has computed: the time in which its future was polled, waiting for the device not counted.
#[derive(Clone)]
pub(crate) struct Meter(Arc<Counters>);

struct Counters {
    start: Instant,
    /// Nanoseconds in finished polls.
    spent: AtomicU64,
    /// When the poll under way began, in nanoseconds after `start`.
    began: AtomicU64,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Counters { start: Instant::now(), spent: AtomicU64::new(0), began: AtomicU64::new(0) }))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Milliseconds, the poll under way included. Meant to be asked from within it.
    pub(crate) fn millis(&self) -> u64 {
        let under_way = self.now().saturating_sub(self.0.began.load(Ordering::Relaxed));
        (self.0.spent.load(Ordering::Relaxed) + under_way) / 1_000_000
    }

    /// Microseconds in finished polls.
    pub(crate) fn micros_spent(&self) -> u64 {
        self.0.spent.load(Ordering::Relaxed) / 1_000
    }

    pub(crate) fn measure<F: Future>(&self, inner: F) -> Metered<F> {
        Metered { meter: self.clone(), inner: Box::pin(inner) }
    }
}

pub(crate) struct Metered<F> {
    meter: Meter,
    inner: Pin<Box<F>>,
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let began = self.meter.now();
        self.meter.0.began.store(began, Ordering::Relaxed);
        let polled = self.inner.as_mut().poll(context);
        let took = self.meter.now().saturating_sub(began);
        self.meter.0.spent.fetch_add(took, Ordering::Relaxed);
        polled
    }
}

/// A budget that is spent by the host functions.
pub(crate) struct Purse {
    pub(crate) budget: Budget,
    pub(crate) host_bytes: u64,
    pub(crate) link_operations: u32,
    pub(crate) events: u32,
    pub(crate) log_dropped: u32,
}

impl Purse {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, host_bytes: 0, link_operations: 0, events: 0, log_dropped: 0 }
    }

    /// Takes bytes; a plug-in that passes more than it may is stopped.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<(), Exceeded> {
        self.host_bytes = self.host_bytes.saturating_add(count as u64);
        if self.host_bytes > u64::from(self.budget.host_bytes) {
            return Err(Exceeded::HostBytes(self.budget.host_bytes));
        }
        Ok(())
    }

    pub(crate) fn bytes_left(&self) -> usize {
        let left = u64::from(self.budget.host_bytes).saturating_sub(self.host_bytes);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    pub(crate) fn operations_left(&self) -> u32 {
        self.budget.link_operations.saturating_sub(self.link_operations)
    }

    /// Takes requests to the device.
    pub(crate) fn operations(&mut self, count: u32) -> Result<(), Exceeded> {
        self.link_operations = self.link_operations.saturating_add(count);
        if self.link_operations > self.budget.link_operations {
            return Err(Exceeded::LinkOperations(self.budget.link_operations));
        }
        Ok(())
    }

    pub(crate) fn event(&mut self) -> Result<(), Exceeded> {
        self.events = self.events.saturating_add(1);
        if self.events > self.budget.events { Err(Exceeded::Events(self.budget.events)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p03_two_memories_do_not_have_twice_as_much() {
        let mut memory = Memory::new(&Budget { memory_bytes: 100, ..Budget::default() });
        assert!(memory.grow(0, 60));
        assert!(!memory.grow(0, 60));
        assert!(memory.denied);
        assert!(memory.grow(60, 100));
    }

    #[tokio::test(start_paused = true)]
    async fn p03_waiting_is_not_computing() {
        let meter = Meter::new();
        meter.measure(tokio::time::sleep(std::time::Duration::from_secs(5))).await;
        assert!(meter.micros_spent() < 1_000_000);
    }
}
