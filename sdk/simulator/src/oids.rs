//! Names of the objects the simulator itself knows, each by its MIB.

/// SNMPv2-MIB (RFC 3418), system group.
pub(crate) const SYSTEM: &[u32] = &[1, 3, 6, 1, 2, 1, 1];
/// sysUpTime.0
pub(crate) const SYS_UP_TIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3, 0];
/// sysContact.0
pub(crate) const SYS_CONTACT: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 4, 0];
/// sysName.0
pub(crate) const SYS_NAME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 5, 0];
/// sysLocation.0
pub(crate) const SYS_LOCATION: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 6, 0];

/// IF-MIB (RFC 2863), ifNumber.0
pub(crate) const IF_NUMBER: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 1, 0];
/// ifEntry
pub(crate) const IF_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1];
/// ifPhysAddress
pub(crate) const IF_PHYS_ADDRESS: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1, 6];

/// HOST-RESOURCES-MIB (RFC 2790), hrSystemUptime.0
pub(crate) const HR_SYSTEM_UPTIME: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 1, 1, 0];
/// hrMemorySize.0
pub(crate) const HR_MEMORY_SIZE: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 2, 0];
/// hrDeviceOther
pub(crate) const HR_DEVICE_OTHER: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 1, 1];
/// hrDevicePrinter
pub(crate) const HR_DEVICE_PRINTER: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 1, 5];
/// hrDeviceEntry
pub(crate) const HR_DEVICE_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 2, 1];
/// hrDeviceStatus
pub(crate) const HR_DEVICE_STATUS: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 2, 1, 5];
/// hrPrinterEntry
pub(crate) const HR_PRINTER_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 5, 1];
/// hrPrinterStatus
pub(crate) const HR_PRINTER_STATUS: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 5, 1, 1];
/// hrPrinterDetectedErrorState
pub(crate) const HR_PRINTER_ERROR_STATE: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 5, 1, 2];

/// Printer-MIB (RFC 3805).
pub(crate) const PRINTER_MIB: &[u32] = &[1, 3, 6, 1, 2, 1, 43];
/// prtGeneralEntry
pub(crate) const PRT_GENERAL: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 5, 1, 1];
/// prtGeneralConfigChanges.1
pub(crate) const PRT_CONFIG_CHANGES: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 1, 1];
/// prtGeneralReset.1
pub(crate) const PRT_RESET: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 3, 1];
/// prtGeneralCurrentOperator.1
pub(crate) const PRT_OPERATOR: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 4, 1];
/// prtGeneralPrinterName.1
pub(crate) const PRT_PRINTER_NAME: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 16, 1];
/// prtGeneralSerialNumber.1
pub(crate) const PRT_SERIAL: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 17, 1];
/// prtCoverEntry
pub(crate) const PRT_COVER: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 6, 1, 1];
/// prtLocalizationEntry
pub(crate) const PRT_LOCALIZATION: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 7, 1, 1];
/// prtInputEntry
pub(crate) const PRT_INPUT: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 8, 2, 1];
/// prtOutputEntry
pub(crate) const PRT_OUTPUT: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 9, 2, 1];
/// prtMarkerEntry
pub(crate) const PRT_MARKER: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 10, 2, 1];
/// prtMarkerLifeCount
pub(crate) const PRT_LIFE_COUNT: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 10, 2, 1, 4];
/// prtMarkerSuppliesEntry
pub(crate) const PRT_SUPPLIES: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 11, 1, 1];
/// prtMarkerColorantEntry
pub(crate) const PRT_COLORANT: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 12, 1, 1];
/// prtMediaPathEntry
pub(crate) const PRT_MEDIA_PATH: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 13, 4, 1];
/// prtInterpreterEntry
pub(crate) const PRT_INTERPRETER: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 15, 1, 1];
/// prtConsoleDisplayBufferEntry
pub(crate) const PRT_CONSOLE_LINE: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 16, 5, 1];
/// prtConsoleLightEntry
pub(crate) const PRT_CONSOLE_LIGHT: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 17, 6, 1];
/// prtConsoleDisplayBufferText
pub(crate) const PRT_CONSOLE_TEXT: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 16, 5, 1, 2];
/// prtConsoleOnTime
pub(crate) const PRT_LIGHT_ON: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 17, 6, 1, 2];
/// prtConsoleOffTime
pub(crate) const PRT_LIGHT_OFF: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 17, 6, 1, 3];
/// prtAlertEntry
pub(crate) const PRT_ALERT: &[u32] = &[1, 3, 6, 1, 2, 1, 43, 18, 1, 1];

/// PWG Port Monitor MIB (PWG 5107.1), ppmPrinterIEEE1284DeviceId.1
pub(crate) const IEEE_1284_ID: &[u32] = &[1, 3, 6, 1, 4, 1, 2699, 1, 2, 1, 2, 1, 1, 3, 1];

/// The enterprise arc of the fictitious maker of our profiles.
pub(crate) const MAKER: &[u32] = &[1, 3, 6, 1, 4, 1, 99_999];
/// Whether the device sleeps, of the fictitious maker's printers: 1 awake, 2 asleep, 3 waking. Written, 1 wakes it and 2 has it sleep.
pub(crate) const POWER: &[u32] = &[1, 3, 6, 1, 4, 1, 99_999, 2, 1, 0];
/// Written 2, it prints a test page; 1 when it is read.
pub(crate) const TEST_PAGE: &[u32] = &[1, 3, 6, 1, 4, 1, 99_999, 2, 2, 0];
