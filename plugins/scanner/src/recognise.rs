//! Is it a scanner, and nothing else?

use crate::identify::model_name;
use crate::models::Model;
use crate::objects::{
    CONFIG_CHANGES, HR_DEVICE_DESCR, HR_DEVICE_PRINTER, HR_DEVICE_TYPE, MARKER_LIFE_COUNT, PRINTER_MIB, SUPPLY_LEVEL,
    SYS_DESCR, SYS_OBJECT_ID,
};
use hostler_plugin::Answers;
use hostler_plugin::snmp::Value;
use hostler_plugin::text::has_word;
use hostler_plugin::types::{Certainty, DeviceType, Failure, Recognition};

/// Words of scanners; those of other things that scan (barcodes, networks) are in [`OTHERS`].
const SCANNERS: [&str; 7] =
    ["scanner", "scan server", "scansnap", "imageformula", "scanfront", "scanmate", "document capture"];

/// Words of things that scan among others, or scan something else.
const OTHERS: [&str; 12] = [
    "printer",
    "mfp",
    "mfc",
    "copier",
    "facsimile",
    "fax",
    "multifunction",
    "barcode",
    "bar code",
    "vulnerability",
    "laserjet",
    "projector",
];

/// `None` means no: an MFP, which scans as well, is a printer here.
pub(crate) fn recognise() -> Result<Option<Recognition>, Failure> {
    let mut answers =
        Answers::get(&[SYS_DESCR, SYS_OBJECT_ID, HR_DEVICE_DESCR, CONFIG_CHANGES, MARKER_LIFE_COUNT, SUPPLY_LEVEL])?;
    let descr = answers.text(SYS_DESCR).unwrap_or_default();
    let device = answers.text(HR_DEVICE_DESCR).unwrap_or_default();
    let known = Model::of(answers.object_id(SYS_OBJECT_ID).unwrap_or_default(), &descr);
    let says = |words: &[&str]| words.iter().any(|word| has_word(&descr, word) || has_word(&device, word));
    let scans = known.is_some() || (says(&SCANNERS) && !says(&OTHERS));
    if !scans || answers.below(PRINTER_MIB).next().is_some() {
        return Ok(None);
    }
    // Only what seems to be one is asked this: an MFP lists its printer.
    answers.walk_more(HR_DEVICE_TYPE, 64)?;
    let prints = |value: &Value| matches!(value, Value::ObjectId(oid) if oid.as_slice() == HR_DEVICE_PRINTER);
    if answers.below(HR_DEVICE_TYPE).any(|(_, value)| prints(value)) {
        return Ok(None);
    }
    let certainty = if known.is_some() { Certainty::Certain } else { Certainty::Likely };
    let title = model_name(&answers, known).unwrap_or(descr);
    Ok(Some(Recognition { certainty, device_type: DeviceType::Scanner, title }))
}
