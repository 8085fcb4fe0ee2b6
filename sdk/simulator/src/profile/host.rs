//! What every networked device has: system group, one interface, one device entry (RFC 3418, 2863, 2790).

use async_snmp::{Oid, Value};

use super::rows::{Rows, fixed, text};
use crate::mib::{Live, Piece};
use crate::oids;

/// What is told of a model outside of its own trade.
pub(super) struct Host {
    /// sysDescr, up to the version of the firmware.
    pub(super) description: &'static str,
    /// The model with its maker, for hrDeviceDescr.
    pub(super) model: &'static str,
    /// sysObjectID below the maker's arc.
    pub(super) object_id: &'static [u32],
    /// hrDeviceType.
    pub(super) device_type: &'static [u32],
    /// hrMemorySize in KiB.
    pub(super) memory: i32,
}

/// Writes the groups of RFC 3418, RFC 2863 and RFC 2790.
pub(super) fn write(rows: &mut Rows, host: &Host) {
    system(rows, host);
    interface(rows);
    rows.scalar(oids::HR_SYSTEM_UPTIME, Live::Uptime);
    rows.scalar(oids::HR_MEMORY_SIZE, host.memory);
    rows.row(oids::HR_DEVICE_ENTRY, &[1])
        .column(1, 1)
        .column(2, host.device_type)
        .column(3, host.model)
        .column(4, &[0, 0][..])
        .column(5, Live::DeviceStatus)
        .column(6, Value::Counter32(0));
}

fn system(rows: &mut Rows, host: &Host) {
    let object_id = Oid::new(oids::MAKER.iter().chain(host.object_id).copied());
    rows.row(oids::SYSTEM, &[0])
        .column(1, text([fixed(host.description), fixed(", firmware "), Piece::Firmware]))
        .column(2, Value::ObjectIdentifier(object_id))
        .column(3, Live::Uptime)
        .column(4, "")
        .column(5, text([fixed("EX"), Piece::MacTail]))
        .column(6, "")
        .column(7, 72);
}

fn interface(rows: &mut Rows) {
    rows.scalar(oids::IF_NUMBER, 1);
    let traffic = |start, per_second| Live::Moving32 { start, per_second };
    rows.row(oids::IF_ENTRY, &[1])
        .column(1, 1)
        .column(2, "eth0")
        .integers(&[(3, 6), (4, 1500)])
        .column(5, Value::Gauge32(1_000_000_000))
        .column(6, Live::Mac(0))
        .integers(&[(7, 1), (8, 1)])
        .column(9, Value::TimeTicks(0))
        .column(10, traffic(81_237_114, 912))
        .column(11, traffic(611_020, 7))
        .column(13, Value::Counter32(0))
        .column(14, Value::Counter32(0))
        .column(16, traffic(12_093_551, 604))
        .column(17, traffic(98_113, 5))
        .column(19, Value::Counter32(0))
        .column(20, Value::Counter32(0));
}
