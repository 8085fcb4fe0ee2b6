//! A recording brought to life: which recorded values become each device's own, and which begin to move.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use async_snmp::{Oid, Value};
use bytes::Bytes;

use crate::device::alerts::Condition;
use crate::mib::{Image, Live, Object, Piece};
use crate::oids;
use crate::profile::{Family, Profile, SerialShape, Supply, SupplyKind};

/// Characters of a recorded serial that a device replaces with its own.
const SERIAL_DIGITS: usize = 6;
/// Pages a recorded supply is good for, at least; recordings don't tell.
const SUPPLY_PAGES: u32 = 10_000;
/// Pages by which the life of a device may exceed the recorded one.
const OLDER: u32 = 5_000;
/// Shortest serial that is looked for in other texts: shorter ones are found by chance.
const SERIAL_TO_FIND: usize = 5;

/// Makes a profile of a recording.
pub(crate) fn profile(name: String, objects: Vec<(Oid, Value)>) -> Profile {
    let recorded = Recorded { values: objects.into_iter().collect() };
    let serial = recorded.serial();
    let supplies = recorded.supplies();
    let family = match recorded.has_below(oids::PRINTER_MIB) {
        true => Family::Printer,
        false => Family::Scanner,
    };
    let mut image: Vec<(Oid, Object)> = Vec::with_capacity(recorded.values.len() + 1);
    if family == Family::Printer {
        let line = oids::PRT_CONSOLE_LINE.iter().copied().chain([2, 1, 1]);
        image.push((Oid::new(line), Object::Live(Live::ConsoleLine(0))));
    }
    let interfaces = recorded.interfaces();
    for (name, value) in &recorded.values {
        let live = live(name, value, serial.as_deref(), &supplies, &interfaces);
        image.push((name.clone(), live.map_or_else(|| Object::Fixed(value.clone()), Object::Live)));
    }
    Profile {
        name,
        family,
        image: Arc::new(Image::new(image)),
        serial: serial.as_deref().map_or(SerialShape::FromMac, shape),
        firmware: String::new(),
        life: recorded.life(),
        supplies: supplies.into_iter().map(|(_, supply)| supply).collect(),
        trays: Vec::new(),
        conditions: recorded.conditions(),
    }
}

/// A recording, by name.
struct Recorded {
    values: HashMap<Oid, Value>,
}

impl Recorded {
    fn get(&self, name: &[u32]) -> Option<&Value> {
        self.values.get(&Oid::from_slice(name))
    }

    fn has_below(&self, prefix: &[u32]) -> bool {
        self.values.keys().any(|name| name.arcs().starts_with(prefix))
    }

    fn serial(&self) -> Option<String> {
        let serial = self.get(oids::PRT_SERIAL)?.as_str()?;
        (!serial.trim().is_empty()).then(|| serial.to_owned())
    }

    fn life(&self) -> RangeInclusive<u32> {
        let column = oids::PRT_LIFE_COUNT;
        let counts = self.values.iter().filter(|(name, _)| name.arcs().starts_with(column));
        let life = counts.filter_map(|(_, value)| value.as_u32()).max().unwrap_or(0);
        life..=life.saturating_add(OLDER)
    }

