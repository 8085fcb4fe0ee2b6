//! Is it a printer or a multifunction device?
//!
//! One message is enough for most things, and a second for what seems to have a hrDeviceTable: everything on
//! the network is asked this. What proves it is the Printer-MIB or an entry of hrDeviceTable; a maker's arc or the
//! words of sysDescr are hints, taken where the agent answers nothing else and doesn't say that it is something else.

use crate::device_id::DeviceId;
use crate::makers::Maker;
use crate::objects::{
    CONFIG_CHANGES, HP_DEVICE_ID, HR_DEVICE_DESCR, HR_DEVICE_PRINTER, HR_DEVICE_TYPE, MARKER_LIFE_COUNT, PRINTER_MIB,
    PWG_DEVICE_ID, SERIAL_NUMBER, SUPPLY_DESCRIPTION, SUPPLY_LEVEL, SYS_DESCR, SYS_OBJECT_ID,
};
use crate::{identify, kind};
use hostler_plugin::oid::join;
use hostler_plugin::text::has_word;
use hostler_plugin::types::{Certainty, Failure, Recognition};
use hostler_plugin::{Answers, oid, snmp};

/// Things that also have "print" or a maker of printers in their texts.
const OTHERS: [&str; 16] = [
    "ups",
    "pdu",
    "kva",
    "power distribution",
    "projector",
    "switch",
    "router",
    "camera",
    "scan server",
    "scanner",
    "document scanner",
    "storage",
    "firewall",
    "access point",
    "proliant",
    "linux",
];

/// Agents of operating systems: their hrDeviceTable lists the printers that a computer prints to.
const COMPUTERS: [&[u32]; 3] = [oid!("1.3.6.1.4.1.8072"), oid!("1.3.6.1.4.1.311"), oid!("1.3.6.1.4.1.2021")];

/// `None` means no.
pub(crate) fn recognise() -> Result<Option<Recognition>, Failure> {
    let mut answers = ask()?;
    let descr = answers.text(SYS_DESCR).unwrap_or_default();
    let object_id = answers.object_id(SYS_OBJECT_ID).unwrap_or_default().to_vec();
    let computer = COMPUTERS.iter().any(|arc| object_id.starts_with(arc));
    let by_arc = Maker::by_arc(&object_id);
    let by_name = Maker::by_name(&descr);

    let speaks = answers.below(PRINTER_MIB).next().is_some() || device_id(&answers).is_printer();
    let first = answers.object_id(&join(HR_DEVICE_TYPE, &[1]));
    if !speaks && first != Some(HR_DEVICE_PRINTER) && (first.is_some() || by_arc.is_some()) && !computer {
        answers.walk_more(HR_DEVICE_TYPE, 64)?;
    }
    let listed = answers.below(HR_DEVICE_TYPE).any(|(_, value)| is_printer(value));

    let other = OTHERS.iter().any(|word| has_word(&descr, word));
    let named = by_name.is_some_and(|maker| maker.names_a_printer(&descr));
    let certainty = if speaks || (listed && !computer) {
        if by_arc.is_some() || by_name.is_some() { Certainty::Certain } else { Certainty::Likely }
    } else if by_arc.is_some() && !is_only_a_scanner(&descr) {
        Certainty::Likely
    } else if !other && (named || calls_itself_printer(&descr)) {
        Certainty::Possible
    } else {
        return Ok(None);
    };
    // Some makers' sysDescr is the same for all that they make.
    if let (None, Some(model)) = (identify::title(&answers), by_name.or(by_arc).and_then(|maker| maker.model)) {
        answers.add(snmp::get(&[model.to_vec()])?);
    }
    let texts = identify::texts(&answers);
    let title = identify::title(&answers).unwrap_or(descr);
    Ok(Some(Recognition { certainty, device_type: kind::of(texts.iter().map(String::as_str)), title }))
}

fn ask() -> Result<Answers, Failure> {
    Ok(Answers::get_owned(&[
        SYS_DESCR.to_vec(),
        SYS_OBJECT_ID.to_vec(),
        join(HR_DEVICE_TYPE, &[1]),
        join(HR_DEVICE_DESCR, &[1]),
        join(CONFIG_CHANGES, &[1]),
        join(SERIAL_NUMBER, &[1]),
        join(MARKER_LIFE_COUNT, &[1, 1]),
        join(SUPPLY_DESCRIPTION, &[1, 1]),
        join(SUPPLY_LEVEL, &[1, 1]),
        PWG_DEVICE_ID.to_vec(),
        HP_DEVICE_ID.to_vec(),
    ])?)
}

pub(crate) fn is_printer(value: &snmp::Value) -> bool {
    matches!(value, snmp::Value::ObjectId(oid) if oid.as_slice() == HR_DEVICE_PRINTER)
}

/// The device ID, from wherever there is one.
pub(crate) fn device_id(answers: &Answers) -> DeviceId {
    let octets = answers.octets(PWG_DEVICE_ID).or_else(|| answers.octets(HP_DEVICE_ID));
    octets.map(DeviceId::parse).unwrap_or_default()
}

fn calls_itself_printer(descr: &str) -> bool {
    ["printer", "print server", "printserver", "laserjet", "mfp", "multifunction printer", "imagesetter", "plotter"]
        .iter()
        .any(|word| has_word(descr, word))
}

/// An MFP's sysDescr may well say "scanner", beside other things.
fn is_only_a_scanner(descr: &str) -> bool {
    let scans = ["scanner", "scan server"].iter().any(|word| has_word(descr, word));
    scans && !["printer", "mfp", "copier", "facsimile"].iter().any(|word| has_word(descr, word))
}
