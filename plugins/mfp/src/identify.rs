//! Who is it?

use crate::descr::{Descr, names_a_model};
use crate::kind;
use crate::makers::Maker;
use crate::objects::{
    HP_DEVICE_ID, HR_DEVICE_DESCR, HR_DEVICE_TYPE, PRINTER_NAME, PWG_DEVICE_ID, SERIAL_NUMBER, SYS_DESCR, SYS_LOCATION,
    SYS_NAME, SYS_OBJECT_ID,
};
use crate::recognise::{device_id, is_printer};
use hostler_plugin::oid::join;
use hostler_plugin::types::{DeviceType, Failure, Identity};
use hostler_plugin::{Answers, interfaces, snmp, text};

/// Asks and puts together.
pub(crate) fn identify() -> Result<Identity, Failure> {
    let mut answers = Answers::get(&[SYS_DESCR, SYS_OBJECT_ID, SYS_NAME, SYS_LOCATION, PWG_DEVICE_ID, HP_DEVICE_ID])?;
    for column in [HR_DEVICE_TYPE, HR_DEVICE_DESCR] {
        answers.walk_more(column, 64)?;
    }
    interfaces::walk(&mut answers)?;
    let maker = maker(&answers);
    let [serial, name] = [SERIAL_NUMBER, PRINTER_NAME].map(|column| join(column, &[printer_index(&answers)]));
    let own = maker.map(|maker| [maker.model, maker.serial, maker.firmware]).unwrap_or_default();
    let more = [&serial, &name].into_iter().cloned().chain(own.into_iter().flatten().map(<[u32]>::to_vec));
    answers.add(snmp::get(&more.collect::<Vec<_>>())?);
    if answers.is_empty() {
        return Err(Failure::Unsupported("its SNMP agent tells nothing of what it is".to_owned()));
    }

    let id = device_id(&answers);
    let descr = answers.text(SYS_DESCR).map(|descr| Descr::parse(&descr)).unwrap_or_default();
    let own = |object: Option<&[u32]>| object.and_then(|object| answers.text(object));
    let texts = texts(&answers);
    Ok(Identity {
        device_type: kind_of(&texts),
        manufacturer: maker.map(|maker| maker.name.to_owned()).or(id.maker),
        model: title(&answers),
        serial: answers
            .text(&serial)
            .or_else(|| own(maker.and_then(|maker| maker.serial)))
            .or(id.serial)
            .or(descr.serial),
        mac: interfaces::mac(&answers),
        firmware: own(maker.and_then(|maker| maker.firmware)).or(descr.firmware),
        name: answers.text(SYS_NAME).or_else(|| answers.text(&name)),
        location: answers.text(SYS_LOCATION),
    })
}

fn kind_of(texts: &[String]) -> DeviceType {
    kind::of(texts.iter().map(String::as_str))
}

/// By what it calls itself; a device ID and an arc may be those of the maker that it was bought from.
fn maker(answers: &Answers) -> Option<&'static Maker> {
    let descr = answers.text(SYS_DESCR).unwrap_or_default();
    let id = device_id(answers);
    Maker::by_name(&descr)
        .or_else(|| Maker::by_name(id.maker.as_deref().unwrap_or_default()))
        .or_else(|| answers.object_id(SYS_OBJECT_ID).and_then(Maker::by_arc))
}

/// The hrDeviceIndex of the printer, which also begins the instances of its Printer-MIB.
pub(crate) fn printer_index(answers: &Answers) -> u32 {
    let printer = answers.below(HR_DEVICE_TYPE).find(|(_, value)| is_printer(value));
    printer.and_then(|(suffix, _)| suffix.first().copied()).unwrap_or(1)
}

/// Every text that describes the whole or a part.
pub(crate) fn texts(answers: &Answers) -> Vec<String> {
    let devices = answers.below(HR_DEVICE_DESCR).filter_map(|(_, value)| match value {
        snmp::Value::Octets(octets) => text::told(octets),
        _ => None,
    });
    let whole = [answers.text(SYS_DESCR), title(answers)];
    whole.into_iter().flatten().chain(devices).collect()
}

/// The model, without the maker's name.
pub(crate) fn title(answers: &Answers) -> Option<String> {
    let maker = maker(answers);
    let descr = answers.text(SYS_DESCR).map(|descr| Descr::parse(&descr)).unwrap_or_default();
    let from_descr = descr.model_of(maker);
    let device = answers.text(&join(HR_DEVICE_DESCR, &[printer_index(answers)]));
    let own = maker.and_then(|maker| maker.model).and_then(|object| answers.text(object));
    let told = [device, own, device_id(answers).model]
        .into_iter()
        .flatten()
        .filter(|model| names_a_model(model))
        .map(|model| maker.map_or(model.as_str(), |maker| maker.without_name(&model)).to_owned())
        .next();
    if maker.is_some_and(|maker| maker.model_in_descr) { from_descr.or(told) } else { told.or(from_descr) }
}
