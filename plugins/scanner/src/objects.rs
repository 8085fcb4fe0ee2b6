//! The standard objects that are asked for.

use hostler_plugin::oid;

/// SNMPv2-MIB (RFC 3418).
pub(crate) const SYS_DESCR: &[u32] = oid!("1.3.6.1.2.1.1.1.0");
pub(crate) const SYS_OBJECT_ID: &[u32] = oid!("1.3.6.1.2.1.1.2.0");
pub(crate) const SYS_UP_TIME: &[u32] = oid!("1.3.6.1.2.1.1.3.0");
pub(crate) const SYS_NAME: &[u32] = oid!("1.3.6.1.2.1.1.5.0");
pub(crate) const SYS_LOCATION: &[u32] = oid!("1.3.6.1.2.1.1.6.0");

/// HOST-RESOURCES-MIB (RFC 2790). A scanner's hrDeviceTable has one entry, itself.
pub(crate) const HR_SYSTEM_UPTIME: &[u32] = oid!("1.3.6.1.2.1.25.1.1.0");
pub(crate) const HR_DEVICE_TYPE: &[u32] = oid!("1.3.6.1.2.1.25.3.2.1.2");
pub(crate) const HR_DEVICE_DESCR: &[u32] = oid!("1.3.6.1.2.1.25.3.2.1.3.1");
pub(crate) const HR_DEVICE_STATUS: &[u32] = oid!("1.3.6.1.2.1.25.3.2.1.5.1");
pub(crate) const HR_DEVICE_PRINTER: &[u32] = oid!("1.3.6.1.2.1.25.3.1.5");

/// Printer-MIB (RFC 3805): what a scanner has none of.
pub(crate) const PRINTER_MIB: &[u32] = oid!("1.3.6.1.2.1.43");
pub(crate) const CONFIG_CHANGES: &[u32] = oid!("1.3.6.1.2.1.43.5.1.1.1.1");
pub(crate) const MARKER_LIFE_COUNT: &[u32] = oid!("1.3.6.1.2.1.43.10.2.1.4.1.1");
pub(crate) const SUPPLY_LEVEL: &[u32] = oid!("1.3.6.1.2.1.43.11.1.1.9.1.1");
