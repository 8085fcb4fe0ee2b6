//! What a live object reads at the moment.

use async_snmp::Value;
use bytes::Bytes;

use super::Look;
use super::alerts::{Condition, Severity};
use super::wear::share;
use crate::mib::{Live, Object, Piece};

/// Milliseconds a console's light is on or off at a time; a steady light has 0 on its other side (RFC 3805, prtConsoleOnTime).
const STEADY: i32 = 1000;

/// Seconds of a minute in which a device that prints at all is seen to print.
const PRINTING: u64 = 10;

impl Look<'_> {
    /// The value of an object of this device.
    pub(super) fn read(&self, object: &Object) -> Value {
        match object {
            Object::Fixed(value) => value.clone(),
            Object::Live(live) => self.read_live(live),
        }
    }

    fn read_live(&self, live: &Live) -> Value {
        let counters = &self.state.counters;
        match live {
            Live::Uptime => Value::TimeTicks(self.state.ticks(self.now)),
            Live::Text(pieces) => Value::OctetString(self.text(pieces)),
            Live::Mac(interface) => Value::OctetString(Bytes::copy_from_slice(&self.mac(*interface))),
            Live::LifeCount => Value::Counter32(counters.life()),
            Live::PowerOnCount => Value::Counter32(counters.since_power_on()),
            Live::RollerTurns => Value::Counter32(counters.turns()),
            Live::Pages(start) => Value::Counter32(start.wrapping_add(counters.pages())),
            Live::Moving32 { start, per_second } => {
                let moved = self.now.as_secs().wrapping_mul(u64::from(*per_second)) % (1 << 32);
                Value::Counter32(start.wrapping_add(u32::try_from(moved).unwrap_or(0)))
            }
            Live::Moving64 { start, per_second } => {
                Value::Counter64(start.wrapping_add(self.now.as_secs().wrapping_mul(u64::from(*per_second))))
            }
            Live::SupplyLevel(place) => integer(self.supply_level(*place)),
            Live::TrayLevel(place) => integer(self.tray_level(*place)),
            Live::Cover(cover) => Value::Integer(if self.is_active_at(Condition::CoverOpen, *cover) { 3 } else { 4 }),
            Live::DeviceStatus => Value::Integer(self.status().0),
            Live::PrinterStatus => Value::Integer(self.status().1),
            Live::ErrorState => self.state.alerts.error_state(),
            Live::ConsoleLine(line) => Value::OctetString(self.console_line(*line)),
            Live::LightOn(light) => Value::Integer(if self.is_lit(*light) { STEADY } else { 0 }),
            Live::LightOff(light) => Value::Integer(if self.is_lit(*light) { 0 } else { STEADY }),
            Live::PowerMode => Value::Integer(self.state.power.mode()),
            Live::ConfigChanges => Value::Counter32(counters.config_changes),
            Live::CriticalEvents => Value::Counter32(self.state.alerts.critical_events),
            Live::AllEvents => Value::Counter32(self.state.alerts.all_events),
            Live::FeederState => Value::Integer(self.feeder_state()),
        }
    }

    fn text(&self, pieces: &[Piece]) -> Bytes {
        let identity = &self.device.identity;
        match pieces {
            [Piece::Serial] => return identity.serial.clone(),
            [Piece::Firmware] => return self.state.firmware.clone(),
            _ => {}
        }
        let mut text = Vec::with_capacity(96);
        for piece in pieces {
            match piece {
                Piece::Fixed(fixed) => text.extend_from_slice(fixed),
                Piece::Serial => text.extend_from_slice(&identity.serial),
                Piece::Firmware => text.extend_from_slice(&self.state.firmware),
                Piece::MacTail => {
                    let [_, _, _, low, middle, high] = identity.mac;
                    text.extend_from_slice(format!("{low:02X}{middle:02X}{high:02X}").as_bytes());
                }
            }
        }
        text.into()
    }

    fn mac(&self, interface: u8) -> [u8; 6] {
        let [first, second, rest @ ..] = self.device.identity.mac;
        let [third, fourth, fifth, sixth] = rest;
        [first, second.wrapping_add(interface), third, fourth, fifth, sixth]
    }

    fn is_active_at(&self, condition: Condition, part: u32) -> bool {
        self.state.alerts.is_active_at(condition, part)
    }

    /// The level by wear; an alert that was ordered is believed, so that level and alert agree.
    fn supply_level(&self, place: usize) -> u32 {
        let (Some(supply), Some(wear)) = (self.device.profile.supplies.get(place), self.state.wear.get(place)) else {
            return 0;
        };
        let told = |conditions: [Condition; 3]| conditions.iter().any(|it| self.is_active_at(*it, supply.index));
        if told([Condition::TonerEmpty, Condition::WasteFull, Condition::PartWorn]) {
            0
        } else if told([Condition::TonerLow, Condition::WasteNearlyFull, Condition::PartWearing]) {
            wear.level(supply).min(share(supply.full, 10).max(1))
        } else {
            wear.level(supply)
        }
    }

    /// Sheets in a tray: somebody fills it up before it is empty, unless an alert says otherwise.
    fn tray_level(&self, place: usize) -> u32 {
        let capacity = self.device.profile.trays.get(place).map_or(0, |tray| tray.capacity);
        let number = u32::try_from(place).unwrap_or(0) + 1;
        if self.is_active_at(Condition::PaperEmpty, number) {
            0
        } else if self.is_active_at(Condition::PaperLow, number) {
            share(capacity, 5).max(1)
        } else {
            capacity - self.state.counters.life().checked_rem(capacity).unwrap_or(0)
        }
    }

    /// hrDeviceStatus and hrPrinterStatus, as the table of RFC 3805 §2.2.13.2 combines them.
    fn status(&self) -> (i32, i32) {
        const DOWN: i32 = 5;
        const WARNING: i32 = 3;
        const RUNNING: i32 = 2;
        let idle = if self.is_printing() { 4 } else { 3 };
        match self.state.alerts.worst() {
            Some(Severity::Critical) => (DOWN, 1),
            _ if self.state.power.is_warming_up() => (DOWN, 5),
            _ if self.state.power.is_asleep() => (RUNNING, 1),
            Some(Severity::Warning) => (WARNING, idle),
            None => (RUNNING, idle),
        }
    }

    fn is_printing(&self) -> bool {
        let [.., low] = self.device.identity.mac;
        self.state.pages_per_hour > 0 && (self.now.as_secs() + u64::from(low)) % 60 < PRINTING
    }

    fn console_line(&self, line: usize) -> Bytes {
        if let (0, Some(message)) = (line, &self.state.message) {
            return message.clone();
        }
        let worst = self.state.alerts.worst();
        match line {
            _ if worst == Some(Severity::Critical) => self.alert_text(line),
            0 if self.state.power.is_warming_up() => Bytes::from_static(b"Warming up"),
            0 if self.state.power.is_asleep() => Bytes::from_static(b"Sleep"),
            0 if self.is_printing() => Bytes::from_static(b"Printing"),
            0 => Bytes::from_static(b"Ready"),
            // A warning doesn't keep anyone from working: it stands below.
            _ => self.alert_text(line - 1),
        }
    }

    fn alert_text(&self, place: usize) -> Bytes {
        self.state.alerts.texts().nth(place).map_or_else(Bytes::new, |alert| alert.text.clone().into())
    }

    fn is_lit(&self, light: u32) -> bool {
        match light {
            1 => !self.state.is_stopped() && !self.state.power.is_asleep(),
            2 => self.state.alerts.worst().is_some(),
            _ => self.is_printing() && !self.state.is_stopped(),
        }
    }

    fn feeder_state(&self) -> i32 {
        if self.state.alerts.is_active(Condition::CoverOpen) {
            3
        } else if self.state.alerts.is_active(Condition::PaperJam) {
            2
        } else {
            1
        }
    }
}

fn integer(number: u32) -> Value {
    Value::Integer(i32::try_from(number).unwrap_or(i32::MAX))
}
