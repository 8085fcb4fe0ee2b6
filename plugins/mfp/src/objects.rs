//! The objects that are asked for, by the names of their MIBs.

use hostler_plugin::oid;

/// SNMPv2-MIB (RFC 3418).
pub(crate) const SYS_DESCR: &[u32] = oid!("1.3.6.1.2.1.1.1.0");
pub(crate) const SYS_OBJECT_ID: &[u32] = oid!("1.3.6.1.2.1.1.2.0");
pub(crate) const SYS_UP_TIME: &[u32] = oid!("1.3.6.1.2.1.1.3.0");
pub(crate) const SYS_NAME: &[u32] = oid!("1.3.6.1.2.1.1.5.0");
pub(crate) const SYS_LOCATION: &[u32] = oid!("1.3.6.1.2.1.1.6.0");
/// What a trap says it is (RFC 3416 §4.2.6).
pub(crate) const SNMP_TRAP_OID: &[u32] = oid!("1.3.6.1.6.3.1.1.4.1.0");
/// coldStart and warmStart are below.
pub(crate) const SNMP_TRAPS: &[u32] = oid!("1.3.6.1.6.3.1.1.5");

/// HOST-RESOURCES-MIB (RFC 2790); columns are followed by hrDeviceIndex.
pub(crate) const HR_SYSTEM_UPTIME: &[u32] = oid!("1.3.6.1.2.1.25.1.1.0");
pub(crate) const HR_DEVICE_TYPE: &[u32] = oid!("1.3.6.1.2.1.25.3.2.1.2");
pub(crate) const HR_DEVICE_DESCR: &[u32] = oid!("1.3.6.1.2.1.25.3.2.1.3");
pub(crate) const HR_DEVICE_STATUS: &[u32] = oid!("1.3.6.1.2.1.25.3.2.1.5");
pub(crate) const HR_PRINTER_STATUS: &[u32] = oid!("1.3.6.1.2.1.25.3.5.1.1");
pub(crate) const HR_PRINTER_ERROR_STATE: &[u32] = oid!("1.3.6.1.2.1.25.3.5.1.2");
/// The value of hrDeviceType that says "printer".
pub(crate) const HR_DEVICE_PRINTER: &[u32] = oid!("1.3.6.1.2.1.25.3.1.5");

/// Printer-MIB (RFC 3805), general group; columns are followed by hrDeviceIndex.
pub(crate) const PRINTER_MIB: &[u32] = oid!("1.3.6.1.2.1.43");
pub(crate) const CONFIG_CHANGES: &[u32] = oid!("1.3.6.1.2.1.43.5.1.1.1");
/// prtGeneralReset: notResetting(3) when read; PrtGeneralResetTC when written.
pub(crate) const RESET: &[u32] = oid!("1.3.6.1.2.1.43.5.1.1.3");
pub(crate) const CONSOLE_COLUMNS: &[u32] = oid!("1.3.6.1.2.1.43.5.1.1.12");
pub(crate) const PRINTER_NAME: &[u32] = oid!("1.3.6.1.2.1.43.5.1.1.16");
pub(crate) const SERIAL_NUMBER: &[u32] = oid!("1.3.6.1.2.1.43.5.1.1.17");
pub(crate) const ALERT_ALL_EVENTS: &[u32] = oid!("1.3.6.1.2.1.43.5.1.1.19");

/// The tables of subunits; columns are followed by hrDeviceIndex and the subunit's own index.
pub(crate) const COVER: &[u32] = oid!("1.3.6.1.2.1.43.6.1.1");
pub(crate) const COVER_DESCRIPTION: &[u32] = oid!("1.3.6.1.2.1.43.6.1.1.2");
pub(crate) const COVER_STATUS: &[u32] = oid!("1.3.6.1.2.1.43.6.1.1.3");

