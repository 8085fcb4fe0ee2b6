//! Who is it?

use crate::models::{MODELS, Model};
use crate::objects::{HR_DEVICE_DESCR, SYS_DESCR, SYS_LOCATION, SYS_NAME, SYS_OBJECT_ID};
use hostler_plugin::types::{DeviceType, Failure, Identity};
use hostler_plugin::{Answers, interfaces};

/// Asks and puts together.
pub(crate) fn identify() -> Result<Identity, Failure> {
    let standard = [SYS_DESCR, SYS_OBJECT_ID, SYS_NAME, SYS_LOCATION, HR_DEVICE_DESCR];
    let objects: Vec<&[u32]> = standard.into_iter().chain(MODELS.iter().flat_map(Model::identity)).collect();
    let mut answers = Answers::get(&objects)?;
    interfaces::walk(&mut answers)?;
    if answers.is_empty() {
        return Err(Failure::Unsupported("its SNMP agent tells nothing of what it is".to_owned()));
    }
    let descr = answers.text(SYS_DESCR).unwrap_or_default();
    let model = Model::of(answers.object_id(SYS_OBJECT_ID).unwrap_or_default(), &descr);
    let own = |object: fn(&Model) -> Option<&'static [u32]>| model.and_then(object).and_then(|o| answers.text(o));
    Ok(Identity {
        device_type: DeviceType::Scanner,
        manufacturer: model.map(|model| model.maker.to_owned()),
        model: model_name(&answers, model),
        serial: own(|model| model.serial),
        mac: interfaces::mac(&answers),
        firmware: own(|model| model.firmware),
        name: answers.text(SYS_NAME).or_else(|| own(|model| model.name)),
        location: answers.text(SYS_LOCATION),
    })
}

/// hrDeviceDescr without the maker, which some put in front.
pub(crate) fn model_name(answers: &Answers, model: Option<&Model>) -> Option<String> {
    let device = answers.text(HR_DEVICE_DESCR)?;
    let maker = model.map(|model| model.maker).unwrap_or_default();
    let rest = device.strip_prefix(maker).map(str::trim_start).filter(|rest| !rest.is_empty());
    Some(rest.unwrap_or(&device).to_owned())
}
