//! `events`, `log`, `clock`, `random` and `settings`.

use crate::bindings::wit::{clock, events, log, random, settings};
use crate::call::{Guest, LogLevel, LogLine};
use crate::convert::{self, severity};
use crate::limits::Refused;
use hostler_core::event::Event;
use wasmtime::{Result, format_err};

/// Bytes of randomness in one call of the host.
const RANDOM: u32 = 4_096;

impl events::Host for Guest {
    fn emit(&mut self, event: events::Event) -> Result<()> {
        self.purse.event()?;
        self.purse.bytes(event.name.len() + event.text.len())?;
        self.traces.events.push(Event {
            at: self.now,
            node: None,
            device: Some(self.device.clone()),
            name: convert::name("an event", event.name)?,
            severity: severity(event.severity),
            text: convert::text(event.text),
        });
        Ok(())
    }
}

impl log::Host for Guest {
    fn write(&mut self, level: log::LogLevel, text: String) -> Result<()> {
        self.purse.bytes(text.len())?;
        if self.log.len() >= self.purse.budget.log_lines as usize {
            self.purse.log_dropped = self.purse.log_dropped.saturating_add(1);
            return Ok(());
        }
        self.log.push(LogLine { level: LogLevel::from(level), text: convert::text(text) });
        Ok(())
    }
}

impl From<log::LogLevel> for LogLevel {
    fn from(level: log::LogLevel) -> Self {
        match level {
            log::LogLevel::Debug => Self::Debug,
            log::LogLevel::Info => Self::Info,
            log::LogLevel::Warn => Self::Warn,
            log::LogLevel::Error => Self::Error,
        }
    }
}

impl clock::Host for Guest {
    fn now(&mut self) -> Result<u64> {
        Ok(self.now.plus(self.begun.elapsed()).0)
    }
}

impl random::Host for Guest {
    fn bytes(&mut self, count: u32) -> Result<Vec<u8>> {
        if count > RANDOM {
            return Err(Refused(format!("at most {RANDOM} random bytes at once, {count} were asked for")).into());
        }
        self.purse.bytes(count as usize)?;
        let mut bytes = vec![0; count as usize];
        getrandom::fill(&mut bytes).map_err(|error| format_err!("the system gives no randomness: {error}"))?;
        Ok(bytes)
    }
}

impl settings::Host for Guest {
    fn get(&mut self, name: String) -> Result<Option<String>> {
        let value = self.settings.get(&name).cloned();
        self.purse.bytes(name.len() + value.as_ref().map_or(0, String::len))?;
        Ok(value)
    }
}