pub(crate) const INPUT: &[u32] = oid!("1.3.6.1.2.1.43.8.2.1");
pub(crate) const INPUT_CAPACITY_UNIT: &[u32] = oid!("1.3.6.1.2.1.43.8.2.1.8");
pub(crate) const INPUT_MAX_CAPACITY: &[u32] = oid!("1.3.6.1.2.1.43.8.2.1.9");
pub(crate) const INPUT_CURRENT_LEVEL: &[u32] = oid!("1.3.6.1.2.1.43.8.2.1.10");
pub(crate) const INPUT_MEDIA_NAME: &[u32] = oid!("1.3.6.1.2.1.43.8.2.1.12");
pub(crate) const INPUT_NAME: &[u32] = oid!("1.3.6.1.2.1.43.8.2.1.13");
pub(crate) const INPUT_DESCRIPTION: &[u32] = oid!("1.3.6.1.2.1.43.8.2.1.18");

pub(crate) const MARKER_COUNTER_UNIT: &[u32] = oid!("1.3.6.1.2.1.43.10.2.1.3");
pub(crate) const MARKER_LIFE_COUNT: &[u32] = oid!("1.3.6.1.2.1.43.10.2.1.4");

pub(crate) const SUPPLY: &[u32] = oid!("1.3.6.1.2.1.43.11.1.1");
pub(crate) const SUPPLY_COLORANT: &[u32] = oid!("1.3.6.1.2.1.43.11.1.1.3");
pub(crate) const SUPPLY_CLASS: &[u32] = oid!("1.3.6.1.2.1.43.11.1.1.4");
pub(crate) const SUPPLY_TYPE: &[u32] = oid!("1.3.6.1.2.1.43.11.1.1.5");
pub(crate) const SUPPLY_DESCRIPTION: &[u32] = oid!("1.3.6.1.2.1.43.11.1.1.6");
pub(crate) const SUPPLY_UNIT: &[u32] = oid!("1.3.6.1.2.1.43.11.1.1.7");
pub(crate) const SUPPLY_MAX_CAPACITY: &[u32] = oid!("1.3.6.1.2.1.43.11.1.1.8");
pub(crate) const SUPPLY_LEVEL: &[u32] = oid!("1.3.6.1.2.1.43.11.1.1.9");

pub(crate) const COLORANT_VALUE: &[u32] = oid!("1.3.6.1.2.1.43.12.1.1.4");

pub(crate) const CONSOLE_TEXT: &[u32] = oid!("1.3.6.1.2.1.43.16.5.1.2");

/// A console's lights: milliseconds that each is on and off in turn, its colour, what stands beside it.
pub(crate) const LIGHT_ON: &[u32] = oid!("1.3.6.1.2.1.43.17.6.1.2");
pub(crate) const LIGHT_OFF: &[u32] = oid!("1.3.6.1.2.1.43.17.6.1.3");
pub(crate) const LIGHT_COLOUR: &[u32] = oid!("1.3.6.1.2.1.43.17.6.1.4");
pub(crate) const LIGHT_TITLE: &[u32] = oid!("1.3.6.1.2.1.43.17.6.1.5");

pub(crate) const ALERT: &[u32] = oid!("1.3.6.1.2.1.43.18.1.1");
pub(crate) const ALERT_SEVERITY: &[u32] = oid!("1.3.6.1.2.1.43.18.1.1.2");
pub(crate) const ALERT_GROUP: &[u32] = oid!("1.3.6.1.2.1.43.18.1.1.4");
pub(crate) const ALERT_GROUP_INDEX: &[u32] = oid!("1.3.6.1.2.1.43.18.1.1.5");
pub(crate) const ALERT_CODE: &[u32] = oid!("1.3.6.1.2.1.43.18.1.1.7");
pub(crate) const ALERT_DESCRIPTION: &[u32] = oid!("1.3.6.1.2.1.43.18.1.1.8");

/// IEEE 1284 device IDs: of PWG 5107.1, and where HP put it and others followed.
pub(crate) const PWG_DEVICE_ID: &[u32] = oid!("1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1");
pub(crate) const HP_DEVICE_ID: &[u32] = oid!("1.3.6.1.4.1.11.2.3.9.1.1.7.0");
