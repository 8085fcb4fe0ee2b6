//! Printers and multifunction devices over SNMP (RFC 3805, RFC 2790).