    /// The physical addresses' names, in order.
    fn interfaces(&self) -> Vec<Oid> {
        let is_address = |value: &Value| value.as_bytes().is_some_and(|bytes| bytes.len() == 6);
        let addresses = self
            .values
            .iter()
            .filter(|(name, value)| name.arcs().starts_with(oids::IF_PHYS_ADDRESS) && is_address(value));
        let mut names: Vec<Oid> = addresses.map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    fn conditions(&self) -> Vec<Condition> {
        let state = self.values.iter().find(|(name, _)| name.arcs().starts_with(oids::HR_PRINTER_ERROR_STATE));
        state.and_then(|(_, value)| value.as_bytes()).map(Condition::of_error_state).unwrap_or_default()
    }

    /// The supplies with a level that is measured, by the name of the level, in order.
    fn supplies(&self) -> Vec<(Oid, Supply)> {
        let level_column = supply_column(9);
        let levels = self.values.iter().filter(|(name, _)| name.starts_with(&level_column));
        let mut found: Vec<(Oid, Supply)> = levels.filter_map(|(name, level)| self.supply(name, level)).collect();
        found.sort_by(|one, two| one.0.cmp(&two.0));
        found
    }

    fn supply(&self, name: &Oid, level: &Value) -> Option<(Oid, Supply)> {
        let level = u32::try_from(level.as_i32()?).ok()?;
        let row = name.arcs().get(supply_column(9).len()..)?;
        let column = |column| self.values.get(&Oid::new(supply_column(column).arcs().iter().chain(row).copied()));
        let unit = column(7).and_then(Value::as_i32);
        let capacity = column(8).and_then(Value::as_i32).and_then(|capacity| u32::try_from(capacity).ok());
        let full = match (unit, capacity) {
            (Some(19), _) | (_, None | Some(0)) => 100,
            (_, Some(capacity)) => capacity,
        };
        // A level over capacity happens; it stays as it was recorded.
        let full = full.max(level);
        let name_text = column(6).and_then(Value::as_str).unwrap_or("Supply").to_owned();
        // The recorded class and type say whether the device stops without it; only toner and ink do.
        let kind = match (column(4).and_then(Value::as_i32), column(5).and_then(Value::as_i32)) {
            (Some(4), _) => SupplyKind::WasteBox,
            (_, Some(3 | 5 | 6 | 21)) => SupplyKind::Toner,
            _ => SupplyKind::Part,
        };
        let index = row.last().copied()?;
        let supply = Supply { index, name: name_text, kind, full, pages: SUPPLY_PAGES.max(full), start: level..=level };
        Some((name.clone(), supply))
    }
}

fn supply_column(column: u32) -> Oid {
    Oid::new(oids::PRT_SUPPLIES.iter().copied().chain([column]))
}

/// The shape of the recorded serial: the last six characters are each device's own.
fn shape(recorded: &str) -> SerialShape {
    let kept = recorded.chars().count().saturating_sub(SERIAL_DIGITS);
    SerialShape::Prefix(recorded.chars().take(kept).collect())
}

/// What this object becomes, if it doesn't stay as recorded.
fn live(
    name: &Oid,
    value: &Value,
    serial: Option<&str>,
    supplies: &[(Oid, Supply)],
    interfaces: &[Oid],
) -> Option<Live> {
    let arcs = name.arcs();
    let below = |prefix: &[u32]| arcs.starts_with(prefix);
    if arcs == oids::SYS_UP_TIME || arcs == oids::HR_SYSTEM_UPTIME {
        return Some(Live::Uptime);
    }
    if let Some(place) = interfaces.iter().position(|interface| interface == name) {
        return Some(Live::Mac(u8::try_from(place).unwrap_or(u8::MAX)));
    }
    if let Some(place) = supplies.iter().position(|(level, _)| level == name) {
        return Some(Live::SupplyLevel(place));
    }
    match value {
        Value::OctetString(_) if below(oids::HR_PRINTER_ERROR_STATE) => Some(Live::ErrorState),
        Value::Integer(_) if below(oids::HR_PRINTER_STATUS) => Some(Live::PrinterStatus),
        Value::Integer(_) if below(oids::HR_DEVICE_STATUS) && arcs.last() == Some(&1) => Some(Live::DeviceStatus),
        Value::Counter32(_) if below(oids::PRT_LIFE_COUNT) => Some(Live::LifeCount),
        Value::Counter32(_) if arcs == oids::PRT_CONFIG_CHANGES => Some(Live::ConfigChanges),
        Value::Counter32(start) if is_traffic(arcs) => {
            moves(u64::from(*start)).map(|per_second| Live::Moving32 { start: *start, per_second })
        }
        Value::Counter64(start) if is_traffic(arcs) => {
            moves(*start).map(|per_second| Live::Moving64 { start: *start, per_second })
        }
        Value::Counter32(start) if *start > 0 && below(&[1, 3, 6, 1, 4, 1]) => Some(Live::Pages(*start)),
        Value::OctetString(text) => serial.and_then(|serial| with_serial(text, serial)),
        _ => None,
    }
}

/// Counters of the network: interfaces, IP, ICMP, TCP, UDP, SNMP, and IF-MIB's larger ones.
fn is_traffic(arcs: &[u32]) -> bool {
    matches!(arcs, [1, 3, 6, 1, 2, 1, 2 | 4 | 5 | 6 | 7 | 11 | 31, ..])
}

/// How fast a counter moves that stands here; one that stands at zero has never counted and doesn't begin to.
fn moves(start: u64) -> Option<u32> {
    (start > 0).then(|| u32::try_from(start % 97).unwrap_or(0) + 1)
}

/// A text with the recorded serial in it, as pieces.
fn with_serial(text: &Bytes, serial: &str) -> Option<Live> {
    let serial = serial.as_bytes();
    if text == serial {
        return Some(Live::Text([Piece::Serial].into()));
    }
    if serial.len() < SERIAL_TO_FIND {
        return None;
    }
    let place = text.windows(serial.len()).position(|window| window == serial)?;
    let before = Piece::Fixed(text.slice(..place));
    let after = Piece::Fixed(text.slice(place + serial.len()..));
    Some(Live::Text([before, Piece::Serial, after].into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::snmprec::parse;

    const RECORDING: &str = "1.3.6.1.2.1.1.1.0|4|Example 9, SN:ABC123456, ready\n1.3.6.1.2.1.1.3.0|67|5\n\
        1.3.6.1.2.1.2.2.1.6.1|4|\n1.3.6.1.2.1.2.2.1.6.2|4x|010203040506\n1.3.6.1.2.1.2.2.1.10.2|65|4294967290\n\
        1.3.6.1.2.1.25.3.5.1.2.1|4x|20\n1.3.6.1.2.1.43.5.1.1.17.1|4|ABC123456\n1.3.6.1.2.1.43.10.2.1.4.1.1|65|700\n\
        1.3.6.1.2.1.43.11.1.1.8.1.1|2|-2\n1.3.6.1.2.1.43.11.1.1.9.1.1|2|-3\n1.3.6.1.2.1.43.11.1.1.5.1.2|2|3\n\
        1.3.6.1.2.1.43.11.1.1.8.1.2|2|3000\n1.3.6.1.2.1.43.11.1.1.9.1.2|2|1500\n";

    fn device(number: u32) -> Device {
        let objects = parse(RECORDING.as_bytes()).expect("recording");
        Device::new(Arc::new(Profile::from_recording("example", objects)), 1, number, 0)
    }

    fn read(device: &Device, name: &str) -> Value {
        device.look().value(&name.parse().expect("name")).expect("there")
    }

    #[test]
    fn each_device_has_a_serial_of_its_own_wherever_the_recorded_one_was() {
        let (one, two) = (device(1), device(2));
        let serial = read(&one, "1.3.6.1.2.1.43.5.1.1.17.1");
        assert_ne!(serial, read(&two, "1.3.6.1.2.1.43.5.1.1.17.1"));
        let described = read(&one, "1.3.6.1.2.1.1.1.0");
        let expected = format!("Example 9, SN:{}, ready", serial.as_str().expect("text"));
        assert_eq!(described.as_str(), Some(expected.as_str()));
        assert!(serial.as_str().expect("text").starts_with("ABC"));
    }

    #[test]
    fn levels_sentinels_and_recorded_errors_stay() {
        let device = device(1);
        assert_eq!(read(&device, "1.3.6.1.2.1.43.11.1.1.9.1.1"), Value::Integer(-3));
        assert_eq!(read(&device, "1.3.6.1.2.1.43.11.1.1.9.1.2"), Value::Integer(1500));
        assert_eq!(read(&device, "1.3.6.1.2.1.2.2.1.6.1"), Value::from(""));
        assert!(device.look().state.alerts.is_active(Condition::TonerLow));
    }

    #[test]
    fn counters_move_and_wrap() {
        let device = device(1);
        device.look().state.skip(std::time::Duration::from_secs(3600));
        assert!(read(&device, "1.3.6.1.2.1.2.2.1.10.2").as_u32().expect("counter") < 4_294_967_290);
        let life = read(&device, "1.3.6.1.2.1.43.10.2.1.4.1.1").as_u32().expect("counter");
        assert!((700..=5700).contains(&life));
    }
}
