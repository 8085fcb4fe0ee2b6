//! Network scanners over SNMP.
